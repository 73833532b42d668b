#!/bin/bash
# udp.sh - the kernel's UDP against udp_echo: every size, every byte, in order
#
#	this namespace                  configs/tap.json
#	udp_tester                                        udp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	2001:db8::1                     2001:db8::2
. "$(dirname "$0")/lib.sh"

# As the very first packet of a stack.
for address in 192.0.2.2 2001:db8::2; do
	stack_up configs/tap.json
	echo_up 7
	run "$udp_tester" -c 1 "$address" 7
	kill $echo_pid
	stack_down
done

stack_up configs/tap.json
echo_up 7
for address in 192.0.2.2 2001:db8::2; do
	run "$udp_tester" -s 0:65507:251 -o "$work/udp" $address 7
	say "$out"
	sent=$(md5sum <"$work/udp.sent")
	back=$(md5sum <"$work/udp.back")
	expect 'bytes sent' "$(stat -c %s "$work/udp.sent")" -gt 8000000
	expect 'MD5 of all that was sent' "$sent" = "$back"
	say "MD5 of both: $sent"
done

# Many on their way at once.
before=$(unavoidable)
out=$("$udp_tester" -c 40000 -r 20000 192.0.2.2 7)
say "$out"
expect 'lost beyond what was dropped and counted' "$(value lost)" -le \
	$(($(unavoidable) - before + $(value overflows)))
expect 'wrong answers' "$(value corrupt)" -eq 0
expect 'datagrams doubled' "$(value doubled)" -eq 0
expect 'datagrams out of order' "$(value reordered)" -eq 0
run "$udp_tester" -c 20000 -w 32 -s 1400 2001:db8::2 7
say "$out"
expect 'datagrams doubled' "$(value doubled)" -eq 0
expect 'datagrams out of order' "$(value reordered)" -eq 0

# A port where nobody is.
for address in 192.0.2.2 2001:db8::2; do
	"$udp_tester" -c 3 $address 9 >"$work/closed"
	out=$(cat "$work/closed")
	expect 'ECONNREFUSED at the sender' "$(value refused)" -eq 3
done

# Our own programs ask one another, through the loop.
for address in 192.0.2.2 2001:db8::2 127.0.0.1; do
	[ $address != 127.0.0.1 ] || continue
	run "$examples/udp_ask" $address 7 'are you there?'
	expect 'the answer' "$out" = 'are you there?'
done

# And ask the kernel.
"$BUILD/tests/bench/kernel_echo" 7007 &
until_true 3 "$udp_tester" -c 1 192.0.2.1 7007
run "$examples/udp_ask" 192.0.2.1 7007 hello
expect 'the answer' "$out" = hello
run "$examples/udp_ask" 2001:db8::1 7007 hello
expect 'the answer' "$out" = hello
refused refused "$examples/udp_ask" 192.0.2.1 7008 hello

kill -0 $echo_pid || fail 'udp_echo is gone'
slots_at_home
