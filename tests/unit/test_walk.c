/*
 * test_walk.c - which frame is the packet that was in a ring
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/walk.h"
#include "shm/bytes.h"

enum {
	IP = 20,
	HEADERS = 40,
	SEQ = 1000,
};

/* A TCP segment of IPv4: @data bytes from @seq on. */
static struct identity segment(uint32_t seq, uint32_t data, uint8_t flags)
{
	uint8_t p[HEADERS] = { 0x45 };
	struct identity id;

	p[9] = 6;
	memcpy(p + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
	be16_put(p + IP, 4242);
	be16_put(p + IP + 2, 7);
	be32_put(p + IP + 4, seq);
	p[IP + 12] = 0x50;
	p[IP + 13] = flags;
	assert_true(identity_of(&id, p, HEADERS, HEADERS + data));
	return id;
}

static void a_super_segment_holds_its_segments(void **state)
{
	struct identity whole = segment(SEQ, 3000, 0x10);
	struct identity first = segment(SEQ, 1000, 0x10);
	struct identity last = segment(SEQ + 2000, 1000, 0x10);
	struct identity next = segment(SEQ + 3000, 1000, 0x10);
	struct identity before = segment(SEQ - 1, 1, 0x10);

	(void)state;
	assert_true(identity_holds(&whole, &first));
	assert_true(identity_holds(&whole, &last));
	assert_false(identity_holds(&whole, &next));
	assert_false(identity_holds(&whole, &before));
}

static void one_without_data_holds_itself(void **state)
{
	struct identity ack = segment(SEQ, 0, 0x10);
	struct identity syn = segment(SEQ, 0, 0x02);
	struct identity next = segment(SEQ + 1, 0, 0x10);

	(void)state;
	assert_true(identity_holds(&ack, &ack));
	assert_false(identity_holds(&ack, &next));
	assert_int_equal(syn.len, 1);
}

static void pings_differ_by_their_number(void **state)
{
	uint8_t p[IP + 8] = { 0x45 };
	struct identity one, two, summed;

	(void)state;
	p[9] = 1;
	p[IP] = 8;
	be16_put(p + IP + 6, 1);
	assert_true(identity_of(&one, p, sizeof(p), 84));
	/* The device finishes the checksum. */
	be16_put(p + IP + 2, 0xbeef);
	assert_true(identity_of(&summed, p, sizeof(p), 84));
	be16_put(p + IP + 6, 2);
	assert_true(identity_of(&two, p, sizeof(p), 84));
	assert_true(identity_holds(&one, &summed));
	assert_false(identity_holds(&one, &two));
}

static void what_is_no_ip_packet_is_nothing(void **state)
{
	uint8_t p[64] = { 0x15 };
	struct identity id;

	(void)state;
	assert_false(identity_of(&id, p, sizeof(p), sizeof(p)));
	assert_false(identity_of(&id, p, 0, 0));
	p[0] = 0x60;
	assert_false(identity_of(&id, p, 39, 39));
	assert_true(identity_of(&id, p, 40, 40));
	p[0] = 0x4f;
	assert_true(identity_of(&id, p, 24, 24));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_super_segment_holds_its_segments),
		cmocka_unit_test(one_without_data_holds_itself),
		cmocka_unit_test(pings_differ_by_their_number),
		cmocka_unit_test(what_is_no_ip_packet_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
