#!/bin/bash
# impair.sh - a bad wire does what it was told, no more and no less
#
#	this namespace                    configs/tap.json
#	pinger, tcp_peer                  linkd <- the bad wire, rx and tx
#	192.0.2.1 --------- tap0 -------- 192.0.2.2
#
#	this namespace       configs/two-links.json            far
#	192.0.2.1 --- left --- 192.0.2.2
#	                       198.51.100.2 --- right --- 198.51.100.1
#
# An echo takes one frame each way; so what befalls one way befalls pings.
# Shares may be off by five standard deviations of a binomial.
. "$(dirname "$0")/lib.sh"

pinger=$BUILD/tests/net/pinger
count=2000

# bad WAY KEY=VALUE...: only that.
bad() {
	run "$strata" impair tap tap0 off
	run "$strata" impair tap tap0 "$@"
	sleep 0.05
}

# echo_all ARGUMENTS...: what became of them stands in $out.
echo_all() {
	say "pinger $*"
	out=$("$pinger" "$@" 192.0.2.2) # 1: some were lost
	case $out in *error=none*) ;; *) fail "pinger $*: $out" ;; esac
}

# share WHAT GOT OF PERCENT
share() {
	awk -v what="$1" -v got="$2" -v n="$3" -v p="$4" 'BEGIN {
		mean = n * p / 100
		off = got > mean ? got - mean : mean - got
		five = 5 * sqrt(mean * (1 - p / 100))
		printf "%s: %d of %d, %.1f +- %.1f expected\n",
		    what, got, n, mean, five
		exit off > five
	}' || fail "$1: $2 of $3 is not $4 %"
}

# between WHAT LEAST VALUE MOST, of which any may have a fraction.
between() {
	awk -v a="$2" -v v="$3" -v b="$4" 'BEGIN { exit !(a <= v && v <= b) }' ||
		fail "$1: $3 is not between $2 and $4"
}

stack_up configs/tap.json
pings 2 192.0.2.2

# ---- What is wrong is said, and changes nothing

refused 'no link "tap1"; there are tap0' \
	"$strata" impair tap tap1 loss=1
refused 'loss: 101 is above 100, all frames' \
	"$strata" impair tap tap0 tx delay_ms=5 loss=101
refused 'did you mean "loss"?' "$strata" impair tap tap0 tx los=1
refused 'delay_ms: must be a number, not a string' \
	"$strata" impair tap tap0 tx delay_ms=5ms
refused 'uniform, normal, pareto' \
	"$strata" impair tap tap0 tx distribution=gauss
refused 'usage' "$strata" impair tap tap0 tx
refused 'usage' "$strata" impair tap tap0 off loss=1
run "$strata" impair tap tap0 show --json
expect 'loss and delay' \
	"$(jq -c '[.rx, .tx | .loss, .delay_ms]' <<<"$out")" = '[0,0,0,0]'

# ---- Shares, each way

for way in rx tx; do
	bad $way loss=20 seed=$RANDOM
	echo_all -c $count -i 500
	share "$way lost" "$(value lost)" $count 20
	expect doubled "$(value doubled)" -eq 0
	expect reordered "$(value reordered)" -eq 0

	bad $way duplicate=10
	echo_all -c $count -i 500
	share "$way doubled" "$(value doubled)" $count 10
	expect lost "$(value lost)" -eq 0

	# One that is held back for 2 ms is passed by those that follow.
	bad $way reorder=10
	echo_all -c $count -i 500
	share "$way reordered" "$(counter impair_${way}_reordered)" $count 10
	expect "seen as reordered" "$(value reordered)" -gt $((count / 20))
	expect lost "$(value lost)" -eq 0

	# ipd drops what is damaged; the kernel shows it to a raw socket.
	# (A turned bit may be one that nobody looks at: of the TTL, say.)
	before=$(counter impair_${way}_corrupted)
	bad $way corrupt=10
	echo_all -c $count -i 500 -s 1000
	spoilt=$(($(counter impair_${way}_corrupted) - before))
	share "$way corrupted" $spoilt $count 10
	expect 'not back whole' "$(value lost)" -le $spoilt
	expect 'not back whole' "$(value lost)" -ge $((spoilt - 10))
	[ $way = tx ] || expect 'damaged' "$(value corrupt)" -eq 0
done

# ---- Delay: the same each time, or spread
#
# A busy machine makes a frame later, never earlier.  So no frame and no part of
# them may ever be early, and of a few tries one has to be in time.

tries=6
early() { # QUANTILE LEAST
	between "$1, never early" "$2" "$(value "$1_us")" 1000000
}
in_time() { # QUANTILE MOST
	awk -v v="$(value "$1_us")" -v most="$2" 'BEGIN { exit v > most }' ||
		late="$1 is $(value "$1_us") us, above $2"
}

bad rx delay_ms=15
run "$strata" impair tap tap0 tx delay_ms=15
for ((try = 1; try <= tries; try++)); do
	late=
	echo_all -c 200 -i 5000
	expect lost "$(value lost)" -eq 0
	early min 30000
	in_time p10 $((30000 + 1000 * slow))
	in_time p50 $((30000 + 2000 * slow))
	[ "$late" ] || break
	say "try $try: $late"
done
expect '30 ms, late in all tries' "$late" = ''

# 20 to 40 ms, each as likely as the other: so much of it is below each of these
# quantiles, give or take three standard deviations.  Same seed, same delays.
bad tx delay_ms=30 jitter_ms=10 seed=1
count=500
for ((try = 1; try <= tries; try++)); do
	late=
	echo_all -c $count -i 22000
	expect reordered "$(value reordered)" -eq 0
	early min 20000
	early p99 39000
	for q in 10 50 90; do
		off=$(awk -v q=$q -v n=$count \
			'BEGIN { q /= 100; print 6e4 * sqrt(q * (1 - q) / n) }')
		off=${off%.*}
		early p$q $((20000 + 200 * q - off))
		in_time p$q $((20000 + 200 * q + off + 1000 * slow))
	done
	[ "$late" ] || break
	say "try $try: $late"
done
expect '20 to 40 ms, late in all tries' "$late" = ''

# ---- Rate: 8 Mbit/s are a megabyte a second, headers counted; and frames are
# those of a wire: both ends use super-frames here.

head -c 3000000 /dev/urandom >"$work/in"
tcp_echo_up 7
there_and_back() {
	local from=$EPOCHREALTIME
	timeout 60 "$tcp_peer" 192.0.2.2 7 <"$work/in" >"$work/back" \
		2>"$work/said" || fail "tcp_peer: $(cat "$work/said")"
	took=$(bc_ms "$from" "$EPOCHREALTIME")
	expect MD5 "$(md5sum <"$work/back")" = "$(md5sum <"$work/in")"
	say "3,000,000 bytes there and back in $took s"
}
for way in rx tx; do
	bad $way rate_mbit=8
	there_and_back
	between "seconds, $way" 3.0 "$took" 4.5
done

# Everything at once: TCP mends it, and its checksums let nothing through.
bad rx loss=1 duplicate=1 reorder=1 corrupt=1 delay_ms=2 jitter_ms=1
run "$strata" impair tap tap0 tx loss=1 duplicate=1 reorder=1 corrupt=1 \
	delay_ms=2 jitter_ms=1 distribution=pareto
there_and_back
run "$strata" impair tap tap0 off
kill $echo_pid

# ---- linkd dies while frames are on the wire: they come when they are due

run "$strata" impair tap tap0 rx delay_ms=300
run "$strata" impair tap tap0 tx delay_ms=300
"$pinger" -c 3000 -i 1000 192.0.2.2 >"$work/pinger" &
pinger_pid=$!
for _ in 1 2 3 4 5; do
	sleep 0.5
	kill_daemon linkd
done
wait $pinger_pid
out=$(cat "$work/pinger")
say "$out"
# What had just gone when linkd died may go once more.
expect lost "$(value lost)" -eq 0
expect doubled "$(value doubled)" -le 200
# Each way a frame may come in a turn whose clock was read before it came.
between 'least' 599000 "$(value min_us)" $((600000 + 10000 * slow))
between 'median' 600000 "$(value p50_us)" $((600000 + 10000 * slow))
expect 'restarts of linkd' "$(daemon restarts linkd)" -eq 5
run "$strata" impair tap tap0 show --json
expect 'still set' "$(jq .tx.delay_ms <<<"$out")" -eq 300

# ---- A supervisor that dies, too, forgets nothing; and off is off at once

kill -9 "$(status_of .supervisor_pid)"
until_true 5 "$strata" status tap
run "$strata" impair tap tap0 show --json
expect 'still set' "$(jq .rx.delay_ms <<<"$out")" -eq 300
run "$strata" impair tap tap0 off
echo_all -c 100 -i 1000
between 'median' 0 "$(value p50_us)" $((10000 * slow))
slots_at_home
stack_down

# ---- From the topology

jq '.links[0].impair = { tx: { loss: 100 } }' configs/tap.json \
	>"$work/topology.json"
stack_up "$work/topology.json"
echo_all -c 20 -i 1000
expect back "$(value back)" -eq 0
run "$strata" impair tap tap0 tx loss=0
until_true 5 ping -q -c 1 -W 1 192.0.2.2 || fail 'it stays bad'
stack_down

# ---- What befalls one link is not counted of the other, and sums up

stack_up configs/two-links.json
far=; ns_new far
ip link set right netns "$far"
ip -n "$far" addr add 198.51.100.1/24 dev right
ip -n "$far" link set right up
pings 2 192.0.2.2
until_true 5 ip netns exec "$far" ping -q -c 1 -W 1 198.51.100.2

# all: of each link a line LINK WAY WHAT COUNT, in $all.
all() {
	run "$strata" impair two-links --json
	all=$(jq -r '.links[] | .link as $l | .counted | to_entries[] |
		.key as $w | .value | to_entries[] |
		"\($l) \($w) \(.key) \(.value)"' <<<"$out")
}
# of LINK WAY WHAT
of() {
	awk -v key="$*" '$1 " " $2 " " $3 == key { print $4 }' <<<"$all"
}

all
expect 'counts of good wires' "$(awk '{ n += $4 } END { print n }' <<<"$all")" \
	-eq 0
run "$strata" impair two-links left tx loss=30 seed=$RANDOM
run "$strata" impair two-links right tx duplicate=100
sleep 0.05
both() { # COUNT: pings of both, at a time.
	ip netns exec "$far" "$pinger" -c "$1" -i 1000 198.51.100.2 \
		>"$work/far" &
	local of_far=$!
	echo_all -c "$1" -i 1000
	wait $of_far || fail "far: $(cat "$work/far")"
}
counts_agree() {
	all
	for way in rx tx; do
		for what in lost no_queue no_room passed doubled reordered \
			corrupted; do
			differs="left and right, $way $what"
			[ $(($(of left $way $what) + $(of right $way $what))) \
				-eq "$(counter impair_${way}_$what)" ] || return
		done
	done
}
# Between one look and the other linkd may have sent something of its own.
as_counted() {
	until_true 3 counts_agree || fail "$differs"
}
both 1000
missed=$(value lost)
as_counted
expect 'left: lost' "$(of left tx lost)" -ge "$missed"
expect 'left: doubled' "$(of left tx doubled)" -eq 0
expect 'right: lost' "$(of right tx lost)" -eq 0
expect 'right: passed' "$(of right tx passed)" -ge 1000
expect 'right: doubled' "$(of right tx doubled)" -eq "$(of right tx passed)"
for link in left right; do
	expect "$link: rx" "$(of $link rx passed)" -eq 0
done

# Nor does linkd forget or invent any when it is killed in the midst of it.
lost=$(of left tx lost)
{
	for _ in 1 2 3 4 5 6 7 8; do
		sleep 0.2
		kill_daemon linkd
	done
} &
killer=$!
both 2000
wait $killer
until_true 5 ping -q -c 1 -W 1 192.0.2.2 || fail 'linkd is not back'
as_counted
share 'left, lost over deaths' $(($(of left tx lost) - lost)) 2000 30
expect 'right: doubled' "$(of right tx doubled)" -eq "$(of right tx passed)"
expect 'right: passed' "$(of right tx passed)" -ge 3000
expect 'restarts of linkd' "$(daemon restarts linkd)" -eq 8

# Off, it stays; and everybody tells the same.
run "$strata" impair two-links left off
run "$strata" impair two-links right off
as_counted
run "$strata" metrics two-links
expect 'metrics' "$(awk -v key='{link="left",direction="tx",event="lost"}' \
	'$1 == "strata_link_impaired_frames_total" key { print $2 }' \
	<<<"$out")" -eq "$(of left tx lost)"
expect 'status' "$(status_of \
	'.links[] | select(.name == "right").impaired.tx.doubled')" -eq \
	"$(of right tx doubled)"
run "$strata" impair two-links left
expect 'shown' "$(awk '$1 == "lost" { print $3 }' <<<"$out")" -eq \
	"$(of left tx lost)"
refused 'no link "two-links"; there are left right' \
	"$strata" impair two-links off
stack_down
