/*
 * trace_queue.c - traceroute by UDP and by echo requests
 *
 * By sockets that everybody may open; what ICMP says comes by their queues of
 * errors.  Such a queue holds eight, so there is a socket for every eight
 * probes that may be on their way, and the probes take turns.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "api/command/command.h"
#include "api/command/trace.h"
#include "shm/bytes.h"

enum {
	ECHO_HEADER = 8,
	ECHO_SEQ_AT = 6,
	ECHO_BYTES = 60,
	UDP_BYTES = 32,
	FIRST_PORT = 33434, /* of UDP, where by custom nobody listens */
	QUEUE = 8,
};

static int open_queues(struct trace *t)
{
	const int yes = 1;
	int icmp = t->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	while (t->nfds * QUEUE < t->at_once) {
		if (!trace_socket(t, SOCK_DGRAM,
			t->how == TRACE_ICMP ? icmp : 0, "socket"))
			return STATUS_FAILED;
		strata_setsockopt(t->fd[t->nfds - 1],
		    t->v4 ? IPPROTO_IP : IPPROTO_IPV6,
		    t->v4 ? IP_RECVERR : IPV6_RECVERR, &yes, sizeof(yes));
	}
	return 0;
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	struct sockaddr_in in;

	/* In both families at the same place. */
	memcpy(&in, a, sizeof(in));
	return ntohs(in.sin_port);
}

/*
 * A port for each probe, so an answer says to which it is: that of number 1 and
 * those behind it.  Behind 65,535 comes 1, for nothing can be sent to 0.
 */
static unsigned first_port(const struct trace *t)
{
	return t->port ? (unsigned)t->port : FIRST_PORT;
}

static uint16_t port_of_number(const struct trace *t, unsigned n)
{
	return (uint16_t)((first_port(t) + n - 2) % UINT16_MAX + 1);
}

static unsigned number_of_port(const struct trace *t, uint16_t port)
{
	return (port + UINT16_MAX - first_port(t)) % UINT16_MAX + 1;
}

static int send_probe(struct trace *t, const struct probe *p)
{
	uint8_t buf[ECHO_BYTES] = { t->v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };
	struct sockaddr_storage to = t->to;
	int i = p->n % t->nfds;
	int tries = 3;
	int r;

	if (t->how == TRACE_UDP) {
		buf[0] = 0;
		dial_set_port((struct sockaddr *)&to, port_of_number(t, p->n));
	} else {
		be16_put(buf + ECHO_SEQ_AT, p->n);
	}
	/* An answer to an earlier one is told to the next call. */
	do {
		while (t->ops->take(t, i))
			;
		r = trace_send(t, p, i, buf,
		    t->how == TRACE_UDP ? UDP_BYTES : ECHO_BYTES, &to);
	} while (r < 0 && tries-- > 0);
	return r;
}

static unsigned number_of(const struct trace *t, const uint8_t *data,
    size_t len, const struct sockaddr_storage *peer)
{
	if (t->how == TRACE_UDP)
		return number_of_port(t, port_of(peer));
	return len >= ECHO_HEADER ? be16_get(data + ECHO_SEQ_AT) : 0;
}

static bool take_error(struct trace *t, int i)
{
	struct icmp_told e;

	if (!icmp_next_error(t->fd[i], &e))
		return false;
	trace_settle(t, number_of(t, e.data, e.len, &e.to),
	    &(struct trace_answer){
		.reached = !icmp_is_hop(&e),
		.mark = icmp_mark(&e),
		.from = e.from,
		.from_len = e.from_len,
	    });
	return true;
}

/* An echo reply, or a datagram of somebody who listens there after all. */
static bool take_reply(struct trace *t, int i)
{
	struct trace_answer a = { .reached = true, .mark = "" };
	uint8_t buf[2048];
	ssize_t n;

	a.from_len = sizeof(a.from);
	n = strata_recvfrom(t->fd[i], buf, sizeof(buf), MSG_DONTWAIT,
	    (struct sockaddr *)&a.from, &a.from_len);
	if (n >= 0)
		trace_settle(t, number_of(t, buf, (size_t)n, &a.from), &a);
	/* Another errno is that of an error, which is in the queue, too. */
	return n >= 0 || (errno != EAGAIN && errno != ENETDOWN);
}

static bool take(struct trace *t, int i)
{
	return take_error(t, i) || take_reply(t, i);
}

const struct trace_ops trace_by_queue = { open_queues, send_probe, take };
