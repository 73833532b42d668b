/*
 * fuzz_ipd.c - ipd between neighbours that hand it anything
 *
 * An input is a row of packets, up or down.  Checksums are made right, or few
 * would get far.  However they look: the turns come to an end, every slot
 * comes home, and the asserts of ipd hold.  The ipd lives on from one input to
 * the next.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipd.h"
#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char TOPOLOGY[] =
    "{\"name\":\"f\",\"forward\":true,\"reassembly\":{\"max_bytes\":262144},"
    "\"links\":[{\"name\":\"a\",\"device\":\"tap\",\"interface\":\"a\","
    "\"mtu\":1500,\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]},"
    "{\"name\":\"b\",\"device\":\"tap\",\"interface\":\"b\",\"mtu\":1280,"
    "\"addresses\":[\"198.51.100.2/24\",\"fd00::2/64\"]}],"
    "\"routes\":[{\"to\":\"default\",\"via\":\"192.0.2.1\"},"
    "{\"to\":\"default\",\"via\":\"2001:db8::1\"}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"udpd\"},{\"from\":\"udpd\",\"to\":\"ipd\"}]}";

/* What one of the packets of an input begins with. */
enum {
	CTL_DOWN = 1 << 0,
	CTL_ERROR = 1 << 1,
	CTL_LATER = 1 << 2, /* a quarter of a minute passes before */
	CTL_PACKET = 20,    /* bytes before those of the packet */
};

static struct rig *rig;
static struct ipd *ip;

static void begin(void)
{
	struct group_table *g;
	struct segments s;

	rig = rig_open(TOPOLOGY);
	rig_links_valid(rig, "linkd");
	g = (void *)rig_node(rig, "udpd")->table;
	publish_begin(&g->p);
	g->ngroups = 1;
	g->group[0].link = LINK_ANY;
	ip_parse(&g->group[0].ip, "239.1.2.3");
	publish_end(&g->p);
	ip = calloc(1, sizeof(*ip));
	s = rig_segments(rig, "ipd");
	if (ip == NULL || ipd_attach(ip, &s, rig->now) < 0)
		abort();
}

static struct ip_addr pick(uint8_t n)
{
	static const char *const texts[] = { "0.0.0.0", "::", "192.0.2.2",
		"192.0.2.1", "2001:db8::2", "2001:db8::1", "198.51.100.7",
		"fd00::7", "203.0.113.9", "2001:db8:5::9", "239.1.2.3",
		"ff02::1", "192.0.2.255", "255.255.255.255", "127.0.0.1",
		"fe80::1" };
	struct ip_addr a = { { 0 } };

	ip_parse(&a, texts[n % 16]);
	return a;
}

/* IPv4's header, and ICMP of both families if nothing is in between. */
static void mend(uint8_t *p, size_t len)
{
	size_t at;
	uint32_t sum = 0;

	if (len >= 20 && p[0] >> 4 == 4 && (p[0] & 15) * 4U <= len) {
		at = (p[0] & 15) * 4U;
		be16_put(p + 10, 0);
		be16_put(p + 10, csum_fold(csum_add(0, p, at)));
		if (p[9] != IPPROTO_ICMP && p[9] != IPPROTO_IGMP)
			return;
		if (be16_get(p + 2) < len)
			len = be16_get(p + 2);
	} else if (len >= 40 && p[0] >> 4 == 6 && p[6] == IPPROTO_ICMPV6) {
		struct ip_addr src = ip_from_v6(p + 8);
		struct ip_addr dst = ip_from_v6(p + 24);

		at = 40;
		if (at + be16_get(p + 4) < len)
			len = at + be16_get(p + 4);
		sum = csum_pseudo(
		    &src, &dst, IPPROTO_ICMPV6, (uint32_t)(len - at));
	} else {
		return;
	}
	if (at + 4 > len)
		return;
	be16_put(p + at + 2, 0);
	be16_put(p + at + 2, csum_fold(csum_add(sum, p + at, len - at)));
}

static void one(const uint8_t *ctl, uint8_t *p, size_t len)
{
	bool down = ctl[0] & CTL_DOWN;
	struct desc d = {
		.kind = ctl[0] & CTL_ERROR ? PKT_ERROR : PKT_DATA,
		.flags = be16_get(ctl + 1),
		.link = ctl[3],
		.proto = ctl[4],
		.hops = ctl[5],
		.tclass = ctl[6],
		.gso_size = be16_get(ctl + 8),
		.l4 = be16_get(ctl + 10),
		.csum_start = be16_get(ctl + 12),
		.csum_offset = be16_get(ctl + 14),
		.src = pick(ctl[16]),
		.dst = pick(ctl[17]),
	};

	if (ctl[0] & CTL_LATER)
		rig->now = mono_add_ms(rig->now, 15000);
	if (!down)
		mend(p, len);
	rig_put(rig, down ? "udpd" : "linkd", "ipd", p, len, &d);
}

static void turns(void)
{
	for (int i = 0; ipd_turn(ip, rig->now); i++)
		if (i > 1000)
			abort();
}

static void drain(void)
{
	struct desc d;

	turns();
	while (rig_take(rig, "linkd", "ipd", &d, NULL, 0) ||
	    rig_take(rig, "udpd", "ipd", &d, NULL, 0))
		;
	/* What they gave back comes home. */
	turns();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pool_home *own;

	if (rig == NULL)
		begin();
	while (size > CTL_PACKET) {
		size_t len = be16_get(data + 18);
		uint8_t *p;

		if (len > size - CTL_PACKET)
			len = size - CTL_PACKET;
		p = malloc(len ? len : 1);
		if (p == NULL)
			abort();
		memcpy(p, data + CTL_PACKET, len);
		one(data, p, len);
		free(p);
		drain();
		data += CTL_PACKET + len;
		size -= CTL_PACKET + len;
	}
	drain();
	own = &ip->n.home;
	if (rig_lent(rig, "linkd") != 0 || rig_lent(rig, "udpd") != 0 ||
	    own->small_free + own->big_free != pool_slots(&own->p))
		abort();
	return 0;
}
