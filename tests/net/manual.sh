#!/bin/bash
# manual.sh - the command, its --help, its manual and its completion agree
#
# No stack runs here until the end.  What `strata --help` lists is what there is: for each of
# these, --help has one form and fits a screen, its page tells of the same
# options, bash completes them, the program takes them and no others, and its
# exit status is 2 for wrong usage, 1 for what can't be done.
. "$(dirname "$0")/lib.sh"

man=api/man
letters=$(echo {a..z} {A..Z} {0..9})

# The whole of it, in $out; its status in $status.
try() {
	out=$(timeout 10 "$strata" "$@" 2>&1 </dev/null)
	status=$?
}

# Options of lines like "  -l, --listen PORT  what it does", sorted.
described() {
	sed -n 's/^ *\(-.*\)/\1/p' | sed 's/  .*//' | tr -s ', ' '\n' |
		grep '^-.' | sort -u
}

# Those of "usage: strata X [-46v] [-w SECONDS] [--json]", one by one.
in_usage() {
	sed '/^$/q' | grep -oE '(^|[][ |])--?[A-Za-z0-9][A-Za-z0-9-]*' |
		sed 's/^[^-]//' | split_letters
}

# -46v is -4, -6 and -v.
split_letters() {
	local o i
	while read -r o; do
		case $o in
		--*) echo "$o" ;;
		*) for ((i = 1; i < ${#o}; i++)); do
			printf -- '-%s\n' "${o:i:1}"
		done ;;
		esac
	done | sort -u
}

# What follows each Fl macro of a page.
in_page() {
	awk '/^\./ {
		on = 0
		for (i = 1; i <= NF; i++)
			if ($i ~ /^\.?[A-Z][a-z]$/)
				on = $i ~ /Fl/
			else if (on && $i ~ /^[-A-Za-z0-9]/)
				print "-" $i
	}' "$1" | split_letters
}

# section NAME PAGE: its lines.
section() {
	sed -n "/^\\.Sh $1\$/,/^\\.Sh/p" "$2" | sed 1d
}

# same WHAT A B: lists, of a word a line.
same() {
	[ "$2" = "$3" ] || fail "$1:"$'\n'"$(diff <(echo "$2") <(echo "$3"))"
}

# The first list has nothing that the second has not.
within() {
	local more
	more=$(comm -23 <(echo "$2") <(echo "$3"))
	[ -z "$more" ] || fail "$1: $more"
}

fits() {
	expect "lines of $1" "$(wc -l <<<"$out")" -le 24
	expect "columns of $1" "$(wc -L <<<"$out")" -le 80
}

# . completion.bash and press TAB behind these words.
complete_words() {
	COMP_WORDS=("$strata" "$@")
	COMP_CWORD=$#
	_strata
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}
# shellcheck source=api/command/completion.bash
. api/command/completion.bash

# ---- The command as a whole

try --help
expect 'status of --help' $status -eq 0
fits --help
all=$(awk '/^  [a-z]/ { print $1 }' <<<"$out")
expect 'subcommands' "$(wc -w <<<"$all")" -ge 19
sorted=$(sort -u <<<"$all")
same 'completion of subcommands' \
	"$(complete_words '' | grep -v '^-')" "$sorted"
same 'pages' "$(basename -s .1 $man/strata-*.1 | sed 's/strata-//' | sort)" \
	"$sorted"
same 'lines of strata(1)' \
	"$(sed -n 's/^\.It Xr strata-\([a-z]*\) 1.*/\1/p' $man/strata.1 |
	sort)" "$sorted"
version=$(sed -n 's/#define STRATA_VERSION "\(.*\)"/\1/p' api/strata.h)
for word in --version -V; do
	run "$strata" $word
	expect "strata $word" "$out" = "strata $version"
done
try
expect 'status without a word' $status -eq 2
try nosuch
expect 'status of strata nosuch' $status -eq 2
[[ $out == *'"nosuch"'*--help* ]] || fail "$out"
say "$(wc -w <<<"$all") subcommands are known to all"

# ---- Each of them

# takes X OPTION: did getopt (or who stands in for it) know this option?
takes() {
	try "$1" "$2"
	case $out in
	*'invalid option'* | *'unrecognized option'* | *'what is "-'*)
		expect "status of $1 $2" $status -eq 2
		return 1
		;;
	esac
}

one() {
	local page=$man/strata-$1.1 options usage

	try "$1" --help
	expect "status of $1 --help" $status -eq 0
	fits "$1 --help"
	[[ $out == "usage: strata $1"[\ $'\n']*$'\n\n'[A-Z]* ]] ||
		fail "the form of $1 --help: $out"
	options=$(described <<<"$out")
	usage=$(in_usage <<<"$out")
	within "$1 --help uses, and does not describe" "$usage" "$options"
	[ -z "$("$strata" "$1" --help 2>&1 >/dev/null)" ] ||
		fail "$1 --help writes to standard error"

	# Some share a page: links to it.
	page=$man/$(basename "$(realpath "$page")")
	within "options of $1 that $page lacks" "$options" "$(in_page "$page")"
	within "in the usage of $1, not in the synopsis of $page" "$usage" \
		"$(in_page <(section SYNOPSIS "$page"))"
	told["$page"]+=" $options"
	grep -qE "^\.Nm strata $1( ,)?$" "$page" || fail "$page is not of $1"

	same "completion of strata $1 -" \
		"$(complete_words "$1" - | grep -vx -- --help)" "$options"
	for o in $options; do
		takes "$1" "$o" || fail "$1 does not know its $o"
	done
	# Of a long one (a letter is whole) getopt takes the beginning, too.
	for o in $letters $long; do
		if takes "$1" "-$o" && ! grep -q -- "^-$o" <<<"$options"; then
			fail "$1 takes -$o, which is told nowhere"
		fi
	done

	# Wrong usage: all of it on standard error, the synopsis at the end.
	try "$1" --nonsense
	expect "status of $1 --nonsense" $status -eq 2
	[[ $out == *"usage: strata $1"* ]] || fail "$1 --nonsense: $out"
	fits "$1 --nonsense"
	[ -z "$("$strata" "$1" --nonsense 2>/dev/null)" ] ||
		fail "$1 --nonsense writes to standard output"
}

# All that anybody has, to be tried with everybody; -$o is then --json.
long=$(for sub in $all; do "$strata" "$sub" --help; done | described |
	sed -n 's/^-\(-.*\)/\1/p' | sort -u)
expect 'long options' "$(wc -w <<<"$long")" -ge 7
declare -A told
for sub in $all; do
	one "$sub"
done
say 'their options are those of --help, page and completion'

for page in "${!told[@]}"; do
	# shellcheck disable=SC2086 # words
	within "$page tells of options that nobody has" "$(in_page "$page")" \
		"$(printf '%s\n' ${told[$page]} | sort -u)"
	for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' 'SEE ALSO'; do
		grep -qx ".Sh $section" "$page" || fail "$page: no $section"
	done
	# strata web is only ended by a signal.
	out=$(section 'EXIT STATUS' "$page")
	for code in 0 1 2; do
		grep -qE "(^|[ ,])$code( |$)" <<<"$out" ||
			[ "$code$page" = 0$man/strata-web.1 ] ||
			fail "$page does not tell of exit status $code"
	done
	grep -q '^\.Xr strata 1' "$page" || fail "$page knows no strata(1)"
done
# Two of its warnings are wrong: strata-ss is not strata, and read(2) may well
# come before accept(2).
pages=$(find $man -name '*.[1-8]' -type f)
# shellcheck disable=SC2086 # names without spaces
out=$(mandoc -T lint -W warning $pages |
	grep -vE 'reference to self|unusual Xr order')
[ -z "$out" ] || fail "$out"

# As man(1) shows them here, which is not mandoc: its .Nm alone is the first
# word, and a word that is a macro's name is one.
for page in $pages; do
	[[ $page == */strata-*.1 ]] || continue
	sub=${page##*/strata-}
	out=$(rendered "$page" | awk '/^[A-Z]/ { on = /^SYNOPSIS/ } on')
	grep -q "^ *strata ${sub%.1}\>" <<<"$out" || fail "$page: $out"
done
for page in $pages; do
	out=$(groff -mdoc -Tutf8 -ww "$page" 2>&1 >/dev/null)
	[ -z "$out" ] || fail "$page: $out"
done
for page in "$man"/*.[1-8]; do
	while read -r name section; do
		[ -e "$man/$name.$section" ] ||
			grep -qE "^\.Nm $name( ,)?$" "$man"/*."$section" ||
			fail "$page refers to $name($section)"
	done < <(sed -n 's/.*Xr \(lib\)\{0,1\}\(strata[a-z._-]*\) \([1-8]\).*/\1\2 \3/p' "$page")
done
say "pages are whole, and so are their references"

# ---- Exit status

# Too many words, too few, the wrong ones.
while read -r words; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 2
	[[ $out == *"usage: strata ${words%% *}"* ]] || fail "$words: $out"
done <<-'EOT'
	up
	up a.json b.json
	check
	check a.json b.json
	status a b
	top a b
	top -n 0
	top -d x
	web a b
	web --listen
	ss a b
	metrics a b
	metrics --listen
	web a b
	web --listen
	trace
	trace -c 0 a
	trace --at a
	latency a b
	latency -n 0
	latency -d x
	addr a b
	addr a add
	route a b
	route add 192.0.2.0/33
	neigh a b
	neigh a add 192.0.2.1
	restart a b c
	log a b debug c
	capture
	capture -c x a
	capture --at
	dump
	dump -s x a
	impair a tap0 loss
	impair tap0 loss=1 off
	restart
	log ipd
	impair a tap0 off loss=1
	down a b
	ping
	ping -c 0 192.0.2.1
	ping 192.0.2.1 192.0.2.2
	traceroute
	traceroute -m 256 192.0.2.1
	nc
	nc 192.0.2.1
	nc -k 192.0.2.1 80
	fetch
	fetch https://192.0.2.1/
	fetch -r x http://192.0.2.1/
EOT

# What was wrong is named, with what would have been right.
while IFS='|' read -r words value right; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 2
	[[ $(head -n 1 <<<"$out") == "strata ${words%% *}: "*"$value"*"$right"* ]] ||
		fail "$words: $out"
done <<-'EOT'
	capture -c abc|"abc"|number from 1 to
	capture -s 0|"0"|number from 1 to
	dump -c -1|"-1"|number from 1 to
	trace -c 1x|"1x"|number from 1 to
	latency -d 0|"0"|seconds from 0.01 to 86400
	latency -d nan|"nan"|seconds
	latency -n 0|"0"|number from 1 to
	top -d 0|"0"|seconds from 0.05 to 3600
	top -n x|"x"|number from 1 to
	ping -i -1 h|"-1"|seconds from 0 to
	ping -c 99999999999999999999 h|"99999999999999999999"|number from 1 to
	traceroute -N 65 h|"65"|number from 1 to 64
	traceroute -f 5 -m 3 h|5 (-f)|3 (-m)
	ping -w 0 h|"0"|seconds
	nc -p 65536 h 1|"65536"|number from 1 to 65535
	nc -s left h 1|"left"|address
	nc -z -u h 1|-z|TCP
	nc -z -l 1|-z|-l
	nc -k h 1|-k|-l
	nc -w 0 h 1|"0"|seconds from 0.001 to
	fetch -r x http://h/|"x"|FROM-TO
	fetch https://h/|"https://h/"|TLS
	fetch 192.0.2.1:8000/x|"192.0.2.1:8000/x"|http://
EOT

# Nothing is wrong with these but that no stack runs.
while read -r words; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 1
	expect "sentences of strata $words" "$(wc -l <<<"$out")" -eq 1
	[[ $out == strata* ]] || fail "$words: $out"
done <<-'EOT'
	up nosuch.json
	check nosuch.json
	status
	status nosuch
	top nosuch
	web nosuch
	ss nosuch
	metrics nosuch
	web nosuch
	trace nosuch
	latency nosuch
	addr nosuch
	addr nosuch add 192.0.2.1/24
	route nosuch del default
	neigh nosuch del 192.0.2.1
	restart nosuch ipd
	log nosuch ipd debug
	capture -w /dev/null nosuch
	dump nosuch icmp
	impair nosuch tap0 loss=1
	down nosuch
	down
	log ipd debug
	restart ipd
	impair tap0
	dump icmp
	capture -w /dev/null host 192.0.2.1
	trace icmp
	web
	top
	ss
	metrics
	addr
	route
	neigh
	latency
	ping 192.0.2.1
	traceroute 192.0.2.1
	nc 192.0.2.1 80
	nc -l 80
	fetch http://192.0.2.1/
EOT

# Those that are apps of the stack say the same as those that ask it.
for words in status metrics 'ping 192.0.2.1' 'traceroute 192.0.2.1' 'nc -l 80'; do
	# shellcheck disable=SC2086 # words
	refused 'no stack is running; strata up' "$strata" $words
	# shellcheck disable=SC2086 # words
	refused 'no stack "moon" is running' env STRATA=moon "$strata" $words
done

# And this works.  No terminal reads it, so there are no colours.
run "$strata" check configs/tap.json
stack_up configs/tap.json
pings 1 192.0.2.2
until_true 2 eval "$strata neigh tap | grep -q ." || fail 'no neighbour'
ping -q -i 0.1 192.0.2.2 >/dev/null &
pinging=$!
while read -r words; do
	# shellcheck disable=SC2086 # words
	TERM=xterm-256color try $words
	expect "status of strata $words" $status -eq 0
	[ -n "$out" ] || fail "strata $words says nothing"
	[[ $out != *$'\033'* ]] || fail "strata $words has colours"
done <<-'EOT'
	status tap
	status
	ss tap -a
	addr tap
	route tap show
	neigh tap
	metrics tap
	impair tap tap0
	impair tap
	impair tap show
	impair
	latency tap -d 1 -n 1
	top tap --once
	top tap -n 1
	dump tap -v -c 2 icmp
	trace tap -c 1 icmp
	ping -c 1 192.0.2.1
	traceroute 192.0.2.1
EOT
for words in 'log tap ipd info' 'restart tap ipd' 'capture -c 1 -w /dev/null tap'; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 0
done

# Without a name the only one that runs is meant, but where a filter follows.
unset STRATA
while read -r words; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words in $out" $status -eq 0
done <<-'EOT'
	status
	ss -a
	addr -4
	route
	neigh
	metrics
	impair tap0
	impair tap0 rx seed=3
	impair tap0 off
	latency -d 1 -n 1
	top --once
	log ipd info
	restart ipd
	ping -c 1 192.0.2.1
EOT
completes() { # WORD WORDS...: pressing TAB behind these has the first.
	complete_words "${@:2}" | grep -qx -- "$1" ||
		fail "no $1 behind strata ${*:2}: $(complete_words "${@:2}")"
}
for words in 'tap down' 'tap trace' 'tap restart' 'ipd restart' \
	'ipd restart tap' 'debug log ipd' 'debug log tap ipd' 'tap0 impair' \
	'tap0 impair tap' 'loss= impair tap0' 'loss= impair tap tap0' \
	'tap top -d 1' 'add addr' 'add addr tap'; do
	# shellcheck disable=SC2086 # words
	completes $words ''
done
! complete_words ping '' | grep -qx tap || fail 'ping is not told of a stack'
stack_up configs/loopback.json
unset STRATA
for words in status 'down' 'restart ipd' 'log ipd info' \
	'impair tap0' 'web' 'ping 192.0.2.1'; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words with two stacks" $status -eq 1
	[[ $out == *several* ]] || fail "strata $words: $out"
done
STRATA=loopback try down
expect 'status of strata down' $status -eq 0
stacks=(tap)
stack=tap
for sub in capture dump trace; do
	try $sub -c 1 icmp
	expect "status of strata $sub icmp" $status -eq 1
	[[ $out == *'no stack "icmp" is running; NAME comes first' ]] ||
		fail "strata $sub icmp: $out"
done
kill $pinging
say 'a name may be left out'
for words in 'dump --at nosuch tap' 'dump tap no filter'; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 2
done
for words in 'log tap ipd loud' 'restart tap nosuch' 'impair tap tap9 loss=1' \
	'impair tap tap0 loss=101' \
	'nc 192.0.2.1 9' 'fetch http://192.0.2.1:9/'; do
	# shellcheck disable=SC2086 # words
	try $words
	expect "status of strata $words" $status -eq 1
done
stack_down
say 'exit statuses are as documented'
