#!/bin/bash
# tcp_loss.sh - TCP through a wire that loses, reorders and doubles
#
#	this namespace                  configs/tap.json
#	tcp_peer                                      tcp_echo, tcp_ask
#	192.0.2.1 -------- tap0 == bad wire of linkd - 192.0.2.2
#	2001:db8::1                                   2001:db8::2
#
# Both ends use super-frames; linkd cuts them, as a wire would have them.
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-1000000}
rates=${RATES:-1 3 10}
seed=${SEED:-$RANDOM}
say "seed $seed"
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

timeouts_begin
stack_up configs/tap.json
tcp_echo_up 7

kernel_listens() {
	ss -Hltn 'sport = 7007' | grep -q .
}

# longest_stall RATE: in ms, for what is lost by RATE % each way.  Nothing comes
# while a retransmission timer runs; it is doubled if the retransmission or its
# ACK is lost too, which is so with q = 1 - (1 - RATE)^2.  k in a row last for
# RTO * (2^k - 1); k is such that among 30 stalls (about as many as both ends
# count at 10 %) one in a hundred runs has a longer one.  The RTO is 200 ms, the least of both
# ends, and some round trips of a few ms and of this machine's delays.
longest_stall() {
	awk -v rate="$1" -v rto=$((300 * slow)) 'BEGIN {
		q = 1 - (1 - rate / 100) ^ 2
		for (k = 1; 30 * q ^ k > 1 / 100; k++)
			;
		print rto * (2 ^ k - 1)
	}'
}

# stalled: what tcp_peer has seen; $stall is the longest of this rate.
stalled() {
	out=$(cat "$work/said")
	[ "$(value silence_ms)" -le "$stall" ] || stall=$(value silence_ms)
}

# there ADDRESS: from the kernel to tcp_echo and back.
there() {
	timeout 100 "$tcp_peer" "$1" 7 <"$work/in" >"$work/back" \
		2>"$work/said" || fail "tcp_peer: $(cat "$work/said")"
	expect "MD5 through $1" "$(md5sum <"$work/back")" = "$sum"
	stalled
}

# here ADDRESS: tcp_ask to the kernel, and what it sends.
here() {
	timeout 100 "$tcp_peer" -l "$1" 7007 <"$work/in" >"$work/far" \
		2>"$work/said" &
	local peer_pid=$!
	until_true 5 kernel_listens || fail 'nobody listens'
	timeout 100 "$examples/tcp_ask" "$1" 7007 <"$work/in" >"$work/out" ||
		fail "tcp_ask: status $?"
	wait $peer_pid
	expect "MD5 to $1" "$(md5sum <"$work/far")" = "$sum"
	expect "MD5 from $1" "$(md5sum <"$work/out")" = "$sum"
	stalled
}

for rate in $rates; do
	stall=0
	run "$strata" impair "$stack" tap0 loss="$rate" duplicate=1 reorder=2 \
		delay_ms=1 seed="$seed"
	for address in 192.0.2 2001:db8::; do
		dot=${address/*::/} dot=${dot:+.}
		from=$EPOCHREALTIME
		there "$address${dot}2"
		mid=$EPOCHREALTIME
		here "$address${dot}1"
		say "$rate % lost: $bytes bytes with $address in" \
			"$(bc_ms "$from" "$mid") s and" \
			"$(bc_ms "$mid" "$EPOCHREALTIME") s"
	done
	say "longest silence $stall ms, at most $(longest_stall "$rate")"
	expect "ms of silence, $rate % lost" "$stall" -le \
		"$(longest_stall "$rate")"
done
say "$("$strata" impair "$stack" tap0 show | grep ^impair_)"
expect 'frames lost' "$(counter impair_rx_lost)" -gt 0
expect 'frames lost' "$(counter impair_tx_lost)" -gt 0
run "$strata" impair "$stack" tap0 off
say "retransmitted $(counter retransmitted), timeouts $(counter timeouts)," \
	"spurious $(counter spurious); the kernel's timeouts $(kernel_timeouts)"
kill $echo_pid
slots_at_home
stack_down
