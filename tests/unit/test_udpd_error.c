/*
 * test_udpd_error.c - errors one by one: the queue of a socket
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
#include "tests/harness/fake_app.h"

enum {
	LOCAL = 1, /* SO_EE_ORIGIN_* */
	ICMP = 2,
};

/*
 * Of ICMP from @router: its IP header, 8 bytes, our packet with @text as far as
 * that goes.  We sent from port 7 to port 9 of 203.0.113.9.
 */
static void rx_icmp(struct fake_apps *w, const char *router, uint8_t type,
    uint8_t code, const char *text)
{
	struct desc d = {
		.kind = PKT_ERROR,
		.proto = IPPROTO_UDP,
		.src = apps_name("192.0.2.2", 0).ip,
		.dst = apps_name("203.0.113.9", 0).ip,
	};
	struct ip_addr from = apps_name(router, 0).ip;
	uint8_t p[512] = { 0x45 };
	size_t len = strlen(text);

	memcpy(p + 12, ip_v4(&from), 4);
	be16_put(p + 48, 7);
	be16_put(p + 50, 9);
	be16_put(p + 52, (uint16_t)(8 + len));
	memcpy(p + 56, text, len);
	d.icmp_type = type;
	d.icmp_code = code;
	d.icmp_from = 48 - 12;
	d.icmp_info = 1300;
	apps_rx_inside(w, p, 56 + (uint32_t)len, 48, d);
	apps_run(w);
}

static uint32_t socket_at_7(struct fake_apps *w)
{
	uint32_t s = apps_socket(w, AF_INET);

	assert_int_equal(apps_bind(w, s, "192.0.2.2", 7), 0);
	return s;
}

static void says_who_said_what_of_which_packet(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);
	struct ip_addr router = apps_name("198.51.100.1", 0).ip;
	struct ip_addr to = apps_name("203.0.113.9", 0).ip;
	struct app_error e;

	(void)state;
	rx_icmp(w, "198.51.100.1", 11, 0, "hop");
	assert_false(apps_queued(w, s, &e));
	assert_int_equal(apps_error(w, s), 0);

	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	rx_icmp(w, "198.51.100.1", 11, 0, "hop");
	assert_int_equal(apps_error(w, s), EHOSTUNREACH);
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.err, EHOSTUNREACH);
	assert_int_equal(e.origin, ICMP);
	assert_int_equal(e.type, 11);
	assert_int_equal(e.code, 0);
	assert_int_equal(e.to.port, 9);
	assert_memory_equal(&e.to.ip, &to, sizeof(to));
	assert_memory_equal(&e.offender, &router, sizeof(router));
	assert_int_equal(e.len, 3);
	assert_memory_equal(e.data, "hop", 3);

	rx_icmp(w, "192.0.2.1", 3, 4, "");
	assert_int_equal(apps_error(w, s), EMSGSIZE);
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.info, 1300);
	assert_int_equal(e.len, 0);
	assert_false(apps_queued(w, s, &e));
	apps_close(w);
}

/* From ipd, about what never left. */
static void knows_what_the_stack_itself_says(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);
	struct app_error e;

	(void)state;
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	apps_rx_error(w, "192.0.2.2", 7, "203.0.113.9", 9, 3, 4);
	apps_rx_error(w, "192.0.2.2", 7, "203.0.113.9", 9, 3, 1);
	apps_run(w);
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.err, EMSGSIZE);
	assert_int_equal(e.origin, LOCAL);
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.err, EHOSTUNREACH);
	assert_int_equal(e.origin, ICMP);
	apps_close(w);
}

static void keeps_as_many_as_there_are_places(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);
	struct app_error e;

	(void)state;
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	for (int i = 0; i < APP_ERRORS + 3; i++)
		rx_icmp(w, "192.0.2.1", 11, (uint8_t)i, "");
	for (int i = 0; i < APP_ERRORS; i++) {
		assert_true(apps_queued(w, s, &e));
		assert_int_equal(e.code, i);
	}
	assert_false(apps_queued(w, s, &e));
	assert_int_equal(rig_counter(w->rig, "udpd", "rx_error_queue_full"), 3);
	assert_int_equal(apps_s2a(w, s)->dropped, 3);
	/* No room for more than is shown of a long one. */
	rx_icmp(w, "192.0.2.1", 11, 77,
	    "0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789");
	assert_true(apps_queued(w, s, &e));
	assert_int_equal(e.code, 77);
	assert_int_equal(e.len, APP_ERROR_DATA);
	apps_close(w);
}

static void survives_a_restart(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);
	struct app_error e;

	(void)state;
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	rx_icmp(w, "192.0.2.1", 11, 1, "");
	apps_restart(w);
	apps_run(w);
	rx_icmp(w, "192.0.2.1", 11, 2, "");
	for (uint8_t i = 1; i <= 2; i++) {
		assert_true(apps_queued(w, s, &e));
		assert_int_equal(e.code, i);
	}
	assert_false(apps_queued(w, s, &e));

	/* The next socket of the number begins with an empty one. */
	rx_icmp(w, "192.0.2.1", 11, 3, "");
	apps_close_socket(w, s);
	assert_int_equal(socket_at_7(w), s);
	assert_false(apps_queued(w, s, &e));
	apps_close(w);
}

static void a_lie_about_it_is_cut_off(void **state)
{
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);

	(void)state;
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	apps_a2s(w, s)->err_read = 1;
	rx_icmp(w, "192.0.2.1", 11, 1, "");
	assert_int_equal(rig_counter(w->rig, "udpd", "app_cut_off"), 1);
	apps_close(w);
}

/* Who is at fault, if ipd says that he stands @from bytes before the quote. */
static struct ip_addr offender(struct fake_apps *w, uint32_t s, uint8_t type,
    const char *own, const char *peer, uint16_t from)
{
	uint8_t p[24] = { 198, 51, 100, 1, 1, 2, 3, 4, 5, 6, 7, 8, 198, 51, 100,
		1, 0, 7, 0, 9, 0, 8 };
	struct desc d = {
		.kind = PKT_ERROR,
		.proto = IPPROTO_UDP,
		.icmp_type = type,
		.icmp_from = from,
		.src = apps_name(own, 0).ip,
		.dst = apps_name(peer, 0).ip,
	};
	struct app_error e = { .err = 0 };

	apps_rx_inside(w, p, sizeof(p), 16, d);
	apps_run(w);
	assert_true(apps_queued(w, s, &e));
	return e.offender;
}

/*
 * What a liar among neighbours says of the place is not followed: neither out
 * of the slot nor into the quote.
 */
static void the_offender_lies_within_the_slot(void **state)
{
	static const uint16_t far = SLOT_HEADROOM + 16 + 1;
	struct fake_apps *w = apps_open();
	uint32_t s = socket_at_7(w);
	uint32_t s6 = apps_socket(w, AF_INET6);
	struct ip_addr own = apps_name("192.0.2.2", 0).ip;
	struct ip_addr own6 = apps_name("2001:db8::2", 0).ip;
	struct ip_addr told = apps_name("198.51.100.1", 0).ip, is;
	uint8_t told6[16] = { 198, 51, 100, 1, 1, 2, 3, 4, 5, 6, 7, 8, 198, 51,
		100, 1 };

	(void)state;
	assert_int_equal(apps_bind(w, s6, "2001:db8::2", 7), 0);
	apps_setopt(w, s, IPPROTO_IP, IP_RECVERR, 1);
	apps_setopt(w, s6, IPPROTO_IPV6, IPV6_RECVERR, 1);
	for (uint16_t from = 0; from <= far; from++) {
		if (from >= 4 && from < far)
			continue;
		is = offender(w, s, 11, "192.0.2.2", "203.0.113.9", from);
		assert_memory_equal(&is, &own, sizeof(own));
	}
	for (uint16_t from = 0; from <= far; from++) {
		if (from >= 16 && from < far)
			continue;
		is = offender(w, s6, 3, "2001:db8::2", "2001:db8:9::9", from);
		assert_memory_equal(&is, &own6, sizeof(own6));
	}
	is = offender(w, s, 11, "192.0.2.2", "203.0.113.9", 4);
	assert_memory_equal(&is, &told, sizeof(told));
	is = offender(w, s6, 3, "2001:db8::2", "2001:db8:9::9", 16);
	assert_memory_equal(&is, told6, sizeof(told6));
	apps_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_said_what_of_which_packet),
		cmocka_unit_test(knows_what_the_stack_itself_says),
		cmocka_unit_test(keeps_as_many_as_there_are_places),
		cmocka_unit_test(survives_a_restart),
		cmocka_unit_test(a_lie_about_it_is_cut_off),
		cmocka_unit_test(the_offender_lies_within_the_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
