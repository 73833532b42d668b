/*
 * fake_streams.c - apps without processes, and an engine without TCP
 */
#include "tests/harness/fake_streams.h"

#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tcpd/counters.h"

enum {
	BUDGET = 64,
	OPEN = STREAM_ESTABLISHED | STREAM_TX_OPEN,
};

static const char JSON[] = FAKE_TOPOLOGY("tcpd", "");

/* ---- The engine */

static struct fake_conn *touch(struct fake_streams *w, uint32_t conn)
{
	struct fake_conn *c = &w->state->conn[conn];

	node_touch(&w->n, c, sizeof(*c));
	return c;
}

static uint32_t new_conn(struct fake_streams *w, uint32_t sock,
    const struct app_name *local, const struct app_name *peer)
{
	uint32_t i = 0;

	while (w->state->conn[i].used)
		i++;
	assert_true(i < FAKE_CONNS);
	*touch(w, i) = (struct fake_conn){
		.used = true, .sock = sock, .local = *local, .peer = *peer
	};
	return i;
}

static int do_connect(void *x, uint32_t id, uint32_t *ret)
{
	struct fake_streams *w = x;
	const struct tsock *k = stream_sock(w->s, id);

	if (w->connect_result < 0)
		return w->connect_result;
	*ret = new_conn(w, id, &k->local, &k->peer);
	w->state->conn[*ret].words = (struct app_words){
		.tx_consumed = k->words.tx_consumed,
		.tx_sent = k->words.tx_consumed,
		.rx_written = k->words.rx_written,
		.stream = STREAM_CONNECTING,
	};
	return 0;
}

static int do_listen(void *x, uint32_t id, uint32_t backlog)
{
	struct fake_streams *w = x;
	uint32_t *l = &w->state->listening[id];

	node_touch(&w->n, l, sizeof(*l));
	*l = 1 + backlog;
	return 0;
}

static void do_unlisten(void *x, uint32_t id)
{
	struct fake_streams *w = x;
	uint32_t *l = &w->state->listening[id];

	node_touch(&w->n, l, sizeof(*l));
	assert_true(*l != 0);
	*l = 0;
}

static void do_may_accept(void *x, uint32_t id)
{
	const struct fake_streams *w = x;

	assert_true(w->state->listening[id] != 0);
}

static void do_look(void *x, uint32_t conn, uint64_t written, uint64_t read)
{
	struct fake_conn *c = touch(x, conn);

	assert_true(c->used && !c->closed);
	c->written = written;
	c->read = read;
}

static void do_shutdown(void *x, uint32_t conn, uint32_t how)
{
	struct fake_conn *c = touch(x, conn);

	c->shut |= how;
}

static void do_close(void *x, uint32_t conn, uint64_t written)
{
	struct fake_conn *c = touch(x, conn);

	assert_true(c->used && !c->closed);
	c->closed = true;
	c->written = written;
}

static void do_abort(void *x, uint32_t conn)
{
	struct fake_conn *c = touch(x, conn);

	assert_true(c->used);
	c->used = false;
	c->aborted = true;
}

static void do_release(void *x, uint32_t conn)
{
	struct fake_conn *c = touch(x, conn);

	assert_true(c->used && c->closed && !c->loose);
	c->loose = true;
}

static void do_options(void *x, uint32_t conn)
{
	touch(x, conn)->options++;
}

static void do_quick_ack(void *x, uint32_t conn, bool on)
{
	const struct fake_streams *w = x;

	(void)on;
	assert_true(w->state->conn[conn].used);
}

static void do_info(const void *x, uint32_t conn, struct tcp_info *ret)
{
	const struct fake_streams *w = x;

	assert_true(w->state->conn[conn].used);
	ret->tcpi_state = 1;
	ret->tcpi_rtt = 12345;
	ret->tcpi_pmtu = 1500;
}

static void do_words(const void *x, uint32_t conn, struct app_words *ret)
{
	const struct fake_streams *w = x;

	assert_true(w->state->conn[conn].used && !w->state->conn[conn].loose);
	*ret = w->state->conn[conn].words;
}

static uint32_t do_mss(const void *x, uint32_t conn)
{
	(void)x;
	(void)conn;
	return 1448;
}

static bool same_name(const struct app_name *a, const struct app_name *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

static bool do_taken(
    const void *x, const struct app_name *local, const struct app_name *peer)
{
	const struct fake_streams *w = x;

	for (uint32_t i = 0; i < FAKE_CONNS; i++) {
		const struct fake_conn *c = &w->state->conn[i];

		if (c->used && same_name(&c->local, local) &&
		    same_name(&c->peer, peer))
			return true;
	}
	return false;
}

static bool do_lingers(
    const void *x, const struct app_name *local, uint32_t reuse)
{
	const struct fake_streams *w = x;

	(void)local;
	return w->linger && !(reuse & TSOCK_REUSEADDR);
}

static const struct stream_ops fake_ops = {
	.connect = do_connect,
	.listen = do_listen,
	.unlisten = do_unlisten,
	.may_accept = do_may_accept,
	.look = do_look,
	.shutdown = do_shutdown,
	.close = do_close,
	.abort = do_abort,
	.release = do_release,
	.options = do_options,
	.quick_ack = do_quick_ack,
	.info = do_info,
	.words = do_words,
	.mss = do_mss,
	.taken = do_taken,
	.lingers = do_lingers,
};

/* ---- The layer */

static void attach(struct fake_streams *w)
{
	struct segments s = rig_segments(w->rig, "tcpd");
	struct streams_setup setup = {
		.n = &w->n,
		.fib = &w->fib,
		.ops = &fake_ops,
		.x = w,
		.seed = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
		.cnt_commands = CNT_TCP_COMMANDS,
		.cnt_cut_off = CNT_TCP_APP_CUT_OFF,
	};

	memset(&w->n, 0, sizeof(w->n));
	w->s = calloc(1, sizeof(*w->s));
	assert_non_null(w->s);
	channel_introduce(&w->ch, &w->s->apps);
	assert_int_equal(
	    node_attach(&w->n, &s, tcpd_counters, CNT_TCPD_END - CNT_NODE_END),
	    0);
	w->n.now = w->rig->now;
	w->state = (struct fake_state *)(void *)w->n.state;
	setup.state = &w->state->socks;
	memset(&w->fib, 0, sizeof(w->fib));
	fib_build(&w->fib, &w->rig->topo);
	streams_prepare(w->s, &setup);
	node_recover(&w->n, NULL, NULL);
	streams_attach(w->s, &setup);
	channel_repeat_hang_ups(&w->ch);
	w->instances++;
}

void streams_restart(struct fake_streams *w)
{
	node_detach(&w->n);
	free(w->s);
	attach(w);
}

static void run(void *w)
{
	streams_run(w);
}

struct fake_streams *streams_open(enum fake_death death)
{
	struct fake_streams *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->rig = rig_open(JSON);
	w->ch.run = run;
	w->ch.x = w;
	w->death = death;
	attach(w);
	streams_add_app(w, 0);
	streams_run(w);
	return w;
}

void streams_close(struct fake_streams *w)
{
	channel_unmap(&w->ch);
	node_detach(&w->n);
	free(w->s);
	rig_close(w->rig);
	free(w);
}

static void begin(struct fake_streams *w)
{
	w->rig->now = mono_add(w->rig->now, NS_PER_US);
	node_begin(&w->n, w->rig->now);
	apps_begin(&w->s->apps);
}

static void take_wakes(struct fake_streams *w)
{
	uint32_t id;
	uint8_t wake;

	while (apps_next_wake(&w->s->apps, &id, &wake)) {
		w->woken[id] += (wake & WAKE_RX) != 0;
		if (wake & WAKE_CLOSED)
			channel_forget(&w->ch, id);
	}
}

/* False: it died, and is to be done once more. */
static bool end(struct fake_streams *w, bool *worked)
{
	if (w->death == DIES_WITHIN && !w->died) {
		w->died = true;
		streams_restart(w);
		return false;
	}
	w->died = false;
	*worked = node_commit(&w->n) || w->s->apps.nwaked > 0;
	if (w->death == DIES_AFTER && *worked)
		streams_restart(w);
	take_wakes(w);
	return true;
}

bool streams_turn(struct fake_streams *w)
{
	bool worked = false;

	do {
		begin(w);
		apps_serve(&w->s->apps, BUDGET);
	} while (!end(w, &worked));
	return worked;
}

void streams_run(struct fake_streams *w)
{
	enum fake_death death = w->death;
	int turns = 0;

	while (streams_turn(w) || !apps_may_sleep(&w->s->apps) ||
	    apps_deadline(&w->s->apps).ns != MONO_NEVER.ns) {
		if (apps_deadline(&w->s->apps).ns != MONO_NEVER.ns)
			w->rig->now = apps_deadline(&w->s->apps);
		/* Each new instance reminds everybody: that is work, too. */
		if (++turns == 8)
			w->death = LIVES;
		assert_true(turns < 1000);
	}
	w->death = death;
}

/* ---- Apps */

void streams_add_app(struct fake_streams *w, uint32_t app)
{
	channel_add_app(&w->ch, app);
}

void streams_kill_app(struct fake_streams *w, uint32_t app)
{
	w->ch.gone[app] = true;
	apps_app_gone(&w->s->apps, app);
	streams_run(w);
}

struct a2s_socket *streams_a2s(struct fake_streams *w, uint32_t id)
{
	return channel_a2s(&w->ch, id);
}

const struct s2a_socket *streams_s2a(struct fake_streams *w, uint32_t id)
{
	return channel_s2a(&w->ch, id);
}

uint32_t streams_socket(struct fake_streams *w, uint32_t app, uint8_t family)
{
	return channel_socket(&w->ch, app, family);
}

void streams_close_socket(struct fake_streams *w, uint32_t id)
{
	channel_hang_up(&w->ch, id);
	streams_run(w);
}

void streams_renew_socket(struct fake_streams *w, uint32_t id)
{
	channel_renew(&w->ch, id);
	streams_run(w);
}

void streams_post(struct fake_streams *w, uint32_t id)
{
	channel_post(&w->ch, id);
}

struct app_name streams_name(const char *ip, uint16_t port)
{
	return channel_name(ip, port);
}

int streams_command(struct fake_streams *w, uint32_t id, uint32_t op,
    uint32_t arg0, uint32_t arg1, const void *data, uint32_t len)
{
	return channel_command(&w->ch, id, op, arg0, arg1, data, len);
}

int streams_bind(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port)
{
	return channel_bind(&w->ch, id, ip, port);
}

int streams_connect(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port)
{
	return channel_connect(&w->ch, id, ip, port);
}

int streams_listen(struct fake_streams *w, uint32_t id, uint32_t backlog)
{
	return streams_command(w, id, APP_OP_LISTEN, backlog, 0, NULL, 0);
}

int streams_refuse(struct fake_streams *w, uint32_t id)
{
	return streams_command(w, id, APP_OP_REFUSE, 0, 0, NULL, 0);
}

int streams_shutdown(struct fake_streams *w, uint32_t id, uint32_t how)
{
	return streams_command(w, id, APP_OP_SHUTDOWN, how, 0, NULL, 0);
}

int streams_set(
    struct fake_streams *w, uint32_t id, int level, int name, int value)
{
	return channel_set(&w->ch, id, level, name, value);
}

int streams_get(
    struct fake_streams *w, uint32_t id, int level, int name, int *ret)
{
	return channel_get(&w->ch, id, level, name, ret);
}

void streams_write(struct fake_streams *w, uint32_t id, uint64_t bytes)
{
	streams_a2s(w, id)->tx_written += bytes;
	streams_post(w, id);
	streams_run(w);
}

void streams_read(struct fake_streams *w, uint32_t id, uint64_t bytes)
{
	streams_a2s(w, id)->rx_read += bytes;
	streams_post(w, id);
	streams_run(w);
}

void streams_put_word(struct fake_streams *w, uint32_t id, uint32_t spare)
{
	struct a2s_socket *a = streams_a2s(w, id);
	uint32_t word = spare_make(app_of(spare), sub_of(spare));

	app_ring_write(w->ch.a2s[app_of(id)] + a2s_tx_off(sub_of(id)),
	    APP_TX_BYTES, a->tx_written, &word, sizeof(word));
	a->tx_written += sizeof(word);
	streams_post(w, id);
}

void streams_offer(struct fake_streams *w, uint32_t id, uint32_t spare)
{
	streams_put_word(w, id, spare);
	streams_run(w);
}

bool streams_accepted(
    struct fake_streams *w, uint32_t id, struct accept_record *ret)
{
	struct a2s_socket *a = streams_a2s(w, id);

	if (a->rx_read == streams_s2a(w, id)->rx_written)
		return false;
	app_ring_read(ret, w->ch.s2a[app_of(id)] + s2a_rx_off(sub_of(id)),
	    APP_RX_BYTES, a->rx_read, sizeof(*ret));
	streams_read(w, id, sizeof(*ret));
	return true;
}

int streams_error(struct fake_streams *w, uint32_t id)
{
	return channel_error(&w->ch, id);
}

/* ---- Peers */

const struct fake_conn *streams_conn(struct fake_streams *w, uint32_t id)
{
	uint32_t conn = stream_sock(w->s, id)->conn;

	return conn == NO_CONN ? NULL : &w->state->conn[conn];
}

static struct fake_conn *touch_of(struct fake_streams *w, uint32_t id)
{
	uint32_t conn = stream_sock(w->s, id)->conn;

	assert_int_not_equal(conn, NO_CONN);
	stream_changed(w->s, id);
	return touch(w, conn);
}

void streams_establish(struct fake_streams *w, uint32_t id)
{
	bool worked;

	do {
		begin(w);
		touch_of(w, id)->words.stream = OPEN;
		stream_established(w->s, id);
	} while (!end(w, &worked));
	streams_run(w);
}

static uint32_t take_handshake(struct fake_streams *w, uint32_t id,
    const struct app_name *local, const struct app_name *peer)
{
	uint32_t conn = new_conn(w, NO_SOCKET, local, peer);
	struct app_words words;
	uint32_t sock = stream_accept(w->s, id, conn, local, peer, &words);

	if (sock == NO_SOCKET) {
		w->state->conn[conn].used = false;
		return NO_SOCKET;
	}
	w->state->conn[conn].sock = sock;
	w->state->conn[conn].words = words;
	w->state->conn[conn].words.stream = OPEN;
	return sock;
}

uint32_t streams_handshake(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port)
{
	struct app_name peer = streams_name(ip, port);
	struct app_name local = stream_sock(w->s, id)->local;
	uint32_t sock;
	bool worked;

	if (ip_is_any(&local.ip))
		local.ip = streams_name(
		    ip_is_v4(&peer.ip) ? "192.0.2.2" : "2001:db8::2", 0)
			       .ip;
	do {
		begin(w);
		sock = take_handshake(w, id, &local, &peer);
	} while (!end(w, &worked));
	return sock;
}

uint32_t streams_incoming(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port)
{
	uint32_t sock = streams_handshake(w, id, ip, port);

	streams_run(w);
	return sock;
}

void streams_deliver(struct fake_streams *w, uint32_t id, uint64_t bytes)
{
	bool worked;

	do {
		begin(w);
		touch_of(w, id)->words.rx_written += bytes;
	} while (!end(w, &worked));
	streams_run(w);
}

void streams_ack(struct fake_streams *w, uint32_t id, uint64_t bytes)
{
	bool worked;

	do {
		struct fake_conn *c;

		begin(w);
		c = touch_of(w, id);
		c->words.tx_consumed += bytes;
		if (c->words.tx_sent < c->words.tx_consumed)
			c->words.tx_sent = c->words.tx_consumed;
		if (c->closed && c->words.tx_consumed == c->written)
			stream_drained(w->s, id);
	} while (!end(w, &worked));
	streams_run(w);
}

void streams_sent(struct fake_streams *w, uint32_t id, uint64_t bytes)
{
	bool worked;

	do {
		begin(w);
		touch_of(w, id)->words.tx_sent += bytes;
	} while (!end(w, &worked));
	streams_run(w);
}

void streams_end(struct fake_streams *w, uint32_t id, int err)
{
	bool worked;

	do {
		struct fake_conn *c;

		begin(w);
		c = touch_of(w, id);
		c->used = false;
		stream_gone(w->s, id, &c->words, err);
	} while (!end(w, &worked));
	streams_run(w);
}
