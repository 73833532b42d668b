#!/bin/bash
# api_killed.sh - a program that is killed, and what its peers see of it
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            a program of the stack's
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# What is expected is what the kernel does.
run "$BUILD/tests/net/api_killed" kernel
say "$out"

stack_up configs/tap.json
run "$BUILD/tests/net/api_killed" 192.0.2.2 192.0.2.1
say "$out"
slots_at_home
stack_down
