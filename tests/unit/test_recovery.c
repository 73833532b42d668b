/*
 * test_recovery.c - the parts of loss recovery together, over a bad wire
 *
 * A sender of scoreboard, RACK, TLP, PRR and RTT estimate, a receiver of
 * sack_rx, and between them a wire with delay, loss and reordering, in virtual
 * time.  The sender here is as small as can be; it shows in which order the
 * parts are to be called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/prr.h"
#include "tcpd/rack.h"
#include "tcpd/sack_rx.h"
#include "tests/harness/random.h"

enum {
	MSS = 1000,
	STEP_US = 50,
	ON_THE_WIRE = 4096,
};

static const struct rtt_config CONFIG = {
	.initial_ns = INT64_C(1000000000),
	.min_ns = INT64_C(200000000),
	.max_ns = INT64_C(10000000000),
	.granularity_ns = INT64_C(1000000),
	.period_ns = INT64_C(300000000000),
};

/* A data segment, or (to the sender) an ACK. */
struct packet {
	struct mono arrives;
	tcp_seq left;
	tcp_seq right;
	tcp_seq ack;
	struct tcp_sack sack[TCP_MAX_SACK];
	uint32_t nsack;
};

/* Those under way, the next one to arrive first: p[first .. end). */
struct wire {
	uint32_t first;
	uint32_t end;
	struct packet p[ON_THE_WIRE];
};

struct sim {
	struct random rnd;
	struct mono now;
	struct wire data;
	struct wire acks;

	/* The wire. */
	int64_t delay_us;
	uint32_t loss_percent;
	uint32_t reorder_percent;
	uint32_t drop_every; /* of the first flight: each so manieth */
	uint32_t n_dropped;

	/* The sender. */
	struct scoreboard sb;
	struct rack rack;
	struct tlp tlp;
	struct rtt rtt;
	struct prr prr;
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t unsent;
	uint32_t resent; /* segments */
	uint32_t rtos;
	struct mono rto_at;
	struct mono rack_at;
	struct mono tlp_at;
	bool in_recovery;
	bool by_timeout;
	bool again; /* una has not moved since the last RTO */

	/* The receiver. */
	struct sack_rx rx;
	tcp_seq rcv_nxt;
	uint32_t duplicates; /* segments that came for nothing */
};

/* ---- The wire ---- */

static void carry(struct sim *s, struct wire *w, struct packet p)
{
	int64_t us = s->delay_us;
	uint32_t i;

	if (random_chance(&s->rnd, s->reorder_percent))
		us += random_below(&s->rnd, (uint32_t)s->delay_us);
	p.arrives = mono_add(s->now, us * NS_PER_US);
	if (w->end == ON_THE_WIRE) {
		memmove(w->p, w->p + w->first, (w->end - w->first) * sizeof(p));
		w->end -= w->first;
		w->first = 0;
	}
	assert_true(w->end < ON_THE_WIRE);
	for (i = w->end++; i > w->first; i--) {
		if (!mono_before(p.arrives, w->p[i - 1].arrives))
			break;
		w->p[i] = w->p[i - 1];
	}
	w->p[i] = p;
}

static void carry_data(struct sim *s, tcp_seq left, tcp_seq right)
{
	struct packet p = { .left = left, .right = right };

	if (random_chance(&s->rnd, s->loss_percent)) {
		s->n_dropped++;
		return;
	}
	carry(s, &s->data, p);
}

/* ---- The receiver ---- */

static void receive(struct sim *s, const struct packet *p)
{
	struct packet ack = { 0 };

	if (seq_leq(p->right, s->rcv_nxt))
		sack_rx_duplicate(&s->rx, p->left, p->right);
	else
		(void)sack_rx_arrived(&s->rx, &s->rcv_nxt, p->left, p->right);
	s->duplicates += s->rx.has_dsack;
	ack.ack = s->rcv_nxt;
	ack.nsack = sack_rx_take(&s->rx, ack.sack, 3, true);
	if (!random_chance(&s->rnd, s->loss_percent))
		carry(s, &s->acks, ack);
}

/* ---- The sender ---- */

static void arm(struct sim *s)
{
	struct mono none = MONO_NEVER;

	s->rto_at = s->tlp_at = none;
	if (s->sb.f.n == 0)
		return;
	s->rto_at = mono_add(s->now, s->rtt.rto_ns);
	if (tlp_may_arm(&s->sb, s->in_recovery) && !s->tlp.pending)
		s->tlp_at = tlp_deadline(
		    &s->rtt, sb_pipe(&s->sb) <= MSS, 1000, s->rto_at, s->now);
}

static void transmit(struct sim *s, struct seq_range r, enum sb_rule rule)
{
	uint32_t len = seq_len(r.left, r.right);

	if (rule == SB_NEW) {
		sb_sent(&s->sb, len, s->now, rtt_min(&s->rtt) / 16);
		s->unsent -= len;
	} else {
		sb_resent(&s->sb, r.left, r.right, rule, s->now);
		s->resent++;
	}
	prr_sent(&s->prr, len);
	carry_data(s, r.left, r.right);
}

static void send_what_fits(struct sim *s)
{
	struct seq_range r;
	enum sb_rule rule;
	bool sent = false;

	while (s->cwnd >= sb_pipe(&s->sb) + MSS) {
		rule = sb_next_seg(&s->sb, MSS, s->unsent, false, &r);
		if (rule == SB_NOTHING)
			break;
		transmit(s, r, rule);
		sent = true;
	}
	if (sent && s->rto_at.ns == INT64_MAX)
		arm(s);
}

static struct rack_env env(const struct sim *s)
{
	return (struct rack_env){
		.now = s->now,
		.min_rtt_ns = rtt_min(&s->rtt),
		.srtt_ns = s->rtt.srtt_ns,
		.smss = MSS,
		.in_recovery = s->in_recovery,
	};
}

static void enter_recovery(struct sim *s, uint32_t delivered)
{
	uint32_t flight = seq_len(s->sb.f.una, sb_end(&s->sb));

	s->in_recovery = true;
	s->ssthresh = flight / 2 > 2 * MSS ? flight / 2 : 2 * MSS;
	sb_enter_recovery(&s->sb);
	tlp_init(&s->tlp);
	prr_begin(
	    &s->prr, s->ssthresh, flight, sb_sacked(&s->sb), delivered, true);
}

static void leave_recovery(struct sim *s)
{
	s->in_recovery = false;
	s->by_timeout = false;
	s->cwnd = s->ssthresh;
	rack_recovery_ended(&s->rack);
}

static void congestion(
    struct sim *s, const struct sb_news *n, uint32_t lost, uint32_t cwnd_max)
{
	struct prr_ack p = {
		.delivered = n->delivered,
		.in_flight = sb_pipe(&s->sb),
		.smss = MSS,
		.safe = n->acked > 0 && lost == 0,
	};

	if (s->in_recovery && !s->by_timeout)
		s->cwnd = prr_ack(&s->prr, &p, s->cwnd);
	else if (s->cwnd < s->ssthresh)
		s->cwnd += n->acked;
	else if (n->acked > 0)
		s->cwnd += MSS * MSS / s->cwnd + 1;
	s->cwnd = s->cwnd < cwnd_max ? s->cwnd : cwnd_max;
}

static void acknowledged(struct sim *s, const struct packet *p)
{
	struct sb_ack a = {
		.ack = p->ack,
		.sack = p->sack,
		.nsack = p->nsack,
		.now = s->now,
		.echoed_before = MONO_NEVER,
		.min_rtt_ns = rtt_min(&s->rtt),
	};
	bool dup = seq_eq(p->ack, s->sb.f.una) && p->nsack == 0;
	struct rack_env e;
	struct sb_news n;
	uint32_t lost;

	if (seq_lt(p->ack, s->sb.f.una))
		return;
	sb_ack(&s->sb, &a, &n);
	assert_true(flight_is_sane(&s->sb.f));
	if (n.rtt_first.known)
		rtt_sample(&s->rtt, &CONFIG,
		    mono_since(s->now, n.rtt_first.xmit), 1, s->now);
	if (s->in_recovery && seq_geq(p->ack, s->sb.recovery_point))
		leave_recovery(s);
	rack_ack(&s->rack, &s->sb, &n, s->now);
	e = env(s);
	lost = rack_detect_loss(&s->rack, &s->sb, &e, &s->rack_at);
	if (tlp_ack(&s->tlp, p->ack, &n, dup))
		s->ssthresh = s->cwnd =
		    s->cwnd / 2 > 2 * MSS ? s->cwnd / 2 : 2 * MSS;
	if (lost > 0 && !s->in_recovery)
		enter_recovery(s, n.delivered);
	congestion(s, &n, lost, 600 * MSS);
	if (n.acked > 0) {
		s->again = false;
		arm(s);
	}
	send_what_fits(s);
}

static void timed_out(struct sim *s)
{
	struct rack_env e = env(s);

	s->rtos++;
	rack_timeout(&s->rack, &s->sb, &e, s->again);
	s->again = true;
	if (!s->in_recovery)
		enter_recovery(s, 0);
	s->sb.recovery_point = sb_end(&s->sb);
	s->by_timeout = true;
	rtt_backoff(&s->rtt, &CONFIG);
	/* The one that is lost goes out, whatever else is in flight. */
	s->cwnd = sb_pipe(&s->sb) + MSS;
	s->rto_at = MONO_NEVER;
	send_what_fits(s);
	s->cwnd = MSS;
	assert_int_not_equal(s->rto_at.ns, INT64_MAX);
}

static void probe(struct sim *s)
{
	struct seq_range r;
	enum tlp_probe what = tlp_timer(&s->tlp, &s->rtt, s->unsent > 0);
	enum sb_rule rule = SB_NOTHING;

	if (what == TLP_NEW)
		rule = sb_next_seg(&s->sb, MSS, s->unsent, false, &r);
	else if (what == TLP_LAST && sb_highest(&s->sb, MSS, &r))
		rule = SB_PROBE;
	if (rule != SB_NOTHING) {
		transmit(s, r, rule);
		tlp_sent(&s->tlp, what, sb_end(&s->sb), &s->rtt);
	}
	s->rto_at = mono_add(s->now, s->rtt.rto_ns);
	s->tlp_at = MONO_NEVER;
}

static void timers(struct sim *s)
{
	if (mono_reached(s->rack_at, s->now)) {
		struct rack_env e = env(s);

		if (rack_detect_loss(&s->rack, &s->sb, &e, &s->rack_at) > 0 &&
		    !s->in_recovery)
			enter_recovery(s, 0);
		send_what_fits(s);
	}
	if (mono_reached(s->tlp_at, s->now))
		probe(s);
	else if (mono_reached(s->rto_at, s->now))
		timed_out(s);
}

/* ---- All of it ---- */

static void deliver(struct sim *s, struct wire *w,
    void (*to)(struct sim *, const struct packet *))
{
	while (
	    w->first < w->end && mono_reached(w->p[w->first].arrives, s->now)) {
		struct packet p = w->p[w->first++];

		to(s, &p);
	}
}

static struct sim *begin(uint64_t seed, uint32_t segments)
{
	static struct sim s;
	tcp_seq isn;

	memset(&s, 0, sizeof(s));
	s.rnd.state = seed;
	isn = seq_of(0U - random_below(&s.rnd, segments * MSS));
	s.now = (struct mono){ INT64_C(5000000000) };
	s.delay_us = 5000;
	sb_init(&s.sb, isn);
	rack_init(&s.rack);
	rtt_init(&s.rtt, &CONFIG);
	sack_rx_init(&s.rx);
	s.rcv_nxt = isn;
	s.cwnd = 10 * MSS;
	s.ssthresh = UINT32_MAX / 2;
	s.unsent = segments * MSS;
	s.rto_at = s.rack_at = s.tlp_at = MONO_NEVER;
	return &s;
}

/* Until all is acknowledged; returns milliseconds. */
static int64_t run(struct sim *s)
{
	struct mono start = s->now;

	send_what_fits(s);
	while (s->unsent > 0 || s->sb.f.n > 0) {
		s->now = mono_add(s->now, STEP_US * NS_PER_US);
		deliver(s, &s->data, receive);
		deliver(s, &s->acks, acknowledged);
		timers(s);
		assert_true(flight_is_sane(&s->sb.f));
		assert_true(
		    mono_since(s->now, start) < INT64_C(1000) * NS_PER_S);
	}
	assert_true(seq_eq(s->rcv_nxt, sb_end(&s->sb)));
	return mono_since(s->now, start) / NS_PER_MS;
}

static void a_good_wire_needs_no_retransmission(void **state)
{
	struct sim *s = begin(1, 2000);
	int64_t ms = run(s);

	(void)state;
	assert_int_equal(s->resent, 0);
	assert_int_equal(s->duplicates, 0);
	assert_int_equal(s->rtos, 0);
	assert_in_range(ms, 10, 200);
}

static void each_loss_is_repaired_once(void **state)
{
	static const uint32_t percent[] = { 1, 3, 10 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sim *s = begin(100 + i, 2000);

		s->loss_percent = percent[i];
		run(s);
		print_message("%u %%: lost %u, sent again %u, for nothing %u, "
			      "timeouts %u\n",
		    percent[i], s->n_dropped, s->resent, s->duplicates,
		    s->rtos);
		assert_true(s->resent <= s->n_dropped + s->n_dropped / 20);
	}
}

static void reordering_alone_is_learnt(void **state)
{
	struct sim *s = begin(7, 4000);

	(void)state;
	s->reorder_percent = 20;
	run(s);
	print_message("reordered: sent again %u, window %u/4 min RTT\n",
	    s->resent, s->rack.reo_wnd_mult);
	assert_true(s->rack.reordering_seen);
	assert_int_equal(s->rtos, 0);
	assert_true(s->resent < 200);
}

/* Slow start overshoots a queue: every second segment of a window is lost. */
static void every_second_of_a_large_window_is_lost(void **state)
{
	struct sim *s = begin(9, 1200);

	(void)state;
	s->cwnd = 600 * MSS;
	for (uint32_t i = 0; i < 600; i++) {
		tcp_seq left = sb_end(&s->sb);

		sb_sent(&s->sb, MSS, s->now, 0);
		s->unsent -= MSS;
		if (i % 2 == 0)
			carry_data(s, left, seq_add(left, MSS));
		s->now = mono_add(s->now, 2 * NS_PER_US);
	}
	arm(s);
	run(s);
	print_message("300 of 600 lost: sent again %u, for nothing %u, "
		      "timeouts %u\n",
	    s->resent, s->duplicates, s->rtos);
	assert_true(s->resent <= 600);
}

static void anything_ends(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct sim *s = begin(seed, 150);

		s->loss_percent = random_below(&s->rnd, 40);
		s->reorder_percent = random_below(&s->rnd, 50);
		s->delay_us = 100 + random_below(&s->rnd, 20000);
		run(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_wire_needs_no_retransmission),
		cmocka_unit_test(each_loss_is_repaired_once),
		cmocka_unit_test(reordering_alone_is_learnt),
		cmocka_unit_test(every_second_of_a_large_window_is_lost),
		cmocka_unit_test(anything_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
