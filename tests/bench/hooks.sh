#!/bin/bash
# usage: [ROUNDS=20] [CPU=any] [BARE=build/hookless] tests/bench/hooks.sh
#
#	this namespace: the peer        four stacks like configs/tap.json
#	192.0.2.2 --------- bare ------ 192.0.2.1     built with HOOKLESS=1
#	192.0.2.6 -------- hooks ------ 192.0.2.5     BUILD, nobody looks
#	192.0.2.10 ----- capture ------ 192.0.2.9     BUILD, a ring is captured
#	192.0.2.14 ------- again ------ 192.0.2.13    built with HOOKLESS=1
#
# What it costs that any ring can be captured, and what a capture costs.  The
# peer is always the kernel.  "again" is what "bare" is: how far its ratios are
# from 1 is noise.  (What another layout of the same code does to speed it does
# not show: that is in the ratio of "hooks", with all else.)
#
# Where the scheduler puts five processes decides more than anything measured
# here, and so does what else the machine does.  So all are on one CPU, the last,
# where each instruction more takes time, and only who reads the capture is on the
# first.  There are many short rounds, each with new processes, since where those
# lie in memory is luck, too; in a round each kind of traffic goes over all four,
# one right after the other, several times, in an order that changes.  A ratio is
# to what "bare" did at the same moment; of a round the median counts, and of the
# rounds their median, with the interval in which it lies with 95 %, by its rank.
# CPU is what the scheduler charged to the stack and its program.
#
# What needs no scheduler is measured apart (turn.c): a turn of ipd alone, in time
# and in instructions.
#
# All that passes one ring goes to /dev/null: the ring that carries the data.
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-20}
repeats=3   # of each measurement in a round
slot_ms=100 # of a measurement
most_s=200  # then no other round begins
cpu=${CPU:-$(($(nproc) - 1))}
if [ "$cpu" = any ]; then
	here=() elsewhere=() placed=.
else
	here=(taskset -c "$cpu") elsewhere=(taskset -c 0)
	placed=".processes[].cpu = $cpu"
fi
bare=${BARE:-build/hookless}
load=$BUILD/tests/bench/tcp_load
all=(bare hooks capture again)
declare -A build=([bare]=$bare [hooks]=$BUILD [capture]=$BUILD [again]=$bare)
declare -A address peer pids

for program in strata tests/bench/tcp_load_strata tests/bench/turn; do
	[ -x "$bare/$program" ] ||
		fail "no $bare/$program: make all tools HOOKLESS=1"
done

# ---- The four

topologies() {
	local i who
	for i in "${!all[@]}"; do
		who=${all[$i]}
		address[$who]=192.0.2.$((4 * i + 1))
		peer[$who]=192.0.2.$((4 * i + 2))
		jq --arg who "$who" --arg ours "${address[$who]}/30" \
			--arg host "${peer[$who]}/30" '.name = $who |
			.links[0].interface = $who | del(.routes) |
			.links[0].addresses = [$ours] |
			.links[0].host = [$host] | '"$placed" \
			configs/tap.json >"$work/$who.json"
	done
}

# serve WHO: both programs, TCP and UDP.
serve() {
	local program
	rm -f "$work/serves.$1".*
	STRATA=$1 "${here[@]}" \
		"${build[$1]}/tests/bench/tcp_load_strata" serve 7 \
		>"$work/serves.$1.tcp" 2>&1 &
	program=$!
	STRATA=$1 "${here[@]}" "${build[$1]}/examples/udp_echo" 7 \
		>"$work/serves.$1.udp" 2>&1 &
	programs+=("$program" $!)
	until_true 3 "${here[@]}" "$load" ask "${address[$1]}" 7 1 20 ||
		fail "$1 does not answer: $(cat "$work/serves.$1".*)"
	until_true 3 "$udp_tester" -c 100 -w 1 "${address[$1]}" 7 ||
		fail "$1 does not answer: $(cat "$work/serves.$1".*)"
	pids[$1]="$program $! $(stack_pids "$1" | tr '\n' ' ')"
}

bring_up() {
	local who
	programs=()
	for who in "${all[@]}"; do
		stacks+=("$who")
		out=$("${build[$who]}/strata" up --detach "$work/$who.json" \
			2>&1) || fail "strata up $who: $out"
		serve "$who"
	done
}

take_down() {
	local who
	kill "${programs[@]}"
	wait "${programs[@]}" 2>/dev/null
	for who in "${all[@]}"; do
		stack_down "$who"
	done
}

# capture_up RING: switched on when this returns.
capture_up() {
	rm -f "$work/captured"
	"${elsewhere[@]}" "$strata" capture capture -w /dev/null --at "$1" 2>"$work/captured" &
	capture_pid=$!
	until_true 9 grep -qs capturing "$work/captured" ||
		fail "the capture does not begin: $(cat "$work/captured")"
}

# And how many packets it saw, how many of them it lost.
capture_down() {
	kill -INT "$capture_pid"
	wait "$capture_pid" || fail "capture: status $?: $(cat "$work/captured")"
	awk -v ring="$1" '$2 ~ /^[0-9]+$/ { print ring, $2, $3 }' \
		"$work/captured" >>"$work/seen"
}

# ---- What is measured: a key, what it is, its unit

rows=(
	'recv|receives, 1 stream|Gbit/s'
	'recv_cpu|   CPU, a Gbit/s|%'
	'send|sends, 1 stream|Gbit/s'
	'send_cpu|   CPU, a Gbit/s|%'
	'ask|TCP, 1 B there and back, p50|us'
	'asks|   how many|a second'
	'ask_cpu|   CPU, each|us'
	'udp|UDP, 64 B there and back, p50|us'
	'udps|   how many|a second'
	'udp_cpu|   CPU, each|us'
	'turn_1|ipd: a turn of 1 packet|ns'
	'ins_1|   if nobody looks|instructions'
	'turn_32|ipd: a packet of 32 in a turn|ns'
	'ins_32|   if nobody looks|instructions'
)

# cpu WHO KEY COUNT SCALE: ms of CPU since $before, by COUNT, times SCALE.
cpu() {
	local after
	# shellcheck disable=SC2086 # a list of pids
	after=$(cpu_ms ${pids[$1]})
	figure "$1" "$2" "$(awk -v a="$before" -v b="$after" -v n="$3" \
		-v scale="$4" 'BEGIN { print (b - a) / n * scale }')"
}

# bulk WHO KEY CLIENT'S-WORD.  Milliseconds for a Gbit are tenths of a percent
# for a Gbit/s.
bulk() {
	try "$1" "$2" "${here[@]}" "$load" "$3" "${address[$1]}" 7 1 $slot_ms || return
	figure "$1" "$2" "$(value gbits)"
	cpu "$1" "$2_cpu" "$(value bytes)" 1.25e7
}

asks() {
	try "$1" ask "${here[@]}" "$load" ask "${address[$1]}" 7 1 $slot_ms || return
	figure "$1" ask "$(value p50_us)"
	figure "$1" asks $(($(value asked) * 1000 / slot_ms))
	cpu "$1" ask_cpu "$(value asked)" 1e3
}

datagrams() {
	try "$1" udp "${here[@]}" "$udp_tester" -s 64 -w 1 \
		-c $((slot_ms * 30)) "${address[$1]}" 7 || return
	figure "$1" udp "$(value p50_us)"
	figure "$1" udps "$(value per_s)"
	cpu "$1" udp_cpu "$(value back)" 1e3
}

turns() {
	local what=off
	[ "$1" != capture ] || what=captured
	try "$1" turn_1 "${here[@]}" "${build[$1]}/tests/bench/turn" 5 || return
	figure "$1" turn_1 "$(value ${what}_1)"
	figure "$1" turn_32 "$(value ${what}_32)"
	[ $what = off ] && [ -n "$(value instructions_1)" ] || return
	figure "$1" ins_1 "$(value instructions_1)"
	figure "$1" ins_32 "$(value instructions_32)"
}

# over_all RING COMMAND WORD...: for each of the four, in another order each time.
over_all() {
	local ring=$1 k at n=${#all[@]} who before
	shift
	for ((k = 0; k < n; k++)); do
		at=$(((round + pair) % 2 ? k : n - 1 - k))
		who=${all[(at + pair / 2 + round) % n]}
		[ "$who" != capture ] || [ "$ring" = - ] || capture_up "$ring"
		# shellcheck disable=SC2086 # a list of pids
		before=$(cpu_ms ${pids[$who]})
		"$1" "$who" "${@:2}"
		[ "$who" != capture ] || [ "$ring" = - ] || capture_down "$ring"
	done
	pair=$((pair + 1))
}

measure() {
	local i
	for ((i = 0; i < repeats; i++)); do
		over_all ipd:tcpd bulk recv send
		over_all tcpd:ipd bulk send recv
		over_all ipd:tcpd asks
		over_all ipd:udpd datagrams
	done
	over_all - turns
}

# ---- The tables

# ratio WHO KEY: to bare's, median and its interval.  Of a round only the median
# counts: its measurements are of the same processes.
ratio() {
	awk -v who="$1" -v key="$2" '$1 != key || $3 == "failed" { next }
		$2 == who { mine[$4] = $3 }
		$2 == "bare" { bare[$4] = $3 }
		END { for (p in mine) if (bare[p] > 0)
			print int(p / 100), mine[p] / bare[p] }' \
		"$work/figures" | sort -k 1,1n -k 2,2g | awk '
		$1 != round && n { print v[int((n + 1) / 2)]; n = 0 }
		{ round = $1; v[++n] = $2 }
		END { if (n) print v[int((n + 1) / 2)] }' | sort -g | awk '
		{ v[NR] = $1 }
		END { if (NR == 0) { print "- - -"; exit }
			low = int(NR / 2 - 0.98 * sqrt(NR))
			if (low < 1) low = 1
			print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2,
				v[low], v[NR + 1 - low] }'
}

cell() {
	local median least greatest failed text=-
	read -r median least greatest failed < <(summary "$1" "$2")
	[ "$median" = - ] || text=$(printf '%7s (%s to %s)' \
		"$(short "$median")" "$(short "$least")" "$(short "$greatest")")
	[ "$failed" -eq 0 ] || text+=", $failed failed"
	printf ' | %-26s' "$text"
}

ratio_cell() {
	local x low high
	read -r x low high < <(ratio "$1" "$2")
	[ "$x" = - ] && printf ' | %-26s' - && return
	# shellcheck disable=SC2183 # x, low and high are three
	printf ' | x %6.3f (%.3f to %.3f)%s' "$x" "$low" "$high" \
		"$([ "${high%%.*}" -gt 9 ] || echo '  ')"
}

# If the interval of hooks meets that of again, or 1, there is no difference that
# is more than noise; and with 95 % none that is more than its bounds.
verdict() {
	[ "$round" -ge 6 ] || { echo 'too few rounds'; return; }
	{ ratio hooks "$1"; ratio again "$1"; } | awk '
		$1 == "-" { none = 1 }
		{ low[NR] = $2; high[NR] = $3; x[NR] = $1 }
		END { if (low[2] > 1) low[2] = 1
			if (high[2] < 1) high[2] = 1
			if (none) print "-"
			else if (low[1] <= high[2] && high[1] >= low[2])
				printf "none beyond noise (%+.1f to %+.1f %%)\n",
					(low[1] - 1) * 100, (high[1] - 1) * 100
			else printf "%+.1f %%\n", (x[1] - 1) * 100 }'
}

# table TITLE CELL COLUMN...
table() {
	local i key name unit who title=$1 cell=$2
	shift 2
	printf '\n%-42s' "$title"
	for who; do
		printf ' | %-26s' "$who"
	done
	[ "$cell" = cell ] || printf ' | difference by hooks'
	echo
	for i in "${rows[@]}"; do
		IFS='|' read -r key name unit <<<"$i"
		printf '%-42s' "$name, $unit"
		for who; do
			"$cell" "$who" "$key"
		done
		[ "$cell" = cell ] || printf ' | %s' "$(verdict "$key")"
		echo
	done
}

seen() {
	awk '{ seen[$1] += $2; lost[$1] += $3 }
		END { for (r in seen) printf "captured at %s: %d packets, " \
			"%d lost (%.1f %%)\n", r, seen[r], lost[r],
			lost[r] * 100 / (seen[r] + lost[r]) }' "$work/seen"
}

# ---- All of it

machine
cubic
[ "$cpu" = any ] || echo "all on CPU $cpu but who reads the capture"
topologies
: >"$work/figures"
round=0
while [ $round -lt "$rounds" ] && [ $SECONDS -lt $most_s ]; do
	round=$((round + 1))
	pair=$((round * 100)) # of figures that are compared
	bring_up
	measure
	take_down
	say "round $round of $rounds"
done
table "medians of $round rounds (range)" cell "${all[@]}"
table 'ratio to bare, median (95 % interval)' ratio_cell hooks capture again
seen
too_busy
! grep -q ' failed ' "$work/figures"
