/*
 * rx.c - segments from ipd: is it one, is it whole, whose is it?
 */
#include <netinet/in.h>

#include "tcpd/send.h"
#include "tcpd/tcpd.h"

static void drop(struct tcpd *t, const struct desc *d, uint32_t reason)
{
	node_count(&t->n, reason);
	log_debug(&t->n.log, "dropped, reason=%s, len=%u",
	    tcpd_counters[reason - CNT_NODE_END].name, d->len);
}

void tcpd_drop(struct tcpd *t, const struct segment *seg, uint32_t reason)
{
	node_count(&t->n, reason);
	log_debug(&t->n.log, "dropped, reason=%s, seq=%u, len=%u, flags=0x%x",
	    tcpd_counters[reason - CNT_NODE_END].name, seg->h.seq.n, seg->len,
	    seg->h.flags);
}

void tcpd_show(struct tcpd *t, const char *way, const struct ip_addr *from,
    const struct ip_addr *to, const struct tcp_hdr *h, uint32_t payload)
{
	char src[IP_TEXT_LEN], dst[IP_TEXT_LEN];

	log_debug(&t->n.log, "%s segment, %s to %s, %u bytes of payload", way,
	    ip_text(from, src), ip_text(to, dst), payload);
	tcp_log(&t->n.log, h);
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

/* True: *@ret is a segment; else it has been counted. */
static bool read_segment(
    struct tcpd *t, struct segment *ret, const uint8_t *p, const struct desc *d)
{
	enum tcp_parse why;

	if (is_to_many(t, d)) {
		drop(t, d, CNT_TCP_TO_MANY);
		return false;
	}
	why = tcp_parse(&ret->h, p, d->len);
	if (why != TCP_OK) {
		drop(t, d, CNT_TCP_SHORT + why - TCP_SHORT);
		return false;
	}
	if (!is_intact(p, d)) {
		drop(t, d, CNT_TCP_BAD_CHECKSUM);
		return false;
	}
	ret->ends = (struct tcp_tuple){
		.local = d->dst,
		.remote = d->src,
		.local_port = ret->h.dst_port,
		.remote_port = ret->h.src_port,
	};
	ret->payload = p + ret->h.hdr_len;
	ret->len = d->len - ret->h.hdr_len;
	ret->seg_len = ret->len + ((ret->h.flags & TCP_SYN) != 0) +
	    ((ret->h.flags & TCP_FIN) != 0);
	ret->gso_size = d->gso_size;
	ret->link = d->link;
	ret->tclass = d->tclass;
	ret->hops = d->hops;
	return true;
}

/* RFC 9293, 3.10.7.1: there is no connection, and nobody listens. */
static void refuse(struct tcpd *t, const struct segment *seg)
{
	if (!(seg->h.flags & TCP_RST))
		output_reset_for(t, seg);
	tcpd_drop(t, seg, CNT_TCP_NO_CONNECTION);
}

static void to_listener(struct tcpd *t, struct segment *seg)
{
	uint32_t listener = listen_find(t, seg);

	if (listener == NO_SOCKET) {
		node_note(
		    &t->n, "nobody listens on port %u", seg->ends.local_port);
		refuse(t, seg);
		return;
	}
	node_note(&t->n, "socket %u of app %u listens on port %u",
	    sub_of(listener), app_of(listener), seg->ends.local_port);
	listen_segment(t, listener, seg, NULL);
}

static void to_connection(struct tcpd *t, uint32_t id, struct segment *seg)
{
	struct tcb *c = conn_touch(t, id);

	node_note(&t->n, "connection %u, %s", id, tcp_state_name(c->state));
	c->stats.segs_in += segment_pieces(seg);
	if (c->flags & CONN_ABORTED)
		tcpd_drop(t, seg, CNT_TCP_ABORTED);
	else if (c->state == TCP_SYN_SENT)
		syn_sent_segment(t, c, seg);
	else
		input_segment(t, c, seg);
}

/* The same address on another link is another host. */
static bool by_wrong_link(
    const struct tcpd *t, uint32_t id, const struct segment *seg)
{
	uint8_t link =
	    id_is_linger(id) ? linger_get(t, id)->link : conn_get(t, id)->link;

	return link != LINK_ANY && link != seg->link &&
	    ip_is_link_local(&seg->ends.remote);
}

static void segment_arrives(
    struct tcpd *t, const uint8_t *p, const struct desc *d)
{
	struct segment seg;
	uint32_t id;

	if (!read_segment(t, &seg, p, d))
		return;
	if (log_shows(&t->n.log, LOG_DEBUG))
		tcpd_show(t, "rx", &d->src, &d->dst, &seg.h, seg.len);
	node_count(&t->n, CNT_TCP_SEGMENTS_RECEIVED);
	id = conn_find(t, &seg.ends);
	if (id != NO_ID && by_wrong_link(t, id, &seg))
		tcpd_drop(t, &seg, CNT_TCP_NO_CONNECTION);
	else if (id == NO_ID)
		to_listener(t, &seg);
	else if (id_is_linger(id))
		linger_segment(t, id, &seg);
	else
		to_connection(t, id, &seg);
}

void tcpd_rx(struct tcpd *t, struct ring_in *in)
{
	uint32_t limit = node_limit(&t->n, TCPD_TURN);

	/* What a segment is answered with at once must have room. */
	while (limit-- > 0 && conn_can_touch(t) && tcpd_has_room(t)) {
		struct desc d;
		const uint8_t *p = node_take(&t->n, in, &d);

		if (p == NULL)
			return;
		if (d.kind == PKT_DATA)
			segment_arrives(t, p, &d);
		else if (d.kind == PKT_ERROR)
			icmp_error(t, &d, p);
		else
			drop(t, &d, CNT_TCP_BAD_KIND);
		node_give_back(&t->n, &d);
	}
}
