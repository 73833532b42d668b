#!/bin/bash
# demo.sh - what a stack in four processes does, in half a minute
#
# Runs in a network namespace that goes when it ends; without root in a user
# namespace too.  Needs only what building needs.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}

if [ -z "${STRATA_DEMO:-}" ]; then
	export STRATA_DEMO=1
	for how in -n -Urn; do
		if unshare $how -- true 2>/dev/null; then
			exec unshare $how -- "$0"
		fi
	done
	echo 'demo: it needs root, or user namespaces for everyone:' >&2
	echo '      sysctl kernel.unprivileged_userns_clone=1' >&2
	exit 1
fi

STRATA_RUN_DIR=$(mktemp -d)
export STRATA_RUN_DIR
PATH=$BUILD:$BUILD/examples:$PATH
echo_pid=

cleanup() {
	trap - EXIT
	[ -z "$echo_pid" ] || kill "$echo_pid" 2>/dev/null
	strata down tap 2>/dev/null
	rm -rf "$STRATA_RUN_DIR"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

if [ -t 1 ]; then
	bold=$'\e[1m' plain=$'\e[0m'
else
	bold='' plain=''
fi

# What comes now, in words.
tell() {
	printf '\n%s\n' "$bold$1$plain"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

failed() {
	echo
	echo "demo: FAILED: $*" >&2
	cat "$STRATA_RUN_DIR"/*/log 2>/dev/null >&2
	exit 1
}

# A command as one would type it, and what it says.
show() {
	printf '\n$ %s\n' "$*"
	"$@" || failed "$*"
}

ms() {
	echo $(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 1000))
}

# ---- Up

tell 'A TCP/IP stack in four processes, beside the kernel' \
	'' \
	'    the kernel                          strata' \
	'    192.0.2.1    ------- tap0 -------   linkd   Ethernet, ARP, NDP' \
	'    2001:db8::1                           |     192.0.2.2, 2001:db8::2' \
	'                                         ipd    IPv4, IPv6, ICMP' \
	'                                         / \ ' \
	'                                     tcpd   udpd' \
	'                                              |' \
	'                                           udp_echo, a program'
ip link set lo up
from=$EPOCHREALTIME
show strata up --detach configs/tap.json
echo "It is up after $(ms "$from") ms; most of that is IPv6 making sure that" \
	'nobody else has its address.'

# ---- Traffic

tell 'The kernel pings it. Not even the first packet is lost.'
show ping -n -c 3 -i 0.2 192.0.2.2
show ping -n -6 -q -c 200 -i 0.002 2001:db8::2
show ping -n -q -c 20 -i 0.01 -s 65507 192.0.2.2

tell 'A program on our stack answers the kernel over UDP.'
printf '\n$ udp_echo 7 &\n'
STRATA=tap udp_echo 7 >"$STRATA_RUN_DIR/echo" 2>&1 &
echo_pid=$!
sleep 0.3
ask() {
	local answer
	printf '$ echo "%s" >/dev/udp/%s/7\n' "$2" "$1"
	exec 3<>"/dev/udp/$1/7"
	echo "$2" >&3
	answer=$(timeout 2 head -n 1 <&3) # not read: it takes single bytes
	exec 3>&-
	[ "$answer" = "$2" ] || failed "no answer from $1"
	echo "$answer"
}
ask 192.0.2.2 'is anybody there?'
ask 2001:db8::2 'and over IPv6?'

# ---- Death

tell 'Now each of the four is killed, twice, while a ping goes every ms.' \
	'kill -9: no handler runs, nothing is said goodbye to.'
marks=$STRATA_RUN_DIR/marks
pid_of() {
	strata status tap | awk -v name="$1" '$1 == name && $3 + 0 { print $3; exit }'
}
count=4000
printf '\n$ ping -i 0.001 -c %d 192.0.2.2 &\n' $count
ping -n -D -i 0.001 -c $count 192.0.2.2 >"$STRATA_RUN_DIR/ping" 2>&1 &
ping_pid=$!
sleep 0.3
for _ in 1 2; do
	for daemon in linkd ipd udpd tcpd; do
		pid=$(pid_of $daemon)
		printf '$ kill -9 %-7s # %s\n' "$pid" $daemon
		echo "$EPOCHREALTIME $daemon" >>"$marks"
		kill -9 "$pid"
		sleep 0.35
	done
done
wait $ping_pid
tail -n 3 "$STRATA_RUN_DIR/ping" | sed '/^$/d'
grep -q ", $count received" "$STRATA_RUN_DIR/ping" || failed 'pings were lost'

echo
echo 'The longest time without a reply within 100 ms of each kill (1 ms is normal):'
awk -v marks="$marks" '
	BEGIN {
		while ((getline line < marks) > 0) {
			split(line, m, " ")
			at[++n] = m[1] + 0
			name[n] = m[2]
		}
	}
	/bytes from/ {
		now = substr($1, 2) + 0
		for (i = 1; i <= n; i++)
			if (before && now > at[i] && before < at[i] + 0.1 &&
			    now - before > gap[i])
				gap[i] = now - before
		before = now
	}
	END {
		for (i = 1; i <= n; i++)
			printf "  %-6s %5.1f ms\n", name[i], gap[i] * 1000
	}' "$STRATA_RUN_DIR/ping"

tell 'The program has noticed nothing.'
ask 192.0.2.2 'still there?'

# ---- A connection

megabytes=500
tell "And TCP: $megabytes MB go to a program on our stack and back, on one connection," \
	'while the process that does TCP is killed four times.'
printf '\n$ tcp_echo 8 &\n'
STRATA=tap tcp_echo 8 >"$STRATA_RUN_DIR/tcp" 2>&1 &
tcp_pid=$!
sleep 0.3
head -c ${megabytes}000000 /dev/urandom >"$STRATA_RUN_DIR/bytes"
printf '$ tcp_ask 192.0.2.2 8 <bytes | md5sum &     # by way of our own loop\n'
STRATA=tap tcp_ask 192.0.2.2 8 <"$STRATA_RUN_DIR/bytes" | md5sum \
	>"$STRATA_RUN_DIR/back" &
ask_pid=$!
for _ in 1 2 3 4; do
	sleep 0.15
	pid=$(pid_of tcpd)
	printf '$ kill -9 %-7s # tcpd\n' "$pid"
	kill -9 "$pid"
done
wait $ask_pid || failed 'the connection did not live'
printf '$ md5sum <bytes\n'
md5sum <"$STRATA_RUN_DIR/bytes" | tee "$STRATA_RUN_DIR/sum"
cat "$STRATA_RUN_DIR/back"
cmp -s "$STRATA_RUN_DIR/sum" "$STRATA_RUN_DIR/back" ||
	failed 'other bytes came back'
kill $tcp_pid
wait $tcp_pid 2>/dev/null
grep -o 'took over, process=tcpd.*gap_us=[0-9]*' "$STRATA_RUN_DIR/tap/log" |
	tail -n 4

# ---- What is to be seen

tell 'Who runs, how often it was started anew, and that no memory got lost:'
printf '\n$ strata status\n'
strata status tap | awk '/^(DAEMON +LAYER|POOL)/ { on = 1; print ""; }
	/^$/ { on = 0 } on'

# ---- Down

tell 'And it leaves nothing behind.'
kill "$echo_pid"
wait "$echo_pid" 2>/dev/null
echo_pid=
show strata down tap
printf '\n$ ip -brief link\n'
ip -brief link
! ip -o link show type tun | grep -q . || failed 'a TAP is left'

tell 'Next:' \
	'  sudo build/strata up configs/tap.json   the log on your terminal' \
	'  build/strata log tap ipd debug          each header of each packet' \
	'  README.md                               how it works, in order'
