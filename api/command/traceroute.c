/*
 * traceroute.c - strata traceroute: who is on the way
 *
 * A packet whose hop limit is used up comes back as an ICMP error of the router
 * that it had reached.  One probe after another, so that each answer is its
 * own: by UDP to ports where nobody is, by echo requests (-I), or by SYNs (-T),
 * for which one must be root (trace_tcp.c).
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/trace.h"
#include "shm/bytes.h"

enum {
	ECHO_HEADER = 8,
	ECHO_SEQ_AT = 6,
	FIRST_PORT = 33434, /* of UDP, where by custom nobody listens */
	HTTP_PORT = 80,
};

static const char help[] =
    "usage: strata traceroute [-46InT] [-f FIRST] [-m MAX] [-p PORT] [-q N]\n"
    "                         [-w SECONDS] HOST\n"
    "\n"
    "Who is on the way to HOST, found with growing hop limits.\n"
    "\n"
    "  -4, -6      IPv4 only, IPv6 only\n"
    "  -f FIRST    the first hop limit, 1 if not given\n"
    "  -I          by echo requests; else by UDP\n"
    "  -m MAX      the last hop limit, 30 if not given\n"
    "  -n          does nothing: addresses are never turned into names\n"
    "  -p PORT     33434 and those after it for UDP, 80 for TCP, if not given\n"
    "  -q N        probes for each hop, 3 if not given\n"
    "  -T          by SYNs of TCP; only for root\n"
    "  -w SECONDS  to wait for each answer, 3 if not given\n";

/* ---- UDP and ICMP: a socket whose errors come by the queue */

void trace_set_hops(const struct trace *t, int fd, int hops)
{
	strata_setsockopt(fd, t->v4 ? IPPROTO_IP : IPPROTO_IPV6,
	    t->v4 ? IP_TTL : IPV6_UNICAST_HOPS, &hops, sizeof(hops));
}

static int open_queue(struct trace *t)
{
	const int yes = 1;
	int protocol = t->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	t->fd = strata_socket(
	    t->to.ss_family, SOCK_DGRAM, t->how == TRACE_ICMP ? protocol : 0);
	if (t->fd == -1)
		return dial_fail(&t->d, "socket");
	strata_setsockopt(t->fd, t->v4 ? IPPROTO_IP : IPPROTO_IPV6,
	    t->v4 ? IP_RECVERR : IPV6_RECVERR, &yes, sizeof(yes));
	return 0;
}

void trace_set_port(struct sockaddr_storage *to, uint16_t port)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (to->ss_family == AF_INET) {
		memcpy(&in, to, sizeof(in));
		in.sin_port = htons(port);
		memcpy(to, &in, sizeof(in));
	} else {
		memcpy(&in6, to, sizeof(in6));
		in6.sin6_port = htons(port);
		memcpy(to, &in6, sizeof(in6));
	}
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	struct sockaddr_in in;

	/* In both families at the same place. */
	memcpy(&in, a, sizeof(in));
	return ntohs(in.sin_port);
}

/* A port for each probe: so an answer says to which it is. */
static uint16_t probe_port(const struct trace *t, uint16_t n)
{
	return (uint16_t)((t->port ? t->port : FIRST_PORT) + n - 1);
}

static int send_probe(struct trace *t, const struct probe *p)
{
	uint8_t buf[60] = { t->v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };
	struct sockaddr_storage to = t->to;
	struct icmp_told late;
	int tries = 3;

	trace_set_hops(t, t->fd, p->hops);
	if (t->how == TRACE_UDP)
		trace_set_port(&to, probe_port(t, p->n));
	else
		be16_put(buf + ECHO_SEQ_AT, p->n);
	/* An answer that came late is told to the next call. */
	while (icmp_next_error(t->fd, &late))
		;
	while (strata_sendto(t->fd, buf, t->how == TRACE_UDP ? 32 : sizeof(buf),
		   0, (const struct sockaddr *)&to, t->to_len) == -1) {
		if (tries-- == 0)
			return -errno;
		while (icmp_next_error(t->fd, &late))
			;
	}
	return 0;
}

static bool is_about(
    const struct trace *t, const struct icmp_told *e, const struct probe *p)
{
	if (t->how == TRACE_UDP)
		return port_of(&e->to) == probe_port(t, p->n);
	return e->len >= ECHO_HEADER && be16_get(e->data + ECHO_SEQ_AT) == p->n;
}

static bool read_error(struct trace *t, struct probe *p)
{
	struct icmp_told e;

	while (icmp_next_error(t->fd, &e)) {
		if (!is_about(t, &e, p))
			continue;
		p->from = e.from;
		p->from_len = e.from_len;
		p->mark = icmp_mark(&e);
		p->reached = !icmp_is_hop(&e);
		return true;
	}
	return false;
}

/* An echo reply, or a datagram of somebody who listens there after all. */
static bool read_answer(struct trace *t, struct probe *p)
{
	uint8_t buf[2048];
	ssize_t n;

	for (;;) {
		p->from_len = sizeof(p->from);
		n = strata_recvfrom(t->fd, buf, sizeof(buf), MSG_DONTWAIT,
		    (struct sockaddr *)&p->from, &p->from_len);
		if (n == -1 && errno == EAGAIN)
			return false;
		if (n == -1)
			continue;
		if (t->how == TRACE_UDP
			? port_of(&p->from) != probe_port(t, p->n)
			: n < ECHO_HEADER ||
			    be16_get(buf + ECHO_SEQ_AT) != p->n)
			continue;
		p->reached = true;
		p->mark = "";
		return true;
	}
}

static bool take_answer(struct trace *t, struct probe *p)
{
	struct pollfd f = { .fd = t->fd, .events = POLLIN };

	strata_poll(&f, 1, trace_ms_left(t, p));
	return read_error(t, p) || read_answer(t, p);
}

static const struct trace_ops by_queue = { open_queue, send_probe,
	take_answer };

/* ---- The course of it */

int trace_ms_left(const struct trace *t, const struct probe *p)
{
	int64_t patience = (int64_t)t->wait_s * NS_PER_S;
	int64_t left = patience - mono_since(mono_now(), p->sent);

	return left <= 0 ? 0 : (int)(left / NS_PER_MS + 1);
}

/* False: it can't be sent. */
static bool ask(struct trace *t, struct probe *p)
{
	int r;

	p->sent = mono_now();
	r = t->ops->send(t, p);
	if (r < 0) {
		printf("\n");
		errno = -r;
		dial_fail(&t->d, "send");
		return false;
	}
	do {
		p->answered = t->ops->take(t, p);
	} while (!p->answered && trace_ms_left(t, p) > 0);
	p->ms = (double)mono_since(mono_now(), p->sent) / NS_PER_MS;
	return true;
}

static void print_probe(const struct probe *p, char *last, size_t size)
{
	const char *who =
	    dial_text((const struct sockaddr *)&p->from, p->from_len);
	size_t len = strcspn(who, " ");

	if (!p->answered) {
		printf("  *");
		return;
	}
	/* Said once for those that follow from the same. */
	if (strncmp(last, who, len) != 0 || last[len] != '\0')
		printf("  %.*s", (int)len, who);
	snprintf(last, size, "%.*s", (int)len, who);
	printf("  %.3f ms%s", p->ms, p->mark);
}

/* One line: 1: on; 0: that was the last; -1: failed. */
static int trace_hop(struct trace *t, int hops, uint16_t *n)
{
	char last[128] = "";
	bool reached = false;

	printf("%2d", hops);
	for (int i = 0; i < t->probes; i++) {
		struct probe p = { .hops = hops, .n = (*n)++, .mark = "" };

		if (!ask(t, &p))
			return -1;
		print_probe(&p, last, sizeof(last));
		fflush(stdout);
		reached |= p.answered && p.reached;
	}
	printf("\n");
	return reached ? 0 : 1;
}

static int run(struct trace *t)
{
	uint16_t n = 1;
	int r = 1;

	for (int hops = t->first; r == 1 && hops <= t->max; hops++)
		r = trace_hop(t, hops, &n);
	return r == -1 ? STATUS_FAILED : 0;
}

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
	case 'n': /* names are never looked up */
		return true;
	case 'p':
		return argument_int(t->d.tool, optarg, 1, 65535, &t->port);
	case 'q':
		return argument_int(t->d.tool, optarg, 1, 10, &t->probes);
	case 'w':
		return argument_int(t->d.tool, optarg, 1, 60, &t->wait_s);
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
	return run(t);
}

int command_traceroute(int argc, char **argv)
{
	struct trace t = {
		.d = { .tool = "strata traceroute", .type = SOCK_DGRAM },
		.ops = &by_queue,
		.first = 1,
		.max = 30,
		.probes = 3,
		.wait_s = 3,
	};
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt(argc, argv, "46ITf:m:np:q:w:")) != -1)
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
