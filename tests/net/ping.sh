#!/bin/bash
# ping.sh - the kernel's ping over a TAP and over a veth pair, from the first
#
#	this namespace                     configs/tap.json
#	192.0.2.1 -------- tap0 ---------- 192.0.2.2
#	2001:db8::1                        2001:db8::2
#
#	this namespace                     T: configs/packet.json
#	198.51.100.1 ---- veth0 | veth1 -- 198.51.100.2
#	2001:db8:1::1                      2001:db8:1::2
#
# Nothing is lost, not even what is sent as the very first packet, while both
# sides have yet to find out each other's MAC address.
. "$(dirname "$0")/lib.sh"

# ping_all FILE A4 A6 [NAMESPACE]
ping_all() {
	local file=$1 a4=$2 a6=$3
	shift 3
	# Each as the first packet of a stack that has just come up.
	for first in "$a4" "-6 $a6" "-s 65507 $a4" "-6 -s 65507 $a6"; do
		stack_up "$file" "$@"
		# shellcheck disable=SC2086 # options
		pings 1 $first
		stack_down
	done
	stack_up "$file" "$@"
	expect 'ms until the addresses can be used' "$took" -lt $((1500 * slow))
	pings 1000 -i 0.002 "$a4"
	pings 1000 -i 0.002 -6 "$a6"
	for size in 0 1 1472 1473 2000 9000 65507; do
		pings 20 -i 0.002 -s $size "$a4"
		pings 20 -i 0.002 -6 -s $size "$a6"
	done
	run "$pinger" -c 20000 -w 8 "$a4"
	say "$out"
	run "$pinger" -c 200 -w 2 -s 20000 "$a6"
	say "$out"
	expect 'slots lost or doubled' "$(counter slot_unknown)" -eq 0
	slots_at_home
	stack_down
	nothing_left
}

ping_all configs/tap.json 192.0.2.2 2001:db8::2

T=; ns_new T
ip link add veth0 type veth peer name veth1 netns "$T"
ip addr add 198.51.100.1/24 dev veth0
ip addr add 2001:db8:1::1/64 dev veth0 nodad
ip link set veth0 up
ip -n "$T" link set veth1 up
is_up() {
	[ "$(device veth0 operstate)" = UP ]
}
until_true 3 is_up
ping_all configs/packet.json 198.51.100.2 2001:db8:1::2 "$T"
