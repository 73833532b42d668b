#!/bin/bash
# why.sh - a connection does not open, and strata-troubleshooting(7) says why
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2   strata nc
#	nobody is 192.0.2.77; port 80 is dropped, 81 forbidden, 82 open, 83 closed
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
stack_down
nothing_left
