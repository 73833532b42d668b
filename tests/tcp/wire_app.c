/*
 * wire_app.c - the app of a script: what the library does, in the script's hand
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

struct a2s_socket *wire_a2s(struct wire *w, uint32_t s)
{
	return (void *)(w->a2s + a2s_socket_off(s));
}

const struct s2a_socket *wire_s2a(struct wire *w, uint32_t s)
{
	return (const void *)(w->s2a + s2a_socket_off(s));
}

/* What each instance hears from the supervisor before it attaches. */
void wire_tell_apps(struct wire *w)
{
	struct apps *a = &w->t->streams.apps;

	assert_int_equal(apps_app_opened(a, WIRE_APP, w->a2s, w->s2a), 0);
	for (uint32_t i = 0; i < WIRE_SOCKETS; i++)
		if (w->family[i] != 0)
			assert_int_equal(
			    apps_socket_opened(a, WIRE_APP, i, w->family[i]),
			    0);
}

static void post(struct wire *w, uint32_t s)
{
	struct a2s_head *h = (void *)w->a2s;

	h->event[h->posted % APP_EVENTS] = (uint16_t)s;
	h->posted++;
}

/* Opened, but tcpd has had no turn yet. */
static uint32_t fresh_socket(struct wire *w)
{
	const struct s2a_socket *to;
	struct a2s_socket *a;
	uint32_t s = 0;

	while (s < WIRE_SOCKETS && w->family[s] != 0)
		s++;
	if (s == WIRE_SOCKETS)
		wire_fail(w, "no more sockets");
	to = wire_s2a(w, s);
	a = wire_a2s(w, s);
	w->family[s] = w->v6 ? AF_INET6 : AF_INET;
	a->tx_written = w->tx_base[s] = to->tx_consumed;
	a->rx_read = w->rx_base[s] = to->rx_written;
	a->error_taken = to->error;
	a->err_read = to->err_written;
	a->cmd_seq = to->reply_seq;
	a->tx_more = 0;
	assert_int_equal(
	    apps_socket_opened(&w->t->streams.apps, WIRE_APP, s, w->family[s]),
	    0);
	return s;
}

uint32_t wire_socket(struct wire *w)
{
	uint32_t s = fresh_socket(w);

	wire_step(w);
	return s;
}

int wire_command(struct wire *w, uint32_t s, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len)
{
	struct a2s_socket *a = wire_a2s(w, s);
	const struct s2a_socket *to = wire_s2a(w, s);

	a->cmd_op = op;
	a->cmd_arg[0] = arg0;
	a->cmd_arg[1] = arg1;
	a->cmd_len = len;
	if (len > 0)
		memcpy(a->cmd_data, data, len);
	a->cmd_seq++;
	post(w, s);
	wire_step(w);
	/* A bind in somebody's way is tried again in a moment. */
	for (int n = 0; n < 3 && to->reply_seq != a->cmd_seq; n++)
		wire_pass(w, 2);
	if (to->reply_seq != a->cmd_seq)
		wire_fail(w, "command %u was not answered", op);
	return to->result;
}

static struct app_name name_of(
    struct wire *w, const struct ip_addr *ip, uint16_t port)
{
	return (struct app_name){
		.ip = *ip,
		.port = port,
		.link = LINK_ANY,
		.family = w->v6 ? AF_INET6 : AF_INET,
	};
}

int wire_bind(struct wire *w, uint32_t s, uint16_t port)
{
	struct app_name n = name_of(w, w->v6 ? &ip_any6 : &ip_any4, port);

	return wire_command(w, s, APP_OP_BIND, 0, 0, &n, sizeof(n));
}

int wire_connect_with(struct wire *w, uint32_t s)
{
	struct app_name n = name_of(w, &w->peer, w->c[w->cur].peer_port);

	wire_say(w, "    connect(%u)\n", s);
	return wire_command(w, s, APP_OP_CONNECT, 0, 0, &n, sizeof(n));
}

uint32_t wire_connect(struct wire *w)
{
	uint32_t s = wire_socket(w);
	int r = wire_connect_with(w, s);

	if (r != 0)
		wire_fail(w, "connect() gave %s", strerror(-r));
	return s;
}

/* ---- Listeners */

void wire_spares(struct wire *w, uint32_t l, uint32_t n)
{
	struct a2s_socket *a = wire_a2s(w, l);

	for (; n > 0; n--) {
		uint32_t word = spare_make(WIRE_APP, fresh_socket(w));

		app_ring_write(w->a2s + a2s_tx_off(l), APP_TX_BYTES,
		    a->tx_written, &word, sizeof(word));
		a->tx_written += sizeof(word);
	}
	post(w, l);
	wire_step(w);
}

uint32_t wire_listen(
    struct wire *w, uint16_t port, uint32_t backlog, uint32_t spares)
{
	uint32_t l = wire_socket(w);
	int r = wire_bind(w, l, port);

	if (r == 0)
		r = wire_command(w, l, APP_OP_LISTEN, backlog, 0, NULL, 0);
	if (r != 0)
		wire_fail(w, "listen() gave %s", strerror(-r));
	wire_spares(w, l, spares);
	return l;
}

bool wire_can_accept(struct wire *w, uint32_t l)
{
	return wire_a2s(w, l)->rx_read != wire_s2a(w, l)->rx_written;
}

void wire_woken(struct wire *w, uint32_t s)
{
	if (!w->woken[s])
		wire_fail(w, "nobody was woken");
	w->woken[s] = false;
}

uint32_t wire_accept(struct wire *w, uint32_t l)
{
	struct a2s_socket *a = wire_a2s(w, l);
	struct accept_record r;
	uint32_t s;

	if (!wire_can_accept(w, l))
		wire_fail(w, "accept() would wait");
	app_ring_read(
	    &r, w->s2a + s2a_rx_off(l), APP_RX_BYTES, a->rx_read, sizeof(r));
	a->rx_read += sizeof(r);
	s = r.spare & 0xffff;
	wire_say(w, "    accept() = %u\n", s);
	must(w, r.spare >> 16 == WIRE_APP && s < WIRE_SOCKETS);
	must(w, ip_equal(&r.peer.ip, &w->peer));
	must(w, ip_equal(&r.local.ip, &w->us));
	post(w, l);
	wire_step(w);
	return s;
}

/* ---- Data */

void wire_write(struct wire *w, uint32_t s, uint32_t n, bool more)
{
	struct a2s_socket *a = wire_a2s(w, s);
	uint8_t *ring = w->a2s + a2s_tx_off(s);

	must(w, n <= APP_TX_BYTES - wire_unacked(w, s));
	wire_none(w);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = a->tx_written + i;

		ring[at & (APP_TX_BYTES - 1)] = wire_ours(at - w->tx_base[s]);
	}
	a->tx_written += n;
	a->tx_more = more;
	wire_say(w, "    write(%u, %u)\n", s, n);
	post(w, s);
	wire_step(w);
}

uint32_t wire_unacked(struct wire *w, uint32_t s)
{
	return (
	    uint32_t)(wire_a2s(w, s)->tx_written - wire_s2a(w, s)->tx_consumed);
}

uint32_t wire_readable(struct wire *w, uint32_t s)
{
	return (uint32_t)(wire_s2a(w, s)->rx_written - wire_a2s(w, s)->rx_read);
}

void wire_read(struct wire *w, uint32_t s, uint32_t n)
{
	struct a2s_socket *a = wire_a2s(w, s);
	const uint8_t *ring = w->s2a + s2a_rx_off(s);

	if (wire_readable(w, s) < n)
		wire_fail(
		    w, "%u bytes to read, not %u", wire_readable(w, s), n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = a->rx_read + i;

		if (ring[at & (APP_RX_BYTES - 1)] !=
		    wire_theirs(at - w->rx_base[s]))
			wire_fail(w, "byte %lu was received wrong",
			    (unsigned long)(at - w->rx_base[s]));
	}
	a->rx_read += n;
	wire_say(w, "    read(%u, %u)\n", s, n);
	post(w, s);
	wire_step(w);
}

uint64_t wire_stream(struct wire *w, uint32_t s)
{
	return wire_s2a(w, s)->stream;
}

bool wire_at_end(struct wire *w, uint32_t s)
{
	return wire_readable(w, s) == 0 &&
	    (wire_stream(w, s) & STREAM_RX_END) != 0;
}

/* ---- The end, and settings */

int wire_shutdown(struct wire *w, uint32_t s, int how)
{
	/* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2. */
	wire_say(w, "    shutdown(%u, %d)\n", s, how);
	return wire_command(
	    w, s, APP_OP_SHUTDOWN, (uint32_t)how + 1, 0, NULL, 0);
}

void wire_close(struct wire *w, uint32_t s)
{
	wire_say(w, "    close(%u)\n", s);
	w->hung_up[s] = true;
	apps_socket_closed(&w->t->streams.apps, WIRE_APP, s);
	wire_step(w);
}

void wire_setopt(struct wire *w, uint32_t s, int level, int name, int v)
{
	int r = wire_command(w, s, APP_OP_SETOPT, (uint32_t)level,
	    (uint32_t)name, &v, sizeof(v));

	if (r != 0)
		wire_fail(w, "setsockopt(%d, %d, %d) gave %s", level, name, v,
		    strerror(-r));
}

void wire_linger(struct wire *w, uint32_t s, int seconds)
{
	struct linger l = { .l_onoff = 1, .l_linger = seconds };
	int r = wire_command(
	    w, s, APP_OP_SETOPT, SOL_SOCKET, SO_LINGER, &l, sizeof(l));

	must(w, r == 0);
}

int wire_error(struct wire *w, uint32_t s)
{
	uint64_t e = wire_s2a(w, s)->error;

	if (wire_a2s(w, s)->error_taken == e)
		return 0;
	wire_a2s(w, s)->error_taken = e;
	return (int)(uint32_t)e;
}
