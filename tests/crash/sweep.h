/*
 * sweep.h - kill a daemon after each instruction, and see what comes of it
 *
 * The turns of one process are run on a rig's memory.  After each instruction
 * that changed the memory the process is taken to be dead (stores.h), and on a
 * view of the memory as it is at that moment
 *
 *	- the neighbours take what they can see, as they would while it is dead;
 *	- a new instance attaches, which recovers, and finishes the work;
 *	- the neighbours take the rest and give the slots back.
 *
 * The outcome must be that of the run that was not killed: every ring's packets
 * in the same order, none lost, none twice; the same persistent state; the same
 * slots free.  And at the moment of the death itself nothing may be visible
 * that a later instance might take back: an output before its commit.
 *
 * Some of the recoveries are killed in turn, in the same way.
 */
#ifndef TESTS_CRASH_SWEEP_H
#define TESTS_CRASH_SWEEP_H

#include "tests/harness/rig_view.h"

/* What is killed. */
struct sweep_daemon {
	const char *proc; /* its name in the topology */

	/* A new instance on @r's memory, recovered; never NULL. */
	void *(*attach)(struct rig *r, const char *proc);
	bool (*turn)(void *x, struct mono now);
	void (*detach)(void *x);

	/* All below may be NULL or 0. */

	/* Feed what does not come from a ring; true if there was some. */
	bool (*feed)(struct rig *r, void *x);

	/*
	 * Is something visible in @killed that the instance which recovered in
	 * @later does not stand by?  A sentence, or NULL.
	 */
	const char *(*early)(const struct rig *killed, const struct rig *later);

	/* Compare the two outcomes further.  A sentence, or NULL. */
	const char *(*differs)(const struct rig *ref, const struct rig *r);

	size_t state_bytes; /* of X.priv to compare; 0: all that is used */
	bool any_state;     /* do not compare it, it may differ */
	bool writes_world;  /* rig->world is its memory, too */
};

struct sweep {
	const struct sweep_daemon *daemon;
	struct rig *rig;  /* inputs wait in its rings */
	uint32_t every;   /* of the distinct states one is tried; 0: each */
	uint32_t again;   /* one in so many recoveries is swept; 0: none */
	bool with_attach; /* the first attach is killed, too */

	/* Results. */
	uint64_t instructions;
	uint64_t stores;
	uint64_t states;      /* distinct, of the turns */
	uint64_t recoveries;  /* tried, of both levels */
	uint64_t in_recovery; /* states within recoveries */
	uint64_t violations;
	uint32_t packets; /* that left the process by rings, in the end */
	char first[256];  /* the first of them, in words */
};

/*
 * Sweep the turns that the process needs to do all that waits for it; the rig
 * is left as that run leaves it.
 */
void sweep_run(struct sweep *s);

/* A line with the results. */
void sweep_print(const struct sweep *s, const char *what);

#endif /* TESTS_CRASH_SWEEP_H */
