/*
 * check.h - what must hold: something always moves, and all comes home
 */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "tests/sim/sim.h"

struct proc;

/* Now and then: no task stands still. */
void check_progress(struct sim *s);

/* Did nobody lose anything so far, nor was allowed to? */
bool check_lossless(const struct sim *s);

/*
 * All apps are gone.  What is still there that should not be: a sentence in
 * @ret and true; or false.
 */
bool check_leftovers(struct sim *s, char *ret, size_t size);

/*
 * Before its memory is gone: has it given up a packet, as it may?  What it has
 * counted in a turn that was committed and not published dies with it.
 */
void check_dying(struct proc *p);

/* What was dropped where, when verbose. */
void check_say_drops(struct sim *s);

/* What no counter of any daemon may say. */
void check_counters(struct sim *s);

/* Bits that are set in @n words. */
static inline uint32_t count_bits(const uint64_t *words, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (uint32_t)__builtin_popcountll(words[i]);
	return sum;
}

/* Connections, sockets and lingers in a transport's memory: layer_X.c. */
uint32_t tcp_left(const uint8_t *state);
uint32_t udp_left(const uint8_t *state);

#endif /* TESTS_SIM_CHECK_H */
