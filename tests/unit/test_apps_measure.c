/*
 * test_apps_measure.c - how long what came waits for its app, as the app says
 *
 *	fake ipd -> udpd -> fake app
 *
 * Times are in ns after BEGIN, and so short that nothing else is due; births
 * are multiples of 8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_app.h"
#include "tests/harness/random.h"

enum {
	BEGIN = 8000000,
	PORT = 7,
	ROOM = sizeof(struct dgram) + DGRAM_ALIGN, /* of one of a few bytes */
};

static struct mono commits_at;

static struct mono the_clock(void)
{
	return commits_at;
}

struct bench {
	struct fake_apps *w;
	uint32_t id; /* a socket on PORT */
	struct histogram_copy h;
};

static void measure(struct bench *b, bool on)
{
	struct tap_switch *sw = &b->w->rig->sup->tap;

	sw->flags = on ? TAP_MEASURE : 0;
	sw->measured = BEGIN;
	sw->on = on;
}

static void begin(struct bench *b)
{
	b->w->u->n.clock = the_clock;
	b->w->rig->now.ns = BEGIN;
}

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->w = apps_open();
	b->id = apps_socket(b->w, AF_INET);
	assert_int_equal(apps_bind(b->w, b->id, "*", PORT), 0);
	begin(b);
	measure(b, true);
	return b;
}

static void close_bench(struct bench *b)
{
	apps_close(b->w);
	free(b);
}

/* udpd's turn, from @from to @to. */
static void turn(struct bench *b, int64_t from, int64_t to)
{
	uint32_t id;
	uint8_t wake;

	commits_at.ns = BEGIN + to;
	udpd_turn(b->w->u, (struct mono){ BEGIN + from });
	while (apps_next_wake(&b->w->u->apps, &id, &wake))
		if (wake & WAKE_CLOSED)
			channel_forget(&b->w->ch, id);
}

/* Born at @at. */
static void comes_to(struct bench *b, int64_t at, uint16_t port)
{
	b->w->rig->now.ns = BEGIN + at;
	apps_rx(b->w, "192.0.2.1", 40000, "192.0.2.2", port, "x", 1);
}

static void comes(struct bench *b, int64_t at)
{
	comes_to(b, at, PORT);
}

static struct a2s_times *times(struct bench *b)
{
	return (
	    void *)(b->w->ch.a2s[app_of(b->id)] + a2s_times_off(sub_of(b->id)));
}

static void put_time(struct app_time *t, uint64_t from, uint64_t to, int64_t at)
{
	t->from = from;
	t->to = to;
	t->when = (int64_t)(BEGIN + (uint64_t)at);
}

/* So many, born at 0 and shown at 20; a few in each turn. */
static void many_come(struct bench *b, int n)
{
	for (int i = 1; i <= n; i++) {
		comes(b, 0);
		if (i % 32 == 0 || i == n)
			turn(b, 10, 20);
	}
}

/* What the library says of a read. */
static void says(struct bench *b, uint64_t from, uint64_t to, int64_t at)
{
	struct a2s_socket *a = apps_a2s(b->w, b->id);

	put_time(&times(b)->rx[a->rx_said++ % APP_TIMES], from, to, at);
}

/* It reads as many datagrams in one, as far as it says. */
static void reads(struct bench *b, uint32_t n, int64_t at)
{
	struct a2s_socket *a = apps_a2s(b->w, b->id);

	says(b, a->rx_read, a->rx_read + n * ROOM, at);
	a->rx_read += n * ROOM;
	assert_true(a->rx_read <= apps_s2a(b->w, b->id)->rx_written);
}

static bool is_wait; /* what figures() is about: else the whole */

static uint64_t figures(struct bench *b)
{
	uint8_t *tap = b->w->rig->tap[rig_proc(b->w->rig, "udpd")];
	struct measure_mem *m = (void *)(tap + TAP_MEASURE_OFF);

	assert_int_equal(m->missed, 0);
	memset(&b->h, 0, sizeof(b->h));
	for (uint32_t i = 0; i < MEASURE_HOPS && m->hop[i].key != 0; i++) {
		struct hop_key k = hop_key(m->hop[i].key);

		if (k.in != MEASURE_SOCKET)
			continue;
		assert_int_equal(k.out, MEASURE_APP);
		assert_int_equal(k.born, BORN_DAEMON);
		assert_int_equal(k.pool, rig_proc(b->w->rig, "ipd"));
		histogram_read(
		    &b->h, is_wait ? &m->hop[i].wait : &m->hop[i].whole);
	}
	return histogram_count(&b->h);
}

/* So many reads are known, and the last of them took that. */
static void assert_read(
    struct bench *b, uint64_t count, int64_t wait, int64_t whole)
{
	is_wait = false;
	assert_int_equal(figures(b), count);
	assert_int_equal(histogram_quantile(&b->h, 1), whole);
	is_wait = true;
	assert_int_equal(figures(b), count);
	assert_int_equal(histogram_quantile(&b->h, 1), wait);
}

/* ---- */

static void from_the_commit_to_the_read(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	comes(b, 0);
	turn(b, 40, 60);
	reads(b, 1, 160);
	assert_int_equal(figures(b), 0);
	apps_post(b->w, b->id);
	turn(b, 200, 210);
	assert_read(b, 1, 100, 160);
	/* Once. */
	apps_post(b->w, b->id);
	turn(b, 220, 230);
	assert_read(b, 1, 100, 160);
	close_bench(b);
}

static void it_may_have_been_read_in_this_turn(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	comes(b, 0);
	turn(b, 40, 60);
	apps_post(b->w, b->id);
	reads(b, 1, 205);
	turn(b, 200, 210);
	assert_read(b, 1, 145, 205);
	close_bench(b);
}

static void the_next_one_asks_before_it_is_put(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	comes(b, 0);
	turn(b, 40, 60);
	reads(b, 1, 70);
	comes(b, 80);
	turn(b, 100, 110);
	assert_read(b, 1, 10, 70);
	reads(b, 1, 210);
	comes(b, 240);
	turn(b, 250, 260);
	assert_read(b, 2, 100, 130);
	close_bench(b);
}

static void one_read_may_take_many(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	for (int i = 0; i < 3; i++) {
		comes(b, 40 * i);
		turn(b, 40 * i + 10, 40 * i + 20);
	}
	reads(b, 2, 130);
	apps_post(b->w, b->id);
	turn(b, 140, 150);
	assert_read(b, 2, 110, 130);
	reads(b, 1, 160);
	apps_post(b->w, b->id);
	turn(b, 170, 180);
	assert_int_equal(figures(b), 3);
	close_bench(b);
}

/* Of TCP: the packet is read when its last byte is. */
static void a_part_is_not_read(void **state)
{
	struct bench *b = open_bench();
	uint64_t at = apps_a2s(b->w, b->id)->rx_read;

	(void)state;
	comes(b, 0);
	turn(b, 10, 20);
	says(b, at, at + ROOM - 1, 30);
	apps_a2s(b->w, b->id)->rx_read = at + ROOM - 1;
	apps_post(b->w, b->id);
	turn(b, 40, 50);
	assert_int_equal(figures(b), 0);
	says(b, at + ROOM - 1, at + ROOM, 60);
	apps_a2s(b->w, b->id)->rx_read = at + ROOM;
	apps_post(b->w, b->id);
	turn(b, 70, 80);
	assert_read(b, 1, 40, 60);
	close_bench(b);
}

static void each_read_of_many_is_known(void **state)
{
	enum {
		MANY = APP_TIMES - 1
	};
	struct bench *b = open_bench();

	(void)state;
	many_come(b, MANY);
	for (int i = 0; i < MANY; i++)
		reads(b, 1, 30 + i);
	apps_post(b->w, b->id);
	turn(b, 1000, 1010);
	assert_read(b, MANY, 9 + MANY, 29 + MANY);
	assert_int_equal(histogram_quantile(&b->h, 0.001), 10);
	close_bench(b);
}

/* The oldest, and one more, which may be half overwritten. */
static void what_was_overwritten_is_not_measured(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	many_come(b, APP_TIMES);
	for (int i = 0; i < APP_TIMES; i++)
		reads(b, 1, 30 + i);
	apps_post(b->w, b->id);
	turn(b, 1000, 1010);
	assert_int_equal(figures(b), APP_TIMES - 1);
	assert_int_equal(histogram_quantile(&b->h, 0.001), 11);

	/* Nor what was read by a program that says nothing. */
	comes(b, 1040);
	turn(b, 1050, 1060);
	assert_int_equal(b->w->u->apps.sock[b->id].reads, 1);
	apps_a2s(b->w, b->id)->rx_read += ROOM;
	apps_post(b->w, b->id);
	turn(b, 1070, 1080);
	assert_int_equal(figures(b), APP_TIMES - 1);
	assert_int_equal(b->w->u->apps.sock[b->id].reads, 0);
	close_bench(b);
}

static void who_reads_and_says_no_more_is_looked_at(void **state)
{
	struct bench *b = open_bench();
	int64_t look = 10 + READ_LOOK_NS;

	(void)state;
	comes(b, 0);
	turn(b, 10, 20);
	assert_int_equal(udpd_deadline(b->w->u).ns, BEGIN + look);
	turn(b, look, look);
	assert_int_equal(figures(b), 0);
	assert_int_equal(
	    udpd_deadline(b->w->u).ns, BEGIN + look + READ_LOOK_NS);
	reads(b, 1, 120);
	turn(b, look + READ_LOOK_NS, look + READ_LOOK_NS);
	assert_read(b, 1, 100, 120);
	assert_int_equal(udpd_deadline(b->w->u).ns, MONO_NEVER.ns);
	close_bench(b);
}

/* Neither into the figures, nor is an app cut off for it. */
static void a_lie_is_not_measured(void **state)
{
	static const struct {
		const char *what;
		uint64_t from, to; /* from what was shown first */
		int64_t at;
	} lies[] = {
		{ "before it was shown", 0, ROOM, 19 },
		{ "before the boot", 0, ROOM, -BEGIN - 1 },
		{ "in the future", 0, ROOM, 1000 },
		{ "at the end of time", 0, ROOM, INT64_MAX - BEGIN },
		{ "beyond what was shown", 0, ROOM + 1, 30 },
		{ "backwards", ROOM, 0, 30 },
		{ "all there is", 0, UINT64_MAX, 30 },
		{ "more than fits", (uint64_t)-APP_RX_BYTES, ROOM, 30 },
		{ "nothing", ROOM, ROOM, 30 },
		{ "what comes next", ROOM, 2 * ROOM, 30 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct bench *b = open_bench();
		uint64_t at = apps_a2s(b->w, b->id)->rx_read;

		comes(b, 0);
		turn(b, 10, 20);
		says(b, at + lies[i].from, at + lies[i].to, lies[i].at);
		apps_post(b->w, b->id);
		turn(b, 40, 50);
		if (figures(b) != 0)
			fail_msg("%s", lies[i].what);
		/* And then the truth. */
		reads(b, 1, 60);
		apps_post(b->w, b->id);
		turn(b, 80, 90);
		assert_read(b, 1, 40, 60);
		assert_int_equal(
		    rig_counter(b->w->rig, "udpd", "app_cut_off"), 0);
		close_bench(b);
	}
}

/* In the same turn: its time is not known, nor has the app seen it. */
static void what_was_not_shown_can_not_be_read(void **state)
{
	struct bench *b = open_bench();
	uint64_t at = apps_a2s(b->w, b->id)->rx_read;

	(void)state;
	comes(b, 0);
	comes(b, 8);
	says(b, at, at + 2 * ROOM, 15);
	apps_post(b->w, b->id);
	turn(b, 10, 20);
	assert_int_equal(figures(b), 0);
	reads(b, 2, 40);
	apps_post(b->w, b->id);
	turn(b, 50, 60);
	assert_int_equal(figures(b), 2);
	assert_read(b, 2, 20, 40);
	close_bench(b);
}

static void what_does_not_fit_is_not_measured(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	many_come(b, READ_STAMPS + 5);
	reads(b, READ_STAMPS + 5, 1011);
	apps_post(b->w, b->id);
	turn(b, 1020, 1030);
	assert_int_equal(figures(b), READ_STAMPS);
	/* And there is room again. */
	comes(b, 1040);
	turn(b, 1050, 1060);
	reads(b, 1, 1061);
	apps_post(b->w, b->id);
	turn(b, 1070, 1080);
	assert_int_equal(figures(b), READ_STAMPS + 1);
	close_bench(b);
}

/* Whose app lets them lie longest is measured no more. */
static void of_too_many_sockets_the_idlest_is_not_measured(void **state)
{
	enum {
		MORE = READ_QUEUES
	};
	struct bench *b = open_bench();
	uint32_t first = b->id, id[MORE];

	(void)state;
	measure(b, false);
	for (uint32_t i = 0; i < MORE; i++) {
		id[i] = apps_socket(b->w, AF_INET);
		assert_int_equal(
		    apps_bind(b->w, id[i], "*", (uint16_t)(100 + i)), 0);
	}
	begin(b);
	measure(b, true);
	comes(b, 0);
	turn(b, 10, 20);
	for (uint32_t i = 0; i < MORE; i++) {
		comes_to(b, 24 + 8 * i, (uint16_t)(100 + i));
		turn(b, 26 + 8 * i, 27 + 8 * i);
	}
	reads(b, 1, 2000);
	apps_post(b->w, b->id);
	turn(b, 2010, 2020);
	assert_int_equal(figures(b), 0);
	for (uint32_t i = 0; i < MORE; i++) {
		b->id = id[i];
		reads(b, 1, 2000);
		apps_post(b->w, b->id);
		turn(b, 2030, 2040);
		assert_int_equal(figures(b), i + 1);
	}
	/* It has a place again. */
	b->id = first;
	comes(b, 2048);
	turn(b, 2050, 2060);
	reads(b, 1, 2061);
	apps_post(b->w, b->id);
	turn(b, 2070, 2080);
	assert_int_equal(figures(b), MORE + 1);
	close_bench(b);
}

/* And not one that something has come for in this turn. */
static void who_has_just_got_something_is_not_the_idlest(void **state)
{
	struct bench *b = open_bench();
	uint32_t first = b->id, second = 0, id;

	(void)state;
	measure(b, false);
	for (int i = 1; i <= READ_QUEUES; i++) {
		id = apps_socket(b->w, AF_INET);
		assert_int_equal(
		    apps_bind(b->w, id, "*", (uint16_t)(100 + i)), 0);
		second = i == 1 ? id : second;
	}
	begin(b);
	measure(b, true);
	comes(b, 0);
	turn(b, 10, 20);
	for (int i = 1; i < READ_QUEUES; i++) {
		comes_to(b, 24 + 8 * i, (uint16_t)(100 + i));
		turn(b, 26 + 8 * i, 27 + 8 * i);
	}
	comes(b, 2000);
	comes_to(b, 2000, 100 + READ_QUEUES);
	turn(b, 2010, 2020);
	b->id = second;
	reads(b, 1, 2030);
	apps_post(b->w, b->id);
	turn(b, 2040, 2050);
	assert_int_equal(figures(b), 0);
	b->id = first;
	reads(b, 2, 2060);
	apps_post(b->w, b->id);
	turn(b, 2070, 2080);
	assert_int_equal(figures(b), 2);
	close_bench(b);
}

/* Not even if the last one had, and was gone before anybody looked. */
static void another_socket_of_its_number_has_not_read_it(void **state)
{
	struct bench *b = open_bench();
	uint32_t id;
	int64_t at;

	(void)state;
	comes(b, 0);
	turn(b, 10, 20);
	reads(b, 1, 30);
	apps_hang_up(b->w, b->id);
	turn(b, 40, 50);
	id = apps_socket(b->w, AF_INET);
	assert_int_equal(id, b->id);
	assert_int_equal(apps_bind(b->w, id, "*", PORT), 0);
	assert_int_equal(figures(b), 0);
	at = (b->w->rig->now.ns - BEGIN + 1000) / 8 * 8;
	comes(b, at);
	turn(b, at + 10, at + 20);
	assert_int_equal(figures(b), 0);
	reads(b, 1, at + 50);
	apps_post(b->w, b->id);
	turn(b, at + 60, at + 70);
	assert_read(b, 1, 30, 50);
	close_bench(b);
}

static void with_the_transport_the_stamps_are_lost(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	comes(b, 0);
	turn(b, 10, 20);
	b->w->rig->now.ns = BEGIN + 25;
	apps_restart(b->w);
	b->w->u->n.clock = the_clock;
	reads(b, 1, 30);
	turn(b, 40, 50);
	assert_int_equal(figures(b), 0);
	assert_int_equal(udpd_deadline(b->w->u).ns, MONO_NEVER.ns);
	comes(b, 48);
	turn(b, 50, 60);
	reads(b, 1, 68);
	apps_post(b->w, b->id);
	turn(b, 70, 80);
	assert_read(b, 1, 8, 20);
	close_bench(b);
}

static void nothing_is_asked_while_nobody_looks(void **state)
{
	struct bench *b = open_bench();
	const struct s2a_head *h = (const void *)b->w->ch.s2a[0];

	(void)state;
	comes(b, 0);
	turn(b, 10, 20);
	assert_int_equal(h->measure, 1);
	measure(b, false);
	turn(b, 30, 40);
	assert_int_equal(h->measure, 0);
	assert_int_equal(udpd_deadline(b->w->u).ns, MONO_NEVER.ns);
	comes(b, 40);
	turn(b, 50, 60);
	assert_int_equal(udpd_deadline(b->w->u).ns, MONO_NEVER.ns);
	/* What came before is not known any more. */
	measure(b, true);
	turn(b, 70, 80);
	reads(b, 2, 90);
	apps_post(b->w, b->id);
	turn(b, 100, 110);
	assert_int_equal(figures(b), 0);
	close_bench(b);
}

/* ---- What is sent */

/* A datagram, written at @at; or its library says nothing. */
static void writes(struct bench *b, bool says, int64_t at)
{
	struct a2s_socket *a = apps_a2s(b->w, b->id);
	uint64_t from = a->tx_written;

	if (says)
		put_time(&times(b)->tx[a->tx_said++ % APP_TIMES], from,
		    from + ROOM, at);
	apps_write(b->w, b->id, "192.0.2.1", 9, "x", 1);
	assert_int_equal(a->tx_written, from + ROOM);
}

/* Of the hops that begin with an app; nothing was a daemon's own. */
static uint64_t sent(struct bench *b, uint8_t born)
{
	uint8_t *tap = b->w->rig->tap[rig_proc(b->w->rig, "udpd")];
	struct measure_mem *m = (void *)(tap + TAP_MEASURE_OFF);
	uint64_t n = 0;

	memset(&b->h, 0, sizeof(b->h));
	for (uint32_t i = 0; i < MEASURE_HOPS && m->hop[i].key != 0; i++) {
		struct hop_key k = hop_key(m->hop[i].key);

		assert_int_not_equal(k.in, MEASURE_SELF);
		if (k.in != MEASURE_APP || k.born != born)
			continue;
		histogram_read(&b->h, &m->hop[i].work);
		n = histogram_count(&b->h);
		histogram_read(&b->h, &m->hop[i].wait);
		assert_int_equal(
		    histogram_count(&b->h), born == BORN_APP ? n : 0);
	}
	return n;
}

static void each_write_of_many_is_known(void **state)
{
	enum {
		MANY = 32
	};
	struct bench *b = open_bench();

	(void)state;
	turn(b, 0, 1);
	for (int i = 0; i < MANY; i++)
		writes(b, true, 10 + i);
	for (int i = 0; i < MANY / 16; i++)
		turn(b, 100, 110);
	assert_int_equal(sent(b, BORN_UNTIMED), 0);
	assert_int_equal(sent(b, BORN_APP), MANY);
	assert_int_equal(histogram_quantile(&b->h, 1), 90);
	assert_int_equal(histogram_quantile(&b->h, 0.001), 100 - 9 - MANY);
	close_bench(b);
}

/* But it was an app's, and the next one's time is known again. */
static void a_write_without_its_time_is_not_measured(void **state)
{
	static const struct {
		uint64_t from, to;
		int64_t at;
	} lies[] = {
		{ 0, ROOM, INT64_MIN + BEGIN },
		{ 0, ROOM, -1 },
		{ 0, ROOM, 1000 },
		{ 0, APP_TX_BYTES + 1, 5 },
		{ ROOM, 0, 5 },
		{ 0, 0, 5 },
	};
	struct bench *b = open_bench();
	struct a2s_socket *a = apps_a2s(b->w, b->id);
	uint64_t n = sizeof(lies) / sizeof(lies[0]);

	(void)state;
	turn(b, 0, 1);
	for (uint64_t i = 0; i < n; i++) {
		put_time(&times(b)->tx[a->tx_said++ % APP_TIMES],
		    a->tx_written + lies[i].from, a->tx_written + lies[i].to,
		    lies[i].at);
		writes(b, false, 0);
		turn(b, 10, 20);
		assert_int_equal(sent(b, BORN_APP), 0);
		assert_int_equal(sent(b, BORN_UNTIMED), i + 1);
	}
	writes(b, false, 0);
	writes(b, true, 30);
	turn(b, 100, 110);
	assert_int_equal(sent(b, BORN_UNTIMED), n + 1);
	assert_int_equal(sent(b, BORN_APP), 1);
	assert_int_equal(histogram_quantile(&b->h, 1), 70);
	close_bench(b);
}

/* ---- An app that says anything */

static struct random dice;

static uint32_t below(uint32_t n)
{
	return random_below(&dice, n);
}

/* Near what could be, or far from it. */
static uint64_t some_count(struct bench *b)
{
	const struct a2s_socket *a = apps_a2s(b->w, b->id);

	return below(8) == 0 ? random_next(&dice)
			     : a->rx_read + below(4) * ROOM + below(3) - 1;
}

static void some_reads(struct bench *b, int64_t now)
{
	struct a2s_socket *a = apps_a2s(b->w, b->id);
	uint64_t unread =
	    (apps_s2a(b->w, b->id)->rx_written - a->rx_read) / ROOM;

	switch (below(4)) {
	case 0:
		reads(b, below((uint32_t)unread + 1), now - below(50));
		break;
	case 1:
		says(b, some_count(b), some_count(b),
		    below(4) == 0 ? (int64_t)random_next(&dice) / 4
				  : now + below(80) - 60);
		break;
	case 2:
		says(b, random_next(&dice), random_next(&dice),
		    (int64_t)random_next(&dice) / 4);
		break;
	case 3:
		a->rx_read += below((uint32_t)unread + 1) * ROOM;
		break;
	}
	if (below(3) == 0)
		apps_post(b->w, b->id);
}

/* Each queue is one socket's, and holds no more than there is room for. */
static void assert_sound(struct bench *b)
{
	const struct apps *a = &b->w->u->apps;

	for (uint32_t id = 0; id < APP_MAX_SOCKETS; id++)
		if (a->sock[id].reads != 0)
			assert_int_equal(
			    a->reads[a->sock[id].reads - 1].id, id);
	for (uint32_t i = 0; i < READ_QUEUES; i++) {
		const struct read_queue *q = &a->reads[i];

		assert_in_range(q->n, 0, READ_STAMPS);
		assert_in_range(q->fresh, 0, q->n);
		if (q->n > 0)
			assert_int_equal(a->sock[q->id].reads, 1 + i);
	}
}

/* No more than came, and nothing that took longer than there was time. */
static void measures_no_garbage(void **state)
{
	enum {
		SOCKETS = 8,
		STEPS = 20000
	};
	struct bench *b = open_bench();
	uint32_t id[SOCKETS], came = 0;
	int64_t now = 0;

	(void)state;
	dice.state = 7;
	measure(b, false);
	for (uint32_t i = 0; i < SOCKETS; i++) {
		id[i] = apps_socket(b->w, AF_INET);
		assert_int_equal(
		    apps_bind(b->w, id[i], "*", (uint16_t)(100 + i)), 0);
	}
	begin(b);
	measure(b, true);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t k = below(SOCKETS);

		b->id = id[k];
		if (below(2) == 0) {
			comes_to(b, now, (uint16_t)(100 + k));
			came++;
		} else {
			some_reads(b, now);
		}
		if (below(200) == 0)
			measure(b, below(4) != 0);
		if (below(3) == 0) {
			turn(b, now, now + below(30));
			assert_sound(b);
		}
		now += below(40);
	}
	assert_false(b->w->u->apps.app[0].cut);
	for (int what = 0; what < 2; what++) {
		is_wait = what;
		assert_in_range(figures(b), STEPS / 100, came);
		assert_int_equal(b->h.over, 0);
		assert_in_range(histogram_quantile(&b->h, 1), 0, now + 100);
	}
	close_bench(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_commit_to_the_read),
		cmocka_unit_test(it_may_have_been_read_in_this_turn),
		cmocka_unit_test(the_next_one_asks_before_it_is_put),
		cmocka_unit_test(one_read_may_take_many),
		cmocka_unit_test(a_part_is_not_read),
		cmocka_unit_test(each_read_of_many_is_known),
		cmocka_unit_test(what_was_overwritten_is_not_measured),
		cmocka_unit_test(who_reads_and_says_no_more_is_looked_at),
		cmocka_unit_test(a_lie_is_not_measured),
		cmocka_unit_test(what_was_not_shown_can_not_be_read),
		cmocka_unit_test(what_does_not_fit_is_not_measured),
		cmocka_unit_test(
		    of_too_many_sockets_the_idlest_is_not_measured),
		cmocka_unit_test(who_has_just_got_something_is_not_the_idlest),
		cmocka_unit_test(another_socket_of_its_number_has_not_read_it),
		cmocka_unit_test(with_the_transport_the_stamps_are_lost),
		cmocka_unit_test(nothing_is_asked_while_nobody_looks),
		cmocka_unit_test(each_write_of_many_is_known),
		cmocka_unit_test(a_write_without_its_time_is_not_measured),
		cmocka_unit_test(measures_no_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
