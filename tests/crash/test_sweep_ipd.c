/*
 * test_sweep_ipd.c - ipd's handlers, killed after each instruction
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipd.h"
#include "ipd/reassembly_store.h"
#include "shm/bytes.h"
#include "tests/crash/packets.h"
#include "tests/crash/sweep.h"

enum {
	ARENA_OFF = 64 * 1024, /* of the arena for reassembly, see ipd.c */
};

#define POOL           ",\"pool\":{\"small\":64,\"big\":8}}"
#define RING(from, to) "{\"from\":\"" from "\",\"to\":\"" to "\",\"slots\":64}"

static const char JSON[] =
    "{\"name\":\"s\",\"forward\":true,"
    "\"reassembly\":{\"max_bytes\":262144},\"links\":["
    "{\"name\":\"a\",\"device\":\"tap\",\"interface\":\"a\",\"mtu\":1500,"
    "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]}],"
    "\"routes\":[{\"to\":\"default\",\"via\":\"192.0.2.1\"},"
    "{\"to\":\"default\",\"via\":\"2001:db8::1\"}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"" POOL
    ",{\"name\":\"ipd\",\"layer\":\"ipd\"" POOL
    ",{\"name\":\"udpd\",\"layer\":\"udpd\"" POOL "],"
    "\"rings\":[" RING("linkd", "ipd") "," RING("ipd", "linkd") "," RING(
	"ipd", "udpd") "," RING("udpd", "ipd") "]}";

static void *attach(struct rig *r, const char *proc)
{
	struct ipd *ip = calloc(1, sizeof(*ip));
	struct segments s = rig_segments(r, proc);

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

/*
 * Records of datagrams in the making, without the blocks where their bytes
 * lie: which were free is a hint.  That the bytes are right is seen when the
 * datagram goes up.
 */
static const char *differs(const struct rig *ref, const struct rig *r)
{
	uint32_t ipd = rig_proc(ref, "ipd");
	size_t arena = PRIV_STATE_OFF + ARENA_OFF;
	uint32_t n = ref->topo.reassembly.max_bytes / REASM_BLOCK;

	for (uint32_t i = 0; i < n; i++) {
		size_t at = arena + i * sizeof(struct reassembly_record);
		struct reassembly_record a, b;

		memcpy(&a, ref->priv[ipd] + at, sizeof(a));
		memcpy(&b, r->priv[ipd] + at, sizeof(b));
		memset(a.block, 0, sizeof(a.block));
		memset(b.block, 0, sizeof(b.block));
		if (memcmp(&a, &b, sizeof(a)) != 0)
			return "a datagram in the making is another";
	}
	return NULL;
}

static const struct sweep_daemon ipd_daemon = {
	.proc = "ipd",
	.attach = attach,
	.turn = turn,
	.detach = detach,
	.differs = differs,
	.state_bytes = sizeof(struct ipd_state),
};

/* Turns as long as there is something to do, with time passing. */
static void settle(struct rig *r)
{
	void *x = attach(r, "ipd");
	struct desc d;

	for (int i = 0; i < 10; i++) {
		while (turn(x, r->now))
			;
		while (rig_take(r, "linkd", "ipd", &d, NULL, 0))
			;
		r->now = mono_add_ms(r->now, 1000);
	}
	detach(x);
}

static struct rig *open_rig(void)
{
	struct rig *r = rig_open(JSON);

	rig_links_valid(r, "linkd");
	settle(r);
	return r;
}

static void from_link(struct rig *r, const uint8_t *p, size_t len)
{
	struct desc d = { .kind = PKT_DATA, .link = 0 };

	rig_put(r, "linkd", "ipd", p, len, &d);
}

/* @packets: how many must come out of it. */
static void sweep_one(struct rig *r, const char *what, uint32_t packets)
{
	struct sweep s = { .daemon = &ipd_daemon, .rig = r, .again = 5 };

	sweep_run(&s);
	sweep_print(&s, what);
	rig_close(r);
	assert_int_equal(s.violations, 0);
	assert_true(s.states > 0);
	assert_int_equal(s.packets, packets);
}

static void echo_requests_are_answered_once(void **state)
{
	struct rig *r = open_rig();
	uint8_t p[PACKET_MAX];

	(void)state;
	from_link(r, p, packet_echo4(p));
	from_link(r, p, packet_echo6(p));
	sweep_one(r, "ipd, echo requests", 2);
}

/* And udpd has ping or raw sockets, which get a copy of each. */
static void copies_for_raw_sockets_go_up_once(void **state)
{
	struct rig *r = open_rig();
	struct group_table *t = (void *)rig_node(r, "udpd")->table;
	uint8_t p[PACKET_MAX];

	(void)state;
	publish_begin(&t->p);
	t->raw[0][0] = 1 << IPPROTO_ICMP;
	publish_end(&t->p);
	from_link(r, p, packet_echo4(p));
	from_link(r, p, packet_echo6(p));
	sweep_one(r, "ipd, copies for raw sockets", 3);
}

static void datagrams_go_up_once(void **state)
{
	struct rig *r = open_rig();
	uint8_t p[PACKET_MAX];

	(void)state;
	from_link(r, p, packet_udp4(p, 7, 100));
	from_link(r, p, packet_udp6(p, 7, 100));
	sweep_one(r, "ipd, datagrams up", 2);
}

static void hand_down(struct rig *r, const char *dst, size_t len)
{
	uint8_t p[PACKET_MAX] = { 0x9c, 0x40, 0, 7 };
	struct desc d = {
		.kind = PKT_DATA,
		.flags = PKT_CSUM_PARTIAL,
		.link = LINK_ANY,
		.proto = IPPROTO_UDP,
		.csum_offset = 6,
	};

	be16_put(p + 4, (uint16_t)len);
	assert_true(ip_parse(&d.dst, dst));
	d.src = ip_is_v4(&d.dst) ? ip_any4 : ip_any6;
	rig_put(r, "udpd", "ipd", p, len, &d);
}

static void datagrams_go_down_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, "203.0.113.9", 100);
	hand_down(r, "2001:db8::1", 100);
	sweep_one(r, "ipd, datagrams down", 2);
}

static void long_datagrams_go_down_in_pieces(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, "203.0.113.9", 3500);
	hand_down(r, "2001:db8::1", 1800);
	sweep_one(r, "ipd, fragments down", 5);
}

/* Piece @i of three of a datagram. */
static void fragment(struct rig *r, uint16_t id, int i)
{
	struct ipv4_hdr h = packet_to_us(IPPROTO_UDP);
	uint8_t payload[64] = { 0x9c, 0x40, 0, 7, 0, 192 };
	uint8_t p[PACKET_MAX];

	if (i > 0)
		memset(payload, '0' + i, sizeof(payload));
	h.id = id;
	h.mf = i < 2;
	h.frag_offset = (uint16_t)(i * 64);
	from_link(r, p, packet4(p, h, payload, sizeof(payload)));
}

static void fragments_are_kept(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	fragment(r, 1, 0);
	fragment(r, 2, 2);
	fragment(r, 1, 2);
	sweep_one(r, "ipd, fragments kept", 0);
}

static void the_last_fragment_makes_one_datagram(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	fragment(r, 1, 0);
	fragment(r, 1, 2);
	settle(r);
	fragment(r, 1, 1);
	sweep_one(r, "ipd, last fragment", 1);
}

static void errors_are_sent_once_and_counted_against_the_rate(void **state)
{
	struct rig *r = open_rig();
	struct ipv4_hdr dying = packet_to_us(IPPROTO_UDP);
	struct ipv4_hdr unknown = packet_to_us(IPPROTO_UDP);
	uint8_t payload[64] = { 0 };
	uint8_t p[PACKET_MAX];

	(void)state;
	unknown.proto = 253; /* RFC 3692: nobody has it */
	from_link(r, p, packet4(p, unknown, payload, sizeof(payload)));
	assert_true(ip_parse(&dying.dst, "203.0.113.9"));
	dying.ttl = 1;
	from_link(r, p, packet4(p, dying, payload, sizeof(payload)));
	from_link(
	    r, p, packet6(p, "2001:db8::1", "2001:db8::2", 253, payload, 64));
	sweep_one(r, "ipd, errors", 3);
}

/* "Fragmentation needed" about a datagram of ours; then one more of them. */
static void a_path_mtu_is_learned_and_told(void **state)
{
	struct rig *r = open_rig();
	struct ipv4_hdr ours = packet_to_us(IPPROTO_UDP);
	uint8_t quote[8] = { 0x9c, 0x40, 0, 7 };
	uint8_t p[PACKET_MAX];

	(void)state;
	ours.src = ours.dst;
	assert_true(ip_parse(&ours.dst, "203.0.113.9"));
	from_link(r, p, packet_too_big(p, ours, quote, sizeof(quote), 1400));
	hand_down(r, "203.0.113.9", 1450);
	sweep_one(r, "ipd, path MTU", 3);
}

static void datagrams_to_ourselves_are_looped_once(void **state)
{
	struct rig *r = open_rig();

	(void)state;
	hand_down(r, "192.0.2.2", 100);
	hand_down(r, "2001:db8::2", 100);
	sweep_one(r, "ipd, to ourselves", 2);
}

/* All at once, so that turns have both directions and many objects. */
static void a_mixture_is_handled_once(void **state)
{
	struct rig *r = open_rig();
	uint8_t p[PACKET_MAX];

	(void)state;
	for (int i = 0; i < 3; i++) {
		from_link(r, p, packet_echo4(p));
		from_link(r, p, packet_udp6(p, 7, 300));
		fragment(r, 9, i);
		hand_down(r, "2001:db8::1", 200);
		hand_down(r, "203.0.113.9", 2000);
	}
	sweep_one(r, "ipd, a mixture", 16);
}

/* ---- Changes at run time, each asked twice (shm/ask.h) */

static const struct route_change {
	enum ask_change change;
	const char *net, *via;
	uint8_t plen;
	int result;
} changes[] = {
	{ ASK_ADD, "198.51.100.0", "192.0.2.1", 24, 0 },
	{ ASK_ADD, "198.51.100.0", "192.0.2.9", 24, -EEXIST },
	{ ASK_REPLACE, "198.51.100.0", "192.0.2.9", 24, 0 },
	{ ASK_ADD, "2001:db8:9::", "2001:db8::1", 48, 0 },
	{ ASK_DELETE, "0.0.0.0", "192.0.2.1", 0, 0 },
	{ ASK_DELETE, "0.0.0.0", "192.0.2.1", 0, -ENOENT },
};

enum {
	NCHANGES = sizeof(changes) / sizeof(*changes),
};

static int ask_change(struct ipd *ip, uint64_t number, struct mono now)
{
	const struct route_change *c = &changes[number - 1];
	struct ask q = {
		.version = ASK_VERSION,
		.op = ASK_ROUTE,
		.change = c->change,
		.number = number,
		.link = LINK_ANY,
		.plen = c->plen,
		.has_via = 1,
	};

	assert_true(ip_parse(&q.ip, c->net) && ip_parse(&q.via, c->via));
	return ipd_change(ip, &q, now);
}

/* The last one again, as if its answer was lost with its giver; then the next.
 */
static bool change(struct rig *r, void *x)
{
	struct ipd *ip = x;
	uint64_t done = ip->s->done.number;

	if (done > 0)
		assert_int_equal(
		    ask_change(ip, done, r->now), changes[done - 1].result);
	if (done == NCHANGES)
		return false;
	assert_int_equal(
	    ask_change(ip, done + 1, r->now), changes[done].result);
	return true;
}

static const struct fib *table_of(const struct rig *r)
{
	return (const void *)(r->out[rig_proc(r, "ipd")] + OUT_TABLE_OFF);
}

static const char *other_table(const struct rig *ref, const struct rig *r)
{
	const struct fib *a = table_of(ref), *b = table_of(r);

	if (a->naddrs != b->naddrs || a->nroutes != b->nroutes ||
	    memcmp(a->addr, b->addr, a->naddrs * sizeof(*a->addr)) != 0 ||
	    memcmp(a->route, b->route, a->nroutes * sizeof(*a->route)) != 0)
		return "another table is published";
	return differs(ref, r);
}

static void changes_happen_once(void **state)
{
	struct sweep_daemon d = ipd_daemon;
	struct rig *r = open_rig();
	struct sweep s = { .daemon = &d, .rig = r, .again = 5 };
	const struct fib *f = table_of(r);
	uint8_t p[PACKET_MAX];

	(void)state;
	d.feed = change;
	d.differs = other_table;
	from_link(r, p, packet_echo4(p));
	sweep_run(&s);
	sweep_print(&s, "ipd, changed routes");
	/* Three prefixes, one default route, and the two that are new. */
	assert_int_equal(f->nroutes, 6);
	rig_close(r);
	assert_int_equal(s.violations, 0);
	assert_true(s.states > 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_requests_are_answered_once),
		cmocka_unit_test(copies_for_raw_sockets_go_up_once),
		cmocka_unit_test(datagrams_go_up_once),
		cmocka_unit_test(datagrams_go_down_once),
		cmocka_unit_test(long_datagrams_go_down_in_pieces),
		cmocka_unit_test(fragments_are_kept),
		cmocka_unit_test(the_last_fragment_makes_one_datagram),
		cmocka_unit_test(
		    errors_are_sent_once_and_counted_against_the_rate),
		cmocka_unit_test(a_path_mtu_is_learned_and_told),
		cmocka_unit_test(datagrams_to_ourselves_are_looped_once),
		cmocka_unit_test(a_mixture_is_handled_once),
		cmocka_unit_test(changes_happen_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
