#!/bin/bash
# super.sh - the kernel's TCP through us, on devices that cut and join and others
#
#	this namespace          configs/two-links.json         far
#	nc, 192.0.2.1 ---- left ---- forwards ---- right ---- 198.51.100.1, nc
#	2001:db8:a::1                                         2001:db8:b::1
#
# A device with offload takes and gives super-frames; for one without linkd cuts
# and joins, and the kernel on the other side verifies each checksum.
. "$(dirname "$0")/lib.sh"

bytes=${BYTES:-20000000}
head -c "$bytes" /dev/urandom >"$work/in"
sum=$(md5sum <"$work/in")

# stream NAMESPACE_OF_SENDER NAMESPACE_OF_RECEIVER ADDRESS
stream() {
	ip netns exec "$2" timeout 60 nc -l -N "$3" 7007 </dev/null \
		>"$work/out" &
	local nc=$!
	until_true 3 listens "$2"
	ip netns exec "$1" timeout 60 nc -N "$3" 7007 <"$work/in" ||
		fail "nc to $3: status $?"
	wait $nc
	expect "MD5 at $3" "$(md5sum <"$work/out")" = "$sum"
}
listens() {
	ip netns exec "$1" ss -Hltn 'sport = 7007' | grep -q .
}

# bad_sums NAMESPACE: how many of those that came in.
bad_sums() {
	# shellcheck disable=SC2016 # awk's own variables
	ip netns exec "$1" awk '/^Tcp:/ { n = $15 } END { print n }' \
		/proc/net/snmp
}

# address LINK NAMESPACE 4ADDRESS 6ADDRESS 4GATEWAY 6GATEWAY
address() {
	ip link set "$1" netns "$2"
	ip -n "$2" addr add "$3" dev "$1"
	ip -n "$2" addr add "$4" dev "$1" nodad
	ip -n "$2" link set "$1" up
	ip -n "$2" route add default via "$5"
	ip -n "$2" route add default via "$6"
}

# The right link as a packet socket on a veth's end, where the kernel is mute.
veth() {
	end=other
	run ip link add veth type veth peer name other
	run ip link set veth up
	jq '.links[1] |= (del(.host) | .device = "packet" | .interface = "veth")' \
		"$work/links.json" >"$work/veth.json"
	mv "$work/veth.json" "$work/links.json"
}

for how in 'true true' 'true false' 'false true' 'false false' \
	'true true packet' 'true false packet'; do
	read -r left right device <<<"$how"
	near=
	far=
	ns_new near
	ns_new far
	jq ".links[0].offload = $left | .links[1].offload = $right" \
		configs/two-links.json >"$work/links.json"
	end=right
	[ "$device" = '' ] || veth
	stack_up "$work/links.json"
	expect 'frames that a TAP holds' "$(device left txqlen)" -eq 4096
	address left "$near" 192.0.2.1/24 2001:db8:a::1/64 192.0.2.2 \
		2001:db8:a::2
	address $end "$far" 198.51.100.1/24 2001:db8:b::1/64 198.51.100.2 \
		2001:db8:b::2
	for ns in "$near" "$far"; do
		ip netns exec "$ns" sysctl -q net.ipv4.tcp_ecn=1
	done

	stream "$near" "$far" 198.51.100.1
	stream "$far" "$near" 192.0.2.1
	stream "$near" "$far" 2001:db8:b::1
	stream "$far" "$near" 2001:db8:a::1

	frames=$(counter tx_frames)
	say "offload: $how; $frames frames for $((4 * bytes)) bytes," \
		"$(counter rx_merged) joined here"
	expect 'bad checksums near' "$(bad_sums "$near")" -eq 0
	expect 'bad checksums far' "$(bad_sums "$far")" -eq 0
	[ "$right" = false ] || [ "$left" = false ] ||
		expect 'super-frames' $((4 * bytes / frames)) -gt 4000
	# What comes through a veth has not been cut yet.
	if [ "$right$device" = false ] || [ "$left" != true ]; then
		expect 'joined here' "$(counter rx_merged)" -gt 0
	fi
	for drop in tx_error tx_bad_offload tx_over_mtu rx_bad_offload; do
		expect $drop "$(counter $drop)" -eq 0
	done
	slots_at_home
	stack_down
	[ "$device" = '' ] || run ip link del veth
	ip netns del "$near"
	ip netns del "$far"
	namespaces=()
done
nothing_left
