#!/bin/bash
# groups.sh - multicast and broadcast, sent and received by programs
#
#	this namespace                  configs/tap.json
#	192.0.2.1 -------- tap0 ------- 192.0.2.2
#	python3's sockets               group_echo
. "$(dirname "$0")/lib.sh"

group_echo=$BUILD/tests/net/group_echo
stack_up configs/tap.json

# kernel_ask ADDRESS PORT TEXT: out of tap0, and print the answer.
kernel_ask() {
	timeout 5 python3 - "$@" <<'PY'
import socket, sys
to, port, text = sys.argv[1], int(sys.argv[2]), sys.argv[3]
tap = socket.if_nametoindex("tap0")
v6 = ":" in to
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.5)
if v6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, tap)
else:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                 socket.inet_aton("192.0.2.1"))
s.sendto(text.encode(), (to, port))
try:
    print(s.recvfrom(65536)[0].decode())
except TimeoutError:
    print("no answer")
PY
}

# kernel_echo ADDRESS PORT: a member that answers.
kernel_echo() {
	exec python3 - "$@" <<'PY'
import socket, struct, sys
group, port = sys.argv[1], int(sys.argv[2])
tap = socket.if_nametoindex("tap0")
v6 = ":" in group
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("::" if v6 else "", port))
if v6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, group) +
                 struct.pack("@I", tap))
elif int(group.split(".")[0]) in range(224, 240):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton(group) + socket.inet_aton("192.0.2.1"))
print("joined", flush=True)
while True:
    text, who = s.recvfrom(65536)
    s.sendto(text, who)
PY
}

# ---- The kernel sends, we are members

expect 'without a member' "$(kernel_ask 233.252.0.1 7000 a)" = 'no answer'
port=7000
for group in 233.252.0.1 ff15::db8:1 192.0.2.255; do
	port=$((port + 1))
	"$group_echo" $group $port >"$work/member" 2>&1 &
	member=$!
	until_true 3 grep -q joined "$work/member" ||
		fail "$(cat "$work/member")"
	out=$(kernel_ask $group $port "to $group")
	say "$out"
	expect 'the answer' "$out" = "to $group"
	kill $member
	wait $member 2>/dev/null
	: >"$work/member"
	expect 'after it left' "$(kernel_ask $group $port a)" = 'no answer'
done

# ---- We send, the kernel is a member

for group in 233.252.0.2 ff15::db8:2 192.0.2.255 255.255.255.255; do
	port=$((port + 1))
	kernel_echo $group $port >"$work/member" 2>&1 &
	member=$!
	until_true 3 grep -q joined "$work/member" ||
		fail "$(cat "$work/member")"
	run "$group_echo" $group $port "to $group"
	say "$out"
	expect 'the answer' "$out" = "to $group"
	kill $member
	wait $member 2>/dev/null
	: >"$work/member"
done
slots_at_home
