/*
 * message.c - sendmsg, recvmsg and what travels beside a datagram
 */
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "api/lib.h"
#include "api/strata.h"

/* ---- Ancillary data to be sent */

static int read_int(const struct cmsghdr *c, int min, int max, int *ret)
{
	int v;

	if (c->cmsg_len != CMSG_LEN(sizeof(v)))
		return -EINVAL;
	memcpy(&v, CMSG_DATA(c), sizeof(v));
	if (v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int set_link(struct datagram_out *d, const struct sock *k, int64_t index)
{
	if (index == 0)
		return 0;
	if (index < 0 || index > k->lib->plan->nlinks)
		return -ENODEV;
	d->link = (uint8_t)(index - 1);
	return 0;
}

static int read_pktinfo4(
    struct datagram_out *d, const struct sock *k, const struct cmsghdr *c)
{
	struct in_pktinfo info;

	if (c->cmsg_len != CMSG_LEN(sizeof(info)))
		return -EINVAL;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	if (info.ipi_spec_dst.s_addr != INADDR_ANY)
		d->source = ip_from_v4((const uint8_t *)&info.ipi_spec_dst);
	return set_link(d, k, info.ipi_ifindex);
}

static int read_pktinfo6(
    struct datagram_out *d, const struct sock *k, const struct cmsghdr *c)
{
	struct in6_pktinfo info;

	if (c->cmsg_len < CMSG_LEN(sizeof(info)))
		return -EINVAL;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	d->source = ip_from_v6(info.ipi6_addr.s6_addr);
	return set_link(d, k, info.ipi6_ifindex);
}

static int read_v4(
    struct datagram_out *d, const struct sock *k, const struct cmsghdr *c)
{
	int v = 0;
	int r;

	switch (c->cmsg_type) {
	case IP_PKTINFO:
		return read_pktinfo4(d, k, c);
	case IP_TTL:
		r = read_int(c, 1, 255, &v);
		d->hops = (uint8_t)v;
		d->flags |= DGRAM_TTL;
		return r;
	case IP_TOS:
		if (c->cmsg_len == CMSG_LEN(1)) {
			v = *CMSG_DATA(c);
			r = 0;
		} else {
			r = read_int(c, 0, 255, &v);
		}
		d->tclass = (uint8_t)v;
		d->flags |= DGRAM_TCLASS;
		return r;
	default: /* a program's number */
		return -EINVAL;
	}
}

static int read_v6(
    struct datagram_out *d, const struct sock *k, const struct cmsghdr *c)
{
	int v = 0;
	int r;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		return read_pktinfo6(d, k, c);
	case IPV6_HOPLIMIT:
		r = read_int(c, -1, 255, &v);
		if (r == 0 && v >= 0) {
			d->hops = (uint8_t)v;
			d->flags |= DGRAM_TTL;
		}
		return r;
	case IPV6_TCLASS:
		r = read_int(c, -1, 255, &v);
		if (r == 0 && v >= 0) {
			d->tclass = (uint8_t)v;
			d->flags |= DGRAM_TCLASS;
		}
		return r;
	default: /* a program's number */
		return -EINVAL;
	}
}

int message_read_control(
    struct datagram_out *d, const struct sock *k, const struct msghdr *msg)
{
	struct msghdr m = *msg;
	int r = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL && r == 0;
	     c = CMSG_NXTHDR(&m, c)) {
		const uint8_t *end =
		    (const uint8_t *)m.msg_control + m.msg_controllen;

		if (c->cmsg_len < sizeof(*c) ||
		    c->cmsg_len > (size_t)(end - (const uint8_t *)c))
			return -EINVAL;
		if (c->cmsg_level == IPPROTO_IP)
			r = read_v4(d, k, c);
		else if (c->cmsg_level == IPPROTO_IPV6 &&
		    k->l->family == AF_INET6)
			r = read_v6(d, k, c);
		else if (c->cmsg_level == SOL_SOCKET)
			r = -EINVAL;
	}
	return r;
}

/* ---- Ancillary data that was received */

struct control {
	struct msghdr *msg;
	size_t size; /* room in all */
	size_t used;
};

static void put(
    struct control *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = {
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	uint8_t *at = (uint8_t *)c->msg->msg_control + c->used;

	if (c->size - c->used < h.cmsg_len) {
		c->msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	memcpy(at, &h, sizeof(h));
	memcpy(at + CMSG_LEN(0), data, len);
	c->used += CMSG_SPACE(len);
	if (c->used > c->size)
		c->used = c->size;
}

static void put_v4(struct control *c, uint32_t so, const struct dgram *g)
{
	struct in_pktinfo info = { .ipi_ifindex = g->link + 1 };
	int ttl = g->hops;

	if (so & APP_SO_PKTINFO) {
		memcpy(&info.ipi_addr, ip_v4(&g->local), 4);
		if (!ip_is_multicast(&g->local) && !ip_is_broadcast(&g->local))
			info.ipi_spec_dst = info.ipi_addr;
		put(c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (so & APP_SO_RECVTTL)
		put(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (so & APP_SO_RECVTOS)
		put(c, IPPROTO_IP, IP_TOS, &g->tclass, 1);
}

static void put_v6(struct control *c, uint32_t so, const struct dgram *g)
{
	struct in6_pktinfo info = { .ipi6_ifindex = g->link + 1U };
	int hops = g->hops;
	int tclass = g->tclass;

	if (so & APP_SO_PKTINFO6) {
		memcpy(&info.ipi6_addr, g->local.b, 16);
		put(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (ip_is_v4(&g->peer))
		return;
	if (so & APP_SO_RECVTTL6)
		put(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (so & APP_SO_RECVTOS6)
		put(c, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass));
}

void message_write_control(struct msghdr *msg, const struct sock *k,
    const names *n, const struct dgram *g)
{
	struct control c = {
		.msg = msg,
		.size = msg->msg_control ? msg->msg_controllen : 0,
	};

	if (k->l->family == AF_INET6)
		put_v6(&c, n->so_flags, g);
	if (ip_is_v4(&g->peer))
		put_v4(&c, n->so_flags, g);
	msg->msg_controllen = c.used;
}

/* ---- The calls */

static size_t total(const struct iovec *iov, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

ssize_t strata_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct datagram_out d = { .link = LINK_ANY };
	struct sock k;
	names n;
	int r = lib_find(&k, fd);

	if (r < 0)
		return lib_result(r);
	if (k.l->type == SOCK_STREAM)
		return lib_result(
		    stream_send(&k, msg->msg_iov, msg->msg_iovlen, flags));
	d.iov = msg->msg_iov;
	d.niov = msg->msg_iovlen;
	d.len = total(d.iov, d.niov);
	d.source = ip_any6;
	if (d.len > UINT16_MAX)
		return lib_result(-EMSGSIZE);
	if (flags & MSG_OOB)
		return lib_result(-EOPNOTSUPP);
	if (msg->msg_name != NULL && msg->msg_namelen > 0) {
		sock_names(&k, &n);
		r = name_for_send(&d.to, &k, n.so_flags & APP_SO_V6ONLY,
		    msg->msg_name, msg->msg_namelen);
	}
	if (r == 0 && msg->msg_controllen > 0)
		r = message_read_control(&d, &k, msg);
	if (r < 0)
		return lib_result(r);
	return lib_result(datagram_send(&k, &d, flags));
}

ssize_t strata_sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)buf,
		.iov_len = len,
	};
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)to,
		.msg_namelen = to != NULL ? to_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct sock k;
	int r;

	/* A pointer with length 0 is too short an address, not none. */
	if (to != NULL && to_len == 0) {
		r = lib_find(&k, fd);
		if (r < 0 || k.l->type != SOCK_STREAM)
			return lib_result(r < 0 ? r : -EINVAL);
	}
	return strata_sendmsg(fd, &msg, flags);
}

ssize_t strata_send(int fd, const void *buf, size_t len, int flags)
{
	return strata_sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t strata_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct datagram_in d = {
		.iov = msg->msg_iov,
		.niov = msg->msg_iovlen,
	};
	struct app_name from;
	struct sock k;
	names n;
	ssize_t r = lib_find(&k, fd);

	if (r == 0 && (flags & MSG_ERRQUEUE))
		return lib_result(errors_receive(&k, msg));
	if (r == 0 && k.l->type == SOCK_STREAM) {
		msg->msg_flags = 0;
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		return lib_result(
		    stream_receive(&k, msg->msg_iov, msg->msg_iovlen, flags));
	}
	if (r == 0)
		r = datagram_receive(&k, &d, flags);
	if (r < 0)
		return lib_result(r);
	msg->msg_flags = 0;
	if (d.copied < d.head.len)
		msg->msg_flags |= MSG_TRUNC;
	/* Shut down: nothing came, so nobody sent it. */
	if (d.head.port == 0 && d.head.len == 0 && ip_is_any(&d.head.peer)) {
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		return 0;
	}
	from = (struct app_name){
		.ip = d.head.peer,
		.port = d.head.port,
		.link = d.head.link,
	};
	if (msg->msg_name != NULL)
		name_to_sockaddr(
		    &from, k.l->family, msg->msg_name, &msg->msg_namelen);
	sock_names(&k, &n);
	message_write_control(msg, &k, &n, &d.head);
	return (flags & MSG_TRUNC) ? r : (ssize_t)d.copied;
}

ssize_t strata_recvfrom(int fd, void *buf, size_t len, int flags,
    struct sockaddr *from, socklen_t *from_len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name = from,
		.msg_namelen = from != NULL && from_len ? *from_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = strata_recvmsg(fd, &msg, flags);

	if (n >= 0 && from != NULL && from_len != NULL)
		*from_len = msg.msg_namelen;
	return n;
}

ssize_t strata_recv(int fd, void *buf, size_t len, int flags)
{
	return strata_recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t strata_readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};

	if (n < 0 || n > IOV_MAX)
		return lib_result(-EINVAL);
	return strata_recvmsg(fd, &msg, 0);
}

ssize_t strata_writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};

	if (n < 0 || n > IOV_MAX)
		return lib_result(-EINVAL);
	return strata_sendmsg(fd, &msg, 0);
}

ssize_t strata_read(int fd, void *buf, size_t len)
{
	return strata_recv(fd, buf, len, 0);
}

ssize_t strata_write(int fd, const void *buf, size_t len)
{
	return strata_send(fd, buf, len, 0);
}
