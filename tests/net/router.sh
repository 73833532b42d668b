#!/bin/bash
# router.sh - configs/two-links.json between two hosts
#
#	this namespace            two-links                  far
#	192.0.2.1 ---- left ---- 192.0.2.2
#	                         198.51.100.2 ---- right ---- 198.51.100.1
#	2001:db8:a::1            2001:db8:a::2
#	                         2001:db8:b::2                2001:db8:b::1
#	                                                      203.0.113.1 (lo)
. "$(dirname "$0")/lib.sh"

stack_up configs/two-links.json
far=; ns_new far
ip link set right netns "$far"
ip -n "$far" addr add 198.51.100.1/24 dev right
ip -n "$far" addr add 2001:db8:b::1/64 dev right nodad
ip -n "$far" addr add 203.0.113.1/32 dev lo
ip -n "$far" link set right up
ip -n "$far" route add default via 198.51.100.2
ip -n "$far" route add default via 2001:db8:b::2
ip route add default via 192.0.2.2
ip route add default via 2001:db8:a::2

# ---- Through it

pings 100 -i 0.002 198.51.100.1
pings 100 -i 0.002 203.0.113.1
pings 100 -i 0.002 -6 2001:db8:b::1
pings 10 -i 0.002 -s 65507 198.51.100.1
pings 10 -i 0.002 -6 -s 65507 2001:db8:b::1
ip netns exec "$far" "$BUILD/tests/bench/kernel_echo" 7 &
until_true 3 ip netns exec "$far" "$udp_tester" -c 1 198.51.100.1 7
run "$udp_tester" -c 5000 -w 16 -s 1400 198.51.100.1 7
say "$out"
run "$udp_tester" -s 0:20000:777 2001:db8:b::1 7
say "$out"

# ---- To it

for address in 192.0.2.2 198.51.100.2 '-6 2001:db8:a::2' '-6 2001:db8:b::2'; do
	# shellcheck disable=SC2086 # options
	pings 10 -i 0.002 $address
done

# ---- What a router says

refused 'Time to live exceeded' ping -n -c 1 -t 1 -W 2 198.51.100.1
refused 'Time exceeded: Hop limit' ping -6 -n -c 1 -t 1 -W 2 2001:db8:b::1
pings 1 -t 2 198.51.100.1
pings 1 -t 2 -6 2001:db8:b::1
"$udp_tester" -c 2 203.0.113.1 9 >"$work/closed"
out=$(cat "$work/closed")
expect 'ECONNREFUSED from beyond' "$(value refused)" -eq 2
refused 'Unreachable' ping -n -c 1 -W 5 198.51.100.77

# A host that does not answer: its neighbour's state, then an error.
say "$(status_of '.neighbours[] | "\(.address) \(.state)"' | tr '\n' ' ')"
slots_at_home
stack_down

# ---- A narrower link beyond

sed 's/"name": "right",/& "mtu": 1280,/' configs/two-links.json \
	>"$work/narrow.json"
stack_up "$work/narrow.json"
ip link set right netns "$far"
ip -n "$far" addr add 198.51.100.1/24 dev right
ip -n "$far" addr add 2001:db8:b::1/64 dev right nodad
ip -n "$far" link set right up
ip -n "$far" route add default via 198.51.100.2
ip -n "$far" route add default via 2001:db8:b::2
ip route replace default via 192.0.2.2
ip route replace default via 2001:db8:a::2
refused 'mtu = 1280' ping -n -c 1 -M "do" -s 1400 -W 2 198.51.100.1
refused 'mtu=1280' ping -6 -n -c 1 -M "do" -s 1400 -W 2 2001:db8:b::1
ip route flush cache
pings 1 -M dont -s 1400 198.51.100.1
# Both have learnt it.
pings 3 -i 0.01 -6 -s 1400 2001:db8:b::1
slots_at_home
stack_down
nothing_left
