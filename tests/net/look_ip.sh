#!/bin/bash
# look_ip.sh - addresses, routes and neighbours, changed while all runs
#
#	this namespace                  configs/tap.json
#	ping, nc                                            tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	then 198.51.100.1, 2001:db8:5::1; 203.0.113.1 behind a route
#
# The kernel's own ip(8) says what must be so at its end; daemons are killed
# after each change, and what was changed stays.
. "$(dirname "$0")/lib.sh"

ip link set lo up
stack_up configs/tap.json
tcp_echo_up 7

# Everything that keeps a table dies.
kill_all() {
	local name
	for name in linkd ipd tcpd; do
		kill_daemon "$name"
	done
}
shows() { # TABLE LINE
	"$strata" "$1" "$stack" | grep -qxE "$2"
}
state_of() {
	"$strata" addr "$stack" --json |
		jq -r ".[] | select(.address == \"$1\").state"
}
is_state() {
	[ "$(state_of "$1")" = "$2" ]
}

# ---- As it begins, against the kernel's view of the same link

shows addr 'tap0 +inet +192.0.2.2/24 valid' || fail "$("$strata" addr)"
shows route '192.0.2.0/24 dev tap0 connected' || fail "$("$strata" route)"
pings 1 192.0.2.2
mac=$(ip -j link show tap0 | jq -r '.[0].address')
until_true 1 shows neigh "192.0.2.1 dev tap0 lladdr $mac [A-Z]+" ||
	fail "$("$strata" neigh)"
ours=$(ip -j neigh show 192.0.2.2 dev tap0 | jq -r '.[0].lladdr')
expect 'our MAC' "$ours" = "$(status_of '.links[0].mac')"
say 'it begins as the topology says'

# What is meant of a list, and what is no list.
expect 'the neighbour' "$("$strata" neigh show 192.0.2.1 | cut -d ' ' -f 1)" = \
	192.0.2.1
expect 'no neighbour' "$("$strata" neigh show 192.0.2.99 | wc -l)" -eq 0
expect 'those of a net' "$("$strata" addr show 192.0.2.0/24 | wc -l)" -eq 1
expect 'those of a link' "$("$strata" addr show tap0 | wc -l)" -eq 3
expect 'the defaults' "$("$strata" route show default | wc -l)" -eq 2
expect 'the default' "$("$strata" route -4 default | wc -l)" -eq 1
expect 'of that length' "$("$strata" route show 192.0.2.0/25 | wc -l)" -eq 0
expect 'the route' "$("$strata" route show 192.0.2.0/24)" = \
	'192.0.2.0/24 dev tap0 connected'
refused 'has no link "tap9", only tap0' "$strata" addr show dev tap9
refused 'has no link "tap9", only tap0' "$strata" addr show tap9
refused 'what is "nosuch"' "$strata" neigh show nosuch
for table in addr route neigh; do
	refused 'no stack "nosuch" is running, and it is none of: show, add' \
		"$strata" $table nosuch
done
say 'what is meant may be said'

# ---- Where a packet would go, and where it goes

way() {
	run "$strata" route "$stack" get "$@"
}
way 192.0.2.1
expect 'a neighbour' "$(head -n 1 <<<"$out")" = \
	'192.0.2.1 dev tap0 src 192.0.2.2 mtu 1500'
way 203.0.113.5
expect 'the next hop' "$(head -n 1 <<<"$out")" = \
	'203.0.113.5 via 192.0.2.1 dev tap0 src 192.0.2.2 mtu 1500'
[[ $out == *'by the default route' ]] || fail "$out"
way 2001:db8:7::5 --json
expect 'IPv6' "$(jq -r '"\(.via) \(.source) \(.route.prefix)"' <<<"$out")" = \
	'2001:db8::1 2001:db8::2 0'
way 192.0.2.2
[[ $out == 'local 192.0.2.2 '* ]] || fail "$out"
way 192.0.2.255
[[ $out == 'broadcast 192.0.2.255 dev tap0 '* ]] || fail "$out"
way 203.0.113.5 from 192.0.2.2 dev tap0
refused '192.0.2.9 is no address of ours' "$strata" route "$stack" get \
	203.0.113.5 from 192.0.2.9
refused 'usage' "$strata" route get
refused 'usage' "$strata" route get 203.0.113.5 from
refused 'usage' "$strata" route get nonsense
refused 'has no link "nosuch", only tap0' "$strata" route get 203.0.113.5 dev nosuch
run "$strata" route del default
run "$strata" route add 203.0.113.0/25 via 192.0.2.7 mtu 1400
refused 'no route to 203.0.113.200' "$strata" route get 203.0.113.200
kill_daemon ipd
way 203.0.113.5
expect 'the route' "$(tail -n 1 <<<"$out")" = '    by the route 203.0.113.0/25'
[[ $out == *' via 192.0.2.7 dev tap0 src 192.0.2.2 mtu 1400'* ]] || fail "$out"
run "$strata" route del 203.0.113.0/25
run "$strata" route add default via 192.0.2.1
say 'where a packet would go is told'

# ---- An address more

ip addr add 198.51.100.1/24 dev tap0
refused 'loss' ping -q -c 1 -W 0.3 198.51.100.2
run "$strata" addr add 198.51.100.2/24 dev tap0
until_true 3 is_state 198.51.100.2 valid || fail "$("$strata" addr)"
shows route '198.51.100.0/24 dev tap0 connected' || fail "$("$strata" route)"
pings 3 -i 0.05 198.51.100.2
kill_all
pings 3 -i 0.05 198.51.100.2
expect 'the echo' "$(echo hello | timeout 5 nc -N 198.51.100.2 7)" = hello
refused 'already' "$strata" addr add 198.51.100.2/24 dev tap0
run "$strata" addr replace 198.51.100.2/25
shows route '198.51.100.0/25 dev tap0 connected' || fail "$("$strata" route)"
refused 'no such address' "$strata" addr del 198.51.100.2/24
run "$strata" addr del 198.51.100.2/25
kill_all
refused 'loss' ping -q -c 1 -W 0.3 198.51.100.2
refused 'no such address' "$strata" addr del 198.51.100.2/25
[ -z "$(state_of 198.51.100.2)" ] || fail 'it is still there'
! shows route '198.51.100.*' || fail "$("$strata" route)"
say 'an IPv4 address came and went'

# IPv6 asks first, joins the group of its solicitations, and finds a rival.
ip addr add 2001:db8:5::1/64 dev tap0 nodad
run "$strata" addr add 2001:db8:5::2/64 dev tap0
is_state 2001:db8:5::2 tentative || fail "$("$strata" addr)"
until_true 5 is_state 2001:db8:5::2 valid || fail "$("$strata" addr)"
ip -6 neigh flush dev tap0
pings 2 -i 0.05 2001:db8:5::2
run "$strata" addr add 2001:db8:5::1/64 dev tap0
until_true 5 is_state 2001:db8:5::1 duplicate || fail "$("$strata" addr)"
kill_all
is_state 2001:db8:5::1 duplicate || fail "$("$strata" addr)"
run "$strata" addr del 2001:db8:5::1/64
run "$strata" addr del 2001:db8:5::2/64
refused 'loss' ping -q -c 1 -W 0.3 2001:db8:5::2
say 'IPv6 addresses were asked for first'

# ---- A route

ip addr add 203.0.113.1/32 dev lo
shows route 'default via 192.0.2.1 dev tap0' || fail "$("$strata" route)"
run "$strata" route del default
run "$strata" route del ::/0
refused 'unreachable' "$examples/tcp_ask" 203.0.113.1 7
refused 'next hop' "$strata" route add 203.0.113.0/24 via 10.9.9.9
run "$strata" route add 203.0.113.0/24 via 192.0.2.1 metric 5 mtu 1400
shows route '203.0.113.0/24 via 192.0.2.1 dev tap0 metric 5 mtu 1400' ||
	fail "$("$strata" route)"
nc -l 203.0.113.1 7007 <<<'from afar' >"$work/nc" &
sleep 0.2
expect 'the answer' "$("$examples/tcp_ask" 203.0.113.1 7007 <<<'hello')" = \
	'from afar'
kill_all
shows route '203.0.113.0/24 via 192.0.2.1 dev tap0 metric 5 mtu 1400' ||
	fail "$("$strata" route)"
nc -l 203.0.113.1 7007 <<<'from afar' >"$work/nc" &
sleep 0.2
expect 'the answer' "$("$examples/tcp_ask" 203.0.113.1 7007 <<<'hello')" = \
	'from afar'
refused 'already' "$strata" route add 203.0.113.0/24 dev tap0 metric 5
run "$strata" route add default via 192.0.2.1
run "$strata" route add default via 2001:db8::1
expect 'default routes' "$("$strata" route | grep -c '^default via')" -eq 2
expect 'of IPv6' "$("$strata" route -6 | grep -c '^default via')" -eq 1
run "$strata" route del 203.0.113.0/24
refused 'no such route' "$strata" route del 203.0.113.0/24
run "$strata" route del default via 2001:db8::1
run "$strata" route del default
kill_all
refused 'unreachable' "$examples/tcp_ask" 203.0.113.1 7
say 'a route came and went'

# ---- A neighbour

run "$strata" neigh replace 192.0.2.1 lladdr 02:00:00:00:00:99 dev tap0
refused 'loss' ping -q -c 1 -W 0.3 192.0.2.2
kill_all
shows neigh '192.0.2.1 dev tap0 lladdr 02:00:00:00:00:99 PERMANENT' ||
	fail "$("$strata" neigh)"
refused 'loss' ping -q -c 1 -W 0.3 192.0.2.2
refused 'already' "$strata" neigh add 192.0.2.1 lladdr "$mac"
run "$strata" neigh change 192.0.2.1 lladdr "$mac" nud stale
pings 1 192.0.2.2
run "$strata" neigh del 192.0.2.1
pings 1 192.0.2.2
run "$strata" neigh add 192.0.2.50 lladdr 02:00:00:00:00:50
run "$strata" neigh add 192.0.2.51 lladdr 02:00:00:00:00:51 nud stale
run "$strata" neigh add 192.0.2.52 lladdr 02:00:00:00:00:52 nud stale
run "$strata" neigh flush 192.0.2.52
shows neigh '192.0.2.51 .* STALE' || fail "$("$strata" neigh)"
! shows neigh '192.0.2.52 .*' || fail "$("$strata" neigh)"
refused 'has no link "nosuch", only tap0' "$strata" neigh flush dev nosuch
refused 'usage' "$strata" neigh flush --json
run "$strata" neigh flush dev tap0
expect 'left' "$("$strata" neigh -4)" = \
	'192.0.2.50 dev tap0 lladdr 02:00:00:00:00:50 PERMANENT'
run "$strata" neigh del 192.0.2.50
pings 1 192.0.2.2
refused 'no such neighbour' "$strata" neigh del 192.0.2.77
say 'a neighbour was what it was said to be'

# Of one that does not answer nothing is known; not even to programs.
"$strata" ping -c 1 -W 9 192.0.2.77 >/dev/null &
until_true 2 shows neigh '192.0.2.77 dev tap0 INCOMPLETE' ||
	fail "$("$strata" neigh)"
expect 'its MAC' "$("$strata" neigh --json |
	jq -r '.[] | select(.address == "192.0.2.77") | has("mac")')" = false
expect "the other's" "$("$strata" neigh --json |
	jq -r '.[] | select(.address == "192.0.2.1") | .mac')" = "$mac"

# ---- Who may, and what makes no sense

# rights.sh has the rest.
other=(env STRATA_RUN_DIR=/run/strata setpriv --reuid 65534 --regid 65534
	--clear-groups "$(realpath "$strata")")
refused "another user's" "${other[@]}" addr "$stack" show
chmod o+rw "/run/strata/$stack/ctl"
run "${other[@]}" addr show
refused 'only root' "${other[@]}" addr add 198.51.100.3/24
chmod o-rw "/run/strata/$stack/ctl"
for words in 'addr add' 'addr add 1.2.3' 'addr add 1.2.3.4/33' 'route add' \
	'route add default' 'neigh add 192.0.2.5' 'neigh add 192.0.2.5 lladdr x' \
	'addr add 192.0.2.5/24 dev tap0 too much'; do
	# shellcheck disable=SC2086 # words
	refused 'usage' "$strata" $words
done
refused "not a possible address" "$strata" addr add 224.0.0.5/24
refused "not a possible route" "$strata" route add 10.1.2.3/8 dev tap0
refused 'has no link "nosuch", only tap0' "$strata" addr add 192.0.2.5/24 dev nosuch

# ---- Changes and deaths, again and again

before=$("$strata" addr)
(while sleep 0.02; do
	kill_daemon linkd
	sleep 0.02
	kill_daemon ipd
done) 2>/dev/null &
killer=$!
for ((i = 0; i < 100; i++)); do
	"$strata" addr add "10.0.$i.2/24" dev tap0 || fail "add $i"
	"$strata" route add "10.1.$i.0/24" via 192.0.2.1 || fail "route $i"
	"$strata" addr del "10.0.$i.2/24" dev tap0 || fail "del $i"
	"$strata" route del "10.1.$i.0/24" || fail "route del $i"
done
kill $killer
until_true 3 shows route '192.0.2.0/24 dev tap0 connected'
expect 'the addresses' "$("$strata" addr)" = "$before"
! "$strata" route | grep -q '^10\.' || fail "$("$strata" route)"
say "400 changes, linkd restarted $(daemon restarts linkd) times, ipd" \
	"$(daemon restarts ipd)"
pings 1 192.0.2.2

# The next supervisor's questions are new ones to the daemons that stayed.
kill -9 "$(status_of .supervisor_pid)"
until_true 5 "$strata" addr add 198.51.100.2/24 || fail 'nobody answers'
refused 'already' "$strata" addr add 198.51.100.2/24
run "$strata" addr del 198.51.100.2/24
expect 'the addresses' "$("$strata" addr)" = "$before"
kill $echo_pid
slots_at_home
stack_down
