/*
 * device_open.h - opening a link's device, which only the supervisor may
 *
 *	tap       /dev/net/tun; the interface is made here and goes with the
 *	          last descriptor.  Frames carry a virtio_net_hdr of 12 bytes
 *	          with "offload", else none.
 *	packet    a PF_PACKET socket on an interface that is there already.
 *	          Frames carry a virtio_net_hdr of 10 bytes with "offload".
 *	loopback, null	no descriptor
 *
 * linkd gets the open descriptor, non-blocking, and needs no privilege.
 */
#ifndef SHM_DEVICE_OPEN_H
#define SHM_DEVICE_OPEN_H

#include "shm/topology.h"

bool device_has_fd(enum device d);

/*
 * Open the device of link @link.  Puts into @t what the device brings itself:
 * a PF_PACKET interface's MAC, if the topology gives none.  Returns the
 * descriptor, or 0 if the device has none; or a negative errno and a sentence
 * in @error.
 */
int device_open(struct topology *t, unsigned link, char error[TOPO_ERROR_LEN]);

/* Could it be opened?  0, or as above.  Leaves nothing behind. */
int device_check(
    const struct topology *t, unsigned link, char error[TOPO_ERROR_LEN]);

/* Bring up a TAP's host side with the addresses that the topology gives it. */
int device_configure_host(
    const struct topology *t, unsigned link, char error[TOPO_ERROR_LEN]);

/*
 * After the last descriptor has been closed: wait until the interface is gone,
 * for at most half a second.  The kernel takes apart a dead daemon's io_uring,
 * which holds the device, in its own time.
 */
void device_await_gone(const struct topology *t, unsigned link);

#endif /* SHM_DEVICE_OPEN_H */
