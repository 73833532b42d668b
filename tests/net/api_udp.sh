#!/bin/bash
# api_udp.sh - the library as programs use it, over our own address
#
#	configs/tap.json
#	api_udp, both ends: 192.0.2.2
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
run "$BUILD/tests/net/api_udp" 192.0.2.2
say "$out"
slots_at_home
