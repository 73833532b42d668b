#!/bin/bash
# trace.sh - the walks of packets from the wire to an app and back, as told
#
#	this namespace                  configs/tap.json
#	ping, nc                                  udp_echo 7, tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

up='linkd linkd>ipd ipd'
down='ipd ipd>linkd linkd'

stack_up configs/tap.json
echo_up 7
udp_pid=$echo_pid
tcp_echo_up 7
pings 1 192.0.2.2
run "$strata" trace --help
refused 'no stack "moon"' "$strata" trace moon
refused 'filter "moon"' "$strata" trace "$stack" moon

# ---- From wire to wire, to the socket, and back

trace_up -c 1 icmp
pings 1 192.0.2.2
wait $trace_pid || fail "trace -c 1: status $?"
walk 'ICMP echo request'
expect 'hops of a ping' "$hops" = "$up ipd>linkd linkd"
tells 'read from tap0' 'put into linkd>ipd' 'an echo request: answered' \
	'route: neighbour 192.0.2.1 on tap0' 'neighbour 192.0.2.1 has MAC' \
	'written to tap0: a frame of 98 bytes' 'in all'

trace_up tcp port 7
# Not at once: a FIN in the same turn would have the ACK for both.
answer=$({ sleep 0.1; echo 'are you there?'; sleep 0.2; } |
	timeout 5 nc -N 192.0.2.2 7)
expect 'the answer' "$answer" = 'are you there?'
sleep 0.3
trace_down
walk 'Flags [S],'
say "$out"
expect 'hops of a SYN' "$hops" = "$up ipd>tcpd tcpd tcpd>ipd $down"
tells 'listens on port 7' 'LISTEN -> SYN-RECEIVED' 'sends SYN ACK' \
	'put into tcpd>ipd' 'route: neighbour 192.0.2.1' 'written to tap0'
walk 'Flags [.], ack'
tells 'SYN-RECEIVED -> ESTABLISHED'
walk '192.0.2.2.7: Flags [P.]'
say "$out"
tells 'ESTABLISHED' '15 new bytes to socket' 'which is woken'
# At once, or with what the app answers.
case $hops in
"$up ipd>tcpd tcpd") tells 'its ACK may wait' ;;
"$up ipd>tcpd tcpd tcpd>ipd $down") tells 'sends ACK' 'written to tap0' ;;
*) fail "hops of data in: $hops" ;;
esac
walk '192.0.2.2.7 > 192.0.2.1'
say "$out"
expect 'hops of data out' "$hops" = "tcpd tcpd>ipd $down"
tells 'the app wrote this' 'sends PSH ACK, 15 bytes' \
	'written to tap0: a frame of 81 bytes'

trace_up udp
answer=$(echo hello | timeout 5 nc -u -w 1 192.0.2.2 7)
echo nobody | nc -u -w 1 192.0.2.2 9 >/dev/null 2>&1
sleep 0.3
trace_down
walk '192.0.2.2.7: UDP'
expect 'hops of a datagram' "$hops" = "$up ipd>udpd udpd"
tells '6 bytes to socket' 'which is woken'
walk '192.0.2.2.7 > 192.0.2.1'
expect 'hops of its echo' "$hops" = "udpd udpd>ipd $down"
walk '192.0.2.2.9: UDP'
tells 'no socket has port 9' 'dropped: rx_no_socket' 'written to tap0'
say 'ping, SYN, data both ways, datagrams: each from its first to its last hop'

# ---- Daemons die meanwhile

trace_up icmp
timeout 60 ping -q -n -c 200 -i 0.01 192.0.2.2 >"$work/ping" &
ping_pid=$!
for name in ipd linkd tcpd ipd linkd; do
	sleep 0.3
	kill_daemon "$name"
done
wait $ping_pid
sleep 0.3
trace_down
out=$(grep -c 'ICMP echo request' "$work/trace")
expect 'walks' "$out" -eq 200
out=$(grep -c 'written to tap0: a frame of 98' "$work/trace")
expect 'walks to their end' "$out" -eq 200
say "each of 200 pings followed to its end, daemons killed five times"

kill $udp_pid $echo_pid
slots_at_home
stack_down
nothing_left
