/*
 * test_packet_id.c - a packet is known again at the next place
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/packet_id.h"
#include "shm/bytes.h"

enum {
	LINKD,
	IPD,
	TCPD,

	UP = 0, /* rings */
	DOWN,
	IPD_TCPD,
	TCPD_IPD,

	RX = TAP_PLACE_DEVICE,
	TX,

	ETH = 14,
	IP = 20,
	HEADERS = 40,
};

static struct topology topo;
static struct taps taps;
static struct packet_ids ids;
static uint8_t frame[ETH + HEADERS];
static int64_t now;

static int setup(void **state)
{
	(void)state;
	memset(&topo, 0, sizeof(topo));
	memset(&taps, 0, sizeof(taps));
	memset(&ids, 0, sizeof(ids));
	topo.nprocs = 3;
	topo.nrings = 4;
	topo.procs[LINKD].layer = LAYER_LINK;
	topo.procs[IPD].layer = LAYER_IP;
	topo.procs[TCPD].layer = LAYER_TCP;
	topo.rings[UP] = (struct topo_ring){ .from = LINKD, .to = IPD };
	topo.rings[DOWN] = (struct topo_ring){ .from = IPD, .to = LINKD };
	topo.rings[IPD_TCPD] = (struct topo_ring){ .from = IPD, .to = TCPD };
	topo.rings[TCPD_IPD] = (struct topo_ring){ .from = TCPD, .to = IPD };
	taps.topo = &topo;
	ids.taps = &taps;
	now = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	packet_ids_free(&ids);
	return 0;
}

/* The headers of a segment from @seq on, with IPv4's number @id. */
static void segment(uint32_t seq, uint16_t id)
{
	uint8_t *ip = frame + ETH;

	memset(frame, 0, sizeof(frame));
	ip[0] = 0x45;
	ip[9] = 6;
	be16_put(ip + 4, id);
	memcpy(ip + 12, "\xc0\0\2\1\xc0\0\2\2", 8);
	be32_put(ip + IP, 0x10000007);
	be32_put(ip + IP + 4, seq);
	ip[IP + 12] = 0x50;
	ip[IP + 13] = 0x10;
}

static uint64_t at(uint16_t place, uint8_t pool, uint16_t slot, uint32_t data)
{
	bool is_frame = place >= RX;
	uint32_t skip = is_frame ? 0 : ETH;
	struct tapped r = { .bytes = frame + skip };

	r.r.kind = is_frame ? TAP_FRAME : TAP_TAKE;
	r.r.place = place;
	r.r.caplen = (uint32_t)sizeof(frame) - skip;
	r.r.len = r.r.caplen + data;
	r.r.time = now++;
	r.r.d.pool = pool;
	r.r.d.slot = slot;
	return packet_id(&ids, &r);
}

/* ---- */

static void up_from_the_device_to_the_transport(void **state)
{
	uint64_t one, two;

	(void)state;
	segment(1, 1);
	one = at(RX, 0, 0, 0);
	assert_int_not_equal(one, 0);
	segment(1, 2); /* the same again, but another packet */
	two = at(RX, 0, 0, 0);
	assert_int_not_equal(two, one);
	assert_int_equal(at(UP, LINKD, 5, 0), one);
	assert_int_equal(at(UP, LINKD, 6, 0), two);
	assert_int_equal(at(IPD_TCPD, LINKD, 6, 0), two);
	assert_int_equal(at(IPD_TCPD, LINKD, 5, 0), one);
}

static void down_from_the_transport_to_the_device(void **state)
{
	uint64_t id;

	(void)state;
	segment(1, 1);
	id = at(TCPD_IPD, TCPD, 9, 100);
	assert_int_not_equal(id, 0);
	assert_int_equal(at(DOWN, TCPD, 9, 100), id);
	assert_int_equal(at(TX, 0, 0, 100), id);
	/* Written once; what else is written is none that we know. */
	assert_int_equal(at(TX, 0, 0, 100), 0);
}

static void pieces_have_the_number_of_the_whole(void **state)
{
	uint64_t id;

	(void)state;
	segment(1000, 1);
	id = at(TCPD_IPD, TCPD, 9, 3000);
	assert_int_equal(at(DOWN, TCPD, 9, 3000), id);
	for (uint32_t seq = 1000; seq < 4000; seq += 1000) {
		segment(seq, (uint16_t)seq);
		assert_int_equal(at(TX, 0, 0, 1000), id);
	}
	assert_int_equal(at(TX, 0, 0, 1000), 0);
}

static void joined_segments_are_the_first(void **state)
{
	uint64_t id;

	(void)state;
	segment(1000, 1);
	id = at(RX, 0, 0, 1000);
	segment(2000, 2);
	at(RX, 0, 0, 1000);
	segment(1000, 1);
	assert_int_equal(at(UP, LINKD, 1, 2000), id);
}

static void a_slot_used_again_holds_another_packet(void **state)
{
	uint64_t one, two;

	(void)state;
	segment(1, 1);
	one = at(TCPD_IPD, TCPD, 9, 0);
	assert_int_equal(at(DOWN, TCPD, 9, 0), one);
	two = at(TCPD_IPD, TCPD, 9, 0);
	assert_int_not_equal(two, one);
	assert_int_equal(at(DOWN, TCPD, 9, 0), two);
	/* Its beginning has not been seen. */
	assert_int_equal(at(DOWN, TCPD, 9, 0), 0);
}

static void nothing_is_said_of_what_began_elsewhere(void **state)
{
	(void)state;
	segment(1, 1);
	assert_int_equal(at(DOWN, TCPD, 9, 0), 0);
	assert_int_equal(at(TX, 0, 0, 0), 0);
}

static void after_a_loss_no_slot_is_trusted(void **state)
{
	(void)state;
	segment(1, 1);
	at(TCPD_IPD, TCPD, 9, 0);
	taps.reader[IPD].lost++;
	assert_int_equal(at(DOWN, TCPD, 9, 0), 0);
	assert_int_not_equal(at(TCPD_IPD, TCPD, 9, 0), 0);
}

static void a_pool_that_is_none_is_nobodys(void **state)
{
	(void)state;
	segment(1, 1);
	assert_int_equal(at(UP, 200, 1, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(up_from_the_device_to_the_transport),
		TEST(down_from_the_transport_to_the_device),
		TEST(pieces_have_the_number_of_the_whole),
		TEST(joined_segments_are_the_first),
		TEST(a_slot_used_again_holds_another_packet),
		TEST(nothing_is_said_of_what_began_elsewhere),
		TEST(after_a_loss_no_slot_is_trusted),
		TEST(a_pool_that_is_none_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
