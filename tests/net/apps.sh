#!/bin/bash
# apps.sh - apps that are killed or stopped in the middle disturb nobody
#
#	this namespace                  configs/tap.json
#	udp_tester                      192.0.2.2   udp_echo 7, 8
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
echo_up 7
good=$echo_pid
sockets() {
	status_of '[.apps[].sockets] | add // 0'
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
until_true 3 [ "$(sockets)" -eq 1 ] ||
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

# ---- Its port is free again

echo_up 8
run "$udp_tester" -c 100 192.0.2.2 8
expect 'the good one' "$(pgrep --ns $$ --nslist pid -x udp_echo | grep -cx "$good")" -eq 1
expect 'restarts' "$(status_of '[.daemons[].restarts] | add')" -eq 0
slots_at_home
