/*
 * icmp_rx.c - ICMP messages that came in: pings, and errors about our packets
 *
 * An error comes from a stranger and quotes a packet that we are said to have
 * sent.  It is checked for sense and handed to the transport of that packet,
 * which knows whether it did; it changes nothing here but the path MTU.
 */
#include <netinet/in.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "ipd/icmp_tx.h"
#include "ipd/quote.h"
#include "ipd/rx.h"
#include "ipd/tx.h"

enum {
	/* RFC 791, 3.1; RFC 8200, 3. */
	V4_OFF_SRC = 12,
	V6_OFF_SRC = 8,
};

/* Either family's header: what both have. */
struct message {
	uint8_t type, code;
	uint32_t info; /* MTU or pointer */
	uint16_t body_at, body_len;
};

static const uint8_t *icmp_bytes(const struct received *r)
{
	return r->p + r->upper_at;
}

static uint32_t icmp_len(const struct received *r)
{
	return r->len - r->upper_at;
}

/* ---- Echo */

/* RFC 792's way out for a clock that isn't universal time. */
static uint32_t ms_of_no_day(struct mono now)
{
	return 1U << 31 | (uint32_t)(now.ns / NS_PER_MS % (24 * 3600 * 1000));
}

static void emit_reply(struct datagram *t, const struct received *r)
{
	uint8_t *out = t->slot + t->d.off;

	if (ip_is_v4(&r->src))
		icmp_emit_echo_reply(out, icmp_bytes(r), icmp_len(r));
	else
		icmp6_emit_echo_reply(
		    out, &t->d.src, &t->d.dst, icmp_bytes(r), icmp_len(r));
}

/*
 * The source is the address that was asked; who asked a group is answered
 * from an address of the link (RFC 1122, 3.2.2.6; RFC 4443, 4.2).
 */
static bool answer_echo(struct ipd *ip, struct received *r)
{
	uint8_t options[IPV4_OPTIONS_MAX];
	struct datagram t = {
		.d = { .kind = PKT_DATA,
		    .off = SLOT_HEADROOM,
		    .len = icmp_len(r),
		    .link = ip_is_link_local(&r->src) ? r->d.link : LINK_ANY,
		    .proto = r->proto,
		    .tclass = r->tclass & 0xfc,
		    .src = r->dst,
		    .dst = r->src },
		.options = options,
	};

	if (r->to_many &&
	    fib_source(&ip->fib, &r->src, r->d.link, &t.d.src) < 0)
		return ipd_drop(ip, &r->d, CNT_ICMP_NO_SOURCE);
	if (r->h4.hdr_len > IPV4_HDR_LEN)
		t.options_len = (uint8_t)ipv4_options_echo(
		    options, &r->h4, &r->o4, &r->dst, ms_of_no_day(ip->n.now));
	t.slot = node_alloc(&ip->n, SLOT_HEADROOM + t.d.len, &t.d);
	if (t.slot == NULL && ip->n.home.p.nbig == 0)
		return ipd_drop(ip, &r->d, CNT_ICMP_NO_SLOT);
	if (t.slot == NULL)
		return false;
	emit_reply(&t, r);
	node_note(&ip->n, "for us, an echo request: answered");
	if (!tx_datagram(ip, &t)) {
		node_unalloc(&ip->n, &t.d);
		return false;
	}
	node_count(&ip->n, CNT_ICMP_ECHO_ANSWERED);
	node_give_back(&ip->n, &r->d);
	return true;
}

/* ---- Errors */

static void note_mtu(
    struct ipd *ip, const struct ip_addr *dst, uint32_t link, uint32_t mtu)
{
	struct pmtu_entry *e =
	    pmtu_place(&ip->s->pmtu, ip->s->key, dst, link, ip->n.now);

	node_touch(&ip->n, e, sizeof(*e));
	pmtu_set(e, dst, link, mtu, ip->n.now);
	node_count(&ip->n, CNT_PMTU_LOWERED);
}

/*
 * What the path takes after a report that says @said; 0: the report is absurd.
 * It never raises what we believe.  A report about a TCP segment is for tcpd to
 * judge, which remembers it for that connection alone.
 */
static uint32_t take_mtu(
    struct ipd *ip, const struct quote *q, uint8_t link, uint32_t said)
{
	uint32_t mtu = pmtu_from_report(ip_is_v4(&q->src), said, q->packet_len);
	struct fib_answer way;
	uint32_t known;

	if (mtu == 0)
		return 0;
	if (!ip_is_link_local(&q->dst))
		link = LINK_ANY;
	if (fib_lookup(&ip->fib, &q->dst, link, &way) < 0 ||
	    way.kind != FIB_UNICAST)
		return 0;
	known = way.mtu;
	if (tx_heeds_reports(q->proto))
		known = tx_path_mtu(ip, &q->dst, way.link, way.mtu);
	if (mtu >= known)
		return known;
	if (tx_heeds_reports(q->proto))
		note_mtu(ip, &q->dst, way.link, mtu);
	return mtu;
}

static bool says_too_big(const struct message *m, bool v4)
{
	if (v4)
		return m->type == ICMP_UNREACHABLE &&
		    m->code == ICMP_FRAG_NEEDED;
	return m->type == ICMP6_PACKET_TOO_BIG;
}

/* Where in the slot the error's own packet names its source. */
static uint32_t source_at(const struct received *r)
{
	return r->d.off + (ip_is_v4(&r->src) ? V4_OFF_SRC : V6_OFF_SRC);
}

static bool hand_up(struct ipd *ip, struct received *r, struct ring_out *out,
    const struct message *m, const struct quote *q)
{
	struct desc d = r->d;

	d.kind = PKT_ERROR;
	d.off = (uint16_t)(d.off + r->upper_at + m->body_at + q->transport_at);
	d.len = q->transport_len;
	d.proto = q->proto;
	d.src = q->src;
	d.dst = q->dst;
	d.icmp_type = m->type;
	d.icmp_code = m->code;
	d.icmp_from = (uint16_t)(d.off - source_at(r));
	d.icmp_info = m->info;
	node_note(&ip->n,
	    "for us, an ICMP error: to %s, which sent what it is"
	    " about",
	    ip->n.topo->procs[out->to].name);
	node_put(&ip->n, out, &d);
	return true;
}

static bool take_quote(struct ipd *ip, struct received *r, struct message *m,
    const struct quote *q, const uint8_t *quoted)
{
	struct ring_out *out;

	if (!fib_is_ours(&ip->fib, &q->src, NULL))
		return ipd_drop(ip, &r->d, CNT_QUOTE_NOT_OURS);
	out = rx_sender(ip, q->proto, &q->src, &q->dst,
	    quoted + q->transport_at, q->transport_len);
	if (out != NULL && !node_room(&ip->n, out, 1))
		return false;
	if (says_too_big(m, ip_is_v4(&q->src))) {
		m->info = take_mtu(ip, q, r->d.link, m->info);
		if (m->info == 0)
			return ipd_drop(ip, &r->d, CNT_ICMP_BAD_MTU);
	}
	node_count(&ip->n, CNT_ICMP_ERRORS_RECEIVED);
	if (out == NULL)
		return ipd_drop(ip, &r->d, CNT_QUOTE_NO_TRANSPORT);
	return hand_up(ip, r, out, m, q);
}

static bool rx_error(struct ipd *ip, struct received *r, struct message *m)
{
	const uint8_t *quoted = icmp_bytes(r) + m->body_at;
	struct quote q;
	enum quote_parse why = ip_is_v4(&r->src)
	    ? quote_parse4(&q, quoted, m->body_len)
	    : quote_parse6(&q, quoted, m->body_len);

	if (why != QUOTE_OK)
		return ipd_drop(ip, &r->d, CNT_QUOTE_SHORT + why - QUOTE_SHORT);
	return take_quote(ip, r, m, &q, quoted);
}

/* ---- By type */

static bool rx_icmp4(struct ipd *ip, struct received *r)
{
	struct icmp_hdr h;
	enum icmp_parse why = icmp_parse(&h, icmp_bytes(r), icmp_len(r));
	struct message m;

	if (why != ICMP_OK)
		return ipd_drop(ip, &r->d, CNT_ICMP_SHORT + why - ICMP_SHORT);
	if (log_shows(&ip->n.log, LOG_DEBUG))
		icmp_log(&ip->n.log, &h);
	m = (struct message){ h.type, h.code,
		h.type == ICMP_PARAMETER_PROBLEM ? h.pointer : h.mtu, h.body_at,
		h.body_len };
	switch (h.type) {
	case ICMP_ECHO:
		if (r->to_many)
			return ipd_drop(ip, &r->d, CNT_ICMP_ECHO_BROADCAST);
		return answer_echo(ip, r);
	case ICMP_ECHO_REPLY:
		node_note(&ip->n, "for us, an echo reply");
		return ipd_drop(ip, &r->d, CNT_ICMP_ECHO_REPLY);
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER_PROBLEM:
		return rx_error(ip, r, &m);
	case ICMP_SOURCE_QUENCH: /* RFC 6633 */
		return ipd_drop(ip, &r->d, CNT_ICMP_QUENCH);
	case ICMP_REDIRECT:
		return ipd_drop(ip, &r->d, CNT_ICMP_REDIRECT);
	default:
		return ipd_drop(ip, &r->d, CNT_ICMP_UNHANDLED);
	}
}

static bool rx_icmp6(struct ipd *ip, struct received *r)
{
	struct icmp6_hdr h;
	enum icmp6_parse why =
	    icmp6_parse(&h, &r->src, &r->dst, icmp_bytes(r), icmp_len(r));
	struct message m;

	if (why != ICMP6_OK)
		return ipd_drop(ip, &r->d, CNT_ICMP_SHORT + why - ICMP6_SHORT);
	if (log_shows(&ip->n.log, LOG_DEBUG))
		icmp6_log(&ip->n.log, &h);
	m = (struct message){ h.type, h.code,
		h.type == ICMP6_PARAMETER_PROBLEM ? h.pointer : h.mtu,
		h.body_at, h.body_len };
	switch (h.type) {
	case ICMP6_ECHO:
		return answer_echo(ip, r);
	case ICMP6_ECHO_REPLY:
		node_note(&ip->n, "for us, an echo reply");
		return ipd_drop(ip, &r->d, CNT_ICMP_ECHO_REPLY);
	case ICMP6_MLD_QUERY:
		return multicast_rx6(ip, r);
	case ICMP6_REDIRECT:
		return ipd_drop(ip, &r->d, CNT_ICMP_REDIRECT);
	default:
		/* RFC 4443, 2.4 (a): unknown errors go up all the same. */
		if (icmp6_is_error(h.type))
			return rx_error(ip, r, &m);
		return ipd_drop(ip, &r->d, CNT_ICMP_UNHANDLED);
	}
}

bool rx_icmp(struct ipd *ip, struct received *r)
{
	return ip_is_v4(&r->src) ? rx_icmp4(ip, r) : rx_icmp6(ip, r);
}
