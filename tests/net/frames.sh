#!/bin/bash
# frames.sh - frames and packets that are not for everybody
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2   udp_echo 7
. "$(dirname "$0")/lib.sh"

stack_up configs/tap.json
echo_up 7
pings 1 192.0.2.2
alive() {
	pings 5 -i 0.002 192.0.2.2
	pings 5 -i 0.002 -6 2001:db8::2
	run "$udp_tester" -c 20 192.0.2.2 7
}

# ---- VLAN: counted, dropped

# An echo request in VLAN 5, as an 802.1Q bridge would send it.
before=$(counter rx_vlan)
for _ in 1 2 3; do
	run "$BUILD/tests/net/frame" tap0 020000000002 02000000000a 8100 0005 \
		0800 4500001c 00000000 4001f6da c0000201 c0000202 0800f7ff 00000000
done
expect 'frames with a tag' "$(counter rx_vlan)" -eq $((before + 3))
alive

# ---- TCP to a stack without listeners: a reset

for address in 192.0.2.2 2001:db8::2; do
	refused 'Connection refused' timeout 2 \
		bash -c "exec 3<>/dev/tcp/$address/80"
done

# ---- Broadcast and multicast

ping -q -b -c 2 -i 0.2 -W 1 192.0.2.255 >"$work/broadcast" 2>&1
ping -q -c 2 -i 0.2 -W 1 224.0.0.1%tap0 >"$work/multicast" 2>&1
# RFC 4443, 4.2: an echo request to a group is answered.
run ping -6 -c 1 -W 2 ff02::1%tap0
run ping -6 -c 1 -W 2 "$(status_of '.addresses[] |
	select(.address | startswith("fe80")) | .address')%tap0"
alive

# A port where nobody is, of a group: never an error (RFC 1122, 3.2.2).
before=$(counter tx_icmp_errors)
for to in 192.0.2.255 224.0.0.1 ff02::1%tap0; do
	timeout 2 bash -c "echo x >/dev/udp/$to/9" 2>/dev/null
done
expect 'errors sent' "$(counter tx_icmp_errors)" -eq "$before"
alive

# ---- Anything at all

for seed in 1 2 3 4; do
	run "$BUILD/tests/net/garbage" tap0 $seed 5000
	sleep 0.2 # the queue of the TAP may be full to the brim
	alive
done
say "$(status_of '[.drops[] | to_entries[] | select(.value > 0) |
	"\(.key)=\(.value)"] | join(" ")')"
expect 'restarts' "$(status_of '[.daemons[].restarts] | add')" -eq 0
slots_at_home
