#!/bin/bash
# mtu.sh - other MTUs, and a TAP without offloads
#
#	this namespace                  configs/tap.json, edited
#	192.0.2.1 -------- tap0 ------- 192.0.2.2   udp_echo 7
. "$(dirname "$0")/lib.sh"

for edit in 's/1500/1280/' 's/1500/9000/' 's/1500/65521/' \
	's/("offload": )true/\1false/' \
	's/1500/9000/; s/("offload": )true/\1false/'; do
	sed -E "$edit" configs/tap.json >"$work/tap.json"
	stack_up "$work/tap.json"
	mtu=$(jq .links[0].mtu "$work/tap.json")
	say "mtu $mtu, offload $(jq .links[0].offload "$work/tap.json")"
	expect 'the mtu of the TAP' "$(device tap0 mtu)" -eq "$mtu"
	echo_up 7
	for size in 56 $((mtu - 28)) $((mtu - 27)) 65507; do
		pings 20 -i 0.002 -s $((size < 65507 ? size : 65507)) 192.0.2.2
		pings 20 -i 0.002 -6 -s $((size < 65507 ? size : 65507)) \
			2001:db8::2
	done
	pings 5 -i 0.002 -M "do" -s $((mtu < 65507 ? mtu - 28 : 65000)) 192.0.2.2
	for address in 192.0.2.2 2001:db8::2; do
		run "$udp_tester" -s 0:65507:1777 $address 7
		say "$out"
	done
	slots_at_home
	kill $echo_pid
	stack_down
done
nothing_left
