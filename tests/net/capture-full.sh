#!/bin/bash
# capture-full.sh - capture.sh with ten million packets, read too slowly
#
# timeout: 1200
cd "$(dirname "$0")" || exit 1
PACKETS=10000000 ./capture.sh
