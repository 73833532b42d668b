#!/bin/bash
# api_stream.sh - bytes of TCP, their end, and waiting, held to the kernel
#
#	this namespace                  configs/tap.json
#	the kernel's sockets            the stack's sockets
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

as_the_kernel_does api_stream
