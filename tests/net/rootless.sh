#!/bin/bash
# rootless.sh - an ordinary user, in a user namespace of its own
#
#	unshare -Urn                    configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
. "$(dirname "$0")/lib.sh"

# Drops root first where there is root to drop.
user=()
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
"${user[@]}" unshare -Urn true 2>/dev/null || skip 'no user namespaces here'

# Without udev the device is root's alone.  What we change is seen only here.
if [ ${#user[@]} -gt 0 ] && ! "${user[@]}" test -w /dev/net/tun; then
	mknod -m 666 "$work/tun" c 10 200 &&
		mount --bind "$work/tun" /dev/net/tun
fi
"${user[@]}" test -w /dev/net/tun || skip '/dev/net/tun is not for everyone'

chmod 755 "$work"
run "${user[@]}" unshare -Urn sh -c "
	set -e
	ip link set lo up
	$strata up --detach configs/tap.json
	ping -q -n -c 100 -i 0.002 192.0.2.2
	ping -q -n -c 100 -i 0.002 -6 2001:db8::2
	$examples/udp_echo 7 &
	sleep 0.3
	$udp_tester -c 1000 -w 8 192.0.2.2 7
	kill \$!
	$strata status
	$strata down tap
	! ip -o link show type tun | grep .
	rmdir /tmp/strata-\$(awk '{ print \$2 }' /proc/self/uid_map) || true
"
echo "$out"
expect 'pings without loss' "$(grep -c ' 0% packet loss' <<<"$out")" -eq 2
nothing_left
