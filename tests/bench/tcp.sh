#!/bin/bash
# usage: [ROUNDS=5] [IDLE=10000] tests/bench/tcp.sh [tap|packet|veth...]
#
#	this namespace: the peer        the measured
#	192.0.2.1 -------- tap0 ------- 192.0.2.2     a stack of configs/tap.json
#	198.51.100.1 --- veth0 | veth1  198.51.100.2  one of configs/packet.json
#	203.0.113.1 ---- k0 | k1 ------ 203.0.113.2   the kernel
#	192.0.2.129 ---- v0 | v1 ------ 192.0.2.130   the kernel once more (veth)
#
# TCP of ours beside the kernel's own, in the same run and by turns, so that what
# else the machine does hits all.  The peer is always the kernel's TCP, and both
# ends always the same program (tcp_load.c).  CUBIC everywhere: asked for and read
# back on each socket, and by sysctl in each namespace that may set it.
#
# "tap" and "packet" is what is measured if nothing is named.  "veth" is the
# kernel against itself: how far its ratios are from 1 is how far any are to be
# trusted.
#
# CPU is what the scheduler charged to processes: of the measured side those of
# the stack and the program, of the peer its program.  What the kernel does in
# interrupts it charges to whoever was running, on either side.
#
# A run that fails gives no figure; how many did stands beside the median of the
# others, and the script's status is then 1.
. "$(dirname "$0")/lib.sh"
ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -Hn)"

rounds=${ROUNDS:-5}
idle=${IDLE:-10000}
most_s=130 # then no other round begins: four minutes in all
load=$BUILD/tests/bench/tcp_load
subjects=("$@")
[ $# -gt 0 ] || subjects=(tap packet)

# Of each that is measured, by name.
declare -A address=([tap]=192.0.2.2 [packet]=198.51.100.2
	[kernel]=203.0.113.2 [veth]=192.0.2.130)
declare -A peer=([tap]=192.0.2.1 [packet]=198.51.100.1
	[kernel]=203.0.113.1 [veth]=192.0.2.129)
declare -A space server

# ---- The four

# veth NAME HERE THERE: a pair to a new namespace, whose end gets an address if
# THERE is not packet's.
veth() {
	ns_new "$1"
	space[$1]=${!1}
	ip link add "$2" type veth peer name "$3" netns "${!1}"
	ip addr add "${peer[$1]}/${4:-24}" dev "$2"
	ip link set "$2" up
	ip -n "${!1}" link set "$3" up
	cubic "${!1}"
	[ "$1" = packet ] ||
		ip -n "${!1}" addr add "${address[$1]}/${4:-24}" dev "$3"
}

# at WHO: $at is how the load program is called on the measured side.
at() {
	case $1 in
	tap | packet) at=(env "STRATA=$1" "${load}_strata") ;;
	*) at=(ip netns exec "${space[$1]}" "$load") ;;
	esac
}

# serve WHO PORT: $! is the program.
serve() {
	at "$1"
	"${at[@]}" serve "$2" >"$work/serve.$1.$2" 2>&1 &
	until_true 3 grep -qs serving "$work/serve.$1.$2" ||
		fail "$1 does not serve: $(cat "$work/serve.$1.$2")"
}

bring_up() {
	case $1 in
	tap) stack_up configs/tap.json ;;
	packet)
		packet=
		veth packet veth0 veth1
		stack_up configs/packet.json "$packet"
		;;
	kernel) veth kernel k0 k1 ;;
	veth) veth veth v0 v1 30 ;;
	*) fail "there is no $1" ;;
	esac
	serve "$1" 7
	server[$1]=$!
	until_true 5 "$load" ask "${address[$1]}" 7 1 1 ||
		fail "$1 does not answer"
}

# ---- What it takes

# The pids of all of the stack, none for the kernel.
pids_of() {
	case $1 in
	tap | packet) stack_pids "$1" ;;
	esac
}

# KiB of these processes, a shared page divided by those who share it.
pss() {
	local pid
	for pid; do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '/^Pss:/ { kb += $2 } END { print kb + 0 }'
}

# The caches of what sockets and descriptors are made of.  Those of one size are
# merged and stand in /proc/slabinfo under the name of any of them.
slab_names() {
	find /sys/kernel/slab -maxdepth 1 -printf '%f %l\n' 2>/dev/null | awk '
		{ id[$1] = $2 == "" ? $1 : $2 }
		$1 ~ /^(TCP|UNIX|tcp_|sock_inode|lsm_inode|fil[p])/ ||
			$1 ~ /^(eventpoll|ep_head)/ { wanted[id[$1]] = 1 }
		END { for (n in id) if (id[n] in wanted) print n }'
}

# KiB of these, and what is buffered.  Objects in use: an empty slab is kept.  Each
# socket has a dentry, too, but of those there are too many others to count.
kernel_kb() {
	{
		awk 'NR == FNR { wanted[$1] = 1; next }
			$1 in wanted { print $2 * $4 / 1024 }
			$1 == "sock_inode_cache" { sockets = $2 }
			$1 == "dentry" { size = $4 }
			END { print sockets * size / 1024 }' \
			"$work/slabs" /proc/slabinfo
		cat /proc/net/sockstat
	} | awk '/^[0-9.]/ { kb += $1 } /^TCP:/ { kb += $NF * 4 }
		END { printf "%d", kb }'
}

# What was closed before is freed a little later: wait for it, 10 s at most.
kernel_settles() {
	local before after i same=0
	before=$(kernel_kb)
	for ((i = 0; i < 40 && same < 4; i++)); do
		sleep 0.25
		after=$(kernel_kb)
		same=$((after - before > -100 && after - before < 100 ?
			same + 1 : 0))
		before=$after
	done
}

# ---- What is measured: a key, what it is, its unit

rows=(
	'recv_1|receives, 1 stream|Gbit/s'
	'recv_10|receives, 10 streams|Gbit/s'
	'send_1|sends, 1 stream|Gbit/s'
	'send_10|sends, 10 streams|Gbit/s'
	'ask_1_p50|1 B there and back, p50|us'
	'ask_1_p99|1 B there and back, p99|us'
	'ask_64_p50|64 B there and back, p50|us'
	'ask_64_p99|64 B there and back, p99|us'
	'accept_1|accepts, one after the other|a second'
	'accept_32|accepts, 32 at once|a second'
	'dial_32|connects, 32 at once|a second'
	'recv_cpu_1|CPU receiving 1 stream, a Gbit/s|%'
	'recv_peer_1|   its peer|%'
	'recv_cpu_10|CPU receiving 10 streams, a Gbit/s|%'
	'recv_peer_10|   its peer|%'
	'send_cpu_1|CPU sending 1 stream, a Gbit/s|%'
	'send_peer_1|   its peer|%'
	'send_cpu_10|CPU sending 10 streams, a Gbit/s|%'
	'send_peer_10|   its peer|%'
)

# bulk WHO CLIENT'S-WORD OUR-WORD STREAMS
bulk() {
	local who=$1 pids before after
	mapfile -t pids < <(pids_of "$who")
	pids+=("${server[$who]}")
	before=$(cpu_ms "${pids[@]}")
	try "$who" "$3_$4" "$load" "$2" "${address[$who]}" 7 "$4" 1000 || return
	after=$(cpu_ms "${pids[@]}")
	figure "$who" "$3_$4" "$(value gbits)"
	# Milliseconds for a Gbit are tenths of a percent for a Gbit/s.
	figure "$who" "$3_cpu_$4" "$(awk -v a="$before" -v b="$after" \
		-v n="$(value bytes)" 'BEGIN { print (b - a) / (n * 8e-8) }')"
	figure "$who" "$3_peer_$4" "$(awk -v ms="$(value cpu_ms)" \
		-v n="$(value bytes)" 'BEGIN { print ms / (n * 8e-8) }')"
}

measure() {
	local who=$1 n
	for n in 1 10; do
		bulk "$who" send recv $n
		bulk "$who" recv send $n
	done
	for n in 1 64; do
		try "$who" ask_${n}_p50 \
			"$load" ask "${address[$who]}" 7 $n 700 || continue
		figure "$who" ask_${n}_p50 "$(value p50_us)"
		figure "$who" ask_${n}_p99 "$(value p99_us)"
	done
	for n in 1 32; do
		try "$who" accept_$n \
			"$load" connect "${address[$who]}" 7 $n 700 &&
			figure "$who" accept_$n "$(value per_s)"
	done
	at "$who"
	try "$who" dial_32 "${at[@]}" connect "${peer[$who]}" 7 32 700 &&
		figure "$who" dial_32 "$(value per_s)"
}

# ---- Idle connections: ten programs with a tenth each

# held WHO: all of the clients hold theirs.
held() {
	[ "$(cat "$work"/held."$1".* 2>/dev/null |
		awk -F= '{ n += $2 } END { print n + 0 }')" -eq "$idle" ]
}

# hold WHO: KiB more than before: in the stack's processes, in the programs and
# in the kernel, which has the peer's ends too.  Before is before the servers
# listen: sockets may be made in advance then.
hold() {
	local who=$1 i servers=() clients=() pids stack programs kernel
	mapfile -t pids < <(pids_of "$who")
	kernel_settles
	stack=$(pss "${pids[@]}") kernel=$(kernel_kb)
	for i in {0..9}; do
		serve "$who" $((7000 + i))
		servers+=($!)
	done
	programs=$(pss "${servers[@]}")
	rm -f "$work"/held."$who".* "$work/go.$who"
	mkfifo "$work/go.$who"
	for i in {0..9}; do
		"$load" hold "${address[$who]}" $((7000 + i)) $((idle / 10)) \
			<"$work/go.$who" >"$work/held.$who.$i" 2>&1 &
		clients+=($!)
	done
	exec 9>"$work/go.$who"
	if until_true 20 held "$who"; then
		kernel_settles
		figure "$who" idle_stack $(($(pss "${pids[@]}") - stack))
		figure "$who" idle_programs $(($(pss "${servers[@]}") - programs))
		figure "$who" idle_kernel $(($(kernel_kb) - kernel))
	else
		figure "$who" idle_stack failed
		say "$who: not all are held: $(head -q -n 1 \
			"$work"/held."$who".* | sort | uniq -c | tr '\n' ' ')"
	fi
	exec 9>&-
	until_true 5 all_gone "${clients[@]}" || kill "${clients[@]}"
	kill "${servers[@]}"
	wait "${clients[@]}" "${servers[@]}" 2>/dev/null
}

all_gone() {
	local pid
	for pid; do
		! kill -0 "$pid" || return 1
	done
}

# ---- The table

cell() {
	local median least greatest failed theirs text=none
	read -r median least greatest failed < <(summary "$1" "$2")
	read -r theirs _ < <(summary kernel "$2")
	if [ "$median" != - ]; then
		text=$(printf '%7s (%s to %s)' "$(short "$median")" \
			"$(short "$least")" "$(short "$greatest")")
		[ "$1" = kernel ] || [ "$theirs" = - ] ||
			text+=$(awk -v a="$median" -v b="$theirs" \
				'BEGIN { printf "  x %.2f", b ? a / b : 0 }')
	fi
	[ "$failed" -eq 0 ] || text+=", $failed failed"
	printf ' | %-36s' "$text"
}

row() {
	local key=$1 who
	printf '%-44s' "$2, $3"
	for who in kernel "${subjects[@]}"; do
		cell "$who" "$key"
	done
	echo
}

table() {
	local i key name unit who
	printf '\n%-44s' "medians of $done rounds (range)"
	for who in kernel "${subjects[@]}"; do
		printf ' | %-36s' "$who$([ "$who" = kernel ] ||
			echo ', and as ratio to the kernel')"
	done
	echo
	for i in "${rows[@]}"; do
		IFS='|' read -r key name unit <<<"$i"
		row "$key" "$name" "$unit"
	done
}

# Of the kernel's memory its own two ends have half each; and the peer of a stack
# has as much as that.  Of a stack's processes the first time counts, the largest:
# what they have touched once they keep.
idle_table() {
	local who stack programs kernel theirs
	read -r theirs _ < <(summary kernel idle_kernel)
	printf '\nmemory for each of %s idle connections, KiB, medians of 3:\n' \
		"$idle"
	for who in kernel "${subjects[@]}"; do
		read -r _ _ stack _ < <(summary "$who" idle_stack)
		read -r programs _ < <(summary "$who" idle_programs)
		read -r kernel _ < <(summary "$who" idle_kernel)
		if [ "$stack" = - ] || [ "$theirs" = - ]; then
			echo "  $who: failed"
			continue
		fi
		awk -v who="$who" -v n="$idle" -v s="$stack" -v p="$programs" \
			-v k="$kernel" -v theirs="$theirs" 'BEGIN {
			k -= theirs / 2
			printf "  %-7s %5.2f in the stack'"'"'s processes, %5.2f " \
			"in the programs, %5.2f in the kernel; " \
			"x %.2f in all\n", who, s / n, p / n, k / n,
			(s + p + k) / (theirs / 2) }'
	done
}

# ---- All of it

machine
cubic
all=(kernel "${subjects[@]}")
for who in "${all[@]}"; do
	bring_up "$who"
done
"$load" serve 7 >"$work/peer" 2>&1 &
until_true 3 grep -qs serving "$work/peer" || fail "$(cat "$work/peer")"
: >"$work/figures"
done=0
while [ $done -lt "$rounds" ] && [ $SECONDS -lt $most_s ]; do
	for who in "${all[@]}"; do
		measure "$who"
	done
	done=$((done + 1))
	say "round $done of $rounds"
done
table
slab_names >"$work/slabs"
if [ "$idle" -gt 0 ] && [ ! -s "$work/slabs" ]; then
	echo 'memory of idle connections: no /sys/kernel/slab here'
elif [ "$idle" -gt 0 ]; then
	for ((r = 0; r < 3; r++)); do
		for who in "${all[@]}"; do
			hold "$who"
		done
	done
	idle_table
fi
printf '\ncongestion control: CUBIC on every socket of either side\n'
echo 'for us and % less is better'
too_busy
! grep -q ' failed$' "$work/figures"
