/*
 * wire.c - a script's world: tcpd alone, virtual time, death, the runner
 */
#include "tests/tcp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shm/app.h"
#include "tcpd/send.h"

enum {
	TRACE_BYTES = 1 << 20,
	TRACE_SHOWN = 4000,
	MAX_SCRIPTS = 200,
	MAX_TURNS = 5000, /* without an end: something goes round */
};

static const char JSON[] =
    "{\"name\":\"t\",\"links\":[{\"name\":\"a\",\"device\":\"tap\","
    "\"interface\":\"a\","
    "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]}],"
    "\"tcp\":{%s},"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"tcpd\",\"layer\":\"tcpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\"},{\"from\":\"tcpd\",\"to\":\"ipd\"}]}";

/* ---- Failing */

void wire_say(struct wire *w, const char *fmt, ...)
{
	size_t left = TRACE_BYTES - w->trace_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->trace + w->trace_len, left, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < left)
		w->trace_len += (size_t)n;
}

void wire_fail(struct wire *w, const char *fmt, ...)
{
	const char *from = w->trace;
	char what[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (w->trace_len > TRACE_SHOWN) {
		from = w->trace + w->trace_len - TRACE_SHOWN;
		from = strchr(from, '\n') + 1;
	}
	fprintf(stderr, "%s%s:%d: IPv%d%s, at %.6f s: %s\n", from, w->file,
	    w->line, w->v6 ? 6 : 4, w->kill ? ", dying" : "",
	    (double)mono_since(w->r->now, w->began) / NS_PER_S, what);
	_fail(w->file, w->line);
}

void wire_must(struct wire *w, bool ok, const char *what)
{
	if (!ok)
		wire_fail(w, "not so: %s", what);
}

/* ---- Attached, dead, attached again */

static struct tcpd the_only;

static void attach(struct wire *w)
{
	struct segments s = rig_segments(w->r, "tcpd");

	/* Always the same pages: new ones cost more than all that is tested. */
	w->t = &the_only;
	memset(w->t, 0, sizeof(*w->t));
	for (uint32_t i = 0; i < TCPD_SEEDS; i++)
		w->t->seed[i] = 0x0706050403020100 * (i + 1) + w->deaths;
	wire_tell_apps(w);
	assert_int_equal(tcpd_attach(w->t, &s, w->r->now), 0);
	for (uint32_t i = 0; i < WIRE_SOCKETS; i++)
		if (w->hung_up[i])
			apps_socket_closed(&w->t->streams.apps, WIRE_APP, i);
}

static void detach(struct wire *w)
{
	tcpd_detach(w->t);
	w->t = NULL;
}

/*
 * With a segment in hand that it has worked on and not committed, or else
 * between two turns.  (Dying again and again in turns in which nothing comes
 * in would make it put the next packet aside: turn.h.)
 */
static void die(struct wire *w)
{
	w->deaths++;
	if (rig_waiting(w->r, "ipd", "tcpd") > 0) {
		w->t->turn++;
		node_begin(&w->t->n, w->r->now);
		tcpd_rx(w->t, node_in(&w->t->n, LAYER_IP, 0));
	}
	detach(w);
	attach(w);
}

static void run(struct wire *w)
{
	uint32_t id, turns = 0;
	uint8_t wake;
	bool more;

	do {
		if (turns++ == MAX_TURNS)
			wire_fail(w, "tcpd does not come to rest");
		more = tcpd_turn(w->t, w->r->now);
		wire_collect(w);
		while (apps_next_wake(&w->t->streams.apps, &id, &wake)) {
			w->woken[id] |= (wake & WAKE_RX) != 0;
			if (wake & WAKE_CLOSED) {
				w->family[id] = 0;
				w->hung_up[id] = false;
			}
		}
	} while (more || !tcpd_may_sleep(w->t));
}

void wire_step(struct wire *w)
{
	if (w->kill)
		die(w);
	run(w);
	wire_check(w);
}

/* ---- Time */

int64_t wire_ms(const struct wire *w)
{
	return mono_since(w->r->now, w->began) / NS_PER_MS;
}

/* To @to, or to when something is sent. */
static void advance(struct wire *w, struct mono to, bool stop)
{
	while (!mono_before(to, tcpd_deadline(w->t))) {
		struct mono next = tcpd_deadline(w->t);

		if (mono_before(w->r->now, next))
			w->r->now = next;
		else
			w->r->now.ns += NS_PER_US;
		wire_step(w);
		if (stop && w->queued > 0)
			return;
	}
	if (mono_before(w->r->now, to))
		w->r->now = to;
	wire_step(w);
}

void wire_after(struct wire *w, int64_t ms)
{
	struct mono due = mono_add_ms(w->r->now, ms);

	wire_none(w);
	advance(w, mono_add(due, -NS_PER_MS), true);
	if (w->queued > 0)
		wire_none(w);
	advance(w, mono_add(due, NS_PER_MS + NS_PER_MS / 4), true);
}

void wire_quiet(struct wire *w, int64_t ms)
{
	wire_none(w);
	advance(w, mono_add_ms(w->r->now, ms), true);
	wire_none(w);
}

void wire_pass(struct wire *w, int64_t ms)
{
	advance(w, mono_add_ms(w->r->now, ms), false);
}

/* ---- What must be so */

uint64_t wire_count(struct wire *w, uint32_t counter)
{
	return w->t->n.counter[counter];
}

void wire_counted(struct wire *w, uint32_t counter, uint64_t n)
{
	uint64_t is = wire_count(w, counter);

	if (is != n)
		wire_fail(w, "%s is %lu, not %lu",
		    tcpd_counters[counter - CNT_NODE_END].name,
		    (unsigned long)is, (unsigned long)n);
}

static uint32_t find(struct wire *w)
{
	const struct conversation *c = &w->c[w->cur];
	struct tcp_tuple ends = {
		.local = w->us,
		.remote = w->peer,
		.local_port = c->our_port,
		.remote_port = c->peer_port,
	};

	return conn_find(w->t, &ends);
}

const struct tcb *wire_tcb(struct wire *w)
{
	uint32_t id = find(w);

	return id == NO_ID || id_is_linger(id) ? NULL : conn_get(w->t, id);
}

enum tcp_state wire_state(struct wire *w)
{
	uint32_t id = find(w);

	if (id == NO_ID)
		return TCP_CLOSED;
	return id_is_linger(id) ? TCP_TIME_WAIT : conn_get(w->t, id)->state;
}

void wire_state_is(struct wire *w, enum tcp_state s)
{
	enum tcp_state is = wire_state(w);

	if (is != s)
		wire_fail(w, "the state is %s, not %s", tcp_state_name(is),
		    tcp_state_name(s));
}

void wire_state_ends(struct wire *w, enum tcp_state s, int64_t ms)
{
	wire_state_is(w, s);
	wire_quiet(w, ms - 100);
	wire_state_is(w, s);
	wire_quiet(w, 200);
	wire_state_is(w, TCP_CLOSED);
}

/*
 * What is in flight has a timer, and so has what only waits for the window;
 * without either there is none (apart from who has not been asked yet).
 */
static void check_loss_timer(struct wire *w, const struct tcb *c)
{
	bool flies = !seq_eq(c->sb.f.una, sb_end(&c->sb));
	bool waits = conn_unsent(c) > 0 ||
	    ((c->flags & CONN_TX_SHUT) && !(c->flags & CONN_FIN_SENT));
	bool armed = c->timers.loss.ns != MONO_NEVER.ns;

	if (w->t->conns.queued[conn_id(w->t, c)] || (c->flags & CONN_ABORTED))
		return;
	must(w, !flies || armed);
	must(w, !waits || armed || (c->flags & CONN_PACED));
	must(w, !armed || flies || waits);
}

/* What the app is shown: acknowledged is sent, and sent is written. */
static void check_counts(struct wire *w, const struct tcb *c)
{
	const struct s2a_socket *s;

	if (c->sock == NO_SOCKET || w->t->conns.queued[conn_id(w->t, c)])
		return;
	s = wire_s2a(w, c->sock);
	must(w, s->tx_sent == c->tx_end - conn_unsent(c));
	must(w, s->tx_sent - s->tx_consumed <= APP_TX_BYTES);
	must(w, (int64_t)(wire_a2s(w, c->sock)->tx_written - s->tx_sent) >= 0);
}

static void check_tcb(struct wire *w, uint32_t id)
{
	const struct tcb *c = conn_get(w->t, id);

	must(w, c->state != TCP_CLOSED && c->state < TCP_NSTATES);
	must(w, seq_leq(c->sb.f.una, sb_end(&c->sb)));
	must(w, c->tx_end - c->tx_una <= APP_TX_BYTES);
	must(w, c->rx_nxt - c->rx_read <= APP_RX_BYTES);
	must(w,
	    c->sock == NO_SOCKET ||
		stream_sock(&w->t->streams, c->sock)->conn == id);
	must(w, c->state != TCP_SYN_SENT || c->sock != NO_SOCKET);
	check_loss_timer(w, c);
	check_counts(w, c);
	/* A timer is late by a tick of the wheel at most. */
	must(w,
	    mono_before(w->r->now,
		mono_add(output_deadline(c), 1 << WHEEL_TICK_SHIFT)) ||
		w->t->conns.queue_len > 0);
}

static void check_table(struct wire *w)
{
	const struct conns_state *s = &w->t->s->conns;
	uint32_t used = 0, lingers = 0;

	for (uint32_t i = 0; i < MAX_CONNS / 64; i++)
		for (uint64_t bits = s->used[i]; bits != 0; bits &= bits - 1) {
			check_tcb(w, i * 64 + (uint32_t)__builtin_ctzll(bits));
			used++;
		}
	for (uint32_t i = 0; i < MAX_LINGERS / 64; i++)
		lingers += (uint32_t)__builtin_popcountll(s->lingers[i]);
	must(w, used + w->t->conns.nfree == MAX_CONNS);
	must(w, lingers == w->t->conns.nlingers);
}

void wire_check(struct wire *w)
{
	const struct out_head *h =
	    (const void *)w->r->out[rig_proc(w->r, "tcpd")];
	const char *file = w->file;
	int line = w->line;

	check_table(w);
	must(w, h->counter[CNT_BAD_DESC] == 0);
	must(w, h->counter[CNT_SLOT_TWICE] == 0);
	must(w, h->counter[CNT_RING_CUT] == 0);
	must(w, h->counter[CNT_ASIDE] == 0);
	must(w, rig_lent(w->r, "ipd") == 0);
	w->file = file;
	w->line = line;
}

/* ---- A script from beginning to end */

static void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void publish_routes(struct wire *w)
{
	struct fib *f = (void *)rig_node(w->r, "ipd")->table;

	publish_begin(&f->p);
	fib_build(f, &w->r->topo);
	publish_end(&f->p);
}

static struct wire *open_wire(const char *config, bool v6, bool kill)
{
	struct wire *w = calloc(1, sizeof(*w));
	char json[4000];

	assert_non_null(w);
	snprintf(json, sizeof(json), JSON, config != NULL ? config : "");
	w->r = rig_open(json);
	w->trace = malloc(TRACE_BYTES);
	assert_non_null(w->trace);
	w->trace[0] = '\0';
	w->v6 = v6;
	w->kill = kill;
	w->mss = v6 ? 1440 : 1460;
	w->file = "the script's end";
	assert_true(ip_parse(&w->us, v6 ? "2001:db8::2" : "192.0.2.2"));
	assert_true(ip_parse(&w->peer, v6 ? "2001:db8::1" : "192.0.2.1"));
	w->began = w->r->now;
	w->a2s = pages(A2S_BYTES);
	w->s2a = pages(S2A_BYTES);
	publish_routes(w);
	on(w, 0);
	attach(w);
	wire_step(w);
	return w;
}

/* The hints are those of the connections that there are. */
static void check_hints(struct wire *w)
{
	const struct conns_state *s = &w->t->s->conns;
	const struct conns *p = &w->t->conns;
	uint32_t lonely = p->nlingers, acked = 0;

	for (uint32_t i = 0; i < MAX_CONNS; i++) {
		if (!(s->used[i / 64] >> (i % 64) & 1))
			continue;
		lonely += s->tcb[i].sock == NO_SOCKET;
		acked += (s->tcb[i].flags & CONN_ACKED) != 0;
	}
	for (uint32_t port = 0; port < 1 << 16; port++)
		for (uint32_t id = p->lonely[port]; id != NO_ID;
		     id = p->lonely_next[id])
			lonely--;
	for (uint32_t i = 0; i < MAX_SOCKETS; i++)
		acked -= p->half_acked[i];
	must(w, lonely == 0 && acked == 0);
}

/* All slots are home: one more turn, since they come back after a commit. */
static void check_end(struct wire *w)
{
	const struct node *n;

	wire_none(w);
	wire_step(w);
	n = &w->t->n;
	must(
	    w, n->home.small_free + n->home.big_free == pool_slots(&n->home.p));
	must(w, n->held == 0);
	check_hints(w);
}

static void close_wire(struct wire *w)
{
	detach(w);
	munmap(w->a2s, A2S_BYTES);
	munmap(w->s2a, S2A_BYTES);
	rig_close(w->r);
	free(w->trace);
	free(w);
}

struct variant {
	const struct script *s;
	bool v6, kill;
	char name[100];
};

static void run_variant(void **state)
{
	const struct variant *v = *state;
	struct wire *w = open_wire(v->s->config, v->v6, v->kill);

	v->s->run(w);
	check_end(w);
	close_wire(w);
}

int wire_run(const char *name, const struct script *s, size_t n)
{
	static struct variant v[MAX_SCRIPTS * 4];
	static struct CMUnitTest tests[MAX_SCRIPTS * 4];
	size_t nv = 0;

	assert_true(n <= MAX_SCRIPTS);
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < (s[i].once ? 1 : 4); k++, nv++) {
			v[nv].s = &s[i];
			v[nv].v6 = k & 1;
			v[nv].kill = k & 2;
			snprintf(v[nv].name, sizeof(v[nv].name), "%s IPv%d%s",
			    s[i].name, k & 1 ? 6 : 4, k & 2 ? " dying" : "");
			tests[nv] = (struct CMUnitTest){
				.name = v[nv].name,
				.test_func = run_variant,
				.initial_state = &v[nv],
			};
		}
	return _cmocka_run_group_tests(name, tests, nv, NULL, NULL);
}
