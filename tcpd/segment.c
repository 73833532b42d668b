/*
 * segment.c - one segment, or a super-segment, as a descriptor for ipd
 */
#include "tcpd/segment.h"

#include <netinet/in.h>

#include "tcpd/tcpd.h"

enum {
	CSUM_AT = 16,    /* in the TCP header */
	COPY_MAX = 1024, /* bytes that are cheaper copied than named */
	NREFS = 2,       /* the ring wraps once */
};

static_assert(SLOT_HEADROOM + TCP_HDR_MAX + COPY_MAX <= SMALL_SLOT, "it fits");

/* A connection's packets are cut by nobody but us (RFC 1191). */
static uint16_t flags_of(const struct tcb *c)
{
	uint16_t flags = PKT_CSUM_PARTIAL;

	if (c->o.mtu_discover != IP_PMTUDISC_DONT)
		flags |= PKT_DONT_FRAGMENT;
	if (c->o.flags & TSOCK_DONTROUTE)
		flags |= PKT_NO_ROUTE;
	return flags;
}

static void put_refs(
    const struct tcb *c, const struct outgoing *o, uint8_t *slot)
{
	uint32_t at = (uint32_t)o->at & (APP_TX_BYTES - 1);
	uint32_t first =
	    o->len < APP_TX_BYTES - at ? o->len : APP_TX_BYTES - at;
	uint32_t ring = (uint32_t)a2s_tx_off(sub_of(c->sock));
	struct ref ref[NREFS] = {
		{
		    .off = ring + at,
		    .len = (uint16_t)first,
		    .app = (uint16_t)app_of(c->sock),
		},
		{
		    .off = ring,
		    .len = (uint16_t)(o->len - first),
		    .app = (uint16_t)app_of(c->sock),
		},
	};

	memcpy(slot, ref, sizeof(ref));
}

static void note_sent(
    struct tcpd *t, const struct desc *d, struct tcp_hdr *h, uint32_t payload)
{
	node_count(&t->n, CNT_TCP_SEGMENTS_SENT);
	if (h->flags & TCP_RST)
		node_count(&t->n, CNT_TCP_RESETS_SENT);
	if (log_shows(&t->n.log, LOG_DEBUG)) {
		h->hdr_len = (uint8_t)tcp_emit_len(h);
		tcpd_show(t, "tx", &d->src, &d->dst, h, payload);
	}
}

bool segment_send(struct tcpd *t, const struct tcb *c, struct outgoing *o)
{
	bool copied = o->len <= COPY_MAX;
	uint32_t hdr_len;
	struct desc d = {
		.kind = PKT_DATA,
		.flags = flags_of(c),
		.off = SLOT_HEADROOM,
		.link = c->link,
		.proto = IPPROTO_TCP,
		.hops = c->o.hops,
		.tclass = (uint8_t)(c->o.tclass | o->ecn),
		.src = c->ends.local,
		.dst = c->ends.remote,
	};
	char flags[TCP_FLAGS_TEXT];
	uint8_t *slot;

	o->h.src_port = c->ends.local_port;
	o->h.dst_port = c->ends.remote_port;
	hdr_len = (uint32_t)tcp_emit_len(&o->h);
	d.len = hdr_len + (copied ? o->len : 0);
	d.csum_offset = CSUM_AT;
	if (o->len > o->mss)
		d.gso_size = (uint16_t)o->mss;
	if (d.gso_size != 0 && (o->h.flags & TCP_CWR))
		d.flags |= PKT_GSO_ECN;
	if (!node_room(&t->n, t->down, 1))
		return false;
	slot = node_alloc(&t->n, d.off + d.len, &d);
	if (slot == NULL)
		return false;
	node_note(&t->n, "connection %u sends %s, %u bytes%s", conn_id(t, c),
	    tcp_flags_text(o->h.flags, flags), o->len,
	    copied ? "" : ", which stay in the app's ring");
	tcp_emit(slot + d.off, &o->h);
	if (copied && o->len > 0) {
		app_ring_read(slot + d.off + hdr_len,
		    apps_tx_ring(&t->streams.apps, c->sock), APP_TX_BYTES,
		    o->at, o->len);
	} else if (!copied) {
		put_refs(c, o, slot);
		node_refers(&t->n, &d, app_of(c->sock));
		d.flags |= PKT_REFS;
	}
	node_put(&t->n, t->down, &d);
	note_sent(t, &d, &o->h, o->len);
	return true;
}

void segment_send_bare(struct tcpd *t, const struct bare *b, struct tcp_hdr *h)
{
	struct desc d = {
		.kind = PKT_DATA,
		.flags = PKT_DONT_FRAGMENT | PKT_CSUM_PARTIAL,
		.off = SLOT_HEADROOM,
		.len = (uint32_t)tcp_emit_len(h),
		.link = b->link,
		.proto = IPPROTO_TCP,
		.hops = b->hops,
		.tclass = b->tclass,
		.src = b->ends.local,
		.dst = b->ends.remote,
	};
	char flags[TCP_FLAGS_TEXT];
	uint8_t *slot = node_alloc(&t->n, d.off + d.len, &d);

	if (slot == NULL)
		return; /* against the contract; the peer asks again */
	h->src_port = b->ends.local_port;
	h->dst_port = b->ends.remote_port;
	d.csum_offset = CSUM_AT;
	node_note(&t->n, "answered with %s", tcp_flags_text(h->flags, flags));
	tcp_emit(slot + d.off, h);
	node_put(&t->n, t->down, &d);
	note_sent(t, &d, h, 0);
}
