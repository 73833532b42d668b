/*
 * loop.c - where a daemon sleeps
 */
#include "shm/loop.h"

#include <errno.h>
#include <string.h>

enum {
	LOOP_ENTRIES = 256,
};

int loop_open(struct loop *l)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * LOOP_ENTRIES,
	};

	return io_uring_queue_init_params(LOOP_ENTRIES, &l->ring, &p);
}

void loop_close(struct loop *l)
{
	io_uring_queue_exit(&l->ring);
}

static struct io_uring_sqe *get_sqe(struct loop *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	if (sqe == NULL) {
		io_uring_submit(&l->ring);
		sqe = io_uring_get_sqe(&l->ring);
	}
	return sqe;
}

int loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
	struct io_uring_sqe *sqe = get_sqe(l);

	if (sqe == NULL)
		return -ENOSPC;
	io_uring_prep_poll_multishot(sqe, w->fd, events);
	io_uring_sqe_set_data(sqe, w);
	w->events = events;
	w->busy++;
	return 0;
}

void loop_forget(struct loop *l, struct watch *w)
{
	struct io_uring_sqe *sqe;

	w->events = 0;
	sqe = w->busy > 0 ? get_sqe(l) : NULL;
	if (sqe == NULL)
		return;
	io_uring_prep_poll_remove(sqe, (uintptr_t)w);
	io_uring_sqe_set_data(sqe, NULL);
	io_uring_submit(&l->ring);
}

static void hand_out(struct loop *l, struct io_uring_cqe *cqe)
{
	struct watch *w = io_uring_cqe_get_data(cqe);
	bool more = cqe->flags & IORING_CQE_F_MORE;
	int res = cqe->res;

	io_uring_cqe_seen(&l->ring, cqe);
	if (w == NULL)
		return;
	if (!more)
		w->busy--;
	if (w->events == 0)
		return;
	if (res >= 0)
		w->happened(w->ctx, w, (uint32_t)res);
	/*
	 * The kernel ends a multishot poll when it likes; begin another, but
	 * not for one that we ended: its watch may have begun one already.
	 */
	if (!more && w->events != 0 && res != -EBADF && res != -ECANCELED)
		loop_watch(l, w, w->events);
}

static void hand_out_all(struct loop *l)
{
	struct io_uring_cqe *cqe;

	/* Bounded: what comes meanwhile is for the next look. */
	for (int i = 0; i < 4 * LOOP_ENTRIES; i++) {
		if (io_uring_peek_cqe(&l->ring, &cqe) < 0)
			return;
		hand_out(l, cqe);
	}
}

void loop_poll(struct loop *l)
{
	if (io_uring_sq_ready(&l->ring) > 0)
		io_uring_submit(&l->ring);
	hand_out_all(l);
}

void loop_wait(struct loop *l, struct mono now, struct mono deadline)
{
	int64_t left = mono_since(deadline, now);
	struct __kernel_timespec ts = {
		.tv_sec = left > 0 ? left / NS_PER_S : 0,
		.tv_nsec = left > 0 ? left % NS_PER_S : 0,
	};
	struct io_uring_cqe *cqe;

	io_uring_submit_and_wait_timeout(
	    &l->ring, &cqe, 1, deadline.ns == MONO_NEVER.ns ? NULL : &ts, NULL);
	hand_out_all(l);
}
