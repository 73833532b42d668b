#!/bin/bash
# zones.sh - link-local addresses, the same one on both links of a stack
#
#	this namespace          configs/two-links.json
#	fe80::1 ------- left  - fe80::... (EUI-64)
#	                        fe80::... (EUI-64) - right ------- fe80::1  far
#
# The kernel's numbers of interfaces of these names are others than the stack's.
. "$(dirname "$0")/lib.sh"

command -v nc >/dev/null || skip 'no nc of the kernel'
stack_up configs/two-links.json
far=; ns_new far
ip link set right netns "$far"
ip addr add fe80::1/64 dev left nodad
ip -n "$far" addr add fe80::1/64 dev right nodad
ip -n "$far" link set right up

# ours LINK: the stack's own link-local address there.
ours() {
	status_of ".addresses[] | select(.link == \"$1\" and
		(.address | startswith(\"fe80:\"))) | .address"
}
all_valid() {
	[ "$(status_of '[.addresses[] | select(.state == "valid")] | length')" \
		-eq "$(status_of '.addresses | length')" ]
}
until_true 5 all_valid || fail "$("$strata" addr)"

says() { # PATTERN: a whole line of $out
	grep -qxE "$1" <<<"$out" || fail "no \"$1\" in: $out"
}

# Who listens where says where it is.
cat >"$work/server.py" <<'END'
import socket, sys
listener = socket.create_server(('::', 81), family=socket.AF_INET6)
while True:
    c, _ = listener.accept()
    c.sendall(sys.argv[1].encode() + b'\n')
    c.close()
END
python3 "$work/server.py" left &
ip netns exec "$far" python3 "$work/server.py" right &
for in in '' "ip netns exec $far"; do
	until_true 3 eval "$in ss -Hltn | grep -q :81" || fail 'nobody listens'
done

# ---- By name, both ways

for link in left right; do
	run "$strata" ping -c 2 -i 0.05 "fe80::1%$link"
	says "PING fe80::1%$link \\(fe80::1%$link\\): 56 bytes"
	says "64 bytes from fe80::1%$link: icmp_seq=2 ttl=64 .*"
	for how in '' -I -T; do
		# shellcheck disable=SC2086 # options
		run "$strata" traceroute -q 1 $how "fe80::1%$link"
		says " 1  fe80::1%$link  [0-9.]+ ms"
	done
	run "$strata" nc -v -w 3 "fe80::1%$link" 81
	says "$link"
	says "strata nc: connected to fe80::1%$link port 81"
done
# A web server is not told of our links.
cat >"$work/web.py" <<'END'
import http.server, socket
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers['Host'].encode())
Server(('::', 80), Handler).serve_forever()
END
python3 "$work/web.py" 2>/dev/null &
until_true 3 eval 'ss -Hltn | grep -q :80' || fail 'nobody listens'
run "$strata" fetch 'http://[fe80::1%left]/'
expect 'Host of the request' "$out" = '[fe80::1]'
# By number: the stack's, from 1 on.
run "$strata" ping -c 1 fe80::1%2
says '64 bytes from fe80::1%right: .*'
# -I says it as well, and no route leads around it.
run "$strata" ping -c 1 -I right fe80::1
says '64 bytes from fe80::1%right: .*'
ip -n "$far" addr add 2001:db8:b::1/64 dev right nodad
run "$strata" ping -c 1 -I right 2001:db8:b::1
refused ', 0 received' "$strata" ping -w 0.5 -I left 2001:db8:b::1
say 'both links, by name and by number'

# ---- Called by the kernel, at one link alone

for link in left right; do
	in=(); [ $link = left ] || in=(ip netns exec "$far")
	rm -f "$work/said"
	"$strata" nc -l -v "$(ours $link)%$link" 82 >"$work/in" \
		2>"$work/said" </dev/null &
	server=$!
	until_true 3 grep -qs listening "$work/said" ||
		fail "$(cat "$work/said")"
	echo "from $link" | timeout 5 "${in[@]}" nc -N "$(ours $link)%$link" 82 ||
		fail "status $? of the kernel's nc"
	wait $server || fail "status $?: $(cat "$work/said")"
	expect 'what came' "$(cat "$work/in")" = "from $link"
	out=$(cat "$work/said")
	says "strata nc: listening on $(ours $link)%$link port 82"
	says "strata nc: connection from fe80::.*%$link port [0-9]+"
done
say 'and the other way'

# ---- No zone, and wrong ones

refused 'no link "tap0", only left, right' "$strata" ping fe80::1%tap0
refused 'no link "lo", only left, right' "$strata" nc fe80::1%lo 81
refused 'no link "3", only left, right' "$strata" traceroute fe80::1%3
refused 'fe80::1%LINK, of left, right' "$strata" ping fe80::1
refused 'not link-local' "$strata" ping 2001:db8:a::1%left
refused 'no zone' "$strata" ping 192.0.2.1%left
stack_link_local() {
	"$strata" addr dev "$1" | grep -q 'fe80::5/64'
}
run "$strata" addr add fe80::5%right/64
stack_link_local right || fail "$("$strata" addr)"
! stack_link_local left || fail "$("$strata" addr)"
run "$strata" route add 2001:db8:77::/48 via fe80::1%right
"$strata" route | grep -qx '2001:db8:77::/48 via fe80::1 dev right' ||
	fail "$("$strata" route)"
run "$strata" neigh replace fe80::9%left lladdr 02:00:00:00:00:09
"$strata" neigh dev left | grep -q '^fe80::9 ' || fail "$("$strata" neigh)"
refused 'no link "tap0", only left, right' "$strata" addr add fe80::6%tap0/64
refused 'no link "tap0", only left, right' \
	"$strata" neigh add fe80::6 lladdr 02:00:00:00:00:06 dev tap0
refused 'what is "right"' "$strata" neigh del fe80::9%left dev right
refused 'what is "2001:db8::1%left"' "$strata" neigh del 2001:db8::1%left
stack_down

# ---- A stack with one link needs no zone, and takes it

stack_up configs/tap.json
ip addr add fe80::1/64 dev tap0 nodad
until_true 5 all_valid || fail "$("$strata" addr)"
for zone in '' %tap0 %1; do
	run "$strata" nc -v -w 3 "fe80::1$zone" 81
	says 'strata nc: connected to fe80::1%tap0 port 81'
done
refused 'no link "left", only tap0' "$strata" nc fe80::1%left 81
slots_at_home
stack_down
nothing_left
