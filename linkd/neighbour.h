/*
 * neighbour.h - who is on the link, and whether they still answer (RFC 4861)
 *
 * One table and one state machine for NDP and ARP alike: an ARP reply is an
 * advertisement with the solicited and override flags, an ARP request is
 * information from a solicitation.
 *
 *                   wanted                 heard
 *          (free) -----------> INCOMPLETE ------> STALE <---+
 *             |  \ heard          |   | advert      | wanted | other address,
 *             |   +-> STALE       |   v             v        | or 30 s silence
 *             |                   | REACHABLE <--- DELAY     |
 *             |            no     |   ^  |          | 5 s    |
 *             |          answer   |   |  +----------|--------+
 *             |                   v   | advert      v
 *             +<---- drained --- FAILED, or lost - PROBE
 *
 * What lies where.  The table, its entries and the packets that wait are flat,
 * without pointers, in memory that survives this process; every change of a
 * reachable byte is announced by touch() first.  Struct neighbours is the
 * private handle: hash, timer heap, free lists, all rebuilt from the table by
 * neighbour_open().
 *
 * Packets wait as copies, in chains of blocks.  Bytes written into a free
 * block are not announced: nobody can reach them before the (announced) link
 * to them.  Hence a block freed in a turn may be used again only in the next
 * one, since an undo would make its packet reachable again: neighbour_turn()
 * says when.
 */
#ifndef LINKD_NEIGHBOUR_H
#define LINKD_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/eth.h"
#include "linkd/span.h"
#include "linkd/touch.h"
#include "shm/addr.h"
#include "shm/clock.h"
#include "shm/topology.h"

enum {
	NEIGHBOUR_ENTRIES = 1024, /* as linkd uses it */
	NEIGHBOUR_BLOCK = 2048,   /* bytes, its header included */
	NEIGHBOUR_HEADER = 64,    /* what the caller may keep with a packet */
	NEIGHBOUR_DATA = NEIGHBOUR_BLOCK - 16 - NEIGHBOUR_HEADER,
};

#define NEIGHBOUR_NONE UINT32_MAX

enum neighbour_state {
	NEIGHBOUR_FREE,
	NEIGHBOUR_INCOMPLETE, /* being resolved; packets wait */
	NEIGHBOUR_REACHABLE,  /* confirmed less than reachable time ago */
	NEIGHBOUR_STALE,      /* has an address; nothing is known about it */
	NEIGHBOUR_DELAY,      /* in use again; upper layers may yet confirm */
	NEIGHBOUR_PROBE,      /* being asked by unicast */
	NEIGHBOUR_FAILED,     /* did not answer; its packets go back to ipd */
	NEIGHBOUR_PERMANENT,  /* somebody said so; never asked, never expires */
	NEIGHBOUR_NSTATES,
};

/* Persistent. */
struct neighbour {
	struct ip_addr ip;
	struct mac mac; /* zero while INCOMPLETE or FAILED */
	uint8_t link;   /* index into the topology's links */
	uint8_t state;  /* enum neighbour_state */
	uint8_t router; /* IsRouter */
	uint8_t pad;
	uint16_t tries;      /* solicitations sent in this state */
	uint32_t queue_head; /* first block of the oldest packet, or NONE */
	uint32_t queue_tail; /* first block of the newest packet */
	uint32_t queue_blocks;
	struct mono deadline;  /* of the state; never for some */
	struct mono used;      /* last packet, to a second; 0: none ever */
	struct mono confirmed; /* last proof of reachability */
};

/* Persistent.  A packet's first block also tells about the packet. */
struct neighbour_block {
	uint32_t next;        /* block of the same packet, or NONE */
	uint32_t next_packet; /* first block of the next packet, or NONE */
	uint32_t len;         /* bytes of the packet, without the header */
	uint32_t header_len;
	uint8_t header[NEIGHBOUR_HEADER];
	uint8_t data[NEIGHBOUR_DATA];
};

/* Persistent: the head; entries and blocks follow. */
struct neighbour_table {
	uint64_t magic;
	uint32_t entries;
	uint32_t blocks;
	uint64_t random; /* xorshift64*; for reachable times */
	uint64_t hash_key;
};

enum neighbour_count {
	NEIGHBOUR_DROP_OLDEST,   /* packet pushed out by a newer one */
	NEIGHBOUR_DROP_TOO_BIG,  /* packet larger than the neighbour's queue */
	NEIGHBOUR_DROP_NO_BLOCK, /* no memory for waiting packets is left */
	NEIGHBOUR_DROP_GONE,     /* packet of an entry that was given up */
	NEIGHBOUR_DROP_FULL,     /* no entry to be had: table or link's share */
	NEIGHBOUR_EVICTED,       /* STALE entry made room */
	NEIGHBOUR_MENDED,        /* entry or queue found broken and discarded */
	NEIGHBOUR_NCOUNTS,
};

struct neighbour_packet;

/* Private to the process.  Fields are the modules' own. */
struct neighbours {
	struct neighbour_table *table;
	struct neighbour *entry;
	struct neighbour_block *block;
	struct touch touch;
	const struct topo_neighbour *conf[TOPO_MAX_LINKS];
	uint32_t nlinks;
	uint32_t entries, blocks; /* checked copies */
	uint64_t count[NEIGHBOUR_NCOUNTS];

	/* To be set by who wants to see what is dropped though it waited. */
	void (*dropped)(void *ctx, const struct neighbour *e,
	    const struct neighbour_packet *p, enum neighbour_count why);
	void *dropped_ctx;

	uint32_t *bucket, *chain; /* hash by link and address */
	uint32_t bucket_mask;
	uint32_t *heap, *heap_at; /* entries by deadline; where each stands */
	uint32_t heap_len;
	uint32_t *ready_next, *ready_prev; /* entries whose packets can go */
	uint32_t ready_head, ready_tail;
	uint32_t *free_entry, *free_block, *freed_block; /* stacks */
	uint32_t nfree_entry, nfree_block, nfreed_block;
	uint32_t incomplete[TOPO_MAX_LINKS];
	uint32_t *announced; /* turn in which the entry was touched last */
	uint32_t turn;
};

/* --- making and attaching --- */

/* Bytes of persistent memory, to be aligned to 64. */
size_t neighbour_table_size(uint32_t entries, uint32_t blocks);

/* Make an empty table in @mem, once in the life of a stack. */
void neighbour_format(
    void *mem, uint32_t entries, uint32_t blocks, uint64_t seed);

/*
 * Attach to the table of @size bytes in @mem, which lives on after us, and
 * rebuild the hints.  @conf has one line for each of @nlinks links and must
 * outlive the handle; a link that is not ours may be NULL.  Entries that make
 * no sense (state, link, queue) are discarded and counted; like every call
 * that changes the table this one belongs into a turn.
 *
 * -EINVAL: not a table, or it does not fit @size; -ENOMEM.
 */
int neighbour_open(struct neighbours *ret, void *mem, size_t size,
    struct touch t, const struct topo_neighbour *const *conf, uint32_t nlinks);
void neighbour_close(struct neighbours *n);

/* Rebuild the hints from the table; for after an undo in this process. */
void neighbour_rebuild(struct neighbours *n);

/*
 * A new turn begins; not to be left out.  What the last one freed can be used
 * again, and each entry is announced anew before its first change.
 */
void neighbour_turn(struct neighbours *n);

/* --- what happened --- */

enum neighbour_answer {
	NEIGHBOUR_SEND,  /* to ret->mac */
	NEIGHBOUR_QUEUE, /* neighbour_enqueue() at ret->id */
	NEIGHBOUR_FULL,  /* no room for one more neighbour; counted */
};

struct neighbour_hop {
	uint32_t id;
	struct mac mac;
};

/*
 * A packet is to be sent to @ip.  Starts the resolution if need be; the
 * solicitation comes from the next neighbour_tick().  A neighbour whose waiting
 * packets are not all sent yet answers QUEUE, so that order is kept.
 */
enum neighbour_answer neighbour_wanted(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, struct mono now, struct neighbour_hop *ret);

/*
 * @ip has told its @mac without being asked: NS, RS, RA or Redirect with the
 * option, or any ARP packet (RFC 826: @create only if we are its target).
 */
void neighbour_heard(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, const struct mac *mac, bool create,
    struct mono now);

struct neighbour_advert {
	const struct mac *mac; /* NULL: no target link-layer address option */
	bool solicited;
	bool override;
	bool router;
};

/* A neighbour advertisement (7.2.5) for @ip, or an ARP reply. */
void neighbour_advert(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, const struct neighbour_advert *na,
    struct mono now);

/* An upper layer made progress with @ip (7.3.1). */
void neighbour_confirmed(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, struct mono now);

/*
 * Somebody who knows says that @ip has @mac: for ever, or as if it had been
 * heard (STALE).  0 or -ENOSPC.
 */
int neighbour_set(struct neighbours *n, uint8_t link, const struct ip_addr *ip,
    const struct mac *mac, bool permanent, struct mono now);

/* Forget the entry and drop what waits for it. */
void neighbour_forget(struct neighbours *n, uint32_t id);

/* --- time --- */

enum neighbour_do {
	NEIGHBOUR_SOLICIT_MULTICAST, /* or ARP request by broadcast */
	NEIGHBOUR_SOLICIT_UNICAST,   /* to mac */
	NEIGHBOUR_UNREACHABLE,       /* never answered; see neighbour_ready() */
	NEIGHBOUR_LOST,              /* answers no more; entry is gone */
	NEIGHBOUR_EXPIRED,           /* STALE and unused for stale_s; gone */
};

struct neighbour_action {
	enum neighbour_do what;
	uint8_t link;
	struct mac mac;
	struct ip_addr ip;
	/*
	 * NONE if the entry is gone.  Else the header of the packet that waits
	 * here, if one does, names the source address to ask with (7.2.2).
	 */
	uint32_t id;
};

/* The next thing due at @now; false if there is none. */
bool neighbour_tick(
    struct neighbours *n, struct mono now, struct neighbour_action *ret);
struct mono neighbour_deadline(const struct neighbours *n);

/* --- waiting packets --- */

/*
 * Copy a packet behind the others of entry @id, with @header_len bytes that
 * mean nothing here.  Above the link's queue_bytes, counted in whole blocks,
 * the oldest go first (RFC 4861, 7.2.2).  0, -EMSGSIZE or -ENOBUFS; what was
 * dropped is counted.
 */
int neighbour_enqueue(struct neighbours *n, uint32_t id, const void *header,
    size_t header_len, const struct span *spans, unsigned nspans);

/*
 * Walk the entries whose packets can leave: @after NONE gives the first. FAILED
 * ones go back to ipd, all others to their MAC.  They stay until the last
 * packet is popped; take the next before that.
 */
uint32_t neighbour_ready(const struct neighbours *n, uint32_t after);

struct neighbour_packet {
	const uint8_t *header; /* NEIGHBOUR_HEADER bytes, header_len of use */
	size_t header_len;
	size_t len;
	uint32_t block;
};

/* The oldest packet of entry @id; false if none waits. */
bool neighbour_peek(
    const struct neighbours *n, uint32_t id, struct neighbour_packet *ret);

/* Copy its bytes to @dst, which has room for p->len. */
void neighbour_copy(
    const struct neighbours *n, const struct neighbour_packet *p, uint8_t *dst);

/* The same without a copy; returns how many of @max were needed. */
uint32_t neighbour_spans(const struct neighbours *n,
    const struct neighbour_packet *p, struct span *ret, uint32_t max);

/* The oldest packet has been sent (or answered, if FAILED). */
void neighbour_pop(struct neighbours *n, uint32_t id, struct mono now);

/* --- looking --- */

/* The entry, or NULL if @id is out of range or free. */
const struct neighbour *neighbour_get(const struct neighbours *n, uint32_t id);
/* Its number, or NEIGHBOUR_NONE. */
uint32_t neighbour_find(
    const struct neighbours *n, uint8_t link, const struct ip_addr *ip);
const char *neighbour_state_name(enum neighbour_state s);

#endif /* LINKD_NEIGHBOUR_H */
