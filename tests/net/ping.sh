#!/bin/bash
# ping.sh - the kernel's ping over a TAP and over a veth pair, from the first,
# and how long ours waits
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

# ---- How long ours waits for what does not come

# timed ARGUMENTS...: $out, $status and $ms of strata ping.
timed() {
	local from=$EPOCHREALTIME
	out=$("$strata" ping "$@" 2>&1)
	status=$?
	ms=$(bc_ms "$from" "$EPOCHREALTIME")
	ms=$((10#${ms/./}))
	say "strata ping $*: status $status after $ms ms"
}

# took STATUS LEAST MOST WORDS: of the last one, in ms.
took() {
	expect "status in $out" $status -eq "$1"
	expect 'ms' "$ms" -ge "$2"
	expect 'ms' "$ms" -lt $(($3 * slow))
	[[ $out == *"$4"* ]] || fail "no \"$4\" in: $out"
}

stack_up configs/tap.json
# Who is reached is not waited for.
timed -c 1 192.0.2.1
took 0 0 500 ' 1 received'
timed -c 1 2001:db8::1
took 0 0 500 ' 1 received'
# A silent neighbour: the stack itself says so after three seconds, and that is
# the end; it is the end of waiting, too, when the last of several is refused.
timed -c 1 192.0.2.77
took 1 2000 6000 'From 192.0.2.2 icmp_seq=1 Destination Host Unreachable'
timed -c 1 2001:db8::77
took 1 2000 6000 'icmp_seq=1 Destination unreachable: Address unreachable'
timed -c 3 -i 0.1 192.0.2.78
took 1 2000 6000 '+3 errors, 100% packet loss'
# Who says nothing at all is waited for 10 seconds, or for what -W says.
run ip route add blackhole 198.51.100.0/25
sysctl -q net.ipv4.ip_forward=1
timed -c 1 198.51.100.7
took 1 9900 11500 ' 0 received, 100%'
timed -c 1 -W 0.5 198.51.100.7
took 1 450 1500 ' 0 received, 100%'
timed -c 2 -i 0.2 -W 0.5 198.51.100.7
took 1 650 1700 '2 packets transmitted, 0 received'
# 0 is for ever.
timeout -s INT 3 "$strata" ping -c 1 -W 0 198.51.100.7 >"$work/ping"
grep -q '1 packets transmitted, 0 received' "$work/ping" ||
	fail "-W 0: $(cat "$work/ping")"
# Once there was an answer, -W counts no more: of 20, half are lost, and it ends
# soon after the last.
run "$strata" impair tap tap0 tx loss=50 seed=4
timed -c 20 -i 0.1 -W 8 192.0.2.1
took 0 1900 3500 '20 packets transmitted, '
[[ $out != *' 20 received'* ]] || fail "nothing was lost: $out"
run "$strata" impair tap tap0 off
sysctl -q net.ipv4.ip_forward=0
run ip route del blackhole 198.51.100.0/25
stack_down
nothing_left

# ---- A veth pair

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
