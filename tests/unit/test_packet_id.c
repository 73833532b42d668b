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

	DROPS = TAP_PLACE_DROPS,

	ETH = 14,
	IP = 20,
	HEADERS = 40,
	IP6 = 40,
	UDP = 8,
	DATA = 100,
	FRAME = ETH + IP6 + UDP + DATA,
};

static struct topology topo;
static struct taps taps;
static struct packet_ids ids;
static uint8_t frame[FRAME];
static uint32_t caplen; /* of a frame */
static uint16_t flags;
static uint32_t reason;
static uint8_t link_of;
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
	taps.wish.rings = 0xf;
	ids.taps = &taps;
	flags = 0;
	reason = 0;
	link_of = 0;
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
	caplen = ETH + HEADERS;
	ip[0] = 0x45;
	ip[9] = 6;
	be16_put(ip + 4, id);
	memcpy(ip + 12, "\xc0\0\2\1\xc0\0\2\2", 8);
	be32_put(ip + IP, 0x10000007);
	be32_put(ip + IP + 4, seq);
	ip[IP + 12] = 0x50;
	ip[IP + 13] = 0x10;
}

/* An IPv6 datagram that says @what, its checksum not finished. */
static void datagram(uint32_t what)
{
	uint8_t *ip = frame + ETH;

	memset(frame, 0, sizeof(frame));
	caplen = FRAME;
	ip[0] = 0x60;
	be16_put(ip + 4, UDP + DATA);
	ip[6] = 17;
	ip[8] = ip[24] = 0x20;
	be32_put(ip + IP6, 0x10000009);
	be16_put(ip + IP6 + 4, UDP + DATA);
	be16_put(ip + IP6 + 6, 0x1111);
	be32_put(ip + IP6 + UDP + DATA - 4, what);
}

static void finish_checksum(void)
{
	be16_put(frame + ETH + IP6 + 6, 0x2222);
}

static uint64_t at(uint16_t place, uint8_t pool, uint16_t slot, uint32_t data)
{
	bool is_frame = place == RX || place == TX;
	uint32_t skip = is_frame ? 0 : ETH;
	uint32_t snap = taps.wish.snap;
	struct tapped r = { .bytes = frame + skip };

	r.r.kind = is_frame ? TAP_FRAME : place == DROPS ? TAP_DROP : TAP_TAKE;
	r.r.place = place;
	r.r.caplen = caplen - skip;
	r.r.len = r.r.caplen + data;
	if (snap > 0 && r.r.caplen > snap)
		r.r.caplen = snap;
	r.r.time = now++;
	r.r.d.pool = pool;
	r.r.d.slot = slot;
	r.r.d.flags = flags;
	r.r.d.link = link_of;
	r.r.reason = reason;
	return packet_id(&ids, &r);
}

/* @what has come down to linkd, in this slot. */
static uint64_t sent(uint32_t what, uint16_t slot)
{
	uint64_t id;

	datagram(what);
	id = at(TCPD_IPD, TCPD, slot, 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(at(DOWN, TCPD, slot, 0), id);
	return id;
}

static uint64_t written(uint32_t what)
{
	datagram(what);
	finish_checksum();
	return at(TX, 0, 0, 0);
}

static uint64_t waited_in_vain(uint32_t what)
{
	datagram(what);
	return at(DROPS, 0, 0, 0);
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
	segment(1, 1);
	assert_int_equal(at(UP, LINKD, 5, 0), one);
	segment(1, 2);
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
	/* The wire doubles it; what else is written is none that we know. */
	assert_int_equal(at(TX, 0, 0, 100), id);
	segment(2, 1);
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
	segment(4000, 4);
	assert_int_equal(at(TX, 0, 0, 1000), 0);
	segment(3500, 4); /* begins within, ends without */
	assert_int_equal(at(TX, 0, 0, 1000), 0);
	segment(1000, 4); /* an ACK with no data is no piece */
	assert_int_equal(at(TX, 0, 0, 0), 0);
}

static void data_is_not_the_ack_before_it(void **state)
{
	uint64_t ack, data;

	(void)state;
	segment(1000, 1);
	ack = at(TCPD_IPD, TCPD, 9, 0);
	at(DOWN, TCPD, 9, 0);
	data = at(TCPD_IPD, TCPD, 10, 500);
	at(DOWN, TCPD, 10, 500);
	assert_int_equal(at(TX, 0, 0, 500), data);
	assert_int_equal(at(TX, 0, 0, 0), ack);
}

static void another_ack_is_another_segment(void **state)
{
	uint64_t one, two;

	(void)state;
	segment(1000, 1);
	one = at(TCPD_IPD, TCPD, 9, 50);
	at(DOWN, TCPD, 9, 50);
	be32_put(frame + ETH + IP + 8, 7);
	assert_int_equal(at(TX, 0, 0, 50), 0);
	two = at(TCPD_IPD, TCPD, 10, 50);
	at(DOWN, TCPD, 10, 50);
	assert_int_equal(at(TX, 0, 0, 50), two);
	segment(1000, 1);
	assert_int_equal(at(TX, 0, 0, 50), one);
}

static void a_piece_of_two_is_neithers(void **state)
{
	(void)state;
	segment(1000, 1);
	at(TCPD_IPD, TCPD, 9, 3000);
	at(DOWN, TCPD, 9, 3000);
	at(TCPD_IPD, TCPD, 10, 2000); /* sent again, less of it */
	at(DOWN, TCPD, 10, 2000);
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

static void padding_is_no_part_of_a_packet(void **state)
{
	uint64_t id;

	(void)state;
	segment(1000, 1);
	be16_put(frame + ETH + 2, HEADERS);
	id = at(RX, 0, 0, 6);
	assert_int_equal(at(UP, LINKD, 1, 0), id);
}

static void alike_frames_that_came_in_are_not_told_apart(void **state)
{
	uint64_t one, two, up;

	(void)state;
	datagram(1);
	one = at(RX, 0, 0, 0);
	two = at(RX, 0, 0, 0);
	assert_int_not_equal(one, two);
	up = at(UP, LINKD, 1, 0);
	assert_int_not_equal(up, one);
	assert_int_not_equal(up, two);
	assert_int_equal(at(IPD_TCPD, LINKD, 1, 0), up);
	up = at(UP, LINKD, 2, 0);
	assert_int_not_equal(up, one);
	assert_int_not_equal(up, two);
}

/* ---- What linkd keeps for a while */

static void the_data_tell_datagrams_apart(void **state)
{
	uint64_t one, two;

	(void)state;
	one = sent(1, 1);
	two = sent(2, 2);
	assert_int_equal(written(3), 0);
	assert_int_equal(written(2), two);
	assert_int_equal(written(1), one);
	/* Each once more. */
	assert_int_equal(written(2), two);
	assert_int_equal(written(1), one);
}

static void a_length_tells_them_apart(void **state)
{
	(void)state;
	sent(0, 1);
	datagram(0);
	finish_checksum();
	be16_put(frame + ETH + 4, UDP + DATA - 1);
	assert_int_equal(at(TX, 0, 0, 0), 0);
	/* Of what isn't looked at there may be less. */
	be16_put(frame + ETH + 4, 0);
	at(TCPD_IPD, TCPD, 2, 4000);
	at(DOWN, TCPD, 2, 4000);
	assert_int_equal(at(TX, 0, 0, 3999), 0);
	assert_int_not_equal(at(TX, 0, 0, 4000), 0);
}

static void the_number_of_ipv4_tells_them_apart(void **state)
{
	uint64_t one, two;

	(void)state;
	segment(0, 1);
	frame[ETH + 9] = 17;
	one = at(TCPD_IPD, TCPD, 1, 0);
	at(DOWN, TCPD, 1, 0);
	be16_put(frame + ETH + 4, 2);
	assert_int_equal(at(TX, 0, 0, 0), 0);
	two = at(TCPD_IPD, TCPD, 2, 0);
	at(DOWN, TCPD, 2, 0);
	assert_int_equal(at(TX, 0, 0, 0), two);
	be16_put(frame + ETH + 4, 1);
	assert_int_equal(at(TX, 0, 0, 0), one);
}

static void alike_ones_are_not_told_apart(void **state)
{
	uint64_t other;

	(void)state;
	sent(1, 1);
	other = sent(2, 2);
	sent(1, 3);
	assert_int_equal(written(1), 0);
	assert_int_equal(written(2), other);
	assert_int_equal(written(1), 0);
	sent(1, 4); /* it may be the first that is doubled */
	assert_int_equal(written(1), 0);
}

static void nor_when_one_was_waited_for_too_long(void **state)
{
	(void)state;
	sent(1, 1);
	now += 3 * (int64_t)NS_PER_S;
	sent(1, 2);
	assert_int_equal(written(1), 0);
	now += 3 * (int64_t)NS_PER_S;
	assert_int_equal(written(1), 0);
}

static void one_after_the_other_they_are(void **state)
{
	uint64_t id;

	(void)state;
	for (uint16_t i = 1; i < 9; i++) {
		id = sent(1, i);
		assert_int_equal(written(1), id);
	}
	/* Of which it is the double? */
	assert_int_equal(written(1), 0);
}

static void one_of_unknown_beginning_is_one_alike(void **state)
{
	(void)state;
	datagram(1);
	assert_int_equal(at(DOWN, TCPD, 1, 0), 0);
	sent(1, 2);
	assert_int_equal(written(1), 0);
	assert_int_equal(written(1), 0);
}

static void so_is_one_from_before_a_loss(void **state)
{
	(void)state;
	sent(1, 1);
	taps.reader[IPD].lost++;
	sent(1, 2);
	assert_int_equal(written(1), 0);
	assert_int_equal(written(1), 0);
}

static void what_waited_in_vain_waits_no_more(void **state)
{
	uint64_t one, two;

	(void)state;
	one = sent(1, 1);
	assert_int_equal(waited_in_vain(2), 0);
	assert_int_equal(waited_in_vain(1), one);
	assert_int_equal(waited_in_vain(1), 0);
	two = sent(1, 2);
	assert_int_equal(written(1), two);
}

static void after_five_seconds_nothing_is_waited_for(void **state)
{
	uint64_t one, two;

	(void)state;
	one = sent(1, 1);
	two = sent(2, 2);
	now += 4 * (int64_t)NS_PER_S;
	assert_int_equal(written(2), two);
	now += NS_PER_S;
	assert_int_equal(written(1), 0);
	assert_int_not_equal(one, 0);
	datagram(1);
	one = at(RX, 0, 0, 0);
	now += 6 * (int64_t)NS_PER_S;
	assert_int_not_equal(at(UP, LINKD, 1, 0), one);
}

static void what_comes_back_to_us_is_not_written(void **state)
{
	uint64_t id;

	(void)state;
	flags = PKT_LOOP;
	sent(1, 1);
	flags = 0;
	id = sent(1, 2);
	assert_int_equal(written(1), id);
}

static void what_linkd_refuses_is_not_written(void **state)
{
	uint64_t id;

	(void)state;
	datagram(1);
	at(TCPD_IPD, TCPD, 1, 0);
	reason = 1;
	assert_int_not_equal(at(DOWN, TCPD, 1, 0), 0);
	reason = 0;
	assert_int_equal(written(1), 0);
	id = sent(1, 2);
	assert_int_equal(written(1), id);
}

static void another_link_has_other_packets(void **state)
{
	uint64_t one, two;

	(void)state;
	one = sent(1, 1);
	link_of = 1;
	assert_int_equal(written(1), 0);
	two = sent(1, 2);
	assert_int_equal(written(1), two);
	link_of = 0;
	assert_int_equal(written(1), one);
}

static void what_came_in_does_not_go_out(void **state)
{
	(void)state;
	datagram(1);
	assert_int_not_equal(at(RX, 0, 0, 0), 0);
	assert_int_equal(written(1), 0);
}

static void with_few_bytes_what_is_there_of_both_must_do(void **state)
{
	uint64_t one, two;

	(void)state;
	taps.wish.snap = ETH + IP6 + UDP + DATA - 1;
	one = sent(0x100, 1);
	two = sent(0x200, 2);
	assert_int_equal(written(0x200), two);
	assert_int_equal(written(0x100), one);
	/* They differ in what is not there. */
	sent(0x301, 1);
	sent(0x302, 2);
	assert_int_equal(written(0x301), 0);
	taps.wish.snap = ETH + IP6 - 1;
	sent(1, 1);
	assert_int_equal(written(1), 0);
}

static void it_begins_where_it_is_seen_first(void **state)
{
	uint64_t id;

	(void)state;
	taps.wish.rings = 1 << DOWN;
	datagram(1);
	id = at(DOWN, TCPD, 1, 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(written(1), id);
	datagram(2);
	assert_int_not_equal(at(DOWN, TCPD, 1, 0), id);
}

/* ---- By the slot */

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
		TEST(data_is_not_the_ack_before_it),
		TEST(another_ack_is_another_segment),
		TEST(a_piece_of_two_is_neithers),
		TEST(padding_is_no_part_of_a_packet),
		TEST(alike_frames_that_came_in_are_not_told_apart),
		TEST(the_data_tell_datagrams_apart),
		TEST(a_length_tells_them_apart),
		TEST(the_number_of_ipv4_tells_them_apart),
		TEST(alike_ones_are_not_told_apart),
		TEST(nor_when_one_was_waited_for_too_long),
		TEST(one_after_the_other_they_are),
		TEST(one_of_unknown_beginning_is_one_alike),
		TEST(so_is_one_from_before_a_loss),
		TEST(what_waited_in_vain_waits_no_more),
		TEST(after_five_seconds_nothing_is_waited_for),
		TEST(what_comes_back_to_us_is_not_written),
		TEST(what_linkd_refuses_is_not_written),
		TEST(another_link_has_other_packets),
		TEST(what_came_in_does_not_go_out),
		TEST(with_few_bytes_what_is_there_of_both_must_do),
		TEST(it_begins_where_it_is_seen_first),
		TEST(a_slot_used_again_holds_another_packet),
		TEST(nothing_is_said_of_what_began_elsewhere),
		TEST(after_a_loss_no_slot_is_trusted),
		TEST(a_pool_that_is_none_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
