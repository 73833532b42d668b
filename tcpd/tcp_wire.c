/*
 * tcp_wire.c - the TCP header as bytes and as numbers (RFC 9293, 3.1)
 */
#include "tcpd/tcp_wire.h"

#include <netinet/in.h>
#include <stdio.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	OFF_SRC_PORT = 0,
	OFF_DST_PORT = 2,
	OFF_SEQ = 4,
	OFF_ACK = 8,
	OFF_DOFF_FLAGS = 12,
	OFF_WINDOW = 14,
	OFF_CHECKSUM = 16,
	OFF_URGENT = 18,

	FLAGS_MASK = 0x1ff,
};

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
};

/* Lengths as sent, kind and length bytes included. */
enum {
	LEN_MSS = 4,
	LEN_WSCALE = 3,
	LEN_SACK_PERMITTED = 2,
	LEN_SACK_BLOCK = 8,
	LEN_TS = 10,
};

static void read_sack(struct tcp_hdr *h, const uint8_t *body, size_t len)
{
	h->nsack = (uint8_t)(len / LEN_SACK_BLOCK); /* 38 bytes at most: 4 */
	for (unsigned i = 0; i < h->nsack; i++) {
		const uint8_t *block = body + (size_t)i * LEN_SACK_BLOCK;

		h->sack[i].left = seq_of(be32_get(block));
		h->sack[i].right = seq_of(be32_get(block + 4));
	}
}

/* One option of @len bytes in all, the last @len - 2 of them at @body. */
static void read_option(
    struct tcp_hdr *h, uint8_t kind, const uint8_t *body, size_t len)
{
	if (kind == OPT_MSS && len == LEN_MSS) {
		h->has_mss = true;
		h->mss = be16_get(body);
	} else if (kind == OPT_WSCALE && len == LEN_WSCALE) {
		h->has_wscale = true;
		h->wscale = body[0];
		if (h->wscale > TCP_MAX_WSCALE) /* RFC 7323, 2.3: MUST use 14 */
			h->wscale = TCP_MAX_WSCALE;
	} else if (kind == OPT_SACK_PERMITTED && len == LEN_SACK_PERMITTED) {
		h->sack_permitted = true;
	} else if (kind == OPT_SACK && len > 2 &&
	    (len - 2) % LEN_SACK_BLOCK == 0) {
		read_sack(h, body, len - 2);
	} else if (kind == OPT_TS && len == LEN_TS) {
		h->has_ts = true;
		h->ts_val = be32_get(body);
		h->ts_ecr = be32_get(body + 4);
	}
}

static enum tcp_parse read_options(
    struct tcp_hdr *h, const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		uint8_t kind = *p++;
		uint8_t len;

		if (kind == OPT_END)
			break;
		if (kind == OPT_NOP)
			continue;
		if (p == end)
			return TCP_BAD_OPTION;
		len = *p++;
		/* RFC 9293, 3.1 (MUST-7): zero would have us loop for ever. */
		if (len < 2 || len - 2 > end - p)
			return TCP_BAD_OPTION;
		read_option(h, kind, p, len);
		p += len - 2;
	}
	return TCP_OK;
}

enum tcp_parse tcp_parse(struct tcp_hdr *ret, const uint8_t *buf, size_t len)
{
	struct tcp_hdr h = { 0 };
	enum tcp_parse why;
	uint16_t doff_flags;

	if (len < TCP_HDR_LEN)
		return TCP_SHORT;

	h.src_port = be16_get(buf + OFF_SRC_PORT);
	h.dst_port = be16_get(buf + OFF_DST_PORT);
	h.seq = seq_of(be32_get(buf + OFF_SEQ));
	h.ack = seq_of(be32_get(buf + OFF_ACK));
	doff_flags = be16_get(buf + OFF_DOFF_FLAGS);
	h.window = be16_get(buf + OFF_WINDOW);
	h.checksum = be16_get(buf + OFF_CHECKSUM);
	h.urgent = be16_get(buf + OFF_URGENT);

	h.hdr_len = (uint8_t)((doff_flags >> 12) * 4);
	h.flags = doff_flags & FLAGS_MASK; /* the reserved bits are ignored */
	if (h.hdr_len < TCP_HDR_LEN || h.hdr_len > len)
		return TCP_BAD_DOFF;
	if (h.src_port == 0 || h.dst_port == 0)
		return TCP_BAD_PORT;

	why = read_options(&h, buf + TCP_HDR_LEN, buf + h.hdr_len);
	if (why != TCP_OK)
		return why;

	*ret = h;
	return TCP_OK;
}

/*
 * What is sent, each line a multiple of four bytes, as it appears in most
 * stacks' segments (some middleboxes are known to want it so):
 *
 *	MSS                                  4
 *	SACK-permitted, timestamps          12
 *	or  NOP NOP timestamps              12
 *	or  NOP NOP SACK-permitted           4
 *	NOP window-scale                     4
 *	NOP NOP SACK                         4 + 8 each
 */
static size_t len_without_sack(const struct tcp_hdr *h)
{
	size_t len = TCP_HDR_LEN;

	if (h->has_mss)
		len += 4;
	if (h->has_ts)
		len += 12;
	else if (h->sack_permitted)
		len += 4;
	if (h->has_wscale)
		len += 4;
	return len;
}

/* As many SACK blocks as there are and as fit. */
static size_t sacks_sent(const struct tcp_hdr *h)
{
	size_t room = TCP_HDR_MAX - len_without_sack(h); /* 20 at least */
	size_t fit = (room - 4) / LEN_SACK_BLOCK;

	return h->nsack < fit ? h->nsack : fit;
}

size_t tcp_emit_len(const struct tcp_hdr *h)
{
	size_t n = sacks_sent(h);

	return len_without_sack(h) + (n ? 4 + n * LEN_SACK_BLOCK : 0);
}

/* The first four bytes of an option line: two fillers, kind, length. */
static uint8_t *put_padded(uint8_t *p, uint8_t kind, size_t len)
{
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = kind;
	p[3] = (uint8_t)len;
	return p + 4;
}

static uint8_t *put_ts_and_sack_permitted(uint8_t *p, const struct tcp_hdr *h)
{
	if (!h->has_ts && !h->sack_permitted)
		return p;
	if (!h->has_ts)
		return put_padded(p, OPT_SACK_PERMITTED, LEN_SACK_PERMITTED);

	p = put_padded(p, OPT_TS, LEN_TS);
	if (h->sack_permitted) {
		p[-4] = OPT_SACK_PERMITTED;
		p[-3] = LEN_SACK_PERMITTED;
	}
	be32_put(p, h->ts_val);
	be32_put(p + 4, h->ts_ecr);
	return p + 8;
}

static void put_sack(uint8_t *p, const struct tcp_hdr *h)
{
	size_t n = sacks_sent(h);

	if (n == 0)
		return;
	p = put_padded(p, OPT_SACK, 2 + n * LEN_SACK_BLOCK);
	for (size_t i = 0; i < n; i++, p += LEN_SACK_BLOCK) {
		be32_put(p, h->sack[i].left.n);
		be32_put(p + 4, h->sack[i].right.n);
	}
}

static void put_options(uint8_t *p, const struct tcp_hdr *h)
{
	if (h->has_mss) {
		p[0] = OPT_MSS;
		p[1] = LEN_MSS;
		be16_put(p + 2, h->mss);
		p += 4;
	}
	p = put_ts_and_sack_permitted(p, h);
	if (h->has_wscale) {
		p[0] = OPT_NOP;
		p[1] = OPT_WSCALE;
		p[2] = LEN_WSCALE;
		p[3] = h->wscale;
		p += 4;
	}
	put_sack(p, h);
}

void tcp_emit(uint8_t *buf, const struct tcp_hdr *h)
{
	size_t doff = tcp_emit_len(h) / 4;

	be16_put(buf + OFF_SRC_PORT, h->src_port);
	be16_put(buf + OFF_DST_PORT, h->dst_port);
	be32_put(buf + OFF_SEQ, h->seq.n);
	be32_put(buf + OFF_ACK, h->ack.n);
	be16_put(buf + OFF_DOFF_FLAGS,
	    (uint16_t)(doff << 12 | (h->flags & FLAGS_MASK)));
	be16_put(buf + OFF_WINDOW, h->window);
	be16_put(buf + OFF_CHECKSUM, h->checksum);
	be16_put(buf + OFF_URGENT, h->urgent);
	put_options(buf + TCP_HDR_LEN, h);
}

bool tcp_checksum_ok(const uint8_t *buf, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst)
{
	uint32_t sum = csum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)len);

	return csum_fold(csum_add(sum, buf, len)) == 0;
}

void tcp_checksum_seal(uint8_t *buf, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst)
{
	uint32_t sum = csum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)len);

	be16_put(buf + OFF_CHECKSUM, 0);
	be16_put(buf + OFF_CHECKSUM, csum_fold(csum_add(sum, buf, len)));
}

const char *tcp_flags_text(uint16_t flags, char buf[TCP_FLAGS_TEXT])
{
	static const char names[][4] = { "FIN", "SYN", "RST", "PSH", "ACK",
		"URG", "ECE", "CWR", "AE" };
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & 1U << i)
			len += (size_t)sprintf(
			    buf + len, "%s%s", len ? " " : "", names[i]);
	return buf;
}

static void log_options(struct log *log, const struct tcp_hdr *h)
{
	if (h->has_mss)
		log_field(log, "mss", "%u", h->mss);
	if (h->has_wscale)
		log_field(log, "window scale", "%u", h->wscale);
	if (h->sack_permitted)
		log_field(log, "sack permitted", "1");
	if (h->has_ts) {
		log_field(log, "ts val", "%u", h->ts_val);
		log_field(log, "ts ecr", "%u", h->ts_ecr);
	}
	for (unsigned i = 0; i < h->nsack; i++)
		log_field(log, "sack", "%u..%u", h->sack[i].left.n,
		    h->sack[i].right.n);
}

void tcp_log(struct log *log, const struct tcp_hdr *h)
{
	char flags[TCP_FLAGS_TEXT];

	log_field(log, "src port", "%u", h->src_port);
	log_field(log, "dst port", "%u", h->dst_port);
	log_field(log, "seq", "%u", h->seq.n);
	log_field(log, "ack", "%u", h->ack.n);
	log_field(log, "header length", "%u", h->hdr_len);
	log_field(log, "flags", "%s", tcp_flags_text(h->flags, flags));
	log_field(log, "window", "%u", h->window);
	log_field(log, "checksum", "0x%04x", h->checksum);
	log_field(log, "urgent", "%u", h->urgent);
	log_options(log, h);
}
