#!/bin/bash
# side-by-side.sh - several stacks at once, each with its own apps
#
#	this namespace
#	198.51.100.1 ---- tap1 ---- 198.51.100.2 (one)   udp_echo 7
#	203.0.113.1  ---- tap2 ---- 203.0.113.2  (two)   udp_echo 7
#	                  lo        127.0.0.1    (loopback)
. "$(dirname "$0")/lib.sh"

# another NAME TAP NET4 NET6: configs/tap.json for another network.
another() {
	sed "s/\"name\": \"tap\"/\"name\": \"$1\"/; s/tap0/$2/
		s/192\\.0\\.2\\./$3/; s/192\\.0\\.2\\./$3/; s/2001:db8::/$4/g
		s/02:00:00:00:00:02/02:00:00:00:01:0${2#tap}/" \
		configs/tap.json >"$work/$1.json"
}
another one tap1 198.51.100. 2001:db8:1::
another two tap2 203.0.113. 2001:db8:2::
stack_up "$work/one.json"
stack_up "$work/two.json"
stack_up configs/loopback.json
unset STRATA
for words in status 'nc 198.51.100.1 9' 'ping 198.51.100.1'; do
	# shellcheck disable=SC2086 # words
	refused 'several stacks run; name one' "$strata" $words
done

echo_up 7 one
echo_up 7 two
echo_up 7 loopback
for i in 1 2; do
	pings 100 -i 0.002 "$([ $i = 1 ] && echo 198.51.100.2 || echo 203.0.113.2)"
	pings 100 -i 0.002 -6 2001:db8:$i::2
	run "$udp_tester" -c 1000 -w 8 2001:db8:$i::2 7
done
for address in 127.0.0.1 ::1; do
	run env STRATA=loopback "$examples/udp_ask" $address 7 'in the loop'
	expect 'the answer' "$out" = 'in the loop'
done

# One goes, the others stay.
stack_down one
pings 10 -i 0.002 203.0.113.2
for s in two loopback; do
	slots_at_home $s
	stack_down $s
done
nothing_left
