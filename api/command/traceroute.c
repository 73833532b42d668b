/*
 * traceroute.c - strata traceroute: who is on the way
 *
 * A packet whose hop limit is used up comes back as an ICMP error of the router
 * that it had reached.  By UDP to ports where nobody is, by echo requests (-I,
 * trace_queue.c), or by SYNs (-T, trace_tcp.c), for which one must be root.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/trace.h"

enum {
	HTTP_PORT = 80,
};

static const char help[] =
    "usage: strata traceroute [-46InT] [-f FIRST] [-m MAX] [-N COUNT] [-p "
    "PORT]\n"
    "                         [-q COUNT] [-w SECONDS] HOST\n"
    "\n"
    "Who is on the way to HOST, found with growing hop limits.\n"
    "\n"
    "  -4, -6      IPv4 only, IPv6 only\n"
    "  -f FIRST    the first hop limit, 1 if not given\n"
    "  -I          by echo requests; else by UDP\n"
    "  -m MAX      the last hop limit, 30 if not given\n"
    "  -N COUNT    so many probes on their way at a time, 16 if not given\n"
    "  -n          does nothing: addresses are never turned into names\n"
    "  -p PORT     33434 and those after it for UDP, 80 for TCP, if not given\n"
    "  -q COUNT    probes for each hop, 3 if not given\n"
    "  -T          by SYNs of TCP; only for root\n"
    "  -w SECONDS  to wait for each answer, 3 if not given\n";

/* ---- For all ways */

bool trace_socket(struct trace *t, int type, int protocol, const char *what)
{
	int fd = strata_socket(t->to.ss_family, type, protocol);

	if (fd == -1)
		dial_fail(&t->d, errno == EPERM ? what : "socket");
	else
		t->fd[t->nfds++] = fd;
	return fd != -1;
}

/* The limit goes with the packet: others by this socket are on their way. */
int trace_send(struct trace *t, const struct probe *p, int i, const void *buf,
    size_t len, const struct sockaddr_storage *to)
{
	struct sockaddr_storage there = *to;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf,
		.iov_len = len };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
			  .cmsg_len = CMSG_LEN(sizeof(int)),
			  .cmsg_level = t->v4 ? IPPROTO_IP : IPPROTO_IPV6,
			  .cmsg_type = t->v4 ? IP_TTL : IPV6_HOPLIMIT,
		      } };
	struct msghdr m = {
		.msg_name = &there,
		.msg_namelen = t->to_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &p->hops, sizeof(p->hops));
	return strata_sendmsg(t->fd[i], &m, 0) == -1 ? -errno : 0;
}

/* ---- Probes */

/* Behind the hop at which the way ends nothing is of interest. */
static void ends_at(struct trace *t, const struct probe *p)
{
	int all = (p->hops - t->first + 1) * t->probes;

	if (all < t->all)
		t->all = all;
}

void trace_settle(
    struct trace *t, unsigned n, const struct trace_answer *answer)
{
	struct probe *p;

	if (n < 1 || n > (unsigned)t->sent)
		return;
	p = &t->probe[n - 1];
	if (p->state != PROBE_WAITS)
		return;
	p->state = PROBE_ANSWERED;
	p->answer = *answer;
	p->ms = (double)mono_since(mono_now(), p->sent) / NS_PER_MS;
	t->waiting--;
	if (answer->reached)
		ends_at(t, p);
}

/* As many as may be on their way; 0 or -errno. */
static int send_some(struct trace *t)
{
	while (t->sent < t->all && t->waiting < t->at_once) {
		struct probe *p = &t->probe[t->sent];
		int r;

		*p = (struct probe){
			.state = PROBE_WAITS,
			.hops = t->first + t->sent / t->probes,
			.n = (uint16_t)(t->sent + 1),
			.sent = mono_now(),
		};
		r = t->ops->send(t, p);
		if (r < 0)
			return r;
		t->sent++;
		t->waiting++;
	}
	return 0;
}

static struct mono end_of(const struct trace *t, const struct probe *p)
{
	return mono_add(p->sent, t->wait_ns);
}

static void give_up_late_ones(struct trace *t)
{
	struct mono now = mono_now();

	for (int i = t->shown; i < t->sent; i++) {
		struct probe *p = &t->probe[i];

		if (p->state != PROBE_WAITS || !mono_reached(end_of(t, p), now))
			continue;
		p->state = PROBE_SILENT;
		t->waiting--;
	}
}

/* Milliseconds until the next one is given up. */
static int ms_left(const struct trace *t)
{
	int64_t least = t->wait_ns;

	for (int i = t->shown; i < t->sent; i++) {
		const struct probe *p = &t->probe[i];
		int64_t left = mono_since(end_of(t, p), mono_now());

		if (p->state == PROBE_WAITS && left < least)
			least = left;
	}
	return least <= 0 ? 0 : (int)(least / NS_PER_MS) + 1;
}

/* Until something comes or is late; -ENETDOWN: the stack is gone. */
static int hear_some(struct trace *t)
{
	struct pollfd f[TRACE_SOCKETS];
	int r = 0;

	for (int i = 0; i < t->nfds; i++)
		f[i] = (struct pollfd){ .fd = t->fd[i], .events = POLLIN };
	strata_poll(f, (nfds_t)t->nfds, ms_left(t));
	for (int i = 0; i < t->nfds; i++) {
		while (t->ops->take(t, i))
			;
		if (f[i].revents & POLLHUP)
			r = -ENETDOWN;
	}
	return r;
}

/* ---- What came of them */

static void print_answer(const struct probe *p, char *last, size_t size)
{
	const struct trace_answer *a = &p->answer;
	const char *who =
	    dial_text((const struct sockaddr *)&a->from, a->from_len);
	size_t len = strcspn(who, " ");

	/* Said once for those that follow from the same. */
	if (strncmp(last, who, len) != 0 || last[len] != '\0')
		printf("  %.*s", (int)len, who);
	snprintf(last, size, "%.*s", (int)len, who);
	printf("  %.3f ms%s", p->ms, a->mark);
}

/* In their order, as far as they are known. */
static void show_some(struct trace *t)
{
	static char last[128];

	for (; t->shown < t->all && t->shown < t->sent; t->shown++) {
		const struct probe *p = &t->probe[t->shown];

		if (p->state == PROBE_WAITS)
			break;
		if (t->shown % t->probes == 0) {
			last[0] = '\0';
			printf("%2d", p->hops);
		}
		if (p->state == PROBE_SILENT)
			printf("  *");
		else
			print_answer(p, last, sizeof(last));
		if ((t->shown + 1) % t->probes == 0)
			printf("\n");
	}
	fflush(stdout);
}

static int run(struct trace *t)
{
	int r = 0;

	while (r == 0 && t->shown < t->all) {
		r = send_some(t);
		if (r == 0)
			r = hear_some(t);
		give_up_late_ones(t);
		show_some(t);
	}
	if (r == 0)
		return 0;
	if (t->shown % t->probes != 0)
		printf("\n");
	errno = -r;
	return dial_fail(&t->d, r == -ENETDOWN ? "the stack is gone" : "send");
}

/* ---- Arguments */

static bool read_option(struct trace *t, int c)
{
	switch (c) {
	case '4':
		t->d.family = AF_INET;
		return true;
	case '6':
		t->d.family = AF_INET6;
		return true;
	case 'I':
		t->how = TRACE_ICMP;
		return true;
	case 'T':
		t->how = TRACE_TCP;
		t->ops = &trace_by_tcp;
		return true;
	case 'f':
		return argument_int(t->d.tool, optarg, 1, 255, &t->first);
	case 'm':
		return argument_int(t->d.tool, optarg, 1, 255, &t->max);
	case 'N':
		return argument_int(
		    t->d.tool, optarg, 1, TRACE_AT_ONCE_MAX, &t->at_once);
	case 'n': /* names are never looked up */
		return true;
	case 'p':
		return argument_int(t->d.tool, optarg, 1, 65535, &t->port);
	case 'q':
		return argument_int(t->d.tool, optarg, 1, 10, &t->probes);
	case 'w':
		return argument_seconds(
		    t->d.tool, optarg, 0.01, 60, &t->wait_ns);
	default: /* a user's letter */
		return false;
	}
}

static int trace_to(struct trace *t, const char *host)
{
	struct addrinfo *a = dial_lookup(&t->d, host, NULL);
	int status;

	if (a == NULL)
		return STATUS_FAILED;
	t->v4 = a->ai_family == AF_INET;
	t->to_len = a->ai_addrlen;
	memcpy(&t->to, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(a);
	if (t->how == TRACE_TCP && t->port == 0)
		t->port = HTTP_PORT;
	status = t->ops->open(t);
	if (status != 0)
		return status;
	printf("traceroute to %s (%s), %d hops at most\n", host,
	    dial_text((struct sockaddr *)&t->to, t->to_len), t->max);
	t->all = (t->max - t->first + 1) * t->probes;
	t->probe = calloc((size_t)t->all, sizeof(*t->probe));
	if (t->probe == NULL)
		return dial_fail(&t->d, "probes");
	status = run(t);
	free(t->probe);
	return status;
}

int command_traceroute(int argc, char **argv)
{
	struct trace t = {
		.d = { .tool = "strata traceroute", .type = SOCK_DGRAM },
		.ops = &trace_by_queue,
		.first = 1,
		.max = 30,
		.probes = 3,
		.at_once = 16,
		.wait_ns = (int64_t)3 * NS_PER_S,
	};
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt(argc, argv, "46ITf:m:N:np:q:w:")) != -1)
		if (!read_option(&t, c))
			return usage_wrong(help);
	if (optind + 1 != argc)
		return usage_wrong(help);
	if (t.first > t.max) {
		fprintf(stderr, "%s: no hop is from %d (-f) to %d (-m)\n",
		    t.d.tool, t.first, t.max);
		return usage_wrong(help);
	}
	return trace_to(&t, argv[optind]);
}
