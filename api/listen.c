/*
 * listen.c - listen, accept, and sockets in stock for both
 *
 * tcpd gives each connection a socket as soon as it is established, so some
 * must be there before: spares, asked of the supervisor by the dozen and handed
 * to tcpd through the listener's tx ring (shm/app.h).
 *
 * A spare's fd belongs to the process that made it: a child of fork closes its
 * copies, or the connection would outlive its close in the parent.  Who takes
 * a connection whose fd another process has asks the supervisor for a new one;
 * and only then steps over its record, which until then keeps it alive (tcpd's
 * accept.c), whoever dies.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"

enum {
	MOST_SPARES = 512, /* for one listener */
	FD_SHARE = 4,      /* but no more than this part of our descriptors */
	/* That a ring has room for: those of the dead are in it, too. */
	RING_SPARES = APP_TX_BYTES / sizeof(uint32_t) - CTL_MAX_SOCKETS,
	ALL_SOCKETS = LIB_APPS * APP_MAX_SOCKETS,
	STRAY_SPARES = 32, /* so many before we look which of ours they are */
};

/*
 * A spare of ours, by number of socket.  Once another process has taken it, its
 * number may be that of a new one, made here or elsewhere.
 */
static struct {
	int fd;        /* 1 + fd; 0: none */
	uint32_t made; /* lib_socket's when it was */
} spares[ALL_SOCKETS];
static _Atomic uint32_t strays_seen; /* of lib_shared's stray */
/* By listener: how many spares this process keeps for it; 0: none yet. */
static _Atomic uint16_t stock[ALL_SOCKETS];
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t number_of(const struct lib *l, uint32_t sub)
{
	return l->index * APP_MAX_SOCKETS + sub;
}

/* Under the spare lock. */
static void close_spare(uint32_t number)
{
	if (spares[number].fd > 0)
		close(spares[number].fd - 1);
	spares[number].fd = 0;
}

/* Under the spare lock: is what we have of @sub the socket of that number? */
static bool has_spare(const struct lib *l, uint32_t sub)
{
	uint32_t i = number_of(l, sub);

	return spares[i].fd > 0 &&
	    spares[i].made == atomic_load(&l->shared->socket[sub].made);
}

void spare_before_fork(void)
{
	pthread_mutex_lock(&spare_lock);
}

void spare_after_fork(void)
{
	pthread_mutex_unlock(&spare_lock);
}

void spare_forget_all(void)
{
	for (uint32_t i = 0; i < ALL_SOCKETS; i++) {
		close_spare(i);
		atomic_store(&stock[i], 0);
	}
}

/* ---- Giving tcpd spares */

/* Under the tx lock. */
static void hand_over(const struct sock *k, const struct lib_socket_fd *f)
{
	uint64_t at =
	    atomic_load_explicit(&k->a->tx_written, memory_order_relaxed);
	uint32_t word = spare_make(f->lib->id, f->sub);
	uint32_t i = number_of(f->lib, f->sub);
	struct sock spare;

	lib_sock(&spare, f);
	atomic_store(&spare.a->offered, k->lib->id + 1);
	pthread_mutex_lock(&spare_lock);
	/* One that another process has taken, and its number is free again. */
	close_spare(i);
	spares[i].fd = f->fd + 1;
	spares[i].made = atomic_load(&spare.l->made);
	pthread_mutex_unlock(&spare_lock);
	app_ring_write(k->tx, APP_TX_BYTES, at, &word, sizeof(word));
	atomic_store_explicit(
	    &k->a->tx_written, at + sizeof(word), memory_order_release);
}

/*
 * A spare must be of an app that all who have the listener have, too: which one
 * of them attached after a fork is his alone.  Of a listener that one process
 * has all are, since what forks from now on has them.
 */
static bool is_for_all(const struct sock *k, const struct lib_socket_fd *f)
{
	if (f->lib->index < atomic_load(&k->l->apps))
		return true;
	if (!lib_is_alone(k))
		return false;
	atomic_store(&k->l->apps, f->lib->index + 1);
	return true;
}

/* How many has tcpd not used yet? */
static uint32_t in_stock(const struct sock *k)
{
	return (uint32_t)(stream_unacked(k) / sizeof(uint32_t));
}

/* Spares of ours that others have taken are of no use any more. */
static void drop_taken(void)
{
	pthread_mutex_lock(&spare_lock);
	for (uint32_t i = 0; i < ALL_SOCKETS; i++) {
		uint32_t sub = i % APP_MAX_SOCKETS;
		struct lib *l;

		if (spares[i].fd > 0 &&
		    lib_attach(&l, i / APP_MAX_SOCKETS) == 0 &&
		    (!has_spare(l, sub) ||
			atomic_load(&l->shared->socket[sub].taken)))
			close_spare(i);
	}
	pthread_mutex_unlock(&spare_lock);
}

/* Now and then: to look at all of them costs more than some fds. */
static void drop_strays(const struct sock *k)
{
	uint32_t stray = atomic_load(&k->lib->shared->stray);

	if (stray - atomic_load(&strays_seen) < STRAY_SPARES)
		return;
	atomic_store(&strays_seen, stray);
	drop_taken();
}

/* 0, or why there are fewer than @want. */
static int add_spares(const struct sock *k, uint32_t want, bool patient)
{
	struct lib_socket_fd f[CTL_MAX_SOCKETS];
	struct lib_wish w = {
		.family = k->l->family,
		.type = k->l->type,
		.protocol = k->l->protocol,
		.proc = k->l->proc + 1U,
	};
	int r = 0;

	if (want > RING_SPARES)
		want = RING_SPARES;
	lib_lock(&k->l->tx);
	while (r >= 0 && in_stock(k) < want) {
		w.count = want - in_stock(k);
		w.patient = patient && in_stock(k) == 0;
		if (w.count > CTL_MAX_SOCKETS)
			w.count = CTL_MAX_SOCKETS;
		w.apps = lib_is_alone(k) ? 0 : atomic_load(&k->l->apps);
		r = lib_make_sockets(&w, f);
		for (int i = 0; i < r; i++)
			if (is_for_all(k, &f[i]))
				hand_over(k, &f[i]);
			else
				close(f[i].fd);
	}
	lib_unlock(&k->l->tx);
	sock_post(k);
	return r < 0 ? r : 0;
}

/* As many as may come before anybody looks again. */
static uint32_t stock_for(int backlog)
{
	struct rlimit files;
	uint32_t n = MOST_SPARES;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur / FD_SHARE < n)
		n = (uint32_t)files.rlim_cur / FD_SHARE;
	if (backlog >= 0 && (uint32_t)backlog < n)
		n = (uint32_t)backlog + 1;
	return n > 0 ? n : 1;
}

static _Atomic uint16_t *stock_of(const struct sock *k)
{
	return &stock[number_of(k->lib, k->sub)];
}

int listen_ready(const struct sock *k)
{
	uint32_t most = atomic_load(stock_of(k));
	int r = 0;

	drop_strays(k);
	/*
	 * Inherited: what is in stock may be somebody's who is no more, and was
	 * closed with him.
	 */
	if (most == 0) {
		most = stock_for(-1) / 4 + 1;
		atomic_store(stock_of(k), (uint16_t)most);
		r = add_spares(k, in_stock(k) + most, false);
	} else if (in_stock(k) <= most / 2) {
		r = add_spares(k, most, false);
	}
	/* A byte when half are used up. */
	sock_poll_room(k, most / 2 * (uint32_t)sizeof(uint32_t));
	/* Fewer do, as long as there are some. */
	return in_stock(k) > 0 ? 0 : r;
}

int strata_listen(int fd, int backlog)
{
	uint32_t arg[2] = { (uint32_t)backlog, 0 };
	struct sock k;
	int r = lib_find(&k, fd);

	if (r == 0 && k.l->type != SOCK_STREAM)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = sock_command(&k, APP_OP_LISTEN, arg, NULL, 0, NULL, NULL);
	if (r == 0) {
		uint32_t most = stock_for(backlog);

		atomic_store(stock_of(&k), (uint16_t)most);
		r = add_spares(&k, most, true);
		if (in_stock(&k) > 0)
			r = 0;
	}
	return (int)lib_result(r);
}

/* ---- Accepting */

/*
 * The fd that goes with record @rec of @k, now the program's.  Ours is of no
 * use any more if another process has got a new one, though it died before it
 * could step over the record.
 */
static int claim(const struct sock *k, const struct accept_record *rec,
    struct lib_socket_fd *ret)
{
	uint32_t sub = rec->spare & 0xffff;
	struct lib *l = lib_of_app(rec->spare >> 16);
	bool taken;
	struct sock spare;
	int r = 1;

	if (l == NULL || sub >= APP_MAX_SOCKETS)
		return -ECONNABORTED;
	taken = atomic_exchange(&l->shared->socket[sub].taken, 1) != 0;
	pthread_mutex_lock(&spare_lock);
	if (taken || !has_spare(l, sub)) {
		close_spare(number_of(l, sub));
		r = lib_renew_socket(l, sub, ret);
		atomic_fetch_add(&k->lib->shared->stray, 1);
	} else {
		*ret = (struct lib_socket_fd){ spares[number_of(l, sub)].fd - 1,
			l, sub };
		spares[number_of(l, sub)].fd = 0;
		r = 0;
	}
	pthread_mutex_unlock(&spare_lock);
	if (r < 0)
		return r;
	lib_sock(&spare, ret);
	atomic_store(&spare.a->kept, r == 0);
	lib_adopt(ret);
	return 0;
}

/* Nobody here can have the connection of the next record. */
static int refuse(const struct sock *k)
{
	const uint32_t arg[2] = { 0, 0 };

	return sock_command(k, APP_OP_REFUSE, arg, NULL, 0, NULL, NULL);
}

/*
 * Under the rx lock: the next record and its fd, then it is read.  1: it had
 * none, there may be another; -EAGAIN: there is none.
 */
static int take_record(
    const struct sock *k, struct accept_record *rec, struct lib_socket_fd *ret)
{
	uint64_t at =
	    atomic_load_explicit(&k->a->rx_read, memory_order_relaxed);
	int r;

	if (stream_unread(k) < sizeof(*rec))
		return -EAGAIN;
	app_ring_read(rec, k->rx, APP_RX_BYTES, at, sizeof(*rec));
	r = claim(k, rec, ret);
	/* Not ours to have: its peer must not wait for ever. */
	if (r == -ECONNABORTED) {
		r = refuse(k);
		r = r < 0 ? r : 1;
	}
	/* It is gone. */
	if (r == -EBADF)
		r = 1;
	/* Else it waits, for somebody who has a descriptor left, say. */
	if (r >= 0)
		stream_did_read(k, at + sizeof(*rec), 0);
	return r;
}

/* Nothing is there: 0, look again; or why not. */
static int wait_for_record(const struct sock *k, struct mono deadline)
{
	int r;

	if (!(stream_word(k) & STREAM_LISTENING))
		return sock_is_down(k) ? -ENETDOWN : -EINVAL;
	r = listen_ready(k);
	stream_settle(k);
	if (stream_unread(k) > 0)
		return 0;
	/* Nothing can come, and nobody would wake us. */
	if (r < 0)
		return r;
	if (!(stream_word(k) & STREAM_LISTENING)) {
		/* The byte that is gone now was for others here, too. */
		sock_ask_for_byte(k);
		return 0;
	}
	if (!stream_waits(k, 0))
		return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
	return stream_wait_byte(k, deadline);
}

/* The fd of the next connection that is still there. */
static int next_connection(
    const struct sock *k, struct accept_record *rec, struct lib_socket_fd *ret)
{
	struct mono deadline = stream_read_deadline(k);
	int r;

	do {
		lib_lock(&k->l->rx);
		r = take_record(k, rec, ret);
		lib_unlock(&k->l->rx);
		if (r == 0)
			return 0;
		if (r == -EAGAIN)
			r = wait_for_record(k, deadline);
	} while (r >= 0);
	return r;
}

static int finish(
    const struct sock *from, const struct lib_socket_fd *f, int flags)
{
	struct sock k;
	struct timeval tv;
	socklen_t len = sizeof(tv);

	lib_sock(&k, f);
	/* tcpd may still be showing what it is. */
	if (!(stream_word(&k) & (STREAM_ESTABLISHED | STREAM_RESET)))
		sock_refresh(&k);
	/* As with the kernel these are inherited, and O_NONBLOCK is not. */
	if (getsockopt(from->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len) == 0)
		setsockopt(k.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, len);
	atomic_store(
	    &k.l->recv_timeout_ns, atomic_load(&from->l->recv_timeout_ns));
	atomic_store(
	    &k.l->send_timeout_ns, atomic_load(&from->l->send_timeout_ns));
	k.l->rx_posted = atomic_load(&k.a->rx_read);
	if (!(flags & SOCK_CLOEXEC))
		fcntl(k.fd, F_SETFD, 0);
	if (flags & SOCK_NONBLOCK) {
		fcntl(k.fd, F_SETFL, O_NONBLOCK);
		atomic_store(&k.l->nonblock, 1);
	}
	return k.fd;
}

int strata_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct accept_record rec;
	struct lib_socket_fd f;
	struct sock k;
	int r = lib_find(&k, fd);

	if (r == 0 && (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)))
		r = -EINVAL;
	if (r == 0 && k.l->type != SOCK_STREAM)
		r = -EOPNOTSUPP;
	if (r == 0 && addr != NULL && (int)*len < 0)
		r = -EINVAL;
	if (r == 0)
		r = next_connection(&k, &rec, &f);
	if (r < 0)
		return (int)lib_result(r);
	listen_ready(&k);
	if (addr != NULL)
		name_to_sockaddr(&rec.peer, k.l->family, addr, len);
	return finish(&k, &f, flags);
}

int strata_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return strata_accept4(fd, addr, len, 0);
}

/* ---- Closing a listener: its connections nobody accepted go with it */

static void close_named(uint32_t spare)
{
	struct lib *l = lib_of_app(spare >> 16);
	uint32_t sub = spare & 0xffff;

	if (l == NULL || sub >= APP_MAX_SOCKETS)
		return;
	pthread_mutex_lock(&spare_lock);
	close_spare(number_of(l, sub));
	pthread_mutex_unlock(&spare_lock);
}

/* Is one of @size at @at, before @end? */
static bool in_ring(uint64_t at, const _Atomic uint64_t *end, uint32_t size)
{
	uint64_t left = atomic_load(end) - at;

	return left >= size && left <= APP_RX_BYTES;
}

/* Of this process: others may go on with the same listener. */
static void close_spares(const struct sock *k)
{
	uint64_t at = atomic_load(&k->s->tx_consumed);
	struct accept_record rec;
	uint32_t word;

	atomic_store(stock_of(k), 0);
	for (; in_ring(at, &k->a->tx_written, sizeof(word));
	     at += sizeof(word)) {
		app_ring_read(&word, k->tx, APP_TX_BYTES, at, sizeof(word));
		close_named(word);
	}
	for (at = atomic_load(&k->a->rx_read);
	     in_ring(at, &k->s->rx_written, sizeof(rec)); at += sizeof(rec)) {
		app_ring_read(&rec, k->rx, APP_RX_BYTES, at, sizeof(rec));
		close_named(rec.spare);
	}
}

void listen_ended(const struct sock *k)
{
	lib_lock(&k->l->rx);
	close_spares(k);
	stream_did_read(k, atomic_load(&k->s->rx_written), 0);
	lib_unlock(&k->l->rx);
	/* Who sleeps in accept() may not have seen the byte that is gone. */
	sock_ask_for_byte(k);
}

void listen_closed(const struct sock *k)
{
	if (stream_word(k) & STREAM_LISTENING)
		close_spares(k);
}
