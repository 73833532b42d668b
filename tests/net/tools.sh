#!/bin/bash
# tools.sh - the tools that are apps of the stack, against the kernel's
#
#	this namespace                  configs/tap.json
#	nc, web server                                strata nc, strata fetch
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	2001:db8::1                     2001:db8::2
. "$(dirname "$0")/lib.sh"

command -v nc >/dev/null || skip 'no nc of the kernel'
bytes=20000000
mkdir "$work/www"
head -c "$bytes" /dev/urandom >"$work/www/big"
sum=$(md5sum <"$work/www/big")
printf 0123456789 >"$work/www/ten"
stack_up configs/tap.json

# ---- nc

# serve ARGUMENTS...: a listener of ours, which gets our standard input and
# writes to $work/in; $server is its process.
serve() {
	rm -f "$work/nc"
	"$strata" nc -l -v "$@" <&0 2>"$work/nc" >"$work/in" &
	server=$!
	until_true 3 grep -qs listening "$work/nc" || fail "$(cat "$work/nc")"
}

for address in 192.0.2 2001:db8::; do
	case $address in
	*:) ours=${address}2 theirs=${address}1 port=7006 v=-6 ;;
	*) ours=$address.2 theirs=$address.1 port=7004 v=-4 ;;
	esac
	# From the kernel to us, and back.
	serve -N $port <"$work/www/big"
	out=$(timeout 20 nc -N $ours $port <"$work/www/big" | md5sum)
	expect "what came from $ours" "$out" = "$sum"
	wait $server || fail "status $?: $(cat "$work/nc")"
	expect "what came to $ours" "$(md5sum <"$work/in")" = "$sum"
	# We call.
	timeout 20 nc $v -l -N $port <"$work/www/big" >"$work/in" &
	server=$!
	until_true 3 eval "ss -Hltn | grep -q :$port" || fail 'no nc of the kernel'
	out=$("$strata" nc -N $theirs $port <"$work/www/big" | md5sum)
	expect "what came from $theirs" "$out" = "$sum"
	wait $server
	expect "what came to $theirs" "$(md5sum <"$work/in")" = "$sum"

	serve -u -w 1 $port <<<'answer'
	out=$(echo question | timeout 5 nc -u -W 1 $ours $port)
	expect 'the datagram back' "$out" = answer
	wait $server || fail "status $?: $(cat "$work/nc")"
	expect 'the datagram there' "$(cat "$work/in")" = question
done
say 'nc: TCP and UDP, both families, both ways'

# One after the other, and both families at one listener.
serve -k 7008 </dev/null
for address in 192.0.2.2 2001:db8::2 192.0.2.2; do
	echo "to $address" | timeout 5 nc -N $address 7008
done
until_true 3 eval "[ \$(wc -l <$work/in) -eq 3 ]" || fail "$(cat "$work/in")"
kill $server
serve -k -u 7009 </dev/null
for i in 1 2 3; do
	echo $i | timeout 5 nc -u -w 1 -q 0 192.0.2.2 7009
done
until_true 3 eval "[ \$(wc -l <$work/in) -eq 3 ]" || fail "$(cat "$work/in")"
kill $server
refused refused "$strata" nc 192.0.2.1 7010
refused refused "$strata" nc -4 192.0.2.2 7010
refused 'timed out' "$strata" nc -w 1 192.0.2.77 7011 </dev/null
refused 'usage: strata nc' "$strata" nc 192.0.2.1
refused 'not a number' "$strata" nc -w x 192.0.2.1 7
say 'nc: -k, -w, refusals'

# ---- fetch

cat >"$work/server.py" <<'END'
import http.server, os, re, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        asked = re.match(r'bytes=(\d*)-(\d*)$', self.headers.get('Range', ''))
        if not asked:
            return super().do_GET()
        body = open(self.translate_path(self.path), 'rb').read()
        a, b = asked.groups()
        first = int(a) if a else len(body) - int(b)
        last = int(b) + 1 if a and b else len(body)
        self.send_response(206)
        self.send_header('Content-Length', str(len(body[first:last])))
        self.end_headers()
        self.wfile.write(body[first:last])
os.chdir(sys.argv[1])
Server(('::', 8080), Handler).serve_forever()
END
python3 "$work/server.py" "$work/www" 2>/dev/null &
until_true 5 curl -s -o /dev/null http://192.0.2.1:8080/ ||
	fail 'no server of the kernel'
for address in 192.0.2.1 '[2001:db8::1]'; do
	out=$("$strata" fetch "http://$address:8080/big" | md5sum)
	expect "MD5 from $address" "$out" = "$sum"
	run "$strata" fetch -v -o "$work/got" "http://$address:8080/big"
	say "$out"
	expect 'MD5 of the file' "$(md5sum <"$work/got")" = "$sum"
	run "$strata" fetch -r 2-4 "http://$address:8080/ten"
	expect 'bytes 2 to 4' "$out" = 234
	run "$strata" fetch -r -3 "http://$address:8080/ten"
	expect 'the last three' "$out" = 789
done
refused 404 "$strata" fetch -o "$work/none" http://192.0.2.1:8080/nothing
[ ! -e "$work/none" ] || fail 'a file was made for nothing'
refused refused "$strata" fetch http://192.0.2.1:8081/
refused 'usage: strata fetch' "$strata" fetch https://192.0.2.1/
refused 'a range is' "$strata" fetch -r x http://192.0.2.1/
say 'fetch'

slots_at_home
stack_down
nothing_left
