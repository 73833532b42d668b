#!/bin/bash
# tools.sh - the tools that are apps of the stack, against the kernel's
#
#	this namespace                  configs/tap.json
#	nc, web server                                strata nc, fetch, ping,
#	192.0.2.1 -------- tap0 ------- 192.0.2.2     traceroute
#	2001:db8::1                     2001:db8::2
#	198.51.100.1 ------------------ 198.51.100.2  second (a router)
#	2001:db8:1::1                   2001:db8:1::2
#	                                203.0.113.1 --- 203.0.113.2    far
#	                                2001:db8:2::1   2001:db8:2::2
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
	*:) ours=${address}2 theirs=${address}1 port=7006 ;;
	*) ours=$address.2 theirs=$address.1 port=7004 ;;
	esac
	# From the kernel to us, and back.  (Debian's nc -N forgets the rest of
	# its input if the other end comes first.)
	serve -N $port <"$work/www/big"
	out=$(timeout 20 "$tcp_peer" $ours $port <"$work/www/big" | md5sum)
	expect "what came from $ours" "$out" = "$sum"
	wait $server || fail "status $?: $(cat "$work/nc")"
	expect "what came to $ours" "$(md5sum <"$work/in")" = "$sum"
	# We call.
	timeout 20 "$tcp_peer" -l $theirs $port <"$work/www/big" >"$work/in" &
	server=$!
	until_true 3 eval "ss -Hltn | grep -q :$port" || fail 'nobody listens'
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
refused 'strata nc: nosuchport: no such service' "$strata" nc 192.0.2.1 nosuchport
refused 'strata nc: 65536: no such service' "$strata" nc 192.0.2.1 65536
refused 'strata nc: nosuch.invalid: ' "$strata" nc nosuch.invalid 7
refused 'strata ping: nosuch.invalid: ' "$strata" ping nosuch.invalid
say 'nc: -k, -w, refusals'

# ---- nc -z, -p, -s

cat >"$work/ports.py" <<'END'
import socket
here = [socket.create_server(('::', p), family=socket.AF_INET6,
        dualstack_ipv6=True) for p in (7021, 7023)]
while True:
    for s in here:
        s.settimeout(0.02)
        try:
            c, who = s.accept()
            print(*who[:2], flush=True)
            c.close()
        except TimeoutError:
            pass
END
python3 "$work/ports.py" >"$work/callers" &
ports=$!
until_true 3 eval 'ss -Hltn | grep -q :7023' || fail 'nobody listens'
run "$strata" nc -z 192.0.2.1 7021
expect 'one port' "$out" = '192.0.2.1 port 7021 is open'
run "$strata" nc -z 2001:db8::1 7020-7025
expect 'a range' "$out" = '2001:db8::1 port 7021 is open
2001:db8::1 port 7023 is open'
run "$strata" nc -z -v 192.0.2.1 7022-7023
expect 'lines with -v' "$(grep -c 'port 7022: .*refused' <<<"$out")" -eq 1
refused refused "$strata" nc -z 192.0.2.1 7022
refused 'none of the ports 7024 to 7030' "$strata" nc -z 192.0.2.1 7024-7030
refused 'timed out' "$strata" nc -z -w 0.5 192.0.2.77 7021
refused 'no range of ports' "$strata" nc -z 192.0.2.1 25-20
refused 'no such service' "$strata" nc -z 192.0.2.1 20-x
: >"$work/callers"
run "$strata" addr add 192.0.2.22/24 dev tap0
for how in '-p 4021' '-s 192.0.2.22' '-s 192.0.2.22 -p 4022'; do
	# shellcheck disable=SC2086 # options
	run "$strata" nc -w 3 $how 192.0.2.1 7021 </dev/null
done
until_true 3 eval "[ \$(wc -l <$work/callers) -ge 3 ]" || fail 'who called?'
callers=$(sed 's/.*://' "$work/callers" | tail -n 3 | tr '\n' ' ')
[[ $callers =~ ^192.0.2.2\ 4021\ 192.0.2.22\ [0-9]+\ 192.0.2.22\ 4022\ $ ]] ||
	fail "callers: $callers"
refused '192.0.2.99: Cannot assign' "$strata" nc -s 192.0.2.99 192.0.2.1 7021
refused 'not an address' "$strata" nc -s tap0 192.0.2.1 7021
kill $ports
# The way others have it.
serve -N -p 7012 -s 192.0.2.2 </dev/null
grep -q 'listening on 192.0.2.2 port 7012$' "$work/nc" || fail "$(cat "$work/nc")"
echo hello | timeout 5 nc -N 192.0.2.2 7012
wait $server
expect 'what came to -p' "$(cat "$work/in")" = hello
say 'nc: -z, -p, -s'

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
refused 'is no range' "$strata" fetch -r x http://192.0.2.1/
say 'fetch'

# ---- ping

# lines COUNT PATTERN: so many of $out match.
lines() {
	expect "lines with $2 in"$'\n'"$out" "$(grep -cE "$2" <<<"$out")" -eq "$1"
}

for address in 192.0.2.1 2001:db8::1 192.0.2.2 2001:db8::2; do
	run "$strata" ping -c 3 -i 0.05 $address
	lines 3 "^64 bytes from $address: icmp_seq=[123] ttl=64 time=[0-9.]+ ms$"
	lines 1 '^3 packets transmitted, 3 received, 0% packet loss'
	lines 1 '^rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms$'
	for size in 0 1 1472 1473 9000 65507; do
		run "$strata" ping -q -c 3 -i 0.05 -s $size $address
		lines 1 '^3 packets transmitted, 3 received, 0% packet loss'
	done
	run "$strata" ping -f -q -c 5000 $address
	lines 1 '^5000 packets transmitted, 5000 received, 0% packet loss'
	say "flood to $address: $(grep rtt <<<"$out")"
done
refused ', 0 received, ' "$strata" ping -c 1 -W 0.3 192.0.2.77
refused 'Destination Host Unreachable' "$strata" ping -c 1 192.0.2.77
refused 'Address unreachable' "$strata" ping -c 1 2001:db8::77
refused 'usage: strata ping' "$strata" ping
refused 'not a number' "$strata" ping -c 0 192.0.2.1
# -w: that long, whoever is silent; with -c until so many have answered.
SECONDS=0
refused ', 0 received, ' "$strata" ping -w 1.5 -i 0.2 192.0.2.77
expect 'seconds' "$SECONDS" -le 3
lines 1 '^[678] packets transmitted'
run "$strata" ping -w 1 -i 0.1 192.0.2.1
lines 1 '^(9|10|11) packets transmitted, (9|10|11) received'
run "$strata" ping -w 9 -c 2 -i 0.05 192.0.2.1
lines 1 '^2 packets transmitted, 2 received'
# Fewer than -c wants is a failure.
refused ', 1 received' "$strata" ping -w 0.5 -c 5 -i 2 192.0.2.1
# -I: from an address, by a link.
timeout 9 tcpdump -n -l -i tap0 -c 1 'icmp[icmptype] == 8' >"$work/seen" 2>&1 &
dumping=$!
until_true 3 grep -q listening "$work/seen" || fail "$(cat "$work/seen")"
run "$strata" ping -c 1 -I 192.0.2.22 192.0.2.1
wait $dumping
grep -q '192.0.2.22 > 192.0.2.1: ICMP echo request' "$work/seen" ||
	fail "$(cat "$work/seen")"
run "$strata" ping -c 1 -I tap0 192.0.2.1
refused 'no link "tap9", only tap0' "$strata" ping -c 1 -I tap9 192.0.2.1
refused '192.0.2.99: Cannot assign' "$strata" ping -c 1 -I 192.0.2.99 192.0.2.1
# The kernel's of us, meanwhile.
"$strata" ping -f -q -c 20000 192.0.2.1 >"$work/ping" &
pid=$!
pings 100 -i 0.002 192.0.2.2
wait $pid || fail "status $?: $(cat "$work/ping")"
# And while udpd and ipd die all the time: what is lost is lost by ipd's and
# linkd's deaths alone, and nothing comes twice.
"$strata" ping -q -i 0.01 -c 300 192.0.2.1 >"$work/ping" &
pid=$!
for i in {1..10}; do
	sleep 0.2
	kill_daemon udpd
done
wait $pid || fail "status $?: $(cat "$work/ping")"
out=$(cat "$work/ping")
lines 1 '^300 packets transmitted, 300 received, 0% packet loss'
say "while udpd was killed $(daemon restarts udpd) times: $(tail -n 1 <<<"$out")"

# ---- traceroute

second=; ns_new second
far=; ns_new far
ip link add to-second type veth peer name to-first netns "$second"
ip -n "$second" link add to-far type veth peer name to-second netns "$far"
addresses() {
	# shellcheck disable=SC2086 # options
	ip $1 addr add "$3/24" dev "$2" && ip $1 link set "$2" up
	# shellcheck disable=SC2086 # options
	ip $1 -6 addr add "$4/64" dev "$2" nodad
}
addresses '' to-second 198.51.100.1 2001:db8:1::1
addresses "-n $second" to-first 198.51.100.2 2001:db8:1::2
addresses "-n $second" to-far 203.0.113.1 2001:db8:2::1
addresses "-n $far" to-second 203.0.113.2 2001:db8:2::2
ip route add 203.0.113.0/24 via 198.51.100.2
ip -6 route add 2001:db8:2::/64 via 2001:db8:1::2
ip -n "$second" route add default via 198.51.100.1
ip -n "$second" -6 route add default via 2001:db8:1::1
ip -n "$far" route add default via 203.0.113.1
ip -n "$far" -6 route add default via 2001:db8:2::1
for ns in '' "ip netns exec $second" "ip netns exec $far"; do
	$ns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
		net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=1000
done
until_true 3 "$strata" ping -c 1 -W 0.5 203.0.113.2 || fail 'no way there'
until_true 3 "$strata" ping -c 1 -W 0.5 2001:db8:2::2 || fail 'no way there'

# hops TARGET FIRST SECOND ARGUMENTS...: these, then the target, and no more.
hops() {
	local target=$1 first=$2 second=$3
	shift 3
	run "$strata" traceroute "$@" "$target"
	lines 4 .
	lines 1 "^ 1  $first(  [0-9.]+ ms)+$"
	lines 1 "^ 2  $second(  [0-9.]+ ms)+$"
	lines 1 "^ 3  $target(  [0-9.]+ ms)+$"
}
for how in '' -I -T '-q 1' '-p 65530' '-T -p 443' '-N 1' '-q 10 -N 64' '-I -q 10 -N 64'; do
	# shellcheck disable=SC2086 # options
	hops 203.0.113.2 192.0.2.1 198.51.100.2 $how
	# shellcheck disable=SC2086 # options
	hops 2001:db8:2::2 2001:db8::1 2001:db8:1::2 -6 $how
done
# Whoever may use the stack may ping; raw sockets are root's.
chmod o+rw "/run/strata/$stack/ctl"
nobody=(env STRATA_RUN_DIR=/run/strata setpriv --reuid=65534 --regid=65534
	--clear-groups "$strata")
run "${nobody[@]}" ping -c 1 192.0.2.1
run "${nobody[@]}" traceroute -I -q 1 192.0.2.1
refused '-T is for root: Operation not permitted' \
	"${nobody[@]}" traceroute -T 192.0.2.1

run "$strata" traceroute -w 1 -m 1 203.0.113.2
lines 1 '^ 1 '
lines 0 '^ 2 '
run "$strata" traceroute -w 1 -f 3 203.0.113.2
lines 0 '^ 2 '
# A router that is silent, and one that knows no way on.
SECONDS=0
ip -n "$second" route add blackhole 203.0.113.77
run "$strata" traceroute -w 1 -q 1 -m 3 203.0.113.77
lines 2 '[*]$'
expect 'seconds for two that are silent' "$SECONDS" -le 2
# One after the other, and all that there may be: not a minute and a half.
for how in '2 2 4 -N 1 -q 1 -m 3' '29 5 10 -N 16' '29 2 4 -N 64'; do
	read -r silent least most options <<<"$how"
	SECONDS=0
	# shellcheck disable=SC2086 # options
	run "$strata" traceroute -w 1 $options 203.0.113.77
	say "$SECONDS seconds, of $least to $most"
	expect 'least seconds' "$SECONDS" -ge $((least - 1))
	expect 'most seconds' "$SECONDS" -le "$most"
	lines 1 '^ 1  192.0.2.1(  [0-9.]+ ms)+$'
	lines "$silent" '^ *[0-9]+(  [*])+$'
	numbers=$(sed 1d <<<"$out" | awk '{ printf "%s ", $1 }')
	expect 'their order' "$numbers" = "$(seq -s ' ' $((silent + 1))) "
done
ip -n "$second" route replace unreachable 203.0.113.77
run "$strata" traceroute -w 1 -q 1 203.0.113.77
lines 1 '^ 2  198.51.100.2  [0-9.]+ ms !H$'
refused 'usage: strata traceroute' "$strata" traceroute
say "$out"

slots_at_home
# The stack goes while somebody looks through ports: said once.
"$strata" nc -z 192.0.2.1 1-65535 2>"$work/scan" >/dev/null &
scan=$!
sleep 0.2
stack_down
wait $scan
expect 'status of a scan without its stack' $? -eq 1
expect 'sentences' "$(wc -l <"$work/scan")" -le 2
grep -q 'the stack is gone' "$work/scan" || fail "$(cat "$work/scan")"
nothing_left
