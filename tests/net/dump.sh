#!/bin/bash
# dump.sh - packets as text, while they pass
#
#	this namespace                  configs/tap.json
#	ping, nc                                          tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# dump ARGUMENTS...: in the background, to $work/text, until dump_down.
dump() {
	rm -f "$work/figures"
	"$strata" dump "$stack" "$@" >"$work/text" 2>"$work/figures" &
	dump_pid=$!
	until_true 9 grep -qs capturing "$work/figures" ||
		fail 'the dump does not begin'
}

dump_down() {
	kill -INT $dump_pid
	wait $dump_pid || fail "dump: status $?: $(cat "$work/figures")"
	say "$(tail -n 1 "$work/figures")"
}

# shows REGEX: one line of the dump is of this kind.
shows() {
	grep -qE "$1" "$work/text" ||
		fail "no \"$1\" in:"$'\n'"$(cat "$work/text")"
}

stack_up configs/tap.json
tcp_echo_up 7
pings 1 192.0.2.2

dump
pings 1 192.0.2.2
pings 1 -6 2001:db8::2
out=$(echo 'are you there?' | timeout 5 nc -N 192.0.2.2 7)
nc -u -w 1 192.0.2.2 9 <<<'nobody' >/dev/null 2>&1
sleep 0.2
dump_down
time='^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}'
shows "$time tap0:rx +IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id [0-9]+, seq 1, length 64$"
shows "$time ipd>linkd +IP6 2001:db8::2 > 2001:db8::1: ICMP6, echo reply, id"
shows 'tap0:rx .* 192.0.2.2.7: Flags \[S\], seq [0-9]+, win [0-9]+, options \[mss 1460,sackOK,TS val'
shows 'tcpd>ipd .* 192.0.2.2.7 > .*: Flags \[F?P\.\], seq .*, length 15$'
shows 'ipd>udpd .*: UDP, length 7 \[dropped by udpd: rx_no_socket\]$'
sort -c -k 1,1 "$work/text" || fail 'times go back'

dump --at linkd:ipd -v -x -c 1 icmp
pings 1 192.0.2.2
wait $dump_pid || fail "dump -c: status $?"
shows '^	descriptor index=[0-9]+ pool=linkd slot=[0-9]+ off=64 len=84 link=tap0'
shows '^	IPv4 header=20 tos=0x00 length=84 .* ttl=64 protocol=1'
shows '^	ICMP type=8 code=0'
shows '^	0x0000:  4500 0054'
run "$strata" dump --help
refused 'usage' "$strata" dump
refused 'no place' "$strata" dump "$stack" --at nowhere

# A neighbour that is silent: what had waited for it was lost.
dump --at drops
"$strata" nc -u -w 1 192.0.2.77 9 <<<'nobody' >/dev/null 2>&1
given_up() {
	[ "$(counter tx_unreachable)" -gt 0 ]
}
until_true 9 given_up || fail 'the packet waits and waits'
sleep 0.1
dump_down
shows 'drops +IP 192.0.2.2.[0-9]+ > 192.0.2.77.9: UDP, length 7 \[dropped by linkd: tx_unreachable\]$'
expect 'of the status' "$(status_of '.drops.linkd.tx_unreachable')" -eq 1

# Its reader goes away: that is the end, without a word.
for tool in dump trace; do
	(
		timeout 10 "$strata" $tool "$stack" 2>"$work/figures" |
			head -n 1 >"$work/one"
		exit "${PIPESTATUS[0]}"
	) &
	head_pid=$!
	timeout 10 ping -q -i 0.1 -c 10 192.0.2.2 >/dev/null
	wait $head_pid || fail "$tool | head: status $?"
	expect 'lines' "$(wc -l <"$work/one")" -eq 1
	expect 'words' "$(wc -l <"$work/figures")" -eq 1
done
timeout 10 "$strata" dump "$stack" >/dev/full 2>"$work/figures" &
dump_pid=$!
timeout 10 ping -q -i 0.1 -c 10 192.0.2.2 >/dev/null
wait $dump_pid && fail 'it could not be written, but that was no failure'
grep -q 'standard output: No space left' "$work/figures" ||
	fail "it should say why: $(cat "$work/figures")"

stack_down
nothing_left
