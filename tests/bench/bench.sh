#!/bin/bash
# usage: [ROUNDS=5] tests/bench/bench.sh [FILE.json...]
#
#	this namespace                  configs/tap.json
#	pinger, udp_tester                               udp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
#	this namespace                  kernel
#	198.51.100.1 --- veth0 | veth1 --- 198.51.100.2  kernel_echo 7
#
# Our stack beside the kernel's own, in the same run and by turns, so that what
# else the machine does hits both; medians of the rounds.  With files these are
# compared with one another instead: for trying placements (`cpu`, `spin_us`).
# They differ in nothing else from configs/tap.json.
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-5}
costs=$BUILD/tests/bench/costs

# ---- The two

kernel=
kernel_up() {
	ns_new kernel
	ip link add veth0 type veth peer name veth1 netns "$kernel"
	ip addr add 198.51.100.1/24 dev veth0
	ip link set veth0 up
	ip -n "$kernel" addr add 198.51.100.2/24 dev veth1
	ip -n "$kernel" link set veth1 up
	ip netns exec "$kernel" "$BUILD/tests/bench/kernel_echo" 7 &
	until_true 3 "$udp_tester" -c 1 198.51.100.2 7
}

# ---- What is measured: a name, a key of the tool's line, the command

tests=(
	'ICMP 64 B, 1 a ms, p50|p50_us|us|pinger -s 64 -c 1000 -i 1000'
	'ICMP 64 B, 1 a ms, p99|p99_us|us|'
	'ICMP 64 B, back to back, p50|p50_us|us|pinger -s 64 -c 20000 -w 1'
	'ICMP 64 B, back to back, p99|p99_us|us|'
	'UDP 64 B, 1 a ms, p50|p50_us|us|udp_tester -s 64 -c 1000 -r 1000'
	'UDP 64 B, 1 a ms, p99|p99_us|us|'
	'UDP 64 B, back to back, p50|p50_us|us|udp_tester -s 64 -c 20000 -w 1'
	'UDP 64 B, back to back, p99|p99_us|us|'
	'UDP echo 64 B, 64 on the way|per_s|a second|udp_tester -s 64 -c 200000 -w 64'
	'UDP echo 1400 B, 64 on the way|per_s|a second|udp_tester -s 1400 -c 200000 -w 64'
)

# measure WHO ADDRESS: a line "NUMBER WHO VALUE" for each, to $work/figures.
measure() {
	local who=$1 address=$2 i key command port
	for i in "${!tests[@]}"; do
		IFS='|' read -r _ key _ command <<<"${tests[$i]}"
		if [ -n "$command" ]; then
			port=
			[[ $command == pinger* ]] || port=7
			# shellcheck disable=SC2086 # options
			out=$("$BUILD"/tests/net/$command $address $port)
			[ "$(value lost)" -eq 0 ] ||
				say "$who: $(value lost) lost of $command"
		fi
		echo "$i $who $(value "$key")" >>"$work/figures"
	done
}

median() {
	awk -v i="$1" -v who="$2" '$1 == i && $2 == who { print $3 }' \
		"$work/figures" | sort -g | awk '{ v[NR] = $1 }
		END { print v[int((NR + 1) / 2)] }'
}

table() {
	local i name key unit ours theirs
	printf '\n%-34s %10s %10s  %-9s %s\n' "median of $rounds rounds" \
		strata kernel '' strata/kernel
	for i in "${!tests[@]}"; do
		IFS='|' read -r name key unit _ <<<"${tests[$i]}"
		ours=$(median "$i" ours) theirs=$(median "$i" kernel)
		printf '%-34s %10s %10s  %-9s %s\n' "$name" \
			"$(short "$ours")" "$(short "$theirs")" "$unit" \
			"$(awk -v a="$ours" -v b="$theirs" \
				'BEGIN { printf "%.2f", b ? a / b : 0 }')"
	done
}

# The same with a column for each file.
columns() {
	local i name file
	printf '\n%-34s' "median of $rounds rounds"
	for file; do
		printf ' %12s' "$(basename "$file" .json)"
	done
	echo
	for i in "${!tests[@]}"; do
		IFS='|' read -r name _ <<<"${tests[$i]}"
		printf '%-34s' "$name"
		for file; do
			printf ' %12s' "$(short "$(median "$i" "$file")")"
		done
		echo
	done
}

# ---- What it takes when nothing happens, and how much of it

cpu_ns() {
	cut -d ' ' -f 1 "/proc/$1/schedstat"
}

idle() {
	local -A before
	local name pid
	sleep 1
	for name in linkd ipd tcpd udpd; do
		pid=$(daemon pid $name)
		before[$name]="$pid $(cpu_ns "$pid")"
	done
	sleep 5
	printf '\n%-34s' 'CPU of an idle daemon, over 5 s'
	for name in linkd ipd tcpd udpd; do
		read -r pid first <<<"${before[$name]}"
		awk -v ns=$(($(cpu_ns "$pid") - first)) -v n=$name \
			'BEGIN { printf "  %s %.2f %%", n, ns / 5e9 * 100 }'
	done
	echo
}

memory() {
	local pid
	for pid in $(stack_pids "$stack"); do
		[ "$pid" -gt 1 ] || continue
		awk -v comm="$(cat "/proc/$pid/comm")" \
			'/^(Rss|Pss):/ { v[$1] = $2 }
			END { print comm, v["Rss:"], v["Pss:"] }' \
			"/proc/$pid/smaps_rollup"
	done >"$work/memory"
	awk '{ n++; rss += $2; pss += $3 }
		END { printf "%-34s  %.1f MB in %d processes (each page " \
		"counted once; sum of RSS %.1f MB)\n",
		"memory of the whole pipeline", pss / 1024, n, rss / 1024 }' \
		"$work/memory"
}

# ---- Where each microsecond goes

pid_of() {
	if [ "$1" = udp_echo ]; then
		echo $echo_pid
	else
		daemon pid "$1"
	fi
}

# For each: CPU ns, turns, sleeps, context switches so far.
snapshot() {
	local name pid
	for name in linkd ipd udpd udp_echo; do
		pid=$(pid_of $name)
		echo "$name $(cpu_ns "$pid")" \
			"$(status_of "[.daemons[] | select(.name == \"$name\") |
			.turns, .wakeups] | \"\(.[0] // 0) \(.[1] // 0)\"")" \
			"$(awk '/_ctxt_switches/ { n += $2 }
				END { print n }' "/proc/$pid/status")"
	done
}

# breakdown TITLE PACKETS COMMAND...
breakdown() {
	local title=$1 packets=$2 name tracers=()
	shift 2
	printf '\n%s\n%-10s %10s %8s %8s %9s  %s\n' "$title: a packet" daemon \
		'us of CPU' turns sleeps switches 'system calls'
	rm -f "$work"/calls.*
	if command -v strace >/dev/null; then
		for name in linkd ipd udpd udp_echo; do
			strace -c -o "$work/calls.$name" -p "$(pid_of $name)" \
				2>/dev/null &
			tracers+=($!)
		done
		sleep 0.3
		"$@" >/dev/null # being traced makes them slow, but no busier
		kill -INT "${tracers[@]}"
		wait "${tracers[@]}"
	fi
	snapshot >"$work/before"
	out=$("$@")
	snapshot >"$work/after"
	paste -d ' ' "$work/before" "$work/after" | while read -r name a1 a2 \
		a3 a4 _ b1 b2 b3 b4; do
		[ "$b2" -gt "$a2" ] || [ $((b1 - a1)) -gt 1000000 ] || continue
		awk -v n="$name" -v p="$packets" -v c=$((b1 - a1)) \
			-v t=$((b2 - a2)) -v w=$((b3 - a3)) -v s=$((b4 - a4)) \
			'BEGIN { printf "%-10s %10.2f %8.2f %8.2f %9.2f  ", n,
			c / p / 1000, t / p, w / p, s / p }'
		calls_of "$name" "$packets"
	done
	echo "round trip: p50 $(value p50_us) us, p99 $(value p99_us) us;" \
		"$(value per_s) a second"
}

# What strace -c has counted of it, down to one in fifty packets.
calls_of() {
	[ -e "$work/calls.$1" ] || { echo '(no strace here)'; return; }
	awk -v p="$2" '$4 + 0 > p / 50 && $NF != "total" {
			printf "%s%s %.2f", sep, $NF, $4 / p; sep = ", " }
		END { print "" }' "$work/calls.$1"
}

print_costs() {
	out=$("$costs")
	printf '\nwhat a step costs here, in ns: '
	echo "clock $(value clock), a system call $(value syscall)," \
		"yield $(value yield), eventfd write and read" \
		"$(value eventfd_pair), waking a process on the same CPU" \
		"$(value wake_same), on another $(value wake_other)"
}

# ---- All of it

placement() {
	jq -r '[.processes[] |
		"\(.name) cpu=\(.cpu // "any") spin_us=\(.spin_us // 20)"] |
		"placement: " + join(", ")' "$1"
}

compare_files() {
	local file r
	for file; do
		placement "$file"
	done
	for ((r = 1; r <= rounds; r++)); do
		for file; do
			stack_up "$file" >"$work/up"
			echo_up 7
			measure "$file" 192.0.2.2
			kill $echo_pid
			wait $echo_pid 2>/dev/null
			stack_down
		done
	done
	columns "$@"
}

compare_kernel() {
	local r
	placement configs/tap.json
	kernel_up
	stack_up configs/tap.json
	echo_up 7
	for ((r = 1; r <= rounds; r++)); do
		measure ours 192.0.2.2
		measure kernel 198.51.100.2
	done
	table
	idle
	memory
	breakdown 'ICMP 64 B, 1 a ms' 2000 "$pinger" -c 2000 -i 1000 192.0.2.2
	breakdown 'UDP 64 B, 1 a ms' 2000 \
		"$udp_tester" -c 2000 -r 1000 192.0.2.2 7
	breakdown 'UDP 64 B, 64 on the way' 200000 \
		"$udp_tester" -c 200000 -w 64 192.0.2.2 7
	print_costs
}

machine
if [ $# -gt 0 ]; then
	compare_files "$@"
else
	compare_kernel
fi
