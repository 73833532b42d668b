/*
 * wire_segment.c - segments in and out, and how they are told
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/app.h"
#include "shm/bytes.h"
#include "tcpd/isn.h"
#include "tests/tcp/wire.h"

enum {
	SEGMENT_MAX = 66000,
	ECN_MASK = 3,
};

/* Streams in which neighbouring bytes and segments differ. */
uint8_t wire_theirs(uint64_t at)
{
	return (uint8_t)(at * 11 + (at >> 8) * 3 + 5);
}

uint8_t wire_ours(uint64_t at)
{
	return (uint8_t)(at * 7 + (at >> 8) * 5 + 1);
}

static struct conversation *cur(struct wire *w)
{
	return &w->c[w->cur];
}

void on(struct wire *w, uint32_t c)
{
	struct conversation *p = &w->c[c];

	w->cur = c;
	if (p->peer_port != 0)
		return;
	p->peer_port = (uint16_t)(WIRE_PEER_PORT + c);
	p->our_port = 80;
	/* So near to the end that most streams wrap around. */
	p->irs = 0xffffff00 - c * 7;
	p->win = 65535;
}

/* ---- As tcpdump tells it */

struct text {
	char b[400];
	size_t n;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->b + t->n, sizeof(t->b) - t->n, fmt, ap);
	va_end(ap);
	if (n > 0 && t->n + (size_t)n < sizeof(t->b))
		t->n += (size_t)n;
}

static void put_flags(struct text *t, uint16_t flags)
{
	static const struct {
		uint16_t flag;
		char c;
	} letters[] = {
		{ SYN, 'S' },
		{ FIN, 'F' },
		{ RST, 'R' },
		{ PSH, 'P' },
		{ URG, 'U' },
		{ CWR, 'W' },
		{ ECE, 'E' },
		{ AE, 'e' },
		{ ACK, '.' },
	};

	put(t, "Flags [");
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			put(t, "%c", letters[i].c);
	put(t, "%s]", flags == 0 ? "none" : "");
}

static void put_options(struct text *t, const struct tcp_hdr *h,
    const struct conversation *c, bool ours)
{
	uint32_t sack_base = ours ? c->irs : c->iss;
	const char *comma = "";

	if (!h->has_mss && !h->has_wscale && !h->has_ts && !h->sack_permitted &&
	    h->nsack == 0)
		return;
	put(t, ", options [");
	if (h->has_mss) {
		put(t, "mss %u", h->mss);
		comma = ",";
	}
	if (h->sack_permitted) {
		put(t, "%ssackOK", comma);
		comma = ",";
	}
	if (h->has_ts) {
		put(t, "%sTS val %u ecr %u", comma,
		    ours ? h->ts_val - c->ts_base : h->ts_val,
		    ours ? h->ts_ecr : h->ts_ecr - c->ts_base);
		comma = ",";
	}
	if (h->has_wscale) {
		put(t, "%swscale %u", comma, h->wscale);
		comma = ",";
	}
	for (int i = 0; i < h->nsack; i++) {
		put(t, "%s{%u:%u}", i == 0 ? comma : "",
		    h->sack[i].left.n - sack_base,
		    h->sack[i].right.n - sack_base);
	}
	put(t, "]");
}

static const char *tell(struct text *t, const struct tcp_hdr *h, uint32_t len,
    uint8_t ecn, const struct conversation *c, bool ours)
{
	static const char *const ecns[] = { "", ", ECT(1)", ", ECT(0)",
		", CE" };
	uint32_t seq = h->seq.n - (ours ? c->iss : c->irs);

	t->n = 0;
	put_flags(t, h->flags);
	put(t, ", seq %u", seq);
	if (len > 0)
		put(t, ":%u", seq + len);
	if (h->flags & ACK)
		put(t, ", ack %u", h->ack.n - (ours ? c->irs : c->iss));
	put(t, ", win %u", h->window);
	if (h->flags & URG)
		put(t, ", urg %u", h->urgent);
	put_options(t, h, c, ours);
	put(t, ", length %u%s", len, ecns[ecn & ECN_MASK]);
	return t->b;
}

static void trace(struct wire *w, const struct tcp_hdr *h, uint32_t len,
    uint8_t ecn, uint32_t who, bool ours)
{
	struct text t;

	wire_say(w, "    %.6f %s %u: %s\n",
	    (double)mono_since(w->r->now, w->began) / NS_PER_S,
	    ours ? "out" : "in ", who, tell(&t, h, len, ecn, &w->c[who], ours));
}

/* ---- In */

static void in_header(struct wire *w, const struct seg *s, struct tcp_hdr *h)
{
	struct conversation *c = cur(w);

	*h = (struct tcp_hdr){
		.src_port = c->peer_port,
		.dst_port = c->our_port,
		.seq = seq_of(c->irs + s->seq),
		.ack = seq_of(s->flags & ACK ? c->iss + s->ack : s->ack),
		.flags = s->flags,
		.urgent = s->urg,
		.has_mss = s->mss != 0,
		.mss = s->mss,
		.has_wscale = s->ws != 0,
		.wscale = (uint8_t)(s->ws - 1),
		.sack_permitted = s->sack_ok,
		.has_ts = s->ts.on || (c->ts && !s->bare),
		.ts_val = s->ts.on ? s->ts.val : c->ts_theirs,
		.ts_ecr = s->ts.on ? c->ts_base + s->ts.ecr : c->ts_ours,
	};
	if (s->ts.on && !c->ts_known)
		h->ts_ecr = s->ts.ecr;
	if (s->win != 0)
		c->win = s->win;
	h->window = (uint16_t)(c->win < 0 ? 0 : c->win);
	for (int i = 0; i < TCP_MAX_SACK && s->sack[i].right != 0; i++) {
		h->sack[i].left = seq_of(c->iss + s->sack[i].left);
		h->sack[i].right = seq_of(c->iss + s->sack[i].right);
		h->nsack++;
	}
}

static void fill(struct wire *w, const struct seg *s, uint8_t *p)
{
	/* A byte's place in the stream: the SYN is number 0. */
	uint32_t first = s->seq + ((s->flags & SYN) != 0) - 1;

	(void)w;
	for (uint32_t i = 0; i < s->len; i++)
		p[i] = wire_theirs(first + i);
}

size_t wire_build(struct wire *w, const struct seg *s, uint8_t *buf)
{
	struct tcp_hdr h;
	size_t hdr;

	in_header(w, s, &h);
	hdr = tcp_emit_len(&h);
	tcp_emit(buf, &h);
	fill(w, s, buf + hdr);
	tcp_checksum_seal(buf, hdr + s->len, &w->peer, &w->us);
	return hdr + s->len;
}

static void give(struct wire *w, const uint8_t *p, size_t len,
    const struct seg *s, uint16_t flags)
{
	struct desc d = {
		.proto = IPPROTO_TCP,
		.hops = 64,
		.tclass = s->ecn,
		.flags = flags,
		.gso_size = s->gso,
		.src = w->peer,
		.dst = w->us,
	};

	wire_none(w);
	rig_put(w->r, "ipd", "tcpd", p, len, &d);
	if (!s->held)
		wire_step(w);
}

/* How far the peer lets us send, at the most that it has ever said. */
static void note_window(struct wire *w, const struct seg *s)
{
	struct conversation *c = cur(w);
	uint32_t win = c->win < 0 ? 0 : (uint32_t)c->win;
	uint32_t edge;

	if (s->flags & SYN) {
		c->peer_ws = s->ws > 15 ? 14 : s->ws > 0 ? s->ws - 1 : 0;
		c->ws = s->ws > 0;
	} else if (c->ws) {
		win <<= c->peer_ws;
	}
	if (!(s->flags & ACK))
		return;
	edge = s->ack + win;
	if (!c->peer_edge_known || (int32_t)(edge - c->peer_edge) > 0)
		c->peer_edge = edge;
	c->peer_edge_known = true;
}

/* Both SYNs had it: from now on it is in every segment. */
static void note_ts(struct wire *w, const struct seg *s)
{
	struct conversation *c = cur(w);

	if (s->ts.on)
		c->ts_theirs = s->ts.val;
	if ((s->flags & SYN) && !(s->flags & RST) && s->ts.on && c->ts_known)
		c->ts = true;
}

void wire_in(struct wire *w, const struct seg *s)
{
	static uint8_t buf[SEGMENT_MAX];
	size_t len = wire_build(w, s, buf);
	struct tcp_hdr h;

	in_header(w, s, &h);
	trace(w, &h, s->len, s->ecn, w->cur, false);
	note_ts(w, s);
	note_window(w, s);
	give(w, buf, len, s, 0);
}

void wire_raw(struct wire *w, const uint8_t *p, size_t len, uint16_t flags)
{
	static const struct seg plain;

	wire_say(w, "    in  %u: %zu bytes as they are\n", w->cur, len);
	give(w, p, len, &plain, flags);
}

void wire_icmp(
    struct wire *w, uint8_t type, uint8_t code, uint32_t info, uint32_t seq)
{
	const struct conversation *c = cur(w);
	struct desc d = {
		.kind = PKT_ERROR,
		.proto = IPPROTO_TCP,
		.icmp_type = type,
		.icmp_code = code,
		.icmp_info = info,
		.src = w->us,
		.dst = w->peer,
	};
	uint8_t p[8];

	wire_say(w, "    in  %u: ICMP %u/%u (%u), seq %u\n", w->cur, type, code,
	    info, seq);
	be16_put(p, c->our_port);
	be16_put(p + 2, c->peer_port);
	be32_put(p + 4, c->iss + seq);
	wire_none(w);
	rig_put(w->r, "ipd", "tcpd", p, sizeof(p), &d);
	wire_step(w);
}

/* ---- Out: from descriptors to segments */

static uint32_t whose(struct wire *w, const struct tcp_hdr *h)
{
	uint32_t c = (uint32_t)h->dst_port - WIRE_PEER_PORT;

	if (c >= WIRE_CONNS || w->c[c].peer_port == 0)
		wire_fail(w, "a segment to port %u", h->dst_port);
	return c;
}

/* Headers from the slot, payload from there and from the app's ring. */
static size_t gather(
    struct wire *w, const struct desc *d, const uint8_t *p, uint8_t *buf)
{
	size_t len = d->len;
	struct ref ref[2];

	memcpy(buf, p, d->len);
	if (!(d->flags & PKT_REFS))
		return len;
	memcpy(ref, p - d->off, sizeof(ref));
	for (int i = 0; i < 2; i++) {
		must(w, ref[i].len == 0 || ref[i].app == WIRE_APP);
		must(w, (size_t)ref[i].off + ref[i].len <= A2S_BYTES);
		must(w, len + ref[i].len <= SEGMENT_MAX);
		memcpy(buf + len, w->a2s + ref[i].off, ref[i].len);
		len += ref[i].len;
	}
	return len;
}

/* What ipd and linkd rely on (layout.h). */
static void check_desc(struct wire *w, const struct desc *d, const uint8_t *buf,
    size_t len, const struct tcp_hdr *h)
{
	must(w, d->kind == PKT_DATA);
	must(w, d->proto == IPPROTO_TCP);
	must(w, d->off == SLOT_HEADROOM);
	must(w, ip_equal(&d->src, &w->us));
	must(w, ip_equal(&d->dst, &w->peer));
	must(w, d->csum_start == 0);
	must(w, len <= UINT16_MAX);
	if (!(d->flags & PKT_CSUM_PARTIAL))
		must(w, tcp_checksum_ok(buf, len, &w->us, &w->peer));
	if (d->gso_size == 0)
		return;
	must(w, d->flags & PKT_CSUM_PARTIAL);
	must(w, len - h->hdr_len > d->gso_size);
	must(w, !(h->flags & (SYN | RST)));
}

static bool data_ok(const struct conversation *c, const struct tcp_hdr *h,
    const uint8_t *p, uint32_t len)
{
	uint32_t first = h->seq.n - c->iss - 1;

	for (uint32_t i = 0; i < len; i++)
		if (p[i] != wire_ours(first + i))
			return false;
	return true;
}

/* Our SYN tells us what all numbers count from. */
static void learn(
    struct wire *w, struct conversation *c, const struct tcp_hdr *h)
{
	if (!(h->flags & SYN))
		return;
	if (c->iss_known && c->iss != h->seq.n)
		/* Another connection. */
		c->ts_known = c->ts = c->peer_edge_known = false;
	c->iss = h->seq.n;
	c->iss_known = true;
	c->our_port = h->src_port;
	c->our_ws = h->has_wscale ? h->wscale : 0;
	if (!h->has_ts)
		return;
	if (!c->ts_known) {
		c->ts_base = h->ts_val;
		c->ts_at = w->r->now;
	}
	c->ts_known = true;
	/* An answer to a SYN that had one. */
	if (h->flags & ACK)
		c->ts = true;
}

/* RFC 7323, 4.1 and 5.4: it ticks with the clock. */
static void check_ts(
    struct wire *w, struct conversation *c, const struct tcp_hdr *h)
{
	int64_t ms = mono_since(w->r->now, c->ts_at) / NS_PER_MS;
	int32_t off;

	if (!h->has_ts || !c->ts_known)
		return;
	c->ts_ours = h->ts_val;
	off = (int32_t)(h->ts_val - c->ts_base - (uint32_t)ms);
	/* A cookie's is up to 63 ticks old (cookie.h). */
	if (off > 1 && off < 64 && wire_count(w, CNT_TCP_COOKIES_SENT) > 0)
		return;
	must(w, off >= -1 && off <= 1);
}

/* SHLD-14: what was announced stays; but for rounding (RFC 7323, 2.4). */
static void check_our_window(
    struct wire *w, struct conversation *c, const struct tcp_hdr *h)
{
	uint8_t ws = c->ws && !(h->flags & SYN) ? c->our_ws : 0;
	uint32_t edge = h->ack.n - c->irs + ((uint32_t)h->window << ws);

	if (h->flags & SYN)
		c->edge_known = false;
	if (!(h->flags & ACK) || (h->flags & RST))
		return;
	if (c->edge_known)
		must(w, (int32_t)(edge + (1U << ws) - 1 - c->edge) >= 0);
	if (!c->edge_known || (int32_t)(edge - c->edge) > 0)
		c->edge = edge;
	c->edge_known = true;
}

/* No data beyond what was ever allowed, but for the byte of a probe. */
static void check_their_window(struct wire *w, const struct conversation *c,
    const struct tcp_hdr *h, uint32_t len)
{
	uint32_t end = h->seq.n - c->iss + len;

	if (len > 0 && c->peer_edge_known)
		must(w, (int32_t)(end - c->peer_edge) <= (len == 1));
}

static void enqueue(struct wire *w, const struct sent *s)
{
	if (w->queued == WIRE_QUEUE)
		wire_fail(w, "too many segments");
	w->queue[(w->first + w->queued++) % WIRE_QUEUE] = *s;
}

/* One as it is on the wire: of @len bytes of payload from @at. */
static void piece(struct wire *w, const struct sent *whole, const uint8_t *p,
    uint32_t at, uint32_t len, bool last)
{
	struct sent s = *whole;

	s.h.seq = seq_add(s.h.seq, at);
	s.len = len;
	if (!last)
		s.h.flags &= (uint16_t) ~(FIN | PSH);
	if (at > 0)
		s.h.flags &= (uint16_t)~CWR;
	s.data_ok = data_ok(&w->c[s.who], &s.h, p, len);
	trace(w, &s.h, s.len, s.ecn, s.who, true);
	enqueue(w, &s);
}

static void split(
    struct wire *w, const struct desc *d, const uint8_t *buf, size_t len)
{
	struct sent s = { .at = w->r->now, .hops = d->hops };
	uint32_t payload, max;

	must(w, tcp_parse(&s.h, buf, len) == TCP_OK);
	check_desc(w, d, buf, len, &s.h);
	s.who = whose(w, &s.h);
	s.ecn = d->tclass & ECN_MASK;
	s.tos = d->tclass & ~ECN_MASK;
	learn(w, &w->c[s.who], &s.h);
	check_ts(w, &w->c[s.who], &s.h);
	check_our_window(w, &w->c[s.who], &s.h);
	payload = (uint32_t)(len - s.h.hdr_len);
	check_their_window(w, &w->c[s.who], &s.h, payload);
	max = d->gso_size ? d->gso_size : payload;
	if (payload == 0)
		piece(w, &s, buf, 0, 0, true);
	for (uint32_t at = 0; at < payload; at += max) {
		uint32_t n = payload - at < max ? payload - at : max;

		piece(w, &s, buf + s.h.hdr_len + at, at, n, at + n == payload);
	}
}

void wire_collect(struct wire *w)
{
	static uint8_t buf[SEGMENT_MAX + BIG_SLOT];
	const uint8_t *p;
	struct desc d;

	while (!w->jammed && rig_take_keep(w->r, "ipd", "tcpd", &d, &p)) {
		size_t len = gather(w, &d, p, buf);

		split(w, &d, buf, len);
		rig_give_back(w->r, "ipd", &d);
	}
}

void wire_jam(struct wire *w, bool on)
{
	w->jammed = on;
	wire_collect(w);
	wire_step(w);
}

/* ---- Out: what was expected */

const struct sent *wire_next(struct wire *w)
{
	const struct sent *s = &w->queue[w->first];

	if (w->queued == 0)
		return NULL;
	w->first = (w->first + 1) % WIRE_QUEUE;
	w->queued--;
	return s;
}

uint32_t wire_drain(struct wire *w)
{
	uint32_t n = w->queued;

	w->queued = 0;
	w->first = 0;
	return n;
}

void wire_none(struct wire *w)
{
	const struct sent *s = wire_next(w);
	struct text t;

	if (s != NULL)
		wire_fail(w, "nobody expected\n  %s",
		    tell(&t, &s->h, s->len, s->ecn, &w->c[s->who], true));
}

/* What out() asks for, as a header. */
static struct tcp_hdr wanted(
    struct wire *w, const struct seg *s, const struct tcp_hdr *is)
{
	struct conversation *c = cur(w);
	struct tcp_hdr h = {
		.flags = s->flags,
		.seq = seq_of(c->iss + s->seq),
		.ack = seq_of(s->flags & ACK ? c->irs + s->ack : is->ack.n),
		.window = (uint16_t)(s->win < 0 ? 0 : s->win),
		.urgent = s->urg,
		.has_mss = s->mss != 0,
		.mss = s->mss == OUR_MSS ? (uint16_t)w->mss : s->mss,
		.has_wscale = s->ws != 0,
		.wscale = s->ws == OUR_WS ? is->wscale : (uint8_t)(s->ws - 1),
		.sack_permitted = s->sack_ok,
		.has_ts = s->ts.on || (c->ts && !(s->flags & RST)),
		.ts_val = is->ts_val,
		.ts_ecr = s->ts.on ? s->ts.ecr : is->ts_ecr,
	};

	if (s->win == 0)
		h.window = is->window;
	if (!s->psh)
		h.flags |= is->flags & PSH;
	for (int i = 0; i < TCP_MAX_SACK && s->sack[i].right != 0; i++) {
		h.sack[i].left = seq_of(c->irs + s->sack[i].left);
		h.sack[i].right = seq_of(c->irs + s->sack[i].right);
		h.nsack++;
	}
	return h;
}

static bool same_options(const struct tcp_hdr *a, const struct tcp_hdr *b)
{
	return a->has_mss == b->has_mss && (!a->has_mss || a->mss == b->mss) &&
	    a->has_wscale == b->has_wscale &&
	    (!a->has_wscale || a->wscale == b->wscale) &&
	    a->sack_permitted == b->sack_permitted && a->has_ts == b->has_ts &&
	    (!a->has_ts || a->ts_ecr == b->ts_ecr) && a->nsack == b->nsack &&
	    memcmp(a->sack, b->sack, a->nsack * sizeof(a->sack[0])) == 0;
}

static bool same(const struct tcp_hdr *a, const struct tcp_hdr *b)
{
	return a->flags == b->flags && seq_eq(a->seq, b->seq) &&
	    (!(a->flags & ACK) || seq_eq(a->ack, b->ack)) &&
	    a->window == b->window &&
	    (!(a->flags & URG) || a->urgent == b->urgent) && same_options(a, b);
}

void wire_out(struct wire *w, const struct seg *s)
{
	const struct sent *is = wire_next(w);
	struct conversation *c = cur(w);
	struct tcp_hdr want;
	struct text a, b;

	if (is == NULL) {
		static const struct tcp_hdr nothing;

		want = wanted(w, s, &nothing);
		wire_fail(w, "nothing was sent, expected\n  %s",
		    tell(&a, &want, s->len, s->ecn, c, true));
		return;
	}
	want = wanted(w, s, &is->h);
	tell(&a, &want, s->len, s->ecn, c, true);
	tell(&b, &is->h, is->len, is->ecn, &w->c[is->who], true);
	if (is->who != w->cur || !same(&want, &is->h) || is->len != s->len ||
	    is->ecn != s->ecn || (s->hops != 0 && is->hops != s->hops) ||
	    (s->tos != 0 && is->tos != s->tos))
		wire_fail(w, "expected\n  %s\nwas sent\n  %s", a.b, b.b);
	if (!is->data_ok)
		wire_fail(w, "wrong bytes in\n  %s", b.b);
}

void wire_segments(struct wire *w, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct seg want = {
			.flags = ACK,
			.seq = from + i * PEER_MSS,
			.ack = 1,
			.len = PEER_MSS,
		};

		wire_out(w, &want);
	}
	wire_none(w);
}
