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
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "shm/clock.h"
#include "shm/control.h"

enum {
	LIB_APPS = 16, /* as which one program may attach */
};

struct lib_socket {
	pthread_mutex_t command; /* the one command slot */
	pthread_mutex_t tx;      /* tx_written and what is below it */
	pthread_mutex_t rx;      /* rx_read */
	_Atomic uint32_t nonblock;
	_Atomic int64_t send_timeout_ns; /* 0: none */
	_Atomic int64_t recv_timeout_ns;
	_Atomic uint32_t room_waits; /* polls and epolls that want to write */
	_Atomic uint32_t connecting; /* connect() has not told the end */
	_Atomic uint32_t taken;      /* a spare: some process has accepted it */
	_Atomic uint32_t made;       /* how often its number was a new one's */
	_Atomic uint32_t apps;       /* so many does each of its holders have */
	uint32_t forks;              /* lib_shared's when it was made */
	uint64_t rx_posted;          /* under rx: reads that tcpd was told of */
	uint8_t family;
	uint8_t proc; /* the transport's index */
	int type;
	int protocol;
};

struct lib_shared {
	pthread_mutex_t control; /* questions to the supervisor */
	pthread_mutex_t post;    /* the event ring */
	uint32_t token;
	_Atomic uint32_t forks; /* how often the program has */
	_Atomic uint32_t
	    stray; /* spares accepted by another than their maker */
	struct lib_socket socket[APP_MAX_SOCKETS];
};

struct lib {
	int control; /* connection to the supervisor */
	const struct topology *plan;
	uint8_t *a2s;
	const uint8_t *s2a[TOPO_MAX_PROCS];
	struct lib_shared *shared;
	uint32_t id;    /* the app's number */
	uint32_t index; /* which of the program's apps */
	pthread_mutex_t *fib_lock;
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

/* Datagrams of UDP, with ports; not ICMP's, nor those of raw sockets. */
static inline bool sock_is_udp(const struct sock *k)
{
	return k->l->type == SOCK_DGRAM && k->l->protocol == IPPROTO_UDP;
}

/* What the transport shows of a socket, copied whole. */
typedef struct s2a_names names;

/* ---- attach.c */

/* The stack, found and attached to, as the @i-th app.  Negative errno. */
int lib_attach(struct lib **ret, uint32_t i);

/* One of ours with this number, or NULL. */
struct lib *lib_of_app(uint32_t app);

/* Some sockets: what is wanted, and what there is. */
struct lib_wish {
	int family, type, protocol;
	uint32_t count;
	uint32_t proc; /* 1 + the transport that must serve them; 0: any */
	uint32_t apps; /* of the first so many apps only; 0: of any */
	bool patient;  /* wait a little for numbers to be free */
};

struct lib_socket_fd {
	int fd;
	struct lib *lib;
	uint32_t sub;
};

/* Up to CTL_MAX_SOCKETS of them; returns how many, at least one. */
int lib_make_sockets(const struct lib_wish *w, struct lib_socket_fd *ret);

/* A descriptor here for a socket whose own another process has. */
int lib_renew_socket(struct lib *l, uint32_t sub, struct lib_socket_fd *ret);

/* It is the program's from now on. */
void lib_adopt(const struct lib_socket_fd *f);
void lib_sock(struct sock *ret, const struct lib_socket_fd *f);

/* A new socket of the stack's: its descriptor, or a negative errno. */
int lib_new_socket(int family, int type, int protocol);

/* No fork has made a copy of it: who closes it is the last. */
bool lib_is_alone(const struct sock *k);

/* -EBADF, -ENOTSOCK. */
int lib_find(struct sock *ret, int fd);
void lib_forget(int fd);

void lib_lock(pthread_mutex_t *m);
void lib_unlock(pthread_mutex_t *m);

/* ---- command.c */

/* Post an event for @k's transport, and ring if it sleeps. */
void sock_post(const struct sock *k);

/* Under the tx or the rx lock: that is about to be seen. */
void sock_say_write(const struct sock *k, uint64_t from, uint64_t to);
void sock_say_read(const struct sock *k, uint64_t from, uint64_t to);

/* Is it to be said? */
static inline bool sock_is_measured(const struct sock *k)
{
	const struct s2a_head *h = (const void *)k->lib->s2a[k->l->proc];

	return TAP_HOOKS &&
	    atomic_load_explicit(&h->measure, memory_order_relaxed);
}

static inline void sock_measure_write(
    const struct sock *k, uint64_t from, uint64_t to)
{
	if (sock_is_measured(k))
		sock_say_write(k, from, to);
}

static inline void sock_measure_read(
    const struct sock *k, uint64_t from, uint64_t to)
{
	if (sock_is_measured(k))
		sock_say_read(k, from, to);
}

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

/*
 * A byte is to come when no more than @level bytes are waiting to be sent, or
 * as soon as @bytes are unread, 0: no more (app.h).
 */
void sock_poll_room(const struct sock *k, uint32_t level);
void sock_poll_bytes(const struct sock *k, uint32_t bytes);

/*
 * Room is there: no more bytes because of it, unless others wait for it than
 * the @mine that are the caller's.
 */
void sock_room_seen(const struct sock *k, uint32_t mine);

/* Room is there, and somebody who waits for it has not seen it yet. */
bool sock_room_wanted(const struct sock *k);

/*
 * The bytes of the fd away: @all, but not if somebody else is to be woken by
 * them; else too many only.  sock_ask_for_byte() if it was one too many.
 */
void sock_drain(const struct sock *k, bool all);
void sock_ask_for_byte(const struct sock *k);

/*
 * After EINTR of a system call that the kernel does not take up again by
 * itself: must the caller's call end?
 */
bool sock_interrupted(const struct sock *k);

/* True if the stack is gone: nobody holds the other end. */
bool sock_is_down(const struct sock *k);

/* ---- room.c */

/* By SO_SNDTIMEO. */
struct mono room_deadline(const struct sock *k);

/* Another one when room, a stream's state or an error is another. */
uint32_t room_word(const struct sock *k);

/*
 * Until the word differs from @seen, or poll would say POLLOUT; sometimes for
 * nothing.  -EAGAIN: @deadline is over; -EINTR; -ENETDOWN.
 */
int room_wait(const struct sock *k, uint32_t seen, struct mono deadline);

/* The same for what poll says nothing of: with a look now and then. */
int room_wait_word(const struct sock *k, uint32_t seen, struct mono deadline);

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

/* ---- error_queue.c: MSG_ERRQUEUE */

bool errors_queued(const struct sock *k);

/* The oldest one, as recvmsg(2) tells it; -EAGAIN: none. */
ssize_t errors_receive(const struct sock *k, struct msghdr *msg);

/* ---- Where in an iovec the next byte is: place.c */

struct place {
	const struct iovec *iov;
	size_t niov;
	size_t off;
};

size_t place_left(const struct place *p);

/* The next piece, of at most @max bytes, and where; 0: no more. */
uint32_t place_piece(struct place *p, uint32_t max, uint8_t **at);

/* ---- stream.c */

/* What a stream's state allows: enum stream_flag. */
static inline uint64_t stream_word(const struct sock *k)
{
	return atomic_load_explicit(&k->s->stream, memory_order_acquire);
}

int stream_connect(const struct sock *k, const struct app_name *to);
ssize_t stream_send(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags);

/* Will a call with @flags wait? */
bool stream_waits(const struct sock *k, int flags);

/* sock_take_error(), which also ends a connect() that failed. */
int stream_take_error(const struct sock *k);

/* Bytes in the ring: that are not acknowledged; that were never sent. */
uint64_t stream_unacked(const struct sock *k);
uint64_t stream_unsent(const struct sock *k);

/* Bytes that may be written now. */
uint32_t stream_room(const struct sock *k, const names *n);

/* POLLOUT: so many that it is worth to wake somebody. */
bool stream_writable(const struct sock *k, const names *n);

/* A byte is to come when it is; look once more after it. */
void stream_poll_room(const struct sock *k, const names *n);

/* Until there is some, if the socket's calls wait; 0: so much. */
int stream_wait_room(const struct sock *k, uint32_t *room);

/* Under the tx lock: it is written up to @end; @more: it may wait. */
void stream_wrote(const struct sock *k, uint64_t end, bool more);

/* Close may have to wait for the peer (SO_LINGER). */
void stream_linger(const struct sock *k);

/* ---- stream_read.c */

ssize_t stream_receive(
    const struct sock *k, const struct iovec *iov, size_t niov, int flags);

/* By SO_RCVTIMEO. */
struct mono stream_read_deadline(const struct sock *k);

/* Until the fd is readable; -EAGAIN: @deadline is over. */
int stream_wait_byte(const struct sock *k, struct mono deadline);

/* What poll says: POLLIN and so on; all of it, asked for or not. */
short stream_ready(const struct sock *k);

/* sock_arm(), sock_settle() for streams. */
void stream_arm(const struct sock *k, short asked);
void stream_settle(const struct sock *k);

uint64_t stream_unread(const struct sock *k);

/* Under the rx lock: all up to @end is read. */
void stream_did_read(const struct sock *k, uint64_t end, uint32_t rcvbuf);

/* ---- listen.c */

/* @k is no listener any more; or this process closes one, if it is one. */
void listen_ended(const struct sock *k);
void listen_closed(const struct sock *k);

/*
 * Somebody is going to wait on this listener: sockets must be in stock.  Or why
 * there are none; who sleeps all the same is woken when one is wanted.
 */
int listen_ready(const struct sock *k);
void spare_before_fork(void);
void spare_after_fork(void);
void spare_forget_all(void);

/* ---- wait.c */

/* What of @k is ready, of what was asked for; errors always. */
short sock_ready(const struct sock *k, short asked);

/*
 * To be called when nothing is: a byte will come when something is.  Look once
 * more after it.
 */
void sock_arm(const struct sock *k, short asked);

/* Bytes on the fd that say nothing any more away. */
void sock_settle(const struct sock *k);

/*
 * Asleep until poll would say POLLOUT, or anything that ends a call; -EAGAIN:
 * @deadline is over; -ENETDOWN: the stack is gone.
 */
int sock_sleep(const struct sock *k, struct mono deadline);

/* Milliseconds until @deadline, rounded up, as poll(2) wants them. */
int lib_wait_ms(struct mono deadline);

/* ---- epoll.c */

/* True if @fd is an epoll set, which is closed now. */
bool epoll_closed(int fd);

/* A socket of ours is to be closed: out of all sets with it. */
void epoll_forget(int fd);

void epoll_before_fork(void);
void epoll_after_fork(void);
void epoll_in_child(void);

/* The result of a public call. */
static inline ssize_t lib_result(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#endif /* API_LIB_H */
