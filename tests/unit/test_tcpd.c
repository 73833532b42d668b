/*
 * test_tcpd.c - segments for no connection (RFC 9293, 3.10.7.1)
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/bytes.h"
#include "tcpd/tcpd.h"
#include "tests/harness/rig.h"

static const char TOPOLOGY[] =
    "{\"name\":\"t\",\"links\":[{\"name\":\"a\",\"device\":\"tap\","
    "\"interface\":\"a\","
    "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"tcpd\",\"layer\":\"tcpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\"},{\"from\":\"tcpd\",\"to\":\"ipd\"}]}";

struct world {
	struct rig *r;
	struct tcpd t;
	struct ip_addr us, peer;
	struct desc d; /* of the last answer */
	uint8_t got[100];
};

static struct world *world_open(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct segments s;
	struct fib *fib;

	assert_non_null(w);
	w->r = rig_open(TOPOLOGY);
	fib = (void *)rig_node(w->r, "ipd")->table;
	fib_build(fib, &w->r->topo);
	publish_begin(&fib->p);
	publish_end(&fib->p);
	s = rig_segments(w->r, "tcpd");
	assert_int_equal(tcpd_attach(&w->t, &s, w->r->now), 0);
	assert_true(ip_parse(&w->us, "192.0.2.2"));
	assert_true(ip_parse(&w->peer, "192.0.2.1"));
	return w;
}

static void world_close(struct world *w)
{
	while (tcpd_turn(&w->t, w->r->now))
		;
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	tcpd_detach(&w->t);
	rig_close(w->r);
	free(w);
}

static void arrives(struct world *w, const struct tcp_hdr *h, const char *data,
    uint16_t flags, bool spoilt)
{
	uint8_t p[200];
	size_t hdr = tcp_emit_len(h);
	size_t len = hdr + strlen(data);
	struct desc d = { .proto = IPPROTO_TCP,
		.flags = flags,
		.src = w->peer,
		.dst = w->us };

	tcp_emit(p, h);
	memcpy(p + hdr, data, strlen(data));
	tcp_checksum_seal(p, len, &w->peer, &w->us);
	p[17] ^= spoilt;
	rig_put(w->r, "ipd", "tcpd", p, len, &d);
	while (tcpd_turn(&w->t, w->r->now))
		;
}

static bool answer(struct world *w)
{
	return rig_take(w->r, "ipd", "tcpd", &w->d, w->got, sizeof(w->got));
}

/* A SYN from port 40000 to port 80. */
static const struct tcp_hdr SYN = {
	.src_port = 40000,
	.dst_port = 80,
	.seq = { 1000 },
	.flags = TCP_SYN,
	.window = 65535,
	.has_mss = true,
	.mss = 1460,
};

static void a_syn_is_answered_with_a_reset(void **state)
{
	static const uint8_t want[] = {
		0x00, 0x50, 0x9c, 0x40, 0, 0, 0, 0, /* ports, SEQ 0 */
		0x00, 0x00, 0x03, 0xe9, 0x50, 0x14, /* ACK 1001, RST ACK */
		0x00, 0x00,                         /* no window */
	};
	struct world *w = world_open();

	(void)state;
	arrives(w, &SYN, "", 0, false);
	assert_true(answer(w));
	assert_int_equal(w->d.len, TCP_HDR_LEN);
	assert_memory_equal(w->got, want, sizeof(want));
	assert_true(w->d.flags & PKT_CSUM_PARTIAL);
	assert_int_equal(w->d.csum_offset, 16);
	assert_int_equal(be16_get(w->got + 18), 0);
	assert_int_equal(w->d.proto, IPPROTO_TCP);
	assert_int_equal(w->d.off, SLOT_HEADROOM);
	assert_true(ip_equal(&w->d.src, &w->us));
	assert_true(ip_equal(&w->d.dst, &w->peer));
	assert_false(answer(w));
	world_close(w);
}

static void the_reset_has_numbers_that_its_receiver_believes(void **state)
{
	static const struct {
		uint16_t flags;
		const char *data;
		uint16_t want;
		uint32_t seq, ack;
	} cases[] = {
		{ TCP_SYN, "", TCP_RST | TCP_ACK, 0, 1001 },
		{ TCP_SYN, "fast", TCP_RST | TCP_ACK, 0, 1005 },
		{ TCP_SYN | TCP_FIN, "x", TCP_RST | TCP_ACK, 0, 1003 },
		{ 0, "data", TCP_RST | TCP_ACK, 0, 1004 },
		{ TCP_FIN, "", TCP_RST | TCP_ACK, 0, 1001 },
		{ TCP_ACK, "data", TCP_RST, 7777, 0 },
		{ TCP_SYN | TCP_ACK, "", TCP_RST, 7777, 0 },
		{ TCP_FIN | TCP_ACK, "", TCP_RST, 7777, 0 },
	};
	struct world *w = world_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_hdr h = SYN;
		struct tcp_hdr rst;

		h.flags = cases[i].flags;
		h.ack = seq_of(7777);
		arrives(w, &h, cases[i].data, 0, false);
		assert_true(answer(w));
		assert_int_equal(tcp_parse(&rst, w->got, w->d.len), TCP_OK);
		if (rst.flags != cases[i].want || rst.seq.n != cases[i].seq ||
		    rst.ack.n != cases[i].ack)
			fail_msg("case %zu: flags %x, seq %u, ack %u", i,
			    rst.flags, rst.seq.n, rst.ack.n);
	}
	world_close(w);
}

static void a_reset_is_not_answered(void **state)
{
	struct world *w = world_open();
	struct tcp_hdr h = SYN;

	(void)state;
	h.flags = TCP_RST;
	arrives(w, &h, "", 0, false);
	h.flags = TCP_RST | TCP_ACK;
	arrives(w, &h, "", 0, false);
	assert_false(answer(w));
	world_close(w);
}

static void who_writes_to_many_gets_no_answer(void **state)
{
	static const char *const many[] = { "192.0.2.255", "255.255.255.255",
		"224.0.0.1", "ff02::1" };
	struct world *w = world_open();

	(void)state;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		assert_true(ip_parse(&w->us, many[i]));
		arrives(w, &SYN, "", 0, false);
	}
	assert_true(ip_parse(&w->us, "192.0.2.2"));
	arrives(w, &SYN, "", PKT_LINK_BROADCAST, false);
	assert_false(answer(w));
	assert_int_equal(rig_counter(w->r, "tcpd", "tcp_to_many"), 5);
	world_close(w);
}

static void a_wrong_checksum_is_dropped(void **state)
{
	struct world *w = world_open();

	(void)state;
	arrives(w, &SYN, "", 0, true);
	assert_false(answer(w));
	assert_int_equal(rig_counter(w->r, "tcpd", "tcp_bad_checksum"), 1);
	/* Unless it was verified below, or is yet to be made. */
	arrives(w, &SYN, "", PKT_CSUM_VALID, true);
	assert_true(answer(w));
	arrives(w, &SYN, "", PKT_CSUM_PARTIAL, true);
	assert_true(answer(w));
	world_close(w);
}

static void malformed_segments_are_dropped(void **state)
{
	struct world *w = world_open();
	struct tcp_hdr h = SYN;
	struct desc d = { .src = w->peer, .dst = w->us };

	(void)state;
	rig_put(w->r, "ipd", "tcpd", "nineteen bytes.....", 19, &d);
	h.dst_port = 0;
	arrives(w, &h, "", 0, false);
	assert_false(answer(w));
	assert_int_equal(rig_counter(w->r, "tcpd", "tcp_short"), 1);
	assert_int_equal(rig_counter(w->r, "tcpd", "tcp_bad_port"), 1);
	world_close(w);
}

/* The ring down is full: segments wait, every one is answered in the end. */
static void resets_wait_for_room(void **state)
{
	struct world *w = world_open();
	uint32_t sent = 0;

	(void)state;
	while (rig_waiting(w->r, "ipd", "tcpd") < 10) {
		arrives(w, &SYN, "", 0, false);
		sent++;
	}
	while (sent-- > 0) {
		assert_true(answer(w));
		tcpd_turn(&w->t, w->r->now);
	}
	assert_false(answer(w));
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_is_answered_with_a_reset),
		cmocka_unit_test(
		    the_reset_has_numbers_that_its_receiver_believes),
		cmocka_unit_test(a_reset_is_not_answered),
		cmocka_unit_test(who_writes_to_many_gets_no_answer),
		cmocka_unit_test(a_wrong_checksum_is_dropped),
		cmocka_unit_test(malformed_segments_are_dropped),
		cmocka_unit_test(resets_wait_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
