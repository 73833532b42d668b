/*
 * metrics_sockets.c - how many sockets there are, by protocol and state
 */
#include <netinet/in.h>
#include <stdbool.h>

#include "api/command/metrics.h"
#include "api/command/ss.h"

static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
	IPPROTO_RAW };

enum {
	NPROTOCOLS = sizeof(protocols),
	OTHER = 2, /* ss_protocol() calls the rest so too */
};

struct counts {
	uint32_t n[NPROTOCOLS][SOCKET_NSTATES];
};

static size_t protocol_of(const struct ask_socket *k)
{
	for (size_t p = 0; p < NPROTOCOLS; p++)
		if (protocols[p] == k->proto)
			return p;
	return OTHER;
}

/* Can it be?  Then it is there also if there is none. */
static bool has_state(uint8_t protocol, uint8_t state)
{
	if (state == 0)
		return false;
	if (protocol == IPPROTO_TCP)
		return true;
	return state == SOCKET_ESTABLISHED || state == SOCKET_CLOSE;
}

static void count_all(struct counts *ret, const struct answer *a)
{
	struct ask_socket k;

	*ret = (struct counts){ .n = { { 0 } } };
	for (size_t at = 0; at < a->len; at += k.bytes) {
		if (ss_read(&k, a->records + at, a->len - at) < 0)
			return;
		ret->n[protocol_of(&k)][k.state]++;
	}
}

static void add(json_t *metrics, const struct counts *c, size_t p, uint8_t s)
{
	const struct ask_socket k = { .proto = protocols[p], .state = s };

	if (c->n[p][s] > 0 || has_state(protocols[p], s))
		metrics_add(metrics,
		    json_pack("{s:s, s:s}", "protocol", ss_protocol(&k),
			"state", ss_state(&k)),
		    c->n[p][s]);
}

void metrics_of_sockets(json_t *all, const struct answer *sockets)
{
	json_t *metrics = metrics_family(
	    all, "strata_sockets", "gauge", "Sockets and connections.");
	struct counts c;

	if (sockets == NULL)
		return;
	count_all(&c, sockets);
	for (size_t p = 0; p < NPROTOCOLS; p++)
		for (uint32_t s = 0; s < SOCKET_NSTATES; s++)
			add(metrics, &c, p, (uint8_t)s);
}
