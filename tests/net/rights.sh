#!/bin/bash
# rights.sh - who may use a stack, who may look, and who rules it
#
#	this namespace                  configs/tap.json
#	root, and uid 65534             tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# Where "ctl" lets nobody else in there is nothing to refuse, so first it does.
. "$(dirname "$0")/lib.sh"

others=(env STRATA_RUN_DIR=/run/strata setpriv --reuid=65534 --regid=65534
	--clear-groups)
"${others[@]}" test -x "$(realpath "$strata")" ||
	skip "uid 65534 can't come to $strata"
ruler='only root and the user who runs the stack may do that'
ctl=/run/strata/tap/ctl

# nobody ARGUMENTS...: the command as another user.
nobody() {
	"${others[@]}" "$(realpath "$strata")" "$@"
}

# ---- Its user alone, if nothing else is said

refused 'no group' "$strata" up --group no-such-group configs/tap.json
for mode in 8 1000 rw '' 0666x -1; do
	refused 'is no mode' "$strata" up --mode "$mode" configs/tap.json
done
(umask 000 && "$strata" up --detach configs/tap.json) || fail 'it is not up'
stack=tap
stacks+=(tap)
expect 'mode of ctl' "$(stat -c %a $ctl)" = 600
expect 'mode of the log' "$(stat -c %a /run/strata/tap/log)" = 600
for words in 'status tap' 'ss tap' 'metrics tap' 'addr tap' 'impair tap tap0' \
	'down tap'; do
	# shellcheck disable=SC2086 # words
	refused "another user's" nobody $words
done
refused "another user's" nobody ping -c 1 192.0.2.1
refused 'Permission denied' "${others[@]}" "$examples/tcp_ask" 192.0.2.2 7
stack_down

(umask 077 && "$strata" up --detach --group 65534 configs/tap.json) ||
	fail 'it is not up'
stacks+=(tap)
export STRATA=tap
expect 'mode of ctl' "$(stat -c '%a %g' $ctl)" = '660 65534'
run nobody ping -c 1 192.0.2.1
refused "another user's" env STRATA_RUN_DIR=/run/strata setpriv \
	--reuid=65533 --regid=65533 --clear-groups \
	"$(realpath "$strata")" status tap
stack_down
say 'the mode is what was asked for'

# ---- All may use it; that does not make them rule it

"$strata" up --detach --mode 666 configs/tap.json || fail 'it is not up'
stacks+=(tap)
expect 'mode of ctl' "$(stat -c %a $ctl)" = 666
tcp_echo_up 7
(
	# What the next supervisor is asked has the same answers.
	kill -9 "$(status_of .supervisor_pid)"
	until_true 5 status_of .supervisor_pid
)
expect 'mode of ctl' "$(stat -c %a $ctl)" = 666

run nobody status tap
run nobody ss tap
run nobody metrics tap
run nobody addr tap show
run nobody route tap get 203.0.113.1
run nobody impair tap tap0
run nobody ping -c 1 192.0.2.1
out=$("${others[@]}" "$examples/tcp_ask" 192.0.2.2 7 <<<hello)
expect 'the echo' "$out" = hello
say 'anybody uses it and looks'

settings() {
	"$strata" addr tap
	"$strata" route tap
	"$strata" neigh tap | grep PERMANENT
	"$strata" impair tap tap0 --json | jq '.rx, .tx'
	status_of '.daemons[] | .pid, .restarts, .log'
}
is_known() {
	"$strata" neigh tap show "$1" | grep -q lladdr
}
until_true 3 is_known 192.0.2.1 || fail "$("$strata" neigh tap)"
before=$(settings)
for words in 'addr add 198.51.100.3/24' 'addr del 192.0.2.2/24' \
	'route add 203.0.113.0/24 via 192.0.2.1' 'route del default' \
	'neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev tap0' \
	'neigh flush' 'metrics --latency' \
	'impair tap0 loss=100' 'impair tap0 tx delay_ms=9' 'impair tap0 off' \
	'restart ipd' 'log ipd debug' 'capture -w /dev/null' dump trace \
	'latency -d 1' down; do
	# shellcheck disable=SC2086 # words
	refused "$ruler" timeout 5 "${others[@]}" "$(realpath "$strata")" \
		${words%% *} tap ${words#"${words%% *}"}
done
refused 'Operation not permitted' nobody traceroute -T 192.0.2.1
expect 'what there is' "$(settings)" = "$before"
# A daemon of another user's does not get a place.
timeout 3 "${others[@]}" "$(realpath "$BUILD/ipd")" --stack tap
until_true 3 grep -q 'refused to let a ipd join' /run/strata/tap/log ||
	fail 'it was not refused'
expect 'what there is' "$(settings)" = "$before"
say 'who does not rule it changes nothing and sees no packet'

# ---- Who it was that connected, and who it is that speaks

cat >"$work/speak.py" <<'END'
import os, socket, sys

def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[2])
    return s

how, question = sys.argv[1], sys.argv[3]
if how == 'root then other':
    s = connect()
    os.setuid(65534)
elif how == 'other then root':
    os.seteuid(65534)
    s = connect()
    os.seteuid(0)
else:
    s = connect()
s.send(question.encode())
_, files, _, _ = socket.recv_fds(s, 4096, 1)
print(os.pread(files[0], 4096, 0).decode())
END
for question in '{"command": "down"}' \
	'{"command": "log", "daemon": "ipd", "level": "debug"}' \
	'{"command": "restart", "daemon": "ipd"}' '{"command": "tap"}' \
	'{"command": "impair", "link": "tap0", "set": {"loss": 1}}' \
	'{"command": "impair", "link": "tap0", "off": true}'; do
	for how in 'root then other' 'other then root'; do
		run python3 "$work/speak.py" "$how" $ctl "$question"
		[[ $out == *"$ruler"* ]] || fail "$how: $question: $out"
	done
done
run python3 "$work/speak.py" root $ctl \
	'{"command": "log", "daemon": "ipd", "level": "warn"}'
[[ $out == *'"ok":true'* ]] || fail "root: $out"
expect 'restarts of ipd' "$(daemon restarts ipd)" -eq 0

# A raw socket is asked for by who asks now, as with the kernel.
# Nor does a daemon by hand get a place by it.
run env STRATA_RUN_DIR=/run/strata "$BUILD/tests/net/raw_rights" \
	"$(daemon pid ipd)"
expect 'restarts of ipd' "$(daemon restarts ipd)" -eq 0

# Its user's own does, while it runs.
"$BUILD/ipd" --stack tap &
guest=$!
is_ipd() { [ "$(daemon pid ipd)" -eq $guest ]; }
until_true 5 is_ipd || fail 'the daemon by hand has no place'
pings 3 -i 0.05 192.0.2.2
run "$strata" addr tap add 198.51.100.2/24
kill $guest
is_another() { [ "$(daemon pid ipd)" -gt 0 ] && ! is_ipd; }
until_true 5 is_another || fail 'nobody took its place'
pings 3 -i 0.05 192.0.2.2
say 'a daemon by hand came and went'

# ---- Whoever takes all there is does not keep the ruler out

cat >"$work/crowd.py" <<'END'
import os, signal, socket, sys
os.setuid(65534)
crowd = []
for i in range(300):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    crowd.append(s)
print('here', flush=True)
signal.pause()
END
python3 "$work/crowd.py" $ctl >"$work/crowd" &
crowd=$!
until_true 5 grep -q here "$work/crowd" || fail 'they do not come'
until_true 5 "$strata" status tap || fail 'root finds no place'
! nobody status tap >/dev/null 2>&1 || fail 'there is still a place for all'
kill $echo_pid
run "$strata" down tap
stacks=()
kill $crowd
nothing_left
say 'the ruler finds a place in a crowd'

# ---- Who was there first: a folder in /tmp has a name that can be guessed

we=$((1000000 + RANDOM * 32768 + RANDOM)) # nobody's, so its folder is ours
run_dir=/tmp/strata-$we
leave() {
	local status=$?
	STRATA_RUN_DIR=$run_dir "$strata" down loopback 2>/dev/null
	rm -rf "$run_dir"
	(exit $status)
	cleanup
}
trap leave EXIT
unset STRATA
chmod 755 "$work"
ours() {
	setpriv --reuid=$we --regid=$we --clear-groups \
		"$(realpath "$strata")" "$@"
}
squatter() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
up=(up --detach configs/loopback.json)

echo precious >"$work/precious"
chown $we "$work/precious"
run squatter mkdir -p -m 777 "$run_dir/loopback"
run squatter chmod 777 "$run_dir"
run squatter ln -s "$work/precious" "$run_dir/loopback/log"
advice='remove it, or set STRATA_RUN_DIR to a folder of your own'
refused "$run_dir belongs to user 65534; $advice" ours "${up[@]}"
refused "$run_dir belongs to user 65534; $advice" \
	timeout 5 setpriv --reuid=$we --regid=$we --clear-groups \
	"$(realpath "$strata")" up configs/loopback.json
expect 'what the link is to' "$(cat "$work/precious")" = precious

# Ours, but for a while it could be written by all.
run chown $we "$run_dir"
refused "$run_dir can be written by others; $advice" ours "${up[@]}"
run chmod 755 "$run_dir"
refused "$run_dir/loopback belongs to user 65534" ours "${up[@]}"
run chown $we "$run_dir/loopback"
refused "$run_dir/loopback can be written by others" ours "${up[@]}"
run chmod 755 "$run_dir/loopback"
refused "can't make the log file $run_dir/loopback/log" ours "${up[@]}"
expect 'what the link is to' "$(cat "$work/precious")" = precious
run rm "$run_dir/loopback/log"
run ours "${up[@]}"
run ours status
# Root rules it, but a daemon of root's its supervisor could not kill.
STRATA_RUN_DIR=$run_dir timeout 3 "$BUILD/ipd" --stack loopback
until_true 3 grep -q 'refused to let a ipd join: user 0' \
	"$run_dir/loopback/log" || fail 'root may join'
run env STRATA_RUN_DIR="$run_dir" "$strata" log loopback ipd warn
run ours down
expect 'the folder' "$(find "$run_dir" 2>&1 | grep -c 'No such')" -eq 1

# A stack of his in a folder of our name: who asks for ours is not sent there.
run squatter mkdir "$run_dir"
run squatter env STRATA_RUN_DIR="$run_dir" "$(realpath "$strata")" up \
	--mode 666 --detach configs/loopback.json
for words in status 'status loopback' 'down loopback' ss; do
	# shellcheck disable=SC2086 # words
	refused "$run_dir belongs to user 65534" ours $words
done
refused "another user's" ours ss loopback
refused 'Permission denied' setpriv --reuid=$we --regid=$we --clear-groups \
	env STRATA=loopback "$(realpath "$examples/tcp_ask")" 127.0.0.1 7
# But who names the folder means it.
run env STRATA_RUN_DIR="$run_dir" setpriv --reuid=$we --regid=$we \
	--clear-groups "$(realpath "$strata")" status loopback
run squatter env STRATA_RUN_DIR="$run_dir" "$(realpath "$strata")" down
nothing_left
