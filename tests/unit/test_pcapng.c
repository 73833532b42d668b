/*
 * test_pcapng.c - the blocks of a pcapng file, byte for byte
 *
 * In the byte order of this machine, which is little-endian.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/pcapng.h"

static void assert_bytes(struct pcapng *b, const uint8_t *want, size_t len)
{
	assert_false(b->failed);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->p, want, len);
	pcapng_free(b);
}

static void a_section(void **state)
{
	static const uint8_t want[] = { 0x0a, 0x0d, 0x0d, 0x0a, 44, 0, 0,
		0,                                              /* length */
		0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,             /* 1.0 */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* unknown */
		4, 0, 6, 0, 's', 't', 'r', 'a', 't', 'a', 0, 0, /* by whom */
		0, 0, 0, 0,                                     /* end */
		44, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_section(&b, "strata");
	assert_bytes(&b, want, sizeof(want));
}

static void an_interface(void **state)
{
	static const uint8_t want[] = { 1, 0, 0, 0, 52, 0, 0, 0, /* length */
		101, 0, 0, 0, 0x60, 0, 0, 0,                     /* raw, 96 */
		2, 0, 5, 0, 'a', '>', 'b', 'c', 'd', 0, 0, 0,    /* name */
		3, 0, 4, 0, 'r', 'i', 'n', 'g', /* description */
		9, 0, 1, 0, 9, 0, 0, 0,         /* 10^-9 */
		0, 0, 0, 0, 52, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_interface(&b, LINKTYPE_RAW, 96, "a>bcd", "ring");
	assert_bytes(&b, want, sizeof(want));
}

static void a_packet_without_options(void **state)
{
	static const uint8_t want[] = { 6, 0, 0, 0, 40, 0, 0, 0, /* length */
		3, 0, 0, 0,                                      /* interface */
		0x04, 0x03, 0x02, 0x01, 0x08, 0x07, 6, 5,        /* time */
		5, 0, 0, 0, 9, 0, 0, 0, /* 5 of 9 bytes */
		'h', 'e', 'l', 'l', 'o', 0, 0, 0, 40, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_packet(&b,
	    &(struct pcapng_packet){
		.interface = 3,
		.time_ns = 0x0102030405060708,
		.caplen = 5,
		.len = 9,
		.bytes = (const uint8_t *)"hello",
	    });
	assert_bytes(&b, want, sizeof(want));
}

static void a_packet_with_direction_and_reason(void **state)
{
	static const uint8_t want[] = { 6, 0, 0, 0, 56, 0, 0, 0, /* length */
		0, 0, 0, 0,                                      /* interface */
		0, 0, 0, 0, 1, 0, 0, 0,                          /* time */
		4, 0, 0, 0, 4, 0, 0, 0,                          /* whole */
		'a', 'b', 'c', 'd',                              /* bytes */
		1, 0, 3, 0, 'b', 'a', 'd', 0,                    /* comment */
		2, 0, 4, 0, 2, 0, 0, 0,                          /* outbound */
		0, 0, 0, 0, 56, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_packet(&b,
	    &(struct pcapng_packet){
		.time_ns = 1,
		.caplen = 4,
		.len = 4,
		.bytes = (const uint8_t *)"abcd",
		.direction = PCAPNG_OUTBOUND,
		.comment = "bad",
	    });
	assert_bytes(&b, want, sizeof(want));
}

static void a_packet_with_a_number(void **state)
{
	static const uint8_t want[] = { 6, 0, 0, 0, 52, 0, 0, 0, /* length */
		0, 0, 0, 0,                                      /* interface */
		0, 0, 0, 0, 1, 0, 0, 0,                          /* time */
		4, 0, 0, 0, 4, 0, 0, 0,                          /* whole */
		'a', 'b', 'c', 'd',                              /* bytes */
		5, 0, 8, 0, 8, 7, 6, 5, 4, 3, 2, 1,              /* number */
		0, 0, 0, 0, 52, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_packet(&b,
	    &(struct pcapng_packet){
		.time_ns = 1,
		.caplen = 4,
		.len = 4,
		.bytes = (const uint8_t *)"abcd",
		.id = 0x0102030405060708,
	    });
	assert_bytes(&b, want, sizeof(want));
}

static void figures_of_an_interface(void **state)
{
	static const uint8_t want[] = { 5, 0, 0, 0, 88, 0, 0, 0, /* length */
		1, 0, 0, 0,                                      /* interface */
		0, 0, 0, 0, 7, 0, 0, 0,                          /* when */
		2, 0, 8, 0, 0, 0, 0, 0, 5, 0, 0, 0,              /* from */
		3, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0, 0,              /* to */
		4, 0, 8, 0, 10, 0, 0, 0, 0, 0, 0, 0, /* there were */
		5, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0,  /* lost */
		6, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0,  /* wanted */
		0, 0, 0, 0, 88, 0, 0, 0 };
	struct pcapng b = { .len = 0 };

	(void)state;
	pcapng_statistics(&b,
	    &(struct pcapng_statistics){
		.interface = 1,
		.start_ns = 5,
		.end_ns = 7,
		.received = 10,
		.dropped = 2,
		.accepted = 3,
	    });
	assert_bytes(&b, want, sizeof(want));
}

static void many_blocks_one_behind_the_other(void **state)
{
	static uint8_t bytes[60000];
	struct pcapng b = { .len = 0 };
	struct pcapng_packet p = {
		.caplen = sizeof(bytes), .len = sizeof(bytes), .bytes = bytes
	};

	(void)state;
	for (int i = 0; i < 10; i++)
		pcapng_packet(&b, &p);
	assert_false(b.failed);
	assert_int_equal(b.len, 10 * (28 + sizeof(bytes) + 4));
	pcapng_free(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section),
		cmocka_unit_test(an_interface),
		cmocka_unit_test(a_packet_without_options),
		cmocka_unit_test(a_packet_with_direction_and_reason),
		cmocka_unit_test(a_packet_with_a_number),
		cmocka_unit_test(figures_of_an_interface),
		cmocka_unit_test(many_blocks_one_behind_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
