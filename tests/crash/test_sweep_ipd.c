/*
 * test_sweep_ipd.c - ipd, killed after each instruction
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
#include "shm/checksum.h"
#include "tests/crash/sweep.h"

/* Small, so that a recovery is quick. */
static const char TOPOLOGY[] =
    "{\"name\":\"s\",\"reassembly\":{\"max_bytes\":262144},\"links\":["
    "{\"name\":\"a\",\"device\":\"tap\",\"interface\":\"a\",\"mtu\":1500,"
    "\"addresses\":[\"192.0.2.2/24\"]}],"
    "\"routes\":[{\"to\":\"default\",\"via\":\"192.0.2.1\"}],"
    "\"processes\":["
    "{\"name\":\"linkd\",\"layer\":\"linkd\",\"pool\":"
    "{\"small\":64,\"big\":8}},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\",\"pool\":"
    "{\"small\":64,\"big\":8}},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\",\"pool\":"
    "{\"small\":64,\"big\":8}}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"linkd\",\"slots\":64},"
    "{\"from\":\"ipd\",\"to\":\"udpd\",\"slots\":64},"
    "{\"from\":\"udpd\",\"to\":\"ipd\",\"slots\":64}]}";

static void *attach(struct rig *r, const char *proc)
{
	struct segments s = rig_segments(r, proc);
	struct ipd *ip = calloc(1, sizeof(*ip));

	assert_non_null(ip);
	ip->seed[0] = 1;
	ip->seed[1] = 2;
	assert_int_equal(ipd_attach(ip, &s, r->now), 0);
	return ip;
}

static bool turn(void *x, struct mono now)
{
	return ipd_turn(x, now);
}

static void detach(void *x)
{
	ipd_detach(x);
	free(x);
}

static const struct sweep_daemon ipd_daemon = {
	.proc = "ipd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	/* The arena behind has hints, which each instance makes anew. */
	.state_bytes = sizeof(struct ipd_state),
};

static struct rig *open_rig(void)
{
	struct rig *r = rig_open(TOPOLOGY);
	struct link_table *t = (void *)rig_node(r, "linkd")->table;

	publish_begin(&t->p);
	t->naddrs = r->topo.naddrs;
	for (uint32_t i = 0; i < t->naddrs; i++)
		t->addr_state[i] = ADDR_VALID;
	publish_end(&t->p);
	return r;
}

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	assert_true(ip_parse(&a, text));
	return a;
}

/* From 192.0.2.1 to us; @offset and @more make it a fragment. */
static void receive(struct rig *r, uint8_t proto, const uint8_t *payload,
    size_t len, uint16_t offset, bool more)
{
	struct ipv4_hdr h = {
		.src = ip("192.0.2.1"),
		.dst = ip("192.0.2.2"),
		.total_len = (uint16_t)(IPV4_HDR_LEN + len),
		.hdr_len = IPV4_HDR_LEN,
		.id = 7,
		.ttl = 64,
		.proto = proto,
		.frag_offset = offset,
		.mf = more,
	};
	uint8_t p[1600];

	ipv4_emit(p, &h);
	memcpy(p + IPV4_HDR_LEN, payload, len);
	rig_put(r, "linkd", "ipd", p, IPV4_HDR_LEN + len,
	    &(struct desc){ .kind = PKT_DATA });
}

static void make_icmp(
    uint8_t *p, size_t len, uint8_t type, uint8_t code, uint32_t rest)
{
	p[0] = type;
	p[1] = code;
	be16_put(p + 2, 0);
	be32_put(p + 4, rest);
	be16_put(p + 2, csum_fold(csum_add(0, p, len)));
}

/* "Fragmentation needed" about a datagram of ours. */
static void receive_frag_needed(struct rig *r)
{
	uint8_t p[8 + 28] = { 0 };
	struct ipv4_hdr h = {
		.src = ip("192.0.2.2"),
		.dst = ip("203.0.113.9"),
		.total_len = 1500,
		.hdr_len = IPV4_HDR_LEN,
		.ttl = 9,
		.proto = IPPROTO_UDP,
	};

	ipv4_emit(p + 8, &h);
	make_icmp(p, sizeof(p), 3, 4, 1400);
	receive(r, IPPROTO_ICMP, p, sizeof(p), 0, false);
}

static void hand_down(struct rig *r, size_t len, uint16_t flags)
{
	uint8_t p[3000] = { 0x9c, 0x40, 0, 7 };
	struct desc d = {
		.proto = IPPROTO_UDP,
		.flags = flags | PKT_CSUM_PARTIAL,
		.link = LINK_ANY,
		.src = ip_any4,
		.dst = ip("203.0.113.9"),
	};

	be16_put(p + 4, (uint16_t)len);
	rig_put(r, "udpd", "ipd", p, len, &d);
}

static void run(struct sweep *s, const char *what)
{
	sweep_run(s);
	sweep_print(s, what);
	if (s->violations > 0)
		print_message("%s\n", s->first);
	rig_close(s->rig);
	assert_int_equal(s->violations, 0);
}

/* A ping; one in two pieces; an unknown protocol; a path MTU; a datagram. */
static void on_the_way_up(void **state)
{
	struct sweep s = {
		.daemon = &ipd_daemon,
		.rig = open_rig(),

		.again = 20,
	};
	uint8_t ping[80] = "........the data of a ping, of which there is some";

	(void)state;
	make_icmp(ping, sizeof(ping), 8, 0, 0x10001);
	receive(s.rig, IPPROTO_ICMP, ping, sizeof(ping), 0, false);
	receive(s.rig, IPPROTO_ICMP, ping + 40, 40, 40, false);
	receive(s.rig, IPPROTO_ICMP, ping, 40, 0, true);
	receive(s.rig, 99, ping, 8, 0, false);
	receive_frag_needed(s.rig);
	receive(s.rig, IPPROTO_UDP, ping, sizeof(ping), 0, false);
	run(&s, "ipd, up");
}

/* A datagram; one to be cut; one that must not be. */
static void on_the_way_down(void **state)
{
	struct sweep s = {
		.daemon = &ipd_daemon,
		.rig = open_rig(),

		.again = 20,
	};

	(void)state;
	hand_down(s.rig, 100, 0);
	hand_down(s.rig, 2000, 0);
	hand_down(s.rig, 2000, PKT_DONT_FRAGMENT);
	hand_down(s.rig, 60, 0);
	run(&s, "ipd, down");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_way_up),
		cmocka_unit_test(on_the_way_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
