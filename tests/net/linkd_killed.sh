#!/bin/bash
# linkd_killed.sh - linkd killed under load, with nothing but a mirror above it
#
#	this namespace
#	192.0.2.1 ---- tap0 --- linkd --- echo_ipd (in ipd's place)
#	2001:db8::1             192.0.2.2, 2001:db8::2
#
# No echo may be lost: neither one that the kernel has handed to the linkd that
# dies, nor one on its way down.
. "$(dirname "$0")/lib.sh"

# The stack's programs, and among them a stand-in.
mkdir "$work/bin"
cp "$BUILD/strata" "$BUILD/linkd" "$work/bin"
cp "$BUILD/tests/net/echo_ipd" "$work/bin/ipd"
strata=$work/bin/strata

jq -n '{
	name: "echo",
	links: [{
		name: "tap0", device: "tap", mac: "02:00:00:00:00:02",
		addresses: ["192.0.2.2/24", "2001:db8::2/64"],
		host: ["192.0.2.1/24", "2001:db8::1/64"]
	}],
	processes: [
		{ name: "linkd", layer: "linkd" },
		{ name: "ipd", layer: "ipd" }
	],
	rings: [
		{ from: "linkd", to: "ipd" },
		{ from: "ipd", to: "linkd" }
	]
}' >"$work/echo.json"
stack_up "$work/echo.json"
pings 3 -i 0.1 192.0.2.2
pings 3 -i 0.1 -6 2001:db8::2

# Fixed numbers, so that none is on its way when ping ends; as many floods as it
# takes, since how long one lasts depends on the machine.
for _ in $(seq 30); do
	ping -q -n -f -c $((250000 / slow)) -w 60 192.0.2.2 >"$work/flood" &
	flood=$!
	sleep 0.1
	while kill -0 $flood 2>/dev/null; do
		kill_daemon linkd
		sleep 0.1
	done
	wait $flood
	out=$(tail -n 3 "$work/flood")
	lost=$(awk '/transmitted/ { print $1 - $4 }' "$work/flood")
	expect 'echoes lost' "$lost" -eq 0
	[ "$(daemon restarts linkd)" -lt 10 ] || break
done
say "$out"
expect restarts "$(daemon restarts linkd)" -ge 10

pings 3 -i 0.1 -6 2001:db8::2
slots_at_home
stack_down
nothing_left
