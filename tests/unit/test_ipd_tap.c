/*
 * test_ipd_tap.c - which packet a drop is told of, in ipd
 */
#include <netinet/in.h>

#include "ipd/ipv4.h"
#include "tests/unit/ipd_world.h"
#include "tests/unit/tap_seen.h"

static const uint8_t UDP[] = { 0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0x00, 0x00,
	'p', 'i', 'n', 'g' };

static const struct desc BY_A = { .link = LINK_A };

enum {
	FRAGMENT = 1024,
};

/* The first fragment of a datagram that is to have more. */
static void hear_fragment(struct world *w, const char *from, uint16_t id)
{
	static const uint8_t payload[FRAGMENT];
	uint8_t p[FRAGMENT + IPV4_HDR_LEN];
	size_t len =
	    make4(p, from, "192.0.2.2", IPPROTO_UDP, payload, sizeof(payload));
	struct ipv4_hdr h;

	assert_int_equal(ipv4_parse(&h, p, len), IPV4_OK);
	h.mf = true;
	h.id = id;
	ipv4_emit(p, &h);
	rig_put(w->r, "linkd", "ipd", p, len, &BY_A);
}

static void hear_udp(struct world *w)
{
	uint8_t p[100];
	size_t len =
	    make4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, UDP, sizeof(UDP));

	rig_put(w->r, "linkd", "ipd", p, len, &BY_A);
}

/* Its error goes out in the same turn in which another packet comes. */
static void what_timed_out_is_not_the_packet_in_hand(void **state)
{
	struct world *w = world_open("");
	struct seen *s = seen_open(w->r, "ipd");

	(void)state;
	hear_fragment(w, "192.0.2.1", 7);
	world_turns(w);
	seen_next(s, TAP_TAKE, NULL);
	w->now = ipd_deadline(w->ip);
	hear_udp(w);
	world_turns(w);
	seen_drop(s, "reasm_timeout", 1);
	seen_next(s, TAP_TAKE, NULL);
	assert_int_equal(s->rec.len, IPV4_HDR_LEN + sizeof(UDP));
	seen_close(s);
	world_close(w);
}

static void what_makes_room_is_not_the_fragment_in_hand(void **state)
{
	struct world *w = world_open("\"reassembly\":{\"max_bytes\":65536},");
	struct seen *s = seen_open(w->r, "ipd");
	uint64_t evicted = 0;
	uint32_t told = 0;

	(void)state;
	for (uint16_t id = 1; evicted == 0 && id < 500; id++) {
		hear_fragment(w, "192.0.2.1", id);
		world_turns(w);
		evicted = world_counter(w, "reasm_evicted_to_make_room");
		while (tap_read(&s->r, &s->rec, s->bytes)) {
			if (s->rec.kind == TAP_DROP)
				told += s->rec.len;
			else
				assert_int_equal(s->rec.reason, 0);
		}
	}
	assert_true(evicted > 0);
	assert_int_equal(told, evicted);
	seen_close(s);
	world_close(w);
}

/* The request was answered; it is the answer that has no way. */
static void an_answer_without_a_way_is_not_the_request(void **state)
{
	struct world *w = world_open("");
	struct seen *s = seen_open(w->r, "ipd");
	uint8_t p[200];
	size_t len;

	(void)state;
	len = make_icmp(p, "203.0.113.9", "192.0.2.2", 8, 0, 1, "ping", 4);
	w->ip->down[LINK_A] = NULL;
	rig_put(w->r, "linkd", "ipd", p, len, &BY_A);
	world_turns(w);
	seen_next(s, TAP_TAKE, NULL);
	seen_drop(s, "tx_no_route", 1);
	seen_close(s);
	world_close(w);
}

/* No room for the error: that is told beside, the packet has its own reason. */
static void a_refused_packet_keeps_its_own_reason(void **state)
{
	struct world *w = world_open("");
	struct seen *s = seen_open(w->r, "ipd");
	struct desc d = { .proto = IPPROTO_UDP, .off = SLOT_HEADROOM };

	(void)state;
	d.dst = world_ip("240.0.0.1");
	d.src = world_ip("203.0.113.77"); /* is not ours */
	while (node_room(&w->ip->n, node_out(&w->ip->n, LAYER_UDP, 0), 1)) {
		hear_udp(w);
		world_turns(w);
		assert_true(tap_read(&s->r, &s->rec, s->bytes));
	}
	rig_put(w->r, "udpd", "ipd", UDP, sizeof(UDP), &d);
	world_turns(w);
	seen_next(s, TAP_TAKE, "tx_source_not_ours");
	seen_drop(s, "tx_error_not_handed_up", 1);
	seen_close(s);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_timed_out_is_not_the_packet_in_hand),
		cmocka_unit_test(what_makes_room_is_not_the_fragment_in_hand),
		cmocka_unit_test(an_answer_without_a_way_is_not_the_request),
		cmocka_unit_test(a_refused_packet_keeps_its_own_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
