#!/bin/bash
# life.sh - a stack comes up, says how it is, changes its daemons, goes
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# ---- Up and down

for _ in 1 2 3; do
	stack_up configs/tap.json
	expect 'ms until the addresses can be used' "$took" -lt $((1500 * slow))
	pings 1 192.0.2.2
	stack_down
	nothing_left
done

# In the foreground, Ctrl-C takes all down.  It reaches the whole process group,
# which with job control is the stack's own.
for signal in INT TERM; do
	set -m
	: >"$work/log" # not what the round before has left
	"$strata" up configs/tap.json >"$work/log" 2>&1 &
	pid=$!
	set +m
	until_true 5 grep -q 'is up' "$work/log" || fail "$(cat "$work/log")"
	pings 1 192.0.2.2
	kill -$signal -- -$pid
	wait $pid
	expect "exit status after $signal" $? -eq 0
	nothing_left
done

# ---- What it says of itself

# A file that its caller has open is none of a daemon's business.
exec 9>"$work/callers-own"
stack_up configs/tap.json
exec 9>&-
pings 5 -i 0.01 192.0.2.2
for name in linkd ipd tcpd udpd; do
	expect "files of the caller that $name has" \
		"$(find "/proc/$(daemon pid $name)/fd" -lname '*callers-own' |
			wc -l)" -eq 0
done
for key in name layer pid uptime_ms restarts cpu rss; do
	expect "daemons with $key" \
		"$(status_of "[.daemons[] | select(.$key != null)] | length")" \
		-eq 4
done
expect 'layers' "$(status_of '[.daemons[].layer] | sort | join(" ")')" \
	= 'ipd linkd tcpd udpd'
for table in links addresses neighbours routes rings pools; do
	expect "$table" "$(status_of ".$table | length")" -ge 1
done
expect 'addresses that are valid' \
	"$(status_of '[.addresses[] | select(.state == "valid")] | length')" \
	-eq 3
expect 'the neighbour' "$(status_of '.neighbours[0].mac')" \
	= "$(device tap0 address)"
run "$strata" status
for word in DAEMON LINK ADDRESS NEIGHBOUR ROUTE RING POOL; do
	grep -q "^$word" <<<"$out" || fail "no $word in: $out"
done

# ---- Bad commands

refused 'no daemon "linkx"' "$strata" restart tap linkx
refused 'no stack "nobody" is running' "$strata" status nobody
refused 'no such level' "$strata" log tap linkd loud

# ---- Each daemon changed for another under load

"$pinger" -i 1000 -c 3000 192.0.2.2 >"$work/restarts" &
pid=$!
sleep 0.2
for name in linkd ipd tcpd udpd; do
	old=$(daemon pid $name)
	run "$strata" restart tap $name
	expect "pid of $name" "$(daemon pid $name)" -ne "$old"
	expect "restarts of $name" "$(daemon restarts $name)" -eq 1
done
wait $pid || fail "$(cat "$work/restarts")"
say "$(cat "$work/restarts")"
slots_at_home

# ---- The log, at run time: the way of a ping, field by field

log=/run/strata/tap/log
quiet=$(wc -l <$log)
pings 20 -i 0.002 192.0.2.2
expect 'lines logged for pings' "$(wc -l <$log)" -eq "$quiet"
for name in linkd ipd; do
	run "$strata" log tap $name debug
	expect 'the level' "$(daemon log $name)" = debug
done
pings 1 -s 32 192.0.2.2
sleep 0.1
for name in linkd ipd; do
	run "$strata" log tap $name info
done
tail -n +$((quiet + 1)) $log >"$work/way"
cat "$work/way"
# Up through linkd and ipd, down again; each header with its fields.
way=$(grep -oE '\] (linkd|ipd): [rt]x|type: [08] ' "$work/way" | tr '\n' ' ')
expect 'the way' "$way" = '] linkd: rx ] ipd: rx type: 8  ] ipd: tx type: 0  ] linkd: tx '
for want in 'source: 192.0.2.1' 'destination: 192.0.2.1' 'time to live: 64' \
	'sequence number: 1' 'data: 32 bytes'; do
	grep -q "^    $want" "$work/way" || fail "no \"$want\" in the log"
done
grep -vE '^[0-9:.]+ \[debug\] (linkd|ipd): .* \([a-z0-9_/]+\.c:[0-9]+\)$' \
	"$work/way" | grep -vE '^    [^:]+: .+' &&
	fail 'lines of another form'
lines=$(wc -l <$log)
pings 20 -i 0.002 192.0.2.2
expect 'lines logged for pings' "$(wc -l <$log)" -eq "$lines"
stack_down
nothing_left
