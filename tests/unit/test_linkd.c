/*
 * test_linkd.c - frames in, frames out: what linkd makes of each
 */
#include <stdio.h>
#include <sys/mman.h>

#include "tests/unit/linkd_world.h"

/* clang-format off */
/* Our answer to WHO_HAS. */
static const uint8_t IS_AT[] = {
	0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x06,
	0, 1, 8, 0, 6, 4, 0, 2, /* Ethernet, IPv4 */
	0x02, 0, 0, 0, 0, 0x02, 192, 0, 2, 2, /* sender */
	0x02, 0, 0, 0, 0, 0x01, 192, 0, 2, 1, /* target */
};

/* We ask for 192.0.2.9; it answers. */
static const uint8_t WHO_HAS_9[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x06,
	0, 1, 8, 0, 6, 4, 0, 1, /* Ethernet, IPv4 */
	0x02, 0, 0, 0, 0, 0x02, 192, 0, 2, 2, /* sender */
	0, 0, 0, 0, 0, 0, 192, 0, 2, 9, /* target */
};

static const uint8_t IS_AT_9[] = {
	0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x09, 0x08, 0x06,
	0, 1, 8, 0, 6, 4, 0, 2, /* Ethernet, IPv4 */
	0x02, 0, 0, 0, 0, 0x09, 192, 0, 2, 9, /* sender */
	0x02, 0, 0, 0, 0, 0x02, 192, 0, 2, 2, /* target */
};
/* clang-format on */

static struct world *quiet(void)
{
	return world_quiet(
	    WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500,"), VNET_MAX_LEN);
}

static void answers_who_has(void **state)
{
	struct world *w = quiet();

	(void)state;
	wire_put(w, WHO_HAS, sizeof(WHO_HAS));
	world_run(w, 1);
	assert_frame(w, IS_AT, sizeof(IS_AT));
	assert_null(wire_get(w));
	assert_count(w, "rx_arp", 1);
	world_close(w);
}

/* Of all links together, and of each: here there is one. */
static void counts_frames_and_bytes(void **state)
{
	static const char *const names[] = { "rx_frames", "rx_bytes",
		"tx_frames", "tx_bytes" };
	struct world *w = quiet();
	uint64_t bytes = rig_counter(w->r, "linkd", "tx_bytes");
	char of_link[32];

	(void)state;
	wire_put(w, WHO_HAS, sizeof(WHO_HAS));
	world_run(w, 1);
	assert_count(w, "rx_frames", 1);
	assert_count(w, "rx_bytes", sizeof(WHO_HAS));
	assert_count(w, "tx_bytes", (uint32_t)bytes + sizeof(IS_AT));
	for (size_t i = 0; i < 4; i++) {
		snprintf(of_link, sizeof(of_link), "link0_%s", names[i]);
		assert_int_equal(rig_counter(w->r, "linkd", of_link),
		    rig_counter(w->r, "linkd", names[i]));
	}
	world_close(w);
}

static void passes_ip_up(void **state)
{
	struct world *w = quiet();
	uint8_t buf[100] = { 0 };
	struct desc d;

	(void)state;
	wire_put(w, buf, frame(buf, TO_US, PACKET, sizeof(PACKET)));
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_int_equal(d.kind, PKT_DATA);
	assert_int_equal(d.len, sizeof(PACKET));
	assert_int_equal(d.flags, 0);
	assert_int_equal(d.link, 0);
	assert_memory_equal(buf, PACKET, sizeof(PACKET));
	world_close(w);
}

static void tells_what_the_device_left_undone(void **state)
{
	struct world *w = quiet();
	uint8_t buf[3000] = { 0 };
	struct vnet v = {
		.gso = VNET_GSO_TCP4,
		.gso_size = 1448,
		.csum_partial = true,
		.csum_start = 34,
		.csum_offset = 16,
	};
	struct desc d;

	(void)state;
	memcpy(buf, TO_US, sizeof(TO_US));
	memcpy(buf + ETH_HDR_LEN, PACKET, sizeof(PACKET));
	vnet_emit(wire_put(w, buf, sizeof(buf))->vnet, VNET_MAX_LEN, &v);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_int_equal(d.flags, PKT_CSUM_PARTIAL);
	assert_int_equal(d.csum_start, 20);
	assert_int_equal(d.csum_offset, 16);
	assert_int_equal(d.gso_size, 1448);
	assert_int_equal(d.len, 3000 - ETH_HDR_LEN);
	/* It went up in the slot it was read into. */
	assert_true(d.slot >= w->r->topo.procs[0].small_slots);
	world_close(w);
}

static void counts_what_it_refuses(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *counter;
	} cases[] = {
		{ 12, 0x81, "rx_vlan" },
		{ 12, 0x01, "rx_llc" },
		{ 12, 0x99, "rx_unknown_type" },
		{ 5, 0x03, "rx_not_for_us" },
		{ 6, 0x01, "rx_bad_src" },
	};
	struct world *w = quiet();
	uint8_t buf[100] = { 0 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = frame(buf, TO_US, PACKET, sizeof(PACKET));
		buf[cases[i].at] = cases[i].byte;
		wire_put(w, buf, len);
		world_run(w, 1);
		assert_count(w, cases[i].counter, 1);
	}
	wire_put(w, buf, 13);
	frame(buf, TO_US, PACKET, sizeof(PACKET));
	wire_put(w, buf, len)->tagged = true;
	wire_put(w, buf, len)->vnet[1] = 77;
	world_run(w, 1);
	assert_count(w, "rx_short", 1);
	assert_count(w, "rx_vlan", 2);
	assert_count(w, "rx_bad_offload", 1);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 0);
	world_close(w);
}

static void asks_and_sends_what_waited(void **state)
{
	struct world *w = quiet();
	struct desc d = down("192.0.2.9");
	uint8_t want[100];
	size_t len = frame(want, TO_US, PACKET, sizeof(PACKET));

	(void)state;
	memcpy(want, IS_AT_9 + 6, 6);
	memcpy(want + 6, IS_AT_9, 6);
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	assert_frame(w, WHO_HAS_9, sizeof(WHO_HAS_9));
	/* Its slot is home again although the packet waits. */
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	wire_put(w, IS_AT_9, sizeof(IS_AT_9));
	world_run(w, 1);
	assert_frame(w, want, len);
	/* From now on at once. */
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	assert_frame(w, want, len);
	assert_null(wire_get(w));
	world_close(w);
}

static void a_restart_keeps_what_waits(void **state)
{
	struct world *w = quiet();
	struct desc d = down("192.0.2.9");

	(void)state;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	world_crash(w);
	wire_drain(w);
	wire_put(w, IS_AT_9, sizeof(IS_AT_9));
	world_run(w, 1);
	assert_int_equal(wire_take(w)->len, ETH_HDR_LEN + sizeof(PACKET));
	world_close(w);
}

static void gives_up_and_says_so(void **state)
{
	struct world *w = quiet();
	struct desc d = down("192.0.2.9");
	uint8_t buf[100] = { 0 };

	(void)state;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	for (int i = 0; i < 5; i++)
		world_run(w, 1001);
	for (int i = 0; i < 3; i++)
		assert_frame(w, WHO_HAS_9, sizeof(WHO_HAS_9));
	assert_null(wire_get(w));
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_int_equal(d.kind, PKT_ERROR);
	assert_int_equal(d.icmp_type, 3);
	assert_int_equal(d.icmp_code, 1);
	assert_memory_equal(buf, PACKET, sizeof(PACKET));
	world_close(w);
}

static void loops_what_is_for_ourselves(void **state)
{
	struct world *w = quiet();
	struct desc d = down("192.0.2.2");
	uint8_t buf[100] = { 0 };

	(void)state;
	d.flags = PKT_LOOP | PKT_CSUM_PARTIAL;
	d.csum_start = 20;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	assert_true(rig_take(w->r, "ipd", "linkd", &d, buf, sizeof(buf)));
	assert_int_equal(d.flags, PKT_LOOP | PKT_CSUM_PARTIAL);
	assert_int_equal(d.pool, 0);
	assert_memory_equal(buf, PACKET, sizeof(PACKET));
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	assert_null(wire_get(w));
	world_close(w);
}

/* Else ipd and linkd could each wait for the other's ring, for ever. */
static void loops_never_wait_for_room_upwards(void **state)
{
	struct world *w = quiet();
	struct desc d = down("192.0.2.2");

	(void)state;
	d.flags = PKT_LOOP;
	for (int i = 0; i < 3000; i++) {
		rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
		world_run(w, 1);
		assert_int_equal(rig_waiting(w->r, "ipd", "linkd"), 0);
	}
	assert_int_equal(rig_counter(w->r, "linkd", "tx_loop") +
		rig_counter(w->r, "linkd", "tx_loop_full"),
	    3000);
	assert_true(rig_counter(w->r, "linkd", "tx_loop_full") > 0);
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

static void knows_the_mac_of_a_group(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	static const uint8_t mac[] = { 0x01, 0x00, 0x5e, 1, 2, 3 };
	static const uint8_t all[] = { 255, 255, 255, 255, 255, 255 };

	(void)state;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	assert_memory_equal(wire_take(w)->b, mac, 6);
	d = down("192.0.2.255");
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	world_run(w, 1);
	assert_memory_equal(wire_take(w)->b, all, 6);
	world_close(w);
}

static void a_lying_ipd_does_no_harm(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	static const struct {
		const char *counter;
		struct desc d;
	} lies[] = {
		{ "bad_descriptor", { .pool = 1, .slot = 60000, .len = 20 } },
		{ "bad_descriptor", { .pool = 99, .len = 20 } },
		{ "tx_bad_link", { .pool = 1, .len = 20, .link = 7 } },
		{ "tx_bad_kind", { .pool = 1, .len = 20, .kind = 9 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		rig_put_desc(w->r, "ipd", "linkd", &lies[i].d);
	d.flags = PKT_CSUM_PARTIAL;
	d.csum_start = 65000;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	d = down("224.1.2.3");
	d.gso_size = 1;
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	d = down("ff02::1");
	rig_put(w->r, "ipd", "linkd", PACKET, sizeof(PACKET), &d);
	d = down("224.1.2.3");
	rig_put(w->r, "ipd", "linkd", "\x00\x01", 2, &d);
	world_run(w, 1);
	assert_count(w, "bad_descriptor", 2);
	assert_count(w, "tx_bad_link", 1);
	assert_count(w, "tx_bad_kind", 1);
	assert_count(w, "tx_bad_offload", 2);
	assert_count(w, "tx_bad_hop", 1);
	assert_count(w, "tx_bad_ip", 1);
	assert_null(wire_get(w));
	world_close(w);
}

static void gathers_from_an_apps_ring(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	uint8_t *ring = mmap(NULL, A2S_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct ref ref[2] = {
		{ .off = 5000, .len = 3, .app = 7 },
		{ .off = A2S_BYTES - 2, .len = 2, .app = 7 },
	};
	const struct wire_frame *f;

	(void)state;
	assert_ptr_not_equal(ring, MAP_FAILED);
	w->x->apps.a2s[7] = ring;
	memcpy(ring + 5000, "abc", 3);
	memcpy(ring + A2S_BYTES - 2, "de", 2);
	d.flags = PKT_REFS;
	for (int lie = 0; lie < 3; lie++) {
		struct ring_out *out = rig_ring_to(w->r, "ipd", "linkd");
		struct node *ipd = rig_node(w->r, "ipd");
		struct desc put = d;
		uint8_t *s;

		/* One byte beyond the segment; an app that is not there. */
		ref[1].off += lie == 1;
		ref[0].app = lie == 2 ? 8 : 7;
		node_begin(ipd, w->r->now);
		s = node_alloc(ipd, 200, &put);
		assert_non_null(s);
		memcpy(s, ref, sizeof(ref));
		memcpy(s + 128, PACKET, sizeof(PACKET));
		put.off = 128;
		put.len = sizeof(PACKET);
		node_put(ipd, out, &put);
		node_commit(ipd);
		world_run(w, 1);
	}
	f = wire_take(w);
	assert_int_equal(f->len, ETH_HDR_LEN + sizeof(PACKET) + 5);
	assert_memory_equal(f->b + ETH_HDR_LEN + sizeof(PACKET), "abcde", 5);
	assert_null(wire_get(w));
	assert_count(w, "tx_bad_refs", 2);
	munmap(ring, A2S_BYTES);
	world_close(w);
}

static void a_full_device_keeps_the_order(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	uint8_t p[sizeof(PACKET)];

	(void)state;
	memcpy(p, PACKET, sizeof(p));
	for (uint8_t i = 0; i < 10; i++) {
		p[21] = i;
		rig_put(w->r, "ipd", "linkd", p, sizeof(p), &d);
	}
	w->wire->full = true;
	w->wire->accept = 4;
	world_run(w, 1);
	assert_true(w->x->dev[0].blocked);
	assert_int_equal(rig_waiting(w->r, "ipd", "linkd"), 6);
	assert_int_equal(rig_lent(w->r, "ipd"), 6);
	w->wire->full = false;
	w->x->dev[0].blocked = false;
	world_run(w, 1);
	for (uint8_t i = 0; i < 10; i++)
		assert_int_equal(wire_take(w)->b[ETH_HDR_LEN + 21], i);
	assert_null(wire_get(w));
	assert_int_equal(rig_lent(w->r, "ipd"), 0);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_who_has),
		cmocka_unit_test(counts_frames_and_bytes),
		cmocka_unit_test(passes_ip_up),
		cmocka_unit_test(tells_what_the_device_left_undone),
		cmocka_unit_test(counts_what_it_refuses),
		cmocka_unit_test(asks_and_sends_what_waited),
		cmocka_unit_test(a_restart_keeps_what_waits),
		cmocka_unit_test(gives_up_and_says_so),
		cmocka_unit_test(loops_what_is_for_ourselves),
		cmocka_unit_test(loops_never_wait_for_room_upwards),
		cmocka_unit_test(knows_the_mac_of_a_group),
		cmocka_unit_test(a_lying_ipd_does_no_harm),
		cmocka_unit_test(gathers_from_an_apps_ring),
		cmocka_unit_test(a_full_device_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
