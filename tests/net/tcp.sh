#!/bin/bash
# tcp.sh - the kernel's TCP and ours, every byte, both ways
#
#	this namespace                  configs/tap.json
#	nc, tcp_peer                                      tcp_echo 7, tcp_ask
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	2001:db8::1                     2001:db8::2
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-50000000}
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

stack_up configs/tap.json
tcp_echo_up 7

# The kernel calls us.
for address in 192.0.2.2 2001:db8::2; do
	out=$(echo 'are you there?' | timeout 5 nc -N $address 7)
	expect 'the answer' "$out" = 'are you there?'
	out=$(timeout 60 "$tcp_peer" $address 7 <"$work/in" 2>"$work/said" |
		md5sum)
	expect "MD5 of $bytes bytes through $address" "$out" = "$sum"
	say "$bytes bytes there and back through $address"
done
refused 'refused' nc -v 192.0.2.2 9 </dev/null

# We call the kernel, and ourselves.
for address in 192.0.2.1 2001:db8::1; do
	timeout 60 "$tcp_peer" -l "$address" 7007 <"$work/in" \
		>"$work/kernel.in" 2>"$work/said" &
	peer_pid=$!
	sleep 0.3
	"$examples/tcp_ask" "$address" 7007 <"$work/in" >"$work/out" ||
		fail "tcp_ask: status $?"
	wait $peer_pid
	expect "MD5 to $address" "$(md5sum <"$work/kernel.in")" = "$sum"
	expect "MD5 from $address" "$(md5sum <"$work/out")" = "$sum"
	say "$bytes bytes each way with $address"
done
refused 'refused' "$examples/tcp_ask" 192.0.2.1 9 </dev/null
for address in 192.0.2.2 2001:db8::2; do
	out=$("$examples/tcp_ask" $address 7 <"$work/in" | md5sum)
	expect 'MD5 through the loop' "$out" = "$sum"
done

# Many at once.
for i in {1..50}; do
	timeout 60 nc -N 192.0.2.2 7 <"$work/echo" >"$work/many.$i" &
	pids[i]=$!
done
for i in {1..50}; do
	wait "${pids[i]}" || fail "nc $i: status $?"
	cmp -s "$work/echo" "$work/many.$i" || fail "connection $i"
done
say '50 connections at once'

kill $echo_pid
slots_at_home
stack_down
