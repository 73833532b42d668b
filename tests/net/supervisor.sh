#!/bin/bash
# supervisor.sh - the supervisor is killed: the daemons carry on
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
echo_up 7
pings 1 192.0.2.2
old=$(status_of .supervisor_pid)
"$pinger" -i 1000 -c 1500 -m "$work/marks" 192.0.2.2 >"$work/pinger" &
pid=$!
sleep 0.5
echo "$EPOCHREALTIME supervisor" >"$work/marks"
kill -9 "$old"
wait $pid || fail "$(cat "$work/pinger")"
cat "$work/pinger"
run "$udp_tester" -c 1000 -w 8 192.0.2.2 7
say "$out"
