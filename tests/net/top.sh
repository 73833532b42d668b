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

# on_terminal ROWS COLS OPTIONS...: as it is there, in $work/typescript; TERM and
# NO_COLOR are the caller's.
on_terminal() {
	LC_ALL=C.UTF-8 TERM=${TERM_IS-xterm} timeout 20 script -qefc \
		"stty rows $1 cols $2; '$strata' top ${*:3}" \
		"$work/typescript" >/dev/null || fail "status $? on a terminal"
}
# The last picture, without colours, a line each.
last_picture() {
	out=$(tr -d '\r' <"$work/typescript" | grep -v '^Script ' |
		awk -v RS=$'\033\\[H' 'END { printf "%s", $0 }' |
		sed $'s/\033\\[[?0-9;]*[A-Za-z]//g')
}

# On a terminal: colours, the other screen and back; q ends it.
{
	sleep 1
	printf q
} | on_terminal 45 100 -d 0.1
for code in '\[?1049h' '\[1m' '\[2m' '\[?25h' '\[?1049l'; do
	grep -q $'\033'"$code" "$work/typescript" ||
		fail "no $code on a terminal"
done
# Colours, but not for who wants none, nor where they would be rubbish.
colours=$'\033''\[[0-9;]*[1-9]m'
on_terminal 24 80 --once -d 0.1
grep -q "$colours" "$work/typescript" || fail 'no colours on a terminal'
NO_COLOR='' on_terminal 24 80 -n 1 -d 0.1
grep -q "$colours" "$work/typescript" || fail 'an empty NO_COLOR counts'
NO_COLOR=1 on_terminal 24 80 -n 1 -d 0.1
! grep -q "$colours" "$work/typescript" || fail 'colours despite NO_COLOR'
grep -q $'\033''\[H' "$work/typescript" || fail 'NO_COLOR is not: not live'
for TERM_IS in dumb ''; do
	on_terminal 24 80 -n 2 -d 0.1
	! grep -q $'\033' "$work/typescript" || fail "escapes: TERM=$TERM_IS"
	expect 'pictures' "$(grep -c 'strata top: tap' "$work/typescript")" -eq 2
done
unset TERM_IS

# What there is room for: always the drops and who took over.
fits() { # ROWS COLS WORDS...
	on_terminal "$1" "$2" -n 1 -d 0.1
	last_picture
	expect "rows of $1" "$(wc -l <<<"$out")" -le "$1"
	expect "columns of $2" "$(LC_ALL=C.UTF-8 wc -L <<<"$out")" -le "$2"
	for word in DROPPED 'A SEC' tcpd udpd ipd linkd tap0 '▲' '▼' "${@:3}"; do
		[[ $out == *"$word"* ]] || fail "no \"$word\" in $*: $out"
	done
}
fits 24 80 'WHO TOOK OVER' 'cpu ' 'pool ' wake-ups/s
fits 36 80 'WHO TOOK OVER' 'no restarts' frames/s
fits 50 80 'WHO TOOK OVER' 'slots coming home, from' 'linkd '
fits 60 200 'WHO TOOK OVER' 'slots coming home, from'
fits 10 40 'CPU POOL RING'
fits 24 60 'WHO TOOK OVER' 'CPU POOL RING'
# Beside the boxes where there is room.
on_terminal 45 200 -n 1 -d 0.1
last_picture
grep -q 'tcpd.*DROPPED' <<<"$out" || fail "drops are below: $out"

# Without a keyboard it goes on.
timeout 20 script -qec "TERM=xterm '$strata' top -n 3 -d 0.2 </dev/null" \
	"$work/typescript" >/dev/null
expect 'pictures without a keyboard' \
	"$(grep -o $'\033''\[H' "$work/typescript" | wc -l)" -ge 3

# Ctrl-Z gives the screen back, and fg takes it again; q ends it.
out=$(TERM=xterm timeout 20 python3 - "$strata" <<'END'
import os, pty, select, signal, sys, time

def until(said):
    seen = b''
    end = time.monotonic() + 5
    while said not in seen:
        if not select.select([terminal], [], [], end - time.monotonic())[0]:
            sys.exit(f'no {said} in {seen}')
        seen += os.read(terminal, 65536)

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], 'top', '-d', '0.1'])
until(b'\033[?1049h')
until(b'strata top: tap')
os.write(terminal, b'\x1a')
until(b'\033[?1049l')
if not os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
    sys.exit('Ctrl-Z does not stop it')
os.kill(pid, signal.SIGCONT)
until(b'\033[?1049h')
until(b'strata top: tap')
os.write(terminal, b'q')
until(b'\033[?1049l')
if os.waitpid(pid, 0)[1] != 0:
    sys.exit('q does not end it')
END
) || fail "on a terminal: $out"
say 'terminals'

run "$strata" top --json --once -d 0.1
expect 'pools' "$(jq '[.pools[] | select(.slots > 0)] | length' <<<"$out")" -eq 4
expect 'armed slots of linkd' "$(jq '.pools[] |
	select(.daemon == "linkd").used' <<<"$out")" -gt 0
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
