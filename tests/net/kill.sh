#!/bin/bash
# kill.sh - kill -9 of each daemon under load: nothing lost, and the gap
#
#	this namespace                  configs/tap.json
#	ping, pinger, udp_tester                          udp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# KILLS of each daemon at random moments (SEED, printed) within PINGS ms.  Three
# runs: the kernel's ping; our pinger, which tells the silence after each kill;
# UDP at 20,000 datagrams a second.  kill-full.sh runs the same for longer.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-2}
pings=${PINGS:-1500}
STRICT=${STRICT:-}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
say "seed $seed, $kills kills of each daemon in $pings ms"
RANDOM=$seed

# killer DAEMON...: kill each so often, in an order drawn, at moments drawn.
killer() {
	local order slot wait pid
	# Asking for a pid must not take the CPU from those that are measured.
	[ -z "${STRICT:-}" ] || renice -n 19 $BASHPID >/dev/null
	order=$(for name; do
		for ((i = 0; i < kills; i++)); do
			echo "$RANDOM $name"
		done
	done | sort -n | cut -d ' ' -f 2)
	slot=$(((pings - 200) / (kills * $#) - 25)) # status takes a while
	for name in $order; do
		wait=$((RANDOM % slot))
		sleep "$(bc_ms 0 $((wait * 1000)))"
		# One that has just died may not be replaced yet: pid is 0.
		until pid=$(daemon pid "$name") now=$EPOCHREALTIME &&
			[ "${pid:-0}" -gt 0 ] && kill -9 "$pid" 2>/dev/null; do
			:
		done
		echo "$now $name" >>"$work/marks"
		sleep "$(bc_ms 0 $(((slot - wait) * 1000)))"
	done
}

killed=0

# under_kills "DAEMON..." COMMAND...: $out is its output; it must succeed.
under_kills() {
	local names=$1
	shift
	: >"$work/marks"
	# shellcheck disable=SC2086 # a list of names
	killer $names &
	local killer_pid=$!
	sleep 0.05
	run "$@"
	kill $killer_pid 2>/dev/null
	wait $killer_pid 2>/dev/null
	killed=$((killed + $(wc -l <"$work/marks")))
}

stack_up configs/tap.json
pings 1 192.0.2.2

# ---- ping

under_kills 'linkd ipd' ping -q -n -i 0.001 -c "$pings" 192.0.2.2
say "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
[[ $out == *", $pings received"* ]] || fail "$out"
doubled=$(sed -n 's/.*+\([0-9]*\) duplicates.*/\1/p' <<<"$out")
expect 'duplicates' "${doubled:-0}" -le 20
slots_at_home

# ---- the pinger, which looks at each gap

under_kills 'linkd ipd' "$pinger" -i 1000 -c "$pings" -m "$work/marks" \
	192.0.2.2
say "$out"
expect 'duplicates' "$(value doubled)" -le 20
gap=$(whole gap_max_us) median=$(whole gap_p50_us)
expect 'us of silence after a kill' "$gap" -lt $((500000 * slow))
# The machine may be silent by itself for longer than any kill: then there is
# nothing to judge.
if [ -n "${STRICT:-}" ] && [ "$(whole calm_max_us)" -lt 3000 ]; then
	expect 'us of silence, longest' "$gap" -lt 5000
	expect 'us of silence, median' "$median" -lt 2000
fi
slots_at_home

# ---- UDP

echo_up 7
run "$udp_tester" -c 1000 -r 20000 192.0.2.2 7
before=$(unavoidable)
under_kills 'linkd ipd udpd' sh -c "$udp_tester -r 20000 -c $((pings * 20)) \
	-m $work/marks 192.0.2.2 7 || true"
say "$out"
lost=$(value lost)
drops=$(($(unavoidable) - before + $(value overflows)))
say "$lost unanswered; $drops dropped by the kernel or a full buffer, counted"
expect 'unanswered beyond what was dropped and counted' "$lost" -le $drops
expect 'wrong answers' "$(value corrupt)" -eq 0
kill -0 $echo_pid || fail "udp_echo is gone: $(cat "$work/echo.7")"
expect 'lines of udp_echo' "$(grep -ci error "$work/echo.7")" -eq 0
slots_at_home

run "$strata" status "$stack"
grep -A 4 '^DAEMON .*LAYER' <<<"$out"
expect 'restarts' "$(status_of '[.daemons[].restarts] | add')" -eq $killed
# On a busy machine asking for a pid takes long, and there are fewer.
expect 'kills' $killed -ge $((STRICT ? 6 * kills : 3))
