#!/bin/bash
# top.sh - strata top shows what moves, and goes on when its stack is killed
#
#	this namespace                  configs/tap.json
#	ping, nc                                tcp_echo
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
tcp_echo_up 7

# rates NAME FILTER: the largest value of FILTER in the objects of $work/NAME.
rates() {
	jq -s "[.[] | $2] | max" "$work/$1"
}

# at_least WHAT VALUE LEAST, of numbers with a point.
at_least() {
	jq -en "$2 >= $3" >/dev/null || fail "$1: $2 is less than $3"
}

# ---- What moves

ping -q -i 0.01 -c 300 192.0.2.2 >/dev/null &
ping=$!
"$strata" top -d 0.3 -n 5 --json >"$work/moves"
expect 'objects' "$(wc -l <"$work/moves")" -eq 5
# 100 a second, each way; a busy machine has fewer at times.
at_least 'frames up' "$(rates moves '.links[0].rx_frames')" 50
at_least 'bytes down' "$(rates moves '.links[0].tx_bytes')" 4000
at_least 'turns of ipd' \
	"$(rates moves '.daemons[] | select(.name == "ipd") | .turns')" 50
at_least 'from linkd to ipd' "$(rates moves \
	'.rings[] | select(.from == "linkd" and .kind == "data") | .moved')" 50
expect 'apps' "$(rates moves .apps)" -eq 1
expect 'listeners' "$(rates moves '.sockets["tcp LISTEN"]')" -eq 1
expect 'events' "$(rates moves '.events | length')" -eq 0
say 'rates'

run "$strata" top --once -d 0.2
for word in 'strata top: tap' ' tcpd ' ' udpd ' ' ipd ' ' linkd ' ' tap0 ' \
	frames/s DROPPED; do
	[[ $out == *"$word"* ]] || fail "no \"$word\" in: $out"
done
[[ $out != *$'\033'* ]] || fail "colours without a terminal: $out"
wait $ping || fail 'a ping was lost'

# On a terminal: colours, the other screen and back; q ends it.
{
	sleep 1
	printf q
} | timeout 20 script -qec "stty rows 45 cols 100; '$strata' top -d 0.1" \
	"$work/typescript" >/dev/null || fail "status $? on a terminal"
for code in '\[?1049h' '\[1m' '\[2m' '\[?25h' '\[?1049l'; do
	grep -q $'\033'"$code" "$work/typescript" ||
		fail "no $code on a terminal"
done
run "$strata" top --json --once -d 0.1
expect 'the name' "$(jq -r .name <<<"$out")" = tap
refused usage "$strata" top -d 0
refused usage "$strata" top -n x
refused 'no stack "none"' "$strata" top none
say 'pictures'

# ---- It goes on

"$strata" top -d 0.1 --json >"$work/goes" &
top=$!
pings 20 -i 0.05 192.0.2.2
for name in ipd linkd tcpd udpd; do
	kill_daemon "$name"
	until_true 5 grep -q "\"events\":\[{\"daemon\":\"$name\"" "$work/goes" ||
		fail "top has not seen the end of $name"
	kill -0 $top || fail "top ended with $name"
done
at_least 'the gap of ipd' "$(rates goes \
	'.events[] | select(.daemon == "ipd") | .gap_us')" 1
kill -9 "$(status_of .supervisor_pid)"
until_true 5 grep -q '"events":\[{"daemon":"supervisor"' "$work/goes" ||
	fail 'top has not seen the end of the supervisor'
kill -0 $top || fail 'top ended with the supervisor'
expect 'the gap of ipd is remembered' "$(daemon last_gap_us ipd)" -gt 0
say "it went on: $(jq -c '.events[]' "$work/goes" | tr '\n' ' ')"

# But not for ever.
kill $echo_pid
slots_at_home
stack_down
until_true 5 eval "! kill -0 $top 2>/dev/null" ||
	fail 'top waits for a stack that is down'
wait $top
expect 'status of top without its stack' $? -eq 1
nothing_left
