/*
 * ss.c - strata ss: sockets and connections, as ss(8) shows the kernel's
 */
#include "api/command/ss.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>

#include "api/command/ask_daemon.h"
#include "api/command/command.h"

static const char help[] =
    "usage: strata ss [NAME] [-tulaniompsH46] [--json] [FILTER]\n"
    "\n"
    "Sockets of the stack NAME, as ss(8) shows those of the kernel.\n"
    "\n"
    "  -t, --tcp        TCP only\n"
    "  -u, --udp        UDP only\n"
    "  -l, --listening  only those that listen (UDP: not connected)\n"
    "  -a, --all        those too, and SYN-RECV and TIME-WAIT\n"
    "  -4, --ipv4       IPv4 only\n"
    "  -6, --ipv6       IPv6 only\n"
    "  -n, --numeric    ports as numbers\n"
    "  -i, --info       RTT, windows, rates, options of connections\n"
    "  -o, --options    timers\n"
    "  -m, --memory     bytes in the queues, and how many may be\n"
    "  -p, --processes  whose it is\n"
    "  -s, --summary    only how many there are\n"
    "  -H, --no-header  without the line of headings\n"
    "  --json           all of it, for programs\n"
    "\n"
    "FILTER: [state STATE] [EXPRESSION], of dst|src ADDRESS[/LENGTH][:PORT],\n"
    "dport|sport =|!=|<|>|... :PORT, joined by and, or, not, \\( and \\).\n";

static const struct option long_options[] = {
	{ "tcp", no_argument, NULL, 't' },
	{ "udp", no_argument, NULL, 'u' },
	{ "listening", no_argument, NULL, 'l' },
	{ "all", no_argument, NULL, 'a' },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "numeric", no_argument, NULL, 'n' },
	{ "info", no_argument, NULL, 'i' },
	{ "options", no_argument, NULL, 'o' },
	{ "memory", no_argument, NULL, 'm' },
	{ "summary", no_argument, NULL, 's' },
	{ "processes", no_argument, NULL, 'p' },
	{ "no-header", no_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

static bool set_option(struct ss_options *o, int c)
{
	switch (c) {
	case 't':
		return o->tcp = true;
	case 'u':
		return o->udp = true;
	case 'l':
		return o->listening = true;
	case 'a':
		return o->all = true;
	case '4':
		return o->v4 = true;
	case '6':
		return o->v6 = true;
	case 'n':
		return o->numeric = true;
	case 'i':
		return o->info = true;
	case 'o':
		return o->timers = true;
	case 'm':
		return o->memory = true;
	case 'p':
		return o->processes = true;
	case 's':
		return o->summary = true;
	case 'H':
		return o->no_header = true;
	}
	return false;
}

const char *ss_protocol(const struct ask_socket *k)
{
	switch (k->proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_RAW:
		return "raw";
	default: /* a daemon's word */
		return "icmp";
	}
}

/* By its state: as a filter says, or else the options. */
static bool state_wanted(const struct ss_options *o, uint8_t state)
{
	bool listens = state == SOCKET_LISTEN || state == SOCKET_CLOSE;
	bool passing = state == SOCKET_SYN_RECV || state == SOCKET_TIME_WAIT;

	if (o->filter.states != 0)
		return o->filter.states >> state & 1;
	if (o->all || o->summary)
		return true;
	return o->listening ? listens : !listens && !passing;
}

bool ss_wanted(const struct ss_options *o, const struct ask_socket *k)
{
	if ((o->tcp || o->udp) && !(o->tcp && k->proto == IPPROTO_TCP) &&
	    !(o->udp && k->proto == IPPROTO_UDP))
		return false;
	if ((o->v4 || o->v6) && !(k->family == AF_INET ? o->v4 : o->v6))
		return false;
	return state_wanted(o, k->state) && ss_filter_matches(&o->filter, k);
}

int ss_read(struct ask_socket *ret, const uint8_t *at, size_t len)
{
	uint32_t bytes;

	if (len < ASK_SOCKET_SHORT)
		return -EPROTO;
	memcpy(&bytes, at, sizeof(bytes));
	if (bytes > len || (bytes != ASK_SOCKET_SHORT && bytes != sizeof(*ret)))
		return -EPROTO;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, at, bytes);
	if (ret->state >= SOCKET_NSTATES || ret->timer >= ASK_NTIMERS ||
	    (ret->app >= APP_MAX && ret->app != ASK_NO_APP))
		return -EPROTO;
	ret->congestion[sizeof(ret->congestion) - 1] = '\0';
	return 0;
}

/* What comes of a list: lines, or one of the others. */
struct shown {
	json_t *all;
	struct ss_sum sum;
};

static void show_one(struct shown *s, const struct ss_options *o,
    const struct answer *a, const struct ask_socket *k)
{
	if (o->summary)
		ss_sum_add(&s->sum, k);
	else if (s->all != NULL)
		json_array_append_new(s->all, ss_json(&a->file, k));
	else
		ss_print(stdout, o, &a->file, k);
}

static int show(
    struct shown *s, const struct ss_options *o, const struct answer *a)
{
	struct ask_socket k;

	if (s->all == NULL && !o->no_header && !o->summary)
		ss_print_header(stdout, o);
	for (size_t at = 0; at < a->len; at += k.bytes) {
		int r = ss_read(&k, a->records + at, a->len - at);

		if (r < 0)
			return r;
		if (ss_wanted(o, &k))
			show_one(s, o, a, &k);
	}
	return 0;
}

static void show_end(struct shown *s, const struct ss_options *o, bool as_json)
{
	if (o->summary && as_json) {
		json_decref(s->all);
		s->all = ss_sum_json(&s->sum);
	}
	if (as_json)
		print_json(s->all);
	else if (o->summary)
		ss_sum_print(stdout, &s->sum);
}

static int run(const char *stack, const struct ss_options *o, bool as_json)
{
	const struct ask q = { .op = ASK_SOCKETS };
	struct shown s = { .all = as_json ? json_array() : NULL };
	char text[ASK_ERROR_LEN];
	struct answer a;
	int r = ask_daemon(stack, &q, &a);

	if (r == 0) {
		r = show(&s, o, &a);
		answer_free(&a);
	}
	if (r < 0)
		fprintf(stderr, "strata: %s: %s\n", stack, ask_error(r, text));
	else
		show_end(&s, o, as_json);
	json_decref(s.all);
	return r < 0 ? STATUS_FAILED : 0;
}

int command_ss(int argc, char **argv)
{
	static struct ss_options o;
	char wrong[SS_FILTER_WRONG];
	const char *stack = NULL;
	bool as_json = false;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(
		    argc, argv, "tula46niompsH", long_options, NULL)) != -1) {
		if (c == 'j')
			as_json = true;
		else if (!set_option(&o, c))
			return usage_wrong(help);
	}
	if (optind < argc && !ss_filter_begins(argv[optind]))
		stack = argv[optind++];
	if (!ss_filter_parse(&o.filter, argv + optind, argc - optind, wrong)) {
		fprintf(stderr, "strata ss: what is \"%s\"?\n", wrong);
		return usage_wrong(help);
	}
	stack = which_stack(stack);
	return stack == NULL ? STATUS_FAILED : run(stack, &o, as_json);
}
