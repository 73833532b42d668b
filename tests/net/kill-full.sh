#!/bin/bash
# kill-full.sh - kill.sh as long as it takes to trust it: 20,000 pings, ten
# kills of each daemon in each run, and the gaps held to their limits
# timeout: 300
export PINGS=20000 KILLS=10 STRICT=1
exec "$(dirname "$0")/kill.sh"
