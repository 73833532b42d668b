/*
 * trace_tcp.c - traceroute by SYNs, which pass where nothing else does
 *
 * They are sent by a raw socket; a second one hears what ICMP says.  tcpd knows
 * of no connection and resets what is answered, so none is left half open.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"
#include "api/command/trace.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

/* Places in t->fd. */
enum {
	REPLIES, /* by which SYNs are sent, too */
	ERRORS,
};

enum {
	SYN_BYTES = 20, /* RFC 9293, 3.1: a header without options */
	OFF_SEQ = 4,
	OFF_DATA_OFFSET = 12,
	OFF_FLAGS = 13,
	OFF_WINDOW = 14,
	OFF_CHECKSUM = 16,
	FLAG_SYN = 2,
	FLAG_RST = 4,
	FLAG_ACK = 16,

	IP4_BYTES = 20,
	IP4_PROTOCOL_AT = 9,
	IP6_BYTES = 40,
	IP6_PROTOCOL_AT = 6,
	ICMP_BYTES = 8,
	PORT_BASE = 40000,
};

/* Ours: of each run others, and behind it one for each probe. */
static uint16_t base_port(void)
{
	return (uint16_t)(PORT_BASE + (unsigned)getpid() % 20000);
}

static struct ip_addr address_of(const struct sockaddr_storage *a)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (a->ss_family == AF_INET) {
		memcpy(&in, a, sizeof(in));
		return ip_from_v4((const uint8_t *)&in.sin_addr);
	}
	memcpy(&in6, a, sizeof(in6));
	return ip_from_v6(in6.sin6_addr.s6_addr);
}

/* From which of our addresses the way there leads. */
static int find_own(struct trace *t)
{
	struct sockaddr_storage to = t->to;
	socklen_t len = sizeof(t->from);
	int fd = strata_socket(t->to.ss_family, SOCK_DGRAM, 0);
	int r = -1;

	dial_set_port((struct sockaddr *)&to, (uint16_t)t->port);
	if (fd != -1 &&
	    strata_connect(fd, (struct sockaddr *)&to, t->to_len) == 0)
		r = strata_getsockname(fd, (struct sockaddr *)&t->from, &len);
	if (r == -1)
		r = dial_fail(&t->d, "no way there");
	if (fd != -1)
		strata_close(fd);
	return r;
}

static int open_tcp(struct trace *t)
{
	int r = find_own(t);

	if (r != 0)
		return r;
	return trace_socket(t, SOCK_RAW, IPPROTO_TCP, "-T is for root") &&
		trace_socket(t, SOCK_RAW, t->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		    "-T is for root")
	    ? 0
	    : STATUS_FAILED;
}

static int send_syn(struct trace *t, const struct probe *p)
{
	struct ip_addr src = address_of(&t->from);
	struct ip_addr dst = address_of(&t->to);
	uint8_t syn[SYN_BYTES] = { 0 };
	uint32_t sum = csum_pseudo(&src, &dst, IPPROTO_TCP, SYN_BYTES);

	be16_put(syn, (uint16_t)(base_port() + p->n));
	be16_put(syn + 2, (uint16_t)t->port);
	be32_put(syn + OFF_SEQ, (uint32_t)p->sent.ns);
	syn[OFF_DATA_OFFSET] = SYN_BYTES / 4 << 4;
	syn[OFF_FLAGS] = FLAG_SYN;
	be16_put(syn + OFF_WINDOW, 5840);
	be16_put(syn + OFF_CHECKSUM, csum_fold(csum_add(sum, syn, SYN_BYTES)));
	return trace_send(t, p, REPLIES, syn, sizeof(syn), &t->to);
}

/* Of IPv4 the header comes too. */
static size_t header_len(const struct trace *t, const uint8_t *p)
{
	return t->v4 ? (p[0] & 0xfU) * 4 : 0;
}

/* The number of the probe that this answers, or 0. */
static unsigned answered_by(const struct trace *t,
    const struct sockaddr_storage *sender, const uint8_t *buf, size_t len)
{
	struct ip_addr from = address_of(sender);
	struct ip_addr to = address_of(&t->to);
	size_t at = header_len(t, buf);
	const uint8_t *s = buf + at;

	if (len < at + SYN_BYTES || !ip_equal(&from, &to) ||
	    be16_get(s) != t->port || !(s[OFF_FLAGS] & (FLAG_ACK | FLAG_RST)))
		return 0;
	return (uint16_t)(be16_get(s + 2) - base_port());
}

/* The SYN that an error quotes, from its first byte on, or NULL. */
static const uint8_t *quoted(
    const struct trace *t, const uint8_t *buf, size_t len)
{
	size_t at = header_len(t, buf) + ICMP_BYTES;
	size_t ip = t->v4 ? IP4_BYTES : IP6_BYTES;
	uint8_t protocol;

	if (len < at + ip + 8)
		return NULL;
	protocol = buf[at + (t->v4 ? IP4_PROTOCOL_AT : IP6_PROTOCOL_AT)];
	if (t->v4)
		ip = (buf[at] & 0xfU) * 4;
	if (protocol != IPPROTO_TCP || ip < IP4_BYTES || len < at + ip + 8)
		return NULL;
	return buf + at + ip;
}

/* The same for an error, with what it says in *@a. */
static unsigned told_by(const struct trace *t, const uint8_t *buf, size_t len,
    struct trace_answer *a)
{
	const uint8_t *syn = quoted(t, buf, len);
	struct icmp_told e = { .v6 = !t->v4 };

	if (syn == NULL || be16_get(syn + 2) != t->port)
		return 0;
	e.type = buf[header_len(t, buf)];
	e.code = buf[header_len(t, buf) + 1];
	a->mark = icmp_is_port(&e) ? " !" : icmp_mark(&e);
	a->reached = !icmp_is_hop(&e);
	return (uint16_t)(be16_get(syn) - base_port());
}

static bool take(struct trace *t, int i)
{
	struct trace_answer a = { .reached = true, .mark = "" };
	uint8_t buf[2048];
	ssize_t len;
	unsigned n;

	a.from_len = sizeof(a.from);
	len = strata_recvfrom(t->fd[i], buf, sizeof(buf), MSG_DONTWAIT,
	    (struct sockaddr *)&a.from, &a.from_len);
	if (len < IP4_BYTES)
		return len != -1;
	n = i == ERRORS ? told_by(t, buf, (size_t)len, &a)
			: answered_by(t, &a.from, buf, (size_t)len);
	trace_settle(t, n, &a);
	return true;
}

const struct trace_ops trace_by_tcp = { open_tcp, send_syn, take };
