#!/bin/bash
# tcp_short.sh - many short connections while daemons die
#
#	this namespace                  configs/tap.json
#	tcp_calls                                         tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# RATE connections a second for so many SECONDS, each asks and is answered; a
# daemon dies every 50 to 500 ms (SEED, printed).  None fails, none is reset, no
# timer runs out.
. "$(dirname "$0")/lib.sh"

rate=${RATE:-1000}
seconds=${SECONDS_OF_CALLS:-5}
daemons=${DAEMONS:-tcpd ipd linkd udpd}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
say "seed $seed"
RANDOM=$seed

timeouts_begin
resets_before=$(resets)
stack_up configs/tap.json
tcp_echo_up 7
: >"$work/kills"
tcp_killer &
killer_pid=$!
run "$BUILD/tests/net/tcp_calls" 192.0.2.2 7 "$rate" "$seconds"
kill $killer_pid
wait $killer_pid 2>/dev/null
say "$out"
say "killed: $(sort "$work/kills" | uniq -c | tr -s ' \n' ' ')"
expect_short_gaps
expect 'connections reset, by the kernel' "$(resets)" -eq "$resets_before"
expect 'connections reset, by us' "$(counter resets_received)" -eq 0
kill $echo_pid
slots_at_home
stack_down
