#!/bin/bash
# errno_raw.sh - sockets of ICMP and of any protocol, and queues of errors: the
# library's calls against the kernel's
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            the library's
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	2001:db8::1                     2001:db8::2
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
# Both have a way to everywhere, or neither.
run ip route add default via 192.0.2.2
run ip -6 route add default via 2001:db8::2
run sysctl -qw net.ipv4.ping_group_range='0 2147483647'
run "$BUILD/tests/net/errno_raw"
say "$out"
slots_at_home
