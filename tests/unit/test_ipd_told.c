/*
 * test_ipd_told.c - errors that ipd is sent, and the path MTUs that it learns
 */
#include <netinet/in.h>

#include "tests/unit/ipd_world.h"

static const uint8_t UDP[] = { 0x9c, 0x40, 0x00, 0x07, 0x00, 0x0c, 0xee, 0xee,
	'p', 'i', 'n', 'g' };

static const struct desc BY_A = { .link = LINK_A };

/* An error of either family that quotes what 192.0.2.2 or 2001:db8::2 sent. */
static void complain_of(struct world *w, uint8_t proto, uint8_t type,
    uint8_t code, uint32_t rest, const char *src, const char *dst,
    uint16_t packet_len)
{
	uint8_t q[200], p[300];
	bool v4 = strchr(src, ':') == NULL;
	size_t len = (v4 ? make4 : make6)(q, src, dst, proto, UDP, sizeof(UDP));

	if (packet_len > 0)
		be16_put(
		    q + (v4 ? 2 : 4), (uint16_t)(packet_len - (v4 ? 0 : 40)));
	if (v4) {
		be16_put(q + 10, 0);
		be16_put(q + 10, csum_fold(csum_add(0, q, 20)));
	}
	world_rx(w, p,
	    make_icmp(p, v4 ? "192.0.2.1" : "2001:db8::1",
		v4 ? "192.0.2.2" : "2001:db8::2", type, code, rest, q, len),
	    BY_A);
}

static void complain(struct world *w, uint8_t type, uint8_t code, uint32_t rest,
    const char *src, const char *dst, uint16_t packet_len)
{
	complain_of(w, IPPROTO_UDP, type, code, rest, src, dst, packet_len);
}

static void an_error_goes_to_the_transport_it_is_about(void **state)
{
	struct world *w = world_open("");
	struct ip_addr us = world_ip("192.0.2.2");
	struct ip_addr far = world_ip("203.0.113.9");

	(void)state;
	complain(w, 3, 3, 0, "192.0.2.2", "203.0.113.9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_type, 3);
	assert_int_equal(w->d.icmp_code, 3);
	assert_int_equal(w->d.proto, IPPROTO_UDP);
	assert_true(ip_equal(&w->d.src, &us));
	assert_true(ip_equal(&w->d.dst, &far));
	/* Over both IP headers and ICMP's, back to the source in the first. */
	assert_int_equal(w->d.icmp_from, 20 + 8 + 20 - 12);
	complain(w, 1, 4, 0, "2001:db8::2", "2001:db8:5::9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 1);
	assert_int_equal(w->d.icmp_code, 4);
	assert_int_equal(w->d.icmp_from, 40 + 8 + 40 - 8);
	/* Unknown errors of ICMPv6 go up as well (RFC 4443, 2.4 (a)). */
	complain(w, 100, 0, 0, "2001:db8::2", "2001:db8:5::9", 0);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 100);
	world_no_leaks(w);
	world_close(w);
}

static void what_we_never_sent_is_nobodys_error(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 3, 0, "192.0.2.77", "203.0.113.9", 0);
	complain(w, 1, 4, 0, "2001:db8::77", "2001:db8:5::9", 0);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "quote_not_ours"), 2);
	/* Redirects and source quench change nothing. */
	complain(w, 5, 1, 0xc0000201, "192.0.2.2", "203.0.113.9", 0);
	complain(w, 4, 0, 0, "192.0.2.2", "203.0.113.9", 0);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "icmp_redirect_ignored"), 1);
	assert_int_equal(world_counter(w, "icmp_source_quench_ignored"), 1);
	world_no_leaks(w);
	world_close(w);
}

/* How long a datagram with DF may be, by trying. */
static uint32_t mtu_of(
    struct world *w, const char *at, const char *src, const char *dst)
{
	static uint8_t data[2000];
	struct desc d = { .proto = strcmp(at, "tcpd") == 0 ? IPPROTO_TCP
							   : IPPROTO_UDP,
		.flags = PKT_DONT_FRAGMENT,
		.link = LINK_ANY,
		.src = world_ip(src),
		.dst = world_ip(dst) };

	world_tx(w, at, data, sizeof(data), d);
	assert_true(world_take(w, at));
	assert_int_equal(w->d.kind, PKT_ERROR);
	return w->d.icmp_info;
}

static uint32_t mtu_for(struct world *w, const char *src, const char *dst)
{
	return mtu_of(w, "udpd", src, dst);
}

static void the_path_mtu_is_learnt_and_forgotten(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.8"), 1500);
	complain(w, 2, 0, 1300, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(mtu_for(w, "2001:db8::2", "2001:db8:5::9"), 1300);
	/* It outlives the process, and never rises by what somebody says. */
	world_restart(w);
	complain(w, 3, 4, 1450, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1400);
	w->now = mono_add_ms(w->now, 10 * 60 * 1000);
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 1500);
	world_no_leaks(w);
	world_close(w);
}

/*
 * Anybody can forge a report about a datagram, or about TCP without knowing a
 * sequence number; TCP's packets heed only what TCP itself has believed.
 */
static void forged_reports_do_not_narrow_tcp(void **state)
{
	struct world *w = world_open("");

	(void)state;
	complain(w, 3, 4, 100, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(mtu_for(w, "192.0.2.2", "203.0.113.9"), 552);
	assert_int_equal(mtu_of(w, "tcpd", "192.0.2.2", "203.0.113.9"), 1500);
	complain_of(
	    w, IPPROTO_TCP, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "tcpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1400);
	assert_int_equal(mtu_of(w, "tcpd", "192.0.2.2", "203.0.113.9"), 1500);
	world_no_leaks(w);
	world_close(w);
}

static void absurd_mtus_are_refused_or_bounded(void **state)
{
	struct world *w = world_open("");

	(void)state;
	/* That packet would have passed. */
	complain(w, 3, 4, 1400, "192.0.2.2", "203.0.113.9", 1400);
	complain(w, 2, 0, 1500, "2001:db8::2", "2001:db8:5::9", 1400);
	world_expect_nothing(w, "udpd");
	/* RFC 8201, 4: no link takes so little. */
	complain(w, 2, 0, 1279, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect_nothing(w, "udpd");
	assert_int_equal(world_counter(w, "icmp_mtu_refused"), 3);
	complain(w, 3, 4, 10, "192.0.2.2", "203.0.113.9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 552);
	complain(w, 2, 0, 1280, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1280);
	/* RFC 1191, 7.1: a router that says nothing. */
	complain(w, 3, 4, 0, "192.0.2.2", "203.0.113.8", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_info, 1492);
	world_no_leaks(w);
	world_close(w);
}

/* The path takes 1300: what may be cut is cut to that. */
static void fragments_heed_the_path_mtu(void **state)
{
	struct world *w = world_open("");
	static uint8_t data[1400];

	(void)state;
	complain(w, 2, 0, 1300, "2001:db8::2", "2001:db8:5::9", 1500);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	world_tx(w, "udpd", data, sizeof(data),
	    (struct desc){ .proto = IPPROTO_UDP,
		.link = LINK_ANY,
		.src = world_ip("2001:db8::2"),
		.dst = world_ip("2001:db8:5::9") });
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 48 + 1248);
	assert_int_equal(w->got[6], IPPROTO_FRAGMENT);
	assert_int_equal(w->got[40], IPPROTO_UDP);
	assert_int_equal(be16_get(w->got + 42), 1);
	assert_true(world_take(w, "linkd"));
	assert_int_equal(w->d.len, 48 + 152);
	assert_int_equal(be16_get(w->got + 42), 1248);
	world_no_leaks(w);
	world_close(w);
}

static void a_silent_neighbour_is_told_to_the_transport(void **state)
{
	struct world *w = world_open("");
	struct desc failed = { .kind = PKT_ERROR, .link = LINK_A };
	uint8_t p[100];

	(void)state;
	world_rx(w, p,
	    make4(p, "192.0.2.2", "192.0.2.9", IPPROTO_UDP, UDP, sizeof(UDP)),
	    failed);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.kind, PKT_ERROR);
	assert_int_equal(w->d.icmp_type, 3);
	assert_int_equal(w->d.icmp_code, 1);
	world_rx(w, p,
	    make6(
		p, "2001:db8::2", "2001:db8::9", IPPROTO_UDP, UDP, sizeof(UDP)),
	    failed);
	world_expect(w, "udpd", UDP, sizeof(UDP));
	assert_int_equal(w->d.icmp_type, 1);
	assert_int_equal(w->d.icmp_code, 3);
	world_no_leaks(w);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_goes_to_the_transport_it_is_about),
		cmocka_unit_test(what_we_never_sent_is_nobodys_error),
		cmocka_unit_test(the_path_mtu_is_learnt_and_forgotten),
		cmocka_unit_test(forged_reports_do_not_narrow_tcp),
		cmocka_unit_test(absurd_mtus_are_refused_or_bounded),
		cmocka_unit_test(fragments_heed_the_path_mtu),
		cmocka_unit_test(a_silent_neighbour_is_told_to_the_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
