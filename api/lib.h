/*
 * lib.h - what the files of the library share
 *
 * Three kinds of memory:
 *   - a2s and s2a, shared with the daemons (shm/app.h);
 *   - struct lib_shared, shared by the processes that come of one by fork: the
 *     locks that keep them apart, and what the kernel keeps in an open file
 *     description;
 *   - struct lib and the table of descriptors, which fork copies.
 *
 * The locks are robust.  A process that dies inside one leaves nothing behind
 * that needs repair: all that others see is one word, stored at the end.
 */
#ifndef API_LIB_H
#define API_LIB_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "shm/app.h"

struct lib_socket {
	pthread_mutex_t command; /* the one command slot */
	pthread_mutex_t tx;      /* tx_written and what is below it */
	pthread_mutex_t rx;      /* rx_read */
	_Atomic uint32_t nonblock;
	_Atomic int64_t send_timeout_ns; /* 0: none */
	uint8_t family;
	uint8_t proc; /* the transport's index */
	int type;
	int protocol;
};

struct lib_shared {
	pthread_mutex_t control; /* questions to the supervisor */
	pthread_mutex_t post;    /* the event ring */
	uint32_t token;
	struct lib_socket socket[APP_MAX_SOCKETS];
};

struct lib {
	int control; /* connection to the supervisor; -1: not attached */
	const struct topology *plan;
	uint8_t *a2s;
	const uint8_t *s2a[TOPO_MAX_PROCS];
	struct lib_shared *shared;
	pthread_mutex_t fib_lock;
	struct fib fib[TOPO_MAX_PROCS];
};

/* A socket, as one call uses it. */
struct sock {
	int fd;
	uint32_t sub;
	struct lib *lib;
	struct lib_socket *l;
	struct a2s_socket *a;
	const struct s2a_socket *s;
	uint8_t *tx;
	const uint8_t *rx;
};

/* What the transport shows of a socket, copied whole. */
typedef struct s2a_names names;

/* ---- attach.c */

/* The stack, found and attached to.  Negative errno. */
int lib_attach(struct lib **ret);

/* A new socket of the stack's: its descriptor, or a negative errno. */
int lib_new_socket(int family, int type, int protocol);

/* -EBADF, -ENOTSOCK. */
int lib_find(struct sock *ret, int fd);
void lib_forget(int fd);

void lib_lock(pthread_mutex_t *m);
void lib_unlock(pthread_mutex_t *m);

/* ---- command.c */

/* Post an event for @k's transport, and ring if it sleeps. */
void sock_post(const struct sock *k);

/*
 * Ask the transport and wait for its answer: 0 or more, or a negative errno.
 * Up to *@reply_len bytes go to @reply (NULL: none).
 */
int sock_command(const struct sock *k, uint32_t op, const uint32_t arg[2],
    const void *data, uint32_t len, void *reply, uint32_t *reply_len);

int sock_command_name(
    const struct sock *k, uint32_t op, const struct app_name *name);

void sock_names(const struct sock *k, names *ret);

/* Let the transport have a turn, in which it looks at everything. */
void sock_refresh(const struct sock *k);

/* The pending error as a negative errno, which is taken; 0: none. */
int sock_take_error(const struct sock *k);
bool sock_has_error(const struct sock *k);

/* True if the stack is gone: nobody holds the other end. */
bool sock_is_down(const struct sock *k);

/* ---- name.c: struct sockaddr, both ways, with the kernel's errnos */

int name_for_bind(struct app_name *ret, const struct sock *k,
    const struct sockaddr *addr, socklen_t len);
int name_for_connect(struct app_name *ret, const struct sock *k,
    const struct sockaddr *addr, socklen_t len);
int name_for_send(struct app_name *ret, const struct sock *k, bool v6only,
    const struct sockaddr *addr, socklen_t len);

/* At most *@len bytes, and into *@len the length of the whole. */
void name_to_sockaddr(const struct app_name *name, uint8_t family,
    struct sockaddr *addr, socklen_t *len);

/* ---- datagram.c */

struct datagram_out {
	struct app_name to; /* family 0: the peer */
	struct ip_addr source;
	uint8_t link, hops, tclass, flags;
	const struct iovec *iov;
	size_t niov;
	size_t len;
};

struct datagram_in {
	struct dgram head;
	const struct iovec *iov;
	size_t niov;
	size_t copied;
};

ssize_t datagram_send(
    const struct sock *k, struct datagram_out *d, int msg_flags);
/* Returns the datagram's whole length. */
ssize_t datagram_receive(
    const struct sock *k, struct datagram_in *d, int msg_flags);

bool datagram_readable(const struct sock *k);
bool datagram_writable(const struct sock *k, const names *n);
uint32_t datagram_next_len(const struct sock *k);

/*
 * If the ring is empty, take the bytes away that made @k's fd readable.  A
 * reader who has emptied it does so himself; others after an error.
 */
void datagram_settle(const struct sock *k);

/* The way to @to, as the transport knows it: 0 or a negative errno. */
int sock_route(const struct sock *k, const struct app_name *to, uint8_t link,
    struct fib_answer *ret);
bool sock_is_ours(const struct sock *k, const struct ip_addr *ip);

/* ---- message.c: what travels beside a datagram */

int message_read_control(
    struct datagram_out *d, const struct sock *k, const struct msghdr *msg);
void message_write_control(struct msghdr *msg, const struct sock *k,
    const names *n, const struct dgram *g);

/* The result of a public call. */
static inline ssize_t lib_result(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#endif /* API_LIB_H */
