/*
 * rx.c - segments from ipd
 */
#include <netinet/in.h>

#include "tcpd/tcpd.h"

static void drop(struct tcpd *t, const struct desc *d, uint32_t reason)
{
	node_count(&t->n, reason);
	log_debug(&t->n.log, "dropped, reason=%s, len=%u",
	    tcpd_counters[reason - CNT_NODE_END].name, d->len);
	node_give_back(&t->n, d);
}

/* TCP is between two (RFC 9293, 3.9.2.3). */
static bool is_to_many(const struct tcpd *t, const struct desc *d)
{
	return (d->flags & PKT_LINK_BROADCAST) || ip_is_multicast(&d->dst) ||
	    ip_is_multicast(&d->src) || ip_is_any(&d->src) ||
	    fib_is_broadcast(&t->fib, &d->dst, LINK_ANY) ||
	    fib_is_broadcast(&t->fib, &d->src, LINK_ANY);
}

/* Below they know of an intact sum, or that there is none yet. */
static bool is_intact(const uint8_t *p, const struct desc *d)
{
	return (d->flags & (PKT_CSUM_VALID | PKT_CSUM_PARTIAL)) ||
	    tcp_checksum_ok(p, d->len, &d->src, &d->dst);
}

/* Back the way it came.  False: no slot for it now. */
static bool send_reset(struct tcpd *t, struct ring_out *down,
    const struct desc *to, const struct tcp_hdr *h)
{
	struct desc d = {
		.kind = PKT_DATA,
		.flags = PKT_DONT_FRAGMENT,
		.off = SLOT_HEADROOM,
		.len = (uint32_t)tcp_emit_len(h),
		.link = ip_is_link_local(&to->src) ? to->link : LINK_ANY,
		.proto = IPPROTO_TCP,
		.src = to->dst,
		.dst = to->src,
	};
	uint8_t *slot = node_alloc(&t->n, d.off + d.len, &d);

	if (slot == NULL)
		return false;
	tcp_emit(slot + d.off, h);
	tcp_checksum_seal(slot + d.off, d.len, &d.src, &d.dst);
	node_put(&t->n, down, &d);
	node_count(&t->n, CNT_TCP_RESETS_SENT);
	return true;
}

/* No connection has it.  False: it cannot be answered now. */
static bool refuse(struct tcpd *t, struct ring_out *down, const struct desc *d,
    const struct tcp_hdr *h)
{
	struct tcp_hdr rst;

	if (tcp_reset_for(&rst, h, d->len - h->hdr_len)) {
		if (!node_room(&t->n, down, 1) || !send_reset(t, down, d, &rst))
			return false;
	}
	drop(t, d, CNT_TCP_NO_CONNECTION);
	return true;
}

/* False: there is no room for the answer; the segment is to wait. */
static bool segment_arrives(struct tcpd *t, struct ring_out *down,
    const uint8_t *p, const struct desc *d)
{
	struct tcp_hdr h;
	enum tcp_parse why;

	if (is_to_many(t, d)) {
		drop(t, d, CNT_TCP_TO_MANY);
		return true;
	}
	why = tcp_parse(&h, p, d->len);
	if (why != TCP_OK) {
		drop(t, d, CNT_TCP_SHORT + why - TCP_SHORT);
		return true;
	}
	if (!is_intact(p, d)) {
		drop(t, d, CNT_TCP_BAD_CHECKSUM);
		return true;
	}
	if (log_shows(&t->n.log, LOG_DEBUG))
		tcp_log(&t->n.log, &h);
	if (!refuse(t, down, d, &h))
		return false;
	node_count(&t->n, CNT_TCP_SEGMENTS_RECEIVED);
	return true;
}

void tcpd_rx(struct tcpd *t, struct ring_in *in, struct ring_out *down)
{
	uint32_t limit = node_limit(&t->n, TCPD_TURN);

	while (limit-- > 0 && !turn_full(&t->n.turn)) {
		struct desc d;
		const uint8_t *p = node_take(&t->n, in, &d);

		if (p == NULL)
			return;
		if (d.kind != PKT_DATA)
			drop(t, &d, CNT_TCP_ICMP_IGNORED);
		else if (!segment_arrives(t, down, p, &d)) {
			node_untake(in);
			return;
		}
	}
}
