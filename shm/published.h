/*
 * published.h - a table that one process writes and others copy
 *
 * Each daemon has room for one in its X.out (wiring.h: OUT_TABLE_OFF).  What is
 * published is derived from the daemon's own state and is written again after
 * every start, so a death in the middle of an update only delays readers.
 *
 *	linkd	struct link_table: state of links, addresses, neighbours; behind
 *		it what befell frames on bad wires (struct link_out)
 *	ipd	struct fib (fib.h): addresses, routes
 *	udpd	struct group_table: multicast groups its sockets have joined,
 *		and of which protocols it has raw sockets
 *	tcpd	the same
 *
 * A sequence word makes the copy consistent: odd while the writer is at it.
 * The reader copies, checks the copy, and keeps its old one if the writer is
 * dead in the middle or lies.
 */
#ifndef SHM_PUBLISHED_H
#define SHM_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/layout.h"

struct published {
	_Atomic uint32_t seq; /* even: at rest; changes with every update */
};

/* Around the writer's stores. */
static inline void publish_begin(struct published *p)
{
	uint32_t seq = atomic_load_explicit(&p->seq, memory_order_relaxed);

	/* Odd already: the last instance died in here. */
	atomic_store_explicit(&p->seq, seq | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void publish_end(struct published *p)
{
	uint32_t seq = atomic_load_explicit(&p->seq, memory_order_relaxed);

	atomic_store_explicit(&p->seq, seq + 1, memory_order_release);
}

static inline uint32_t published_seq(const struct published *p)
{
	return atomic_load_explicit(&p->seq, memory_order_acquire);
}

/*
 * Copy @bytes at @from, which begin with a struct published, to @to.  False if
 * they were being written all the while; then *@to is not to be used.
 */
static inline bool published_copy(void *to, const void *from, size_t bytes)
{
	const struct published *p = from;

	for (int attempt = 0; attempt < 8; attempt++) {
		uint32_t seq = published_seq(p);

		if (seq & 1)
			continue;
		memcpy(to, from, bytes);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&p->seq, memory_order_relaxed) == seq)
			return true;
	}
	return false;
}

/* An address of ours, as linkd knows it (dad.h says how it gets there). */
enum addr_state {
	ADDR_TENTATIVE, /* being probed: not to be used as a source */
	ADDR_VALID,
	ADDR_DUPLICATE, /* somebody else has it: not to be used at all */
	NADDR_STATES,
};

/* One of ours, with the length of its on-link prefix. */
struct fib_addr {
	struct ip_addr ip;
	uint8_t plen;
	uint8_t link;
	uint8_t state; /* enum addr_state */
	uint8_t pad[5];
};

static_assert(sizeof(struct fib_addr) == 24, "shared layout");

enum {
	LINK_TABLE_NEIGHBOURS = 1024,
	GROUP_TABLE_MAX = 1024,
};

struct link_neighbour {
	struct ip_addr ip;
	uint8_t mac[6];
	uint8_t link;
	uint8_t state; /* enum neighbour_state of linkd/neighbour.h */
	char state_name[16];
};

struct link_table {
	struct published p;
	uint32_t naddrs; /* on its links */
	uint32_t nneighbours;
	struct fib_addr addr[TOPO_MAX_ADDRS];
	uint8_t link_mac[TOPO_MAX_LINKS][6];
	uint32_t link_mtu[TOPO_MAX_LINKS]; /* what the device really has */
	uint8_t link_offload[TOPO_MAX_LINKS];
	struct link_neighbour neighbour[LINK_TABLE_NEIGHBOURS];
};

/*
 * What linkd has there.  No sequence word is about the counts: they only grow,
 * each by itself, and are written after the commit of the turn that counted.
 */
struct link_out {
	struct link_table table;
	alignas(CACHE_LINE) _Atomic uint64_t
	    impaired[TOPO_MAX_LINKS][NIMPAIR_WAYS][NIMPAIRED];
};

/* Groups that some socket has joined; linkd and ipd read them. */
struct group {
	struct ip_addr ip;
	uint8_t link; /* or LINK_ANY */
	uint8_t pad[7];
};

struct group_table {
	struct published p;
	uint32_t ngroups;
	struct group group[GROUP_TABLE_MAX];
	uint64_t raw[2][4]; /* IPv4, IPv6: a bit for each protocol (PKT_RAW) */
};

/* Is there a ping or raw socket for packets of @proto? */
static inline bool group_table_wants(
    const struct group_table *t, bool v4, uint8_t proto)
{
	return t->raw[v4 ? 0 : 1][proto / 64] >> (proto % 64) & 1;
}

#endif /* SHM_PUBLISHED_H */
