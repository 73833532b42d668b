#!/bin/bash
# apps.sh - apps that are killed or stopped in the middle disturb nobody
#
#	this namespace                  configs/tap.json
#	udp_tester                      192.0.2.2   udp_echo 7, 8
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
echo_up 7
good=$echo_pid
one_socket_is_left() {
	[ "$(status_of '[.apps[].sockets] | add // 0')" -eq 1 ]
}

# ---- Killed in the middle, again and again, while the other one works

"$udp_tester" -r 5000 -c 20000 192.0.2.2 7 >"$work/good" &
tester=$!
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo_up 8
	"$udp_tester" -r 10000 -c 1000 192.0.2.2 8 >/dev/null &
	noise=$!
	sleep 0.0$i
	kill -9 $echo_pid
	wait $echo_pid 2>/dev/null
	wait $noise
done
wait $tester || fail "$(cat "$work/good")"
say "$(cat "$work/good")"
until_true 3 one_socket_is_left ||
	fail "sockets are left: $(status_of .apps)"

# ---- Stopped in the middle, then killed while stopped

echo_up 8
"$udp_tester" -r 5000 -c 10000 192.0.2.2 7 >"$work/good" &
tester=$!
"$udp_tester" -r 10000 -c 10000 192.0.2.2 8 >"$work/stopped" &
noise=$!
sleep 0.3
kill -STOP $echo_pid
wait $tester || fail "$(cat "$work/good")"
say "$(cat "$work/good")"
kill -CONT $echo_pid
wait $noise
say "stopped for a time: $(cat "$work/stopped")"
run "$udp_tester" -c 100 192.0.2.2 8
kill -STOP $echo_pid
"$udp_tester" -r 10000 -c 2000 192.0.2.2 8 >/dev/null
kill -9 $echo_pid
wait $echo_pid 2>/dev/null
run "$udp_tester" -c 1000 -w 8 192.0.2.2 7
say "$out"

# ---- One that floods the socket by which it may ring

"$udp_tester" -r 5000 -c 10000 192.0.2.2 7 >"$work/good" &
tester=$!
run "$flooder" 1500
say "$out"
wait $tester || fail "$(cat "$work/good")"
say "$(cat "$work/good")"

# ---- Its number is the next one's when linkd has forgotten its rings, too

apps() {
	status_of '.apps | length'
}
one_is_left() {
	[ "$(apps)" -eq 1 ]
}
linkd=$(status_of '.daemons[] | select(.layer == "linkd") | .pid')
echo_up 8
kill -STOP "$linkd"
kill -9 $echo_pid
wait $echo_pid 2>/dev/null
sleep 0.3
stopped=$(apps)
kill -CONT "$linkd"
expect 'apps while linkd is stopped' "$stopped" -eq 2
until_true 3 one_is_left || fail "an app is left: $(status_of .apps)"

# ---- And so again and again, more often than there are numbers

for _ in $(seq 60); do
	echo_up 8
	kill -9 $echo_pid
	wait $echo_pid 2>/dev/null
done
until_true 3 one_is_left || fail "apps are left: $(status_of .apps)"

# ---- Its port is free again

echo_up 8
run "$udp_tester" -c 100 192.0.2.2 8
expect 'the good one' "$(pgrep --ns $$ --nslist pid -x udp_echo | grep -cx "$good")" -eq 1
expect 'restarts' "$(status_of '[.daemons[].restarts] | add')" -eq 0
slots_at_home

# ---- Whoever was to say that it is done with an app dies first

# leaves_while_linkd_stands VICTIM: which is then killed.
leaves_while_linkd_stands() {
	linkd=$(status_of '.daemons[] | select(.layer == "linkd") | .pid')
	kill -STOP "$linkd"
	kill -9 $echo_pid
	wait $echo_pid 2>/dev/null
	sleep 0.2
	kill -9 "$1"
	kill -CONT "$linkd" 2>/dev/null
	until_true 5 one_is_left ||
		fail "an app is left: $(status_of .apps)"
}
leaves_while_linkd_stands "$(status_of .supervisor_pid)"
echo_up 8
leaves_while_linkd_stands \
	"$(status_of '.daemons[] | select(.layer == "linkd") | .pid')"
run "$udp_tester" -c 1000 -w 8 192.0.2.2 7
say "$out"
