#!/bin/bash
# lib.sh - what the measuring scripts share; sourced at their top
#
# The script goes on in namespaces of its own, in the top folder, with BUILD the
# build to measure and all of tests/net/lib.sh at hand.
# shellcheck disable=SC2034 # variables are for those who source it
set -u
self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
if [ -z "${STRATA_TEST_NS:-}" ]; then
	export STRATA_TEST_NS=1
	for how in '-nmpf --mount-proc --kill-child' \
		'-Urnmpf --mount-proc --kill-child' -nm -Urnm; do
		# shellcheck disable=SC2086 # a list of options
		if unshare $how -- true 2>/dev/null; then
			exec unshare $how -- "$self" "$@"
		fi
	done
	echo 'bench: neither root nor user namespaces here' >&2
	exit 1
fi
mount -t tmpfs -o mode=755 none /run && mkdir -p /run/netns
ip link set lo up
. tests/net/lib.sh

# ---- Before

machine() {
	echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)," \
		"$(nproc) CPUs, Linux $(uname -r)," \
		"load $(cut -d ' ' -f 1 /proc/loadavg)"
}

# A namespace may have CUBIC as its default only if the whole machine allows it,
# which is not ours to change; the sockets have it in any case.
cubic() {
	local at=(sysctl -qw net.ipv4.tcp_congestion_control=cubic)
	[ $# -eq 0 ] || at=(ip netns exec "$1" "${at[@]}")
	"${at[@]}" 2>/dev/null ||
		say "${1:-here}: CUBIC by socket option only, sysctl is refused"
}

# ---- What it takes

# stack_pids NAME: of all of the stack, standbys and supervisor too.
stack_pids() {
	local supervisor
	supervisor=$(status_of .supervisor_pid "$1")
	echo "$supervisor"
	ps -o ppid= -p "$supervisor" | awk '$1 > 1 { print $1 }'
	status_of '.daemons[] | .pid, .standby_pid' "$1" | awk '$1 > 1'
}

# Milliseconds of CPU of these processes so far, all their threads.
cpu_ms() {
	local pid
	for pid; do
		cat /proc/"$pid"/task/*/schedstat 2>/dev/null
	done | awk '{ ns += $1 } END { printf "%.3f", ns / 1e6 }'
}

# ---- Figures

# figure WHO KEY VALUE: and which are to be compared, if the script says so.
figure() {
	echo "$2 $1 $3${pair:+ $pair}" >>"$work/figures"
}

# try WHO KEY COMMAND...: its line in $out; or KEY has failed once more.
try() {
	local who=$1 key=$2
	shift 2
	out=$(timeout -s KILL 10 "$@" 2>&1) && return
	say "$who: $key failed, status $?: ${out:-killed after 10 s}"
	figure "$who" "$key" failed
	return 1
}

# summary WHO KEY: median, least and greatest ("-" without), how many failed.
summary() {
	awk -v who="$1" -v key="$2" '$1 == key && $2 == who { print $3 }' \
		"$work/figures" | sort -g | awk '
		$1 == "failed" { failed++; next }
		{ v[++n] = $1 }
		END { if (n) print v[int((n + 1) / 2)], v[1], v[n], failed + 0
			else print "- - -", failed + 0 }'
}

# Numbers of three digits or so.
short() {
	awk -v v="$1" 'BEGIN { a = v < 0 ? -v : v
		printf "%.*f", a < 10 ? 2 : a < 1000, v }'
}

# Whoever needs several processes for a packet suffers most from other work.
too_busy() {
	awk -v cpus="$(nproc)" '$2 > cpus + 1 { printf "load %s on %d CPUs: " \
		"too busy for these figures to mean much\n", $2, cpus }' \
		/proc/loadavg
}
