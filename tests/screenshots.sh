#!/bin/bash
# screenshots.sh - api/pictures, for the README: strata top and strata web
#
# A stack under some load, of which two processes are killed.  The browser makes
# both pictures; what top prints is made a page for it.
. "$(dirname "$0")/net/lib.sh"

tests/browser.sh about:blank --dump-dom >/dev/null 2>&1 || skip 'no browser'
to=api/pictures

# The colours of a terminal as a page.
cat >"$work/page.py" <<'END'
import html, re, sys
colours = {'2': 'color: #7f8894', '1': 'color: #fff; font-weight: bold',
    '36': 'color: #4fc3d9', '32': 'color: #4fbf83', '33': 'color: #e3b341',
    '1;31': 'color: #f26363; font-weight: bold'}
print('<body style="margin: 0; background: #14171b"><pre style="margin: 14px;'
    ' color: #d5dae0; font: 14px/17px DejaVu Sans Mono, monospace">')
for piece in re.split('(\033\\[[0-9;]*m)', sys.stdin.read()):
    code = re.match('\033\\[([0-9;]*)m', piece)
    if not code:
        print(html.escape(piece), end='')
    elif code[1] == '0':
        print('</span>', end='')
    else:
        print(f'<span style="{colours[code[1]]}">', end='')
END

stack_up configs/two-links.json
tcp_echo_up 7
echo_up 8
{
	for ((i = 0; i < 1500; i++)); do
		head -c $((200000 + RANDOM * 20)) /dev/zero
		sleep 0.01
	done
} | timeout 20 nc -N 192.0.2.2 7 >/dev/null &
ping -q -i 0.004 -c 3000 192.0.2.2 >/dev/null &
ping -q -i 0.01 -c 1200 198.51.100.2 >/dev/null &
for ((i = 0; i < 200; i++)); do
	echo "to a port without a program" | nc -u -w 0 192.0.2.2 99
	echo "question $i" | nc -u -w 0 192.0.2.2 8
	sleep 0.05
done >/dev/null &

"$strata" web --listen 0 >"$work/url" &
until_true 5 grep -q http "$work/url" || fail 'no server'
url=$(cat "$work/url")
watch() {
	for ((i = 0; i < $1; i++)); do
		curl -s "${url}live/0" >/dev/null
		sleep 1
	done
}
watch 7
LC_ALL=C.UTF-8 TERM=xterm script -qfc "stty rows 50 cols 80; '$strata' top -n 4" \
	"$work/typescript" >/dev/null &
top=$!
sleep 1.2
kill -9 "$(daemon pid tcpd)"
watch 2
wait $top
kill -9 "$(daemon pid ipd)"
watch 3

tests/browser.sh "$url" --window-size=1200,1730 --screenshot="$to/web.png" \
	2>/dev/null
# The last picture is between the last two times home.
python3 - "$work/typescript" <<'END' | python3 "$work/page.py" >"$work/top.html"
import re, sys
text = open(sys.argv[1], newline='').read().replace('\r', '')
last = text.split('\033[H')[-1]
print(re.sub('\033\\[[?0-9]*[KJhl]|Script done.*', '', last).strip())
END
tests/browser.sh "file://$work/top.html" --window-size=700,770 \
	--screenshot="$to/top.png" 2>/dev/null
for picture in top web; do
	[ -s "$to/$picture.png" ] || fail "no picture of $picture"
done
ls -l "$to"
stack_down
