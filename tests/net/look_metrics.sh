#!/bin/bash
# look_metrics.sh - strata metrics: numbers that are so, text that parses
#
#	this namespace                  configs/tap.json
#	ping, nc, curl                                 tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# What the text has to be says Prometheus' own parser.
. "$(dirname "$0")/lib.sh"

ip link set lo up
stack_up configs/tap.json
# listen ARGUMENTS...: $url is where it serves, $server its process.
listen() {
	rm -f "$work/url"
	"$strata" metrics "$stack" --listen 0 "$@" >"$work/url" &
	server=$!
	until_true 3 grep -qs http "$work/url" || fail 'it does not listen'
	url=$(cat "$work/url")
}
listen

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

# Each link's bytes, between two looks at the kernel's end of it.
link_metric() {
	metric "strata_link_$1_total{link=\"tap0\"}"
}
kernel=$(device tap0 stats64.rx.bytes)
frames=$(link_metric transmit_frames)
bytes=$(link_metric transmit_bytes)
pings 5 -i 0.01 -s 1000 192.0.2.2
bytes=$(($(link_metric transmit_bytes) - bytes))
frames=$(($(link_metric transmit_frames) - frames))
kernel=$(($(device tap0 stats64.rx.bytes) - kernel))
expect 'frames sent' $frames -ge 5
expect 'bytes sent' $bytes -ge $((5 * 1042))
expect 'bytes that the kernel got' $kernel -ge $bytes
expect 'bytes that the kernel got' $kernel -le $((bytes + 2000))
run "$strata" metrics "$stack"
! grep -q '^strata_events.*_bytes"' <<<"$out" || fail 'bytes among packets'
grep -q '^strata_bytes_total{daemon="linkd",event="tx_bytes"} [1-9]' \
	<<<"$out" || fail "no bytes of linkd"

tcp_echo_up 7
exec 5<>/dev/tcp/192.0.2.2/7
sockets() {
	metric "strata_sockets{protocol=\"tcp\",state=\"$1\"}"
}
is_open() {
	[ "$(sockets ESTAB)" -eq "$1" ]
}
until_true 3 is_open 1 || fail "open: $(sockets ESTAB)"
expect 'listeners' "$(sockets LISTEN)" -eq 1
exec 5<&- 5>&-
until_true 3 is_open 0 || fail "open: $(sockets ESTAB)"
kill "$echo_pid"
say 'links and sockets are counted'

curl -sfi "$url" >"$work/page"
grep -q '^Content-Type: application/openmetrics-text; version=1.0.0' \
	"$work/page" || fail "$(head "$work/page")"
# Debian's python3 has the parser; another may be first in PATH.
strictly() {
	/usr/bin/python3 - "$1" <<'PY'
import collections
import sys
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

lines = open(sys.argv[1]).read().splitlines()
twice = [name for name, n in collections.Counter(
    line.rsplit(" ", 1)[0] for line in lines if line[0] != "#").items() if n > 1]
if twice:
    sys.exit(f"twice: {twice}")
samples = collections.Counter()
for f in text_fd_to_metric_families(line + "\n" for line in lines):
    if f.type == "unknown" or not f.documentation:
        sys.exit(f"{f.name} has no TYPE or no HELP")
    if f.unit != next((u for u in ("seconds", "bytes")
                       if f.name.endswith("_" + u)), ""):
        sys.exit(f"{f.name} has the unit {f.unit}")
    samples[f.type] += len(f.samples)
print(dict(samples))
PY
}

# Each sample stands behind the TYPE of its family; the end is the end.
run "$strata" metrics "$stack"
printf '%s\n' "$out" >"$work/text"
parsed=$(strictly "$work/text") || fail 'no OpenMetrics text'
say "$parsed"
bad=$(awk '
	/^# TYPE / { name = $3; if (seen[name]++) print "twice: " $0; next }
	/^# (HELP|UNIT) / { if ($3 != name) print; next }
	/^# EOF$/ { end = NR; next }
	!/^[a-z_]+({([a-z]+="[^"]*",?)+})? [0-9.e+-]+$/ { print; next }
	index($0, name) != 1 { print "in a wrong family: " $0 }
	END { if (end != NR) print "no end" }' <<<"$out")
[ -z "$bad" ] || fail "$bad"
say "$(grep -vc '^#' <<<"$out") samples in $(grep -c TYPE <<<"$out") families"

# The same for other programs.
run "$strata" metrics "$stack" --json
expect 'families' "$(jq length <<<"$out")" -eq "$(grep -c TYPE "$work/text")"
expect 'slots' "$(jq '.[] | select(.name == "strata_pool_slots").metrics[] |
	select(.labels.daemon == "linkd").value' <<<"$out")" -eq \
	"$(awk '/^strata_pool_slots{daemon="linkd"}/ { print $2 }' "$work/text")"
refused 'usage' "$strata" metrics "$stack" --json --listen 0

# ---- Latency: nobody has measured so far

! grep -q histogram "$work/text" || fail 'it measures unasked'
kill $server
listen --latency
# hop FAMILY SUFFIX LE: of what ipd answers.
hop() {
	metric "strata_hop_$1_seconds_$2{daemon=\"ipd\",from=\"linkd\",to=\"linkd\",slot=\"ipd\",born=\"wire\"$3}"
}
pings 50 -i 0.002 192.0.2.2
expect 'waits' "$(hop waiting count '')" -ge 50
expect 'works' "$(hop work bucket ',le="+Inf"')" -ge 50
awk -v sum="$(hop work sum '')" -v n="$(hop work count '')" 'BEGIN {
	exit !(sum / n > 1e-7 && sum / n < 0.1) }' ||
	fail "work: $(hop work sum '') s of $(hop work count '')"
kill -9 "$(status_of .supervisor_pid)"
until_true 5 curl -sf "$url" -o "$work/x" || fail 'nobody answers'
before=$(hop work count '')
pings 50 -i 0.002 192.0.2.2
expect 'works' "$(hop work count '')" -ge $((before + 50))
curl -sf "$url" >"$work/text"
parsed=$(strictly "$work/text") || fail 'no OpenMetrics text'
say "$parsed"
kill $server
# Once: what came in a second.
wait $server
before=$("$strata" metrics "$stack" --latency | grep -c _bucket)
expect 'buckets' "$before" -ge 100
run "$strata" metrics "$stack" --latency --json
expect 'the last bucket' "$(jq '[.[] | select(.type == "histogram").metrics[] |
	.buckets["+Inf"] == .count] | all' <<<"$out")" = true
say 'latencies are histograms'
listen --latency

# Whoever says nothing, or half of it, keeps nobody, however many they are; other
# pages are not there.
port=${url##*:}
for _ in {1..40}; do
	{
		printf 'GET /metr'
		exec sleep 8
	} >"/dev/tcp/127.0.0.1/${port%%/*}" 2>/dev/null &
done
sleep 0.2
from=$EPOCHREALTIME
expect 'stack' "$(metric 'strata_info{name="tap"}')" -eq 1
waited=$(bc_ms "$from" "$EPOCHREALTIME")
expect 'ms behind 40 half requests' "$((10#${waited/./}))" -lt $((1000 * slow))
expect 'another page' "$(curl -s -o "$work/x" -w '%{http_code}' \
	"${url%metrics}nosuchpage")" -eq 404
refused 'is no' "$strata" metrics "$stack" --listen nowhere

# The stack is gone: so it is said, and it may come again.
stack_down
expect 'without a stack' "$(curl -s -o "$work/x" -w '%{http_code}' "$url")" \
	-eq 503
stack_up configs/tap.json
expect 'stack' "$(metric 'strata_info{name="tap"}')" -eq 1
is_measured_anew() {
	pings 1 192.0.2.2
	[ "$(hop work count '')" -lt 50 ]
}
until_true 10 is_measured_anew || fail "still $(hop work count '')"
kill $server
stack_down
