#!/bin/bash
# broken.sh - topologies with one mistake each: its sentence, and nothing left
#
#	configs/tap.json -> one edit -> strata check, strata up
#
# The sentence is compared whole, with line, column and path.  After each there
# is no process, no TAP and no file.
. "$(dirname "$0")/lib.sh"

file=$work/bad.json
cases=0

# sentence TEXT: what check and up say of $file, after its name.
sentence() {
	local how
	cases=$((cases + 1))
	for how in check up 'up --detach'; do
		# shellcheck disable=SC2086 # two words
		if out=$(timeout 10 "$strata" $how "$file" 2>&1); then
			fail "strata $how took it: $1"
		fi
		expect "strata $how says" "$out" = "strata: $file$1"
	done
	nothing_left
	say "${1#:}"
}

# bad SENTENCE SED-SCRIPT [FILE]: FILE, so edited, is refused with it.
bad() {
	sed -E "$2" "${3:-configs/tap.json}" >"$file"
	! cmp -s "$file" "${3:-configs/tap.json}" || fail "no edit: $2"
	sentence "$1"
}

# ---- JSON

: >"$file"
sentence ":1:1: '[' or '{' expected near end of file"
echo '[]' >"$file"
sentence ':1:1: must be an object, not an array'
printf '\353' >"$file"
sentence ':1:1: unable to decode byte 0xeb'
bad ":3:8: '}' expected near '\"links\"'" 's/("name": "tap"),/\1/'

# ---- Keys and types

bad ':9:4: links[0].mtux: unknown key; did you mean "mtu"?' 's/"mtu"/"mtux"/'
bad ':9:11: links[0].mtu: must be a whole number, not a string' \
	's/1500/"1500"/'
bad ':10:15: links[0].offload: must be true or false, not a number' \
	's/("offload": )true/\11/'
bad ':4:3: links[0]: the key "device" is missing' '/"device"/d'
bad ':4:3: links[0]: the key "interface" is missing' '/"interface"/d' \
	configs/packet.json

# ---- Values

bad ':11:18: links[0].addresses[0]: "192.0.2.2" has no prefix; write it as'\
' "192.0.2.2/24"' 's,192.0.2.2/24,192.0.2.2,'
bad ':11:18: links[0].addresses[0]: a prefix of 33 bits is too long, IPv4'\
' addresses have 32' 's,192.0.2.2/24,192.0.2.2/33,'
bad ':11:18: links[0].addresses[0]: "192.0.2.256" is not an IPv4 or IPv6'\
' address' 's,192.0.2.2/24,192.0.2.256/24,'
bad ':11:18: links[0].addresses[0]: 192.0.2.255/24 is the subnet'\''s'\
' broadcast address' 's,192.0.2.2/24,192.0.2.255/24,'
bad ':11:34: links[0].addresses[1]: 192.0.2.2 is given twice' \
	's,"192.0.2.2/24",&\, &,'
bad ':12:13: links[0].host[0]: 192.0.2.2 is ours already, the host needs'\
' another' 's,192.0.2.1/24,192.0.2.2/24,'
bad ':9:11: links[0].mtu: 67 is below 68, the smallest an IPv4 link may have'\
' (RFC 791)' 's/1500/67/'
bad ':9:11: links[0].mtu: 70000 is above 65521, what fits into a frame of'\
' 65,535 bytes' 's/1500/70000/'
bad ':9:11: links[0].mtu: 1279 is below 1280, the smallest a link with IPv6'\
' may have (RFC 8200)' 's/1500/1279/'
bad ':8:11: links[0].mac: "03:00:00:00:00:02" is the address of a group; its'\
' first byte must be even' 's/02:00:00:00:00:02/03:00:00:00:00:02/'
bad ':6:14: links[0].device: "tab" is not one of tap, packet, loopback, null' \
	's/"device": "tap"/"device": "tab"/'
bad ':2:10: name: "Tap": a name has only a-z, 0-9 and -' \
	's/"name": "tap"/"name": "Tap"/'
bad ':2:41: icmp.burst: 0 is below 1, the smallest allowed' \
	's/"name": "loopback",/& "icmp": { "burst": 0 },/' configs/loopback.json

# ---- Routes

bad ':16:29: routes[0].via: 203.0.113.1 is in no subnet of any link' \
	's/"via": "192.0.2.1"/"via": "203.0.113.1"/'
bad ':21:11: routes[2].to: 203.0.113.7 has bits set beyond its prefix of 24' \
	's,"to": "203.0.113.0/24","to": "203.0.113.7/24",' configs/two-links.json

# ---- The pipeline as a whole

bad ':5:12: links[1].name: another link is named "tap0" too' \
	's/("links": \[)/\1 { "name": "tap0", "device": "null" },/'
bad ':8:17: links[1].interface: links[0] has the interface "tap0" too' \
	's/("links": \[)/\1 { "name": "x", "device": "tap",\n'\
'"interface": "tap0" },/'
bad ':23:13: processes[3].name: another process is named "tcpd" too' \
	's/"name": "udpd"/"name": "tcpd"/'
bad ':20:29: processes[0].cpu: 4096 does not exist, this machine has 0 to'\
" $(($(nproc --all) - 1))" 's/("name": "linkd",)/\1 "cpu": 4096,/'
bad ':21:29: processes[1].layer: "ipf" is not one of linkd, ipd, tcpd, udpd' \
	's/"layer": "ipd"/"layer": "ipf"/'
bad ':12:29: links[1].proc: "ipd" is ipd, but only a linkd can have a link' \
	's/"name": "right"/"name": "right", "proc": "ipd"/' \
	configs/two-links.json
bad ':31:13: rings[5].from: there is no process "udpx"' \
	's/"from": "udpd"/"from": "udpx"/'
bad ':30:3: rings[4]: there is no ring back from "udpd" to "ipd"' \
	'/"from": "udpd"/d; /"from": "ipd", "to": "udpd"/s/,$//'
bad ':23:3: processes[3]: udpd "udpd" has no rings to and from ipd' \
	'/"from": "udpd"|"to": "udpd"/d; s/("from": "tcpd".*),$/\1/'
bad ':31:3: rings[5]: joins udpd with linkd, but a ring has ipd at just one'\
' of its ends' 's/"from": "udpd", "to": "ipd"/"from": "udpd", "to": "linkd"/'
bad ':26:44: rings[0].slots: 1000 is not a power of two' \
	's/("from": "linkd", "to": "ipd")/\1, "slots": 1000/'

# ---- The machine

bad ': link veth1: veth9: No such device; there is no such interface here' \
	's/"interface": "veth1"/"interface": "veth9"/' configs/packet.json
cp configs/packet.json "$file"
sentence ': link veth1: veth1: No such device; there is no such interface here'
file=$work/absent.json
sentence ': cannot be opened: No such file or directory'

# Another process has the TAP; another stack has the name.
file=$work/second.json
if [ -x "$BUILD/linkd" ]; then
	stack_up configs/tap.json
	sed 's/"name": "tap"/"name": "tap-b"/' configs/tap.json >"$file"
	refused 'link tap0: tap0: Device or resource busy; another process has this interface' \
		"$strata" up --detach "$file"
	refused 'another process has this interface' "$strata" check "$file"
	# To check the file of the stack that runs says nothing against it.
	run "$strata" check configs/tap.json
	expect 'lines of good and note' "$(wc -l <<<"$out")" -eq 2
	[[ $out == *': good: '*'note: tap0 is in use by the stack "tap"'* ]] ||
		fail "$out"
	refused 'another process has this interface' \
		"$strata" up --detach configs/tap.json
	sed 's/tap0/tap1/; s/192.0.2/198.51.100/g' configs/tap.json >"$file"
	refused 'a stack "tap" is running already' "$strata" up --detach "$file"
	expect 'the first stack goes on' "$(status_of .name)" = tap
	grep -q 'address valid' /run/strata/tap/log ||
		fail "its log: $(cat /run/strata/tap/log)"
	stack_down
	nothing_left
	cases=$((cases + 2))
fi

say "$cases broken topologies, each with its sentence, and nothing left"
