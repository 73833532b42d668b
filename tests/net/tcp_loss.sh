#!/bin/bash
# tcp_loss.sh - TCP through a wire that loses, reorders and doubles
#
#	namespace far            this namespace
#	tcp_peer, veth far0 ------- near0 ==impair== tap0 ------- tcp_echo, tcp_ask
#	192.0.2.1, 2001:db8::1                  192.0.2.2, 2001:db8::2
#
# Frames as on a wire: without super-frames on either side.
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-1000000}
rates=${RATES:-1 3 10}
seed=${SEED:-$RANDOM}
say "seed $seed"
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

ns_new far
# shellcheck disable=SC2154 # ns_new has set it
ip link add near0 type veth peer name far0 netns "$far"
ip -n "$far" address add 192.0.2.1/24 dev far0
# While it looks for duplicates of its address, for up to 2 s, the kernel would
# connect from ::1, and go on doing so.
ip -n "$far" address add 2001:db8::1/64 dev far0 nodad
ip -n "$far" link set far0 up
ip link set near0 up
ethtool -K near0 tso off gso off gro off tx off >/dev/null
ip netns exec "$far" ethtool -K far0 tso off gso off gro off tx off >/dev/null
far() {
	ip netns exec "$far" "$@"
}

jq 'del(.links[].host) | .links[].offload = false' configs/tap.json \
	>"$work/topology.json"
stack_up "$work/topology.json"
ip link set tap0 up
tcp_echo_up 7

far_listens() {
	far ss -Hltn 'sport = 7007' | grep -q .
}

# there ADDRESS: from the kernel to tcp_echo and back.
there() {
	far timeout 100 "$tcp_peer" "$1" 7 <"$work/in" >"$work/back" \
		2>"$work/said" || fail "tcp_peer: $(cat "$work/said")"
	expect "MD5 through $1" "$(md5sum <"$work/back")" = "$sum"
}

# here ADDRESS: tcp_ask to the kernel, and what it sends.
here() {
	far timeout 100 "$tcp_peer" -l "$1" 7007 <"$work/in" >"$work/far" \
		2>"$work/said" &
	local peer_pid=$!
	until_true 5 far_listens || fail 'nobody listens'
	timeout 100 "$examples/tcp_ask" "$1" 7007 <"$work/in" >"$work/out" ||
		fail "tcp_ask: status $?"
	wait $peer_pid
	expect "MD5 to $1" "$(md5sum <"$work/far")" = "$sum"
	expect "MD5 from $1" "$(md5sum <"$work/out")" = "$sum"
}

for rate in $rates; do
	"$BUILD/tests/net/impair" -l "$rate" -d 1 -r 2 -D 1 -s "$seed" \
		tap0 near0 >"$work/impair" &
	impair_pid=$!
	until_true 3 grep -qs joined "$work/impair" || fail 'no impair'
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
	kill $impair_pid
	wait $impair_pid
	say "$(tail -n 1 "$work/impair")"
done
say "retransmitted $(counter retransmitted), timeouts $(counter timeouts)," \
	"spurious $(counter spurious)"
kill $echo_pid
slots_at_home
stack_down
