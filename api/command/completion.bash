# bash completion for strata; sourced, or found by its name when installed

# Where running stacks are found, as shm/rundir.c looks for it.
_strata_run_dir() {
	if [ -n "${STRATA_RUN_DIR:-}" ]; then
		echo "$STRATA_RUN_DIR"
	elif [ "$EUID" -eq 0 ]; then
		echo /run/strata
	elif [ -n "${XDG_RUNTIME_DIR:-}" ]; then
		echo "$XDG_RUNTIME_DIR/strata"
	else
		echo "/tmp/strata-$EUID"
	fi
}

_strata_stacks() {
	local ctl

	for ctl in "$(_strata_run_dir)"/*/ctl; do
		[ -S "$ctl" ] || continue
		ctl=${ctl%/ctl}
		echo "${ctl##*/}"
	done
}

# The first table of `strata status`: a heading, a line for each, a blank one.
_strata_daemons() {
	"$1" status ${2:+"$2"} 2>/dev/null |
		awk '/^DAEMON/ { on = 1; next } on && !NF { exit } on { print $1 }'
}

_strata_links() {
	"$1" status ${2:+"$2"} 2>/dev/null |
		awk '/^LINK/ { on = 1; next } on && !NF { exit } on { print $1 }'
}

# What may stand at place $2 behind the subcommand $1, of the program $3; $4 is
# the first word there.  It may be the name of a stack, or that is left out.
_strata_words() {
	local at=$2 name=

	if [ "$at" -gt 1 ] && [ -S "$(_strata_run_dir)/$4/ctl" ]; then
		name=$4
		at=$((at - 1)) # counted from behind the name
	elif [ "$at" -eq 1 ]; then
		case $1 in
		ping | traceroute | nc | fetch) ;;
		*) _strata_stacks ;;
		esac
	fi
	case $1:$at in
	ss:*)
		[ -n "$name" ] || [ "$2" -eq 1 ] || _strata_stacks
		echo state exclude src dst sport dport and or not all \
			connected synchronized bucket big established \
			syn-sent syn-recv fin-wait-1 fin-wait-2 time-wait \
			closed close-wait last-ack listening closing
		;;
	status:* | top:* | web:* | metrics:* | latency:*)
		[ -n "$name" ] || [ "$2" -eq 1 ] || _strata_stacks ;;
	addr:1) echo show add replace change del ;;
	route:1) echo show add replace change del get ;;
	neigh:1) echo show add replace change del flush ;;
	restart:1 | log:1) _strata_daemons "$3" "$name" ;;
	log:2) echo error warn info debug ;;
	impair:1) _strata_links "$3" "$name" ;;
	impair:*) echo rx tx show off loss= delay_ms= jitter_ms= \
		distribution= rate_mbit= queue_bytes= duplicate= reorder= \
		corrupt= seed= ;;
	esac
}

# Subcommands and options are what --help says; nothing is listed here twice.
_strata_subcommands() {
	"$1" --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
	echo --help --version
}

# "  -l, --listen PORT  what it does" gives -l and --listen.
_strata_options() {
	"$1" "$2" --help 2>/dev/null | awk '/^ +-/ {
		sub(/^ +/, "")
		sub(/  .*/, "")
		n = split($0, word, /[ ,]+/)
		for (i = 1; i <= n; i++)
			if (word[i] ~ /^-./)
				print word[i]
	}'
	echo --help
}

_strata() {
	local strata=${COMP_WORDS[0]}
	local word=${COMP_WORDS[COMP_CWORD]}
	local sub=${COMP_WORDS[1]:-}
	local words

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words=$(_strata_subcommands "$strata")
	elif [[ $word == -* ]]; then
		words=$(_strata_options "$strata" "$sub")
	elif [ "$sub" = up ] || [ "$sub" = check ]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(
			compgen -f -X '!*.json' -- "$word"
			compgen -d -- "$word"
		)
		return
	else
		words=$(_strata_words "$sub" $((COMP_CWORD - 1)) "$strata" \
			"${COMP_WORDS[2]:-}")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _strata strata
