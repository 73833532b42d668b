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
    "usage: strata ss [NAME] [-tulaniopH46] [--json]\n"
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
    "  -p, --processes  whose it is\n"
    "  -H, --no-header  without the line of headings\n"
    "  --json           all of it, for programs\n";

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
	case 'p':
		return o->processes = true;
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

bool ss_wanted(const struct ss_options *o, const struct ask_socket *k)
{
	bool listens = k->state == SOCKET_LISTEN || k->state == SOCKET_CLOSE;
	bool passing =
	    k->state == SOCKET_SYN_RECV || k->state == SOCKET_TIME_WAIT;

	if ((o->tcp || o->udp) && !(o->tcp && k->proto == IPPROTO_TCP) &&
	    !(o->udp && k->proto == IPPROTO_UDP))
		return false;
	if ((o->v4 || o->v6) && !(k->family == AF_INET ? o->v4 : o->v6))
		return false;
	if (o->all)
		return true;
	return o->listening ? listens : !listens && !passing;
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

static int show(const struct ss_options *o, const struct answer *a, json_t *all)
{
	struct ask_socket k;

	if (all == NULL && !o->no_header)
		ss_print_header(stdout, o);
	for (size_t at = 0; at < a->len; at += k.bytes) {
		int r = ss_read(&k, a->records + at, a->len - at);

		if (r < 0)
			return r;
		if (!ss_wanted(o, &k))
			continue;
		if (all != NULL)
			json_array_append_new(all, ss_json(&a->file, &k));
		else
			ss_print(stdout, o, &a->file, &k);
	}
	return 0;
}

static int run(const char *stack, const struct ss_options *o, bool as_json)
{
	const struct ask q = { .op = ASK_SOCKETS };
	json_t *all = as_json ? json_array() : NULL;
	char text[ASK_ERROR_LEN];
	struct answer a;
	int r = ask_daemon(stack, &q, &a);

	if (r == 0) {
		r = show(o, &a, all);
		answer_free(&a);
	}
	if (r < 0)
		fprintf(stderr, "strata: %s: %s\n", stack, ask_error(r, text));
	else if (as_json)
		print_json(all);
	json_decref(all);
	return r < 0 ? STATUS_FAILED : 0;
}

int command_ss(int argc, char **argv)
{
	struct ss_options o = { .tcp = false };
	bool as_json = false;
	const char *stack;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(
		    argc, argv, "tula46niopH", long_options, NULL)) != -1) {
		if (c == 'j')
			as_json = true;
		else if (!set_option(&o, c))
			return usage_wrong(help);
	}
	if (argc - optind > 1)
		return usage_wrong(help);
	stack = which_stack(argv[optind]);
	return stack == NULL ? STATUS_FAILED : run(stack, &o, as_json);
}
