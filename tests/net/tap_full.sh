#!/bin/bash
# tap_full.sh - what a TAP's queue has no room for is seen, and does no harm
#
#	this namespace                configs/tap.json
#	ping, 192.0.2.1 --- tap0 --- linkd (stopped for a while)
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
pings 2 -i 0.01 192.0.2.2
dropped() {
	status_of '.links[] | select(.name == "tap0") | .kernel_dropped'
}
before=$(dropped)
linkd=$(daemon pid linkd)
kill -STOP "$linkd"
ping -q -n -c 8000 -l 8000 -s 56 -W 1 192.0.2.2 >/dev/null
expect 'dropped, as status says' "$(dropped)" -gt "$before"
expect 'dropped, as the kernel says' \
	"$(device tap0 stats64.tx.dropped)" -eq "$(dropped)"
kill -CONT "$linkd"
say "$(dropped) of 8000 did not fit into the queue"
expect 'dropped, of 8000 with room for 4096' "$(dropped)" -lt 4500
pings 5 -i 0.01 192.0.2.2
slots_at_home
stack_down
nothing_left
