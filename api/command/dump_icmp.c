/*
 * dump_icmp.c - ICMP (RFC 792), ICMPv6 (RFC 4443) and NDP (RFC 4861) as text
 */
#include <arpa/inet.h>

#include "api/command/dump.h"
#include "shm/bytes.h"

enum {
	ICMP_LEN = 8,
	NDP_TARGET = 8,
	NDP_LEN = 24,
};

struct name {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *text;
};

static const struct name icmp[] = {
	{ 0, -1, "echo reply" },
	{ 3, 0, "net unreachable" },
	{ 3, 1, "host unreachable" },
	{ 3, 2, "protocol unreachable" },
	{ 3, 3, "port unreachable" },
	{ 3, 4, "unreachable - need to frag" },
	{ 3, -1, "unreachable" },
	{ 5, -1, "redirect" },
	{ 8, -1, "echo request" },
	{ 11, 0, "time exceeded in-transit" },
	{ 11, -1, "ip reassembly time exceeded" },
	{ 12, -1, "parameter problem" },
};

static const struct name icmp6[] = {
	{ 1, 0, "destination unreachable, no route" },
	{ 1, 1, "destination unreachable, prohibited" },
	{ 1, 3, "destination unreachable, address" },
	{ 1, 4, "destination unreachable, port" },
	{ 1, -1, "destination unreachable" },
	{ 2, -1, "packet too big" },
	{ 3, 0, "time exceeded in-transit" },
	{ 3, -1, "time exceeded in reassembly" },
	{ 4, -1, "parameter problem" },
	{ 128, -1, "echo request" },
	{ 129, -1, "echo reply" },
	{ 130, -1, "multicast listener query" },
	{ 131, -1, "multicast listener report" },
	{ 132, -1, "multicast listener done" },
	{ 133, -1, "router solicitation" },
	{ 134, -1, "router advertisement" },
	{ 135, -1, "neighbor solicitation" },
	{ 136, -1, "neighbor advertisement" },
	{ 137, -1, "redirect" },
	{ 143, -1, "multicast listener report v2" },
};

static const char *name_of(
    const struct name *names, size_t n, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].type == type &&
		    (names[i].code == -1 || names[i].code == code))
			return names[i].text;
	return NULL;
}

/* Name, or numbers; then the length, as all messages have it. */
static void add_name(struct dump *d, const char *name, const uint8_t *p)
{
	if (name != NULL)
		dump_add(d, "%s", name);
	else
		dump_add(d, "type-%u-code-%u", p[0], p[1]);
}

static void fields(struct dump *d, const char *what, const uint8_t *p)
{
	dump_field(d, "\t%s type=%u code=%u checksum=0x%04x rest=0x%08x", what,
	    p[0], p[1], be16_get(p + 2), be32_get(p + 4));
}

void dump_icmp(struct dump *d, const struct dump_ends *e, struct dump_bytes b)
{
	dump_add(d, "%s %s > %s: ICMP ", e->ip, e->src, e->dst);
	if (!dump_has(d, &b, ICMP_LEN, "icmp"))
		return;
	add_name(d, name_of(icmp, sizeof(icmp) / sizeof(*icmp), b.p[0], b.p[1]),
	    b.p);
	if (b.p[0] == 0 || b.p[0] == 8)
		dump_add(
		    d, ", id %u, seq %u", be16_get(b.p + 4), be16_get(b.p + 6));
	else if (b.p[0] == 3 && b.p[1] == 4)
		dump_add(d, " (mtu %u)", be16_get(b.p + 6));
	dump_add(d, ", length %u", b.len);
	fields(d, "ICMP", b.p);
}

static void add_target(struct dump *d, const struct dump_bytes *b)
{
	char target[INET6_ADDRSTRLEN];

	if (b->caplen < NDP_LEN)
		return;
	inet_ntop(AF_INET6, b->p + NDP_TARGET, target, sizeof(target));
	dump_add(
	    d, "%s%s", b->p[0] == 135 ? ", who has " : ", tgt is ", target);
}

void dump_icmp6(struct dump *d, const struct dump_ends *e, struct dump_bytes b)
{
	dump_add(d, "%s %s > %s: ICMP6, ", e->ip, e->src, e->dst);
	if (!dump_has(d, &b, ICMP_LEN, "icmp6"))
		return;
	add_name(d,
	    name_of(icmp6, sizeof(icmp6) / sizeof(*icmp6), b.p[0], b.p[1]),
	    b.p);
	if (b.p[0] == 128 || b.p[0] == 129)
		dump_add(
		    d, ", id %u, seq %u", be16_get(b.p + 4), be16_get(b.p + 6));
	else if (b.p[0] == 2)
		dump_add(d, ", mtu %u", be32_get(b.p + 4));
	else if (b.p[0] == 135 || b.p[0] == 136)
		add_target(d, &b);
	dump_add(d, ", length %u", b.len);
	fields(d, "ICMPv6", b.p);
}
