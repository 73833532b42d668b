/*
 * test_tcp_sack.c - what we report: RFC 2018, 4; duplicates: RFC 2883
 */
#include "tests/tcp/wire.h"

/* RFC 2018, 4: "the first block ... the segment which triggered this ACK",
 * then "the most recently reported". */
static void the_latest_block_comes_first(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 1001, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 1501 } });
	in(w, ACK, .seq = 3001, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 3001, 3501 }, { 1001, 1501 } });
	in(w, ACK, .seq = 2001, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 2001, 2501 }, { 3001, 3501 }, { 1001, 1501 } });
	/* The block that grows is the latest. */
	in(w, ACK, .seq = 1501, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 1001, 1601 }, { 2001, 2501 }, { 3001, 3501 } });
}

/* RFC 2018, 5: the example of section 4, case 2: every other one is lost. */
static void four_blocks_fit(struct wire *w)
{
	established(w, .sack = true);
	for (uint32_t i = 0; i < 6; i++) {
		in(w, ACK, .seq = 501 + i * 1000, .ack = 1, .len = 500);
		must(w, w->queued == 1);
		must(w, w->queue[w->first].h.nsack == (i < 4 ? i + 1 : 4));
		if (i < 5)
			wire_drain(w);
	}
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 5501, 6001 }, { 4501, 5001 }, { 3501, 4001 },
		{ 2501, 3001 } });
}

/* With timestamps there is room for three. */
static void three_beside_a_timestamp(struct wire *w)
{
	established(w, .sack = true, .ts = true);
	for (uint32_t i = 0; i < 4; i++) {
		wire_drain(w);
		in(w, ACK, .seq = 501 + i * 1000, .ack = 1, .len = 500);
	}
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 3501, 4001 }, { 2501, 3001 }, { 1501, 2001 } });
}

/* Two blocks that meet become one; and what is acknowledged goes. */
static void blocks_join_and_go(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 101, 201 } });
	in(w, ACK, .seq = 301, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 301, 401 }, { 101, 201 } });
	in(w, ACK, .seq = 201, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 101, 401 } });
	in(w, ACK, .seq = 501, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 501, 601 }, { 101, 401 } });
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 401, .sack = { { 501, 601 } });
	in(w, ACK, .seq = 401, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 601);
}

/* Not offered: no blocks. */
static void without_the_offer_there_are_none(struct wire *w)
{
	established(w, .rtt = 0);
	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1);
}

/* ---- RFC 2883 */

/* 4.1.1: "Reporting a duplicate segment." */
static void a_whole_segment_twice(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501, .sack = { { 1, 501 } });
	/* Once, and not again. */
	in(w, ACK, .seq = 501, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1001);
}

/* 4.1.2: "... an out-of-order segment and a duplicate segment". */
static void twice_above_a_gap(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 501, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1, .sack = { { 501, 1001 } });
	in(w, ACK, .seq = 501, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 1,
	    .sack = { { 501, 1001 }, { 501, 1001 } });
}

/* 4.1.2: a duplicate below the ACK while there is a block above. */
static void an_old_one_while_there_is_a_gap(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501);
	in(w, ACK, .seq = 1001, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501, .sack = { { 1001, 1501 } });
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501,
	    .sack = { { 1, 501 }, { 1001, 1501 } });
}

/* 4.2.1: "Reporting partial duplicate segments." */
static void part_of_a_segment_twice(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501);
	in(w, ACK, .seq = 251, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 751, .sack = { { 251, 501 } });
	in(w, ACK, .seq = 1001, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 751, .sack = { { 1001, 1501 } });
	in(w, ACK, .seq = 1251, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 751,
	    .sack = { { 1251, 1501 }, { 1001, 1751 } });
}

/* The topology may forbid it. */
static void duplicates_may_go_unreported(struct wire *w)
{
	established(w, .sack = true);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501);
	in(w, ACK, .seq = 1, .ack = 1, .len = 500);
	out(w, ACK, .seq = 1, .ack = 501);
}

static const struct script scripts[] = {
	SCRIPT(the_latest_block_comes_first),
	SCRIPT(four_blocks_fit),
	SCRIPT(three_beside_a_timestamp),
	SCRIPT(blocks_join_and_go),
	SCRIPT(without_the_offer_there_are_none),
	SCRIPT(a_whole_segment_twice),
	SCRIPT(twice_above_a_gap),
	SCRIPT(an_old_one_while_there_is_a_gap),
	SCRIPT(part_of_a_segment_twice),
	SCRIPT_WITH(duplicates_may_go_unreported, "\"dsack\":false"),
};

WIRE_MAIN(scripts)
