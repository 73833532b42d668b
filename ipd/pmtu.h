/*
 * pmtu.h - how long a packet each path takes (RFC 1191, RFC 8201)
 *
 * What routers reported, by destination, forgotten after ten minutes so that a
 * path that became wider is found out.  Destinations that nobody complained
 * about are not in here: their limit is the link's.
 *
 * Flat, of fixed size, and all zero is an empty cache.  A destination has one
 * set of four places by a keyed hash, so nobody can choose whom to displace.
 */
#ifndef IPD_PMTU_H
#define IPD_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/clock.h"

enum {
	PMTU_SETS = 128,
	PMTU_WAYS = 4,
	PMTU_AGE_MS = 10 * 60 * 1000, /* RFC 1191, 6.3; RFC 8201, 5.3 */
	/*
	 * No report makes IPv4 packets shorter (Linux's min_pmtu): who forges
	 * one is not to have a kilobyte sent in 68 bytes each.  Where a link
	 * takes less, routers cut what has no DF.
	 */
	PMTU_LEAST4 = 552,
};

struct pmtu_entry {
	struct ip_addr dst;
	struct mono expires; /* 0: the place is free */
	uint32_t mtu;        /* bytes of IP */
	uint32_t link;       /* distinguishes link-local destinations */
};

struct pmtu_cache {
	struct pmtu_entry entry[PMTU_SETS][PMTU_WAYS];
};

/* What the path to @dst takes, or 0 if nobody complained. */
uint32_t pmtu_get(const struct pmtu_cache *c, const uint64_t key[2],
    const struct ip_addr *dst, uint32_t link, struct mono now);

/* The report that says so, or NULL. */
const struct pmtu_entry *pmtu_find(const struct pmtu_cache *c,
    const uint64_t key[2], const struct ip_addr *dst, uint32_t link,
    struct mono now);

/*
 * Where to note that the path to @dst takes only @mtu: the destination's own
 * place, a free one, or that which expires first.  The caller touches it
 * (turn.h) and calls pmtu_set().
 */
struct pmtu_entry *pmtu_place(struct pmtu_cache *c, const uint64_t key[2],
    const struct ip_addr *dst, uint32_t link, struct mono now);
void pmtu_set(struct pmtu_entry *e, const struct ip_addr *dst, uint32_t link,
    uint32_t mtu, struct mono now);

/*
 * The path MTU that follows from an ICMP error that says @said (0: nothing)
 * about a packet of @packet_len bytes.  Never below PMTU_LEAST4, or for IPv6
 * what every link takes.
 * 0: the report is absurd, since that packet would have passed or, for IPv6, no
 * link takes so little (RFC 8201, 4).
 */
uint32_t pmtu_from_report(bool v4, uint32_t said, uint32_t packet_len);

#endif /* IPD_PMTU_H */
