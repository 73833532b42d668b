/*
 * netlink.c - the few things we ask of the kernel's own network
 */
#include "shm/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request: header, the family's own struct, a few attributes. */
struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
	};
	uint8_t attrs[128];
};

static struct request request_of(uint16_t type, size_t body)
{
	struct request q = { .h = { .nlmsg_type = type } };

	q.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	q.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return q;
}

static void add_attr(
    struct request *q, uint16_t type, const void *data, size_t len)
{
	struct rtattr a = {
		.rta_type = type,
		.rta_len = (uint16_t)RTA_LENGTH(len),
	};
	uint8_t *at = (uint8_t *)q + NLMSG_ALIGN(q->h.nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + RTA_LENGTH(0), data, len);
	q->h.nlmsg_len =
	    NLMSG_ALIGN(q->h.nlmsg_len) + (uint32_t)RTA_ALIGN(a.rta_len);
}

/* Send @q and wait for the kernel's word on it. */
static int ask(struct request *q)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
		uint8_t more[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r = 0;

	if (fd == -1)
		return -errno;
	if (send(fd, q, q->h.nlmsg_len, 0) == -1 ||
	    recv(fd, &answer, sizeof(answer), 0) == -1)
		r = -errno;
	else if (answer.h.nlmsg_type == NLMSG_ERROR)
		r = answer.err.error;
	close(fd);
	return r;
}

int netlink_set_mtu(int ifindex, uint32_t mtu)
{
	struct request q = request_of(RTM_NEWLINK, sizeof(q.link));

	q.link.ifi_index = ifindex;
	add_attr(&q, IFLA_MTU, &mtu, sizeof(mtu));
	return ask(&q);
}

int netlink_set_up(int ifindex)
{
	struct request q = request_of(RTM_NEWLINK, sizeof(q.link));

	q.link.ifi_index = ifindex;
	q.link.ifi_flags = IFF_UP;
	q.link.ifi_change = IFF_UP;
	return ask(&q);
}

int netlink_add_address(int ifindex, const struct ip_addr *ip, uint8_t plen)
{
	struct request q = request_of(RTM_NEWADDR, sizeof(q.addr));
	bool v4 = ip_is_v4(ip);
	const uint8_t *bytes = v4 ? ip_v4(ip) : ip->b;
	size_t len = v4 ? 4 : 16;

	q.h.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	q.addr.ifa_family = v4 ? AF_INET : AF_INET6;
	q.addr.ifa_prefixlen = plen;
	q.addr.ifa_flags = v4 ? 0 : IFA_F_NODAD;
	q.addr.ifa_index = (uint32_t)ifindex;
	add_attr(&q, IFA_LOCAL, bytes, len);
	add_attr(&q, IFA_ADDRESS, bytes, len);
	if (v4 && plen < 31) {
		struct ip_addr all = ip_subnet_broadcast(ip, plen);

		add_attr(&q, IFA_BROADCAST, ip_v4(&all), 4);
	}
	return ask(&q);
}
