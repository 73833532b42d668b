#!/bin/bash
# linkd_blocked.sh - a device that takes no more keeps the order and loses none
#
#	this namespace                          $far
#	192.0.2.1 ---- v0 ===(8 Mbit/s)=== v1 --- linkd --- echo_ipd
#
# The socket's send buffer holds about 90 of these echoes; 300 come at once.
. "$(dirname "$0")/lib.sh"

# The stack's programs, and among them a stand-in for ipd.
mkdir "$work/bin"
cp "$BUILD/strata" "$BUILD/linkd" "$work/bin"
cp "$BUILD/tests/net/echo_ipd" "$work/bin/ipd"
strata=$work/bin/strata

far=
ns_new far
run ip link add v0 type veth peer name v1 netns "$far"
run ip addr add 192.0.2.1/24 dev v0
run ip link set v0 up
run ip -n "$far" link set v1 up
ip netns exec "$far" tc qdisc add dev v1 root tbf rate 8mbit burst 1600 \
	latency 5s 2>/dev/null || skip "no tbf in this kernel"

jq -n '{
	name: "slow",
	links: [{
		name: "v1", device: "packet", interface: "v1",
		addresses: ["192.0.2.2/24"]
	}],
	processes: [
		{ name: "linkd", layer: "linkd" },
		{ name: "ipd", layer: "ipd" }
	],
	rings: [
		{ from: "linkd", to: "ipd" },
		{ from: "ipd", to: "linkd" }
	]
}' >"$work/slow.json"
stack_up "$work/slow.json" "$far"
pings 1 192.0.2.2
pings 300 -s 1000 -l 300 192.0.2.2
expect 'the device refused' "$(counter tx_blocked)" -gt 0
slots_at_home
stack_down
nothing_left
