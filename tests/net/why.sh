#!/bin/bash
# why.sh - a connection does not open, and strata-troubleshooting(7) says why
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2   strata nc
#	nobody is 192.0.2.77; port 80 is dropped, 81 forbidden, 82 open, 83 closed
#	and 10.0.2.2 is behind a narrow link of which nobody tells (drawn below)
#
# Each cause is set up, and the commands that the manual names show what it
# says.  The firewall is the kernel's rules of routing, so that none is needed.
. "$(dirname "$0")/lib.sh"

page=$work/page
rendered api/man/strata-troubleshooting.7 | sed 's/[“”]/"/g' >"$page"
refuses() { # SENTENCE ARGUMENTS...: of strata nc
	local want=$1
	shift
	refused "$want" "$strata" nc "$@"
	grep -q "\"$want\"" "$page" || fail "the manual does not tell of $want"
}

# What the command says has the pattern $1; or in lacks, has not.
shows() {
	local want=$1
	shift
	run "$@"
	grep -qE -- "$want" <<<"$out" || fail "no $want in $*: $out"
}
is_shown() {
	"${@:2}" 2>&1 | grep -qE -- "$1"
}
lacks() {
	local not=$1
	shift
	run "$@"
	! grep -qE -- "$not" <<<"$out" || fail "$not in $*: $out"
}

# watch ARGUMENTS...: strata dump, from now on; watched: what it has seen.
watch() {
	rm -f "$work/begun"
	"$strata" dump "$stack" "$@" >"$work/seen" 2>"$work/begun" &
	watcher=$!
	until_true 5 grep -q capturing "$work/begun" || fail 'no dump'
}
watched() {
	sleep 0.3
	kill -INT $watcher
	wait $watcher
	cat "$work/seen"
}

# Its rules go before the one that finds our own addresses.
firewall_up() {
	sysctl -q net.ipv4.ip_forward=1 # or what is forbidden is just dropped
	run ip rule add pref 100 lookup local
	run ip rule del pref 0
	run ip rule add pref 10 ipproto tcp dport 80 blackhole
	run ip rule add pref 11 ipproto tcp dport 81 prohibit
}
firewall_down() {
	ip rule add pref 0 lookup local
	ip rule del pref 10
	ip rule del pref 11
	ip rule del pref 12
	ip rule del pref 100
	sysctl -q net.ipv4.ip_forward=0
} 2>/dev/null
trap 'status=$?; firewall_down; (exit $status); cleanup' EXIT

stack_up configs/tap.json

# ---- No route

run "$strata" route tap del default
run "$strata" route tap del ::/0
watch --at tap0,tcpd:ipd host 203.0.113.5
refuses 'Network is unreachable' 203.0.113.5 80
lacks '^default|^203' "$strata" route tap
shows '^192.0.2.0/24 dev tap0 connected' "$strata" route tap
lacks . watched
refused 'no route to 203.0.113.5' "$strata" route tap get 203.0.113.5
grep -q 'strata route get: no route to 203.0.113.5' "$page" ||
	fail 'the manual does not tell of it'
run "$strata" route tap add default via 192.0.2.1
shows '^default via 192.0.2.1 dev tap0' "$strata" route tap
run "$strata" route tap get 203.0.113.5
for line in 1 2; do
	grep -qF "$(sed -n ${line}p <<<"$out")" "$page" ||
		fail "the manual shows something else: $out"
done
say 'no route: found'

# ---- The neighbour is silent

watch --at tap0 arp or host 192.0.2.77
refuses 'No route to host' 192.0.2.77 80 &
caller=$!
until_true 3 is_shown '^192.0.2.77 dev tap0 INCOMPLETE' "$strata" neigh tap
shows '^192.0.2.77 dev tap0 INCOMPLETE$' "$strata" neigh tap
wait $caller || fail 'strata nc said something else'
run watched
expect 'questions' "$(grep -c 'who-has 192.0.2.77' <<<"$out")" -ge 3
! grep -q 'Flags' <<<"$out" || fail "a SYN without a MAC: $out"
shows 'neighbour does not answer, address=192.0.2.77 link=tap0' \
	cat "/run/strata/$stack/log"
refused 'From 192.0.2.2 icmp_seq=1 Destination Host Unreachable' \
	"$strata" ping -c 1 192.0.2.77
shows ' 192.0.2.2 .*!H' "$strata" traceroute -q 1 192.0.2.77
say 'silent neighbour: found'

# ---- A firewall that drops, at the peer

firewall_up
nc -lk 192.0.2.1 80 >/dev/null 2>&1 &
nc -lk 192.0.2.1 82 >/dev/null 2>&1 &
until_true 3 eval "ss -Hltn 'sport = 82' | grep -q ." || fail 'no listener'

"$strata" dump "$stack" --at drops host 192.0.2.1 >"$work/drops" 2>&1 &
drops=$!
watch --at tap0 tcp port 80
refuses 'Connection timed out' -w 4 192.0.2.1 80 &
caller=$!
until_true 3 is_shown 'SYN-SENT .*192.0.2.1:80 +timer:\(on,.*,1\)' \
	"$strata" ss tap -tano || fail "$("$strata" ss tap -tano)"
shows '^192.0.2.1 dev tap0 lladdr .* REACHABLE' "$strata" neigh tap
wait $caller || fail 'strata nc said something else'
run watched
expect 'SYNs' "$(grep -c 'tap0:tx.*Flags \[S\]' <<<"$out")" -ge 2
! grep -q tap0:rx <<<"$out" || fail "an answer: $out"
shows ' 0% packet loss' "$strata" ping -c 2 -i 0.1 192.0.2.1
shows '^ 1  \*$' "$strata" traceroute -T -p 80 -m 1 -w 1 -q 1 192.0.2.1
shows '^ 1  192.0.2.1  ' "$strata" traceroute -T -p 83 -m 1 -w 1 -q 1 192.0.2.1
kill -INT $drops
wait $drops
! grep -q '\.80[:,].*dropped' "$work/drops" || fail "$(cat "$work/drops")"
say 'firewall: found'

# ---- Others, which must not be taken for one of these

watch --at tap0 -v tcp or icmp
refuses 'Connection refused' 192.0.2.1 83
refuses 'No route to host' -w 4 192.0.2.1 81
run watched
grep -q 'tap0:rx IP 192.0.2.1.83 > .*Flags \[R.\]' <<<"$out" || fail "$out"
grep -q 'ICMP type=3 code=13 ' <<<"$out" || fail "$out"
forbidden=' 192.0.2.1 > 192.0.2.2: ICMP host 192.0.2.1 unreachable - admin prohi'
grep -q "$forbidden" <<<"$out" || fail "$out"
grep -q "$forbidden" "$page" || fail "the manual shows something else: $out"
refuses 'Cannot assign requested address' -l 192.0.2.9 7000
watch --at drops
refused 'refused' nc -w 2 -v 192.0.2.2 7000
shows 'dropped by tcpd: tcp_no_connection' watched

# ---- The address is not ours yet, or is another's

# link_is STATE: of the address that is tried.
address_is() {
	is_shown "^tap0 +inet6 2001:db8:5::2/64 $1\$" "$strata" addr tap
}
watch --at tap0 icmp6
run "$strata" addr tap add 2001:db8:5::2/64 dev tap0
address_is tentative || fail "$("$strata" addr tap)"
refuses 'Cannot assign requested address' -l 2001:db8:5::2 7000
until_true 4 address_is valid || fail "$("$strata" addr tap)"
# Within a moment also to tcpd, which is told by ipd.
listens() {
	timeout 0.5 "$strata" nc -l 2001:db8:5::2 7000
	[ $? -eq 124 ]
}
until_true 3 listens || fail "nc does not listen: $("$strata" addr tap)"
# It asked for itself, and nobody said a word.
run watched
say "$(grep 2001:db8:5::2 <<<"$out" | head -n 1)"
grep -q "tap0:tx IP6 :: > ff02::1:ff00:2: .*who has 2001:db8:5::2" <<<"$out" ||
	fail "$out"
! grep -q 'tap0:rx.*2001:db8:5::2' <<<"$out" || fail "$out"
run "$strata" addr tap del 2001:db8:5::2/64

run ip addr add 2001:db8:5::2/64 dev tap0 nodad
watch --at tap0 icmp6
run "$strata" addr tap add 2001:db8:5::2/64 dev tap0
until_true 4 address_is duplicate || fail "$("$strata" addr tap)"
refuses 'Cannot assign requested address' -l 2001:db8:5::2 7000
mac=$(device tap0 address)
shows "tap0:rx IP6 2001:db8:5::2 > ff02::1: .*2001:db8:5::2" watched
say "$(grep tap0:rx <<<"$out")"
shows "address is another's, not used, address=2001:db8:5::2 by=$mac" \
	cat "/run/strata/$stack/log"
# It is left to us: deleted and added again.
run ip addr del 2001:db8:5::2/64 dev tap0
run "$strata" addr tap del 2001:db8:5::2/64
run "$strata" addr tap add 2001:db8:5::2/64 dev tap0
until_true 4 address_is valid || fail "$("$strata" addr tap)"
run "$strata" addr tap del 2001:db8:5::2/64
say 'tentative and duplicate: found'

# ---- A hole for large packets

#	192.0.2.2 --- tap0 --- 192.0.2.1            mid                 far
#	                       10.0.1.1 -- near -- 10.0.1.2
#	                                           10.0.2.1 - narrow - 10.0.2.2
#
# What mid says of its narrow link is thrown away here.
narrow_path_up
run ip rule add pref 12 from 10.0.1.2 blackhole
ip netns exec "$far" nc -lk -d 10.0.2.2 7007 >>"$work/got" &
until_true 3 ip netns exec "$far" sh -c \
	"ss -Hltn 'sport = 7007' | grep -q ." || fail 'no listener'

watch --at tap0 'tcp port 7007 or icmp'
"$strata" trace tap -c 3 'dst host 10.0.2.2 and greater 1400' \
	>"$work/walks" 2>/dev/null &
tracer=$!
head -c 60000 /dev/urandom >"$work/sent"
{
	cat "$work/sent"
	sleep 15
} | "$strata" nc 10.0.2.2 7007 &
caller=$!
# It opens, and then hangs, with all that was sent unacknowledged.
of_it() { # what ss says of it, in one line
	"$strata" ss tap -tino | grep -A 1 '10.0.2.2:7007' | tr -d '\n'
}
hangs() {
	of_it | grep -qE 'ESTAB .*timer:\(on,.*backoff:[1-9].* mss:1448 pmtu:1500 '
}
until_true 5 hangs || fail "it does not hang: $(of_it)"
say "$(of_it)"
of_it | grep -qE ' unacked:[1-9].* retrans:[0-9]+/[1-9]' || fail "$(of_it)"
# And finds out by itself.
smaller() {
	of_it | grep -q ' mss:1024 pmtu:1076 '
}
until_true 10 smaller || fail "no smaller segments: $(of_it)"
say "$(of_it)"
expect 'paths found' "$(counter black_holes)" -ge 1
all_there() {
	cmp -s "$work/sent" "$work/got"
}
until_true 20 all_there || fail "$(wc -c <"$work/got") bytes have come"
run watched
! grep -q 'ICMP.*unreachable' <<<"$out" || fail "somebody tells: $out"
# The first segment again and again, whole, with no answer, and then a part of it.
first=$(grep -oE 'tap0:tx .* seq [0-9]+:' <<<"$out" | head -n 1 | grep -o 'seq .*')
expect 'times that it was sent' \
	"$(grep -c "tap0:tx .* $first.* length 1448" <<<"$out")" -ge 2
grep -A 1 "tap0:tx .* $first.* length 1024" <<<"$out" |
	grep -q 'tap0:rx .*Flags \[\.\]' || fail "no part of it is heard: $out"
until_true 3 grep -q 'not acknowledged in time, again' "$work/walks" ||
	fail "no walk of what is sent again: $(cat "$work/walks")"
grep -q 'written to tap0: a frame of 1514 bytes' "$work/walks" ||
	fail "$(cat "$work/walks")"
kill $tracer $caller 2>/dev/null
shows ' 0% packet loss' "$strata" ping -c 2 -i 0.1 10.0.2.2
refused ' 100% packet loss' "$strata" ping -c 2 -i 0.1 -W 1 -s 1472 10.0.2.2
shows ' 0% packet loss' "$strata" ping -c 2 -i 0.1 -s 1252 10.0.2.2
# What the manual advises: nothing hangs any more.
run "$strata" route tap add 10.0.2.0/24 via 192.0.2.1 mtu 1280
before=$(counter black_holes)
: >"$work/got"
"$strata" nc -N -w 3 10.0.2.2 7007 <"$work/sent"
until_true 3 all_there || fail "$(wc -c <"$work/got") bytes have come"
expect 'paths found' "$(counter black_holes)" -eq "$before"
for word in 'mss:1448 pmtu:1500' 'mss:1024 pmtu:1076' 'not acknowledged in time' \
	'a frame of 1514 bytes' black_holes 'route tap add 10.0.2.0/24 via' \
	'tgt is 2001:db8:5::1' "address is another's, not used"; do
	grep -q "$word" "$page" || fail "the manual does not tell of $word"
done
say 'black hole: found'
stack_down
nothing_left
