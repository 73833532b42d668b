/*
 * dev_packet.c - frames of a PF_PACKET socket on an Ethernet interface
 *
 * The kernel takes VLAN tags off and notes them beside the frame; so it does
 * with checksums that nobody has computed yet (a veth's peer never does).
 */
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "linkd/device.h"
#include "linkd/vnet.h"

struct packet_io {
	struct msghdr msg[DEVICE_BATCH];
	struct iovec iov[DEVICE_BATCH];
	alignas(struct cmsghdr) uint8_t
	    control[DEVICE_BATCH][CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

/* What the kernel notes beside a frame. */
static void note_auxdata(struct rx_buf *b, struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct tpacket_auxdata aux;

	b->tagged = false;
	b->csum_valid = false;
	b->csum_open = false;
	if (c == NULL || c->cmsg_level != SOL_PACKET ||
	    c->cmsg_type != PACKET_AUXDATA)
		return;
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	b->tagged = aux.tp_status & TP_STATUS_VLAN_VALID;
	b->csum_valid = aux.tp_status & TP_STATUS_CSUM_VALID;
	b->csum_open = aux.tp_status & TP_STATUS_CSUMNOTREADY;
}

static void packet_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	struct packet_io *io = d->ctx;
	int32_t res[DEVICE_BATCH];

	assert(n <= DEVICE_BATCH);
	for (uint32_t i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = device_sqe(d->ring);

		io->iov[i] = (struct iovec){ b[i].p, b[i].size };
		io->msg[i] = (struct msghdr){
			.msg_iov = &io->iov[i],
			.msg_iovlen = 1,
			.msg_control = io->control[i],
			.msg_controllen = sizeof(io->control[i]),
		};
		io_uring_prep_recvmsg(sqe, d->fd, &io->msg[i], MSG_DONTWAIT);
		sqe->user_data = i;
		res[i] = -EAGAIN;
	}
	device_reap(d->ring, res, n);
	for (uint32_t i = 0; i < n; i++) {
		b[i].len = res[i];
		if (res[i] >= 0)
			note_auxdata(&b[i], &io->msg[i]);
	}
}

static void packet_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	struct packet_io *io = d->ctx;
	int32_t res[DEVICE_BATCH];

	assert(n <= DEVICE_BATCH);
	for (uint32_t i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = device_sqe(d->ring);

		io->msg[i] = (struct msghdr){
			.msg_iov = f[i].iov,
			.msg_iovlen = f[i].niov,
		};
		io_uring_prep_sendmsg(
		    sqe, d->fd, &io->msg[i], MSG_DONTWAIT | MSG_NOSIGNAL);
		/* What is refused must not be overtaken by what follows. */
		if (i + 1 < n)
			io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
		sqe->user_data = i;
		res[i] = -EAGAIN;
	}
	device_reap(d->ring, res, n);
	for (uint32_t i = 0; i < n; i++)
		f[i].result = res[i] < 0 ? res[i] : 0;
}

/* Reading the numbers sets them to nought. */
static uint32_t packet_lost(struct netdev *d)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	if (getsockopt(d->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == -1)
		return 0;
	return st.tp_drops;
}

int device_packet(
    struct netdev *d, const struct topo_link *l, int fd, struct io_uring *ring)
{
	static const struct netdev_ops ops = {
		.rx = packet_rx,
		.tx = packet_tx,
		.lost = packet_lost,
	};
	struct packet_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return -ENOMEM;
	*d = (struct netdev){
		.ops = &ops,
		.fd = fd,
		.ring = ring,
		.ctx = io,
		.vnet_len = l->offload ? VNET_LEN : 0,
		.ready = true,
		.batch = 1,
	};
	return 0;
}

void device_packet_free(struct netdev *d)
{
	free(d->ctx);
	d->ctx = NULL;
}
