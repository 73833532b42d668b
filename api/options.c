/*
 * options.c - socket options: some end here, the rest are the transport's
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "api/lib.h"
#include "api/strata.h"
#include "shm/clock.h"

/* ---- SO_RCVTIMEO is the bare fd's own, too; SO_SNDTIMEO is kept here */

static int set_timeout(_Atomic int64_t *ret, const void *value, socklen_t len)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	/* Before the beginning of time means not to wait: a nanosecond. */
	if (tv.tv_sec < 0)
		atomic_store(ret, 1);
	else if (tv.tv_sec >= INT64_MAX / NS_PER_S - 1)
		atomic_store(ret, 0);
	else
		atomic_store(
		    ret, tv.tv_sec * NS_PER_S + tv.tv_usec * NS_PER_US);
	return 0;
}

static int set_local(
    const struct sock *k, int name, const void *value, socklen_t len)
{
	switch (name) {
	case SO_RCVTIMEO:
		if (setsockopt(k->fd, SOL_SOCKET, name, value, len) == -1)
			return -errno;
		return set_timeout(&k->l->recv_timeout_ns, value, len);
	case SO_SNDTIMEO:
		return set_timeout(&k->l->send_timeout_ns, value, len);
	case SO_ERROR:
	case SO_TYPE:
	case SO_DOMAIN:
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
		return -ENOPROTOOPT;
	default: /* a program's number */
		return 1;
	}
}

int strata_setsockopt(
    int fd, int level, int name, const void *value, socklen_t len)
{
	uint32_t arg[2] = { (uint32_t)level, (uint32_t)name };
	struct sock k;
	int r = lib_find(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	if ((int)len < 0)
		return (int)lib_result(-EINVAL);
	if (level == SOL_SOCKET && name != SO_BINDTODEVICE && len < sizeof(int))
		return (int)lib_result(-EINVAL);
	r = level == SOL_SOCKET ? set_local(&k, name, value, len) : 1;
	if (r == 1) {
		len = len < APP_COMMAND_BYTES ? len : APP_COMMAND_BYTES;
		r = sock_command(
		    &k, APP_OP_SETOPT, arg, value, len, NULL, NULL);
	}
	return (int)lib_result(r);
}

/* ---- Reading */

static int put_int(int v, void *value, socklen_t *len)
{
	socklen_t n = *len < sizeof(v) ? *len : (socklen_t)sizeof(v);

	memcpy(value, &v, n);
	*len = n;
	return 0;
}

static int get_error(const struct sock *k)
{
	int err = -sock_take_error(k);

	if (err != 0)
		sock_settle(k);
	return err;
}

static int get_send_timeout(const struct sock *k, void *value, socklen_t *len)
{
	int64_t ns = atomic_load(&k->l->send_timeout_ns);
	struct timeval tv = {
		.tv_sec = ns / NS_PER_S,
		.tv_usec = ns % NS_PER_S / NS_PER_US,
	};
	socklen_t n = *len < sizeof(tv) ? *len : (socklen_t)sizeof(tv);

	memcpy(value, &tv, n);
	*len = n;
	return 0;
}

static int get_local(
    const struct sock *k, int name, void *value, socklen_t *len)
{
	switch (name) {
	case SO_ERROR:
		return put_int(get_error(k), value, len);
	case SO_TYPE:
		return put_int(k->l->type, value, len);
	case SO_DOMAIN:
		return put_int(k->l->family, value, len);
	case SO_PROTOCOL:
		return put_int(k->l->protocol, value, len);
	case SO_ACCEPTCONN:
		return put_int(
		    (stream_word(k) & STREAM_LISTENING) != 0, value, len);
	case SO_RCVTIMEO:
		return getsockopt(k->fd, SOL_SOCKET, name, value, len) == -1
		    ? -errno
		    : 0;
	case SO_SNDTIMEO:
		return get_send_timeout(k, value, len);
	default: /* a program's number */
		return 1;
	}
}

/* A small number of IPv4's fits into whatever there is. */
static void copy_value(
    int level, const uint8_t *reply, uint32_t n, void *value, socklen_t *len)
{
	int v;

	memcpy(&v, reply, sizeof(v));
	if (level == IPPROTO_IP && n == sizeof(v) && *len < sizeof(v) &&
	    *len > 0 && v >= 0 && v <= UINT8_MAX) {
		*(uint8_t *)value = (uint8_t)v;
		*len = 1;
		return;
	}
	*len = n < *len ? n : *len;
	memcpy(value, reply, *len);
}

int strata_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	uint32_t arg[2] = { (uint32_t)level, (uint32_t)name };
	uint8_t reply[APP_REPLY_BYTES] = { 0 };
	uint32_t n = sizeof(reply);
	struct sock k;
	int r = lib_find(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	/* The kernel takes it for very long where IPv6 is asked. */
	if ((int)*len < 0 && level != IPPROTO_IPV6)
		return (int)lib_result(-EINVAL);
	r = level == SOL_SOCKET ? get_local(&k, name, value, len) : 1;
	if (r == 1) {
		r = sock_command(&k, APP_OP_GETOPT, arg, NULL, 0, reply, &n);
		if (r == 0)
			copy_value(level, reply, n, value, len);
	}
	return (int)lib_result(r);
}
