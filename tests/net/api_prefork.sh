#!/bin/bash
# api_prefork.sh - several processes that accept from one listener
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            a program of the stack's
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

program=$BUILD/tests/net/api_prefork

# What is expected is what the kernel does.
run "$program" kernel
say "$out"

stack_up configs/tap.json
run "$program" 192.0.2.2 192.0.2.1
say "$out"

(while sleep 0.2; do kill_daemon tcpd; done) 2>/dev/null &
killer=$!
run "$program" 192.0.2.2 192.0.2.1
say "$out"
kill $killer
say "tcpd restarted $(daemon restarts tcpd) times"
slots_at_home
stack_down
