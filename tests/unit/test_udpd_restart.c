/*
 * test_udpd_restart.c - whatever happens around it, a death of udpd is not seen
 *
 * A session of eleven steps is run once undisturbed, and then again and again
 * with a death after each step, or within the turn that follows it, just short
 * of its commit.  The app and ipd must see the same every time.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_app.h"
#include "udpd/rx.h"
#include "udpd/tx.h"
#include "udpd/udpd.h"

/* All that was seen, as one text. */
struct seen {
	char text[4096];
	size_t len;
};

/* A number, and what lies behind a header of eight bytes. */
static void note(struct seen *s, const char *what, const uint8_t *p, int n)
{
	const char *text = "";
	int len = 0;

	if (p != NULL && n > 8) {
		text = (const char *)p + 8;
		len = n - 8;
	}
	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
	    "%s %d %.*s\n", what, n, len, text);
}

/* Die in a turn that has taken, changed and staged all, and not committed. */
static void die_in_a_turn(struct fake_apps *w)
{
	struct udpd *u = w->u;
	uint32_t budget = 100;

	node_begin(&u->n, w->rig->now);
	rx_turn(u, 64);
	for (uint32_t id = 0; id < 4; id++) {
		struct command c;

		if (!apps_is_open(&u->apps, id))
			continue;
		tx_serve(u, id, apps_tx_written(&u->apps, id), &budget);
		if (apps_asked(&u->apps, id, &c))
			apps_answer(&u->apps, id, &c);
	}
	apps_restart(w);
}

enum death {
	NONE,
	BETWEEN, /* before the turn that does the step's work */
	WITHIN,
	AFTER,
};

struct run {
	struct fake_apps *w;
	enum death how;
	int when; /* step */
	int step;
	uint32_t s;
};

static void step(struct run *r)
{
	bool now = r->step++ == r->when;

	if (now && r->how == BETWEEN)
		apps_restart(r->w);
	if (now && r->how == WITHIN)
		die_in_a_turn(r->w);
	apps_run(r->w);
	if (now && r->how == AFTER)
		apps_restart(r->w);
}

static void ask(struct run *r, uint32_t op, uint32_t a0, uint32_t a1,
    const void *data, uint32_t len)
{
	struct a2s_socket *a = apps_a2s(r->w, r->s);

	a->cmd_op = op;
	a->cmd_arg[0] = a0;
	a->cmd_arg[1] = a1;
	a->cmd_len = len;
	memcpy(a->cmd_data, data ? data : "", data ? len : 0);
	a->cmd_seq++;
	apps_post(r->w, r->s);
	step(r);
}

static void session(struct run *r, struct seen *out)
{
	struct fake_apps *w = r->w;
	struct app_name here = apps_name("*", 7);
	struct app_name there = apps_name("192.0.2.1", 4000);
	const int ttl = 9;
	uint8_t buf[256];
	struct dgram g;
	struct desc d;
	int n;

	w->ch.family[0] = AF_INET;
	apps_socket_opened(&w->u->apps, 0, 0, AF_INET);
	step(r);
	ask(r, APP_OP_BIND, 0, 0, &here, sizeof(here));
	apps_rx(w, "192.0.2.1", 1000, "192.0.2.2", 7, "first", 5);
	step(r);
	apps_rx(w, "192.0.2.1", 1000, "192.0.2.2", 7, "second", 6);
	apps_write(w, 0, "192.0.2.1", 1000, "answer", 6);
	step(r);
	ask(r, APP_OP_SETOPT, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	ask(r, APP_OP_CONNECT, 0, 0, &there, sizeof(there));
	apps_write(w, 0, "192.0.2.1", 4000, "more", 4);
	apps_write(w, 0, "192.0.2.1", 4000, "and more", 8);
	apps_rx(w, "192.0.2.1", 4001, "192.0.2.2", 7, "stranger", 8);
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "friend", 6);
	step(r);
	apps_rx_error(w, "192.0.2.2", 7, "192.0.2.1", 4000, 3, 3);
	step(r);
	ask(r, APP_OP_GETOPT, IPPROTO_IP, IP_TTL, NULL, 0);
	note(out, "ttl", NULL, apps_s2a(w, 0)->reply[0]);
	note(out, "error", NULL, apps_error(w, 0));
	while (apps_read(w, 0, &g, buf + 8, sizeof(buf) - 8))
		note(out, "read", buf, (int)g.len + 8);
	apps_write(w, 0, "192.0.2.1", 4000, "last", 4);
	step(r);
	apps_write(w, 0, "192.0.2.1", 4000, "words", 5);
	apps_hang_up(w, 0);
	step(r);
	while ((n = apps_tx(w, &d, buf, sizeof(buf))) >= 0) {
		note(out, "hops", NULL, d.hops);
		note(out, d.kind == PKT_ERROR ? "error" : "sent", buf, n);
	}
	note(out, "open", NULL, w->ch.family[0]);
	note(out, "lent", NULL, (int)rig_lent(w->rig, "ipd"));
}

static int run(enum death how, int when, struct seen *out)
{
	struct run r = { .w = apps_open(), .how = how, .when = when };

	memset(out, 0, sizeof(*out));
	session(&r, out);
	apps_close(r.w);
	return r.step;
}

static void nobody_sees_a_death(void **state)
{
	struct seen want, got;
	int steps = run(NONE, -1, &want);

	(void)state;
	assert_int_equal(steps, 11);
	for (enum death how = BETWEEN; how <= AFTER; how++)
		for (int when = 0; when < steps; when++) {
			run(how, when, &got);
			if (strcmp(want.text, got.text) != 0)
				fail_msg("death %u at step %d:\n%swant:\n%s",
				    how, when, got.text, want.text);
		}
}

/* What a death costs in counts is nothing either: no port, no secret. */
static void ports_and_secrets_survive(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);
	uint64_t key = w->u->state->port_key[0];
	uint16_t port;

	(void)state;
	apps_bind(w, s, "*", 0);
	port = apps_port(w, s);
	apps_restart(w);
	w->u->seed[0] = 1;
	apps_run(w);
	assert_int_equal(w->u->state->port_key[0], key);
	assert_int_equal(apps_port(w, s), port);
	assert_int_equal(rig_counter(w->rig, "udpd", "bad_descriptor"), 0);
	apps_close(w);
}

/* Its fd was closed while nobody was there to see. */
static void a_socket_nobody_has_any_more_is_closed(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = apps_socket(w, AF_INET);

	(void)state;
	apps_bind(w, s, "*", 7);
	w->ch.family[s] = 0;
	apps_restart(w);
	apps_run(w);
	assert_false(apps_is_open(&w->u->apps, s));
	s = apps_socket(w, AF_INET);
	assert_int_equal(apps_bind(w, s, "*", 7), 0);
	apps_close(w);
}

/* ipd died while it wrote its routes, then we did: who knows any route? */
static void without_routes_to_read_datagrams_wait(void **state)
{
	struct fake_apps *w = apps_open();
	struct fib *f = (void *)rig_node(w->rig, "ipd")->table;
	uint32_t s = apps_socket(w, AF_INET);
	uint8_t bytes[64];
	struct desc d;

	(void)state;
	publish_begin(&f->p);
	apps_restart(w);
	apps_write(w, s, "192.0.2.1", 9, "hello", 5);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), -1);
	assert_int_equal(apps_error(w, s), 0);
	publish_end(&f->p);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), 8 + 5);
	assert_int_equal(rig_counter(w->rig, "udpd", "tx_no_route"), 0);
	apps_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_sees_a_death),
		cmocka_unit_test(ports_and_secrets_survive),
		cmocka_unit_test(a_socket_nobody_has_any_more_is_closed),
		cmocka_unit_test(without_routes_to_read_datagrams_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
