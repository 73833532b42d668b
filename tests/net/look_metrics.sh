#!/bin/bash
# look_metrics.sh - strata metrics: numbers that are so, text that parses
#
#	this namespace                  configs/tap.json
#	ping, curl                                         the stack
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

ip link set lo up
stack_up configs/tap.json
"$strata" metrics "$stack" --listen 0 >"$work/url" &
server=$!
until_true 3 grep -qs http "$work/url" || fail 'it does not listen'
url=$(cat "$work/url")

up_again() {
	[ "$(daemon up ipd)" = true ]
}

# metric NAME{LABELS}, by HTTP.
metric() {
	curl -sf --max-time 5 "$url" | grep -F "$1 " | awk '{ print $2 }'
}

before=$(metric 'strata_events_total{daemon="ipd",event="icmp_echo_answered"}')
pings 7 -i 0.01 192.0.2.2
after=$(metric 'strata_events_total{daemon="ipd",event="icmp_echo_answered"}')
expect 'echo replies' $((after - before)) -eq 7
expect 'restarts' "$(metric 'strata_daemon_restarts_total{daemon="ipd"}')" -eq 0
expect 'a drop that never was' \
	"$(metric 'strata_drops_total{daemon="ipd",reason="tx_no_route"}')" -eq 0
expect 'addresses' \
	"$(metric 'strata_addresses{link="tap0",state="valid"}')" -eq 3
kill_daemon ipd
until_true 3 up_again
pings 1 192.0.2.2
expect 'restarts' "$(metric 'strata_daemon_restarts_total{daemon="ipd"}')" -eq 1
say 'counters count'

curl -sfi "$url" >"$work/page"
grep -q '^Content-Type: application/openmetrics-text; version=1.0.0' \
	"$work/page" || fail "$(head "$work/page")"
# Each sample stands behind the TYPE of its family; the end is the end.
run "$strata" metrics "$stack"
bad=$(awk '
	/^# TYPE / { name = $3; if (seen[name]++) print "twice: " $0; next }
	/^# HELP / { if ($3 != name) print; next }
	/^# EOF$/ { end = NR; next }
	!/^[a-z_]+({([a-z]+="[^"]*",?)+})? [0-9.e+-]+$/ { print; next }
	index($0, name) != 1 { print "in a wrong family: " $0 }
	END { if (end != NR) print "no end" }' <<<"$out")
[ -z "$bad" ] || fail "$bad"
say "$(grep -vc '^#' <<<"$out") samples in $(grep -c TYPE <<<"$out") families"

# Whoever says nothing keeps nobody; other pages are not there.
port=${url##*:}
for _ in {1..8}; do
	sleep 3 >"/dev/tcp/127.0.0.1/${port%%/*}" &
done
expect 'stack' "$(metric 'strata_info{name="tap"}')" -eq 1
expect 'another page' "$(curl -s -o "$work/x" -w '%{http_code}' \
	"${url%metrics}nosuchpage")" -eq 404
refused 'is no' "$strata" metrics "$stack" --listen nowhere

# The stack is gone: so it is said, and it may come again.
stack_down
expect 'without a stack' "$(curl -s -o "$work/x" -w '%{http_code}' "$url")" \
	-eq 503
stack_up configs/tap.json
expect 'stack' "$(metric 'strata_info{name="tap"}')" -eq 1
kill $server
stack_down
