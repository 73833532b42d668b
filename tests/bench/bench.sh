#!/bin/bash
# usage: [ROUNDS=5] tests/bench/bench.sh [FILE.json...]
#
#	this namespace                  FILE.json, configs/tap.json
#	pinger, udp_tester                               udp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
#	this namespace                  kernel
#	198.51.100.1 --- veth0 | veth1 --- 198.51.100.2  kernel_echo 7
#
# Our stack beside the kernel's own, in the same run and by turns, so that what
# else the machine does hits both; medians of the rounds.  With files, each of
# them: for trying placements (`cpu`, `spin_us`).
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ -z "${STRATA_TEST_NS:-}" ]; then
	export STRATA_TEST_NS=1
	for how in '-nmpf --mount-proc --kill-child' \
		'-Urnmpf --mount-proc --kill-child' -nm -Urnm; do
		# shellcheck disable=SC2086 # a list of options
		if unshare $how -- true 2>/dev/null; then
			exec unshare $how -- "$0" "$@"
		fi
	done
	echo 'bench: neither root nor user namespaces here' >&2
	exit 1
fi
mount -t tmpfs -o mode=755 none /run && mkdir -p /run/netns
ip link set lo up
. tests/net/lib.sh
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
	printf '\n%-34s %10s %10s  %-9s %s\n' 'median of rounds' strata kernel \
		'' 'strata/kernel'
	for i in "${!tests[@]}"; do
		IFS='|' read -r name key unit _ <<<"${tests[$i]}"
		ours=$(median "$i" ours) theirs=$(median "$i" theirs)
		awk -v n="$name" -v a="$ours" -v b="$theirs" -v u="$unit" \
			'BEGIN { printf "%-34s %10.*f %10.*f  %-9s %.2f\n", n,
			a < 1000, a, b < 1000, b, u, b ? a / b : 0 }'
	done
}

# ---- What it takes when nothing happens, and how much of it

# The pids of all of the stack, standbys and supervisor too.
everyone() {
	local supervisor
	supervisor=$(status_of .supervisor_pid)
	echo "$supervisor"
	ps -o ppid= -p "$supervisor"
	status_of '.daemons[] | .pid, .standby_pid'
}

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
		read -r pid then <<<"${before[$name]}"
		awk -v ns=$(($(cpu_ns "$pid") - then)) -v n=$name \
			'BEGIN { printf "  %s %.2f %%", n, ns / 5e9 * 100 }'
	done
	echo
}

memory() {
	local pid
	for pid in $(everyone); do
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

snapshot() {
	local name pid
	for name in linkd ipd udpd; do
		pid=$(daemon pid $name)
		echo "$name $(cpu_ns "$pid") $(daemon turns $name)" \
			"$(daemon wakeups $name)" \
			"$(awk '/_ctxt_switches/ { n += $2 }
				END { print n }' "/proc/$pid/status")"
	done
	echo "udp_echo $(cpu_ns $echo_pid) 0 0 $(awk \
		'/_ctxt_switches/ { n += $2 } END { print n }' \
		"/proc/$echo_pid/status")"
}

# breakdown TITLE PACKETS COMMAND...
breakdown() {
	local title=$1 packets=$2 pids perf_pid=
	shift 2
	printf '\n%s\n%-10s %12s %10s %10s %10s %s\n' "$title, a packet" daemon \
		'us of CPU' turns sleeps switches 'system calls'
	pids=$(daemon pid linkd),$(daemon pid ipd),$(daemon pid udpd),$echo_pid
	if perf trace -h >/dev/null 2>&1; then
		perf trace -s -p "$pids" >"$work/calls" 2>&1 &
		perf_pid=$!
		sleep 0.5
	fi
	"$@" >/dev/null # with calls counted: slower
	if [ -n "$perf_pid" ]; then
		kill -INT $perf_pid
		wait $perf_pid
	fi
	snapshot >"$work/before"
	out=$("$@")
	snapshot >"$work/after"
	paste -d ' ' "$work/before" "$work/after" | while read -r name a1 a2 \
		a3 a4 _ b1 b2 b3 b4; do
		awk -v n="$name" -v p="$packets" -v c=$((b1 - a1)) \
			-v t=$((b2 - a2)) -v w=$((b3 - a3)) -v s=$((b4 - a4)) \
			'BEGIN { printf "%-10s %12.2f %10.2f %10.2f %10.2f ", n,
			c / p / 1000, t / p, w / p, s / p }'
		calls_of "$name" "$packets"
	done
	say "$out"
}

# What perf trace -s has counted for a process of that name.
calls_of() {
	[ -s "$work/calls" ] || { echo '(perf is not here)'; return; }
	awk -v n="$1" -v p="$2" '
		/events/ { on = $1 == n; next }
		on && $1 ~ /^[a-z_0-9]+$/ && $2 + 0 > p / 50 {
			printf "%s%s %.2f", sep, $1, $2 / p; sep = ", " }
		END { print "" }' "$work/calls"
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

machine() {
	echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)," \
		"$(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
}

placement() {
	jq -r '[.processes[] |
		"\(.name) cpu=\(.cpu // "any") spin_us=\(.spin_us // 20)"] |
		"placement: " + join(", ")' "$1"
}

machine
kernel_up
for file in "${@:-configs/tap.json}"; do
	: >"$work/figures"
	placement "$file"
	stack_up "$file"
	echo_up 7
	for ((r = 1; r <= rounds; r++)); do
		measure ours 192.0.2.2
		measure theirs 198.51.100.2
	done
	table
	if [ $# -eq 0 ]; then
		idle
		memory
		breakdown 'ICMP 64 B, 1 a ms' 2000 \
			"$pinger" -c 2000 -i 1000 192.0.2.2
		breakdown 'UDP 64 B, 1 a ms' 2000 \
			"$udp_tester" -c 2000 -r 1000 192.0.2.2 7
		breakdown 'UDP 64 B, 64 on the way' 200000 \
			"$udp_tester" -c 200000 -w 64 192.0.2.2 7
		print_costs
	fi
	kill $echo_pid
	stack_down
done
