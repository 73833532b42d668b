#!/bin/bash
# linkd alone against the kernel, and killed under load
#
#	kernel 192.0.2.1 --- tap0 --- linkd --- echo_ipd (in ipd's place)
#	       2001:db8::1            192.0.2.2, 2001:db8::2
#
# No echo may be lost: neither one that the kernel has handed to the linkd that
# dies, nor one on its way down.
set -u
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$dir"' EXIT

fail() {
	echo "FAILED: $*"
	tail "$dir/log"
	exit 1
}

[ -c /dev/net/tun ] || { echo "no /dev/net/tun"; exit 77; }
cp "$BUILD/strata" "$BUILD/linkd" "$dir"
cp "$BUILD/tests/net/echo_ipd" "$dir/ipd"
export STRATA_RUN_DIR=$dir/run
cat >"$dir/stack.json" <<'END'
{
	"name": "echo",
	"links": [{
		"name": "tap0", "device": "tap", "mac": "02:00:00:00:00:02",
		"addresses": ["192.0.2.2/24", "2001:db8::2/64"],
		"host": ["192.0.2.1/24", "2001:db8::1/64"]
	}],
	"processes": [
		{ "name": "linkd", "layer": "linkd" },
		{ "name": "ipd", "layer": "ipd" }
	],
	"rings": [
		{ "from": "linkd", "to": "ipd" },
		{ "from": "ipd", "to": "linkd" }
	]
}
END
"$dir/strata" up "$dir/stack.json" >"$dir/log" 2>&1 &
for _ in $(seq 50); do
	grep -q 'is up' "$dir/log" && break
	sleep 0.1
done

echo "test: ping, both families, before any of them dies"
ping -q -c 3 -i 0.1 -W 2 192.0.2.2 || fail "ping"
ping -q -c 3 -i 0.1 -W 2 2001:db8::2 || fail "ping -6"

# The one that runs, not the standby: status knows.
running() {
	"$dir/strata" status | awk '$1 == "linkd" && $2 == "linkd" { print $3 }'
}

echo "test: 40 kills under a flood of pings"
ping -q -f -c 1000000 -w 6 192.0.2.2 >"$dir/ping" &
ping=$!
sleep 0.5
for _ in $(seq 40); do
	pid=$(running)
	[ "${pid:-0}" -gt 0 ] && kill -9 "$pid"
	sleep 0.1
done
wait $ping
cat "$dir/ping"
# The very last may still be on its way when ping's time is up.
lost=$(awk '/transmitted/ { print $1 - $4 }' "$dir/ping")
[ "$lost" -le 1 ] || fail "$lost echoes lost"
restarts=$("$dir/strata" status |
	awk '$1 == "linkd" && $2 == "linkd" { print $6 }')
[ "$restarts" -ge 20 ] || fail "only $restarts restarts"
echo "$restarts restarts, $lost lost"

echo "test: every slot is accounted for"
sleep 0.3
"$dir/strata" status | grep -A3 'ALL ACCOUNTED' | tee "$dir/pools"
grep -q ' no$' "$dir/pools" && fail "slots are missing"
exit 0
