/*
 * estate.h - all that a running stack owns in the kernel
 *
 * Segments, doorbells and devices, made by the supervisor from a topology that
 * has been found good, and held by it for as long as the stack runs: a TAP
 * device outlives linkd, and the kernel queues its frames meanwhile.  What a
 * daemon gets of it is decided here and nowhere else (estate_grant).
 */
#ifndef SHM_ESTATE_H
#define SHM_ESTATE_H

#include "shm/control.h"
#include "shm/wiring.h"

struct estate {
	struct topology topo;
	struct wiring wiring;
	int plan;
	int sup_out;
	int out[TOPO_MAX_PROCS], out_ro[TOPO_MAX_PROCS];
	int pool[TOPO_MAX_PROCS], pool_ro[TOPO_MAX_PROCS];
	int priv[TOPO_MAX_PROCS];
	int tap[TOPO_MAX_PROCS], tap_ro[TOPO_MAX_PROCS];
	int bell[TOPO_MAX_PROCS];
	int device[TOPO_MAX_LINKS]; /* -1: has none */

	/* Mapped for the supervisor itself. */
	struct sup_out *sup;
	const struct out_head *head[TOPO_MAX_PROCS]; /* all of X.out */
};

/*
 * Make everything for @topo.  Returns 0 or a negative errno with a sentence in
 * @error; then nothing is left.
 */
int estate_make(struct estate *ret, const struct topology *topo,
    char error[TOPO_ERROR_LEN]);

/* Close and unmap everything; the devices go with their last descriptor. */
void estate_free(struct estate *e);

/*
 * The descriptor of @role and @index; one that may write or one that may not.
 * NULL if there is no such thing.  For all of them in turn: the three from 0.
 */
int *estate_fd(
    struct estate *e, enum ctl_role role, uint32_t index, bool writable);

/*
 * A new supervisor has put every descriptor in its place (after
 * estate_forget()): read the plan, map what the supervisor maps.
 */
void estate_forget(struct estate *e);
int estate_resume(struct estate *e);

/*
 * Fill in @m as the CTL_START message for process @p: exactly the descriptors
 * it needs, writable only where wiring.h lets it write.  @log: where its log
 * goes.
 */
void estate_grant(const struct estate *e, uint32_t p, int log,
    struct ctl_msg *m, int fds[CTL_MAX_FDS]);

#endif /* SHM_ESTATE_H */
