#!/bin/bash
# tcp_flood.sh - a flood of SYNs, and clients that get through
#
#	this namespace                  configs/tap.json
#	syn_flood, nc                                     tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# RATE SYNs a second from addresses that nobody has: each client connects within
# a second, and tcpd needs no more memory than before.
. "$(dirname "$0")/lib.sh"

rate=${RATE:-100000}
seconds=${SECONDS_OF_FLOOD:-3}

stack_up configs/tap.json
tcp_echo_up 7
head -c 100000 /dev/urandom >"$work/in"

# Bytes that tcpd has in memory, its own and shared.
memory() {
	awk '/^Rss:/ { print $2 * 1024 }' "/proc/$(daemon pid tcpd)/smaps_rollup"
}

# under_flood SECONDS: clients one after the other while it lasts.
under_flood() {
	"$BUILD/tests/net/syn_flood" 192.0.2.2 7 "$rate" "$1" >"$work/flood" &
	local flood_pid=$! from took
	slowest=0
	clients=0
	while kill -0 $flood_pid 2>/dev/null; do
		from=$EPOCHREALTIME
		out=$(echo hello | timeout 5 nc -N 192.0.2.2 7) ||
			fail "nc: status $?"
		expect 'the answer' "$out" = hello
		took=$(((${EPOCHREALTIME/[.,]/} - ${from/[.,]/}) / 1000))
		[ $took -le $slowest ] || slowest=$took
		clients=$((clients + 1))
	done
	wait $flood_pid
}

# Half-open connections and clients' sockets are there after the first.
under_flood 5
before=$(memory)
taken=$(counter segments_received)
under_flood "$seconds"
after=$(memory)
taken=$(($(counter segments_received) - taken))
out=$(cat "$work/flood")
say "$out, reached tcpd: $taken," \
	"cookies sent $(counter cookies_sent), back $(counter cookies_back)"
say "$clients clients, the slowest took $slowest ms;" \
	"tcpd's memory before $before, after $after bytes"
# The sender catches up; what the TAP's queue has no room for, while nobody gets
# a CPU, is lost.
expect 'SYNs a second' "$(value rate)" -ge $((rate * 9 / (10 * slow)))
expect 'SYNs that reached tcpd' $taken -ge $(($(value sent) * 3 / (4 * slow)))
expect 'the slowest client, ms' $slowest -lt $((1000 * slow))
expect 'growth of tcpd, bytes' $((after - before)) -lt 2000000
expect 'cookies sent' "$(counter cookies_sent)" -gt 0

# With what a cookie keeps a connection is as good as any.
out=$("$tcp_peer" 192.0.2.2 7 <"$work/in" 2>/dev/null | md5sum)
expect 'MD5' "$out" = "$(md5sum <"$work/in")"
kill $echo_pid
slots_at_home
stack_down
