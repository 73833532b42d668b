#!/bin/bash
# tcp_kill.sh - kill -9 of each daemon while connections are busy
#
#	this namespace                  configs/tap.json
#	tcp_peer                                          tcp_echo 7, tcp_ask
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# STREAMS transfers each way, of BYTES each, with checksums, while a daemon dies
# every 50 to 500 ms (SEED, printed).  No reset, no wrong byte, nobody fails, and
# no timer runs out.
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-200000000}
streams=${STREAMS:-3}
daemons=${DAEMONS:-tcpd ipd linkd udpd}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
say "seed $seed"
RANDOM=$seed
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

timeouts_begin
resets_before=$(resets)
stack_up configs/tap.json
tcp_echo_up 7

: >"$work/kills"
tcp_killer &
killer_pid=$!

from=$EPOCHREALTIME
for ((i = 0; i < streams; i++)); do
	timeout 300 "$tcp_peer" 192.0.2.2 7 <"$work/in" 2>"$work/err.$i" |
		md5sum >"$work/back.$i" &
	pids[i]=$!
	timeout 300 "$tcp_peer" -l 192.0.2.1 $((7100 + i)) <"$work/in" \
		2>"$work/peer.$i" |
		md5sum >"$work/kernel.$i" &
	kernel[i]=$!
done
sleep 0.3
for ((i = 0; i < streams; i++)); do
	timeout 300 "$examples/tcp_ask" 192.0.2.1 $((7100 + i)) <"$work/in" \
		2>"$work/ask.err.$i" | md5sum >"$work/ask.$i" &
	asks[i]=$!
done
for ((i = 0; i < streams; i++)); do
	wait "${pids[i]}" "${kernel[i]}" "${asks[i]}"
	cat "$work/err.$i" "$work/peer.$i" "$work/ask.err.$i"
	for what in back kernel ask; do
		expect "MD5 of $what.$i" "$(cat "$work/$what.$i")" = "$sum"
	done
done
kill $killer_pid
wait $killer_pid 2>/dev/null
say "$streams transfers of $bytes bytes there and back, and as many each way:" \
	"$(bc_ms "$from" "$EPOCHREALTIME") s, killed:" \
	"$(sort "$work/kills" | uniq -c | tr -s ' \n' ' ')"
say "loss probes $(counter loss_probes), retransmitted $(counter retransmitted)"
# A late duplicate for a connection that is long over is answered by a reset, and
# rightly so; what may not be is a connection that ends by one.
expect 'connections reset, by the kernel' "$(resets)" -eq "$resets_before"
expect 'connections reset, by us' "$(counter resets_received)" -eq 0
expect_short_gaps
kill $echo_pid
slots_at_home
stack_down
