#!/bin/bash
# blocked.sh - calls that are blocked when udpd, the supervisor or all is killed
#
#	this namespace                configs/tap.json
#	192.0.2.1 ------- tap0 ------ linkd (stopped for a while) ... a program
#	                                  with a thread in recv(), one in sendto()
. "$(dirname "$0")/lib.sh"

said() {
	tail -n 1 "$work/blocked"
}
sent() {
	said | sed -n 's/.* sent //p'
}
sends_on() {
	[ "$(sent)" -gt "$1" ]
}
hears() {
	[[ $(said) == "heard $1 "* ]]
}
stands_still() {
	local before
	before=$(sent)
	sleep 0.3
	[ "$(sent)" = "$before" ]
}

stack_up configs/tap.json
"$BUILD/tests/net/blocked" 7 192.0.2.1 >"$work/blocked" &
blocked=$!
heard=0
linkd=$(daemon pid linkd)
for victim in udpd supervisor; do
	kill -STOP "$linkd"
	until_true 5 stands_still || fail "it still sends: $(said)"
	before=$(sent)
	if [ $victim = udpd ]; then
		kill_daemon udpd
	else
		kill -9 "$(status_of .supervisor_pid)"
	fi
	sleep 0.3
	expect "sent with linkd stopped, $victim killed" "$(sent)" -eq "$before"
	kill -CONT "$linkd"
	until_true 5 sends_on "$before" || fail "it sends no more: $(said)"
	heard=$((heard + 1))
	echo x >/dev/udp/192.0.2.2/7
	until_true 5 hears $heard || fail "nothing heard: $(said)"
	say "$victim killed: recv() and sendto() go on"
done

# With nobody left both end, and at once.
kill -STOP "$linkd"
until_true 5 stands_still || fail "it still sends: $(said)"
stack_down
until_true 1 grep -q recv: "$work/blocked" || fail "still there: $(said)"
wait $blocked
expect 'how it ended' "$(said)" = 'recv: ENETDOWN, sendto: ENETDOWN'
say "the stack down: $(said)"
nothing_left
