/*
 * raw.c - sockets of ICMP echoes (ping) and of any protocol (raw)
 *
 * ipd copies a packet for us if there is a socket for its protocol, before it
 * looks into it itself.  So here, too, nothing in it has been checked but the
 * IP header.
 */
#include "udpd/raw.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "udpd/port.h"
#include "udpd/rx.h"

enum {
	ICMP_CHECKSUM_AT = 2,

	/* RFC 791, 3.1 */
	IPV4_HDR_LEN = 20,
	IPV4_LEN_AT = 2,
	IPV4_CHECKSUM_AT = 10,
};

/* A packet's upper part: what follows its IP headers. */
struct upper {
	const uint8_t *p;
	uint32_t len;
};

/* ---- Up */

static bool is_icmp(const struct desc *d)
{
	return d->proto == (ip_is_v4(&d->src) ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* ICMP of IPv4 sums no pseudo header. */
static bool sum_is_right(const struct desc *d, const struct upper *m)
{
	uint32_t sum = 0;

	if (d->flags & (PKT_CSUM_VALID | PKT_CSUM_PARTIAL))
		return true;
	if (!ip_is_v4(&d->src))
		sum = csum_pseudo(&d->src, &d->dst, d->proto, m->len);
	return csum_fold(csum_add(sum, m->p, m->len)) == 0;
}

static struct flow flow_of(const struct desc *d, enum usock_kind kind)
{
	return (struct flow){
		.kind = (uint8_t)kind,
		.local = d->dst,
		.peer = d->src,
		.local_port = d->proto,
		.link = d->link,
	};
}

static void rx_echo(struct udpd *u, struct rx_shares *s, const struct desc *d,
    const struct upper *m)
{
	uint8_t reply = ip_is_v4(&d->src) ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	struct flow f = flow_of(d, USOCK_PING);
	uint32_t id;

	if (!is_icmp(d) || m->len < ICMP_HDR_LEN || m->p[0] != reply)
		return;
	f.local_port = be16_get(m->p + ICMP_ID_AT);
	id = port_lookup(u, &f);
	if (id == NO_SOCKET) {
		node_note(&u->n, "no ping socket has id %u", f.local_port);
		return;
	}
	if (!sum_is_right(d, m)) {
		node_count(&u->n, CNT_RX_BAD_CHECKSUM);
		return;
	}
	rx_deliver(u, s, id, d, 0, m->p, m->len);
}

/* ICMP_FILTER has bits for the types below 32, ICMP6_FILTER for all. */
static bool is_filtered(
    const struct usock *s, const struct desc *d, const struct upper *m)
{
	uint8_t type;

	if (!is_icmp(d))
		return false;
	if (m->len < ICMP_HDR_LEN)
		return true;
	type = m->p[0];
	if (ip_is_v4(&d->src) && type >= 32)
		return false;
	return s->filter[type / 32] >> (type % 32) & 1;
}

/* RFC 3542, 3.1: only packets whose sum is right. */
static bool is_spoilt(
    const struct usock *s, const struct desc *d, const struct upper *m)
{
	if (s->family != AF_INET6 || s->csum_at < 0)
		return false;
	return m->len < (uint32_t)s->csum_at + 2 || !sum_is_right(d, m);
}

static void rx_members(struct udpd *u, struct rx_shares *all,
    const struct desc *d, const uint8_t *p, const struct upper *m)
{
	struct flow f = flow_of(d, USOCK_RAW);
	bool v4 = ip_is_v4(&d->src);

	for (uint32_t id = port_next_member(u, &f, NO_SOCKET); id != NO_SOCKET;
	     id = port_next_member(u, &f, id)) {
		const struct usock *s = &u->state->sock[id];

		if (!apps_can_touch(&u->apps)) {
			node_count(&u->n, CNT_RX_TOO_MANY);
			return;
		}
		if (is_filtered(s, d, m))
			continue;
		if (is_spoilt(s, d, m))
			node_count(&u->n, CNT_RX_BAD_CHECKSUM);
		else
			rx_deliver(u, all, id, d, 0, v4 ? p : m->p,
			    v4 ? d->len : m->len);
	}
}

void raw_rx(struct udpd *u, const struct desc *d, const uint8_t *p)
{
	struct rx_shares s = { .got = 0 };
	struct upper m;

	if (d->l4 > d->len || d->len - d->l4 > DGRAM_MAX ||
	    (ip_is_v4(&d->src) && d->len > DGRAM_MAX)) {
		node_count(&u->n, CNT_RX_BAD_LENGTH);
		return;
	}
	node_count(&u->n, CNT_RX_RAW);
	m = (struct upper){ p + d->l4, d->len - d->l4 };
	rx_echo(u, &s, d, &m);
	rx_members(u, &s, d, p, &m);
	rx_count_shares(u, &s);
}

/* ---- Down */

/* The pseudo header has the source in it, so we must know it. */
static int choose_source(const struct udpd *u, struct desc *d)
{
	struct fib_answer way;

	if (!ip_is_any(&d->src))
		return 0;
	if (fib_lookup(&u->fib, &d->dst, d->link, &way) < 0 ||
	    fib_source(&u->fib, &d->dst, way.link, &d->src) < 0)
		return -ENETUNREACH;
	d->link = way.link;
	return 0;
}

static int seal(const struct udpd *u, struct desc *d, uint8_t *p, uint32_t at)
{
	uint32_t sum = 0;
	int r;

	if (d->len < at + 2)
		return -EINVAL;
	if (!ip_is_v4(&d->dst)) {
		r = choose_source(u, d);
		if (r < 0)
			return r;
		sum = csum_pseudo(&d->src, &d->dst, d->proto, d->len);
	}
	be16_put(p + at, 0);
	sum = csum_add(sum, p, d->len);
	be16_put(p + at,
	    d->proto == IPPROTO_UDP ? csum_fold_udp(sum) : csum_fold(sum));
	return 0;
}

/* Echo requests alone, with our id: so nobody can ask in another's name. */
static int tx_echo(
    const struct udpd *u, const struct usock *s, struct desc *d, uint8_t *p)
{
	uint8_t request = ip_is_v4(&d->dst) ? ICMP_ECHO : ICMP6_ECHO_REQUEST;

	if (d->len < ICMP_HDR_LEN || p[0] != request || p[1] != 0)
		return -EINVAL;
	be16_put(p + ICMP_ID_AT, s->local.port);
	return seal(u, d, p, ICMP_CHECKSUM_AT);
}

/* raw(7): length and checksum are always ours; the rest as the app has it. */
static int tx_header(struct desc *d, uint8_t *p)
{
	uint32_t hdr_len;

	if (d->len < IPV4_HDR_LEN)
		return -EINVAL;
	hdr_len = (p[0] & 0xfU) * 4;
	if (hdr_len < IPV4_HDR_LEN || hdr_len > d->len)
		return -EINVAL;
	be16_put(p + IPV4_LEN_AT, (uint16_t)d->len);
	be16_put(p + IPV4_CHECKSUM_AT, 0);
	be16_put(p + IPV4_CHECKSUM_AT, csum_fold(csum_add(0, p, hdr_len)));
	d->flags |= PKT_HDRINCL;
	return 0;
}

int raw_tx(struct udpd *u, const struct usock *s, struct desc *d, uint8_t *p)
{
	if (s->kind == USOCK_PING)
		return tx_echo(u, s, d, p);
	if (s->so & APP_SO_HDRINCL)
		return tx_header(d, p);
	if (s->family == AF_INET6 && s->csum_at >= 0)
		return seal(u, d, p, (uint32_t)s->csum_at);
	return 0;
}
