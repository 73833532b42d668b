/*
 * reassembly_store.h - the arena of reassembly.c: records, blocks, hints
 *
 * Private to reassembly*.c.
 */
#ifndef IPD_REASSEMBLY_STORE_H
#define IPD_REASSEMBLY_STORE_H

#include <assert.h>
#include <stdalign.h>

#include "ipd/reassembly.h"
#include "ipd/reassembly_holes.h"

enum {
	RECORD_NONE = 65535, /* no record has this number */
	STARTS = 65536 / 8,  /* one bit for each eight bytes of data */
};

/* The state of one datagram.  All zero: not in use. */
struct reassembly_record {
	alignas(64) struct ip_addr src;
	struct ip_addr dst;
	struct mono deadline;
	uint32_t id;
	uint32_t zone;
	uint32_t total_len; /* bytes of data; 0: the end is not here */
	uint16_t hdr_len;   /* of the first fragment; 0: it is not here */
	uint16_t first_len; /* its bytes of data */
	uint16_t named_at;
	uint16_t fragments; /* how many are here */
	uint8_t used;       /* 1, or 0 */
	uint8_t proto;
	uint8_t next_header;
	uint8_t ecn_seen;             /* 1 << ECN of each fragment */
	uint16_t block[REASM_BLOCKS]; /* number + 1; 0: none */
	struct holes holes;
};

static_assert(sizeof(struct reassembly_record) == 256, "shared layout");
static_assert(REASM_HOLES == (int)HOLES_MAX, "as promised");

/* What lies beside a record and is looked at only as the record allows. */
struct reassembly_aside {
	uint8_t hdr[REASM_HDR_MAX];
	uint64_t starts[STARTS / 64];
};

static_assert(sizeof(struct reassembly_aside) == 1280, "shared layout");

struct reassembly_aside *store_aside(const struct reassembly *r, uint32_t i);

/* The block that holds byte @offset of @rec, from that byte on. */
uint8_t *store_data(const struct reassembly *r,
    const struct reassembly_record *rec, uint32_t offset);

/* How many blocks are missing to hold @offset.. of @len bytes; @rec or NULL. */
uint32_t store_missing(
    const struct reassembly_record *rec, uint32_t offset, uint32_t len);

/* Give @rec those blocks.  There are enough. */
void store_give(struct reassembly *r, struct reassembly_record *rec,
    uint32_t offset, uint32_t len);

/* Say that record @i is about to change. */
void store_touch(struct reassembly *r, uint32_t i);

/* A free record, touched and all zero.  There is one if a block is free. */
uint32_t store_take_record(struct reassembly *r, uint32_t hash);

/* Forget record @i; its blocks come free with the next turn. */
void store_discard(struct reassembly *r, uint32_t i);

/* A hint's value for a key; never 0. */
uint32_t store_hash(const struct ip_addr *src, const struct ip_addr *dst,
    uint32_t id, uint8_t proto);

#endif /* IPD_REASSEMBLY_STORE_H */
