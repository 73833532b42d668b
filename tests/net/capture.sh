#!/bin/bash
# capture.sh - what is captured at each place, and that nobody waits for it
#
#	this namespace                  configs/tap.json
#	ping, nc                                          tcp_echo 7
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#
# PACKETS: how many pass while the capture is read too slowly (capture-full.sh).
. "$(dirname "$0")/lib.sh"

packets=${PACKETS:-100000}
command -v tshark >/dev/null || skip 'no tshark'

# capture_up FILE ARGUMENTS...: in the background, and switched on.
capture_up() {
	local file=$1
	shift
	rm -f "$work/figures"
	"$strata" capture "$stack" -w "$file" "$@" 2>"$work/figures" &
	capture_pid=$!
	until_true 9 grep -qs capturing "$work/figures" ||
		fail 'the capture does not begin'
}

capture_down() {
	kill -INT $capture_pid
	wait $capture_pid || fail "capture: status $?: $(cat "$work/figures")"
	say "$(tail -n 1 "$work/figures")"
}

# figure PLACE COLUMN: 2 seen, 3 lost, 4 written; 0 if nothing was there.
figure() {
	awk -v place="$1" -v n="$2" \
		'$1 == place { v = $n } END { print v + 0 }' "$work/figures"
}

# fields FILE FILTER FIELD...: a line for each packet, without a warning.
fields() {
	local file=$1 filter=$2 args=() warned
	shift 2
	for field in "$@"; do args+=(-e "$field"); done
	tshark -r "$file" -Y "$filter" -T fields -E separator=' ' \
		"${args[@]}" 2>"$work/warned" || fail "tshark: $(cat "$work/warned")"
	warned=$(grep -v 'Running as user' "$work/warned")
	[ -z "$warned" ] || fail "tshark: $warned"
}

in_order() {
	fields "$1" '' frame.time_epoch >"$work/times"
	sort -c -n "$work/times" || fail "times of $1 go back"
}

# moved FROM TO: descriptors that were ever put into the ring.
moved() {
	status_of ".rings[] | select(.from == \"$1\" and .to == \"$2\") | .moved" |
		head -n 1
}

# ---- One ping, one connection, at all places

stack_up configs/tap.json
tcp_echo_up 7
pings 1 192.0.2.2
capture_up "$work/all.pcapng"
pings 1 192.0.2.2
out=$(echo 'are you there?' | timeout 5 nc -N 192.0.2.2 7)
expect 'the answer' "$out" = 'are you there?'
nc -u -w 1 192.0.2.2 9 <<<'nobody' >/dev/null 2>&1
sleep 0.2
capture_down
in_order "$work/all.pcapng"

out=$(fields "$work/all.pcapng" 'icmp.type == 8' frame.interface_name | xargs)
expect 'places of the request' "$out" = 'tap0:rx linkd>ipd'
out=$(fields "$work/all.pcapng" 'icmp.type == 0' frame.interface_name | xargs)
expect 'places of the reply' "$out" = 'ipd>linkd tap0:tx'
say 'the ping is seen at each place, in order'

up='tap0:rx linkd>ipd ipd>tcpd'
down='tcpd>ipd ipd>linkd tap0:tx'
for way in dst src; do
	places=$up
	[ $way = dst ] || places=$down
	for what in 'tcp.flags.syn == 1' 'tcp.len == 15'; do
		out=$(fields "$work/all.pcapng" "ip.$way == 192.0.2.2 && $what" \
			frame.interface_name | xargs)
		expect "places of $what, $way is ours" "$out" = "$places"
		# The checksum is the device's to finish on the way down.
		out=$(fields "$work/all.pcapng" "ip.$way == 192.0.2.2 && $what" \
			ip.src ip.dst ip.ttl tcp.srcport tcp.dstport tcp.seq_raw \
			tcp.ack_raw tcp.flags tcp.window_size_value tcp.options \
			tcp.payload | sort -u | wc -l)
		expect "different bytes of $what" "$out" -eq 1
		fields "$work/all.pcapng" "ip.$way == 192.0.2.2 && $what" \
			frame.packet_id | sort -u >"$work/ids"
		expect "packets that are $what" "$(grep -c . "$work/ids")" -eq 1
	done
done
say 'the segments are the same at each place, in order'
# No packet is at a place twice, and each of the connection at three.
out=$(fields "$work/all.pcapng" '' frame.packet_id frame.interface_name |
	grep '^0x\|^[0-9]' | sort | uniq -d)
[ -z "$out" ] || fail "twice at one place: $out"
out=$(fields "$work/all.pcapng" tcp frame.packet_id | sort | uniq -c |
	awk '{ print $1 }' | sort -u | xargs)
expect 'places of each segment' "$out" -eq 3
for type in 0 8; do
	out=$(fields "$work/all.pcapng" "icmp.type == $type" frame.packet_id |
		uniq -c | awk 'NF == 2 { print $1 }' | xargs)
	expect 'places of one message' "$out" = 2
done
say 'each packet has one number, at all places'
out=$(fields "$work/all.pcapng" 'udp.dstport == 9 && frame.comment' \
	frame.interface_name frame.comment | head -n 1)
expect 'the reason' "$out" = 'ipd>udpd dropped by udpd: rx_no_socket'
say "$out"

# ---- Places, a filter, a count, a snap length

run "$strata" capture "$stack" --help
refused 'no place "moon"' "$strata" capture "$stack" --at moon -w "$work/x"
refused 'filter "moon"' "$strata" capture "$stack" -w "$work/x" moon
refused 'no stack "moon"' "$strata" capture moon -w "$work/x"
capture_up "$work/few.pcapng" --at linkd:ipd,tap0 -c 3 -s 30 \
	icmp and src 192.0.2.1
pings 5 -i 0.01 192.0.2.2
wait $capture_pid || fail "capture -c: status $?"
out=$(fields "$work/few.pcapng" '' frame.interface_name frame.cap_len | xargs)
expect 'what -c 3 -s 30 saw' "$out" = \
	'tap0:rx 30 linkd>ipd 30 tap0:rx 30'
capture_up "$work/drops.pcapng" --at drops
nc -u -w 1 192.0.2.2 9 <<<'nobody' >/dev/null 2>&1
pings 3 -i 0.01 192.0.2.2
capture_down
out=$(fields "$work/drops.pcapng" '' frame.comment)
expect 'drops' "$out" = 'dropped by udpd: rx_no_socket'

# ---- One after the other to a neighbour that is silent, and a bad wire

silent=2001:db8::77
run "$strata" impair "$stack" tap0 tx reorder=20 delay_ms=5 duplicate=30
capture_up "$work/alike.pcapng" --at ipd:linkd,tap0:tx,drops udp
(
	for i in $(seq 200); do
		printf '%-900d' "$i"
		sleep 0.002
	done
	sleep 2
) | STRATA=$stack timeout 9 "$strata" nc -u -w 2 $silent 9 >/dev/null 2>&1 &
nc_pid=$!
sleep 1
ip addr add $silent/128 dev tap0 nodad
wait $nc_pid
capture_down
run "$strata" impair "$stack" tap0 off
ip addr del $silent/128 dev tap0
fields "$work/alike.pcapng" "ipv6.dst == $silent && udp.dstport == 9" \
	frame.interface_name udp.payload frame.packet_id >"$work/alike"
grep -q '^tap0:tx' "$work/alike" || fail 'nothing has been sent'
grep -q '^drops' "$work/alike" || fail 'nothing has been dropped'
out=$(awk 'NF == 2' "$work/alike" | wc -l)
expect 'datagrams that have no number' "$out" -eq 0
out=$(awk '{ print $2, $3 }' "$work/alike" | sort -u | awk '
	{ seen[$1]++; of[$2]++ }
	END { for (i in seen) n += seen[i] > 1; for (i in of) n += of[i] > 1
	      print n + 0 }')
expect 'numbers of two datagrams, datagrams of two numbers' "$out" -eq 0
say "$(wc -l <"$work/alike") datagrams, some lost, late or twice: each known"

# ---- Daemons die meanwhile

capture_up "$work/kills.pcapng" --at 'tap0,linkd>ipd,ipd>linkd' icmp
timeout 60 ping -q -n -c 200 -i 0.01 192.0.2.2 >"$work/ping" &
ping_pid=$!
for name in ipd linkd ipd linkd tcpd; do
	sleep 0.3
	kill_daemon "$name"
done
wait $ping_pid
capture_down
in_order "$work/kills.pcapng"
expect 'restarts of linkd' "$(daemon restarts linkd)" -eq 2
for place in 'tap0:rx 8' 'linkd>ipd 8' 'ipd>linkd 0' 'tap0:tx 0'; do
	out=$(fields "$work/kills.pcapng" "icmp.type == ${place#* } &&
		frame.interface_name == \"${place% *}\"" icmp.seq | sort -n |
		uniq -c | awk '$1 == 1' | wc -l)
	expect "pings seen once at $place" "$out" -eq 200
done
say 'each of 200 pings seen once at each place, daemons killed five times'

# The supervisor, too: it is asked again.
capture_up "$work/sup.pcapng" --at 'linkd>ipd' icmp
kill -9 "$(status_of .supervisor_pid)"
sleep 0.5
pings 20 -i 0.01 192.0.2.2
capture_down
expect 'pings seen after the supervisor was killed' \
	"$(figure 'linkd>ipd' 4)" -eq 20

# ---- A bad wire: frames are captured as they come out of it, lost ones too

# of_wire FILTER: packets of the file, and how many of them were dropped.
of_wire() {
	out=$(fields "$work/bad.pcapng" "$1" frame.number frame.comment)
	there=$(grep -vc dropped <<<"$out")
	gone=$(grep -c "dropped by linkd: impair_${way}_lost" <<<"$out")
}

# lag FROM TO TYPE: least time of a packet between two places, in us.
lag() {
	fields "$work/bad.pcapng" "icmp.type == $3 && !frame.comment" \
		icmp.seq frame.interface_name frame.time_epoch |
		awk -v a="$1" -v b="$2" '
			$2 == a && !($1 in t) { t[$1] = $3 }
			$2 == b && ($1 in t) {
				d = ($3 - t[$1]) * 1000000
				if (n++ == 0 || d < least) least = d
			}
			END { print (n > 0 ? int(least) : -1) }'
}

for way in rx tx; do
	run "$strata" impair "$stack" tap0 off
	run "$strata" impair "$stack" tap0 $way loss=30 duplicate=20 \
		delay_ms=40 seed=5
	capture_up "$work/bad.pcapng" icmp
	out=$("$pinger" -c 300 -i 500 192.0.2.2)
	say "$way: $out"
	lost=$(value lost) doubled=$(value doubled)
	sleep 0.2
	capture_down
	in_order "$work/bad.pcapng"
	type=8
	[ $way = rx ] || type=0
	of_wire "icmp.type == $type && frame.interface_name == \"tap0:$way\""
	expect "frames lost on $way" "$lost" -gt 0
	expect 'as linkd counts' "$lost" -le "$(counter impair_${way}_lost)"
	expect "frames doubled on $way" "$doubled" -gt 0
	expect "captured as lost on $way" "$gone" -eq "$lost"
	expect "captured on $way" "$there" -eq $((300 - lost + doubled))
	if [ $way = rx ]; then
		late=$(lag tap0:rx 'linkd>ipd' 8)
		expect 'us from the device to ipd' "$late" -lt 20000
	else
		late=$(lag 'ipd>linkd' tap0:tx 0)
		expect 'us from ipd to the device' "$late" -ge 39000
	fi
done
run "$strata" impair "$stack" tap0 off
say 'a bad wire: each frame seen when it comes out, each lost one with why'

# ---- The reader sleeps, or is slow: the capture loses, the traffic does not

mkfifo "$work/pipe"
# It opens the pipe, and then sleeps until all is over.
sleeps() {
	until [ -e "$work/over" ]; do sleep 0.1; done
	cat
}
# 1.3 MB a second, and the rest at once.
dawdles() {
	python3 -c '
import os, sys, time
while bytes := os.read(0, 65536):
    os.write(1, bytes)
    if not os.path.exists(sys.argv[1]):
        time.sleep(0.05)' "$work/over"
}

# unharmed READER PACKETS: each comes back, and what the capture has not is known.
unharmed() {
	local before made seen lost reader_pid
	rm -f "$work/figures" "$work/over"
	before=$(moved linkd ipd)
	"$1" <"$work/pipe" >"$work/slow.pcapng" &
	reader_pid=$!
	"$strata" capture "$stack" --at 'linkd>ipd' -w "$work/pipe" \
		2>"$work/figures" &
	capture_pid=$!
	until_true 9 grep -qs capturing "$work/figures" ||
		fail 'the capture does not begin'
	run "$pinger" -c "$2" -w 32 -s 1000 192.0.2.2
	say "$out"
	kill -INT $capture_pid
	touch "$work/over"
	wait $capture_pid || fail "capture: status $?"
	wait $reader_pid
	made=$(($(moved linkd ipd) - before))
	seen=$(figure 'linkd>ipd' 2)
	lost=$(figure 'linkd>ipd' 3)
	say "a reader that $1: of $made packets $seen seen, $lost lost"
	expect 'packets' "$made" -ge "$2"
	expect 'seen and lost' $((seen + lost)) -eq "$made"
	expect 'lost' "$lost" -gt 0
	out=$(fields "$work/slow.pcapng" '' frame.number | wc -l)
	expect 'packets in the file' "$out" -eq "$(figure 'linkd>ipd' 4)"
}
unharmed sleeps 100000
unharmed dawdles "$packets"

slots_at_home
stack_down
nothing_left
