/*
 * datagram.c - datagrams into and out of the rings (shm/app.h)
 *
 * A reader sleeps in recv(MSG_PEEK) on the bare fd, so that signals and
 * SO_RCVTIMEO do what they do to a kernel socket.  The byte it finds stays for
 * other readers until one of them has emptied the ring.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "api/lib.h"

enum {
	UDP_HEADER = 8,
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	MAX_PACKET = 65535,
	ICMP_HEADER = 8,
	ICMP_REQUEST4 = 8,
	ICMP_REQUEST6 = 128,
};

/* ---- Routes */

static int ask_fib(const struct sock *k, const struct ip_addr *to, uint8_t link,
    struct fib_answer *ret)
{
	const struct s2a_head *h = (const void *)k->lib->s2a[k->l->proc];
	struct fib *f = &k->lib->fib[k->l->proc];
	int r;

	pthread_mutex_lock(k->lib->fib_lock);
	fib_refresh(f, &h->fib);
	r = fib_lookup(f, to, link, ret);
	pthread_mutex_unlock(k->lib->fib_lock);
	return r;
}

int sock_route(const struct sock *k, const struct app_name *to, uint8_t link,
    struct fib_answer *ret)
{
	int r = ask_fib(k, &to->ip, link, ret);

	if (r < 0) {
		/* It reads ipd's table when it is awake. */
		sock_refresh(k);
		r = ask_fib(k, &to->ip, link, ret);
	}
	return r;
}

bool sock_is_ours(const struct sock *k, const struct ip_addr *ip)
{
	struct fib_answer way;

	return sock_route(k, &(struct app_name){ .ip = *ip }, LINK_ANY, &way) ==
	    0 &&
	    way.kind == FIB_LOCAL;
}

/* ---- Sending */

static uint8_t choose_link(const names *n, const struct datagram_out *d)
{
	if (n->bind_link != LINK_ANY)
		return n->bind_link;
	if (d->link != LINK_ANY)
		return d->link;
	if (d->to.link != LINK_ANY)
		return d->to.link;
	return ip_is_multicast(&d->to.ip) ? n->mcast_link : LINK_ANY;
}

/* What the stack puts before it, but for IPv6's own header. */
static uint32_t headers(const struct sock *k, const names *n, bool v4)
{
	if (n->so_flags & APP_SO_HDRINCL)
		return 0;
	return (v4 ? IP4_HEADER : 0) + (sock_is_udp(k) ? UDP_HEADER : 0);
}

/* Will the packet be refused if it is more than the link takes? */
static bool is_never_cut(const names *n, bool v4)
{
	if (n->so_flags & APP_SO_HDRINCL)
		return true;
	return n->so_flags & (v4 ? APP_SO_DONTFRAG : APP_SO_DONTFRAG6);
}

/* A ping socket sends echo requests and nothing else. */
static int check_echo(const struct sock *k, const struct datagram_out *d)
{
	struct place p = { .iov = d->iov, .niov = d->niov };
	uint8_t type[2] = { 0, 0 };
	uint8_t *at;

	if (k->l->type != SOCK_DGRAM || sock_is_udp(k))
		return 0;
	if (d->len < ICMP_HEADER)
		return -EINVAL;
	for (uint32_t i = 0; i < 2 && place_piece(&p, 1, &at) > 0; i++) {
		type[i] = *at;
		p.off++;
	}
	return type[1] == 0 &&
		type[0] ==
		    (k->l->family == AF_INET ? ICMP_REQUEST4 : ICMP_REQUEST6)
	    ? 0
	    : -EINVAL;
}

/* An IPv4 header has at least five words, and is there to its end. */
static int check_header(const struct datagram_out *d)
{
	struct place p = { .iov = d->iov, .niov = d->niov };
	uint8_t *at;
	size_t len;

	if (place_piece(&p, 1, &at) == 0)
		return -EINVAL;
	len = (*at & 0xfU) * 4;
	return len < IP4_HEADER || len > d->len ? -EINVAL : 0;
}

/* What the kernel would refuse at once. */
static int check_send(
    const struct sock *k, const names *n, const struct datagram_out *d)
{
	bool v4 = ip_is_v4(&d->to.ip);
	size_t len = d->len + headers(k, n, v4);
	struct fib_answer way;
	int r = check_echo(k, d);

	if (r == 0 && (n->so_flags & APP_SO_HDRINCL))
		r = check_header(d);
	if (r < 0)
		return r;
	r = sock_route(k, &d->to, d->link, &way);
	if (r < 0)
		return r == -EINVAL ? -ENODEV : r;
	if (way.kind == FIB_BROADCAST && !(n->so_flags & APP_SO_BROADCAST))
		return -EACCES;
	if (!ip_is_any(&d->source) && !sock_is_ours(k, &d->source))
		return -EINVAL;
	if (len > MAX_PACKET)
		return -EMSGSIZE;
	if (is_never_cut(n, v4) && way.kind != FIB_LOCAL &&
	    len + (v4 ? 0 : IP6_HEADER) > way.mtu)
		return -EMSGSIZE;
	return 0;
}

static int bind_if_not_yet(const struct sock *k, const names *n)
{
	struct app_name any = { .link = LINK_ANY, .family = k->l->family };
	int r;

	if (n->bound)
		return 0;
	any.ip = k->l->family == AF_INET ? ip_any4 : ip_any6;
	r = sock_command_name(k, APP_OP_BIND, &any);
	/* Another thread was faster. */
	if (r == -EINVAL)
		return 0;
	return r == -EADDRINUSE ? -EAGAIN : r;
}

static bool has_room(const struct sock *k, uint32_t sndbuf, uint32_t room)
{
	uint64_t used =
	    atomic_load_explicit(&k->a->tx_written, memory_order_relaxed) -
	    atomic_load_explicit(&k->s->tx_consumed, memory_order_acquire);

	return used < sndbuf && used <= APP_TX_BYTES &&
	    APP_TX_BYTES - used >= room;
}

/* Under the tx lock: into the ring, if there is room. */
static bool put(const struct sock *k, uint32_t sndbuf, const struct dgram *g,
    const struct datagram_out *d)
{
	uint64_t at =
	    atomic_load_explicit(&k->a->tx_written, memory_order_relaxed);
	uint64_t end = at + dgram_room(g->len);
	uint32_t left = g->len;

	if (!has_room(k, sndbuf, dgram_room(g->len)))
		return false;
	app_ring_write(k->tx, APP_TX_BYTES, at, g, sizeof(*g));
	at += sizeof(*g);
	for (size_t i = 0; i < d->niov && left > 0; i++) {
		uint32_t n = d->iov[i].iov_len < left
		    ? (uint32_t)d->iov[i].iov_len
		    : left;

		app_ring_write(k->tx, APP_TX_BYTES, at, d->iov[i].iov_base, n);
		at += n;
		left -= n;
	}
	sock_measure_write(k, end - dgram_room(g->len), end);
	atomic_store_explicit(&k->a->tx_written, end, memory_order_release);
	return true;
}

/*
 * Until the transport has sent something.  For poll there is room as soon as
 * SO_SNDBUF has some: that a large datagram still has none the word alone
 * tells.
 */
static int wait_for_room(
    const struct sock *k, names *n, uint32_t seen, struct mono deadline)
{
	int r = has_room(k, n->sndbuf, 0) ? room_wait_word(k, seen, deadline)
					  : room_wait(k, seen, deadline);

	if (r < 0)
		return r;
	if (sock_has_error(k)) {
		r = sock_take_error(k);
		datagram_settle(k);
	}
	sock_names(k, n);
	return r == 0 && (n->shut & 2) ? -EPIPE : r;
}

static int put_or_wait(const struct sock *k, names *n, const struct dgram *g,
    const struct datagram_out *d, bool wait)
{
	struct mono deadline = room_deadline(k);

	for (;;) {
		uint32_t seen = room_word(k);
		bool done;
		int r;

		lib_lock(&k->l->tx);
		done = put(k, n->sndbuf, g, d);
		lib_unlock(&k->l->tx);
		if (done)
			break;
		if (!wait)
			return -EAGAIN;
		r = wait_for_room(k, n, seen, deadline);
		if (r < 0)
			return r;
	}
	sock_post(k);
	return 0;
}

ssize_t datagram_send(
    const struct sock *k, struct datagram_out *d, int msg_flags)
{
	bool wait =
	    !(msg_flags & MSG_DONTWAIT) && !atomic_load(&k->l->nonblock);
	struct dgram g;
	names n;
	int r;

	sock_names(k, &n);
	if (d->to.family == 0) {
		if (!n.connected)
			return -EDESTADDRREQ;
		d->to = n.peer;
	}
	d->link = choose_link(&n, d);
	r = bind_if_not_yet(k, &n);
	if (r == 0)
		r = check_send(k, &n, d);
	if (r == 0 && (n.shut & 2))
		r = -EPIPE;
	if (r == 0 && sock_has_error(k)) {
		r = sock_take_error(k);
		datagram_settle(k);
	}
	if (r < 0)
		return r;
	g = (struct dgram){
		.len = (uint32_t)d->len,
		.port = d->to.port,
		.link = d->link,
		.hops = d->hops,
		.tclass = d->tclass,
		.flags = d->flags,
		.peer = d->to.ip,
		.local = d->source,
	};
	if (!wait)
		sock_poll_room(k, n.sndbuf - 1);
	if (msg_flags & MSG_DONTROUTE)
		g.flags |= DGRAM_DONTROUTE;
	if (msg_flags & MSG_CONFIRM)
		g.flags |= DGRAM_CONFIRM;
	r = put_or_wait(k, &n, &g, d, wait);
	return r < 0 ? r : (ssize_t)d->len;
}

bool datagram_writable(const struct sock *k, const names *n)
{
	return has_room(k, n->sndbuf, 0);
}

/* ---- Receiving */

static uint64_t rx_read(const struct sock *k)
{
	return atomic_load_explicit(&k->a->rx_read, memory_order_relaxed);
}

static uint64_t rx_written(const struct sock *k)
{
	return atomic_load_explicit(&k->s->rx_written, memory_order_acquire);
}

bool datagram_readable(const struct sock *k)
{
	return rx_written(k) != rx_read(k);
}

/* The bytes away; if the ring has filled meanwhile, one may be missing. */
static void drain(const struct sock *k)
{
	sock_drain(k, true);
	if (datagram_readable(k) || sock_has_error(k))
		sock_ask_for_byte(k);
}

void datagram_settle(const struct sock *k)
{
	lib_lock(&k->l->rx);
	if (!datagram_readable(k))
		drain(k);
	lib_unlock(&k->l->rx);
}

static bool read_head(const struct sock *k, struct dgram *ret)
{
	uint64_t at = rx_read(k);
	uint64_t have = rx_written(k) - at;

	if (have < sizeof(*ret))
		return false;
	app_ring_read(ret, k->rx, APP_RX_BYTES, at, sizeof(*ret));
	return ret->len <= DGRAM_MAX && dgram_room(ret->len) <= have;
}

uint32_t datagram_next_len(const struct sock *k)
{
	struct dgram g = { .len = 0 };

	lib_lock(&k->l->rx);
	if (datagram_readable(k) && !read_head(k, &g))
		g.len = 0;
	lib_unlock(&k->l->rx);
	return g.len;
}

static size_t copy_out(const struct sock *k, const struct datagram_in *d)
{
	uint64_t at = rx_read(k) + sizeof(d->head);
	size_t left = d->head.len;
	size_t copied = 0;

	for (size_t i = 0; i < d->niov && left > 0; i++) {
		size_t n = d->iov[i].iov_len < left ? d->iov[i].iov_len : left;

		app_ring_read(
		    d->iov[i].iov_base, k->rx, APP_RX_BYTES, at, (uint32_t)n);
		at += n;
		left -= n;
		copied += n;
	}
	return copied;
}

/* Under the rx lock: the next datagram, or -EAGAIN. */
static ssize_t take(const struct sock *k, struct datagram_in *d, bool peek)
{
	uint64_t end;

	if (!datagram_readable(k))
		return -EAGAIN;
	/* Not what a transport of ours writes. */
	if (!read_head(k, &d->head))
		return -EIO;
	d->copied = copy_out(k, d);
	if (peek)
		return d->head.len;
	end = rx_read(k) + dgram_room(d->head.len);
	sock_measure_read(k, rx_read(k), end);
	atomic_store_explicit(&k->a->rx_read, end, memory_order_release);
	/* Full fence: our count before theirs (app.h). */
	atomic_thread_fence(memory_order_seq_cst);
	if (!datagram_readable(k))
		drain(k);
	return d->head.len;
}

/* Until the fd is readable, as long as SO_RCVTIMEO says. */
static int wait_for_byte(const struct sock *k)
{
	char byte;
	ssize_t n = recv(k->fd, &byte, 1, MSG_PEEK);

	if (n == 0)
		return -ENETDOWN;
	return n == 1 ? 0 : -errno;
}

ssize_t datagram_receive(
    const struct sock *k, struct datagram_in *d, int msg_flags)
{
	bool wait =
	    !(msg_flags & MSG_DONTWAIT) && !atomic_load(&k->l->nonblock);
	bool woken = false;
	names n;

	for (;;) {
		ssize_t r = sock_has_error(k) ? sock_take_error(k) : 0;

		if (r < 0) {
			datagram_settle(k);
			return r;
		}
		lib_lock(&k->l->rx);
		r = take(k, d, msg_flags & MSG_PEEK);
		/* Readable, and nothing there: a byte that is left over. */
		if (r == -EAGAIN && (woken || !wait))
			drain(k);
		lib_unlock(&k->l->rx);
		if (r != -EAGAIN)
			return r;
		if (!wait) {
			if (datagram_readable(k))
				continue;
			return sock_is_down(k) ? -ENETDOWN : -EAGAIN;
		}
		sock_names(k, &n);
		if (n.shut & 1)
			return 0;
		r = wait_for_byte(k);
		if (r < 0)
			return r;
		woken = true;
	}
}
