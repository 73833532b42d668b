/*
 * fib.h - our addresses and routes, and the questions one asks of them
 *
 * ipd owns the table and publishes it (published.h); transports keep a copy,
 * made anew when its sequence word changes, and ask the same questions of it:
 * which link and next hop (longest prefix, then metric), from which source
 * address (RFC 6724), with which MTU.  Flat, so that it can be copied whole.
 */
#ifndef SHM_FIB_H
#define SHM_FIB_H

#include "shm/published.h"

enum fib_kind {
	FIB_UNICAST,   /* to the next hop by the link */
	FIB_LOCAL,     /* one of our own addresses: looped */
	FIB_BROADCAST, /* 255.255.255.255 or a subnet's (IPv4) */
	FIB_MULTICAST,
};

struct fib_route {
	struct ip_addr net;
	struct ip_addr via; /* valid if has_via */
	uint32_t metric;
	uint32_t mtu; /* 0: the link's */
	uint8_t plen;
	uint8_t link;
	uint8_t has_via;
	uint8_t pad[5];
};

struct fib {
	struct published p;
	uint32_t naddrs;
	uint32_t nroutes; /* on-link prefixes included */
	uint32_t nlinks;
	uint32_t link_mtu[TOPO_MAX_LINKS];
	struct fib_addr addr[TOPO_MAX_ADDRS];
	struct fib_route route[TOPO_MAX_ROUTES + TOPO_MAX_ADDRS];
};

struct fib_answer {
	enum fib_kind kind;
	struct ip_addr next_hop; /* FIB_UNICAST: the gateway; else dst itself */
	uint32_t mtu;
	uint8_t link; /* FIB_LOCAL: the one that has the address */
};

static_assert(sizeof(struct fib_route) == 48, "shared layout");

/*
 * Addresses and on-link prefixes of @topo, and its routes, into @ret, all
 * addresses as if valid.  Of ret->p nothing is changed.
 */
void fib_build(struct fib *ret, const struct topology *topo);

/* The same in steps: links alone; then an address with its on-link prefix, or a
 * route, for which there must be room.
 */
void fib_begin(struct fib *ret, const struct topology *topo);
void fib_add_addr(struct fib *f, const struct fib_addr *a);
void fib_add_route(struct fib *f, const struct topo_route *r);

/* Could @a be one of our addresses? */
bool fib_addr_could_be(const struct fib_addr *a, uint32_t nlinks);

/* @ip with all bits beyond the first @plen cleared. */
struct ip_addr fib_network(const struct ip_addr *ip, unsigned plen);

/* Could @f be true?  Every count, index and length in it is within bounds. */
bool fib_check(const struct fib *f);

/*
 * Copy @shared if it has changed since @copy, and if what it says could be
 * true: a table that fails the check is looked at only once, and the old one
 * kept.  True if *@copy is new.
 */
bool fib_refresh(struct fib *copy, const struct fib *shared);

/*
 * Is there a table that @copy has never been able to take?  Its writer died in
 * the middle of it, and the next one will write it whole: until then nobody
 * knows a route, and what waits is better left where it is.
 */
static inline bool fib_is_torn(const struct fib *copy, const struct fib *shared)
{
	return published_seq(&copy->p) == 0 && published_seq(&shared->p) != 0;
}

/*
 * The way to @dst, by @link if that is not LINK_ANY.  Link-local unicast of
 * IPv6 needs a link, unless there is one only; so do broadcast and multicast,
 * unless a route leads there.  127/8 and ::1 are local whatever the table says.
 * Returns 0, -ENETUNREACH (no route), -EINVAL (no such link).
 */
int fib_lookup(const struct fib *f, const struct ip_addr *dst, uint8_t link,
    struct fib_answer *ret);

/* The route that covers @dst, by @link if that is not LINK_ANY; or NULL. */
const struct fib_route *fib_route(
    const struct fib *f, const struct ip_addr *dst, uint8_t link);

/*
 * The source address for @dst over @link (RFC 6724, section 5; RFC 1122,
 * 3.3.4.3).  Tentative and duplicate addresses are never chosen.
 * Returns 0 or -EADDRNOTAVAIL.
 */
int fib_source(const struct fib *f, const struct ip_addr *dst, uint8_t link,
    struct ip_addr *ret);

/*
 * Is @ip one of ours and valid, or a loopback address?  Its link in *@link if
 * not NULL; of a link-local address of several links the first.
 */
bool fib_is_ours(const struct fib *f, const struct ip_addr *ip, uint8_t *link);

/* The same, on @link itself. */
bool fib_is_ours_on(
    const struct fib *f, const struct ip_addr *ip, uint8_t link);

/*
 * May a socket be bound to the unicast address @ip?  *@link is the one asked
 * for, or LINK_ANY; it becomes that of a link-local address of IPv6, for which
 * @device stands in, and LINK_ANY for all others.
 * Returns 0, -EADDRNOTAVAIL, -EINVAL (link-local, but where?).
 */
int fib_may_bind(const struct fib *f, const struct ip_addr *ip, uint8_t device,
    uint8_t *link);

/*
 * Is @dst a broadcast address on @link (LINK_ANY: on any): 255.255.255.255, or
 * that of a subnet we are in?
 */
bool fib_is_broadcast(
    const struct fib *f, const struct ip_addr *dst, uint8_t link);

#endif /* SHM_FIB_H */
