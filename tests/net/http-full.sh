#!/bin/bash
# http-full.sh - http.sh with a file of 1 GB
#
# timeout: 600
cd "$(dirname "$0")" || exit 1
BYTES=1000000000 ./http.sh
