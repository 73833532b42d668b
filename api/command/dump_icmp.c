/*
 * dump_icmp.c - ICMP (RFC 792), ICMPv6 (RFC 4443) and NDP (RFC 4861) as text
 *
 * Whose packet an error is about is what matters most of it: @ in a text stands
 * for the destination of the packet that is quoted, # for protocol and port
 * there.  Both are left out if the quotation is cut before them.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "api/command/dump.h"
#include "shm/bytes.h"

enum {
	ICMP_LEN = 8,
	NDP_TARGET = 8,
	NDP_LEN = 24,

	IPV4_MIN = 20,
	IPV4_OFFSET = 0x1fff,
	IPV6_LEN = 40,
	PORTS_LEN = 4,
};

struct name {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *text;
};

static const struct name icmp[] = {
	{ 0, -1, "echo reply" },
	{ 3, 0, "net @unreachable" },
	{ 3, 1, "host @unreachable" },
	{ 3, 2, "@protocol #unreachable" },
	{ 3, 3, "@#port unreachable" },
	{ 3, 4, "@unreachable - need to frag" },
	{ 3, 9, "net @unreachable - admin prohibited" },
	{ 3, 10, "host @unreachable - admin prohibited" },
	{ 3, 13, "host @unreachable - admin prohibited filter" },
	{ 3, -1, "@unreachable" },
	{ 5, 0, "redirect @to net" },
	{ 5, 1, "redirect @to host" },
	{ 5, -1, "redirect @to" },
	{ 8, -1, "echo request" },
	{ 11, 0, "time exceeded in-transit" },
	{ 11, -1, "ip reassembly time exceeded" },
	{ 12, -1, "parameter problem" },
};

static const struct name icmp6[] = {
	{ 1, 0, "destination @unreachable, no route" },
	{ 1, 1, "destination @unreachable, prohibited" },
	{ 1, 3, "destination @unreachable, address" },
	{ 1, 4, "destination @#port unreachable" },
	{ 1, -1, "destination @unreachable" },
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
    const struct name *names, size_t n, const struct dump_bytes *b)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].type == b->p[0] &&
		    (names[i].code == -1 || names[i].code == b->p[1]))
			return names[i].text;
	return NULL;
}

/* ---- The packet that an error quotes ---- */

struct quoted {
	char dst[INET6_ADDRSTRLEN]; /* "": it is cut before */
	uint8_t proto;
	bool has_port;
	uint16_t port; /* its destination's */
};

static struct quoted read_quoted(const struct dump_bytes *message)
{
	struct dump_bytes b = dump_rest(message, ICMP_LEN);
	struct quoted q = { .dst = "" };
	bool first = true;

	if (b.caplen >= IPV4_MIN && b.p[0] >> 4 == 4) {
		inet_ntop(AF_INET, b.p + 16, q.dst, sizeof(q.dst));
		q.proto = b.p[9];
		first = (be16_get(b.p + 6) & IPV4_OFFSET) == 0;
		b = dump_rest(&b, (b.p[0] & 0xf) * 4U);
	} else if (b.caplen >= IPV6_LEN && b.p[0] >> 4 == 6) {
		inet_ntop(AF_INET6, b.p + 24, q.dst, sizeof(q.dst));
		q.proto = b.p[6];
		b = dump_rest(&b, IPV6_LEN);
	} else {
		return q;
	}
	q.has_port = first && b.caplen >= PORTS_LEN &&
	    (q.proto == IPPROTO_TCP || q.proto == IPPROTO_UDP);
	if (q.has_port)
		q.port = be16_get(b.p + 2);
	return q;
}

static void add_protocol(struct dump *d, const struct quoted *q)
{
	if (q->dst[0] == '\0')
		return;
	if (q->proto == IPPROTO_TCP)
		dump_add(d, "tcp ");
	else if (q->proto == IPPROTO_UDP)
		dump_add(d, "udp ");
	else
		dump_add(d, "%u ", q->proto);
}

/* Returns what follows the mark. */
static const char *add_marked(
    struct dump *d, const struct quoted *q, const char *mark)
{
	static const char port[] = "#port ";

	if (*mark == '@') {
		dump_add(d, "%s%s", q->dst, q->dst[0] != '\0' ? " " : "");
		return mark + 1;
	}
	add_protocol(d, q);
	if (!q->has_port || strncmp(mark, port, sizeof(port) - 1) != 0)
		return mark + 1;
	dump_add(d, "port %u ", q->port);
	return mark + sizeof(port) - 1;
}

/* What the message is called, or numbers. */
static void add_name(
    struct dump *d, const char *name, const struct dump_bytes *b)
{
	struct quoted q = read_quoted(b);
	size_t plain;

	if (name == NULL)
		dump_add(d, "type-%u-code-%u", b->p[0], b->p[1]);
	for (; name != NULL && *name != '\0';) {
		plain = strcspn(name, "@#");
		dump_add(d, "%.*s", (int)plain, name);
		name += plain;
		if (*name != '\0')
			name = add_marked(d, &q, name);
	}
}

/* ---- Messages ---- */

static void fields(struct dump *d, const char *what, const uint8_t *p)
{
	dump_field(d, "\t%s type=%u code=%u checksum=0x%04x rest=0x%08x", what,
	    p[0], p[1], be16_get(p + 2), be32_get(p + 4));
}

static void add_echo(struct dump *d, const uint8_t *p)
{
	dump_add(d, ", id %u, seq %u", be16_get(p + 4), be16_get(p + 6));
}

static void add_gateway(struct dump *d, const uint8_t *p)
{
	char text[INET_ADDRSTRLEN];

	dump_add(d, " %s", inet_ntop(AF_INET, p + 4, text, sizeof(text)));
}

void dump_icmp(struct dump *d, const struct dump_ends *e, struct dump_bytes b)
{
	dump_add(d, "%s %s > %s: ICMP ", e->ip, e->src, e->dst);
	if (!dump_has(d, &b, ICMP_LEN, "icmp"))
		return;
	add_name(d, name_of(icmp, sizeof(icmp) / sizeof(*icmp), &b), &b);
	if (b.p[0] == 0 || b.p[0] == 8)
		add_echo(d, b.p);
	else if (b.p[0] == 3 && b.p[1] == 4)
		dump_add(d, " (mtu %u)", be16_get(b.p + 6));
	else if (b.p[0] == 5)
		add_gateway(d, b.p);
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
	add_name(d, name_of(icmp6, sizeof(icmp6) / sizeof(*icmp6), &b), &b);
	if (b.p[0] == 128 || b.p[0] == 129)
		add_echo(d, b.p);
	else if (b.p[0] == 2)
		dump_add(d, ", mtu %u", be32_get(b.p + 4));
	else if (b.p[0] == 135 || b.p[0] == 136)
		add_target(d, &b);
	dump_add(d, ", length %u", b.len);
	fields(d, "ICMPv6", b.p);
}
