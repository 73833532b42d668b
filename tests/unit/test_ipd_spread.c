/*
 * test_ipd_spread.c - several transports of a layer share the flows
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipd.h"
#include "ipd/ipv4.h"
#include "shm/bytes.h"
#include "shm/flow.h"
#include "tests/harness/rig.h"

static const char TOPOLOGY[] =
    "{\"name\":\"s\",\"links\":[{\"name\":\"a\",\"device\":\"tap\","
    "\"interface\":\"a\",\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"u0\",\"layer\":\"udpd\"},"
    "{\"name\":\"u1\",\"layer\":\"udpd\"},"
    "{\"name\":\"u2\",\"layer\":\"udpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"u0\"},{\"from\":\"u0\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"u1\"},{\"from\":\"u1\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"u2\"},{\"from\":\"u2\",\"to\":\"ipd\"}]}";

static const char *const udpds[] = { "u0", "u1", "u2" };

struct world {
	struct rig *r;
	struct ipd *ip;
};

static void world_open(struct world *w)
{
	struct segments s;

	w->r = rig_open(TOPOLOGY);
	rig_links_valid(w->r, "linkd");
	w->ip = calloc(1, sizeof(*w->ip));
	assert_non_null(w->ip);
	s = rig_segments(w->r, "ipd");
	assert_int_equal(ipd_attach(w->ip, &s, w->r->now), 0);
}

static void turns(struct world *w)
{
	while (ipd_turn(w->ip, w->r->now))
		;
}

static void world_close(struct world *w)
{
	turns(w);
	assert_int_equal(rig_lent(w->r, "linkd"), 0);
	ipd_detach(w->ip);
	free(w->ip);
	rig_close(w->r);
}

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	assert_true(ip_parse(&a, text));
	return a;
}

static void receive(struct world *w, const char *dst, uint16_t port)
{
	struct ipv4_hdr h = {
		.src = ip("192.0.2.1"),
		.dst = ip(dst),
		.total_len = 28,
		.hdr_len = 20,
		.ttl = 64,
		.proto = IPPROTO_UDP,
	};
	uint8_t p[28] = { 0 };

	ipv4_emit(p, &h);
	be16_put(p + 20, port);
	be16_put(p + 22, 53);
	rig_put(w->r, "linkd", "ipd", p, sizeof(p), &(struct desc){ 0 });
	turns(w);
}

static void each_flow_has_its_transport(void **state)
{
	struct ip_addr peer = ip("192.0.2.1"), us = ip("192.0.2.2");
	struct world w;
	struct desc d;
	bool used[3] = { false };

	(void)state;
	world_open(&w);
	for (uint16_t port = 1000; port < 1050; port++) {
		/* A transport that chooses a port asks in the other order. */
		uint32_t owner = flow_pick(&us, 53, &peer, port, 3);

		receive(&w, "192.0.2.2", port);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(
			    rig_take(w.r, udpds[i], "ipd", &d, NULL, 0),
			    i == owner);
		used[owner] = true;
	}
	assert_true(used[0] && used[1] && used[2]);
	world_close(&w);
}

static void a_broadcast_is_for_each(void **state)
{
	struct world w;
	struct desc d;

	(void)state;
	world_open(&w);
	receive(&w, "192.0.2.255", 1000);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t p[8];

		assert_true(rig_take(w.r, udpds[i], "ipd", &d, p, sizeof(p)));
		assert_int_equal(d.len, 8);
		assert_int_equal(be16_get(p), 1000);
		assert_false(rig_take(w.r, udpds[i], "ipd", &d, NULL, 0));
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_flow_has_its_transport),
		cmocka_unit_test(a_broadcast_is_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
