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
	[ "$off" != null ] || fail "$1: hops of other packets, too"
	[ -n "$n" ] || fail "no way $1: $(jq -c '[.ways[].way]' "$work/latency")"
	expect "packets of $1" "$n" -ge "$2"
	awk -v off="$off" 'BEGIN { exit !(off > -5 && off < 5) }' ||
		fail "$1: the sum of the hops is off by $off %"
}

# is_a_read TRANSPORT MOST: the way to the app is the one to the socket, and
# then something; no packet is there twice.
is_a_read() {
	local app="wire > linkd > ipd > $1 > app"
	local to="wire > linkd > ipd > $1 > socket"
	say "$(of_way "$app" '.hops[-1] | "\(.from): \(.waiting.count) read, \(
		.waiting.p50) ns waiting, at most \(.waiting.max)"')"
	expect 'its last hop' "$(of_way "$app" '.hops[-1].from')" = "$1>app"
	expect 'its hops' "$(of_way "$app" '.hops | length')" -eq \
		$(($(of_way "$to" '.hops | length') + 1))
	expect 'packets read' "$(of_way "$app" .end_to_end.count)" -le "$2"
	expect 'waiting to be read, in ns' \
		"$(of_way "$app" '.hops[-1].waiting.p50')" -gt 0
	awk -v app="$(of_way "$app" .end_to_end.mean)" \
		-v to="$(of_way "$to" .end_to_end.mean)" \
		'BEGIN { exit !(app > to) }' || fail "read before it was there"
}

udp_asks() {
	run "$udp_tester" -c "$@" 192.0.2.2 7
}

# The connection, and its first lines, which the peer acknowledges at once: both
# are none of what is counted.
tcp_begins() {
	coproc nc { nc 192.0.2.2 7; }
	tcp_asks 30
}

tcp_ends() {
	# shellcheck disable=SC2154 # coproc has set it
	kill "$nc_PID"
	wait "$nc_PID" 2>/dev/null || :
}

sink_is_there() {
	"$strata" ss "$stack" -uan | grep -q ":9 "
}

no_connection() {
	! "$strata" ss "$stack" | grep -q '192\.0\.2\.1:'
}

tcp_asks() {
	local i back
	for ((i = 0; i < $1; i++)); do
		echo $i >&"${nc[1]}"
		read -r -t 10 back <&"${nc[0]}" || back=nothing
		[ "$back" = $i ] || fail "instead of $i came $back"
	done
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
agrees 'wire > linkd > ipd > udpd > app' 480
is_a_read udpd 500
agrees 'app > udpd > ipd > linkd > wire' 500

# Bursts: each call of the program is known, not its last alone.
is_nearly_all() {
	local of
	of=$(of_way "$1" '"\(.end_to_end.count) \(.packets)"')
	say "$1: measured ${of/ / of }"
	awk '{ exit !($1 >= 0.95 * $2) }' <<<"$of" ||
		fail "$1: only ${of/ / of } are measured"
}

for window in 16 64; do
	measure udp_asks 20000 -w $window
	for way in 'wire > linkd > ipd > udpd > app' \
		'app > udpd > ipd > linkd > wire'; do
		agrees "$way" 18000
		is_nearly_all "$way"
	done
	expect 'ways on which a daemon sends by itself' "$(jq '[.ways[] |
		select(.way | startswith("udpd"))] | length' \
		"$work/latency")" -eq 0
done

# Half of linkd's packets end elsewhere: its mean is not that of the others.
udp_and_pings() {
	udp_asks 500
	pings 500 -i 0.002 192.0.2.2
}

measure udp_and_pings
expect 'packets' "$(of_way 'wire > linkd > ipd > udpd > socket' .packets)" \
	-eq 500
expect 'difference to hops of others, too' "$(of_way \
	'wire > linkd > ipd > udpd > socket' .difference_percent)" = null

# The hops of linkd and ipd have the peer's own acknowledgements in them, too, a
# few as it begins and ends: among many they count for little.
tcp_begins
measure tcp_asks 2000
agrees 'wire > linkd > ipd > tcpd > socket' 2000
agrees 'wire > linkd > ipd > tcpd > app' 1920
is_a_read tcpd 2000
agrees 'app > tcpd > ipd > linkd > wire' 2000
tcp_ends
until_true 5 no_connection || fail "$("$strata" ss "$stack")"

# Who only reads tells nobody, so he is asked now and then.
reads_one() {
	echo one >/dev/udp/192.0.2.2/9
	sleep 0.3
}
"$strata" nc -u -l 9 </dev/null >"$work/sink" 2>&1 &
sink_pid=$!
until_true 3 sink_is_there || fail "no sink: $(cat "$work/sink")"
measure reads_one
agrees 'wire > linkd > ipd > udpd > app' 1
expect 'read' "$(cat "$work/sink")" = one
kill $sink_pid

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
