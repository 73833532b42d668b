/*
 * device_open.c - opening a link's device, which only the supervisor may
 */
#include "shm/device_open.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/netlink.h"
#include "shm/topology_mac.h"

/* Newer than Debian 12's headers: segmentation of UDP (Linux 6.2). */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum {
	TAP_VNET_LEN = 12,
	TAP_QUEUE = 4096, /* frames */
	GONE_MS = 500,
};

/* "links[0] tap0: /dev/net/tun: Permission denied; hint" */
static int failed(const struct topo_link *l, const char *what, int err,
    const char *hint, char error[TOPO_ERROR_LEN])
{
	snprintf(error, TOPO_ERROR_LEN, "link %s: %s: %s%s%s", l->name, what,
	    strerror(err), *hint ? "; " : "", hint);
	return -err;
}

bool device_has_fd(enum device d)
{
	switch (d) {
	case DEVICE_TAP:
	case DEVICE_PACKET:
		return true;
	case DEVICE_LOOPBACK:
	case DEVICE_NULL:
	case NDEVICES:
		break;
	}
	return false;
}

/* ---- TAP ---- */

/*
 * The frames that wait for us.  Of its own accord the kernel keeps 500, which
 * at full speed is gone in a few milliseconds: less than linkd may be away.
 * It is the host's business whether we may; without it all goes on.
 */
static void tap_queue(struct ifreq *q)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return;
	q->ifr_qlen = TAP_QUEUE;
	ioctl(fd, SIOCSIFTXQLEN, q);
	close(fd);
}

/* What the kernel may leave for us to do, as much as it knows of. */
static int tap_offload(int fd)
{
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int len = TAP_VNET_LEN;

	if (ioctl(fd, TUNSETVNETHDRSZ, &len) == -1)
		return -errno;
	if (ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0)
		return 0;
	return ioctl(fd, TUNSETOFFLOAD, tcp) == -1 ? -errno : 0;
}

static int tap_open(const struct topo_link *l, char error[TOPO_ERROR_LEN])
{
	struct ifreq q = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int r = 0;

	if (fd == -1)
		return failed(l, "/dev/net/tun", errno,
		    errno == ENOENT ? "is the module tun loaded?" : "", error);
	if (l->offload)
		q.ifr_flags |= IFF_VNET_HDR;
	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", l->ifname);
	if (ioctl(fd, TUNSETIFF, &q) == -1) {
		const char *hint = "";

		if (errno == EPERM)
			hint = "it needs CAP_NET_ADMIN in this network "
			       "namespace: be root, or try unshare -Urn";
		else if (errno == EBUSY)
			hint = "another process has this interface";
		r = failed(l, l->ifname, errno, hint, error);
	} else if (l->offload && (r = tap_offload(fd)) < 0) {
		r = failed(l, "offload", -r, "try \"offload\": false", error);
	} else {
		tap_queue(&q);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* ---- PF_PACKET ---- */

static int packet_options(int fd, bool offload)
{
	int one = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ==
		-1 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		sizeof(one)) == -1)
		return -errno;
	if (offload &&
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ==
		-1)
		return -errno;
	return 0;
}

/* All multicast; and frames to a MAC that is not the interface's own. */
static int packet_members(int fd, int ifindex, bool other_mac)
{
	struct packet_mreq m = {
		.mr_ifindex = ifindex,
		.mr_type = PACKET_MR_ALLMULTI,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) ==
	    -1)
		return -errno;
	m.mr_type = PACKET_MR_PROMISC;
	if (other_mac &&
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) ==
		-1)
		return -errno;
	return 0;
}

static int packet_bind(struct topology *t, unsigned link, int fd)
{
	const struct topo_link *l = &t->links[link];
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(l->ifname),
	};
	struct ifreq q = { .ifr_ifindex = 0 };
	uint8_t mac[6];
	int r;

	if (at.sll_ifindex == 0)
		return -ENODEV;
	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", l->ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &q) == -1)
		return -errno;
	memcpy(mac, q.ifr_hwaddr.sa_data, 6);
	if (!l->mac_given)
		topology_set_mac(t, link, mac);
	r = packet_options(fd, l->offload);
	if (r == 0)
		r = packet_members(
		    fd, at.sll_ifindex, memcmp(mac, l->mac, 6) != 0);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == -1)
		return -errno;
	return 0;
}

static int packet_open(
    struct topology *t, unsigned link, char error[TOPO_ERROR_LEN])
{
	const struct topo_link *l = &t->links[link];
	int room = 4 * 1024 * 1024;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd == -1)
		return failed(l, "PF_PACKET", errno,
		    errno == EPERM ? "it needs CAP_NET_RAW in this network "
				     "namespace: be root, or try unshare -Urn"
				   : "",
		    error);
	/* What the kernel holds for us while linkd is away. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ==
	    -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	r = packet_bind(t, link, fd);
	if (r < 0) {
		close(fd);
		return failed(l, l->ifname, -r,
		    r == -ENODEV ? "there is no such interface here" : "",
		    error);
	}
	return fd;
}

/* ---- All ---- */

int device_open(struct topology *t, unsigned link, char error[TOPO_ERROR_LEN])
{
	switch (t->links[link].device) {
	case DEVICE_TAP:
		return tap_open(&t->links[link], error);
	case DEVICE_PACKET:
		return packet_open(t, link, error);
	case DEVICE_LOOPBACK:
	case DEVICE_NULL:
	case NDEVICES:
		break;
	}
	return 0;
}

int device_check(
    const struct topology *t, unsigned link, char error[TOPO_ERROR_LEN])
{
	struct topology scratch = *t;
	int fd = device_open(&scratch, link, error);

	if (fd > 0 && device_has_fd(t->links[link].device))
		close(fd);
	return fd < 0 ? fd : 0;
}

int device_configure_host(
    const struct topology *t, unsigned link, char error[TOPO_ERROR_LEN])
{
	const struct topo_link *l = &t->links[link];
	int ifindex;
	int r;

	if (l->device != DEVICE_TAP || l->nhost == 0)
		return 0;
	ifindex = (int)if_nametoindex(l->ifname);
	if (ifindex == 0)
		return failed(l, l->ifname, errno, "", error);
	r = netlink_set_mtu(ifindex, l->mtu);
	for (uint32_t i = 0; r == 0 && i < l->nhost; i++)
		r = netlink_add_address(
		    ifindex, &l->host[i].ip, l->host[i].plen);
	if (r == 0)
		r = netlink_set_up(ifindex);
	return r < 0 ? failed(l, "host side", -r, "", error) : 0;
}

void device_await_gone(const struct topology *t, unsigned link)
{
	const struct topo_link *l = &t->links[link];

	for (int ms = 0; ms < GONE_MS && l->device == DEVICE_TAP &&
	     if_nametoindex(l->ifname) != 0;
	     ms++)
		usleep(1000);
}
