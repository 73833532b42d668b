/*
 * stranger.c - one more on the wire, who has no stack
 *
 * Bytes are written here as the RFCs have them, by none of the stack's code.
 */
#include "tests/sim/stranger.h"

#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/sim/check.h"
#include "tests/sim/flows.h"
#include "tests/sim/host.h"
#include "tests/sim/sim.h"

enum {
	ETH = 14,
	IP4 = 20,
	IP6 = 40,
	ICMP = 8,
	ARP = 28,
	TYPE_IP4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_IP6 = 0x86dd,
	PROTO_ICMP = 1,
	PROTO_ICMP6 = 58,
	ID = 0x5151,
	PAYLOAD_MAX = 1200,
	QUOTE4 = 548,
	QUOTE6 = 1232,
	FRAME_MAX = 2048,
};

/* ---- Headers ---- */

static void put_eth(uint8_t *p, uint32_t to, uint16_t type)
{
	memset(p, 0, ETH);
	p[0] = p[6] = 2;
	p[5] = (uint8_t)(to + 1);
	p[11] = STRANGER + 1;
	be16_put(p + 12, type);
}

static void put_ip4_addr(uint8_t *p, uint32_t host)
{
	be32_put(p, 0xc0000200 + host + 1);
}

static void put_ip6_addr(uint8_t *p, uint32_t host)
{
	memset(p, 0, 16);
	be32_put(p, 0x20010db8);
	p[15] = (uint8_t)(host + 1);
}

static void put_ip4(uint8_t *p, uint32_t to, uint32_t len)
{
	memset(p, 0, IP4);
	p[0] = 0x45;
	be16_put(p + 2, (uint16_t)(IP4 + len));
	p[8] = 64;
	p[9] = PROTO_ICMP;
	put_ip4_addr(p + 12, STRANGER);
	put_ip4_addr(p + 16, to);
	be16_put(p + 10, csum_fold(csum_add(0, p, IP4)));
}

static void put_ip6(uint8_t *p, uint32_t to, uint32_t len)
{
	memset(p, 0, 8);
	p[0] = 0x60;
	be16_put(p + 4, (uint16_t)len);
	p[6] = PROTO_ICMP6;
	p[7] = 64;
	put_ip6_addr(p + 8, STRANGER);
	put_ip6_addr(p + 24, to);
}

static void seal6(uint8_t *ip, uint32_t len)
{
	/* The pseudo header of RFC 8200, 8.1. */
	uint8_t tail[8] = { 0, 0, 0, 0, 0, 0, 0, PROTO_ICMP6 };
	uint32_t sum = csum_add(0, ip + 8, 32);

	be32_put(tail, len);
	sum = csum_join(sum, csum_add(0, tail, sizeof(tail)));
	sum = csum_join(sum, csum_add(0, ip + IP6, len));
	be16_put(ip + IP6 + 2, csum_fold(sum));
}

/* ---- Echo ---- */

void stranger_open(struct sim *s)
{
	s->stranger = (struct stranger){ .next = MONO_NEVER };
	if (s->plan.pings > 0)
		s->stranger.next = flows_start(s);
}

struct mono stranger_next(const struct sim *s)
{
	return s->ending ? MONO_NEVER : s->stranger.next;
}

static void ping(struct sim *s, uint32_t to, uint32_t seq, uint32_t len)
{
	uint8_t f[FRAME_MAX];
	uint8_t *icmp = f + ETH + IP4;

	put_eth(f, to, TYPE_IP4);
	put_ip4(f + ETH, to, ICMP + len);
	memset(icmp, 0, ICMP);
	icmp[0] = 8;
	be16_put(icmp + 4, ID);
	be16_put(icmp + 6, (uint16_t)seq);
	pattern_fill(ID + seq, 0, icmp + ICMP, len);
	be16_put(icmp + 2, csum_fold(csum_add(0, icmp, ICMP + len)));
	wire_inject(s, STRANGER, to, f, ETH + IP4 + ICMP + len);
}

void stranger_run(struct sim *s)
{
	struct stranger *x = &s->stranger;
	struct ping *p = &x->ping[x->sent];

	if (!mono_reached(stranger_next(s), s->now))
		return;
	x->next = mono_add(
	    s->now, draw_log(s, 10 * NS_PER_US, s->plan.length_ns / 8));
	if (!flows_ready(s))
		return;
	p->host = (uint8_t)draw(s, 0, s->plan.hosts - 1);
	p->len = (uint32_t)draw(s, 0, PAYLOAD_MAX);
	ping(s, p->host, x->sent, p->len);
	if (++x->sent == s->plan.pings)
		x->next = MONO_NEVER;
}

static void hear_reply(struct sim *s, const uint8_t *icmp, uint32_t len)
{
	struct stranger *x = &s->stranger;
	uint32_t seq = be16_get(icmp + 6);
	struct ping *p = &x->ping[seq % PINGS_MAX];

	if (icmp[0] != 0 || csum_fold(csum_add(0, icmp, len)) != 0)
		return;
	if (be16_get(icmp + 4) != ID || seq >= x->sent ||
	    len != ICMP + p->len ||
	    !pattern_is(ID + seq, 0, icmp + ICMP, p->len))
		fail(s, "ping %u: the answer is another", seq);
	x->back += p->copies == 0;
	p->copies++;
	trace(s, "ping %u is back from h%u", seq, p->host);
}

void stranger_account(struct sim *s)
{
	const struct stranger *x = &s->stranger;

	if (x->back < x->sent && check_lossless(s))
		fail(s, "ping: %u of %u came back, and nobody lost them",
		    x->back, x->sent);
}

/* ---- ARP ---- */

static void answer_arp(struct sim *s, const uint8_t *q, uint32_t from)
{
	uint8_t f[ETH + ARP];
	uint8_t me[4];

	put_ip4_addr(me, STRANGER);
	if (be16_get(q + 6) != 1 || memcmp(q + 24, me, 4) != 0)
		return;
	put_eth(f, from, TYPE_ARP);
	memcpy(f + ETH, q, 8);
	be16_put(f + ETH + 6, 2);
	memcpy(f + ETH + 8, f + 6, 6);
	memcpy(f + ETH + 14, me, 4);
	memcpy(f + ETH + 18, q + 8, 10);
	wire_inject(s, STRANGER, from, f, sizeof(f));
}

void stranger_hears(struct sim *s, const struct frame *f)
{
	const uint8_t *p = f->b + wire_vnet(s);
	uint32_t len = f->len - wire_vnet(s);
	uint16_t type = be16_get(p + 12);

	if (type == TYPE_ARP && len >= ETH + ARP)
		answer_arp(s, p + ETH, f->from);
	if (type == TYPE_IP4 && len >= ETH + IP4 + ICMP && p[ETH] == 0x45 &&
	    p[ETH + 9] == PROTO_ICMP &&
	    csum_fold(csum_add(0, p + ETH, IP4)) == 0)
		hear_reply(
		    s, p + ETH + IP4, be16_get(p + ETH + 2) - (uint32_t)IP4);
}

/* ---- Packet too big: RFC 1191, RFC 8201 ---- */

static uint32_t complain4(
    struct sim *s, uint8_t *f, uint32_t to, const uint8_t *ip, uint32_t len)
{
	uint8_t *icmp = f + ETH + IP4;

	len = len < QUOTE4 ? len : QUOTE4;
	put_eth(f, to, TYPE_IP4);
	put_ip4(f + ETH, to, ICMP + len);
	memset(icmp, 0, ICMP);
	icmp[0] = 3;
	icmp[1] = 4;
	be16_put(icmp + 6, (uint16_t)s->plan.narrow_mtu);
	memcpy(icmp + ICMP, ip, len);
	be16_put(icmp + 2, csum_fold(csum_add(0, icmp, ICMP + len)));
	return ETH + IP4 + ICMP + len;
}

static uint32_t complain6(
    struct sim *s, uint8_t *f, uint32_t to, const uint8_t *ip, uint32_t len)
{
	uint8_t *icmp = f + ETH + IP6;

	len = len < QUOTE6 - ICMP ? len : QUOTE6 - ICMP;
	put_eth(f, to, TYPE_IP6);
	put_ip6(f + ETH, to, ICMP + len);
	memset(icmp, 0, ICMP);
	icmp[0] = 2;
	be32_put(icmp + 4, s->plan.narrow_mtu);
	memcpy(icmp + ICMP, ip, len);
	seal6(f + ETH, ICMP + len);
	return ETH + IP6 + ICMP + len;
}

void stranger_complains(struct sim *s, const struct frame *bad)
{
	const uint8_t *p = bad->b + wire_vnet(s);
	uint32_t len = bad->len - wire_vnet(s) - ETH;
	uint16_t type = be16_get(p + 12);
	uint8_t f[FRAME_MAX];

	if (type == TYPE_IP4 && (p[ETH + 6] & 0x40))
		len = complain4(s, f, bad->from, p + ETH, len);
	else if (type == TYPE_IP6)
		len = complain6(s, f, bad->from, p + ETH, len);
	else
		return;
	note(s, "wire: h%u is told of %u bytes", bad->from, s->plan.narrow_mtu);
	wire_inject(s, STRANGER, bad->from, f, len);
}
