#!/bin/bash
# tcp_many.sh - ten thousand connections at once
#
#	this namespace                  configs/tap.json
#	tcp_hold                                          tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# COUNT connections; what one more costs, in time and in memory; all of them
# live when tcpd has been killed.
. "$(dirname "$0")/lib.sh"

count=${COUNT:-10000}
[ "$(ulimit -n)" -ge 20000 ] || ulimit -n 20000 || fail 'no descriptors'

stack_up configs/tap.json
tcp_echo_up 7

# Bytes in memory of the four daemons and tcp_echo; shared pages count once.
memory() {
	local sum=0 pid
	for pid in $(daemon pid linkd) $(daemon pid ipd) $(daemon pid tcpd) \
		$(daemon pid udpd) $echo_pid; do
		sum=$((sum + $(awk '/^Pss:/ { print $2 * 1024 }' \
			"/proc/$pid/smaps_rollup")))
	done
	echo $sum
}

before=$(memory)
mkfifo "$work/hold"
"$BUILD/tests/net/tcp_hold" 192.0.2.2 7 "$count" <"$work/hold" \
	>"$work/held" 2>&1 &
hold_pid=$!
exec 3>"$work/hold"
until_true 120 grep -qs open "$work/held" ||
	fail "tcp_hold: $(cat "$work/held")"
out=$(cat "$work/held")
say "$out"
after=$(memory)
say "each takes $(((after - before) / count)) bytes in all processes"
kill_daemon tcpd
exec 3>&-
wait $hold_pid || fail "tcp_hold: $(cat "$work/held")"
say "$(tail -n 1 "$work/held"), after the death of tcpd: gap $(tcp_gaps) us"
expect 'the last ones took, us' "$(value last_us)" -le \
	$(($(value first_us) * 3 + 200))
expect 'connections accepted' "$(counter accepted)" -eq "$count"
kill $echo_pid
# Ten thousand connections end first.
slots_at_home "$stack" 10
stack_down
