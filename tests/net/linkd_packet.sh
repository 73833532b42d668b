#!/bin/bash
# linkd_packet.sh - linkd on a PF_PACKET socket, with and without offloads
#
#	this namespace                     $far
#	192.0.2.1 ---- v0 ========= v1 --- linkd --- echo_ipd (in ipd's place)
#	2001:db8::1                        192.0.2.2, 2001:db8::2
. "$(dirname "$0")/lib.sh"

# The stack's programs, and among them a stand-in.
mkdir "$work/bin"
cp "$BUILD/strata" "$BUILD/linkd" "$work/bin"
cp "$BUILD/tests/net/echo_ipd" "$work/bin/ipd"
strata=$work/bin/strata

# v1 where the kernel has no address: it must not answer in our place.
far=
ns_new far
run ip link add v0 type veth peer name v1 netns "$far"
run ip addr add 192.0.2.1/24 dev v0
run ip addr add 2001:db8::1/64 dev v0 nodad
run ip link set v0 up
run ip -n "$far" link set v1 up

for offload in true false; do
	jq -n --argjson offload $offload '{
		name: "packet",
		links: [{
			name: "v1", device: "packet", interface: "v1",
			offload: $offload,
			addresses: ["192.0.2.2/24", "2001:db8::2/64"]
		}],
		processes: [
			{ name: "linkd", layer: "linkd" },
			{ name: "ipd", layer: "ipd" }
		],
		rings: [
			{ from: "linkd", to: "ipd" },
			{ from: "ipd", to: "linkd" }
		]
	}' >"$work/packet.json"
	stack_up "$work/packet.json" "$far"
	pings 5 -i 0.01 192.0.2.2
	pings 5 -i 0.01 -6 2001:db8::2
	pings 3000 -f 192.0.2.2

	# A neighbour that dies is missed, one with another MAC is found.
	run ip link set v0 address 02:00:00:00:0a:0a
	pings 2 -i 0.1 192.0.2.2
	pings 2 -i 0.1 -6 2001:db8::2

	# What the socket has no room for while linkd is away has its counter.
	linkd=$(daemon pid linkd)
	kill -STOP "$linkd"
	ping -q -n -c 8000 -l 8000 -s 1400 -W 1 192.0.2.2 >/dev/null
	kill -CONT "$linkd"
	until_true 5 eval test "\$(counter rx_kernel_dropped)" -gt 0 ||
		fail 'the kernel dropped nothing, or nobody counted'
	say "dropped by the kernel: $(counter rx_kernel_dropped)"
	pings 5 -i 0.01 192.0.2.2

	slots_at_home
	stack_down
done
nothing_left
