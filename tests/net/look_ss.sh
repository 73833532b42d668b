#!/bin/bash
# look_ss.sh - strata ss against the kernel's own ss, at the other end
#
#	this namespace                  configs/tap.json
#	tcp_peer, tcp_hold                                tcp_echo 7, udp_echo
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# The kernel has the other end of each connection, so what both say must be two
# sides of the same: addresses, queues, options, bytes.  Then COUNT connections,
# asked about all the time: how much slower do answers become?  And whoever is
# asked is killed.
. "$(dirname "$0")/lib.sh"

count=${COUNT:-10000}
[ "$(ulimit -n)" -ge 20000 ] || ulimit -n 20000 || fail 'no descriptors'

stack_up configs/tap.json
tcp_echo_up 7

# ours FILTER, theirs EXTENDED-REGEX: of the one connection to port 7.
ours() {
	"$strata" ss "$stack" -t --json | jq -r "[.[] |
		select(.local.port == 7 and .state != \"LISTEN\")][0] | $1"
}
ours_is() {
	test "$(ours "$1")" "$2" "$3"
}
theirs() {
	ss -tinoH dst 192.0.2.2:7 | grep -oE "$1" | head -n 1 | cut -d : -f 2
}

# ---- One connection, from both sides

exec 5<>/dev/tcp/192.0.2.2/7
echo 'are you there?' >&5
read -r line <&5
expect 'the echo' "$line" = 'are you there?'
sleep 0.2 # for the ACK of the last bytes

local_end=$(ss -tnH dst 192.0.2.2:7 | awk '{ print $4 }')
expect 'peer' "$(ours '.peer | "\(.address):\(.port)"')" = "$local_end"
expect 'state' "$(ours .state)" = ESTAB
expect 'bytes in' "$(ours .info.bytes_received)" = "$(theirs 'bytes_sent:[0-9]+')"
expect 'bytes out' "$(ours .info.bytes_sent)" = "$(theirs 'bytes_received:[0-9]+')"
expect 'MSS' "$(ours .info.snd_mss)" = "$(theirs ' mss:[0-9]+')"
expect 'MTU' "$(ours .info.pmtu)" = "$(theirs 'pmtu:[0-9]+')"
expect 'scales' "$(ours '.info | "\(.rcv_wscale),\(.snd_wscale)"')" = \
	"$(theirs 'wscale:[0-9]+,[0-9]+')"
expect 'options' "$(ours '.info.options | sort | join(" ")')" = \
	'sack ts wscale'
expect 'SACK and timestamps there' "$(theirs 'ts sack')" = 'ts sack'
expect 'window' "$(ours .info.snd_wnd)" -gt 10000
expect 'its app' "$(ours .owner.pid)" -eq "$echo_pid"
expect 'its program' "$(ours .owner.program)" = tcp_echo
run "$strata" ss "$stack" -tinop
for word in ESTAB 192.0.2.2:7 "$local_end" ' ts sack' 'cubic' 'rto:2' \
	'rtt:' 'cwnd:10 ' 'pacing_rate ' "pid=$echo_pid"; do
	[[ $out == *"$word"* ]] || fail "no \"$word\" in: $out"
done
say "the same connection from both sides"

# Data that nobody reads stays in a queue; a timer runs for what nobody
# acknowledges.
kill -STOP "$echo_pid"
head -c 1000 /dev/zero >&5
until_true 3 ours_is .recv_q -eq 1000 ||
	fail "recv_q is $(ours .recv_q)"
# The kernel's answers go nowhere: a timer runs for what is echoed.
ip route add blackhole 192.0.2.2
kill -CONT "$echo_pid"
until_true 3 ours_is .recv_q -eq 0 || fail 'recv_q stays'
until_true 5 ours_is .timer.tries -ge 2 ||
	fail "the timer is $(ours .timer)"
expect 'timer' "$(ours .timer.kind)" = on
expect 'send_q' "$(ours .send_q)" -eq 1000
run "$strata" ss "$stack" -to
[[ $out == *'timer:(on,'* ]] || fail "no timer in: $out"
kill_daemon tcpd # what it was asked about survives
expect 'tries' "$(ours .timer.tries)" -ge 2
ip route del blackhole 192.0.2.2
head -c 1000 <&5 >/dev/null
expect 'retransmits' "$(ours .info.total_retrans)" -ge 2
say 'queues are what they are'

# ---- Which sockets are shown

tcp_echo_pid=$echo_pid
echo_up 5005 5>&-
udp_pid=$echo_pid
lines() {
	"$strata" ss "$stack" -H "$@" | wc -l
}
none_left() {
	[ "$(lines -t)" -eq 0 ]
}
expect 'all' "$(lines -a)" -eq 3
expect 'TCP' "$(lines -ta)" -eq 2
expect 'UDP' "$(lines -ua)" -eq 1
expect 'connected' "$(lines)" -eq 1
expect 'listening' "$(lines -l)" -eq 2
expect 'IPv4' "$(lines -4a)" -eq 1

# In the words of ss, which must take them, too: what holds of the kernel's end
# holds of ours with both ends exchanged.
their_ports() {
	ss -tnH dst 192.0.2.2:7 | awk '{ print $4 }' | cut -d : -f 2 | sort
}
exec 6<>/dev/tcp/192.0.2.2/7
before=$(their_ports)
exec 7<>/dev/tcp/192.0.2.2/7
port=$(comm -13 <(echo "$before") <(their_ports))
mirrored() { # FILTER: exchanged
	sed 's/dst/SRC/g; s/src/dst/g; s/SRC/src/g
		s/dport/SPORT/g; s/sport/dport/g; s/SPORT/sport/g' <<<"$1"
}
for filter in 'dst 192.0.2.2' 'dst 192.0.2.2:7' 'dst 192.0.2.0/24' \
	'src 192.0.2.2' 'dport = :7' 'dport = :7 and sport = :'"$port" \
	"dport = :7 and not sport = :$port" "sport != :$port" \
	"( sport = :$port or sport = :1 ) and dst 192.0.2.2" \
	"dport < :8" "sport >= :$port" "dst 192.0.2.2 or dst 192.0.2.77"; do
	# shellcheck disable=SC2046,SC2086 # words
	theirs=$(ss -tnH $filter | wc -l)
	expect "those with $filter" "$(lines -t "$(mirrored "$filter")")" -eq \
		"$theirs"
done
for filter in 'state established' 'state all' 'state connected' \
	'state listening' 'exclude established' 'state time-wait' \
	'state big' 'state bucket' 'state synchronized'; do
	# shellcheck disable=SC2086 # words
	run ss -tnH $filter src 192.0.2.1
done
expect 'listening' "$(lines -t state listening)" -eq 1
expect 'established' "$(lines -tl state established)" -eq 3
expect 'one of them' "$(lines state established dport = ":$port")" -eq 1
expect 'none of them' "$(lines dport = ":$port" src 192.0.2.77)" -eq 0
expect 'by a name' "$(lines -t "( sport = :echo )")" -eq 3
expect 'by the only stack' "$("$strata" ss -tH sport = :7 | wc -l)" -eq 3
refused 'what is "nosuch"' "$strata" ss "$stack" state nosuch
refused 'what is ":x"' "$strata" ss "$stack" dport = :x
run "$strata" ss "$stack" -s
[[ $out == *'TCP:   4 (estab 3, closed 0, orphaned 0, timewait 0)'* ]] ||
	fail "$out"
run "$strata" ss "$stack" -s --json
expect 'UDP' "$(jq -r .transports.UDP.ipv6 <<<"$out")" -eq 1
# Bytes that are not read, and what the socket has room for.
kill -STOP "$tcp_echo_pid"
head -c 1000 /dev/zero >&7
is_queued() {
	"$strata" ss "$stack" -tmH dport = ":$port" | grep -qE "$1"
}
until_true 3 is_queued 'skmem:\(r1000,rb[1-9][0-9]+,w0,tb[1-9][0-9]+,d0\)' ||
	fail "$("$strata" ss "$stack" -tm)"
kill -CONT "$tcp_echo_pid"
exec 6<&- 6>&- 7<&- 7>&-
say 'filters are those of ss'
exec 5<&- 5>&-
until_true 3 none_left || fail 'it is still there'
kill "$udp_pid"
run "$strata" ss --help
refused 'usage' "$strata" ss --nonsense
refused 'no such stack' "$strata" ss nosuchstack

# ---- Many, and asked all the time

"$BUILD/tests/bench/tcp_load_strata" serve 9 >"$work/serve" 2>&1 &
serve_pid=$!
mkfifo "$work/hold"
"$BUILD/tests/net/tcp_hold" 192.0.2.2 7 "$count" <"$work/hold" \
	>"$work/held" 2>&1 &
hold_pid=$!
exec 3>"$work/hold"
until_true 120 grep -qs open "$work/held" ||
	fail "tcp_hold: $(cat "$work/held")"
say "$(cat "$work/held")"

ask_p99() {
	run timeout 60 "$BUILD/tests/bench/tcp_load" ask 192.0.2.2 9 64 2000
	value p99_us
}
before=$(ask_p99 | tail -n 1)
from=$EPOCHREALTIME
expect 'connections listed' "$(lines -t)" -eq "$count"
say "listing $count takes $(bc_ms "$from" "$EPOCHREALTIME") s"
(while :; do "$strata" ss "$stack" -ti >/dev/null; done) &
asker=$!
during=$(ask_p99 | tail -n 1)
kill $asker
say "p99 of an answer, us: $before, and $during while all are listed"
# The bound is wide: two cores are shared by all of this.
expect 'p99 while listing, us' "${during%.*}" -le \
	$((${before%.*} * 10 + 5000 * slow))

# Ten at once, while those who are asked die.
(while sleep 0.05; do kill_daemon tcpd; done) 2>/dev/null &
killer=$!
pids=()
for i in {1..10}; do
	"$strata" ss "$stack" -tH >"$work/ss.$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail 'a list was not finished'
done
kill $killer
for i in {1..10}; do
	expect "connections in list $i" "$(wc -l <"$work/ss.$i")" -eq "$count"
done
say "ten lists at once while tcpd restarted $(daemon restarts tcpd) times"

exec 3>&-
wait $hold_pid || fail "tcp_hold: $(cat "$work/held")"
kill "$serve_pid" "$(pgrep --ns $$ --nslist pid -x tcp_echo)"
stack_down
