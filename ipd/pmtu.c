/*
 * pmtu.c - how long a packet each path takes (RFC 1191, RFC 8201)
 */
#include "ipd/pmtu.h"

#include <stddef.h>

#include "ipd/ipv6.h"
#include "shm/siphash.h"

static size_t set_of(
    const uint64_t key[2], const struct ip_addr *dst, uint32_t link)
{
	uint8_t text[sizeof(*dst) + 4];

	memcpy(text, dst, sizeof(*dst));
	memcpy(text + sizeof(*dst), &link, 4);
	return siphash(key, text, sizeof(text)) % PMTU_SETS;
}

/* Links tell apart only what means nothing outside its link. */
static uint32_t zone(const struct ip_addr *dst, uint32_t link)
{
	return ip_is_link_local(dst) ? link : 0;
}

static bool is_live(const struct pmtu_entry *e, struct mono now)
{
	return e->expires.ns != 0 && !mono_reached(e->expires, now);
}

const struct pmtu_entry *pmtu_find(const struct pmtu_cache *c,
    const uint64_t key[2], const struct ip_addr *dst, uint32_t link,
    struct mono now)
{
	const struct pmtu_entry *set;

	link = zone(dst, link);
	set = c->entry[set_of(key, dst, link)];
	for (size_t i = 0; i < PMTU_WAYS; i++)
		if (is_live(&set[i], now) && set[i].link == link &&
		    ip_equal(&set[i].dst, dst))
			return &set[i];
	return NULL;
}

uint32_t pmtu_get(const struct pmtu_cache *c, const uint64_t key[2],
    const struct ip_addr *dst, uint32_t link, struct mono now)
{
	const struct pmtu_entry *e = pmtu_find(c, key, dst, link, now);

	return e != NULL ? e->mtu : 0;
}

struct pmtu_entry *pmtu_place(struct pmtu_cache *c, const uint64_t key[2],
    const struct ip_addr *dst, uint32_t link, struct mono now)
{
	struct pmtu_entry *set, *victim;

	link = zone(dst, link);
	set = c->entry[set_of(key, dst, link)];
	victim = &set[0];
	for (size_t i = 0; i < PMTU_WAYS; i++) {
		if (set[i].link == link && ip_equal(&set[i].dst, dst))
			return &set[i];
		if (is_live(victim, now) &&
		    mono_before(set[i].expires, victim->expires))
			victim = &set[i];
	}
	return victim;
}

void pmtu_set(struct pmtu_entry *e, const struct ip_addr *dst, uint32_t link,
    uint32_t mtu, struct mono now)
{
	*e = (struct pmtu_entry){
		.dst = *dst,
		.expires = mono_add_ms(now, PMTU_AGE_MS),
		.mtu = mtu,
		.link = zone(dst, link),
	};
}

/* RFC 1191, 7.1: the next lower MTU that some kind of link has. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002,
		1492, 1006 };

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return PMTU_LEAST4;
}

uint32_t pmtu_from_report(bool v4, uint32_t said, uint32_t packet_len)
{
	uint32_t least = v4 ? PMTU_LEAST4 : IPV6_MTU_MIN;

	if (said >= packet_len || packet_len <= least)
		return 0;
	/* RFC 8201, 4: such a report must be discarded, not rounded up. */
	if (!v4)
		return said < least ? 0 : said;
	/* Only routers from before RFC 1191 say nothing. */
	if (said == 0)
		return plateau_below(packet_len);
	return said < least ? least : said;
}
