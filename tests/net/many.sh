#!/bin/bash
# many.sh - two thousand sockets, and the deaths of those who hold them
#
#	this namespace                  configs/tap.json
#	udp_tester                      udp_echo 7; 8 hoarders with 250 each
#
# The stack is begun with a low soft limit of descriptors, as from a shell.
. "$(dirname "$0")/lib.sh"

hoarder=$BUILD/tests/net/hoarder
ulimit -Sn 256
stack_up configs/tap.json
ulimit -Sn "$(ulimit -Hn)"
echo_up 7

mkfifo "$work/hold"
for i in 1 2 3 4 5 6 7 8; do
	"$hoarder" 250 <"$work/hold" >"$work/hoard.$i" 2>&1 &
done
exec 8>"$work/hold"
all_open() {
	[ "$(cat "$work"/hoard.* | grep -c '250 sockets')" -eq 8 ]
}
until_true 20 all_open || fail "$(cat "$work"/hoard.*)"
sockets() {
	status_of '[.apps[].sockets] | add // 0'
}
expect sockets "$(sockets)" -eq 2001

# ---- udpd, whose next instance has to learn of them all, three times

for _ in 1 2 3; do
	until_true 5 [ "$(status_of '.daemons[] | select(.name == "udpd").standby_pid')" -gt 0 ] ||
		fail 'udpd has no standby'
	kill_daemon udpd
	sleep 0.3
	run "$udp_tester" -c 200 192.0.2.2 7
done
expect 'restarts of udpd' "$(daemon restarts udpd)" -ge 3

# ---- The supervisor, whose next instance has to have kept them all

old=$(status_of .supervisor_pid)
kill -9 "$old"
another() {
	[ "$(status_of .supervisor_pid 2>/dev/null || echo "$old")" != "$old" ]
}
until_true 5 another || fail 'no supervisor has followed'
expect 'sockets after the supervisor' "$(sockets)" -eq 2001
kill_daemon udpd
sleep 0.3
run "$udp_tester" -c 200 192.0.2.2 7

# ---- All of them have their names, and go with their programs

exec 8>&-
gone() {
	[ "$(sockets)" -eq 1 ]
}
until_true 10 gone || fail "sockets are left: $(status_of .apps)"
expect 'hoarders whose sockets lived' "$(cat "$work"/hoard.* | grep -c '250 alive')" -eq 8
slots_at_home
stack_down
nothing_left
