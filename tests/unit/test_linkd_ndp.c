/*
 * test_linkd_ndp.c - Neighbor Discovery through linkd, and our addresses' lives
 */
#include <netinet/in.h>

#include "linkd/ndp.h"
#include "linkd/peek.h"
#include "shm/checksum.h"
#include "tests/unit/linkd_world.h"

#define QUIET   "\"dad_transmits\":0,"
#define CAREFUL "\"dad_transmits\":1,\"acd\":true,"

static const uint8_t PEER[6] = { 0x02, 0, 0, 0, 0, 0x01 };
static const uint8_t OURS[6] = { 0x02, 0, 0, 0, 0, 0x02 };

static struct ip_addr addr(const char *text)
{
	struct ip_addr ip;

	assert_true(ip_parse(&ip, text));
	return ip;
}

static struct world *quiet(void)
{
	return world_quiet(WORLD_JSON(QUIET), VNET_MAX_LEN);
}

/* A message from the peer's MAC; returns the frame's length. */
static size_t message(uint8_t *f, const char *src, const char *dst,
    uint8_t hops, const struct ndp_hdr *h)
{
	struct ndp_ip ip = { addr(src), addr(dst), hops };
	uint8_t *p = f + ETH_HDR_LEN;
	struct mac mac = mac_from(OURS);
	size_t len;

	if (ip_is_multicast(&ip.dst))
		mac = mac_of_group(&ip.dst);
	memcpy(f, mac.b, 6);
	memcpy(f + 6, PEER, 6);
	be16_put(f + 12, ETH_TYPE_IPV6);
	len = ndp_emit(p + PEEK_IPV6_LEN, h, &ip);
	memset(p, 0, PEEK_IPV6_LEN);
	p[0] = 0x60;
	be16_put(p + 4, (uint16_t)len);
	p[6] = IPPROTO_ICMPV6;
	p[7] = hops;
	memcpy(p + 8, ip.src.b, 16);
	memcpy(p + 24, ip.dst.b, 16);
	return ETH_HDR_LEN + PEEK_IPV6_LEN + len;
}

static const struct ndp_hdr NS = {
	.type = NDP_NS,
	.has_slla = true,
	.slla = { { 0x02, 0, 0, 0, 0, 0x01 } },
};

/* What linkd has sent, read again. */
static struct peek take_message(struct world *w, struct ndp_hdr *ret)
{
	const struct wire_frame *f = wire_take(w);
	const uint8_t *p = f->b + ETH_HDR_LEN;
	struct peek ip = { .version = 0 };
	struct ndp_ip with;

	assert_true(peek_ip(&ip, p, f->len - ETH_HDR_LEN));
	assert_int_equal(f->len, ETH_HDR_LEN + ip.len);
	with = (struct ndp_ip){ ip.src, ip.dst, ip.hops };
	assert_true(ndp_checksum_ok(p + 40, ip.len - 40, &with));
	assert_int_equal(ndp_parse(ret, p + 40, ip.len - 40, &with), NDP_OK);
	return ip;
}

static void answers_a_solicitation(void **state)
{
	static const uint8_t want[] = {
		0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x86, 0xdd,
		0x60, 0, 0, 0, 0, 32, 58, 255, /* IPv6, 32 bytes, ICMPv6 */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 136,
		0, 0, 0, 0x60, 0, 0, 0, /* NA, solicited, override */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2,
		1, 0x02, 0, 0, 0, 0, 0x02, /* target's link-layer address */
	};
	struct world *w = quiet();
	struct ndp_hdr ns = NS;
	uint8_t f[200] = { 0 };
	const struct wire_frame *got;

	(void)state;
	ns.target = addr("2001:db8::2");
	wire_put(w, f, message(f, "2001:db8::1", "ff02::1:ff00:2", 255, &ns));
	world_run(w, 1);
	got = wire_take(w);
	assert_int_equal(got->len, sizeof(want));
	assert_memory_equal(got->b, want, 56);
	/* But for the checksum, which take_message() verifies elsewhere. */
	assert_memory_equal(got->b + 58, want + 58, sizeof(want) - 58);
	assert_null(wire_get(w));
	world_close(w);
}

static void answers_a_probe_to_all(void **state)
{
	struct world *w = quiet();
	struct ndp_hdr ns = { .type = NDP_NS, .target = addr("2001:db8::2") };
	struct ip_addr all = addr("ff02::1");
	struct ndp_hdr na;
	struct peek ip;
	uint8_t f[200] = { 0 };

	(void)state;
	wire_put(w, f, message(f, "::", "ff02::1:ff00:2", 255, &ns));
	world_run(w, 1);
	ip = take_message(w, &na);
	assert_true(ip_equal(&ip.dst, &all));
	assert_int_equal(na.type, NDP_NA);
	assert_false(na.solicited);
	world_close(w);
}

static void refuses_by_name(void **state)
{
	struct world *w = quiet();
	struct ndp_hdr ns = NS;
	uint8_t f[200] = { 0 };
	size_t len;

	(void)state;
	ns.target = addr("2001:db8::2");
	wire_put(w, f, message(f, "2001:db8::1", "ff02::1:ff00:2", 254, &ns));
	len = message(f, "2001:db8::1", "ff02::1:ff00:2", 255, &ns);
	f[60] ^= 1;
	wire_put(w, f, len);
	world_run(w, 1);
	assert_count(w, "ndp_bad_hop_limit", 1);
	assert_count(w, "ndp_bad_checksum", 1);
	assert_null(wire_get(w));
	world_close(w);
}

static void asks_with_the_packets_own_source(void **state)
{
	struct world *w = quiet();
	struct ip_addr want_src = addr("fe80::ff:fe00:2");
	struct desc d = { .kind = PKT_DATA, .dst = addr("2001:db8::9") };
	struct ndp_hdr got, na = { .type = NDP_NA, .solicited = true };
	uint8_t p[48] = { 0x60, 0, 0, 0, 0, 8, 59, 64 };
	uint8_t f[200] = { 0 };
	struct peek ip;

	(void)state;
	memcpy(p + 8, want_src.b, 16);
	memcpy(p + 24, d.dst.b, 16);
	rig_put(w->r, "ipd", "linkd", p, sizeof(p), &d);
	world_run(w, 1);
	ip = take_message(w, &got);
	assert_int_equal(got.type, NDP_NS);
	assert_true(ip_equal(&ip.src, &want_src));
	assert_true(ip_equal(&got.target, &d.dst));
	assert_true(got.has_slla);

	na.target = d.dst;
	na.has_tlla = true;
	na.tlla = mac_from(PEER);
	wire_put(w, f, message(f, "2001:db8::9", "fe80::ff:fe00:2", 255, &na));
	world_run(w, 1);
	assert_memory_equal(wire_take(w)->b + ETH_HDR_LEN, p, sizeof(p));
	world_close(w);
}

/* ---- Our addresses: asked for first, then ours, or another's */

static uint8_t state_of(struct world *w, uint32_t i)
{
	const struct link_table *t = rig_table(w->r, "linkd");

	return t->addr[i].state;
}

static void asks_before_it_uses_an_address(void **state)
{
	struct world *w = world_open(WORLD_JSON(CAREFUL), VNET_MAX_LEN);
	struct ip_addr target = addr("2001:db8::2");
	const struct wire_frame *f;
	bool asked = false;
	struct ndp_hdr ns = NS;
	uint8_t b[200] = { 0 };

	(void)state;
	world_run(w, 0);
	assert_int_equal(state_of(w, 1), ADDR_TENTATIVE);
	while ((f = wire_get(w)) != NULL) {
		const uint8_t *p = f->b + ETH_HDR_LEN;

		/* From "::", to 2001:db8::2's group, about it. */
		if (f->len > 78 && p[40] == NDP_NS &&
		    memcmp(p + 48, target.b, 16) == 0)
			asked = p[8] == 0 && p[24] == 0xff;
	}
	assert_true(asked);
	/* It is not ours yet: no answer. */
	ns.target = target;
	wire_put(w, b, message(b, "2001:db8::1", "ff02::1:ff00:2", 255, &ns));
	world_run(w, 1);
	assert_null(wire_get(w));
	world_run(w, 1001);
	assert_int_equal(state_of(w, 1), ADDR_VALID);
	/* IPv4 with conflict detection takes longer (RFC 5227). */
	assert_int_equal(state_of(w, 0), ADDR_TENTATIVE);
	for (int i = 0; i < 10; i++)
		world_run(w, 1000);
	assert_int_equal(state_of(w, 0), ADDR_VALID);
	world_close(w);
}

static void gives_up_an_address_that_is_taken(void **state)
{
	struct world *w = world_open(WORLD_JSON(CAREFUL), VNET_MAX_LEN);
	struct ndp_hdr na = { .type = NDP_NA, .override = true };
	uint8_t b[200] = { 0 };

	(void)state;
	world_run(w, 0);
	na.target = addr("2001:db8::2");
	na.has_tlla = true;
	na.tlla = mac_from(PEER);
	wire_put(w, b, message(b, "2001:db8::2", "ff02::1", 255, &na));
	world_run(w, 1);
	assert_int_equal(state_of(w, 1), ADDR_DUPLICATE);
	assert_count(w, "dad_lost", 1);
	/* Also after a restart. */
	world_crash(w);
	world_run(w, 5000);
	assert_int_equal(state_of(w, 1), ADDR_DUPLICATE);
	world_close(w);
}

static void hears_the_groups_that_sockets_join(void **state)
{
	struct world *w = quiet();
	struct group_table *t = (void *)rig_node(w->r, "udpd")->table;
	uint8_t f[62] = { 0x33, 0x33, 0, 0, 0x12, 0x34, 0x02, 0, 0, 0, 0, 1,
		0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 59, 64 };

	(void)state;
	wire_put(w, f, sizeof(f));
	world_run(w, 1);
	assert_count(w, "rx_not_for_us", 1);
	publish_begin(&t->p);
	t->ngroups = 1;
	t->group[0] = (struct group){ .ip = addr("ff05::1234") };
	publish_end(&t->p);
	wire_put(w, f, sizeof(f));
	world_run(w, 1);
	assert_count(w, "rx_not_for_us", 1);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 1);
	/* Killed while it publishes: its sockets go on hearing. */
	publish_begin(&t->p);
	t->ngroups = 0;
	wire_put(w, f, sizeof(f));
	world_run(w, 1);
	assert_count(w, "rx_not_for_us", 1);
	assert_int_equal(rig_waiting(w->r, "linkd", "ipd"), 2);
	publish_end(&t->p);
	wire_put(w, f, sizeof(f));
	world_run(w, 1);
	assert_count(w, "rx_not_for_us", 2);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_a_solicitation),
		cmocka_unit_test(answers_a_probe_to_all),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test(asks_with_the_packets_own_source),
		cmocka_unit_test(asks_before_it_uses_an_address),
		cmocka_unit_test(gives_up_an_address_that_is_taken),
		cmocka_unit_test(hears_the_groups_that_sockets_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
