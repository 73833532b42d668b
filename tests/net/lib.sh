#!/bin/bash
# lib.sh - what the network tests share; sourced at their top
#
# A test runs in namespaces that tests/run-net makes (and is sent there if it is
# started alone), with the top folder as its place and BUILD the build to test.
# Everything that it makes is taken away again by cleanup(), however it ends.
# shellcheck disable=SC2034 # variables are for those who source it
set -u
self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
[ -n "${STRATA_TEST_NS:-}" ] || V=1 exec tests/run-net "$self" "$@"

BUILD=${BUILD:-build}
strata=$BUILD/strata
pinger=$BUILD/tests/net/pinger
udp_tester=$BUILD/tests/net/udp_tester
flooder=$BUILD/tests/net/flooder
tcp_peer=$BUILD/tests/net/tcp_peer
examples=$BUILD/examples
work=$(mktemp -d)
stacks=()     # names of those that were brought up here
namespaces=() # of the network, made here
began=$EPOCHREALTIME

# A daemon under a sanitizer is slower, and so is what is expected of it.
slow=1
case $BUILD in *san) slow=10 ;; esac

say() {
	printf '%6.2f  %s\n' "$(bc_ms "$began" "$EPOCHREALTIME")" "$*"
}

# Seconds from $1 to $2, both of EPOCHREALTIME, to the millisecond.
bc_ms() {
	local us=$((${2/[.,]/} - ${1/[.,]/}))
	printf '%d.%03d' $((us / 1000000)) $((us / 1000 % 1000))
}

skip() {
	echo "$*"
	exit 77
}

fail() {
	for stack in "${stacks[@]}"; do
		"$strata" status "$stack" 2>&1
		tail -n 30 "/run/strata/$stack/log" 2>/dev/null
	done
	echo "FAILED: $*" # last: the end is what tests/run-net shows
	exit 1
}

# The command, which must succeed.  Its output stands in $out.
run() {
	say "\$ $*"
	out=$("$@" 2>&1) || fail "status $? of: $*"$'\n'"$out"
}

# The command, which must fail, saying $1 (a part of its output).
refused() {
	local want=$1
	shift
	say "\$ $*"
	if out=$("$@" 2>&1); then
		fail "it should not have worked: $*"
	fi
	case $out in
	*"$want"*) ;;
	*) fail "instead of \"$want\" it said: $out" ;;
	esac
}

# A page of the manual as man(1) shows it, each paragraph a line.
rendered() {
	groff -mdoc -Tutf8 -P-cbou -rLL=1000n "$1"
}

# expect WHAT A OP B, with an operator of test(1) for numbers or strings.
expect() {
	test "$2" "$3" "$4" || fail "$1: $2 is not $3 $4"
}

# value KEY: of the last line in $out made of key=value.
value() {
	sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" <<<"$out" | tail -n 1
}

# whole KEY: the same without what follows the point.
whole() {
	local v
	v=$(value "$1")
	echo "${v%.*}"
}

# until_true SECONDS COMMAND...: try until it succeeds.
until_true() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# ---- Namespaces

# ns_new NAME: $NAME holds the unique name of a new namespace.
ns_new() {
	local unique="strata-$1-$$"
	ip netns add "$unique" || fail "no namespace $unique"
	namespaces+=("$unique")
	ip -n "$unique" link set lo up
	printf -v "$1" '%s' "$unique"
}

# Two namespaces behind this one, $mid and $far, the way between them narrow; what
# far offers as its MSS is for 1500.
#
#	this namespace          mid                      far
#	10.0.1.1 -- near -- 10.0.1.2
#	                    10.0.2.1 - narrow, 1280 - 10.0.2.2
narrow_path_up() {
	mid=
	far=
	ns_new mid
	ns_new far
	run ip link add near type veth peer name near netns "$mid"
	run ip addr add 10.0.1.1/24 dev near
	run ip link set near up
	run ip -n "$mid" addr add 10.0.1.2/24 dev near
	run ip -n "$mid" link set near up
	run ip -n "$mid" link add narrow mtu 1280 type veth peer name narrow netns "$far"
	run ip -n "$mid" addr add 10.0.2.1/24 dev narrow
	run ip -n "$mid" link set narrow up
	run ip -n "$far" addr add 10.0.2.2/24 dev narrow
	run ip -n "$far" link set narrow mtu 1500 up
	run ip -n "$far" route add default via 10.0.2.1
	run ip -n "$mid" route add default via 10.0.1.1
	run ip route add 10.0.2.0/24 via 10.0.1.2
	run sysctl -q net.ipv4.ip_forward=1
	run ip netns exec "$mid" sysctl -q net.ipv4.ip_forward=1
}

# device NAME KEY: of an interface here.  /sys shows another namespace's.
device() {
	ip -s -s -j link show "$1" | jq -r ".[0].$2"
}

# What a machine busy with other things has to drop, so far: frames for which
# the TAP's queue had no room, and so never reached us; datagrams that waited for
# a program which got no CPU.
unavoidable() {
	echo $(($(device tap0 stats64.tx.dropped) + $(counter rx_buffer_full)))
}

# ---- A stack

# stack_up FILE [NAMESPACE]: detached; $stack is its name, $took its time in ms.
stack_up() {
	local from=$EPOCHREALTIME
	local in=()
	[ $# -lt 2 ] || in=(ip netns exec "$2")
	stack=$(jq -r .name "$1")
	stacks+=("$stack")
	export STRATA=$stack
	out=$("${in[@]}" "$strata" up --detach "$1" 2>&1) ||
		fail "strata up $1: $out"
	took=$(((${EPOCHREALTIME/[.,]/} - ${from/[.,]/}) / 1000))
	say "strata up --detach $1 ($took ms)"
}

# A sanitizer's report goes where a daemon's standard error goes: to the log,
# which ends with the stack.
reports() {
	grep -hE -A 30 'ERROR: [A-Za-z]+Sanitizer|runtime error: ' \
		/run/strata/*/log 2>/dev/null
}

stack_down() {
	local name=${1:-$stack}
	reports
	"$strata" down "$name" || fail "strata down $name"
	local left=()
	for s in "${stacks[@]}"; do
		[ "$s" = "$name" ] || left+=("$s")
	done
	stacks=("${left[@]}")
}

# status_of FILTER [STACK]: of `strata status --json`, by jq.
status_of() {
	"$strata" status "${2:-$stack}" --json | jq -r "$1"
}

# daemon KEY NAME [STACK]: pid, restarts, ... of a daemon.
daemon() {
	status_of ".daemons[] | select(.name == \"$2\") | .$1" "${3:-$stack}"
}

# kill_daemon NAME: with -9.  One that has just died has pid 0 until it is
# replaced: that would be all of our own process group.
kill_daemon() {
	local pid
	until pid=$(daemon pid "$1") && [ "${pid:-0}" -gt 0 ] &&
		kill -9 "$pid" 2>/dev/null; do
		:
	done
}

# The sum of a counter, or of drops, over all daemons; 0 if there is none.
counter() {
	status_of "[.counters[], .drops[] | .[\"$1\"] // 0] | add" \
		"${2:-$stack}"
}

# Every slot of every pool is free, in a ring or held.  What is on the move
# while it is read may be counted twice or not at all: so it is asked again.
accounted() {
	[ "$(status_of '[.pools[].accounted] | all' "${1:-$stack}")" = true ]
}

# slots_at_home [STACK [SECONDS]]: and nothing is lent for good, all are at home
# but those armed for reading.
slots_at_home() {
	until_true "${2:-3}" accounted "${1:-$stack}" ||
		fail "slots unaccounted for: $(status_of .pools "${1:-$stack}")"
	say "all slots accounted for"
}

# echo_up PORT [STACK]: our echo server; $echo_pid is its process.
echo_up() {
	# What an earlier one said must not be taken for this one's word.
	rm -f "$work/echo.$1"
	STRATA=${2:-$stack} "$examples/udp_echo" "$1" >"$work/echo.$1" 2>&1 &
	echo_pid=$!
	until_true 3 grep -qs . "$work/echo.$1" || sleep 0.3
	kill -0 $echo_pid 2>/dev/null ||
		fail "udp_echo ended: $(cat "$work/echo.$1")"
}

# pings COUNT ARGUMENTS...: the kernel's own ping, of which none may be lost.
pings() {
	local count=$1
	shift
	run ping -q -n -W 2 -c "$count" "$@"
	[[ $out == *", $count received"*" 0% packet loss"* ]] || fail "$out"
	case $out in *duplicates*) fail "$out" ;; esac
}

# Nothing of a stack is left: no process, no TAP, no file.
# A zombie is nobody: it waits for this namespace's init to look.
what_is_left() {
	for name in strata linkd ipd tcpd udpd; do
		pgrep --ns $$ --nslist pid -r R,S,D,T -l -x $name
	done
	ip -o link show type tun 2>/dev/null
	find /run/strata -mindepth 1 2>/dev/null
}
nothing_left() {
	local what
	what=$(what_is_left)
	[ -z "$what" ] || fail "this is left: $what"
}

# ---- The end

cleanup() {
	local status=$?
	trap - EXIT
	for s in "${stacks[@]}"; do
		reports
		"$strata" down "$s" 2>/dev/null
	done
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
		kill -CONT "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for ns in "${namespaces[@]}"; do
		ip netns del "$ns"
	done
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# ---- TCP

# Connections of the kernel's here that ended by a reset.
resets() {
	awk '/^Tcp:/ && n++ { print $9 }' /proc/net/snmp
}

# Kill one of $daemons every 50 to 500 ms, for ever; names go to $work/kills.
tcp_killer() {
	local name
	while :; do
		# shellcheck disable=SC2154 # the script has set it
		for name in $daemons; do
			sleep "$(bc_ms 0 $(((50 + RANDOM % 450) * 1000)))"
			kill_daemon "$name"
			echo "$name" >>"$work/kills"
		done
	done
}

# The silence after each kill so far, as the supervisor saw it.
tcp_gaps() {
	grep -oE 'gap_us=[0-9]+' "/run/strata/$stack/log" | cut -d = -f 2 |
		sort -n | tr '\n' ' '
}

# Retransmission timers of the kernel's here that ran out since timeouts_begin.
# What an earlier script has left unfinished is still being retransmitted.
timeouts_now() {
	nstat -asz TcpExtTCPTimeouts | awk '/Timeouts/ { print $2 }'
}
timeouts_begin() {
	timeouts_before=$(timeouts_now)
	unfinished=$(ss -Htn state connected exclude time-wait | wc -l)
}
kernel_timeouts() {
	echo $(($(timeouts_now) - timeouts_before))
}

# What the kills may have done to TCP's time: half of them are over in 3 ms, and
# none lasts for as long as the least RTO, so no timer of ours or of the kernel's
# may have run out because of one.  A frame that the TAP has dropped, its queue
# being full on a busy machine, is not a kill's fault: each excuses one.  Under a
# sanitizer a new instance may take longer than any RTO.
expect_short_gaps() {
	local gaps lost theirs
	read -ra gaps <<<"$(tcp_gaps)"
	lost=$(($(device tap0 stats64.tx.dropped) +
		$(device tap0 stats64.rx.dropped)))
	theirs=$(kernel_timeouts)
	say "gaps, us: ${gaps[*]}"
	say "timeouts: ours $(counter timeouts), the kernel's $theirs;" \
		"$lost frames dropped by the TAP"
	expect 'kills seen' ${#gaps[@]} -gt 0
	expect 'gap, us, median' "${gaps[${#gaps[@]} / 2]}" -lt $((3000 * slow))
	[ $slow -eq 1 ] || return 0
	expect 'gap, us, longest' "${gaps[-1]}" -lt 200000
	expect 'timeouts of ours' "$(counter timeouts)" -le "$lost"
	[ "$unfinished" -gt 0 ] ||
		expect "timeouts of the kernel's" "$theirs" -le "$lost"
}

# tcp_echo_up PORT: $echo_pid is its process.
tcp_echo_up() {
	"$examples/tcp_echo" "$1" >"$work/echo" &
	echo_pid=$!
	until_true 3 grep -qs echoing "$work/echo" ||
		fail 'tcp_echo does not begin'
}

# as_the_kernel_does PROGRAM: what it expects holds among the kernel's sockets,
# between those and the stack's, among the stack's, and so it stays while tcpd
# is killed all the time (DISTURBED tells the program).
as_the_kernel_does() {
	local program=$BUILD/tests/net/$1 killer

	run "$program" kernel
	say "$out"

	stack_up configs/tap.json
	run "$program" 192.0.2.2 192.0.2.1
	say "$out"
	run "$program" 192.0.2.2
	say "$out"
	slots_at_home "$stack"

	(while sleep 0.2; do kill_daemon tcpd; done) 2>/dev/null &
	killer=$!
	export DISTURBED=1
	run "$program" 192.0.2.2 192.0.2.1
	say "$out"
	kill $killer
	say "tcpd restarted $(daemon restarts tcpd) times"
	slots_at_home "$stack"
}

# ---- Walks of packets

# trace_up ARGUMENTS...: in the background, and switched on.
trace_up() {
	rm -f "$work/says"
	"$strata" trace "$stack" "$@" >"$work/trace" 2>"$work/says" &
	trace_pid=$!
	until_true 3 grep -qs tracing "$work/says" ||
		fail "the trace does not begin: $(cat "$work/says")"
	sleep 0.05
}

trace_down() {
	kill -INT "$trace_pid" 2>/dev/null
	wait "$trace_pid" || fail "trace: status $?: $(cat "$work/says")"
	! grep -q 'lost\|no more is known' "$work/says" "$work/trace" ||
		fail "$(cat "$work/says" "$work/trace")"
}

# walk PATTERN: the first whose title has this, in $out; a word for each hop in
# $hops.
walk() {
	out=$(awk -v title="$1" '/^[0-9]+\. / { on = !seen && index($0, title)
		seen = seen || on } on' "$work/trace")
	[ -n "$out" ] || fail "no walk of $1 in: $(cat "$work/trace")"
	hops=$(awk '$3 == "us" && $1 != "in" { print $1 }' <<<"$out" | xargs)
}

# tells TEXT...: the walk has these, in this order.
tells() {
	local rest=$out text
	for text in "$@"; do
		[[ $rest == *"$text"* ]] || fail "no \"$text\" (or not in order) in: $out"
		rest=${rest#*"$text"}
	done
}
