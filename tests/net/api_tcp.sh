#!/bin/bash
# api_tcp.sh - each call of the socket API for TCP, held to what the kernel does
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            the stack's sockets
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# What is expected is what the kernel does.
run "$BUILD/tests/net/api_tcp" kernel
say "$out"

stack_up configs/tap.json
run "$BUILD/tests/net/api_tcp" 192.0.2.2 192.0.2.1
say "$out"
run "$BUILD/tests/net/api_tcp" 192.0.2.2
say "$out"
slots_at_home

# And so it stays while tcpd is killed all the time.
(while sleep 0.2; do kill -9 "$(daemon pid tcpd)"; done) 2>/dev/null &
killer=$!
export DISTURBED=1
run "$BUILD/tests/net/api_tcp" 192.0.2.2 192.0.2.1
say "$out"
kill $killer
say "tcpd restarted $(daemon restarts tcpd) times"
slots_at_home
