/*
 * ping.c - strata ping: echo requests, and how long the replies take
 *
 * The socket is one of ICMP's that everybody may open (icmp(7)): the stack
 * knows our replies by the id that it gives us.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/dial.h"
#include "api/command/icmp_text.h"
#include "api/strata.h"
#include "shm/bytes.h"
#include "shm/clock.h"

enum {
	HEADER = 8, /* type, code, checksum, id, sequence number */
	SEQ_AT = 6,
	SEQS = 65536,
	DATA_MAX = 65507,
	FLOOD_MS = 10, /* also when no reply comes */
	PATIENCE_S = 10,
	DAY_S = 24 * 3600,
	FOR_EVER_S = 1000000000,
	LONG_MS = 60000, /* as good as for ever, to poll() */
};

struct ping {
	struct dial d;
	int count; /* 0: until Ctrl-C */
	int64_t interval_ns;
	int size, hops;
	int64_t patience_ns; /* with the last request, if none was answered */
	int64_t deadline_ns; /* of it all; 0: none */
	bool flood, quiet;

	int fd;
	bool v4;
	struct sockaddr_storage to;
	socklen_t to_len;
};

/* What has come of it. */
struct results {
	int64_t sent, received, doubled, errors;
	double min, max, sum, squares; /* ms */
	struct mono began, last_sent;
	struct mono at[SEQS];   /* sent */
	uint8_t seen[SEQS / 8]; /* a bit for each */
};

static const char help[] =
    "usage: strata ping [-46fnq] [-c COUNT] [-i SECONDS] [-I LINK|ADDRESS]\n"
    "                   [-s BYTES] [-t HOPS] [-w SECONDS] [-W SECONDS] HOST\n"
    "\n"
    "Send ICMP echo requests to HOST, and say how long the replies take.\n"
    "\n"
    "  -4, -6      IPv4 only, IPv6 only\n"
    "  -c COUNT    so many requests; else until Ctrl-C\n"
    "  -f          flood: the next one as soon as all are answered\n"
    "  -i SECONDS  between requests, 1 if not given\n"
    "  -I LINK     by that link; or, of ADDRESS, from that address of ours\n"
    "  -n          does nothing: addresses are never turned into names\n"
    "  -q          only the statistics\n"
    "  -s BYTES    of data, 56 if not given\n"
    "  -t HOPS     the packets' hop limit\n"
    "  -w SECONDS  in all; with -c until COUNT are answered, if that is "
    "sooner\n"
    "  -W SECONDS  to wait after the last request if none was answered;\n"
    "              10 if not given, 0: for ever\n";

static struct results results;

/* Of the data, at place @i. */
static uint8_t pattern(int i)
{
	return (uint8_t)i;
}

/* ---- Hearing */

static int hops_beside(struct msghdr *msg)
{
	int hops = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
	return hops;
}

static const char *check_data(const struct ping *p, const uint8_t *buf, int len)
{
	if (len != HEADER + p->size)
		return " (wrong length!)";
	for (int i = 0; i < p->size; i++)
		if (buf[HEADER + i] != pattern(i))
			return " (wrong data!)";
	return "";
}

static void count_time(double ms)
{
	if (results.received == 0 || ms < results.min)
		results.min = ms;
	if (results.received == 0 || ms > results.max)
		results.max = ms;
	results.received++;
	results.sum += ms;
	results.squares += ms * ms;
}

static void take_reply(const struct ping *p, const uint8_t *buf, int len,
    const struct sockaddr *from, socklen_t from_len, int hops)
{
	uint16_t seq = be16_get(buf + SEQ_AT);
	bool again = results.seen[seq / 8] >> (seq % 8) & 1;
	double ms = (double)mono_since(mono_now(), results.at[seq]) / NS_PER_MS;

	results.seen[seq / 8] |= (uint8_t)(1 << seq % 8);
	if (again)
		results.doubled++;
	else
		count_time(ms);
	if (p->flood && !p->quiet)
		printf("\b \b");
	if (p->flood || p->quiet)
		return;
	printf("%d bytes from %s: icmp_seq=%u ttl=%d time=%.3f ms%s%s\n", len,
	    dial_text(from, from_len), seq, hops, ms, again ? " (DUP!)" : "",
	    check_data(p, buf, len));
}

/* False: nothing is there. */
static bool hear(const struct ping *p)
{
	static uint8_t buf[HEADER + DATA_MAX + 1];
	struct sockaddr_storage from;
	struct iovec iov = { buf, sizeof(buf) };
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = strata_recvmsg(p->fd, &msg, MSG_DONTWAIT);

	if (n == -1)
		return errno != EAGAIN && errno != ENETDOWN;
	if (n >= HEADER)
		take_reply(p, buf, (int)n, (struct sockaddr *)&from,
		    msg.msg_namelen, hops_beside(&msg));
	return true;
}

static void hear_errors(const struct ping *p)
{
	struct icmp_told t;

	while (icmp_next_error(p->fd, &t)) {
		results.errors++;
		if (p->flood && !p->quiet)
			printf("\bE");
		if (p->flood || p->quiet)
			continue;
		printf("From %s icmp_seq=%u %s\n",
		    dial_text((struct sockaddr *)&t.from, t.from_len),
		    t.len >= HEADER ? be16_get(t.data + SEQ_AT) : 0U,
		    icmp_sentence(&t));
	}
}

/* ---- Asking */

/* What an earlier one's error has kept from being sent is sent again. */
static bool send_again(const struct ping *p)
{
	if (errno != EHOSTUNREACH && errno != ENETUNREACH &&
	    errno != ECONNREFUSED)
		return false;
	hear_errors(p);
	return true;
}

/* False: it can't be sent, and a sentence says so. */
static bool ask(const struct ping *p)
{
	static uint8_t buf[HEADER + DATA_MAX];
	uint16_t seq = (uint16_t)(results.sent + 1);
	int tries = 3;

	memset(buf, 0, HEADER);
	buf[0] = p->v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	be16_put(buf + SEQ_AT, seq);
	for (int i = 0; i < p->size; i++)
		buf[HEADER + i] = pattern(i);
	results.at[seq] = results.last_sent = mono_now();
	results.seen[seq / 8] &= (uint8_t) ~(1 << seq % 8);
	results.sent++;
	if (p->flood && !p->quiet)
		putchar('.');
	while (strata_sendto(p->fd, buf, (size_t)HEADER + (size_t)p->size, 0,
		   (const struct sockaddr *)&p->to, p->to_len) == -1)
		if (tries-- == 0 || !send_again(p)) {
			dial_fail(&p->d, "sendto");
			return false;
		}
	return true;
}

/* ---- The course of it */

/* With a deadline it is COUNT answers that are wanted, as of ping(8). */
static bool all_sent(const struct ping *p)
{
	return p->count > 0 && p->deadline_ns == 0 && results.sent >= p->count;
}

static bool all_answered(void)
{
	return results.received + results.errors >= results.sent;
}

/*
 * For the last replies.  Who has answered so far will not take much longer than
 * he did; of who has not, something may yet come: a neighbour that is silent
 * is given up after three seconds.
 */
static int64_t patience(const struct ping *p)
{
	int64_t twice = (int64_t)(2 * results.max * NS_PER_MS);

	if (results.received == 0)
		return p->patience_ns;
	return twice > p->interval_ns ? twice : p->interval_ns;
}

/* When something is to be done although nothing comes. */
static struct mono due(const struct ping *p)
{
	if (all_sent(p))
		return mono_add(results.last_sent, patience(p));
	return mono_add(results.last_sent,
	    p->flood ? FLOOD_MS * NS_PER_MS : p->interval_ns);
}

static struct mono deadline(const struct ping *p)
{
	return mono_add(results.began, p->deadline_ns);
}

static bool is_over(const struct ping *p)
{
	if (p->deadline_ns > 0)
		return mono_reached(deadline(p), mono_now()) ||
		    (p->count > 0 && results.received >= p->count);
	return all_sent(p) &&
	    (all_answered() || mono_reached(due(p), mono_now()));
}

static bool is_time_to_ask(const struct ping *p)
{
	return !all_sent(p) &&
	    (results.sent == 0 || mono_reached(due(p), mono_now()) ||
		(p->flood && all_answered()));
}

static int ms_until(struct mono then)
{
	int64_t ms = (mono_since(then, mono_now()) + NS_PER_MS - 1) / NS_PER_MS;

	return ms <= 0 ? 0 : ms < LONG_MS ? (int)ms : LONG_MS;
}

static int ms_to_wait(const struct ping *p)
{
	int ms = ms_until(due(p));
	int left = p->deadline_ns > 0 ? ms_until(deadline(p)) : ms;

	return left < ms ? left : ms;
}

static void run(const struct ping *p)
{
	results.began = mono_now();
	while (!stop_wanted()) {
		struct pollfd f = { .fd = p->fd, .events = POLLIN };

		if (is_time_to_ask(p) && !ask(p))
			return;
		if (is_over(p))
			return;
		if (strata_poll(&f, 1, ms_to_wait(p)) <= 0)
			continue;
		hear_errors(p);
		while (hear(p))
			;
		if (f.revents & POLLHUP) {
			fprintf(stderr, "%s: the stack is gone\n", p->d.tool);
			return;
		}
		fflush(stdout);
	}
}

/* Newton's; libm would be a library more for this alone. */
static double square_root(double x)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 100; i++)
		r = (r + x / r) / 2;
	return r;
}

static int report(const struct ping *p, const char *host)
{
	int64_t n = results.received;
	int64_t lost = results.sent - n;
	double avg = n > 0 ? results.sum / (double)n : 0;
	double variance = n > 0 ? results.squares / (double)n - avg * avg : 0;

	if (p->flood && !p->quiet)
		putchar('\n');
	printf("\n--- %s ping statistics ---\n", host);
	printf("%lld packets transmitted, %lld received, ",
	    (long long)results.sent, (long long)n);
	if (results.doubled > 0)
		printf("+%lld duplicates, ", (long long)results.doubled);
	if (results.errors > 0)
		printf("+%lld errors, ", (long long)results.errors);
	printf("%lld%% packet loss, time %lldms\n",
	    (long long)(results.sent > 0 ? lost * 100 / results.sent : 0),
	    (long long)(mono_since(mono_now(), results.began) / NS_PER_MS));
	if (n > 0)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
		    results.min, avg, results.max,
		    square_root(variance > 0 ? variance : 0));
	if (p->deadline_ns > 0 && n < p->count)
		return STATUS_FAILED;
	return n > 0 ? 0 : STATUS_FAILED;
}

/* ---- Setting up */

static int open_socket(struct ping *p, const char *host)
{
	struct addrinfo *a = dial_lookup(&p->d, host, NULL);
	const int yes = 1;
	int family;

	if (a == NULL)
		return STATUS_FAILED;
	family = a->ai_family;
	p->v4 = family == AF_INET;
	p->to_len = a->ai_addrlen;
	memcpy(&p->to, a->ai_addr, a->ai_addrlen);
	p->fd = strata_socket(
	    a->ai_family, SOCK_DGRAM, p->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	freeaddrinfo(a);
	if (p->fd == -1)
		return dial_fail(&p->d, "socket");
	if (!dial_set_source(&p->d, p->fd, family))
		return STATUS_FAILED;
	if (p->v4) {
		strata_setsockopt(
		    p->fd, IPPROTO_IP, IP_RECVTTL, &yes, sizeof(yes));
		strata_setsockopt(
		    p->fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes));
	} else {
		strata_setsockopt(
		    p->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &yes, sizeof(yes));
		strata_setsockopt(
		    p->fd, IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof(yes));
	}
	if (p->hops > 0)
		strata_setsockopt(p->fd, p->v4 ? IPPROTO_IP : IPPROTO_IPV6,
		    p->v4 ? IP_TTL : IPV6_UNICAST_HOPS, &p->hops,
		    sizeof(p->hops));
	return 0;
}

static bool read_option(struct ping *p, int c)
{
	switch (c) {
	case '4':
		p->d.family = AF_INET;
		return true;
	case '6':
		p->d.family = AF_INET6;
		return true;
	case 'c':
		return argument_int(p->d.tool, optarg, 1, INT32_MAX, &p->count);
	case 'f':
		p->flood = true;
		return true;
	case 'i':
		return argument_seconds(
		    p->d.tool, optarg, 0, DAY_S, &p->interval_ns);
	case 'I':
		if (dial_is_address(optarg))
			p->d.source = optarg;
		else
			p->d.link = optarg;
		return true;
	case 'n': /* names are never looked up */
		return true;
	case 'q':
		p->quiet = true;
		return true;
	case 's':
		return argument_int(p->d.tool, optarg, 0, DATA_MAX, &p->size);
	case 't':
		return argument_int(p->d.tool, optarg, 1, 255, &p->hops);
	case 'w':
		return argument_seconds(
		    p->d.tool, optarg, 0.001, DAY_S, &p->deadline_ns);
	case 'W':
		if (!argument_seconds(
			p->d.tool, optarg, 0, DAY_S, &p->patience_ns))
			return false;
		if (p->patience_ns == 0)
			p->patience_ns = (int64_t)FOR_EVER_S * NS_PER_S;
		return true;
	default: /* a user's letter */
		return false;
	}
}

int command_ping(int argc, char **argv)
{
	struct ping p = {
		.d = { .tool = "strata ping", .type = SOCK_DGRAM },
		.interval_ns = NS_PER_S,
		.patience_ns = (int64_t)PATIENCE_S * NS_PER_S,
		.size = 56,
	};
	int c, status;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt(argc, argv, "46c:fi:I:nqs:t:w:W:")) != -1)
		if (!read_option(&p, c))
			return usage_wrong(help);
	if (optind + 1 != argc)
		return usage_wrong(help);
	status = open_socket(&p, argv[optind]);
	if (status != 0)
		return status;
	stop_catch();
	printf("PING %s (%s): %d bytes\n", argv[optind],
	    dial_text((struct sockaddr *)&p.to, p.to_len), p.size);
	run(&p);
	status = report(&p, argv[optind]);
	strata_close(p.fd);
	return status;
}
