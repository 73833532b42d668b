#!/bin/bash
# tcp_typing.sh - somebody types for a while, and daemons die
#
#	this namespace                  configs/tap.json
#	nc                                                tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# One key at a time, 20 to 120 ms apart, for so many SECONDS, on a connection of
# each family; each key's echo is waited for, as with a remote shell.
. "$(dirname "$0")/lib.sh"

seconds=${SECONDS_OF_TYPING:-5}
daemons=${DAEMONS:-tcpd ipd linkd}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
say "seed $seed"
RANDOM=$seed

# types ADDRESS: a line with what came of it.
types() {
	local from took slowest=0 keys=0 key back
	local end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
	coproc nc { nc "$1" 7; }
	while [ "${EPOCHREALTIME/[.,]/}" -lt $end ]; do
		key=$((RANDOM % 10))
		from=$EPOCHREALTIME
		printf '%s' $key >&"${nc[1]}"
		read -r -t 10 -N 1 back <&"${nc[0]}" || back=nothing
		[ "$back" = $key ] || {
			echo "keys=$keys wrong=$back"
			return 1
		}
		took=$(((${EPOCHREALTIME/[.,]/} - ${from/[.,]/}) / 1000))
		[ $took -le $slowest ] || slowest=$took
		keys=$((keys + 1))
		sleep "$(bc_ms 0 $(((20 + RANDOM % 100) * 1000)))"
	done
	# shellcheck disable=SC2154 # coproc has set it
	kill "$nc_PID"
	echo "keys=$keys slowest_ms=$slowest"
}

stack_up configs/tap.json
tcp_echo_up 7
: >"$work/kills"
tcp_killer &
killer_pid=$!
types 2001:db8::2 >"$work/six" 2>/dev/null &
six=$!
out=$(types 192.0.2.2 2>/dev/null) || fail "IPv4: $out"
say "IPv4: $out"
wait $six || fail "IPv6: $(cat "$work/six")"
out=$(cat "$work/six")
say "IPv6: $out"
kill $killer_pid
wait $killer_pid 2>/dev/null
say "killed: $(sort "$work/kills" | uniq -c | tr -s ' \n' ' ')"
expect 'keys' "$(value keys)" -ge $((seconds * 2 / slow))
# Nothing is lost by a death, so no key waits for a retransmission.
expect 'the slowest echo, ms' "$(value slowest_ms)" -lt $((200 * slow))
kill $echo_pid
slots_at_home
stack_down
