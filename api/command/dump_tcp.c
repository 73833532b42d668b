/*
 * dump_tcp.c - TCP (RFC 9293) as text
 *
 * Sequence numbers are those of the segment: at several places at once there is
 * no first one to count from.
 */
#include <stdio.h>
#include <string.h>

#include "api/command/dump.h"
#include "shm/bytes.h"

enum {
	TCP_MIN = 20,
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,

	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TIMESTAMPS = 8,
};

/* The order and the letters are tcpdump's. */
static void add_flags(struct dump *d, uint8_t flags)
{
	static const struct {
		uint8_t bit;
		char letter;
	} letters[] = { { TCP_FIN, 'F' }, { TCP_SYN, 'S' }, { TCP_RST, 'R' },
		{ TCP_PSH, 'P' }, { TCP_ACK, '.' }, { TCP_URG, 'U' },
		{ 0x40, 'E' }, { 0x80, 'W' } };
	char text[sizeof(letters) / sizeof(*letters) + 1];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (flags & letters[i].bit)
			text[n++] = letters[i].letter;
	text[n] = '\0';
	dump_add(d, "Flags [%s]", n > 0 ? text : "none");
}

static void add_sack(struct dump *d, const uint8_t *p, uint32_t len)
{
	dump_add(d, "sack %u ", len / 8);
	for (uint32_t at = 0; at + 8 <= len; at += 8)
		dump_add(d, "{%u:%u}", be32_get(p + at), be32_get(p + at + 4));
}

/* One with a length; @len is without the two bytes of kind and length. */
static void add_option(
    struct dump *d, uint8_t kind, const uint8_t *p, uint32_t len)
{
	if (kind == OPT_MSS && len == 2)
		dump_add(d, "mss %u", be16_get(p));
	else if (kind == OPT_WSCALE && len == 1)
		dump_add(d, "wscale %u", p[0]);
	else if (kind == OPT_SACK_OK && len == 0)
		dump_add(d, "sackOK");
	else if (kind == OPT_SACK)
		add_sack(d, p, len);
	else if (kind == OPT_TIMESTAMPS && len == 8)
		dump_add(d, "TS val %u ecr %u", be32_get(p), be32_get(p + 4));
	else
		dump_add(d, "unknown-%u", kind);
}

static void add_options(struct dump *d, const uint8_t *p, uint32_t len)
{
	uint32_t at = 0;

	if (len == 0)
		return;
	dump_add(d, ", options [");
	while (at < len) {
		uint8_t kind = p[at];
		uint32_t n = 1;

		if (at > 0)
			dump_add(d, ",");
		if (kind == OPT_END || kind == OPT_NOP) {
			dump_add(d, kind == OPT_END ? "eol" : "nop");
		} else {
			n = at + 1 < len ? p[at + 1] : 0;
			if (n < 2 || n > len - at) {
				dump_add(d, "bad");
				break;
			}
			add_option(d, kind, p + at + 2, n - 2);
		}
		at += n;
	}
	dump_add(d, "]");
}

static void add_numbers(struct dump *d, const uint8_t *p, uint32_t data)
{
	uint8_t flags = p[13];
	uint32_t seq = be32_get(p + 4);

	if (data > 0)
		dump_add(d, ", seq %u:%u", seq, seq + data);
	else if (flags & (TCP_SYN | TCP_FIN | TCP_RST))
		dump_add(d, ", seq %u", seq);
	if (flags & TCP_ACK)
		dump_add(d, ", ack %u", be32_get(p + 8));
	dump_add(d, ", win %u", be16_get(p + 14));
	if (flags & TCP_URG)
		dump_add(d, ", urg %u", be16_get(p + 18));
}

void dump_tcp(struct dump *d, const struct dump_ends *e, struct dump_bytes b)
{
	uint32_t hdr, captured, data;

	if (b.caplen < TCP_MIN) {
		dump_add(d, "%s %s > %s: ", e->ip, e->src, e->dst);
		if (b.caplen >= 4)
			dump_add(d, "ports %u > %u ", be16_get(b.p),
			    be16_get(b.p + 2));
		dump_add(d, "[|tcp]");
		return;
	}
	hdr = (b.p[12] >> 4) * 4U;
	captured = hdr < b.caplen ? hdr : b.caplen;
	data = b.len > hdr ? b.len - hdr : 0;
	dump_add(d, "%s %s.%u > %s.%u: ", e->ip, e->src, be16_get(b.p), e->dst,
	    be16_get(b.p + 2));
	add_flags(d, b.p[13]);
	add_numbers(d, b.p, data);
	if (captured > TCP_MIN)
		add_options(d, b.p + TCP_MIN, captured - TCP_MIN);
	dump_add(d, ", length %u", data);
	dump_field(d,
	    "\tTCP src_port=%u dst_port=%u seq=%u ack=%u header=%u "
	    "flags=0x%02x window=%u checksum=0x%04x urgent=%u",
	    be16_get(b.p), be16_get(b.p + 2), be32_get(b.p + 4),
	    be32_get(b.p + 8), hdr, b.p[13], be16_get(b.p + 14),
	    be16_get(b.p + 16), be16_get(b.p + 18));
}
