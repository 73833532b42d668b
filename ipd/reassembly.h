/*
 * reassembly.h - putting fragments together again (RFC 791, 815, 8200)
 *
 * Datagrams in the making live in one flat arena that outlives the process:
 *
 *	+---------+--------------------+-----------------------+---------+
 *	| records | headers and starts | hints                 | blocks  |
 *	| 256 B   | 1280 B a datagram  | private to a process  | 4 KB    |
 *	+---------+--------------------+-----------------------+---------+
 *
 * A *record* says what a datagram is, which 4 KB blocks hold its bytes and
 * which holes are left (RFC 815).  Only records are state: they are changed
 * after touch() was called for them, so a turn that dies can be undone.  What
 * lies in a hole nobody looks at, hence bytes are copied there without.  The
 * same holds for the header copy (nobody looks before hdr_len says so) and
 * for *starts*, one bit for each eight bytes of data, set where a fragment
 * begins: it tells an exact duplicate, which is ignored, from an overlap, for
 * which the whole datagram is thrown away (RFC 5722, RFC 8200; for IPv4 too).
 *
 * A block freed in a turn is not used again in that turn: an undone turn must
 * find its bytes.  Call reassembly_turn() at the start of each turn, when the
 * one before is committed, to make them available.
 *
 * Memory that is all zero is an empty table.
 */
#ifndef IPD_REASSEMBLY_H
#define IPD_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/clock.h"

enum {
	REASM_BLOCK = 4096,  /* bytes of data in a block */
	REASM_BLOCKS = 16,   /* in a datagram: 64 KB */
	REASM_HOLES = 32,    /* in a datagram at any time */
	REASM_HDR_MAX = 256, /* IP header and what each fragment repeats */
	REASM_MIN_BYTES = REASM_BLOCKS * REASM_BLOCK, /* the longest fits */
	REASM_QUOTE_MAX = 1232,
	REASM_TIMEOUT_MS = 60 * 1000, /* RFC 8200, 4.5 */
	REASM_FRAGMENTS = 256, /* of a datagram: 64 KB in pieces of 256 */
};

/* One fragment, as ipd/ipv4.h or ipd/ipv6.h made it out. */
struct reassembly_fragment {
	struct ip_addr src, dst;
	uint32_t id;
	uint32_t zone;       /* the link, if the addresses are link-local */
	uint8_t proto;       /* IPv4: part of the key.  IPv6: 0 */
	uint8_t next_header; /* IPv6: what the fragment header names */
	uint8_t ecn;         /* of this fragment: 0 to 3 */
	bool more;
	uint16_t offset;    /* bytes, a multiple of 8 */
	uint16_t hdr_len;   /* bytes at hdr */
	uint16_t named_at;  /* IPv6: the byte in hdr that names the
			     * fragment header (ipv6_chain.frag_named_at) */
	uint16_t len;       /* bytes at data; if more, a multiple of 8 */
	const uint8_t *hdr; /* IPv4 header with options, or IPv6 headers
			     * before the fragment header */
	const uint8_t *data;
};

/* What became of it; all but the first two have counters of the same name. */
enum reassembly_result {
	REASM_HELD,       /* taken in; others are missing */
	REASM_COMPLETE,   /* all there: take it in this turn */
	REASM_DUPLICATE,  /* had it already, ignored */
	REASM_LATER,      /* nothing was changed for it: end the turn without
			   * consuming it; there will be room in the next */
	REASM_OVERLAP,    /* or contradicted another: datagram thrown away */
	REASM_EMPTY,      /* no data in it: ignored */
	REASM_MALFORMED,  /* odd offset or length: ignored */
	REASM_TOO_LONG,   /* beyond 65535 with its header: ignored or thrown */
	REASM_BAD_HEADER, /* longer than REASM_HDR_MAX: ignored */
	REASM_TOO_MANY,   /* fragments or holes: datagram thrown away */
	REASM_BAD_ECN,    /* complete, but CE beside Not-ECT (RFC 3168, 5.3):
			   * datagram thrown away */
};

/*
 * Called before the first change of the @len bytes of state at @p in a turn.
 */
typedef void reassembly_touch(void *ctx, void *p, size_t len);

struct reassembly_config {
	uint32_t max_bytes;     /* of data held, rounded down to whole blocks */
	uint32_t max_fragments; /* of one datagram */
	uint32_t timeout_ms;    /* from the first fragment on */
	reassembly_touch *touch;
	void *ctx;
};

/*
 * Numbers of what is free, and of what was freed in this turn, which is not
 * given out before the next.
 */
struct reassembly_stock {
	uint16_t *list; /* the free ones, then those in limbo */
	uint32_t free;
	uint32_t limbo;
};

/* One process's view; private, made anew by each. */
struct reassembly {
	struct reassembly_config cfg;
	struct reassembly_record *records;
	uint8_t *aside; /* header copies and starts */
	uint8_t *blocks;
	uint32_t n;        /* records, and as many blocks */
	uint32_t *hash;    /* hint: of each record's key; 0: free */
	uint32_t *touched; /* hint: turn in which it was touched */
	struct reassembly_stock free_blocks, free_records;
	struct mono earliest; /* hint: no datagram's time is up before */
	uint32_t turn;
	uint64_t evicted; /* datagrams thrown away, oldest first, to make
			   * room; a count since reassembly_init() */
};

/* Bytes of arena for @max_bytes of data; a multiple of 4096. */
size_t reassembly_size(uint32_t max_bytes);

/*
 * Look at the arena of reassembly_size(cfg->max_bytes) bytes at @arena, which
 * is aligned to 64 bytes and all zero when new.  Nothing in it is read yet:
 * reassembly_check() comes next.  -EINVAL if the arena is too small or
 * max_bytes out of range (REASM_MIN_BYTES to 65535 blocks).
 */
int reassembly_init(struct reassembly *r, void *arena, size_t size,
    const struct reassembly_config *cfg);

/*
 * Check all that lies in the arena and rebuild the hints: after init and
 * after a restart, when the unfinished turn has been undone.  A record that
 * can't be true is thrown away, with no touch.  Returns how many were.
 */
unsigned reassembly_check(struct reassembly *r, struct mono now);

/* A new turn begins; all before is committed. */
void reassembly_turn(struct reassembly *r);

/*
 * Take in one fragment.  On REASM_COMPLETE *@done is set, and
 * reassembly_take() is to be called with it.  If that is not possible now
 * (no slot for so long a packet), end the turn without consuming the
 * fragment: given once more it is REASM_COMPLETE again.
 */
enum reassembly_result reassembly_add(struct reassembly *r,
    const struct reassembly_fragment *f, struct mono now, uint32_t *done);

/* Bytes of the packet that is complete. */
size_t reassembly_len(const struct reassembly *r, uint32_t done);

/*
 * Write the complete packet to @out, which has room for reassembly_len()
 * bytes, and forget it.  It is a packet as if it had never been cut: lengths,
 * fragment fields, ECN (RFC 3168, 5.3), IPv6's next header and IPv4's checksum
 * are set right.  Returns the bytes written.
 */
size_t reassembly_take(struct reassembly *r, uint32_t done, uint8_t *out);

/* A datagram whose time is up. */
struct reassembly_expired {
	struct ip_addr src, dst;
	uint32_t zone;
	/* The first fragment as it came, cut to what an error quotes; 0 bytes
	 * if it never came, and then no time exceeded is due. */
	uint16_t quote_len;
	uint8_t quote[REASM_QUOTE_MAX];
};

/* Forget one datagram whose time is up by @now; false if there is none. */
bool reassembly_expire(
    struct reassembly *r, struct mono now, struct reassembly_expired *ret);

/*
 * When to call reassembly_expire() next, or MONO_NEVER.  It may then find that
 * the datagram has been completed meanwhile.
 */
struct mono reassembly_deadline(const struct reassembly *r);

/* How many datagrams, and blocks of data, are held. */
unsigned reassembly_count(const struct reassembly *r);
unsigned reassembly_blocks(const struct reassembly *r);

#endif /* IPD_REASSEMBLY_H */
