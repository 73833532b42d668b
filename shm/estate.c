/*
 * estate.c - all that a running stack owns in the kernel
 */
#include "shm/estate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/device_open.h"
#include "shm/segment.h"
#include "shm/tap.h"

static int failed(char error[TOPO_ERROR_LEN], const char *what, int r)
{
	snprintf(
	    error, TOPO_ERROR_LEN, "can't make %s: %s", what, strerror(-r));
	return r;
}

void estate_forget(struct estate *e)
{
	memset(e, 0, sizeof(*e));
	e->plan = e->sup_out = -1;
	for (int i = 0; i < TOPO_MAX_PROCS; i++) {
		e->out[i] = e->out_ro[i] = e->priv[i] = -1;
		e->tap[i] = e->tap_ro[i] = -1;
		e->pool[i] = e->pool_ro[i] = e->bell[i] = -1;
	}
	for (int i = 0; i < TOPO_MAX_LINKS; i++)
		e->device[i] = -1;
}

static int map_sup_out(struct estate *e)
{
	void *p;
	int r = segment_map(&p, e->sup_out, sizeof(struct sup_out), true);

	if (r == 0)
		e->sup = p;
	return r;
}

static int map_head(struct estate *e, uint32_t p)
{
	void *map;
	int r = segment_map(&map, e->out_ro[p], e->wiring.out_bytes[p], false);

	if (r == 0)
		e->head[p] = map;
	return r;
}

static int make_plan(struct estate *e)
{
	int r;

	e->plan = segment_make_frozen("strata plan", &e->topo, sizeof(e->topo));
	if (e->plan < 0)
		return e->plan;
	e->sup_out = segment_make("strata sup.out", sizeof(struct sup_out));
	if (e->sup_out < 0)
		return e->sup_out;
	r = map_sup_out(e);
	if (r < 0)
		return r;
	e->sup->magic = LAYOUT_MAGIC;
	e->sup->version = LAYOUT_VERSION;
	e->sup->started = mono_now().ns;
	for (uint32_t i = 0; i < e->topo.nprocs; i++)
		e->sup->log_level[i] = e->topo.procs[i].log;
	return 0;
}

static int make_segment(
    int *rw, int *ro, const char *name, const char *kind, size_t bytes)
{
	char title[64];

	snprintf(title, sizeof(title), "strata %s.%s", name, kind);
	*rw = segment_make(title, bytes);
	if (*rw < 0 || ro == NULL)
		return *rw;
	*ro = segment_readonly(*rw);
	return *ro;
}

static int make_process(struct estate *e, uint32_t p)
{
	const char *name = e->topo.procs[p].name;
	int r;

	r = make_segment(
	    &e->out[p], &e->out_ro[p], name, "out", e->wiring.out_bytes[p]);
	if (r >= 0)
		r = make_segment(&e->pool[p], &e->pool_ro[p], name, "pool",
		    e->wiring.pool_bytes[p]);
	if (r >= 0)
		r = make_segment(&e->priv[p], NULL, name, "priv", PRIV_BYTES);
	if (r >= 0)
		r = make_segment(
		    &e->tap[p], &e->tap_ro[p], name, "tap", TAP_SEGMENT_BYTES);
	if (r < 0)
		return r;
	e->bell[p] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->bell[p] == -1)
		return -errno;
	return map_head(e, p);
}

static int make_devices(struct estate *e, char error[TOPO_ERROR_LEN])
{
	for (uint32_t i = 0; i < e->topo.nlinks; i++) {
		int r = device_open(&e->topo, i, error);

		if (r < 0)
			return r;
		if (device_has_fd(e->topo.links[i].device))
			e->device[i] = r;
		r = device_configure_host(&e->topo, i, error);
		if (r < 0)
			return r;
	}
	return 0;
}

int estate_make(
    struct estate *ret, const struct topology *topo, char error[TOPO_ERROR_LEN])
{
	struct estate *e = ret;
	int r;

	estate_forget(e);
	e->topo = *topo;
	r = wiring_compute(&e->wiring, topo);
	if (r < 0) {
		failed(error, "the rings: too many", r);
		goto undo;
	}
	/* Devices first: a PF_PACKET interface brings the link's MAC. */
	r = make_devices(e, error);
	if (r < 0)
		goto undo;
	r = make_plan(e);
	if (r < 0) {
		failed(error, "the plan", r);
		goto undo;
	}
	for (uint32_t p = 0; p < topo->nprocs; p++) {
		r = make_process(e, p);
		if (r < 0) {
			failed(error, topo->procs[p].name, r);
			goto undo;
		}
	}
	return 0;
undo:
	estate_free(e);
	return r;
}

int *estate_fd(
    struct estate *e, enum ctl_role role, uint32_t index, bool writable)
{
	if (index >= TOPO_MAX_PROCS)
		return NULL;
	switch (role) {
	case FD_PLAN:
		return index == 0 && !writable ? &e->plan : NULL;
	case FD_SUP_OUT:
		return index == 0 && writable ? &e->sup_out : NULL;
	case FD_OUT:
		return writable ? &e->out[index] : &e->out_ro[index];
	case FD_PRIV:
		return writable ? &e->priv[index] : NULL;
	case FD_POOL:
		return writable ? &e->pool[index] : &e->pool_ro[index];
	case FD_TAP:
		return writable ? &e->tap[index] : &e->tap_ro[index];
	case FD_BELL:
		return writable ? &e->bell[index] : NULL;
	case FD_DEVICE:
		return writable && index < TOPO_MAX_LINKS ? &e->device[index]
							  : NULL;
	case FD_LOG:
	case FD_A2S:
	case FD_S2A:
	case FD_SOCKET:
	case NFD_ROLES:
		break;
	}
	return NULL;
}

int estate_resume(struct estate *e)
{
	void *plan;
	int r = segment_map(&plan, e->plan, sizeof(e->topo), false);

	if (r < 0)
		return r;
	memcpy(&e->topo, plan, sizeof(e->topo));
	segment_unmap(plan, sizeof(e->topo));
	r = wiring_compute(&e->wiring, &e->topo);
	if (r == 0)
		r = map_sup_out(e);
	for (uint32_t p = 0; r == 0 && p < e->topo.nprocs; p++)
		r = map_head(e, p);
	return r;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void estate_free(struct estate *e)
{
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		if (e->head[p] != NULL)
			munmap((void *)(uintptr_t)e->head[p],
			    e->wiring.out_bytes[p]);
		e->head[p] = NULL;
		close_fd(&e->out[p]);
		close_fd(&e->out_ro[p]);
		close_fd(&e->pool[p]);
		close_fd(&e->pool_ro[p]);
		close_fd(&e->priv[p]);
		close_fd(&e->tap[p]);
		close_fd(&e->tap_ro[p]);
		close_fd(&e->bell[p]);
	}
	for (uint32_t i = 0; i < TOPO_MAX_LINKS; i++)
		close_fd(&e->device[i]);
	segment_unmap(e->sup, sizeof(*e->sup));
	e->sup = NULL;
	close_fd(&e->sup_out);
	close_fd(&e->plan);
}

static void give(struct ctl_msg *m, int fds[CTL_MAX_FDS], enum ctl_role role,
    uint32_t index, bool writable, int fd)
{
	if (fd >= 0)
		ctl_add_fd(m, fds, role, index, writable, fd);
}

void estate_grant(const struct estate *e, uint32_t p, int log,
    struct ctl_msg *m, int fds[CTL_MAX_FDS])
{
	const struct wiring *w = &e->wiring;

	*m = (struct ctl_msg){ .type = CTL_START, .self = p };
	give(m, fds, FD_PLAN, 0, false, e->plan);
	give(m, fds, FD_SUP_OUT, 0, false, e->sup_out);
	give(m, fds, FD_PRIV, p, true, e->priv[p]);
	give(m, fds, FD_TAP, p, true, e->tap[p]);
	for (uint32_t q = 0; q < e->topo.nprocs; q++) {
		bool mine = q == p;

		if (mine || wiring_neighbours(w, p, q)) {
			give(m, fds, FD_OUT, q, mine,
			    mine ? e->out[q] : e->out_ro[q]);
			give(m, fds, FD_BELL, q, true, e->bell[q]);
		}
		if (wiring_writes_pool(w, p, q))
			give(m, fds, FD_POOL, q, true, e->pool[q]);
		else if (wiring_reads_pool(w, p, q))
			give(m, fds, FD_POOL, q, false, e->pool_ro[q]);
	}
	for (uint32_t i = 0; i < e->topo.nlinks; i++)
		if (e->topo.links[i].proc == p)
			give(m, fds, FD_DEVICE, i, true, e->device[i]);
	give(m, fds, FD_LOG, 0, true, log);
}
