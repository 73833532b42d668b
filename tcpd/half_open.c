/*
 * half_open.c - the half-open connections of each listener (its SYN queue)
 *
 * A list by the listener's socket, the newest first: from its end those that
 * wait for a socket are served in the order in which they came.  Private, and
 * built anew from the TCBs.
 */
#include "tcpd/tcpd.h"

void conn_half_open(struct tcpd *t, struct tcb *c, uint32_t listener)
{
	struct conns *p = &t->conns;
	uint32_t id = conn_id(t, c);
	uint16_t first = p->half_first[listener];

	c->listener = (uint16_t)listener;
	p->half_prev[id] = NO_CONN;
	p->half_next[id] = first;
	if (first != NO_CONN)
		p->half_prev[first] = (uint16_t)id;
	else
		p->half_last[listener] = (uint16_t)id;
	p->half_first[listener] = (uint16_t)id;
	p->half_count[listener]++;
	if (c->flags & CONN_ACKED)
		p->half_acked[listener]++;
	p->half_open++;
}

void conn_half_acked(struct tcpd *t, struct tcb *c, bool acked)
{
	uint16_t *n = &t->conns.half_acked[c->listener];

	if (acked == ((c->flags & CONN_ACKED) != 0))
		return;
	c->flags ^= CONN_ACKED;
	*n = (uint16_t)(acked ? *n + 1 : *n - 1);
}

void conn_half_done(struct tcpd *t, struct tcb *c)
{
	struct conns *p = &t->conns;
	uint32_t id = conn_id(t, c);
	uint16_t next = p->half_next[id];
	uint16_t prev = p->half_prev[id];

	if (prev != NO_CONN)
		p->half_next[prev] = next;
	else
		p->half_first[c->listener] = next;
	if (next != NO_CONN)
		p->half_prev[next] = prev;
	else
		p->half_last[c->listener] = prev;
	conn_half_acked(t, c, false);
	p->half_count[c->listener]--;
	p->half_open--;
}
