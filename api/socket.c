/*
 * socket.c - sockets and their addresses
 */
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"

enum {
	TYPE_MASK = 0xf,
	TYPES = SOCK_PACKET + 1,
};

static int own_protocol(int type)
{
	return (type & TYPE_MASK) == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

/* Echo requests alone, which everybody may send (icmp(7)). */
static int ping_protocol(int domain)
{
	return domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* Is this protocol one of the type's? */
static bool is_protocol_of(int domain, int kind, int protocol)
{
	if (kind == SOCK_RAW)
		return protocol > 0 && protocol <= UINT8_MAX;
	return protocol == 0 || protocol == own_protocol(kind) ||
	    (kind == SOCK_DGRAM && protocol == ping_protocol(domain));
}

/* In the order in which the kernel looks. */
static int check_kind(int domain, int type, int protocol)
{
	int kind = type & TYPE_MASK;

	if (type & ~(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	if (domain < 0 || domain >= AF_MAX)
		return -EAFNOSUPPORT;
	if (kind >= TYPES)
		return -EINVAL;
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (kind != SOCK_DGRAM && kind != SOCK_STREAM && kind != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	return is_protocol_of(domain, kind, protocol) ? 0 : -EPROTONOSUPPORT;
}

int strata_socket(int domain, int type, int protocol)
{
	int r = check_kind(domain, type, protocol);
	struct sock k;

	if (r == 0)
		r = lib_new_socket(domain, type & TYPE_MASK,
		    protocol != 0 ? protocol : own_protocol(type));
	if (r < 0)
		return (int)lib_result(r);
	if (!(type & SOCK_CLOEXEC))
		fcntl(r, F_SETFD, 0);
	if (lib_find(&k, r) < 0)
		return r;
	if (type & SOCK_NONBLOCK) {
		fcntl(r, F_SETFL, O_NONBLOCK);
		atomic_store(&k.l->nonblock, 1);
	}
	/* From now on it gets what comes: wait until the stack knows it. */
	if (k.l->type == SOCK_RAW)
		sock_refresh(&k);
	return r;
}

int strata_close(int fd)
{
	struct sock k;
	int r = lib_find(&k, fd);

	if (r < 0)
		return epoll_closed(fd) ? 0 : (int)lib_result(r);
	if (k.l->type == SOCK_STREAM) {
		listen_closed(&k);
		stream_linger(&k);
	}
	epoll_forget(fd);
	lib_forget(fd);
	return close(fd);
}

int strata_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct app_name name;
	struct sock k;
	int r = lib_find(&k, fd);

	if (r == 0)
		r = name_for_bind(&name, &k, addr, len);
	if (r == 0)
		r = sock_command_name(&k, APP_OP_BIND, &name);
	return (int)lib_result(r);
}

int strata_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct app_name name;
	struct sock k;
	int r = lib_find(&k, fd);

	if (r == 0)
		r = name_for_connect(&name, &k, addr, len);
	if (r == 0)
		r = k.l->type == SOCK_STREAM
		    ? stream_connect(&k, &name)
		    : sock_command_name(&k, APP_OP_CONNECT, &name);
	return (int)lib_result(r);
}

int strata_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sock k;
	names n;
	int r = lib_find(&k, fd);

	if (r == 0 && (int)*len < 0)
		r = -EINVAL;
	if (r < 0)
		return (int)lib_result(r);
	sock_names(&k, &n);
	name_to_sockaddr(&n.local, k.l->family, addr, len);
	return 0;
}

int strata_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sock k;
	names n;
	int r = lib_find(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	sock_names(&k, &n);
	if (!n.connected)
		return (int)lib_result(-ENOTCONN);
	if ((int)*len < 0)
		return (int)lib_result(-EINVAL);
	name_to_sockaddr(&n.peer, k.l->family, addr, len);
	return 0;
}

int strata_shutdown(int fd, int how)
{
	uint32_t arg[2] = { (uint32_t)how + 1, 0 };
	struct sock k;
	names n;
	int r = lib_find(&k, fd);
	bool listened;

	if (r == 0 && (how < SHUT_RD || how > SHUT_RDWR))
		r = -EINVAL;
	if (r < 0)
		return (int)lib_result(r);
	listened = stream_word(&k) & STREAM_LISTENING;
	r = sock_command(&k, APP_OP_SHUTDOWN, arg, NULL, 0, NULL, NULL);
	if (r == 0 && listened && !(stream_word(&k) & STREAM_LISTENING))
		listen_ended(&k);
	if (r == 0 && k.l->type != SOCK_STREAM) {
		/* Done, and yet an error: so it is with the kernel. */
		sock_names(&k, &n);
		r = n.connected ? 0 : -ENOTCONN;
	}
	return (int)lib_result(r);
}

static int set_flags(const struct sock *k, int flags)
{
	int r = fcntl(k->fd, F_SETFL, flags);

	if (r == 0)
		atomic_store(&k->l->nonblock, (flags & O_NONBLOCK) != 0);
	return r;
}

int strata_fcntl(int fd, int cmd, ...)
{
	struct sock k;
	va_list ap;
	int arg;
	int r = lib_find(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	switch (cmd) {
	case F_GETFL:
	case F_GETFD:
		return fcntl(fd, cmd);
	case F_SETFL:
	case F_SETFD:
		va_start(ap, cmd);
		arg = va_arg(ap, int);
		va_end(ap);
		return cmd == F_SETFL ? set_flags(&k, arg)
				      : fcntl(fd, F_SETFD, arg);
	default: /* a program's number */
		return (int)lib_result(-EINVAL);
	}
}

int strata_ioctl(int fd, unsigned long request, ...)
{
	struct sock k;
	va_list ap;
	int *arg;
	int r = lib_find(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	va_start(ap, request);
	arg = va_arg(ap, int *);
	va_end(ap);
	switch (request) {
	case FIONREAD: /* SIOCINQ is the same */
		if (stream_word(&k) & STREAM_LISTENING)
			return (int)lib_result(-EINVAL);
		*arg = k.l->type == SOCK_STREAM ? (int)stream_unread(&k)
						: (int)datagram_next_len(&k);
		return 0;
	case SIOCOUTQNSD:
		if (k.l->type != SOCK_STREAM)
			return (int)lib_result(-ENOTTY);
		*arg = (int)stream_unsent(&k);
		return 0;
	case SIOCOUTQ: /* TIOCOUTQ is the same */
		*arg = (int)(atomic_load(&k.a->tx_written) -
		    atomic_load(&k.s->tx_consumed));
		return 0;
	case FIONBIO:
		r = fcntl(fd, F_GETFL);
		return set_flags(&k, *arg ? r | O_NONBLOCK : r & ~O_NONBLOCK);
	default: /* a program's number */
		return (int)lib_result(-ENOTTY);
	}
}
