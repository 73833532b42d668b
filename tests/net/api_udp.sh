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

# More programs than there are places, one after the other.
apps_left() {
	[ "$(status_of '.apps | length')" -eq 0 ]
}
for ((i = 0; i < 100; i++)); do
	refused refused "$examples/udp_ask" 192.0.2.2 99 x >/dev/null
done
until_true 3 apps_left || fail "apps that are gone: $(status_of .apps)"
