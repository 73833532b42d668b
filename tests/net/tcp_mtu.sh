#!/bin/bash
# tcp_mtu.sh - our TCP finds out what a narrow link beyond the next router takes
#
#	configs/tap.json     this namespace             mid                far
#	192.0.2.2 --- tap0 --- 192.0.2.1
#	tcp_ask              10.0.1.1 -- near -- 10.0.1.2
#	                                        10.0.2.1 - narrow - 10.0.2.2, nc
#
# The far host offers an MSS for 1500, so only mid's ICMP tells of the 1280.
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-5000000}
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

stack_up configs/tap.json
narrow_path_up

listens() {
	ip netns exec "$far" ss -Hltn 'sport = 7007' | grep -q .
}
for i in 1 2; do
	ip netns exec "$far" timeout 60 nc -l -d 10.0.2.2 7007 >"$work/out" &
	nc_pid=$!
	until_true 3 listens
	timeout 60 "$examples/tcp_ask" 10.0.2.2 7007 <"$work/in" >/dev/null ||
		fail "tcp_ask: status $?"
	wait $nc_pid
	expect "MD5 of connection $i" "$(md5sum <"$work/out")" = "$sum"
	# Each finds out for itself: nobody else's word counts for TCP.
	expect 'reports believed' "$(counter icmp_received)" -ge $i
	say "$bytes bytes through a link of 1280"
done
slots_at_home
stack_down
nothing_left
