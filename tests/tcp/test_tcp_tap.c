/*
 * test_tcp_tap.c - what tcpd shows of its segments
 */
#include "tests/tcp/wire.h"
#include "tests/unit/tap_seen.h"

/* Output is of a connection, not of the segment that was read last. */
static void what_is_sent_is_of_no_segment_in_hand(struct wire *w)
{
	struct seen *s;

	established(w, .rtt = 100);
	s = seen_open(w->r, "tcpd");
	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 2);
	seen_next(s, TAP_TAKE, NULL);
	seen_next(s, TAP_PUT, NULL);
	assert_int_equal(s->rec.flags, TAP_NO_HAND);
	seen_close(s);
}

static const struct script scripts[] = {
	{ "what_is_sent_is_of_no_segment_in_hand",
	    what_is_sent_is_of_no_segment_in_hand, NULL, true },
};

WIRE_MAIN(scripts)
