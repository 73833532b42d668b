/*
 * test_tcp_lies.c - a peer that lies at every field, in every state
 *
 * What may be wrong in a segment is; what RFC 9293 (3.10.7) and 5961 say of it
 * must happen, each refusal must be counted once, and the connection must be as
 * it was unless they say otherwise.
 */
#include <string.h>

#include "shm/bytes.h"
#include "tests/harness/random.h"
#include "tests/tcp/wire.h"

static const enum tcp_state STATES[] = { TCP_CLOSED, TCP_LISTEN, TCP_SYN_SENT,
	TCP_SYN_RECEIVED, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT };

enum {
	NSTATES = sizeof(STATES) / sizeof(STATES[0]),
	OFF_DOFF = 12,
};

/* Segments refused, for whatever reason. */
static uint64_t refused(struct wire *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < CNT_TCPD_END - CNT_NODE_END; i++)
		if (tcpd_counters[i].drop)
			n += wire_count(w, CNT_NODE_END + i);
	return n;
}

/* What the peer's next segment would be: in order, nothing new. */
static struct seg plain(struct wire *w, enum tcp_state s, uint16_t flags)
{
	struct seg seg = { .flags = flags, .seq = 1, .ack = 1 };

	(void)w;
	switch (s) {
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
		seg.seq = 0;
		break;
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_NSTATES:
		break;
	case TCP_FIN_WAIT_2:
		seg.ack = 2;
		break;
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		seg.seq = 2;
		break;
	case TCP_TIME_WAIT:
		seg.seq = 2;
		seg.ack = 2;
		break;
	}
	return seg;
}

/* ---- All combinations of control bits */

struct outcome {
	enum tcp_state next;
	bool counted; /* as refused */
};

/* 3.10.7.1, 3.10.7.2. */
static struct outcome without_connection(enum tcp_state s, uint16_t flags)
{
	if (s == TCP_LISTEN && (flags & SYN) && !(flags & (RST | ACK)))
		return (struct outcome){ TCP_SYN_RECEIVED, false };
	return (struct outcome){ TCP_CLOSED, true };
}

/* 3.10.7.3; the ACK, if there is one, is of our SYN. */
static struct outcome in_syn_sent(uint16_t flags)
{
	if (flags & RST)
		return (struct outcome){
			flags & ACK ? TCP_CLOSED : TCP_SYN_SENT,
			!(flags & ACK),
		};
	if (!(flags & SYN))
		return (struct outcome){ TCP_SYN_SENT, true };
	if (!(flags & ACK))
		return (struct outcome){ TCP_SYN_RECEIVED, false };
	return (struct outcome){
		flags & FIN ? TCP_CLOSE_WAIT : TCP_ESTABLISHED,
		false,
	};
}

/* RFC 6191, RFC 1337. */
static struct outcome in_time_wait(uint16_t flags)
{
	if ((flags & SYN) && !(flags & (RST | ACK)))
		return (struct outcome){ TCP_SYN_RECEIVED, false };
	return (struct outcome){ TCP_TIME_WAIT, true };
}

/* 3.10.7.4, eighth. */
static struct outcome after_fin(enum tcp_state s)
{
	if (s == TCP_SYN_RECEIVED || s == TCP_ESTABLISHED)
		return (struct outcome){ TCP_CLOSE_WAIT, false };
	if (s == TCP_FIN_WAIT_1)
		return (struct outcome){ TCP_CLOSING, false };
	if (s == TCP_FIN_WAIT_2)
		return (struct outcome){ TCP_TIME_WAIT, false };
	return (struct outcome){ s, true };
}

static struct outcome what_must_happen(enum tcp_state s, uint16_t flags)
{
	if (s == TCP_CLOSED || s == TCP_LISTEN)
		return without_connection(s, flags);
	if (s == TCP_SYN_SENT)
		return in_syn_sent(flags);
	if (s == TCP_TIME_WAIT)
		return in_time_wait(flags);
	if (flags & RST)
		return (struct outcome){ TCP_CLOSED, false };
	if (flags & SYN)
		return (struct outcome){
			s == TCP_SYN_RECEIVED ? TCP_CLOSED : s,
			true,
		};
	if (!(flags & ACK))
		return (struct outcome){ s, true };
	if (flags & FIN)
		return after_fin(s);
	if (s == TCP_SYN_RECEIVED)
		return (struct outcome){ TCP_ESTABLISHED, false };
	return (struct outcome){ s, false };
}

static void close_socket(struct wire *w, uint32_t s)
{
	wire_drain(w);
	wire_close(w, s);
	wire_drain(w);
}

/* Whatever is left of connection on() is forgotten by both. */
static void forget(struct wire *w, uint32_t s)
{
	uint32_t l = reach(w, TCP_LISTEN);
	const struct tcb *c = wire_tcb(w);

	wire_drain(w);
	if (c != NULL && c->state == TCP_SYN_SENT)
		in(w, RST | ACK, .seq = 0, .ack = 1);
	else if (c != NULL)
		in(w, RST, .seq = c->rcv_nxt.n - w->c[w->cur].irs);
	wire_drain(w);
	if (stream_sock(&w->t->streams, s)->state != TSOCK_LISTENING)
		close_socket(w, s);
	while (wire_can_accept(w, l)) {
		close_socket(w, wire_accept(w, l));
		wire_spares(w, l, 1);
	}
}

static void one_set_of_flags(struct wire *w, enum tcp_state s, uint16_t flags)
{
	struct outcome want = what_must_happen(s, flags);
	uint32_t sock = reach(w, s);
	struct seg seg = plain(w, s, flags);
	uint64_t before = refused(w);

	wire_in(w, &seg);
	must(w, w->queued <= 2);
	wire_drain(w);
	if (wire_state(w) != want.next)
		wire_fail(w, "in %s flags 0x%03x lead to %s, not %s",
		    tcp_state_name(s), flags, tcp_state_name(wire_state(w)),
		    tcp_state_name(want.next));
	if (refused(w) != before + want.counted)
		wire_fail(w, "in %s flags 0x%03x are counted %lu times",
		    tcp_state_name(s), flags,
		    (unsigned long)(refused(w) - before));
	if (s != TCP_CLOSED)
		forget(w, sock);
}

static void all_flags(struct wire *w, enum tcp_state s)
{
	for (uint16_t flags = 0; flags < 512; flags++) {
		on(w, flags);
		one_set_of_flags(w, s, flags);
	}
}

/* A script for each state, so that each begins with a clean table. */
#define FLAGS_IN(state)                              \
	static void flags_in_##state(struct wire *w) \
	{                                            \
		all_flags(w, TCP_##state);           \
	}
FLAGS_IN(CLOSED)
FLAGS_IN(LISTEN)
FLAGS_IN(SYN_SENT)
FLAGS_IN(SYN_RECEIVED)
FLAGS_IN(ESTABLISHED)
FLAGS_IN(FIN_WAIT_1)
FLAGS_IN(FIN_WAIT_2)
FLAGS_IN(CLOSE_WAIT)
FLAGS_IN(CLOSING)
FLAGS_IN(LAST_ACK)
FLAGS_IN(TIME_WAIT)

/* ---- Sequence and acknowledgment numbers */

/* What a connection knows of the peer and of what it sent. */
struct facts {
	enum tcp_state state;
	tcp_seq rcv_nxt, una;
};

static struct facts facts(struct wire *w)
{
	const struct tcb *c = wire_tcb(w);
	struct facts f = { .state = wire_state(w) };

	if (c != NULL) {
		f.rcv_nxt = c->rcv_nxt;
		f.una = c->sb.f.una;
	}
	return f;
}

static bool same_facts(const struct facts *a, const struct facts *b)
{
	return a->state == b->state && seq_eq(a->rcv_nxt, b->rcv_nxt) &&
	    seq_eq(a->una, b->una);
}

/* The segment changes nothing, and that is counted at least once. */
static void changes_nothing(struct wire *w, const struct seg *seg)
{
	struct facts before = facts(w), after;
	uint64_t n = refused(w);

	wire_in(w, seg);
	must(w, w->queued <= 2);
	wire_drain(w);
	after = facts(w);
	if (!same_facts(&before, &after))
		wire_fail(w, "%s changed", tcp_state_name(before.state));
	if (refused(w) == n)
		wire_fail(
		    w, "in %s it is not counted", tcp_state_name(before.state));
}

/* Outside of the window: not even a reset is believed. */
static void sequence_numbers_out_of_the_window(struct wire *w)
{
	static const uint32_t off[] = { 0x80000000, 0xc0000000, 0 - 70000U,
		0 - 2U, 65536 + 10, 70000, 0x10000000, 0x7fffffff };
	static const uint16_t flags[] = { ACK, RST, RST | ACK, SYN | RST,
		FIN | ACK, ACK | URG };

	for (uint32_t i = 3; i < NSTATES; i++) {
		on(w, i);
		reach(w, STATES[i]);
		for (uint32_t k = 0; k < sizeof(off) / sizeof(off[0]); k++)
			for (uint32_t f = 0; f < 6; f++) {
				struct seg seg = plain(w, STATES[i], flags[f]);

				seg.seq += off[k];
				/* A FIN there may be at the edge. */
				changes_nothing(w, &seg);
			}
	}
}

/* RFC 5961, 5: an ACK of what was not sent, or of too long ago. */
static void acknowledgments_of_nothing(struct wire *w)
{
	static const uint32_t off[] = { 0x80000000, 0xc0000000, 0 - 70000U, 2,
		3, 1000, 0x10000000, 0x7fffffff };

	for (uint32_t i = 2; i < NSTATES - 1; i++) {
		on(w, i);
		reach(w, STATES[i]);
		for (uint32_t k = 0; k < sizeof(off) / sizeof(off[0]); k++) {
			struct seg seg = plain(w, STATES[i], ACK);

			seg.ack += off[k];
			changes_nothing(w, &seg);
			seg.len = 10;
			changes_nothing(w, &seg);
			seg.flags |= FIN;
			changes_nothing(w, &seg);
		}
	}
}

/* ---- The header's other fields */

/* A plain ACK in each state in which it means nothing: as bytes. */
static size_t nothing_new(struct wire *w, enum tcp_state s, uint8_t *p)
{
	struct seg seg = plain(w, s, ACK);

	if (s == TCP_LISTEN || s == TCP_CLOSED)
		seg.flags = RST;
	if (s == TCP_SYN_RECEIVED)
		seg.flags = PSH;
	return wire_build(w, &seg, p);
}

static void seal(struct wire *w, uint8_t *p, size_t len)
{
	tcp_checksum_seal(p, len, &w->peer, &w->us);
}

/* Each value of the offset, for headers of 20 and of 60 bytes. */
static void data_offsets(struct wire *w)
{
	for (uint32_t i = 0; i < NSTATES; i++) {
		on(w, i);
		reach(w, STATES[i]);
		for (uint8_t doff = 0; doff < 16; doff++) {
			struct facts before = facts(w), after;
			uint64_t bad = wire_count(w, CNT_TCP_BAD_DOFF);
			uint8_t p[60] = { 0 };

			nothing_new(w, STATES[i], p);
			p[OFF_DOFF] = (uint8_t)(doff << 4);
			seal(w, p, 20);
			in_raw(w, p, 20);
			wire_drain(w);
			must(w,
			    wire_count(w, CNT_TCP_BAD_DOFF) ==
				bad + (doff != 5));
			after = facts(w);
			must(w, same_facts(&before, &after));
		}
	}
}

/* Reserved bits "must be ignored". */
static void reserved_bits(struct wire *w)
{
	for (uint8_t bits = 0; bits < 8; bits++) {
		uint8_t p[60];
		uint32_t l;
		size_t len;

		on(w, bits);
		l = reach(w, TCP_LISTEN);
		len = wire_build(w, &(struct seg){ .flags = SYN }, p);
		p[OFF_DOFF] |= (uint8_t)(bits << 1);
		seal(w, p, len);
		in_raw(w, p, len);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
		len = wire_build(
		    w, &(struct seg){ .flags = ACK, .seq = 1, .ack = 1 }, p);
		p[OFF_DOFF] |= (uint8_t)(bits << 1);
		seal(w, p, len);
		in_raw(w, p, len);
		state_is(w, TCP_ESTABLISHED);
		call_accept(w, l);
	}
}

/* @seg as an acceptable FIN in that state, its bytes at @p. */
static size_t fin_bytes(
    struct wire *w, enum tcp_state state, struct seg seg, uint8_t *p)
{
	seg.flags = FIN | ACK;
	seg.seq = plain(w, state, 0).seq;
	seg.ack = plain(w, state, 0).ack;
	return wire_build(w, &seg, p);
}

/* No single wrong bit goes unnoticed, wherever it is (MUST-3). */
static void every_single_bit(struct wire *w)
{
	for (uint32_t i = 0; i < NSTATES; i++) {
		struct facts before, after;
		uint8_t p[80];
		size_t len;

		on(w, i);
		reach(w, STATES[i]);
		before = facts(w);
		len = fin_bytes(
		    w, STATES[i], (struct seg){ .mss = 1000, .len = 10 }, p);
		for (size_t bit = 0; bit < len * 8; bit++) {
			uint64_t n = refused(w);

			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			in_raw(w, p, len);
			none(w);
			must(w, refused(w) == n + 1);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		after = facts(w);
		must(w, same_facts(&before, &after));
	}
}

/* Cut off anywhere. */
static void every_length(struct wire *w)
{
	for (uint32_t i = 0; i < NSTATES; i++) {
		struct facts before, after;
		uint8_t p[100];
		size_t len;

		on(w, i);
		reach(w, STATES[i]);
		before = facts(w);
		len = fin_bytes(
		    w, STATES[i], (struct seg){ .ts = TS(1, 0), .len = 30 }, p);
		for (size_t cut = 1; cut < len; cut++) {
			uint64_t n = refused(w);

			in_raw(w, p, cut);
			none(w);
			must(w, refused(w) == n + 1);
		}
		after = facts(w);
		must(w, same_facts(&before, &after));
	}
}

/* Each value of the window and of the urgent pointer is legal. */
static void windows_and_urgent_pointers(struct wire *w)
{
	for (uint32_t i = 3; i < NSTATES; i++) {
		on(w, i);
		reach(w, STATES[i]);
		for (uint32_t v = 0; v < 65536; v += 257) {
			struct seg seg = plain(w, STATES[i],
			    STATES[i] == TCP_SYN_RECEIVED ? URG : ACK | URG);

			seg.win = v == 0 ? ZERO : (int32_t)v;
			seg.urg = (uint16_t)(v * 7);
			wire_in(w, &seg);
			wire_drain(w);
		}
		state_is(w, STATES[i]);
	}
}

/* ---- Options */

static const uint8_t KINDS[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 19, 28,
	29, 30, 34, 69, 172, 253, 254, 255 };

/* One option, then NOPs, in 40 bytes: is it legal? */
static bool put_option(uint8_t *opt, uint8_t kind, uint8_t len)
{
	memset(opt, 1, 40);
	opt[0] = kind;
	if (kind == 1)
		return true;
	opt[1] = len;
	for (uint32_t i = 2; i < 40 && i < len; i++)
		opt[i] = (uint8_t)(0x80 + i * 37);
	if (kind == 0)
		return true;
	return len >= 2 && len <= 40;
}

static void each_option_of_each_length(struct wire *w)
{
	for (uint32_t i = 0; i < NSTATES; i++) {
		struct facts before, after;

		on(w, i);
		reach(w, STATES[i]);
		before = facts(w);
		for (uint32_t k = 0; k < sizeof(KINDS); k++)
			for (uint8_t len = 0; len < 45; len++) {
				uint64_t n = wire_count(w, CNT_TCP_BAD_OPTION);
				uint8_t p[60];
				bool ok;

				nothing_new(w, STATES[i], p);
				ok = put_option(p + 20, KINDS[k], len);
				p[OFF_DOFF] = 0xf0;
				seal(w, p, 60);
				in_raw(w, p, 60);
				wire_drain(w);
				if (wire_count(w, CNT_TCP_BAD_OPTION) !=
				    n + !ok)
					wire_fail(w, "option %u of %u",
					    KINDS[k], len);
			}
		after = facts(w);
		must(w, same_facts(&before, &after));
	}
}

/* The same in a SYN: what is agreed on stays within its bounds. */
static void each_option_in_a_syn(struct wire *w)
{
	uint32_t c = 0;

	call_listen_with(w, 80, 4000, 0);
	for (uint32_t k = 0; k < sizeof(KINDS); k++)
		for (uint8_t len = 0; len < 45; len++) {
			const struct tcb *t;
			uint8_t p[60];
			bool ok;

			on(w, c++);
			wire_build(w, &(struct seg){ .flags = SYN }, p);
			ok = put_option(p + 20, KINDS[k], len);
			p[OFF_DOFF] = 0xf0;
			seal(w, p, 60);
			in_raw(w, p, 60);
			wire_drain(w);
			t = wire_tcb(w);
			must(w, ok == (t != NULL));
			if (t == NULL)
				continue;
			must(w, t->snd_scale <= TCP_MAX_WSCALE);
			must(w, t->peer_mss >= 48);
			in(w, RST, .seq = 1);
		}
}

/* Blocks of SACK about nothing: no byte is sent again for them. */
static void blocks_about_nothing(struct wire *w)
{
	static const struct {
		uint32_t left, right;
	} blocks[] = {
		{ 5001, 6001 }, /* never sent */
		{ 2001, 1001 }, /* the wrong way round */
		{ 1001, 1001 }, /* empty */
		{ 0x80000001, 0x80000101 },
		{ 1, 0x7fffffff },
		{ 3001, 3002 }, /* beyond by one */
		{ 0xfffff000, 0xfffff100 },
	};
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 3000);
	wire_drain(w);
	for (uint32_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		in(w, ACK, .seq = 1, .ack = 1,
		    .sack = { { blocks[i].left, blocks[i].right } });
		none(w);
		in(w, ACK, .seq = 1, .ack = 1,
		    .sack = { { blocks[i].left, blocks[i].right },
			{ blocks[i].left + 10, blocks[i].right + 10 },
			{ blocks[i].right, blocks[i].left }, { 1, 1 } });
		wire_drain(w);
	}
	must(w, wire_unacked(w, s) == 3000);
	in(w, ACK, .seq = 1, .ack = 3001);
	must(w, wire_unacked(w, s) == 0);
}

/* Echoes of timestamps that we never sent: the timeout stays sane. */
static void echoes_of_nothing(struct wire *w)
{
	static const uint32_t echo[] = { 1, 0x7fffffff, 0x80000000, 0xffffff00,
		100000000, 0xf0000000 };
	uint32_t s = established(w, .rtt = 100, .ts = true);

	for (uint32_t i = 0; i < sizeof(echo) / sizeof(echo[0]); i++) {
		call_write(w, s, 100);
		wire_drain(w);
		quiet(w, 100);
		in(w, ACK, .seq = 1, .ack = 101 + i * 100,
		    .ts = TS(1100 + i, echo[i]));
		must(w, wire_unacked(w, s) == 0);
		must(w, wire_tcb(w)->rtt.rto_ns <= (int64_t)NS_PER_S);
	}
}

/* ICMP errors of all kinds, about what is in flight (RFC 5927). */
static void icmp_errors_of_every_kind(struct wire *w)
{
	for (uint32_t i = 3; i < NSTATES; i++) {
		enum tcp_state s = STATES[i];
		struct facts before, after;

		on(w, i);
		reach(w, s);
		before = facts(w);
		for (uint32_t type = 0; type < 256; type++)
			for (uint8_t code = 0; code < 17; code++) {
				in_icmp(w, (uint8_t)type, code, type * code,
				    s == TCP_SYN_RECEIVED ? 7 : 1);
				wire_drain(w);
			}
		after = facts(w);
		must(w, same_facts(&before, &after));
	}
}

/* ---- Anything */

static void mutate(struct random *r, uint8_t *p, size_t *len)
{
	uint32_t n = 1 + random_below(r, 4);

	while (n-- > 0)
		p[random_below(r, (uint32_t)*len)] = (uint8_t)random_next(r);
	if (random_below(r, 8) == 0)
		*len = 1 + random_below(r, (uint32_t)*len);
}

static void by_chance(
    struct wire *w, enum tcp_state s, uint32_t c, struct random *r)
{
	struct conversation *k = &w->c[c];
	uint32_t sock;

	on(w, c);
	sock = reach(w, s);
	for (uint32_t i = 0; i < 100; i++) {
		struct seg seg =
		    plain(w, s, (uint16_t)(random_next(r) & 0x1ff));
		uint8_t p[2000];
		size_t len;

		seg.len = random_below(r, 3) == 0 ? random_below(r, 1000) : 0;
		seg.seq += random_below(r, 2) ? random_below(r, 100000) : 0;
		seg.ack += random_below(r, 4) == 0 ? random_below(r, 5) : 0;
		seg.sack_ok = random_below(r, 8) == 0;
		if (random_below(r, 4) == 0)
			seg.sack[0].right = 1 + random_below(r, 5000);
		len = wire_build(w, &seg, p);
		mutate(r, p, &len);
		be16_put(p, k->peer_port);
		if (len >= 4)
			be16_put(p + 2, k->our_port);
		if (len >= 20)
			seal(w, p, len);
		in_raw(w, p, len);
		wire_drain(w);
		if (random_below(r, 20) == 0)
			pass(w, random_below(r, 400));
		wire_drain(w);
	}
	if (s != TCP_CLOSED)
		forget(w, sock);
}

static void anything_at_all(struct wire *w)
{
	struct random r = { .state = 9293 };

	for (uint32_t c = 0; c < 20 * NSTATES; c++)
		by_chance(w, STATES[c % NSTATES], c, &r);
}

static const struct script scripts[] = {
	{ "flags_in_CLOSED", flags_in_CLOSED, NULL, true },
	{ "flags_in_LISTEN", flags_in_LISTEN, NULL, true },
	{ "flags_in_SYN_SENT", flags_in_SYN_SENT, NULL, true },
	{ "flags_in_SYN_RECEIVED", flags_in_SYN_RECEIVED, NULL, true },
	{ "flags_in_ESTABLISHED", flags_in_ESTABLISHED, NULL, true },
	{ "flags_in_FIN_WAIT_1", flags_in_FIN_WAIT_1, NULL, true },
	{ "flags_in_FIN_WAIT_2", flags_in_FIN_WAIT_2, NULL, true },
	{ "flags_in_CLOSE_WAIT", flags_in_CLOSE_WAIT, NULL, true },
	{ "flags_in_CLOSING", flags_in_CLOSING, NULL, true },
	{ "flags_in_LAST_ACK", flags_in_LAST_ACK, NULL, true },
	{ "flags_in_TIME_WAIT", flags_in_TIME_WAIT, NULL, true },
	SCRIPT(sequence_numbers_out_of_the_window),
	SCRIPT(acknowledgments_of_nothing),
	SCRIPT(data_offsets),
	SCRIPT(reserved_bits),
	{ "every_single_bit", every_single_bit, NULL, true },
	{ "every_length", every_length, NULL, true },
	{ "windows_and_urgent_pointers", windows_and_urgent_pointers, NULL,
	    true },
	{ "each_option_of_each_length", each_option_of_each_length, NULL,
	    true },
	{ "each_option_in_a_syn", each_option_in_a_syn, NULL, true },
	{ "icmp_errors_of_every_kind", icmp_errors_of_every_kind, NULL, true },
	SCRIPT(blocks_about_nothing),
	SCRIPT(echoes_of_nothing),
	{ "anything_at_all", anything_at_all, NULL, true },
};

WIRE_MAIN(scripts)
