/*
 * netlink.c - the few things we ask of the kernel's own network
 */
#include "shm/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
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

/* Send @q; the bytes of the kernel's answer. */
static ssize_t ask_for(const struct request *q, void *answer, size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (fd == -1)
		return -errno;
	n = send(fd, q, q->h.nlmsg_len, 0);
	if (n != -1)
		n = recv(fd, answer, size, 0);
	if (n == -1)
		n = -errno;
	close(fd);
	return n;
}

/* Send @q and wait for the kernel's word on it. */
static int ask(const struct request *q)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
		uint8_t more[512];
	} answer = { .err.error = 0 };
	ssize_t n = ask_for(q, &answer, sizeof(answer));

	if (n < 0)
		return (int)n;
	return answer.h.nlmsg_type == NLMSG_ERROR ? answer.err.error : 0;
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

/* The attribute of @type among the @len bytes at @p; NULL: it is not there. */
static const uint8_t *find_attr(
    const uint8_t *p, size_t len, uint16_t type, size_t bytes)
{
	struct rtattr a;

	while (len >= sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > len)
			return NULL;
		if (a.rta_type == type && a.rta_len >= RTA_LENGTH(bytes))
			return p + RTA_LENGTH(0);
		if (RTA_ALIGN(a.rta_len) > len)
			return NULL;
		p += RTA_ALIGN(a.rta_len);
		len -= RTA_ALIGN(a.rta_len);
	}
	return NULL;
}

int netlink_dropped(int ifindex, uint64_t *ret)
{
	struct request q = request_of(RTM_GETLINK, sizeof(q.link));
	const size_t head = NLMSG_LENGTH(sizeof(q.link));
	uint8_t answer[8192];
	const uint8_t *attr = NULL;
	struct nlmsghdr h;
	ssize_t len;
	int r;

	q.h.nlmsg_flags = NLM_F_REQUEST;
	q.link.ifi_index = ifindex;
	len = ask_for(&q, answer, sizeof(answer));
	if (len < 0)
		return (int)len;
	if ((size_t)len < sizeof(h))
		return -EPROTO;
	memcpy(&h, answer, sizeof(h));
	r = h.nlmsg_type == RTM_NEWLINK ? 0 : -ENODEV;
	if (r == 0 && (size_t)len >= head)
		attr =
		    find_attr(answer + head, (size_t)len - head, IFLA_STATS64,
			offsetof(struct rtnl_link_stats64, tx_dropped) +
			    sizeof(*ret));
	if (attr == NULL)
		return r < 0 ? r : -EPROTO;
	memcpy(ret, attr + offsetof(struct rtnl_link_stats64, tx_dropped),
	    sizeof(*ret));
	return 0;
}
