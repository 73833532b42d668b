/*
 * send.c - one packet, or its fragments, and copies for ourselves: to linkd
 */
#include "ipd/fragment.h"
#include "ipd/show.h"
#include "ipd/tx.h"

#include <assert.h>
#include <netinet/in.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

static const struct ip_addr all_ones = {
	{ [10] = 0xff, [11] = 0xff, 0xff, 0xff, 0xff, 0xff }
};

static uint32_t take_id(struct ipd *ip, const struct ip_addr *src,
    const struct ip_addr *dst, uint8_t proto)
{
	uint32_t offset;
	uint32_t *counter =
	    ident_counter(&ip->s->ident, ip->s->key, src, dst, proto, &offset);

	node_touch(&ip->n, counter, sizeof(*counter));
	return offset + (*counter)++;
}

/* ---- Pieces */

static uint8_t *emit_piece4(
    uint8_t *out, const struct pieces *p, const struct fragment_piece *f)
{
	struct ipv4_hdr h = p->h4;

	if (f->offset > 0)
		h.hdr_len = (uint8_t)(IPV4_HDR_LEN +
		    ipv4_options_copied(h.options, &p->h4));
	h.frag_offset = (uint16_t)(h.frag_offset + f->offset);
	h.mf = h.mf || f->more;
	h.total_len = (uint16_t)(h.hdr_len + f->len);
	ipv4_emit(out, &h);
	return out + h.hdr_len;
}

static uint8_t *emit_piece6(uint8_t *out, const struct pieces *p, uint32_t id,
    const struct fragment_piece *f)
{
	struct ipv6_hdr h = p->h6;
	struct ipv6_frag_hdr frag = {
		.id = id,
		.offset = f->offset,
		.more = f->more,
		.next_header = p->next_header,
	};

	h.next_header = IPPROTO_FRAGMENT;
	h.payload_len = (uint16_t)(IPV6_FRAG_HDR_LEN + f->len);
	ipv6_emit(out, &h);
	ipv6_frag_emit(out + IPV6_HDR_LEN, &frag);
	return out + IPV6_HDR_LEN + IPV6_FRAG_HDR_LEN;
}

static uint32_t repeated_len(const struct pieces *p)
{
	return p->v4 ? p->h4.hdr_len : IPV6_HDR_LEN + IPV6_FRAG_HDR_LEN;
}

/* Room in the ring and slots for all, or none is sent. */
static enum send_pieces pieces_fit(
    struct ipd *ip, const struct pieces *p, uint32_t n, struct ring_out *out)
{
	const struct pool *own = &ip->n.home.p;
	uint32_t bytes = SLOT_HEADROOM + p->mtu;

	if (n > out->capacity ||
	    n > own->nbig + (bytes <= SMALL_SLOT ? own->nsmall : 0))
		return PIECES_IMPOSSIBLE;
	if (!node_room(&ip->n, out, n))
		return PIECES_LATER;
	if (node_slots_free(&ip->n, bytes) >= n)
		return PIECES_SENT;
	node_count(&ip->n, CNT_NO_SLOT);
	ip->n.starving = true;
	return PIECES_LATER;
}

static void send_piece(struct ipd *ip, const struct pieces *p, uint32_t id,
    const struct fragment_piece *f, struct ring_out *out)
{
	struct desc d = p->d;
	uint8_t *slot =
	    node_alloc(&ip->n, SLOT_HEADROOM + repeated_len(p) + f->len, &d);
	uint8_t *start = slot + SLOT_HEADROOM;
	uint8_t *data;

	assert(slot != NULL); /* pieces_fit() has counted them */
	data = p->v4 ? emit_piece4(start, p, f) : emit_piece6(start, p, id, f);
	memcpy(data, p->payload + f->offset, f->len);
	d.off = SLOT_HEADROOM;
	d.len = (uint32_t)(data - start) + f->len;
	d.l4 = (uint16_t)(data - start);
	show_tx(ip, start, &d);
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_FRAGMENTS_SENT);
}

enum send_pieces send_in_pieces(struct ipd *ip, struct pieces *p)
{
	struct ring_out *out = ip->down[p->d.link];
	struct fragment_cut cut;
	struct fragment_piece f;
	enum send_pieces fit;
	uint32_t id = 0;

	if (fragment_begin(&cut, p->mtu, repeated_len(p), p->len) < 0)
		return PIECES_IMPOSSIBLE;
	fit = pieces_fit(ip, p, fragment_left(&cut), out);
	if (fit != PIECES_SENT)
		return fit;
	if (p->draw_id && p->v4) {
		id = take_id(ip, &p->h4.src, &p->h4.dst, p->h4.proto);
		p->h4.id = (uint16_t)id;
	} else if (p->draw_id) {
		id = take_id(ip, &p->h6.src, &p->h6.dst, p->next_header);
	}
	while (fragment_next(&cut, &f))
		send_piece(ip, p, id, &f, out);
	node_count(&ip->n, CNT_FRAGMENTED);
	return PIECES_SENT;
}

/* ---- Whole packets */

static bool is_v4(const struct datagram *t)
{
	return ip_is_v4(&t->d.dst);
}

static void emit_header(struct datagram *t)
{
	uint8_t *at = t->slot + t->d.off - t->hdr_len;

	if (is_v4(t))
		ipv4_emit(at, &t->h4);
	else
		ipv6_emit(at, &t->h6);
}

/* What linkd is told of the packet whose header has just been written. */
static struct desc for_linkd(const struct datagram *t)
{
	struct desc d = t->d;

	d.kind = PKT_DATA;
	d.off = (uint16_t)(d.off - t->hdr_len);
	d.len += t->hdr_len;
	d.flags &= PKT_CSUM_PARTIAL | PKT_CONFIRM | PKT_REFS | PKT_GSO_ECN;
	d.link = t->way.link;
	d.l4 = (uint16_t)t->hdr_len;
	d.src = is_v4(t) ? t->h4.src : t->h6.src;
	d.dst = t->way.next_hop;
	if (t->way.kind == FIB_BROADCAST)
		d.dst = all_ones;
	if (t->way.kind == FIB_LOCAL)
		d.flags |= PKT_LOOP;
	return d;
}

/* Does some socket of ours want to hear it too? */
static bool is_heard_here(const struct ipd *ip, const struct datagram *t)
{
	if (t->way.kind == FIB_BROADCAST)
		return true;
	return t->way.kind == FIB_MULTICAST &&
	    (t->d.flags & PKT_MULTICAST_LOOP) &&
	    ipd_is_member(ip, &t->d.dst, t->way.link);
}

/* A group that is not to leave this host (RFC 4291, 2.7). */
static bool stays_here(const struct datagram *t)
{
	return t->way.kind == FIB_MULTICAST && !is_v4(t) &&
	    (t->d.dst.b[1] & 0xf) == 1;
}

static void loop_copy(struct ipd *ip, const struct datagram *t)
{
	struct ring_out *out = ip->down[t->way.link];
	struct desc whole = for_linkd(t);
	struct desc d = whole;
	uint8_t *slot = NULL;

	if (node_room(&ip->n, out, 1))
		slot = node_alloc(&ip->n, SLOT_HEADROOM + d.len, &d);
	if (slot == NULL) {
		node_count_other(&ip->n, CNT_TX_LOOP_NO_SLOT, 1);
		return;
	}
	memcpy(slot + SLOT_HEADROOM, t->slot + whole.off, d.len);
	d.off = SLOT_HEADROOM;
	d.flags &=
	    (uint16_t)~PKT_REFS; /* only what is in the slot was copied */
	d.flags |= PKT_LOOP;
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_LOOPED);
}

static bool send_whole(struct ipd *ip, struct datagram *t)
{
	struct ring_out *out = ip->down[t->way.link];
	bool heard = is_heard_here(ip, t);
	struct desc d;

	if (!node_room(&ip->n, out, heard ? 2 : 1))
		return false;
	/* An app that writes the header itself may have given one. */
	if (is_v4(t) && t->h4.id == 0)
		t->h4.id =
		    (uint16_t)take_id(ip, &t->h4.src, &t->h4.dst, t->h4.proto);
	emit_header(t);
	if (heard)
		loop_copy(ip, t);
	if (stays_here(t)) {
		node_give_back(&ip->n, &t->d);
		return true;
	}
	d = for_linkd(t);
	show_tx(ip, t->slot + d.off, &d);
	node_put(&ip->n, out, &d);
	node_count(&ip->n, is_v4(t) ? CNT_TX4 : CNT_TX6);
	if (d.flags & PKT_LOOP)
		node_count(&ip->n, CNT_LOOPED);
	return true;
}

/* Nobody below can sum what is spread over fragments. */
static void finish_checksum(struct datagram *t)
{
	uint8_t *p = t->slot + t->d.off;
	uint32_t sum;

	if (!(t->d.flags & PKT_CSUM_PARTIAL))
		return;
	sum = csum_add(0, p, t->d.len);
	be16_put(p + t->d.csum_offset,
	    t->d.proto == IPPROTO_UDP ? csum_fold_udp(sum) : csum_fold(sum));
	t->d.flags &= (uint16_t)~PKT_CSUM_PARTIAL;
	t->d.csum_start = 0;
	t->d.csum_offset = 0;
}

static bool send_cut(struct ipd *ip, struct datagram *t)
{
	struct desc whole = for_linkd(t);
	struct pieces p = {
		.d = { .kind = PKT_DATA,
		    .link = whole.link,
		    .flags = whole.flags & (PKT_LOOP | PKT_CONFIRM),
		    .proto = t->d.proto,
		    .src = whole.src,
		    .dst = whole.dst },
		.v4 = is_v4(t),
		.h4 = t->h4,
		.h6 = t->h6,
		.next_header = t->d.proto,
		.draw_id = true,
		.payload = t->slot + t->d.off,
		.len = t->payload,
		.mtu = t->mtu,
	};

	finish_checksum(t);
	switch (send_in_pieces(ip, &p)) {
	case PIECES_LATER:
		return false;
	case PIECES_IMPOSSIBLE:
		return tx_drop(ip, t, CNT_TX_TOO_MANY_PIECES);
	case PIECES_SENT:
		break;
	}
	if (is_heard_here(ip, t)) {
		emit_header(t);
		loop_copy(ip, t);
	}
	node_count(&ip->n, is_v4(t) ? CNT_TX4 : CNT_TX6);
	node_give_back(&ip->n, &t->d);
	return true;
}

static void note_way(struct ipd *ip, const struct datagram *t, bool cut)
{
	const char *link = ip->n.topo->links[t->way.link].name;
	char next[IP_TEXT_LEN], src[IP_TEXT_LEN];

	node_note(&ip->n, "source %s",
	    ip_text(is_v4(t) ? &t->h4.src : &t->h6.src, src));
	if (t->way.kind == FIB_LOCAL)
		node_note(&ip->n, "route: to ourselves");
	else
		node_note(&ip->n, "route: %s %s on %s, MTU %u",
		    ip_equal(&t->way.next_hop, &t->d.dst) ? "neighbour"
							  : "by gateway",
		    ip_text(&t->way.next_hop, next), link, t->mtu);
	if (cut)
		node_note(&ip->n, "%u bytes are too long: cut into fragments",
		    t->hdr_len + t->payload);
}

bool send_packet(struct ipd *ip, struct datagram *t)
{
	bool cut = t->d.gso_size == 0 && !stays_here(t) &&
	    t->hdr_len + t->payload > t->mtu;

	if (node_noting(&ip->n))
		note_way(ip, t, cut);
	return cut ? send_cut(ip, t) : send_whole(ip, t);
}
