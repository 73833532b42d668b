/*
 * dev_tap.c - frames of a TAP device, read and written in batches
 *
 * Each request is done or refused while it is being submitted, in order: a
 * batch is one system call.  RWF_NOWAIT sees to that.  O_NONBLOCK does not: of
 * a file that can say EAGAIN by itself io_uring takes it as a wish to wait.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "linkd/device.h"
#include "linkd/vnet.h"

struct io_uring_sqe *device_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	/* The ring is larger than a batch, and empty between two. */
	assert(sqe != NULL);
	return sqe;
}

/*
 * A signal, or no memory for a request: that passes.  A ring that is broken is
 * of no use to this instance; the next one has its own, and loses nothing.
 */
static void try_again(int r)
{
	if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY)
		abort();
}

void device_reap(struct io_uring *ring, int32_t *res, uint32_t n)
{
	struct io_uring_cqe *cqe;

	/*
	 * None may stay in the ring, or it would be read into or written from
	 * memory that has another use by then.
	 */
	while (io_uring_sq_ready(ring) > 0)
		try_again(io_uring_submit(ring));
	for (uint32_t done = 0; done < n;) {
		int r = io_uring_wait_cqe(ring, &cqe);

		if (r < 0) {
			try_again(r);
			continue;
		}
		done++;
		if (cqe->user_data < n)
			res[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
}

static void tap_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	int32_t res[DEVICE_BATCH];

	assert(n <= DEVICE_BATCH);
	for (uint32_t i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = device_sqe(d->ring);

		io_uring_prep_read(sqe, d->fd, b[i].p, b[i].size, (uint64_t)-1);
		sqe->rw_flags = RWF_NOWAIT;
		sqe->user_data = i;
		res[i] = -EAGAIN;
	}
	device_reap(d->ring, res, n);
	for (uint32_t i = 0; i < n; i++) {
		b[i].len = res[i];
		b[i].tagged = false;
		b[i].csum_valid = false;
		b[i].csum_open = false;
	}
}

static void tap_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	int32_t res[DEVICE_BATCH];

	assert(n <= DEVICE_BATCH);
	for (uint32_t i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = device_sqe(d->ring);

		io_uring_prep_writev2(
		    sqe, d->fd, f[i].iov, f[i].niov, (uint64_t)-1, RWF_NOWAIT);
		sqe->user_data = i;
		res[i] = -EAGAIN;
	}
	device_reap(d->ring, res, n);
	for (uint32_t i = 0; i < n; i++)
		f[i].result = res[i] < 0 ? res[i] : 0;
}

void device_tap(
    struct netdev *d, const struct topo_link *l, int fd, struct io_uring *ring)
{
	static const struct netdev_ops ops = { .rx = tap_rx, .tx = tap_tx };

	*d = (struct netdev){
		.ops = &ops,
		.fd = fd,
		.ring = ring,
		.vnet_len = l->offload ? VNET_MAX_LEN : 0,
		.ready = true,
		.batch = 1,
	};
}
