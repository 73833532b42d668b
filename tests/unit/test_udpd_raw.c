/*
 * test_udpd_raw.c - sockets of ICMP echoes (ping) and of any protocol (raw)
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/fake_app.h"

enum {
	IP4 = 20,
	FILTER4 = 1, /* ICMP_FILTER, ICMP6_FILTER */
	FILTER6 = 1,
};

static uint8_t bytes[BIG_SLOT];

static uint32_t ping_socket(struct fake_apps *w, uint8_t family)
{
	return channel_socket_of_kind(&w->ch, 0, family, SOCK_DGRAM,
	    family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static uint32_t raw_socket(
    struct fake_apps *w, uint8_t family, uint8_t protocol)
{
	return channel_socket_of_kind(&w->ch, 0, family, SOCK_RAW, protocol);
}

/* An echo of @type from @src to @dst, right in all. */
static void make_echo(uint8_t p[12], uint8_t type, uint16_t id,
    const struct ip_addr *src, const struct ip_addr *dst)
{
	static const uint8_t rest[] = { 0, 7, 'p', 'i', 'n', 'g' };
	uint32_t sum = 0;

	p[0] = type;
	p[1] = 0;
	be16_put(p + 2, 0);
	be16_put(p + 4, id);
	memcpy(p + 6, rest, sizeof(rest));
	if (!ip_is_v4(src))
		sum = csum_pseudo(src, dst, IPPROTO_ICMPV6, 12);
	be16_put(p + 2, csum_fold(csum_add(sum, p, 12)));
}

static struct desc from_to(const char *src, const char *dst, uint8_t proto)
{
	return (struct desc){
		.kind = PKT_RAW,
		.proto = proto,
		.hops = 61,
		.src = apps_name(src, 0).ip,
		.dst = apps_name(dst, 0).ip,
	};
}

/* From ipd: with 20 bytes of IP header, or with 40. */
static void rx_echo(struct fake_apps *w, const char *src, const char *dst,
    uint8_t type, uint16_t id, bool spoil)
{
	bool v4 = strchr(dst, ':') == NULL;
	struct desc d = from_to(src, dst, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	uint8_t p[52] = { v4 ? 0x45 : 0x60 };
	uint32_t at = v4 ? IP4 : 40;

	make_echo(p + at, type, id, &d.src, &d.dst);
	p[at + 9] ^= spoil ? 1 : 0;
	d.l4 = (uint16_t)at;
	rig_put(w->rig, "ipd", "udpd", p, at + 12, &d);
	apps_run(w);
}

static bool is_published(struct fake_apps *w, bool v4, uint8_t proto)
{
	return group_table_wants(rig_table(w->rig, "udpd"), v4, proto);
}

/* ---- Ping */

static void asks_with_its_own_id(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s4 = ping_socket(w, AF_INET);
	uint32_t s6 = ping_socket(w, AF_INET6);
	struct ip_addr own = apps_name("2001:db8::2", 0).ip;
	uint8_t p[12], want[12];
	struct desc d;

	(void)state;
	apps_bind(w, s4, "*", 1000);
	apps_bind(w, s6, "**", 2000);
	make_echo(p, 8, 1, &own, &own);
	apps_write(w, s4, "192.0.2.1", 0, p, sizeof(p));
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), sizeof(p));
	assert_int_equal(d.proto, IPPROTO_ICMP);
	assert_int_equal(d.flags, PKT_MULTICAST_LOOP);
	make_echo(want, 8, 1000, &d.dst, &d.dst);
	assert_memory_equal(bytes, want, sizeof(want));

	p[0] = 128;
	apps_write(w, s6, "2001:db8::1", 0, p, sizeof(p));
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), sizeof(p));
	assert_int_equal(d.proto, IPPROTO_ICMPV6);
	assert_memory_equal(&d.src, &own, sizeof(own));
	make_echo(want, 128, 2000, &own, &d.dst);
	assert_memory_equal(bytes, want, sizeof(want));
	apps_close(w);
}

static void sends_nothing_but_questions(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = ping_socket(w, AF_INET);
	uint8_t p[12] = { 0 };
	struct desc d;

	(void)state;
	for (int type = 0; type < 256; type++) {
		p[0] = (uint8_t)type;
		if (type == 8)
			continue;
		apps_write(w, s, "192.0.2.1", 0, p, sizeof(p));
		apps_run(w);
		assert_int_equal(apps_error(w, s), EINVAL);
	}
	p[0] = 8;
	apps_write(w, s, "192.0.2.1", 0, p, 7);
	apps_run(w);
	assert_int_equal(apps_error(w, s), EINVAL);
	p[1] = 1;
	apps_write(w, s, "192.0.2.1", 0, p, 8);
	apps_run(w);
	assert_int_equal(apps_error(w, s), EINVAL);
	/* And not of the other family. */
	apps_write(w, s, "2001:db8::1", 0, p, 8);
	apps_run(w);
	assert_int_equal(apps_error(w, s), ENETUNREACH);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), -1);
	apps_close(w);
}

static void replies_find_the_id(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t a = ping_socket(w, AF_INET);
	uint32_t b = ping_socket(w, AF_INET6);
	struct dgram g;

	(void)state;
	assert_false(is_published(w, true, IPPROTO_ICMP));
	apps_bind(w, a, "*", 1000);
	apps_bind(w, b, "**", 1000);
	assert_true(is_published(w, true, IPPROTO_ICMP));
	assert_true(is_published(w, false, IPPROTO_ICMPV6));
	assert_false(is_published(w, true, IPPROTO_ICMPV6));
	rx_echo(w, "192.0.2.1", "192.0.2.2", 0, 1000, false);
	assert_true(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 12);
	assert_int_equal(g.port, 0);
	assert_int_equal(g.hops, 61);
	assert_memory_equal(bytes + 8, "ping", 4);
	assert_false(apps_read(w, b, &g, bytes, sizeof(bytes)));
	rx_echo(w, "2001:db8::1", "2001:db8::2", 129, 1000, false);
	assert_true(apps_read(w, b, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 12);

	/* A question, another's id, a damaged one. */
	rx_echo(w, "192.0.2.1", "192.0.2.2", 8, 1000, false);
	rx_echo(w, "192.0.2.1", "192.0.2.2", 0, 1001, false);
	rx_echo(w, "192.0.2.1", "192.0.2.2", 0, 1000, true);
	rx_echo(w, "2001:db8::1", "2001:db8::2", 129, 1000, true);
	assert_false(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_false(apps_read(w, b, &g, bytes, sizeof(bytes)));
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_bad_checksum"), 2);

	/* They and UDP's ports have nothing in common. */
	apps_rx(w, "192.0.2.1", 9, "192.0.2.2", 1000, "x", 1);
	apps_run(w);
	assert_false(apps_read(w, a, &g, bytes, sizeof(bytes)));
	apps_close_socket(w, a);
	apps_close_socket(w, b);
	assert_false(is_published(w, true, IPPROTO_ICMP));
	assert_false(is_published(w, false, IPPROTO_ICMPV6));
	apps_close(w);
}

static void errors_find_the_id(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = ping_socket(w, AF_INET);
	struct desc d = from_to("192.0.2.2", "203.0.113.9", IPPROTO_ICMP);
	uint8_t p[12];
	struct app_error e;

	(void)state;
	apps_bind(w, s, "*", 1000);
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	d.kind = PKT_ERROR;
	d.l4 = 0;
	d.icmp_type = 11;
	make_echo(p, 8, 1001, &d.src, &d.dst);
	apps_rx_inside(w, p, sizeof(p), 0, d);
	make_echo(p, 0, 1000, &d.src, &d.dst);
	apps_rx_inside(w, p, sizeof(p), 0, d);
	apps_run(w);
	assert_false(apps_queued(w, s, &e));
	make_echo(p, 8, 1000, &d.src, &d.dst);
	apps_rx_inside(w, p, sizeof(p), 0, d);
	apps_run(w);
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.err, EHOSTUNREACH);
	assert_int_equal(e.len, sizeof(p));
	assert_memory_equal(e.data, p, sizeof(p));
	apps_close(w);
}

/* ---- Raw */

static void packets_come_to_all_that_want_them(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t a = raw_socket(w, AF_INET, 253);
	uint32_t b = raw_socket(w, AF_INET, 253);
	uint32_t six = raw_socket(w, AF_INET6, 253);
	struct desc d = from_to("192.0.2.1", "192.0.2.2", 253);
	uint8_t p[48] = { 0x45, 1, 2, 3 };
	struct dgram g;

	(void)state;
	assert_true(is_published(w, true, 253));
	assert_int_equal(apps_port(w, a), 253);
	d.l4 = IP4;
	rig_put(w->rig, "ipd", "udpd", p, 24, &d);
	apps_run(w);
	/* Of IPv4 with its header. */
	assert_true(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 24);
	assert_memory_equal(bytes, p, 24);
	assert_true(apps_read(w, b, &g, bytes, sizeof(bytes)));
	assert_false(apps_read(w, six, &g, bytes, sizeof(bytes)));
	/* Of IPv6 without. */
	d = from_to("2001:db8::1", "2001:db8::2", 253);
	d.l4 = 40;
	memcpy(p + 40, "sixth...", 8);
	rig_put(w->rig, "ipd", "udpd", p, 48, &d);
	apps_run(w);
	assert_true(apps_read(w, six, &g, bytes, sizeof(bytes)));
	assert_int_equal(g.len, 8);
	assert_memory_equal(bytes, "sixth...", 8);

	/* Bound, or connected, to others. */
	assert_int_equal(apps_bind(w, a, "198.51.100.2", 5), 0);
	assert_int_equal(apps_connect(w, b, "192.0.2.7", 0), 0);
	d = from_to("192.0.2.1", "192.0.2.2", 253);
	d.l4 = IP4;
	rig_put(w->rig, "ipd", "udpd", p, 24, &d);
	apps_run(w);
	assert_false(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_false(apps_read(w, b, &g, bytes, sizeof(bytes)));
	apps_close(w);
}

static void filters_and_sums_are_heeded(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t a = raw_socket(w, AF_INET, IPPROTO_ICMP);
	uint32_t b = raw_socket(w, AF_INET6, IPPROTO_ICMPV6);
	uint32_t f[8] = { 0, 0, 0, 0, 1 }; /* not 128 */
	struct dgram g;

	(void)state;
	apps_setopt(w, a, SOL_RAW, FILTER4, 1 << 8);
	assert_int_equal(apps_command(w, b, APP_OP_SETOPT, IPPROTO_ICMPV6,
			     FILTER6, f, sizeof(f)),
	    0);
	rx_echo(w, "192.0.2.1", "192.0.2.2", 8, 1, false);
	rx_echo(w, "2001:db8::1", "2001:db8::2", 128, 1, false);
	assert_false(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_false(apps_read(w, b, &g, bytes, sizeof(bytes)));
	/* IPv4's come as they are, of IPv6 only those that are right. */
	rx_echo(w, "192.0.2.1", "192.0.2.2", 40, 1, true);
	rx_echo(w, "2001:db8::1", "2001:db8::2", 200, 1, true);
	assert_true(apps_read(w, a, &g, bytes, sizeof(bytes)));
	assert_false(apps_read(w, b, &g, bytes, sizeof(bytes)));
	rx_echo(w, "2001:db8::1", "2001:db8::2", 200, 1, false);
	assert_true(apps_read(w, b, &g, bytes, sizeof(bytes)));
	apps_close(w);
}

static void sums_where_it_was_told_to(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = raw_socket(w, AF_INET6, 89);
	struct desc d;

	(void)state;
	apps_setopt(w, s, IPPROTO_IPV6, IPV6_CHECKSUM, 12);
	apps_write(w, s, "2001:db8::1", 0, "0123456789..xx67", 16);
	apps_write(w, s, "2001:db8::1", 0, "0123456789..x", 13);
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), 16);
	assert_int_equal(
	    csum_fold(csum_add(csum_pseudo(&d.src, &d.dst, 89, 16), bytes, 16)),
	    0);
	assert_int_equal(apps_error(w, s), EINVAL);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), -1);
	apps_close(w);
}

static void the_app_may_write_the_header(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = raw_socket(w, AF_INET, IPPROTO_RAW);
	uint8_t p[24] = { 0x45 };
	struct desc d;

	(void)state;
	apps_write(w, s, "192.0.2.1", 0, p, sizeof(p));
	apps_run(w);
	assert_int_equal(apps_tx(w, &d, bytes, sizeof(bytes)), sizeof(p));
	assert_true(d.flags & PKT_HDRINCL);
	assert_int_equal(be16_get(bytes + 2), sizeof(p));
	assert_int_equal(csum_fold(csum_add(0, bytes, 20)), 0);
	/* Headers that end before they begin, or after the packet. */
	for (uint8_t words = 0; words < 16; words++) {
		p[0] = (uint8_t)(0x40 | words);
		apps_write(w, s, "192.0.2.1", 0, p, sizeof(p));
		apps_run(w);
		assert_int_equal(
		    apps_error(w, s), words == 5 || words == 6 ? 0 : EINVAL);
	}
	for (uint32_t len = 0; len < 20; len++) {
		p[0] = 0x45;
		apps_write(w, s, "192.0.2.1", 0, p, len);
		apps_run(w);
		assert_int_equal(apps_error(w, s), EINVAL);
	}
	apps_close(w);
}

/* ---- Deaths and lies */

static void all_survive_a_restart(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t ping = ping_socket(w, AF_INET);
	uint32_t raw = raw_socket(w, AF_INET, IPPROTO_ICMP);
	struct dgram g;

	(void)state;
	apps_bind(w, ping, "*", 1000);
	apps_setopt(w, raw, SOL_RAW, FILTER4, 1 << 8);
	apps_restart(w);
	apps_run(w);
	assert_true(is_published(w, true, IPPROTO_ICMP));
	rx_echo(w, "192.0.2.1", "192.0.2.2", 8, 1000, false);
	rx_echo(w, "192.0.2.1", "192.0.2.2", 0, 1000, false);
	assert_true(apps_read(w, ping, &g, bytes, sizeof(bytes)));
	assert_true(apps_read(w, raw, &g, bytes, sizeof(bytes)));
	assert_int_equal(bytes[IP4], 0);
	assert_false(apps_read(w, raw, &g, bytes, sizeof(bytes)));
	apps_close_socket(w, ping);
	assert_true(is_published(w, true, IPPROTO_ICMP));
	apps_restart(w);
	apps_close_socket(w, raw);
	apps_restart(w);
	apps_run(w);
	assert_false(is_published(w, true, IPPROTO_ICMP));
	apps_close(w);
}

/* Packets cut at every length, and headers said to lie where they can't. */
static void nothing_is_read_beyond_the_end(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t ping = ping_socket(w, AF_INET);
	struct desc d = from_to("192.0.2.1", "192.0.2.2", IPPROTO_ICMP);
	uint8_t p[IP4 + 12] = { 0x45 };
	struct dgram g;

	(void)state;
	raw_socket(w, AF_INET, IPPROTO_ICMP);
	apps_bind(w, ping, "*", 1000);
	make_echo(p + IP4, 0, 1000, &d.src, &d.dst);
	for (uint32_t len = 0; len < sizeof(p); len++)
		for (uint16_t l4 = 0; l4 < 60; l4 += 4) {
			d.l4 = l4;
			rig_put(w->rig, "ipd", "udpd", p, len, &d);
			apps_run(w);
		}
	assert_false(apps_read(w, ping, &g, bytes, sizeof(bytes)));
	assert_int_equal(rig_lent(w->rig, "ipd"), 0);
	apps_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_with_its_own_id),
		cmocka_unit_test(sends_nothing_but_questions),
		cmocka_unit_test(replies_find_the_id),
		cmocka_unit_test(errors_find_the_id),
		cmocka_unit_test(packets_come_to_all_that_want_them),
		cmocka_unit_test(filters_and_sums_are_heeded),
		cmocka_unit_test(sums_where_it_was_told_to),
		cmocka_unit_test(the_app_may_write_the_header),
		cmocka_unit_test(all_survive_a_restart),
		cmocka_unit_test(nothing_is_read_beyond_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
