#!/bin/bash
# web.sh - strata web: what curl gets, what a browser makes of it, and kills
#
#	this namespace                  configs/tap.json
#	ping, nc, curl, browser                 tcp_echo
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
tcp_echo_up 7
"$strata" web --listen 0 >"$work/url" &
web=$!
until_true 5 grep -q http "$work/url" || fail 'no server'
url=$(cat "$work/url")

# get PATH: the answer in $out.
get() {
	out=$(curl -sf --max-time 5 "$url$1") || fail "status $? of $url$1"
}

# status_code OPTIONS... PATH
status_code() {
	curl -s -o /dev/null -w '%{http_code}' --path-as-is "${@:1:$#-1}" \
		"$url${!#}"
}

# live FILTER: of all that the server keeps.
live() {
	get live/0
	jq -r "$1" <<<"$out"
}
lives() {
	[ "$(live "$1")" = true ]
}

# ---- What it gives, and to whom

get ''
[[ $out == '<!DOCTYPE html>'*'</html>' ]] || fail 'that is not the page'
grep -E '(src|href)="?(https?:)?//' <<<"$out" && fail 'it loads from elsewhere'
expect 'status of another page' "$(status_code none)" = 404
expect 'status of a file' "$(status_code ../../../etc/passwd)" = 404
expect 'status of no number' "$(status_code live/x)" = 404
expect 'status of POST' "$(status_code -X POST slow)" = 405
expect 'status for another name' \
	"$(status_code -H 'Host: example.org' live/0)" = 403
refused 'no [ADDRESS:]PORT' "$strata" web --listen x
refused 'no stack "none"' "$strata" web none
say "the page, at $url"

# ---- What moves

ping -q -i 0.01 -c 2000 192.0.2.2 >/dev/null &
ping=$!
{
	while sleep 0.1; do echo hello; done
} | timeout 60 nc -N 192.0.2.2 7 >/dev/null &
until_true 5 lives '.points | length > 20' || fail 'no time line'
until_true 5 lives '.picture.links[0].rx_frames > 20' || fail 'no picture'
expect 'points 50 ms apart' "$(live \
	'.points | (.[-1][1] - .[0][1]) / 1000 / (length - 1) | floor')" -ge 40
expect 'what is new' "$(live .number)" -gt 0
get "live/$(live .number)"
expect 'new points' "$(jq '.points | length' <<<"$out")" -lt 20
slow() {
	get slow
	jq -e "$1" <<<"$out" >/dev/null
}
until_true 5 slow '.sockets.counts["tcp ESTAB"] == 1' || fail "$out"
until_true 5 slow '[.latency.ways[].way] |
	any(. == "wire > linkd > ipd > linkd > wire")' || fail "$out"
say 'rates, sockets, latencies'

# ---- Kills

for name in ipd linkd tcpd udpd supervisor; do
	pid=$(status_of .supervisor_pid)
	[ $name = supervisor ] || pid=$(daemon pid $name)
	kill -9 "$pid"
	until_true 5 lives ".events | any(.daemon == \"$name\")" ||
		fail "the page does not show that $name was killed"
done
expect 'all but the gap of the supervisor are known' "$(live \
	'[.events[] | select(.gap_us > 0).daemon] | join(" ")')" = \
	'ipd linkd tcpd udpd'
until_true 5 slow '[.latency.ways[].way] |
	any(. == "wire > linkd > ipd > linkd > wire")' ||
	fail "nothing is measured after the kills: $out"
say "it went on: $(live '[.events[] | "\(.daemon) \(.gap_us)"] | join(", ")')"

# ---- A browser

tests/browser.sh "$url" --dump-dom >"$work/dom" 2>"$work/console"
status=$?
if [ $status -eq 77 ]; then
	say 'no browser here: the page was not loaded'
else
	expect 'status of the browser' $status -eq 0
	for words in '>tcpd</text>' '>udpd</text>' '>ipd</text>' \
		'>linkd</text>' '>tap0</text>' 'restarts 1, last gap' \
		'<td>supervisor</td>' '<td>ESTAB</td>' \
		'192.0.2.2:7' 'wire &gt; linkd &gt; ipd &gt; linkd &gt; wire'; do
		grep -qF "$words" "$work/dom" ||
			fail "no \"$words\" in: $(sed '/<script>/,$d' "$work/dom")"
	done
	[ ! -s "$work/console" ] ||
		fail "the browser says: $(cat "$work/console")"
	say "the page in a browser: $(wc -c <"$work/dom") bytes"
fi

# ---- The end of the stack, not of the page

kill $ping $echo_pid
slots_at_home
stack_down
until_true 5 lives '.state == "down"' || fail 'the page does not say it is down'
kill $web
nothing_left
