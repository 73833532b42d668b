/*
 * test_checksum.c - the Internet checksum against its definition
 */
#include "shm/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/bytes.h"

enum {
	ROUNDS = 2000,
	LONGEST = 600,
};

/* The same numbers in each run: xorshift64 (Marsaglia). */
static uint64_t seed = 88172645463325252u;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(uint8_t *p, size_t len)
{
	/* Long runs of ones: that is where carries come from. */
	bool ones = draw() % 4 == 0;

	for (size_t i = 0; i < len; i++)
		p[i] = ones ? 0xff : (uint8_t)draw();
}

/* RFC 1071, 1: pairs of bytes, end-around carry, odd byte padded with zero. */
static uint16_t plain_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}

/* 0 and 0xffff are one number in ones' complement. */
static uint16_t same(uint32_t sum)
{
	uint16_t v = csum_fold_partial(sum);

	return v == 0xffff ? 0 : v;
}

static void agrees_with_the_example_of_rfc_1071(void **state)
{
	/* Section 3: the sum of these is ddf2. */
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5,
		0xf6, 0xf7 };

	(void)state;
	assert_int_equal(
	    csum_fold_partial(csum_add(0, data, sizeof(data))), 0xddf2);
	assert_int_equal(csum_fold(csum_add(0, data, sizeof(data))), 0x220d);
}

static void an_ipv4_header_with_its_checksum_sums_to_zero(void **state)
{
	uint8_t h[20] = { 0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 17, 0, 0, 0xc0,
		0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7 };

	(void)state;
	assert_int_equal(csum_fold(csum_add(0, h, sizeof(h))), 0xb861);
	be16_put(h + 10, 0xb861);
	assert_int_equal(csum_fold(csum_add(0, h, sizeof(h))), 0);
}

static void nothing_sums_to_nothing(void **state)
{
	const uint8_t none = 0;

	(void)state;
	assert_int_equal(csum_add(0, &none, 0), 0);
	assert_int_equal(csum_add(77, &none, 0), 77);
	assert_int_equal(csum_fold(0), 0xffff);
}

static void every_length_and_alignment_agrees(void **state)
{
	uint8_t buf[LONGEST + 16];

	(void)state;
	fill(buf, sizeof(buf));
	for (size_t len = 0; len <= LONGEST; len++) {
		for (size_t at = 0; at < 9; at++)
			assert_int_equal(same(csum_add(0, buf + at, len)),
			    plain_sum(buf + at, len) % 0xffff);
	}
}

/* An allocation of exactly len bytes, for ASan's red zone. */
static void reads_no_byte_too_many(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 100; len++) {
		uint8_t *p = malloc(len);

		assert_non_null(p);
		fill(p, len);
		assert_int_equal(
		    same(csum_add(0, p, len)), plain_sum(p, len) % 0xffff);
		free(p);
	}
}

static void pieces_cut_anywhere_give_the_whole(void **state)
{
	uint8_t buf[LONGEST];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = draw() % LONGEST;
		size_t at = 0;
		uint32_t sum = 0;

		fill(buf, len);
		while (at < len) {
			size_t piece = 1 + draw() % (len - at);

			sum = csum_add_at(sum, buf + at, piece, at);
			at += piece;
		}
		assert_int_equal(same(sum), plain_sum(buf, len) % 0xffff);
	}
}

static void partial_sums_join_in_any_order(void **state)
{
	uint8_t buf[LONGEST];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = draw() % LONGEST;
		size_t cut = len ? draw() % len : 0;
		uint32_t head, tail;

		fill(buf, len);
		head = csum_add(0, buf, cut);
		tail = csum_add_at(0, buf + cut, len - cut, cut);
		assert_int_equal(csum_fold(csum_join(head, tail)),
		    csum_fold(csum_join(tail, head)));
		assert_int_equal(
		    same(csum_join(head, tail)), plain_sum(buf, len) % 0xffff);
	}
}

static void a_partial_sum_near_its_limit_wraps_rightly(void **state)
{
	static const uint8_t ones[2] = { 0xff, 0xff };
	static const uint8_t two[2] = { 0, 2 };

	(void)state;
	/* 2^32 - 1 is a multiple of 65,535, so it counts as 0. */
	assert_int_equal(same(csum_add(UINT32_MAX, two, 2)), 2);
	assert_int_equal(same(csum_add(UINT32_MAX, ones, 2)), 0);
}

static void pseudo_header_is_that_of_the_family(void **state)
{
	uint8_t v4[12] = { 192, 0, 2, 1, 192, 0, 2, 2, 0, 17, 0xff, 0xe3 };
	uint8_t v6[40] = { 0x20, 1, 0xd, 0xb8, [15] = 1, [16] = 0x20, 1, 0xd,
		0xb8, [31] = 2, [32] = 0, 1, 0x86, 0xa0, [39] = 58 };
	struct ip_addr a4 = ip_from_v4(v4), b4 = ip_from_v4(v4 + 4);
	struct ip_addr a6 = ip_from_v6(v6), b6 = ip_from_v6(v6 + 16);

	(void)state;
	assert_int_equal(same(csum_pseudo(&a4, &b4, 17, 0xffe3)),
	    plain_sum(v4, sizeof(v4)) % 0xffff);
	assert_int_equal(same(csum_pseudo(&a6, &b6, 58, 0x186a0)),
	    plain_sum(v6, sizeof(v6)) % 0xffff);
}

static void a_udp_datagram_gets_the_known_checksum(void **state)
{
	/* "ping" from 192.0.2.1 port 40000 to the echo port of 192.0.2.2. */
	static const uint8_t d[] = { 0x9c, 0x40, 0, 7, 0, 12, 0, 0, 'p', 'i',
		'n', 'g' };
	struct ip_addr src, dst;

	(void)state;
	assert_true(ip_parse(&src, "192.0.2.1"));
	assert_true(ip_parse(&dst, "192.0.2.2"));
	assert_int_equal(
	    csum_fold(
		csum_add(csum_pseudo(&src, &dst, 17, sizeof(d)), d, sizeof(d))),
	    0x00ba);
}

static void udp_never_sends_zero(void **state)
{
	(void)state;
	assert_int_equal(csum_fold(0xffff), 0);
	assert_int_equal(csum_fold_udp(0xffff), 0xffff);
	assert_int_equal(csum_fold_udp(0x1234), csum_fold(0x1234));
}

/* RFC 1624, 4: the case in which the older equation gave 0xffff. */
static void update_agrees_with_the_example_of_rfc_1624(void **state)
{
	(void)state;
	assert_int_equal(csum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void update_agrees_with_summing_again(void **state)
{
	uint8_t buf[40];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t at = draw() % 18 * 2;
		uint16_t check, old16;
		uint32_t old32;

		fill(buf, sizeof(buf));
		buf[38] = 1; /* not all zero: there 0 and ffff both hold */
		check = csum_fold(csum_add(0, buf, sizeof(buf)));
		old16 = be16_get(buf + at);
		be16_put(buf + at, (uint16_t)draw());
		check = csum_update16(check, old16, be16_get(buf + at));
		assert_int_equal(
		    check, csum_fold(csum_add(0, buf, sizeof(buf))));

		old32 = be32_get(buf + at);
		be32_put(buf + at, (uint32_t)draw());
		check = csum_update32(check, old32, be32_get(buf + at));
		assert_int_equal(
		    check, csum_fold(csum_add(0, buf, sizeof(buf))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_example_of_rfc_1071),
		cmocka_unit_test(an_ipv4_header_with_its_checksum_sums_to_zero),
		cmocka_unit_test(nothing_sums_to_nothing),
		cmocka_unit_test(every_length_and_alignment_agrees),
		cmocka_unit_test(reads_no_byte_too_many),
		cmocka_unit_test(pieces_cut_anywhere_give_the_whole),
		cmocka_unit_test(partial_sums_join_in_any_order),
		cmocka_unit_test(a_partial_sum_near_its_limit_wraps_rightly),
		cmocka_unit_test(pseudo_header_is_that_of_the_family),
		cmocka_unit_test(a_udp_datagram_gets_the_known_checksum),
		cmocka_unit_test(udp_never_sends_zero),
		cmocka_unit_test(update_agrees_with_the_example_of_rfc_1624),
		cmocka_unit_test(update_agrees_with_summing_again),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
