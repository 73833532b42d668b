#!/bin/bash
# latency.sh - what is measured of each hop is what is measured end to end
#
#	this namespace                  configs/tap.json
#	ping, a sender, nc                        udp_echo 7, tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# measure COMMAND...: while it runs; the figures stand in $work/latency.
measure() {
	"$strata" latency "$stack" -d 3600 --json >"$work/latency" &
	local pid=$!
	sleep 0.3
	"$@" || fail "status $? of: $*"
	sleep 0.1
	kill -INT $pid
	wait $pid || fail "latency: status $?"
	[ "$(jq .missed "$work/latency")" -eq 0 ] ||
		fail "not measured: $(jq .missed "$work/latency")"
}

# of_way NAME FILTER: of the way called so.
of_way() {
	jq -r ".ways[] | select(.way == \"$1\") | $2" "$work/latency"
}

# agrees NAME PACKETS: at least so many on that way, the whole its hops' sum.
agrees() {
	local n off
	n=$(of_way "$1" .end_to_end.count)
	off=$(of_way "$1" .difference_percent)
	say "$(of_way "$1" '"\(.way): \(.end_to_end.count) packets, hops \(
		.sum_of_means / 1000) us, end to end \(.end_to_end.mean / 1000
		) us, difference \(.difference_percent) %"')"
	[ -n "$n" ] || fail "no way $1: $(jq -c '[.ways[].way]' "$work/latency")"
	expect "packets of $1" "$n" -ge "$2"
	awk -v off="$off" 'BEGIN { exit !(off > -5 && off < 5) }' ||
		fail "$1: the sum of the hops is off by $off %"
}

udp_asks() {
	run "$udp_tester" -c "$1" 192.0.2.2 7
}

tcp_asks() {
	local i back
	coproc nc { nc 192.0.2.2 7; }
	for ((i = 0; i < $1; i++)); do
		echo $i >&"${nc[1]}"
		read -r -t 10 back <&"${nc[0]}" || back=nothing
		[ "$back" = $i ] || fail "instead of $i came $back"
	done
	# shellcheck disable=SC2154 # coproc has set it
	kill "$nc_PID"
	wait "$nc_PID" 2>/dev/null || :
}

stack_up configs/tap.json
echo_up 7
udp_pid=$echo_pid
tcp_echo_up 7
run "$strata" latency --help
refused 'usage' "$strata" latency "$stack" -n 0
refused 'no stack "moon"' "$strata" latency moon
pings 1 192.0.2.2

measure pings 500 -i 0.002 192.0.2.2
agrees 'wire > linkd > ipd > linkd > wire' 500
expect 'hops' "$(of_way 'wire > linkd > ipd > linkd > wire' '.hops | length')" \
	-eq 3
say "$(of_way 'wire > linkd > ipd > linkd > wire' '.hops[] |
	"\(.from // "wire"): \(.waiting.p50) ns waiting, \(.daemon): \(.work.p50) work"')"

measure udp_asks 500
agrees 'wire > linkd > ipd > udpd > socket' 500
agrees 'app > udpd > ipd > linkd > wire' 500

measure tcp_asks 500
agrees 'wire > linkd > ipd > tcpd > socket' 500
agrees 'app > tcpd > ipd > linkd > wire' 500

# Nobody asks any more: nothing is measured.
run "$strata" latency "$stack" -d 1 -n 1
[[ $out == 'no packets'* ]] || fail "$out"

# ---- Daemons die meanwhile

"$strata" latency "$stack" -d 1 >"$work/kills" &
latency_pid=$!
sleep 0.3
timeout 60 ping -q -n -c 500 -i 0.01 192.0.2.2 >"$work/ping" &
ping_pid=$!
for name in ipd linkd udpd tcpd ipd linkd; do
	sleep 0.6
	kill_daemon "$name"
done
wait $ping_pid
grep -q '500 received' "$work/ping" || fail "$(cat "$work/ping")"
sleep 0.1
kill -INT $latency_pid
wait $latency_pid || fail "latency: status $?"
out=$(grep -c '^wire > linkd > ipd > linkd > wire' "$work/kills")
expect 'seconds with figures' "$out" -ge 5
seen=$(awk '/^wire > linkd > ipd > linkd > wire/ { n += $(NF - 1) }
	END { print n }' "$work/kills")
say "$seen of 500 pings measured, daemons killed six times"
expect 'pings measured' "$seen" -ge 480
expect 'pings measured' "$seen" -le 500
# Also the supervisor, which is asked again.
"$strata" latency "$stack" -d 2 -n 1 >"$work/kills" &
latency_pid=$!
sleep 0.2
kill -9 "$(status_of .supervisor_pid)"
sleep 0.5
pings 20 -i 0.01 192.0.2.2
wait $latency_pid || fail "latency: status $?"
grep -q 'wire > linkd > ipd > linkd > wire: 20 packets' "$work/kills" ||
	fail "$(cat "$work/kills")"

kill $udp_pid $echo_pid
slots_at_home
stack_down
nothing_left
