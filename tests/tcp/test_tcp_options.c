/*
 * test_tcp_options.c - options: RFC 9293, 3.1 and 3.7.1; RFC 7323
 */
#include <string.h>

#include "shm/app.h"
#include "shm/bytes.h"
#include "tests/tcp/wire.h"

/* ---- MSS */

/* How long the first segment of a large write is. */
static uint32_t first_segment(struct wire *w, uint32_t s)
{
	const struct sent *is;
	uint32_t len;

	call_write(w, s, 20000);
	is = wire_next(w);
	must(w, is != NULL);
	len = is->len;
	wire_drain(w);
	return len;
}

/* MUST-15: without the option 536, or 1220 with IPv6. */
static void without_the_option_the_default(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	must(w, first_segment(w, call_accept(w, l)) == (w->v6 ? 1220U : 536U));
}

/* MUST-14, 16: the smaller of theirs and what our link takes. */
static void the_smaller_one_counts(struct wire *w)
{
	static const uint16_t theirs[] = { 100, 536, 1000, 1300, 1460, 9000,
		65535 };

	for (uint32_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		uint32_t s, want;

		on(w, i);
		s = established(w, .rtt = 0, .mss = theirs[i]);
		want = theirs[i] < w->mss ? theirs[i] : w->mss;
		must(w, first_segment(w, s) == want);
	}
}

/* A peer cannot make us send nothing but headers. */
static void a_tiny_mss_is_not_obeyed(struct wire *w)
{
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t s;

		on(w, i);
		s = established(w, .rtt = 0, .mss = (uint16_t)(1 + i * 20));
		must(w, first_segment(w, s) == 48);
	}
}

/* RFC 6691: what timestamps take is not in the MSS. */
static void options_make_segments_smaller(struct wire *w)
{
	uint32_t s = established(w, .ts = true, .mss = 1000);

	must(w, first_segment(w, s) == 988);
}

/* An MSS after the SYN means nothing. */
static void an_mss_after_the_syn_means_nothing(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, ACK, .seq = 1, .ack = 1, .mss = 200, .ws = WS(9),
	    .sack_ok = true);
	none(w);
	must(w, first_segment(w, s) == 1000);
}

/* ---- Bytes of options, as they are */

static void syn_with(struct wire *w, const uint8_t *opt, size_t n)
{
	uint8_t p[60];

	wire_build(w, &(struct seg){ .flags = SYN }, p);
	memset(p + 20, 0, 40);
	memcpy(p + 20, opt, n);
	n = (n + 3) / 4 * 4;
	p[12] = (uint8_t)((20 + n) / 4 << 4);
	tcp_checksum_seal(p, 20 + n, &w->peer, &w->us);
	in_raw(w, p, 20 + n);
}

/* MUST-4 to 6: any order, any padding, unknown ones are skipped (MUST-6). */
static void any_order_and_unknown_ones(struct wire *w)
{
	static const uint8_t nops[] = { 1, 1, 1, 2, 4, 0x03, 0xe8, 1, 1, 4, 2,
		0 };
	static const uint8_t unknown[] = { 254, 6, 1, 2, 3, 4, 99, 2, 2, 4,
		0x03, 0xe8, 253, 3, 0, 0 };
	static const uint8_t after_end[] = { 2, 4, 0x03, 0xe8, 0, 4, 2, 99 };

	call_listen(w, 80);
	syn_with(w, nops, sizeof(nops));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS, .sack_ok = true);
	on(w, 1);
	syn_with(w, unknown, sizeof(unknown));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	must(w, wire_tcb(w)->peer_mss == 1000);
	on(w, 2);
	syn_with(w, after_end, sizeof(after_end));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	must(w, wire_tcb(w)->peer_mss == 1000);
}

/* An MSS of 0 is none that could be meant. */
static void an_mss_of_nothing(struct wire *w)
{
	static const uint8_t zero[] = { 2, 4, 0, 0 };
	uint32_t l = call_listen(w, 80);

	syn_with(w, zero, sizeof(zero));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	must(w, first_segment(w, call_accept(w, l)) >= 48);
}

/* MUST-7: an illegal length is refused, and counted. */
static void illegal_lengths_are_refused(struct wire *w)
{
	static const uint8_t zero[] = { 2, 0, 3, 0xe8 };
	static const uint8_t one[] = { 2, 1, 3, 0xe8 };
	static const uint8_t beyond[] = { 2, 40, 3, 0xe8 };
	static const uint8_t cut[] = { 1, 1, 1, 2 };

	call_listen(w, 80);
	syn_with(w, zero, 4);
	syn_with(w, one, 4);
	syn_with(w, beyond, 4);
	syn_with(w, cut, 4);
	none(w);
	counted(w, CNT_TCP_BAD_OPTION, 4);
}

/* ---- Window scale (RFC 7323, 2) */

static void without_the_offer_there_is_none(struct wire *w)
{
	call_listen(w, 80);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	on(w, 1);
	in(w, SYN, .seq = 0, .mss = 1000, .ws = WS(0));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS, .ws = OUR_WS);
}

/* 2.3: "If a Window Scale option is received with a shift.cnt value larger
 * than 14, the TCP SHOULD log the error but MUST use 14". */
static void more_than_14_is_14(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .ws = WS(15), .win = 1);

	(void)s;
	must(w, wire_tcb(w)->snd_scale == 14);
	must(w, wire_tcb(w)->snd.wnd == 1 << 14);
}

static void it_may_be_forbidden(struct wire *w)
{
	call_listen(w, 80);
	in(w, SYN, .seq = 0, .mss = 1000, .ws = WS(7), .sack_ok = true,
	    .ts = TS(1, 0));
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

/* ---- Timestamps (RFC 7323, 3) */

/* 3.2: only if both SYNs had it. */
static void both_must_have_offered(struct wire *w)
{
	uint32_t s = call_connect(w);

	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	/* And what comes with it none the less is ignored. */
	in(w, ACK, .seq = 1, .ack = 11, .len = 5, .ts = TS(1, 0));
	out(w, ACK, .seq = 11, .ack = 6);
}

/* 3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD
 * silently drop the segment." */
static void a_segment_without_one_is_dropped(struct wire *w)
{
	uint32_t s = established(w, .ts = true);

	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .bare = true);
	in(w, FIN | ACK, .seq = 1, .ack = 1, .bare = true);
	none(w);
	counted(w, CNT_TCP_NO_TIMESTAMP, 2);
	must(w, wire_readable(w, s) == 0);
	in(w, RST, .seq = 1, .bare = true);
	state_is(w, TCP_CLOSED);
}

/* 4.3: TSecr is TS.Recent; (2): that of the segment at Last.ACK.sent. */
static void the_echo_is_of_the_segment_that_was_next(struct wire *w)
{
	established(w, .ts = true);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .ts = TS(1010, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(1010));
	/* Out of order: not echoed. */
	in(w, ACK, .seq = 21, .ack = 1, .len = 10, .ts = TS(1020, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(1010));
	/* What fills the gap is. */
	in(w, ACK, .seq = 11, .ack = 1, .len = 10, .ts = TS(1030, 0));
	out(w, ACK, .seq = 1, .ack = 31, .ts = ECR(1030));
}

/* 4.3 (B), delayed ACKs: the first of those that one ACK covers. */
static void a_delayed_ack_echoes_the_first(struct wire *w)
{
	uint32_t s = established(w, .ts = true);
	uint32_t at = 1;

	for (uint32_t i = 0; i < 40; i++) {
		in(w, ACK, .seq = at, .ack = 1, .len = 1000);
		at += 1000;
		wire_drain(w);
		call_read(w, s, 1000);
		wire_drain(w);
	}
	pass(w, 500);
	wire_drain(w);
	in(w, ACK, .seq = at, .ack = 1, .len = 1000, .ts = TS(2000, 0));
	none(w);
	in(w, ACK, .seq = at + 1000, .ack = 1, .len = 1000, .ts = TS(2005, 0));
	out(w, ACK, .seq = 1, .ack = at + 2000, .ts = ECR(2000));
}

/* ---- PAWS (RFC 7323, 5) */

/* R1: "If SEG.TSval < TS.Recent ... send an acknowledgment and drop". */
static void an_old_timestamp_is_refused(struct wire *w)
{
	uint32_t s = established(w, .ts = true);

	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .ts = TS(2000, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(2000));
	in(w, ACK, .seq = 11, .ack = 1, .len = 10, .ts = TS(1999, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(2000));
	counted(w, CNT_TCP_PAWS, 1);
	must(w, wire_readable(w, s) == 10);
	in(w, ACK, .seq = 11, .ack = 1, .len = 10, .ts = TS(2000, 0));
	out(w, ACK, .seq = 1, .ack = 21, .ts = ECR(2000));
	/* Half of the numbers are before, half are beyond. */
	in(w, ACK, .seq = 21, .ack = 1, .len = 1,
	    .ts = TS(2000 + 0x80000000U, 0));
	out(w, ACK, .seq = 1, .ack = 21, .ts = ECR(2000));
	in(w, ACK, .seq = 21, .ack = 1, .len = 1,
	    .ts = TS(2000 + 0x7fffffffU, 0));
	out(w, ACK, .seq = 1, .ack = 22, .ts = ECR(2000 + 0x7fffffffU));
}

/* 5.2: "RST ... MUST NOT be subjected to the PAWS check". */
static void a_reset_is_not_checked(struct wire *w)
{
	established(w, .ts = true);
	in(w, RST, .seq = 1, .ts = TS(1, 0));
	state_is(w, TCP_CLOSED);
}

/* 5.5: after 24 days TS.Recent is outdated. */
static void after_24_days_it_is_outdated(struct wire *w)
{
	uint32_t s = established(w, .ts = true);

	quiet(w, (int64_t)25 * 24 * 3600 * 1000);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .ts = TS(5, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(5));
	call_read(w, s, 10);
}

/* R3 is for what is in the window: another's timestamp does no harm. */
static void a_segment_outside_does_not_set_it(struct wire *w)
{
	established(w, .ts = true);
	in(w, ACK, .seq = 900000, .ack = 1, .len = 10, .ts = TS(0x60000000, 0));
	out(w, ACK, .seq = 1, .ack = 1, .ts = ECR(1000));
	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .ts = TS(1001, 0));
	out(w, ACK, .seq = 1, .ack = 11, .ts = ECR(1001));
}

static const struct script scripts[] = {
	SCRIPT(without_the_option_the_default),
	SCRIPT(the_smaller_one_counts),
	SCRIPT(a_tiny_mss_is_not_obeyed),
	SCRIPT(options_make_segments_smaller),
	SCRIPT(an_mss_after_the_syn_means_nothing),
	SCRIPT(any_order_and_unknown_ones),
	SCRIPT(an_mss_of_nothing),
	SCRIPT(illegal_lengths_are_refused),
	SCRIPT(without_the_offer_there_is_none),
	SCRIPT(more_than_14_is_14),
	SCRIPT_WITH(it_may_be_forbidden,
	    "\"sack\":false,\"timestamps\":false,\"window_scaling\":false"),
	SCRIPT(both_must_have_offered),
	SCRIPT(a_segment_without_one_is_dropped),
	SCRIPT(the_echo_is_of_the_segment_that_was_next),
	SCRIPT(a_delayed_ack_echoes_the_first),
	SCRIPT(an_old_timestamp_is_refused),
	SCRIPT(a_reset_is_not_checked),
	SCRIPT(after_24_days_it_is_outdated),
	SCRIPT(a_segment_outside_does_not_set_it),
};

WIRE_MAIN(scripts)
