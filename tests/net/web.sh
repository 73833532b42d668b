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
expect 'status of the browser (.ci/deps has one)' $? -eq 0
for words in '>tcpd</text>' '>udpd</text>' '>ipd</text>' \
	'>linkd</text>' '>tap0</text>' 'restarts 1, last gap' \
	'% CPU</text>' '% of pool</text>' '>slots come home from</text>' \
	'entries of the ring from tcpd wait</title>' \
	'<td>supervisor</td>' '<td>ESTAB</td>' \
	'192.0.2.2:7' 'wire &gt; linkd &gt; ipd &gt; linkd &gt; wire'; do
	grep -qF "$words" "$work/dom" ||
		fail "no \"$words\" in: $(sed '/<script>/,$d' "$work/dom")"
done
[ ! -s "$work/console" ] || fail "the browser says: $(cat "$work/console")"
say "the page in a browser: $(wc -c <"$work/dom") bytes"

# The same page, and another script on it: what was drawn at first is what is
# there later, with other words in it; a mistake in a script is not called the
# server's.
cat >"$work/between.py" <<'END'
import http.server, sys, urllib.request

class Between(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with urllib.request.urlopen(sys.argv[1] + self.path[1:]) as answer:
            body = answer.read()
            kind = answer.headers['Content-Type']
        if self.path == '/':
            body = body.replace(b'</body>', open(sys.argv[2], 'rb').read())
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Between)
print(f'http://127.0.0.1:{server.server_port}/', flush=True)
server.serve_forever()
END
cat >"$work/script.html" <<'END'
<script>
const things = () => [...document.querySelectorAll(
	"#picture path, #picture title, #events td, #drops td")];
const draw_it = picture;
let before = null, drawn = 0;
picture = (...all) => {
	draw_it(...all);
	drawn++;
	if (drawn === 2) before = things();
	if (drawn !== 5) return;
	document.body.dataset.kept = before.length > 20 &&
		before.every((e, i) => e === things()[i]);
	timeline = () => { throw Error("a mistake"); };
};
</script></body>
END
python3 "$work/between.py" "$url" "$work/script.html" >"$work/between" &
between=$!
until_true 5 grep -q http "$work/between" || fail 'no server between'
tests/browser.sh "$(cat "$work/between")" --dump-dom >"$work/dom" 2>"$work/console"
kill $between
grep -qF 'data-kept="true"' "$work/dom" ||
	fail "the page draws all anew: $(sed '/<script>/,$d' "$work/dom")"
grep -q 'a mistake' "$work/console" || fail 'a mistake is not told'
! grep -q 'id="state"[^<]*does not answer' "$work/dom" ||
	fail 'a mistake is called the server'"'"'s'
say 'what is drawn stays'

# ---- The end of the stack, not of the page

kill $ping $echo_pid
slots_at_home
stack_down
until_true 5 lives '.state == "down"' || fail 'the page does not say it is down'
kill $web
wait $web
nothing_left
