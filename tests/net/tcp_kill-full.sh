#!/bin/bash
# tcp_kill-full.sh - tcp_kill.sh and tcp_short.sh at full length
#
# Ten transfers of 1 GB each way, and a thousand short connections a second for
# 20 seconds (no longer: all ports of the caller's are in TIME-WAIT then), while a
# daemon dies every 50 to 500 ms.
#
# timeout: 600
cd "$(dirname "$0")" || exit 1
STREAMS=10 BYTES=1000000000 ./tcp_kill.sh &&
	SECONDS_OF_CALLS=20 ./tcp_short.sh
