/*
 * test_scoreboard_model.c - the scoreboard against one that keeps every byte
 *
 * The model is RFC 6675 and RFC 8985 as they are written, octet by octet. While
 * the flight needs no more runs than there are, both must agree in everything;
 * with more, only in what may never be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/scoreboard.h"
#include "tests/harness/random.h"

enum {
	SPACE = 1200,
	SMSS = 10,
};

struct octet {
	uint8_t state;
	bool retransmitted;
	bool twice;
	int64_t sent; /* ticks */
};

struct model {
	struct octet o[SPACE];
	uint32_t una;
	uint32_t nxt;
	uint32_t fack;
	uint32_t high_rxt;
	uint32_t latest; /* where the last transmission ended */
	int64_t latest_sent;
};

struct world {
	struct random rnd;
	struct scoreboard sb;
	struct model m;
	uint32_t isn;
	int64_t now; /* ticks */
};

static tcp_seq seq(const struct world *w, uint32_t n)
{
	return seq_of(w->isn + n);
}

static struct mono at(int64_t ticks)
{
	return (struct mono){ ticks * 1024 };
}

/* ---- The model ---- */

static bool model_is_lost(const struct model *m, uint32_t s)
{
	uint32_t bytes = 0, runs = 0;

	for (uint32_t i = s + 1; i < m->nxt; i++) {
		if (m->o[i].state != SACKED)
			continue;
		bytes++;
		runs += m->o[i - 1].state != SACKED;
	}
	return runs >= 3 || bytes > 2 * SMSS;
}

static uint32_t model_pipe(const struct model *m)
{
	uint32_t pipe = 0;

	for (uint32_t i = m->una; i < m->nxt; i++)
		if (m->o[i].state == IN_FLIGHT)
			pipe += m->o[i].twice ? 2 : 1;
	return pipe;
}

static uint32_t model_count(const struct model *m, uint8_t state)
{
	uint32_t n = 0;

	for (uint32_t i = m->una; i < m->nxt; i++)
		n += m->o[i].state == state;
	return n;
}

static bool is_alike(const struct octet *a, const struct octet *b)
{
	if (a->state == SACKED || b->state == SACKED)
		return a->state == b->state;
	return a->state == b->state && a->retransmitted == b->retransmitted &&
	    a->twice == b->twice && a->sent == b->sent;
}

/* How many runs it takes to say all this. */
static uint32_t model_runs(const struct model *m)
{
	uint32_t n = m->nxt > m->una;

	for (uint32_t i = m->una + 1; i < m->nxt; i++)
		n += !is_alike(&m->o[i - 1], &m->o[i]);
	return n;
}

/* ---- What happens ---- */

/* What goes back in sequence is later than what was sent before it. */
static int64_t tick_for(struct world *w, uint32_t left, uint32_t right)
{
	struct model *m = &w->m;

	if (m->una == m->nxt || m->latest_sent < w->now)
		m->latest_sent = w->now;
	else if (left < m->latest)
		m->latest_sent++;
	m->latest = right;
	return m->latest_sent;
}

static void do_send(struct world *w)
{
	uint32_t len = 1 + random_below(&w->rnd, 20);
	int64_t tick;

	if (w->m.nxt + len > SPACE)
		return;
	tick = tick_for(w, w->m.nxt, w->m.nxt + len);
	sb_sent(&w->sb, len, at(w->now), 0);
	for (uint32_t i = 0; i < len; i++)
		w->m.o[w->m.nxt++] = (struct octet){ .sent = tick };
}

static void model_deliver(
    struct world *w, uint32_t i, uint32_t fack, struct sb_news *want)
{
	const struct octet *o = &w->m.o[i];

	if (o->state == SACKED)
		return;
	want->delivered++;
	if (o->retransmitted)
		return;
	want->original = true;
	if (i + 1 < fack && want->reordered < fack - i)
		want->reordered = fack - i;
}

static void model_ack(
    struct world *w, uint32_t ack, uint32_t l, uint32_t r, struct sb_news *want)
{
	struct model *m = &w->m;
	uint32_t fack = m->fack;

	for (uint32_t i = m->una; i < ack; i++)
		model_deliver(w, i, fack, want);
	want->acked = ack - m->una;
	m->una = ack;
	m->fack = m->fack > ack ? m->fack : ack;
	m->high_rxt = m->high_rxt > ack ? m->high_rxt : ack;
	l = l > ack ? l : ack;
	for (uint32_t i = l; i < r; i++) {
		model_deliver(w, i, fack, want);
		want->sacked += m->o[i].state != SACKED;
		m->o[i].state = SACKED;
		m->o[i].twice = false;
	}
	if (l < r && r > m->fack)
		m->fack = r;
}

static void do_ack(struct world *w, bool move)
{
	struct model *m = &w->m;
	uint32_t span = m->nxt - m->una;
	uint32_t ack = m->una, l, r;
	struct sb_news news, want = { 0 };
	struct tcp_sack b;
	struct sb_ack a;

	if (span == 0)
		return;
	if (move)
		ack += random_below(&w->rnd, span < 40 ? span + 1 : 40);
	/* Like a receiver that does not renege: not into a SACKed run. */
	while (ack < m->nxt && m->o[ack].state == SACKED)
		ack++;
	l = ack + 1 + random_below(&w->rnd, span);
	r = l + 1 + random_below(&w->rnd, 30);
	r = r > m->nxt ? m->nxt : r;
	if (l >= r)
		l = r = 0;
	b = (struct tcp_sack){ seq(w, l), seq(w, r) };
	a = (struct sb_ack){
		.ack = seq(w, ack),
		.sack = &b,
		.nsack = l < r,
		.now = at(w->now),
		.echoed_before = MONO_NEVER,
	};
	sb_ack(&w->sb, &a, &news);
	model_ack(w, ack, l, r, &want);
	assert_int_equal(news.acked, want.acked);
	assert_int_equal(news.sacked, want.sacked);
	assert_int_equal(news.delivered, want.delivered);
	assert_int_equal(news.original, want.original);
	assert_int_equal(news.reordered, want.reordered);
	assert_false(news.reneged);
}

static void model_lose(struct octet *o)
{
	o->state = LOST;
	o->twice = false;
}

static void do_mark_by_sack(struct world *w)
{
	uint32_t lost = 0, got = sb_mark_by_sack(&w->sb, SMSS);
	struct model *m = &w->m, was = w->m;

	for (uint32_t i = m->una; i < m->nxt; i++) {
		if (m->o[i].state != IN_FLIGHT || !model_is_lost(&was, i))
			continue;
		m->o[i].twice = false;
		if (i < m->high_rxt)
			continue;
		model_lose(&m->o[i]);
		lost++;
	}
	assert_int_equal(got, lost);
}

/* The segment's end breaks ties; here that is its run's. */
static uint32_t run_end(const struct world *w, uint32_t i)
{
	for (uint32_t k = 0; k < w->sb.f.n; k++)
		if (seq_gt(w->sb.f.run[k].end, seq(w, i)))
			return w->sb.f.run[k].end.n - w->isn;
	return 0;
}

static void do_mark_by_time(struct world *w)
{
	struct model *m = &w->m;
	int64_t xmit = w->now - random_below(&w->rnd, 300);
	int64_t wait = random_below(&w->rnd, 300);
	uint32_t end = m->una + random_below(&w->rnd, SPACE), lost = 0;
	int64_t want = 0, timeout;

	for (uint32_t i = m->una; i < m->nxt; i++) {
		struct octet *o = &m->o[i];
		int64_t left = o->sent + wait - w->now;

		if (o->state != IN_FLIGHT || o->sent > xmit ||
		    (o->sent == xmit && end <= run_end(w, i)))
			continue;
		if (left > 0) {
			want = left > want ? left : want;
		} else {
			model_lose(o);
			lost++;
		}
	}
	assert_int_equal(sb_mark_by_time(&w->sb, at(xmit), seq(w, end),
			     wait * 1024, at(w->now), &timeout),
	    lost);
	assert_int_equal(timeout, want * 1024);
}

static void model_resend(struct world *w, uint32_t l, uint32_t r)
{
	int64_t tick = tick_for(w, l, r);

	for (uint32_t i = l; i < r; i++) {
		struct octet *o = &w->m.o[i];

		if (o->state == SACKED)
			continue;
		o->twice = o->state == IN_FLIGHT;
		o->state = IN_FLIGHT;
		o->retransmitted = true;
		o->sent = tick;
	}
}

static void do_resend(struct world *w)
{
	struct model *m = &w->m;
	struct seq_range r;
	enum sb_rule rule = sb_next_seg(&w->sb, SMSS, 0, true, &r);
	uint32_t left = m->una, right;

	/* Rule 1: the lowest lost byte; rule 3: above HighRxt, below fack. */
	while (left < m->nxt && m->o[left].state != LOST)
		left++;
	if (left == m->nxt) {
		assert_int_not_equal(rule, SB_LOST);
		left = m->una > m->high_rxt ? m->una : m->high_rxt;
		while (left < m->fack && m->o[left].state != IN_FLIGHT)
			left++;
		if (left >= m->fack) {
			assert_int_not_equal(rule, SB_UNSURE);
			return;
		}
		assert_int_equal(rule, SB_UNSURE);
	} else {
		assert_int_equal(rule, SB_LOST);
	}
	right = left;
	while (right < m->nxt && right < left + SMSS &&
	    m->o[right].state == m->o[left].state)
		right++;
	assert_int_equal(r.left.n - w->isn, left);
	assert_int_equal(r.right.n - w->isn, right);
	sb_resent(&w->sb, r.left, r.right, rule, at(w->now));
	model_resend(w, left, right);
	m->high_rxt = m->high_rxt > right ? m->high_rxt : right;
}

static void do_probe(struct world *w)
{
	uint32_t l = w->m.una + random_below(&w->rnd, SPACE);
	uint32_t r = l + random_below(&w->rnd, 2 * SMSS);

	r = r > w->m.nxt ? w->m.nxt : r;
	if (l >= r)
		return;
	sb_resent(&w->sb, seq(w, l), seq(w, r), SB_PROBE, at(w->now));
	model_resend(w, l, r);
}

static void do_mark_range(struct world *w)
{
	uint32_t l = w->m.una + random_below(&w->rnd, SPACE);
	uint32_t r = l + random_below(&w->rnd, 30), lost = 0;

	for (uint32_t i = l; i < r && i < w->m.nxt; i++) {
		if (w->m.o[i].state != IN_FLIGHT)
			continue;
		model_lose(&w->m.o[i]);
		lost++;
	}
	assert_int_equal(sb_mark_range(&w->sb, seq(w, l), seq(w, r)), lost);
}

static void do_timeout(struct world *w)
{
	struct model *m = &w->m;
	int64_t wait = random_below(&w->rnd, 400);

	sb_timeout(&w->sb, SMSS, wait * 1024, false, at(w->now));
	for (uint32_t i = m->una; i < m->nxt; i++)
		if (m->o[i].state == IN_FLIGHT &&
		    (m->una + SMSS > i || w->now - m->o[i].sent >= wait))
			model_lose(&m->o[i]);
	m->high_rxt = m->una;
}

static void do_undo(struct world *w)
{
	sb_undo(&w->sb);
	for (uint32_t i = w->m.una; i < w->m.nxt; i++)
		if (w->m.o[i].state == LOST)
			w->m.o[i].state = IN_FLIGHT;
}

/* ---- Do they agree? ---- */

static void compare_runs(const struct world *w)
{
	const struct flight *f = &w->sb.f;

	for (uint32_t i = 0; i < f->n; i++) {
		const struct flight_run *r = &f->run[i];
		uint32_t from = flight_start(f, i).n - w->isn;
		uint32_t to = r->end.n - w->isn;

		for (uint32_t k = from; k < to; k++) {
			const struct octet *o = &w->m.o[k];

			assert_int_equal(r->state, o->state);
			if (r->state == SACKED)
				continue;
			assert_int_equal(r->retransmitted, o->retransmitted);
			assert_int_equal(r->twice, o->twice);
			assert_int_equal(r->spread, 0);
			assert_int_equal(
			    flight_time(r->sent, at(w->now)).ns / 1024,
			    o->sent);
			assert_int_equal(sb_is_lost(&w->sb, seq(w, k), SMSS),
			    model_is_lost(&w->m, k));
		}
	}
}

static void compare(const struct world *w)
{
	const struct scoreboard *sb = &w->sb;
	const struct model *m = &w->m;

	assert_true(flight_is_sane(&sb->f));
	assert_int_equal(sb->f.una.n - w->isn, m->una);
	assert_int_equal(sb_end(sb).n - w->isn, m->nxt);
	assert_int_equal(sb->fack.n - w->isn, m->fack);
	assert_int_equal(sb->f.n, model_runs(m));
	assert_int_equal(sb_pipe(sb), model_pipe(m));
	assert_int_equal(sb_sacked(sb), model_count(m, SACKED));
	assert_int_equal(sb_lost(sb), model_count(m, LOST));
	compare_runs(w);
}

static void step(struct world *w)
{
	uint32_t dice = random_below(&w->rnd, 100);

	w->now += random_below(&w->rnd, 3) ? 0 : random_below(&w->rnd, 90);
	if (dice < 30)
		do_send(w);
	else if (dice < 45)
		do_ack(w, true);
	else if (dice < 60)
		do_ack(w, false);
	else if (dice < 68)
		do_mark_by_sack(w);
	else if (dice < 78)
		do_mark_by_time(w);
	else if (dice < 88)
		do_resend(w);
	else if (dice < 92)
		do_probe(w);
	else if (dice < 95)
		do_mark_range(w);
	else if (dice < 98)
		do_timeout(w);
	else
		do_undo(w);
}

static void begin(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->rnd.state = seed;
	/* Half of them wrap. */
	w->isn = seed % 2 ? 0U - random_below(&w->rnd, SPACE)
			  : (uint32_t)random_next(&w->rnd);
	/* And half of the clocks, their tick. */
	w->now = seed % 4 < 2 ? (INT64_C(1) << 32) - 500 : 100000;
	sb_init(&w->sb, seq(w, 0));
}

static void agrees_with_every_byte(void **state)
{
	static struct world w;
	uint32_t steps = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		begin(&w, seed);
		/* Two more than settled runs: one step makes no more than 2. */
		while (w.m.nxt < SPACE - 20 &&
		    model_runs(&w.m) <= FLIGHT_MAX - 2 * FLIGHT_ROOM - 2) {
			step(&w);
			compare(&w);
			steps++;
		}
	}
	assert_true(steps > 20000);
}

/* One byte of what is outstanding, SACKed. */
static void sack_a_byte(struct world *w)
{
	uint32_t n = w->m.una + 1 + random_below(&w->rnd, w->m.nxt - w->m.una);
	struct tcp_sack b = { seq(w, n), seq(w, n + 1) };
	struct sb_ack a = { seq(w, w->m.una), &b, 1, at(w->now), MONO_NEVER,
		0 };
	struct sb_news news;

	if (n >= w->m.nxt)
		return;
	sb_ack(&w->sb, &a, &news);
	assert_true(news.delivered <= 1);
	w->m.o[n].state = SACKED;
}

/* Returns how many runs are vague. */
static uint32_t check_safe(const struct world *w)
{
	const struct flight *f = &w->sb.f;
	uint32_t vague = 0;

	assert_true(flight_is_sane(f));
	assert_int_equal(sb_end(&w->sb).n - w->isn, w->m.nxt);
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t from = flight_start(f, i).n - w->isn;
		const struct flight_run *r = &f->run[i];

		vague += r->vague;
		for (uint32_t k = from; seq_lt(seq(w, k), r->end); k++)
			if (r->state == SACKED)
				assert_int_equal(w->m.o[k].state, SACKED);
	}
	return vague;
}

/*
 * A window in tatters, with far more holes than there are runs: only what was
 * SACKed may count as SACKed, and the edges must be right.
 */
static void gives_up_precision_but_never_a_byte(void **state)
{
	static struct world w;
	uint32_t vague = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		begin(&w, seed);
		while (w.m.nxt < SPACE - 20) {
			do_send(&w);
			w.now += random_below(&w.rnd, 10);
			for (int i = 0; i < 4; i++)
				sack_a_byte(&w);
			if (random_chance(&w.rnd, 20))
				sb_mark_by_sack(&w.sb, SMSS);
			vague += check_safe(&w);
		}
	}
	assert_true(vague > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_every_byte),
		cmocka_unit_test(gives_up_precision_but_never_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
