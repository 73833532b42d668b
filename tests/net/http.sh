#!/bin/bash
# http.sh - http_server for the kernel's curl, http_get from the kernel's servers
#
#	this namespace                  configs/tap.json
#	curl, nginx                                  http_server 80, http_get
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	2001:db8::1                     2001:db8::2
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-30000000}
mkdir "$work/www"
head -c "$bytes" /dev/urandom >"$work/www/big"
sum=$(md5sum <"$work/www/big")
printf 0123456789 >"$work/www/ten"
: >"$work/www/empty"
echo 'welcome' >"$work/www/index.html"
echo 'not yours' >"$work/secret"

stack_up configs/tap.json
"$examples/http_server" 80 "$work/www" 2>"$work/server" &
server=$!
until_true 3 grep -qs serving "$work/server" || fail 'http_server does not begin'
url=http://192.0.2.2

# asks WANTED CURL_ARGUMENTS...: status, length of the body, connections made.
asks() {
	local want=$1
	shift
	out=$(curl -s -m 60 -o "$work/body" \
		-w '%{http_code} %{size_download} %{num_connects}' "$@")
	expect "curl $*" "$out" = "$want"
}

asks '200 8 1' $url/
asks '200 10 1' $url/ten
asks '200 10 1' 'http://[2001:db8::2]/ten'
asks '200 0 1' $url/empty
asks '200 0 1' -I $url/ten
grep -qi '^content-length: 10' "$work/body" || fail "$(cat "$work/body")"
asks '206 3 1' -r 2-4 $url/ten
expect 'bytes 2 to 4' "$(cat "$work/body")" = 234
asks '206 2 1' -r 8- $url/ten
asks '206 3 1' -r -3 $url/ten
expect 'the last 3 bytes' "$(cat "$work/body")" = 789
asks '206 10 1' -r -99 $url/ten
asks '206 1 1' -r 9-99 $url/ten
asks '416 0 1' -r 10- $url/ten
asks '200 10 1' -r 4-2 $url/ten
asks '404 0 1' $url/nothing
asks '404 0 1' --path-as-is $url/../secret
asks '404 0 1' --path-as-is $url/../../../../../../../etc/passwd
asks '404 0 1' --path-as-is $url/..
asks '405 0 1' -X DELETE $url/ten
asks '400 0 1' -H 'Host:' --request-target 'ten' $url/
say 'every status'

# One connection for several requests, also for requests sent at once.
out=$(curl -s -o /dev/null -o /dev/null -o /dev/null \
	-w '%{num_connects}\n' $url/ten $url/nothing $url/)
expect 'connections' "$out" = $'1\n0\n0'
out=$(printf 'GET /ten HTTP/1.1\r\n\r\n%.0s' 1 2 3 |
	timeout 5 nc -N 192.0.2.2 80 | grep -o 'HTTP/1.1 200' | wc -l)
expect 'pipelined answers' "$out" -eq 3

for address in 192.0.2.2 '[2001:db8::2]'; do
	out=$(curl -s -m 300 "http://$address/big" | md5sum)
	expect "MD5 of $bytes bytes" "$out" = "$sum"
done
pids=()
for i in {1..20}; do
	curl -s -m 60 -o "$work/ten.$i" $url/ten &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "curl: status $?"
done
say "$bytes bytes, and 20 connections at once"

# We from ourselves, and from the kernel.
out=$("$examples/http_get" $url/big | md5sum)
expect 'MD5 through the loop' "$out" = "$sum"
refused 404 "$examples/http_get" $url/nothing
refused refused "$examples/http_get" http://192.0.2.1:81/
# Workers are nobody, or www-data.
chmod 755 "$work" "$work/www"
cat >"$work/nginx.conf" <<-END
	daemon off;
	pid $work/nginx.pid;
	error_log stderr;
	events {}
	http {
		access_log off;
		server {
			listen 8080;
			listen [::]:8080;
			root $work/www;
		}
	}
END
nginx -e stderr -p "$work" -c "$work/nginx.conf" >"$work/nginx" 2>&1 &
until_true 5 curl -s -o /dev/null http://192.0.2.1:8080/ ||
	fail "no nginx: $(cat "$work/nginx")"
for address in 192.0.2.1 '[2001:db8::1]'; do
	out=$("$examples/http_get" "http://$address:8080/big" | md5sum)
	expect "MD5 from $address" "$out" = "$sum"
done
refused 404 "$examples/http_get" http://192.0.2.1:8080/nothing
say 'http_get'

kill $server
slots_at_home
stack_down
