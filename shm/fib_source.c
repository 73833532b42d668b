/*
 * fib_source.c - which of our addresses a packet is to come from
 *
 * RFC 6724, section 5, for both families.  Its rules 3, 4, 5.5 and 7 speak of
 * deprecated, home, advertised and temporary addresses, of which we have none.
 * For IPv4, RFC 1122, 3.3.4.3 adds that an address of the subnet through which
 * the packet leaves is to be preferred.
 */
#include <errno.h>

#include "shm/fib.h"

/* The labels of RFC 6724, 2.1; the longest prefix that matches counts. */
static const struct {
	struct ip_addr net;
	uint8_t bits;
	uint8_t label;
} policy[] = {
	/* clang-format off */
	{ { { [15] = 1 } },               128,  0 }, /* ::1 */
	{ { { [10] = 0xff, [11] = 0xff } }, 96, 4 }, /* ::ffff:0:0, IPv4 */
	{ { { 0 } },                       96,  3 }, /* ::/96 */
	{ { { 0x20, 0x01 } },              32,  5 }, /* Teredo */
	{ { { 0x20, 0x02 } },              16,  2 }, /* 6to4 */
	{ { { 0x3f, 0xfe } },              16, 12 },
	{ { { 0xfe, 0xc0 } },              10, 11 }, /* site-local */
	{ { { 0xfc } },                     7, 13 }, /* unique local */
	{ { { 0 } },                        0,  1 },
	/* clang-format on */
};

enum {
	SCOPE_LINK = 0x2,
	SCOPE_SITE = 0x5,
	SCOPE_GLOBAL = 0xe,
};

/* Leading bits in which two addresses agree. */
static unsigned common_bits(const struct ip_addr *a, const struct ip_addr *b)
{
	unsigned n = 0;

	while (n < 128 &&
	    (((unsigned)a->b[n / 8] ^ b->b[n / 8]) >> (7 - n % 8) & 1) == 0)
		n++;
	return n;
}

static uint8_t label_of(const struct ip_addr *ip)
{
	unsigned i = 0;

	while (common_bits(ip, &policy[i].net) < policy[i].bits)
		i++;
	return policy[i].label;
}

/* RFC 6724, 3.1 and 3.2. */
static unsigned scope_of(const struct ip_addr *ip)
{
	if (!ip_is_v4(ip) && ip_is_multicast(ip))
		return ip->b[1] & 0xf;
	if (ip_is_multicast(ip)) /* 224.0.0/24: this network only */
		return ip_v4(ip)[1] == 0 && ip_v4(ip)[2] == 0 ? SCOPE_LINK
							      : SCOPE_GLOBAL;
	if (ip_is_link_local(ip) || ip_is_loopback(ip))
		return SCOPE_LINK;
	if (!ip_is_v4(ip) && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0xc0)
		return SCOPE_SITE;
	return SCOPE_GLOBAL;
}

struct question {
	const struct ip_addr *dst;
	struct ip_addr next_hop;
	uint8_t link;
};

/* Above 0: @a is better than @b; below: worse; 0: the rules don't say. */
static int compare(const struct question *q, const struct fib_addr *a,
    const struct fib_addr *b)
{
	unsigned scope_a = scope_of(&a->ip);
	unsigned scope_b = scope_of(&b->ip);
	uint8_t label = label_of(q->dst);
	unsigned bits_a = common_bits(&a->ip, q->dst);
	unsigned bits_b = common_bits(&b->ip, q->dst);
	unsigned v4 = ip_is_v4(q->dst) ? 96 : 0;

	/* Rule 2: the smallest scope that reaches. */
	if (scope_a < scope_b)
		return scope_a < scope_of(q->dst) ? -1 : 1;
	if (scope_b < scope_a)
		return scope_b < scope_of(q->dst) ? 1 : -1;

	/* Rule 5: the outgoing interface. */
	if ((a->link == q->link) != (b->link == q->link))
		return a->link == q->link ? 1 : -1;

	/* RFC 1122: the subnet of the first hop. */
	if (v4) {
		bool in_a = ip_in_prefix(&q->next_hop, &a->ip, a->plen);
		bool in_b = ip_in_prefix(&q->next_hop, &b->ip, b->plen);

		if (in_a != in_b)
			return in_a ? 1 : -1;
	}

	/* Rule 6: the same label. */
	if ((label_of(&a->ip) == label) != (label_of(&b->ip) == label))
		return label_of(&a->ip) == label ? 1 : -1;

	/* Rule 8: the longest common prefix, within each one's own (2.2). */
	if (bits_a > a->plen + v4)
		bits_a = a->plen + v4;
	if (bits_b > b->plen + v4)
		bits_b = b->plen + v4;
	return (bits_a > bits_b) - (bits_a < bits_b);
}

/* May @a be asked to stand as a source for @q at all (RFC 6724, section 4)? */
static bool is_candidate(const struct question *q, const struct fib_addr *a)
{
	if (a->state != ADDR_VALID || ip_is_loopback(&a->ip) ||
	    ip_is_v4(&a->ip) != ip_is_v4(q->dst))
		return false;
	/* Another link's addresses mean nothing outside that link. */
	if (a->link != q->link && q->link != LINK_ANY &&
	    (ip_is_link_local(&a->ip) || scope_of(q->dst) == SCOPE_LINK))
		return false;
	return true;
}

int fib_source(const struct fib *f, const struct ip_addr *dst, uint8_t link,
    struct ip_addr *ret)
{
	struct question q = { .dst = dst, .next_hop = *dst, .link = link };
	const struct fib_addr *best = NULL;
	struct fib_answer way;

	/* Rule 1: to ourselves from the same address. */
	if (fib_is_ours(f, dst, NULL)) {
		*ret = *dst;
		return 0;
	}
	if (fib_lookup(f, dst, link, &way) == 0) {
		q.next_hop = way.next_hop;
		q.link = way.link;
	}
	for (uint32_t i = 0; i < f->naddrs; i++) {
		const struct fib_addr *a = &f->addr[i];

		if (is_candidate(&q, a) &&
		    (best == NULL || compare(&q, a, best) > 0))
			best = a;
	}
	if (best == NULL)
		return -EADDRNOTAVAIL;
	*ret = best->ip;
	return 0;
}
