/*
 * device.h - what a network device is to linkd
 *
 * Frames are read and written in batches, in order, without ever waiting; the
 * supervisor has opened the descriptor (shm/device_open.h).  With vnet_len > 0
 * a virtio_net_hdr stands in front of each frame, and super-frames pass.
 *
 * A loopback and a null link have no device: what is sent there never leaves
 * linkd (tx.c).
 */
#ifndef LINKD_DEVICE_H
#define LINKD_DEVICE_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shm/topology.h"

enum {
	DEVICE_BATCH = 32, /* frames at once */
	DEVICE_IOV = 5,    /* pieces of one frame */
};

/* Room for one frame, and what came into it. */
struct rx_buf {
	uint8_t *p;
	uint32_t size;
	int32_t len;     /* bytes, virtio_net_hdr included; or -errno */
	bool tagged;     /* a VLAN tag was taken off it */
	bool csum_valid; /* known without a virtio_net_hdr */
	bool csum_open;  /* the same: left to the device, as is cutting */
};

struct tx_frame {
	struct iovec iov[DEVICE_IOV];
	uint32_t niov;
	int32_t result; /* 0 or -errno; -EAGAIN: it and all behind were not */
};

struct netdev;

struct netdev_ops {
	void (*rx)(struct netdev *d, struct rx_buf *b, uint32_t n);
	void (*tx)(struct netdev *d, struct tx_frame *f, uint32_t n);

	/* Frames that the kernel had no room for since it was asked last;
	 * NULL: it tells only those who may ask about the interface. */
	uint32_t (*lost)(struct netdev *d);
};

struct netdev {
	const struct netdev_ops *ops; /* NULL: no device here */
	int fd;
	struct io_uring *ring; /* for batches only, empty between them */
	void *ctx;             /* the driver's own */
	uint8_t vnet_len;      /* 0, VNET_LEN or VNET_MAX_LEN */
	bool ready;            /* may have frames to read */
	bool blocked;          /* refused a frame; wait until it is writable */
	uint32_t batch;        /* frames to ask for next */
};

/* Drivers; the descriptor is open and set up. */
void device_tap(
    struct netdev *d, const struct topo_link *l, int fd, struct io_uring *ring);
int device_packet(
    struct netdev *d, const struct topo_link *l, int fd, struct io_uring *ring);
void device_packet_free(struct netdev *d);

/* For drivers: the next request to prepare, with its number as user_data. */
struct io_uring_sqe *device_sqe(struct io_uring *ring)
    __attribute__((returns_nonnull));

/* For drivers: submit what is prepared, wait for all, results to @res. */
void device_reap(struct io_uring *ring, int32_t *res, uint32_t n);

#endif /* LINKD_DEVICE_H */
