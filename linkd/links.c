/*
 * links.c - the drivers of our links, before the sandbox closes
 */
#include <errno.h>
#include <sys/random.h>

#include "linkd/linkd.h"

enum {
	RING_ENTRIES = 2 * DEVICE_BATCH,
};

static int open_one(
    struct netdev *d, const struct topo_link *l, int fd, struct io_uring *ring)
{
	switch (l->device) {
	case DEVICE_TAP:
		if (fd == -1)
			return -EBADF;
		device_tap(d, l, fd, ring);
		return 0;
	case DEVICE_PACKET:
		if (fd == -1)
			return -EBADF;
		return device_packet(d, l, fd, ring);
	case DEVICE_LOOPBACK:
	case DEVICE_NULL:
	case NDEVICES:
		break;
	}
	*d = (struct netdev){ .fd = -1 };
	return 0;
}

int links_open(struct linkd *x, struct links *ret, const struct topology *t,
    uint32_t self, const int *fds)
{
	int r = io_uring_queue_init(RING_ENTRIES, &ret->ring, 0);

	if (r < 0)
		return r;
	for (uint32_t l = 0; r == 0 && l < t->nlinks; l++)
		if (t->links[l].proc == self)
			r = open_one(
			    &x->dev[l], &t->links[l], fds[l], &ret->ring);
	if (r == 0 &&
	    getrandom(&x->seed, sizeof(x->seed), 0) != sizeof(x->seed))
		r = -errno;
	if (r < 0)
		links_close(x, ret);
	return r;
}

void links_close(struct linkd *x, struct links *links)
{
	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++)
		device_packet_free(&x->dev[l]);
	io_uring_queue_exit(&links->ring);
}
