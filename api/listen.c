/*
 * listen.c - listen, accept, and sockets in stock for both
 *
 * tcpd gives each connection a socket as soon as it is established, so some
 * must be there before: spares, asked of the supervisor by the dozen and handed
 * to tcpd through the listener's tx ring (shm/app.h).
 *
 * A spare's fd belongs to the process that made it: a child of fork closes its
 * copies, or the connection would outlive its close in the parent.  Who takes
 * a connection whose fd another process has asks the supervisor for a new one.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "api/lib.h"
#include "api/strata.h"

enum {
	FIRST_SPARES = 128, /* at least as many as come in a burst */
	FEW_SPARES = 64,    /* then more are made */
	ALL_SOCKETS = LIB_APPS * APP_MAX_SOCKETS,
};

/* By number of socket: 1 + the fd of a spare that is ours; 0: none. */
static int spare_fd[ALL_SOCKETS];
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t number_of(const struct lib *l, uint32_t sub)
{
	return l->index * APP_MAX_SOCKETS + sub;
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
		if (spare_fd[i] > 0)
			close(spare_fd[i] - 1);
		spare_fd[i] = 0;
	}
}

/* ---- Giving tcpd spares */

/* Under the tx lock. */
static void hand_over(const struct sock *k, const struct lib_socket_fd *f)
{
	uint64_t at =
	    atomic_load_explicit(&k->a->tx_written, memory_order_relaxed);
	uint32_t word = spare_make(f->lib->id, f->sub);
	struct sock spare;

	lib_sock(&spare, f);
	atomic_store(&spare.a->offered, k->lib->id + 1);
	pthread_mutex_lock(&spare_lock);
	spare_fd[number_of(f->lib, f->sub)] = f->fd + 1;
	pthread_mutex_unlock(&spare_lock);
	app_ring_write(k->tx, APP_TX_BYTES, at, &word, sizeof(word));
	atomic_store_explicit(
	    &k->a->tx_written, at + sizeof(word), memory_order_release);
}

/* How many has tcpd not used yet? */
static uint32_t in_stock(const struct sock *k)
{
	return (uint32_t)(stream_unsent(k) / sizeof(uint32_t));
}

static int add_spares(const struct sock *k, uint32_t want)
{
	struct lib_socket_fd f[CTL_MAX_SOCKETS];
	struct lib_wish w = {
		.family = k->l->family,
		.type = k->l->type,
		.protocol = k->l->protocol,
		.proc = k->l->proc + 1U,
	};
	int r = 0;

	lib_lock(&k->l->tx);
	while (in_stock(k) < want) {
		w.count = want - in_stock(k);
		if (w.count > CTL_MAX_SOCKETS)
			w.count = CTL_MAX_SOCKETS;
		r = lib_make_sockets(&w, f);
		if (r < 0)
			break;
		for (int i = 0; i < r; i++)
			hand_over(k, &f[i]);
	}
	lib_unlock(&k->l->tx);
	sock_post(k);
	return r < 0 ? r : 0;
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
		uint32_t most = (uint32_t)backlog < FIRST_SPARES
		    ? (uint32_t)backlog + 1
		    : FIRST_SPARES;

		add_spares(&k, most);
		/* Fewer do, as long as there are some. */
		r = in_stock(&k) > 0 ? 0 : -EMFILE;
	}
	return (int)lib_result(r);
}

/* ---- Accepting */

/* The fd that goes with a record, now the program's. */
static int claim(const struct accept_record *rec, struct lib_socket_fd *ret)
{
	uint32_t sub = rec->spare & 0xffff;
	struct lib *l = lib_of_app(rec->spare >> 16);
	int *mine;
	int r = 1;

	if (l == NULL || sub >= APP_MAX_SOCKETS)
		return -ECONNABORTED;
	mine = &spare_fd[number_of(l, sub)];
	pthread_mutex_lock(&spare_lock);
	if (*mine > 0)
		*ret = (struct lib_socket_fd){ *mine - 1, l, sub };
	else
		r = lib_renew_socket(l, sub, ret);
	*mine = 0;
	pthread_mutex_unlock(&spare_lock);
	if (r < 0)
		return r;
	atomic_store(&l->shared->socket[sub].taken, 1);
	lib_adopt(ret);
	return 0;
}

/* Spares of ours that others have taken are of no use any more. */
static void drop_taken(void)
{
	pthread_mutex_lock(&spare_lock);
	for (uint32_t i = 0; i < ALL_SOCKETS; i++) {
		struct lib *l;

		if (spare_fd[i] == 0 ||
		    lib_attach(&l, i / APP_MAX_SOCKETS) < 0 ||
		    !atomic_load(
			&l->shared->socket[i % APP_MAX_SOCKETS].taken))
			continue;
		close(spare_fd[i] - 1);
		spare_fd[i] = 0;
	}
	pthread_mutex_unlock(&spare_lock);
}

/* Under the rx lock: the next record, or -EAGAIN. */
static int take_record(const struct sock *k, struct accept_record *ret)
{
	uint64_t at = atomic_load_explicit(&k->a->rx_read, memory_order_relaxed);

	if (stream_unread(k) < sizeof(*ret))
		return -EAGAIN;
	app_ring_read(ret, k->rx, APP_RX_BYTES, at, sizeof(*ret));
	stream_did_read(k, at + sizeof(*ret), 0);
	return 0;
}

static int next_record(const struct sock *k, struct accept_record *ret)
{
	bool wait = !atomic_load(&k->l->nonblock);

	for (;;) {
		int r;

		lib_lock(&k->l->rx);
		r = take_record(k, ret);
		lib_unlock(&k->l->rx);
		if (r == 0)
			return 0;
		if (!(stream_word(k) & STREAM_LISTENING)) {
			sock_refresh(k);
			if (!(stream_word(k) & STREAM_LISTENING))
				return sock_is_down(k) ? -ENETDOWN : -EINVAL;
		}
		stream_settle(k);
		if (stream_unread(k) > 0)
			continue;
		if (!wait)
			return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
		r = stream_wait_byte(k);
		if (r < 0)
			return r;
	}
}

static int finish(const struct lib_socket_fd *f, int flags)
{
	struct sock k;

	lib_sock(&k, f);
	/* tcpd may still be showing what it is. */
	while (!(stream_word(&k) & (STREAM_ESTABLISHED | STREAM_RESET)) &&
	    !sock_is_down(&k))
		sock_refresh(&k);
	k.l->rx_posted = 0;
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

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return (int)lib_result(-EINVAL);
	if (r == 0 && k.l->type != SOCK_STREAM)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = next_record(&k, &rec);
	if (r == 0)
		r = claim(&rec, &f);
	if (r < 0)
		return (int)lib_result(r);
	if (in_stock(&k) < FEW_SPARES) {
		drop_taken();
		add_spares(&k, FIRST_SPARES);
	}
	if (addr != NULL && len != NULL)
		name_to_sockaddr(&rec.peer, k.l->family, addr, len);
	return finish(&f, flags);
}

int strata_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return strata_accept4(fd, addr, len, 0);
}

/* ---- Closing a listener: its connections nobody accepted go with it */

static void close_spare(uint32_t spare)
{
	struct lib *l = lib_of_app(spare >> 16);
	uint32_t sub = spare & 0xffff;
	int *mine;

	if (l == NULL || sub >= APP_MAX_SOCKETS)
		return;
	mine = &spare_fd[number_of(l, sub)];
	pthread_mutex_lock(&spare_lock);
	if (*mine > 0)
		close(*mine - 1);
	*mine = 0;
	pthread_mutex_unlock(&spare_lock);
}

void listen_closed(const struct sock *k)
{
	uint64_t at = atomic_load(&k->s->tx_consumed);
	struct accept_record rec;
	uint32_t word;

	/* With a copy of the fd elsewhere it goes on listening. */
	if (!(stream_word(k) & STREAM_LISTENING))
		return;
	for (; at != atomic_load(&k->a->tx_written); at += sizeof(word)) {
		app_ring_read(&word, k->tx, APP_TX_BYTES, at, sizeof(word));
		close_spare(word);
	}
	for (at = atomic_load(&k->a->rx_read);
	     at != atomic_load(&k->s->rx_written); at += sizeof(rec)) {
		app_ring_read(&rec, k->rx, APP_RX_BYTES, at, sizeof(rec));
		close_spare(rec.spare);
	}
}
