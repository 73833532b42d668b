/*
 * error_queue.c - errors one by one, with what they were about (MSG_ERRQUEUE)
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

/* Wants struct timespec to be known. */
#include <linux/errqueue.h>

#include "api/lib.h"

/* As the kernel hands it out: the error, then the address of who said so. */
struct told4 {
	struct sock_extended_err error;
	struct sockaddr_in offender;
};

struct told6 {
	struct sock_extended_err error;
	struct sockaddr_in6 offender;
};

static uint64_t err_read(const struct sock *k)
{
	return atomic_load_explicit(&k->a->err_read, memory_order_relaxed);
}

bool errors_queued(const struct sock *k)
{
	return atomic_load_explicit(&k->s->err_written, memory_order_acquire) !=
	    err_read(k);
}

/* Under the rx lock. */
static bool take(const struct sock *k, struct app_error *ret)
{
	uint64_t at = err_read(k);

	if (!errors_queued(k))
		return false;
	memcpy(ret, k->lib->s2a[k->l->proc] + s2a_error_off(k->sub, at),
	    sizeof(*ret));
	atomic_store_explicit(&k->a->err_read, at + 1, memory_order_release);
	if (ret->len > APP_ERROR_DATA)
		ret->len = APP_ERROR_DATA;
	return true;
}

static size_t copy_out(const struct app_error *e, const struct msghdr *msg)
{
	struct place to = { .iov = msg->msg_iov, .niov = msg->msg_iovlen };
	uint32_t copied = 0;
	uint8_t *at;
	uint32_t n;

	while (copied < e->len &&
	    (n = place_piece(&to, e->len - copied, &at)) > 0) {
		memcpy(at, e->data + copied, n);
		copied += n;
		to.off += n;
	}
	return copied;
}

static void write_control(
    struct msghdr *msg, const struct sock *k, const struct app_error *e)
{
	bool v4 = k->l->family == AF_INET;
	struct app_name from = { .ip = e->offender, .link = e->to.link };
	struct sock_extended_err error = {
		.ee_errno = e->err,
		.ee_origin = e->origin,
		.ee_type = e->type,
		.ee_code = e->code,
		.ee_info = e->info,
	};
	struct told4 t4 = { .error = error };
	struct told6 t6 = { .error = error };
	size_t size = v4 ? sizeof(t4) : sizeof(t6);
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	socklen_t len = (socklen_t)(size - sizeof(error));

	if (c == NULL || msg->msg_controllen < CMSG_LEN(size)) {
		msg->msg_flags |= MSG_CTRUNC;
		msg->msg_controllen = 0;
		return;
	}
	name_to_sockaddr(&from, v4 ? AF_INET : AF_INET6,
	    v4 ? (struct sockaddr *)&t4.offender
	       : (struct sockaddr *)&t6.offender,
	    &len);
	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_RECVERR : IPV6_RECVERR;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), v4 ? (const void *)&t4 : &t6, size);
	if (msg->msg_controllen > CMSG_SPACE(size))
		msg->msg_controllen = CMSG_SPACE(size);
}

/* The last one: then the error that was to be told with the next call is, too.
 */
static void forget_pending(const struct sock *k)
{
	if (k->l->type == SOCK_STREAM || errors_queued(k))
		return;
	if (sock_take_error(k) != 0)
		datagram_settle(k);
}

ssize_t errors_receive(const struct sock *k, struct msghdr *msg)
{
	struct app_error e;
	size_t copied;
	bool have;

	lib_lock(&k->l->rx);
	have = take(k, &e);
	lib_unlock(&k->l->rx);
	if (!have)
		return -EAGAIN;
	forget_pending(k);
	copied = copy_out(&e, msg);
	msg->msg_flags = MSG_ERRQUEUE;
	if (copied < e.len)
		msg->msg_flags |= MSG_TRUNC;
	if (msg->msg_name != NULL)
		name_to_sockaddr(
		    &e.to, k->l->family, msg->msg_name, &msg->msg_namelen);
	write_control(msg, k, &e);
	return (ssize_t)copied;
}
