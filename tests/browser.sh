#!/bin/bash
# usage: tests/browser.sh URL OPTIONS...
#
# A browser without a screen: loads the page and obeys --dump-dom or
# --screenshot=FILE.  Root may not use its sandbox, and all that it loads here
# is our own.  Exits with 77 if there is none.
set -u
url=$1
shift
for browser in chromium-headless-shell chromium chromium-browser; do
	command -v $browser >/dev/null || continue
	[ $browser = chromium-headless-shell ] || set -- --headless "$@"
	home=$(mktemp -d)
	HOME=$home timeout 60 $browser --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --hide-scrollbars \
		--user-data-dir="$home/data" --virtual-time-budget=3000 \
		"$@" "$url" 2>"$home/errors"
	status=$?
	grep CONSOLE "$home/errors" >&2
	rm -rf "$home"
	exit $status
done
echo 'no chromium here; see .ci/deps' >&2
exit 77
