#!/bin/bash
# usage: HOURS=1 tests/soak.sh
#
# The kill tests at full length and the simulator, again and again with new seeds,
# until the time is up; what fails has its seed in the output.
set -u
cd "$(dirname "$0")/.." || exit 1
end=$((SECONDS + $(awk -v h="${HOURS:-1}" 'BEGIN { print int(h * 3600) }')))
rounds=0
failed=0

while [ $SECONDS -lt $end ] || [ $rounds -eq 0 ]; do
	rounds=$((rounds + 1))
	echo "== round $rounds"
	V=1 tests/run-net soak tests/net/kill-full.sh \
		tests/net/tcp_kill-full.sh tests/net/http-full.sh \
		tests/net/capture-full.sh || failed=$((failed + 1))
	first=$((RANDOM * 32768 + RANDOM))
	make -s sim SEEDS=$first-$((first + 999)) || failed=$((failed + 1))
done
echo "soak: $rounds rounds, $failed failed"
[ $failed -eq 0 ]
