/*
 * topology_impair.h - what befalls the frames of a link: "impair" in the file
 *
 * The same keys are changed while a stack runs by `strata impair`; what each
 * means, frame by frame, is in linkd/impair.h.
 */
#ifndef SHM_TOPOLOGY_IMPAIR_H
#define SHM_TOPOLOGY_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

struct reader;

enum impair_way {
	IMPAIR_RX,
	IMPAIR_TX,
	NIMPAIR_WAYS,
};

/* What is counted of one way of one link, for as long as the stack lives. */
enum impair_count {
	IMPAIRED_LOST,
	IMPAIRED_NO_QUEUE, /* dropped: too many for the wire's rate */
	IMPAIRED_NO_ROOM,  /* dropped: too many on bad wires */
	IMPAIRED_PASSED,   /* the rest are parts of it */
	IMPAIRED_DOUBLED,
	IMPAIRED_REORDERED,
	IMPAIRED_CORRUPTED,
	NIMPAIRED,
};

/* How a delay is spread. */
enum impair_spread {
	IMPAIR_UNIFORM,
	IMPAIR_NORMAL,
	IMPAIR_PARETO,
	NIMPAIR_SPREADS,
};

/* One way of one link.  All but queue, seed and spread 0: a good wire. */
struct topo_impair {
	uint32_t loss_ppm; /* of a million frames */
	uint32_t duplicate_ppm;
	uint32_t reorder_ppm;
	uint32_t corrupt_ppm;
	uint32_t delay_us;
	uint32_t jitter_us;
	uint32_t rate_kbit;    /* a second; 0: as fast as it comes */
	uint32_t queue_bytes;  /* that wait for their turn at that rate */
	uint32_t distribution; /* enum impair_spread */
	uint32_t seed;
};

static inline bool impair_is_set(const struct topo_impair *c)
{
	return (c->loss_ppm | c->duplicate_ppm | c->reorder_ppm |
		   c->corrupt_ppm | c->delay_us | c->jitter_us |
		   c->rate_kbit) != 0;
}

/* A good wire. */
struct topo_impair impair_none(void);

/* The keys of the object at which the reader stands, into @c. */
void impair_read_way(struct reader *r, struct topo_impair *c);

/* The object "impair" of a link, if there is one; else good wires. */
void impair_read(struct reader *r, struct topo_impair c[NIMPAIR_WAYS]);

/*
 * The keys of @keys into @c, no file behind them.  -EINVAL with a sentence in
 * @error (TOPO_ERROR_LEN bytes).
 */
struct json_t;
int impair_parse(struct topo_impair *c, struct json_t *keys, char *error);

/* "rx", "tx"; and back, or -ENOENT. */
const char *impair_way_name(enum impair_way w);
int impair_way_by_name(const char *word);

/* "lost", "no_queue" and so on. */
const char *impair_count_name(enum impair_count what);

/* The other direction: an object with every key. */
struct json_t *impair_json(const struct topo_impair *c);

#endif /* SHM_TOPOLOGY_IMPAIR_H */
