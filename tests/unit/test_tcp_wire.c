/*
 * test_tcp_wire.c - TCP headers and options: exact bytes, refusals, round trip
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/tcp_wire.h"
#include "tests/harness/logged.h"

/* clang-format off */
/* The first segment from 192.0.2.1 port 40000 to port 80 of 192.0.2.2. */
static const uint8_t SYN[] = {
	0x9c, 0x40, 0x00, 0x50,             /* ports */
	0x01, 0x02, 0x03, 0x04,             /* sequence number */
	0x00, 0x00, 0x00, 0x00,             /* acknowledgment number */
	0xa0, 0x02, 0xfa, 0xf0,             /* doff 10, SYN; window */
	0xe4, 0x0e, 0x00, 0x00,             /* checksum, urgent pointer */
	0x02, 0x04, 0x05, 0xb4,             /* MSS 1460 */
	0x04, 0x02, 0x08, 0x0a,             /* SACK permitted, timestamps */
	0x11, 0x22, 0x33, 0x44,             /* TSval */
	0x00, 0x00, 0x00, 0x00,             /* TSecr */
	0x01, 0x03, 0x03, 0x07,             /* window scale 7 */
};

/* An ACK with two SACK blocks and "hi". */
static const uint8_t ACK[] = {
	0x00, 0x50, 0x9c, 0x40,             /* ports */
	0xff, 0xff, 0xff, 0xfe,             /* sequence number */
	0x01, 0x02, 0x03, 0x05,             /* acknowledgment number */
	0xd1, 0xd8, 0x02, 0x00,             /* doff 13, AE CWR ECE ACK PSH */
	0xbe, 0xef, 0x00, 0x09,             /* checksum, urgent pointer */
	0x01, 0x01, 0x08, 0x0a,             /* timestamps */
	0x00, 0x00, 0x00, 0x05,             /* TSval */
	0x11, 0x22, 0x33, 0x44,             /* TSecr */
	0x01, 0x01, 0x05, 0x12,             /* SACK, 2 blocks */
	0x01, 0x02, 0x13, 0x05, 0x01, 0x02, 0x23, 0x05,
	0x01, 0x02, 0x33, 0x05, 0x01, 0x02, 0x43, 0x05,
	'h', 'i',
};
/* clang-format on */

enum {
	ACK_HDR_LEN = sizeof(ACK) - 2,
};

/* Parse a header that has only the @len bytes at @options, padded with END. */
static enum tcp_parse parse_options(
    struct tcp_hdr *h, const uint8_t *options, size_t len)
{
	size_t size = TCP_HDR_LEN + (len + 3) / 4 * 4;
	uint8_t *p = calloc(1, size);
	enum tcp_parse why;

	assert_non_null(p);
	memcpy(p, SYN, TCP_HDR_LEN);
	memcpy(p + TCP_HDR_LEN, options, len);
	p[12] = (uint8_t)(size / 4 << 4);
	why = tcp_parse(h, p, size);
	free(p);
	return why;
}

static void reads_every_field_of_a_syn(void **state)
{
	struct tcp_hdr h;

	(void)state;
	assert_int_equal(tcp_parse(&h, SYN, sizeof(SYN)), TCP_OK);
	assert_int_equal(h.src_port, 40000);
	assert_int_equal(h.dst_port, 80);
	assert_int_equal(h.seq.n, 0x01020304);
	assert_int_equal(h.ack.n, 0);
	assert_int_equal(h.flags, TCP_SYN);
	assert_int_equal(h.window, 64240);
	assert_int_equal(h.checksum, 0xe40e);
	assert_int_equal(h.urgent, 0);
	assert_int_equal(h.hdr_len, 40);
	assert_true(h.has_mss && h.has_ts && h.has_wscale && h.sack_permitted);
	assert_int_equal(h.mss, 1460);
	assert_int_equal(h.wscale, 7);
	assert_int_equal(h.ts_val, 0x11223344);
	assert_int_equal(h.ts_ecr, 0);
	assert_int_equal(h.nsack, 0);
}

static void reads_every_field_of_an_ack(void **state)
{
	struct tcp_hdr h;

	(void)state;
	assert_int_equal(tcp_parse(&h, ACK, sizeof(ACK)), TCP_OK);
	assert_int_equal(h.seq.n, 0xfffffffe);
	assert_int_equal(h.ack.n, 0x01020305);
	assert_int_equal(
	    h.flags, TCP_AE | TCP_CWR | TCP_ECE | TCP_ACK | TCP_PSH);
	assert_int_equal(h.urgent, 9);
	assert_int_equal(h.hdr_len, ACK_HDR_LEN);
	assert_false(h.has_mss || h.has_wscale || h.sack_permitted);
	assert_true(h.has_ts);
	assert_int_equal(h.ts_ecr, 0x11223344);
	assert_int_equal(h.nsack, 2);
	assert_int_equal(h.sack[0].left.n, 0x01021305);
	assert_int_equal(h.sack[1].right.n, 0x01024305);
}

static void writes_what_it_read(void **state)
{
	struct tcp_hdr h;
	uint8_t out[TCP_HDR_MAX];

	(void)state;
	assert_int_equal(tcp_parse(&h, SYN, sizeof(SYN)), TCP_OK);
	assert_int_equal(tcp_emit_len(&h), sizeof(SYN));
	tcp_emit(out, &h);
	assert_memory_equal(out, SYN, sizeof(SYN));

	assert_int_equal(tcp_parse(&h, ACK, sizeof(ACK)), TCP_OK);
	assert_int_equal(tcp_emit_len(&h), ACK_HDR_LEN);
	tcp_emit(out, &h);
	assert_memory_equal(out, ACK, ACK_HDR_LEN);
}

static void refuses_every_truncation(void **state)
{
	struct tcp_hdr h = { .src_port = 7 };

	(void)state;
	for (size_t len = 0; len < ACK_HDR_LEN; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, ACK, len);
		assert_int_equal(tcp_parse(&h, cut, len),
		    len < TCP_HDR_LEN ? TCP_SHORT : TCP_BAD_DOFF);
		free(cut);
	}
	assert_int_equal(h.src_port, 7);
}

/* Options cut short by doff: refused, unless the cut is between two. */
static void refuses_options_cut_by_the_data_offset(void **state)
{
	(void)state;
	for (unsigned doff = 5; doff <= 10; doff++) {
		struct tcp_hdr h;
		uint8_t *cut = malloc((size_t)doff * 4);

		assert_non_null(cut);
		memcpy(cut, SYN, (size_t)doff * 4);
		cut[12] = (uint8_t)(doff << 4);
		assert_int_equal(tcp_parse(&h, cut, (size_t)doff * 4),
		    doff == 7 || doff == 8 ? TCP_BAD_OPTION : TCP_OK);
		free(cut);
	}
}

static void refuses_fields_out_of_range(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t bytes[2];
		enum tcp_parse want;
	} cases[] = {
		{ "source port 0", 0, { 0, 0 }, TCP_BAD_PORT },
		{ "destination port 0", 2, { 0, 0 }, TCP_BAD_PORT },
		{ "doff 0", 12, { 0x00, 0x02 }, TCP_BAD_DOFF },
		{ "doff 4", 12, { 0x40, 0x02 }, TCP_BAD_DOFF },
		{ "doff 5", 12, { 0x50, 0x02 }, TCP_OK },
		{ "doff beyond the segment", 12, { 0xb0, 0x02 }, TCP_BAD_DOFF },
		{ "reserved bits", 12, { 0xae, 0x02 }, TCP_OK },
		{ "option length 0", 20, { 2, 0 }, TCP_BAD_OPTION },
		{ "option length 1", 20, { 2, 1 }, TCP_BAD_OPTION },
		{ "option beyond the header", 20, { 2, 21 }, TCP_BAD_OPTION },
		{ "option to the very end", 20, { 99, 20 }, TCP_OK },
		{ "kind without length", 38, { 1, 3 }, TCP_BAD_OPTION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_hdr h;
		uint8_t p[sizeof(SYN)];

		memcpy(p, SYN, sizeof(p));
		if (cases[i].at == 38) /* no other option in the way */
			memset(p + TCP_HDR_LEN, 1, sizeof(p) - TCP_HDR_LEN);
		memcpy(p + cases[i].at, cases[i].bytes, 2);
		if (tcp_parse(&h, p, sizeof(p)) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

static void skips_what_it_does_not_know(void **state)
{
	static const uint8_t options[] = {
		34, 6, 1, 2, 3, 4,         /* fast open */
		2, 3, 9,                   /* MSS of a wrong length */
		3, 4, 1, 1,                /* so the window scale */
		4, 3, 0,                   /* and SACK permitted */
		5, 2,                      /* SACK without a block */
		5, 9, 0, 0, 0, 0, 0, 0, 0, /* and with half of one */
		8, 2,                      /* timestamps */
		2, 4, 0x02, 0x18,          /* MSS 536 */
		0, 2, 0, /* END; what follows is not looked at */
	};
	struct tcp_hdr h;

	(void)state;
	assert_int_equal(parse_options(&h, options, sizeof(options)), TCP_OK);
	assert_true(h.has_mss);
	assert_int_equal(h.mss, 536);
	assert_false(h.has_wscale || h.has_ts || h.sack_permitted);
	assert_int_equal(h.nsack, 0);
}

static void limits_the_window_scale(void **state)
{
	static const uint8_t options[] = { 3, 3, 15 };
	struct tcp_hdr h;

	(void)state;
	assert_int_equal(parse_options(&h, options, sizeof(options)), TCP_OK);
	assert_int_equal(h.wscale, 14);
}

/* Every set of options comes back as it was, SACK blocks as far as they fit. */
static void brings_every_set_of_options_back(void **state)
{
	(void)state;
	for (unsigned set = 0; set < 16 * (TCP_MAX_SACK + 1); set++) {
		struct tcp_hdr h = { .src_port = 1, .dst_port = 2 }, back;
		uint8_t *out;
		size_t len;

		h.has_mss = set & 1;
		h.has_wscale = set & 2;
		h.has_ts = set & 4;
		h.sack_permitted = set & 8;
		h.nsack = (uint8_t)(set / 16);
		for (unsigned i = 0; i < h.nsack; i++)
			h.sack[i].left = seq_of(i + 1);

		len = tcp_emit_len(&h);
		assert_true(len <= TCP_HDR_MAX && len % 4 == 0);
		out = malloc(len);
		assert_non_null(out);
		tcp_emit(out, &h);
		assert_int_equal(tcp_parse(&back, out, len), TCP_OK);
		free(out);

		assert_int_equal(back.hdr_len, len);
		assert_int_equal(back.has_mss, h.has_mss);
		assert_int_equal(back.has_wscale, h.has_wscale);
		assert_int_equal(back.has_ts, h.has_ts);
		assert_int_equal(back.sack_permitted, h.sack_permitted);
		assert_true(back.nsack == h.nsack ||
		    (back.nsack < h.nsack && len + 8 > TCP_HDR_MAX));
		for (unsigned i = 0; i < back.nsack; i++)
			assert_int_equal(back.sack[i].left.n, i + 1);
	}
}

static void verifies_and_seals_the_checksum(void **state)
{
	struct ip_addr src, dst;
	uint8_t p[sizeof(SYN)];

	(void)state;
	assert_true(ip_parse(&src, "192.0.2.1"));
	assert_true(ip_parse(&dst, "192.0.2.2"));
	assert_true(tcp_checksum_ok(SYN, sizeof(SYN), &src, &dst));

	memcpy(p, SYN, sizeof(p));
	p[16] ^= 1;
	assert_false(tcp_checksum_ok(p, sizeof(p), &src, &dst));
	tcp_checksum_seal(p, sizeof(p), &src, &dst);
	assert_memory_equal(p, SYN, sizeof(p));
}

static void prints_field_by_field(void **state)
{
	struct tcp_hdr h;
	struct logged l;

	(void)state;
	assert_int_equal(tcp_parse(&h, SYN, sizeof(SYN)), TCP_OK);
	logged_open(&l);
	tcp_log(&l.log, &h);
	assert_string_equal(logged_close(&l),
	    "    src port: 40000\n"
	    "    dst port: 80\n"
	    "    seq: 16909060\n"
	    "    ack: 0\n"
	    "    header length: 40\n"
	    "    flags: SYN\n"
	    "    window: 64240\n"
	    "    checksum: 0xe40e\n"
	    "    urgent: 0\n"
	    "    mss: 1460\n"
	    "    window scale: 7\n"
	    "    sack permitted: 1\n"
	    "    ts val: 287454020\n"
	    "    ts ecr: 0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field_of_a_syn),
		cmocka_unit_test(reads_every_field_of_an_ack),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_options_cut_by_the_data_offset),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(skips_what_it_does_not_know),
		cmocka_unit_test(limits_the_window_scale),
		cmocka_unit_test(brings_every_set_of_options_back),
		cmocka_unit_test(verifies_and_seals_the_checksum),
		cmocka_unit_test(prints_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
