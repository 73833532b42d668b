#!/bin/bash
# trace_ends.sh - walks to their ends: a silent neighbour, an error, a close
#
#	this namespace                  configs/tap.json
#	nc -l 99                                  strata ping, nc; tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	192.0.2.78 answers nobody
. "$(dirname "$0")/lib.sh"

jq '.tcp += { time_wait_ms: 700, fin_timeout_ms: 1000 }' configs/tap.json \
	>"$work/tap.json"
stack_up "$work/tap.json"
tcp_echo_up 7
pings 1 192.0.2.2

down='ipd ipd>linkd linkd'

# ---- A neighbour that does not answer

trace_up 'dst 192.0.2.78 or icmp'
"$strata" ping -c 4 192.0.2.78 >"$work/ping"
sleep 0.2
trace_down
expect 'errors' "$(grep -c 'Destination Host Unreach' "$work/ping")" -eq 4
expect 'walks' "$(grep -c '^[0-9]*\. ' "$work/trace")" -eq 4
expect 'told' "$(grep -c 'is told: No route to host' "$work/trace")" -eq 4
walk 'IP 192.0.2.2 > 192.0.2.78: ICMP echo request'
say "$out"
expect 'hops there and back' "$hops" = \
	"udpd udpd>ipd $down linkd linkd linkd>ipd ipd ipd>udpd udpd"
tells 'source 192.0.2.2' 'asked for, the packet waits' \
	'waiting for the neighbour' '192.0.2.78 does not answer' \
	'put into linkd>ipd' 'an error to udpd' \
	'an ICMP error, type 3, code 1' 'socket 0 of app' 'in all'

trace_up 'tcp or icmp'
timeout 9 "$strata" nc 192.0.2.78 80 2>"$work/nc" </dev/null
grep -q 'No route to host' "$work/nc" || fail "$(cat "$work/nc")"
sleep 0.2
trace_down
walk 'Flags [S]'
say "$out"
tells 'CLOSED -> SYN-SENT' 'does not answer' 'an error to tcpd' \
	'about a segment of it: No route to host' \
	'SYN-SENT -> CLOSED: No route to host' 'in all'

# Interrupted while it waits: that is no end.
trace_up icmp
timeout 1 "$strata" ping -c 1 192.0.2.79 >"$work/ping"
trace_down
walk 192.0.2.79
tells 'the packet waits' '... and still waits'
say 'a silent neighbour: up to the socket, and into connect()'

# ---- What comes back to ping sockets and datagrams

trace_up icmp or udp
run "$strata" ping -c 1 192.0.2.1
"$strata" nc -u -w 1 192.0.2.1 98 <<<nobody 2>"$work/nc"
sleep 0.2
trace_down
walk 'echo reply'
say "$out"
tells 'for us, an echo reply' 'a copy up to udpd' 'put into ipd>udpd' \
	'64 bytes to socket'
walk '192.0.2.1.98: UDP'
walk 'port 98 unreachable'
tells 'to udpd, which sent' 'is told: Connection refused'

# ---- Every state, to the last

trace_up tcp port 7
answer=$({ sleep 0.1; echo 'are you there?'; sleep 0.2; } |
	timeout 5 nc -N 192.0.2.2 7)
expect 'the answer' "$answer" = 'are you there?'
sleep 0.2
trace_down
for state in 'LISTEN -> SYN-RECEIVED' 'SYN-RECEIVED -> ESTABLISHED' \
	'15 bytes of ours are' 'ESTABLISHED -> CLOSE-WAIT' \
	'CLOSE-WAIT -> LAST-ACK' 'our FIN is acknowledged' 'LAST-ACK -> CLOSED'; do
	grep -q "$state" "$work/trace" ||
		fail "no \"$state\" in: $(cat "$work/trace")"
done

timeout 20 nc -l 192.0.2.1 99 >/dev/null < <(sleep 1) &
nc_pid=$!
sleep 0.2
trace_up tcp
timeout 9 "$strata" nc -N 192.0.2.1 99 <<<'that was all'
wait $nc_pid
sleep 1
trace_down
for state in 'CLOSED -> SYN-SENT' 'SYN-SENT -> ESTABLISHED' \
	'ESTABLISHED -> FIN-WAIT-1' 'FIN-WAIT-1 -> FIN-WAIT-2' \
	'FIN-WAIT-2 -> TIME-WAIT'; do
	grep -q "$state" "$work/trace" ||
		fail "no \"$state\" in: $(cat "$work/trace")"
done
walk 'of tcpd, no packet'
say "$out"
tells 'TIME-WAIT -> CLOSED' 'in all'

trace_up tcp
"$strata" nc 192.0.2.1 98 2>"$work/nc" </dev/null
nc -w 1 192.0.2.2 98 </dev/null
sleep 0.2
trace_down
walk '98 > 192.0.2.2'
tells 'SYN-SENT -> CLOSED: Connection refused'
walk '192.0.2.2.98: Flags [S]'
tells 'nobody listens on port 98' 'written to tap0'
say 'each state told, TIME-WAIT to its end without a packet'

kill "$echo_pid"
slots_at_home
stack_down
nothing_left
