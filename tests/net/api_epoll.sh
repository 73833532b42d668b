#!/bin/bash
# api_epoll.sh - epoll, threads and fork, held to what the kernel does
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            the stack's sockets
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

as_the_kernel_does api_epoll
