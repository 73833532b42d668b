/*
 * ipd_world.c - an ipd between a fake linkd and fake transports
 */
#include "tests/unit/ipd_world.h"

#include <netinet/in.h>
#include <stdio.h>

#include "ipd/ipv4.h"
#include "ipd/ipv6.h"

/* %s: more members of the topology, each followed by a comma. */
static const char TOPOLOGY[] =
    "{ \"name\": \"world\", %s"
    "\"links\": ["
    "{\"name\":\"a\",\"device\":\"tap\",\"interface\":\"a\",\"mtu\":1500,"
    " \"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\",\"fe80::2/64\"]},"
    "{\"name\":\"b\",\"device\":\"tap\",\"interface\":\"b\",\"mtu\":1500,"
    " \"addresses\":[\"198.51.100.2/24\",\"fd00::2/64\"]}],"
    "\"routes\": ["
    "{\"to\":\"default\",\"via\":\"192.0.2.1\"},"
    "{\"to\":\"default\",\"via\":\"2001:db8::1\"}],"
    "\"processes\": ["
    "{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"tcpd\",\"layer\":\"tcpd\"},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\"}],"
    "\"rings\": ["
    "{\"from\":\"linkd\",\"to\":\"ipd\"},{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"tcpd\"},{\"from\":\"tcpd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"udpd\"},{\"from\":\"udpd\",\"to\":\"ipd\"}] }";

static void attach(struct world *w)
{
	struct segments s = rig_segments(w->r, "ipd");

	w->ip = calloc(1, sizeof(*w->ip));
	assert_non_null(w->ip);
	w->ip->seed[0] = 1;
	w->ip->seed[1] = 2;
	assert_int_equal(ipd_attach(w->ip, &s, w->now), 0);
}

struct world *world_open(const char *extra)
{
	char json[sizeof(TOPOLOGY) + 512];
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(json, sizeof(json), TOPOLOGY, extra);
	w->r = rig_open(json);
	w->now = w->r->now;
	w->links = (void *)rig_node(w->r, "linkd")->table;
	rig_links_valid(w->r, "linkd");
	attach(w);
	world_settle(w);
	return w;
}

void world_settle(struct world *w)
{
	for (int i = 0; i < 5; i++) {
		world_turns(w);
		while (world_take(w, "linkd"))
			;
		w->now = mono_add_ms(w->now, 1000);
	}
}

static void detach(struct world *w)
{
	ipd_detach(w->ip);
	free(w->ip);
}

void world_close(struct world *w)
{
	detach(w);
	rig_close(w->r);
	free(w);
}

void world_restart(struct world *w)
{
	detach(w);
	attach(w);
}

struct ip_addr world_ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	if (!ip_parse(&a, text))
		fail_msg("%s is no address", text);
	return a;
}

void world_turns(struct world *w)
{
	for (int i = 0; i < 100; i++)
		if (!ipd_turn(w->ip, w->now))
			return;
	fail_msg("ipd always finds work");
}

void world_rx(struct world *w, const void *packet, size_t len, struct desc d)
{
	rig_put(w->r, "linkd", "ipd", packet, len, &d);
	world_turns(w);
}

void world_tx(struct world *w, const char *from, const void *bytes, size_t len,
    struct desc d)
{
	rig_put(w->r, from, "ipd", bytes, len, &d);
	world_turns(w);
}

void world_join(struct world *w, const char *group, uint8_t link)
{
	struct group_table *t = (void *)rig_node(w->r, "udpd")->table;

	publish_begin(&t->p);
	t->group[t->ngroups++] = (struct group){ world_ip(group), link, { 0 } };
	publish_end(&t->p);
}

void world_leave(struct world *w)
{
	struct group_table *t = (void *)rig_node(w->r, "udpd")->table;

	publish_begin(&t->p);
	t->ngroups--;
	publish_end(&t->p);
}

bool world_take(struct world *w, const char *at)
{
	return rig_take(w->r, at, "ipd", &w->d, w->got, sizeof(w->got));
}

static void show(const char *what, const uint8_t *p, size_t len)
{
	printf("%s, %zu bytes:", what, len);
	for (size_t i = 0; i < len && i < 100; i++)
		printf("%s%02x", i % 16 ? " " : "\n\t", p[i]);
	printf("\n");
}

void world_expect(
    struct world *w, const char *at, const void *bytes, size_t len)
{
	if (!world_take(w, at))
		fail_msg("nothing for %s", at);
	if (w->d.len != len || memcmp(w->got, bytes, len) != 0) {
		show("got", w->got, w->d.len);
		show("want", bytes, len);
		fail_msg("not what %s should get", at);
	}
	assert_int_equal(rig_waiting(w->r, "ipd", at), 0);
}

void world_expect_nothing(struct world *w, const char *at)
{
	if (!world_take(w, at))
		return;
	show("got", w->got, w->d.len);
	fail_msg("something for %s", at);
}

uint64_t world_counter(const struct world *w, const char *name)
{
	return rig_counter(w->r, "ipd", name);
}

void world_no_leaks(struct world *w)
{
	const struct pool_home *own = &w->ip->n.home;

	world_turns(w);
	assert_int_equal(rig_lent(w->r, "linkd"), 0);
	assert_int_equal(rig_lent(w->r, "tcpd"), 0);
	assert_int_equal(rig_lent(w->r, "udpd"), 0);
	node_begin(&w->ip->n, w->now);
	node_commit(&w->ip->n);
	assert_int_equal(own->small_free + own->big_free, pool_slots(&own->p));
}

size_t make4(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len)
{
	struct ipv4_hdr h = {
		.src = world_ip(src),
		.dst = world_ip(dst),
		.total_len = (uint16_t)(IPV4_HDR_LEN + len),
		.hdr_len = IPV4_HDR_LEN,
		.id = 0x1234,
		.ttl = 64,
		.proto = proto,
	};

	ipv4_emit(out, &h);
	memcpy(out + IPV4_HDR_LEN, payload, len);
	return IPV4_HDR_LEN + len;
}

size_t make6(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len)
{
	struct ipv6_hdr h = {
		.src = world_ip(src),
		.dst = world_ip(dst),
		.payload_len = (uint16_t)len,
		.next_header = proto,
		.hop_limit = 64,
	};

	ipv6_emit(out, &h);
	memcpy(out + IPV6_HDR_LEN, payload, len);
	return IPV6_HDR_LEN + len;
}

size_t make_icmp(uint8_t *out, const char *src, const char *dst, uint8_t type,
    uint8_t code, uint32_t rest, const void *body, size_t len)
{
	struct ip_addr a = world_ip(src);
	struct ip_addr b = world_ip(dst);
	bool v4 = ip_is_v4(&a);
	uint8_t *m = malloc(8 + len);
	uint32_t sum = 0;
	size_t n;

	assert_non_null(m);
	m[0] = type;
	m[1] = code;
	be16_put(m + 2, 0);
	be32_put(m + 4, rest);
	if (len > 0)
		memcpy(m + 8, body, len);
	if (!v4)
		sum = csum_pseudo(&a, &b, IPPROTO_ICMPV6, (uint32_t)len + 8);
	be16_put(m + 2, csum_fold(csum_add(sum, m, 8 + len)));
	n = v4 ? make4(out, src, dst, IPPROTO_ICMP, m, 8 + len)
	       : make6(out, src, dst, IPPROTO_ICMPV6, m, 8 + len);
	free(m);
	return n;
}
