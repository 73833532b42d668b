/*
 * observe.c - what any host on the path can see a TCP do wrong
 */
#include "tests/sim/observe.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bytes.h"
#include "tests/sim/host.h"
#include "tests/sim/sim.h"

enum {
	IP6_LEN = 40,
	TCP_LEN = 20,
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	RECENT = 64, /* hashes of segments, to know one that is sent again */
};

/* What one end has said so far. */
struct end {
	uint16_t port;
	uint8_t ip[16];
	bool syn_seen, ack_seen;
	uint32_t isn;
	uint32_t sent; /* the farthest sequence number */
	uint32_t ack;
	uint32_t edge;
	uint32_t mss;
	uint8_t scale;
	bool scales;
	uint64_t recent[RECENT];
	uint32_t nrecent;
};

struct seen {
	struct seen *next;
	struct end end[2];
};

struct seg {
	uint32_t host;
	const uint8_t *ip[2]; /* source, destination */
	uint32_t ip_len;
	uint16_t port[2];
	uint32_t seq, ack, window, flags, len, hdr_len;
	uint32_t gso_size;
	const uint8_t *tcp;
	uint64_t hash;
};

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* ---- Reading: what we check ourselves need not be distrusted ---- */

static uint64_t hash_of(const uint8_t *p, uint32_t len)
{
	uint64_t h = 14695981039346656037ULL;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h;
}

static bool read_seg(struct seg *g, const uint8_t *p, uint32_t len)
{
	uint32_t at;

	if (p[0] >> 4 == 4) {
		at = (uint32_t)(p[0] & 15) * 4;
		if (p[9] != IPPROTO_TCP || (be16_get(p + 6) & 0x3fff) != 0)
			return false;
		g->ip[0] = p + 12;
		g->ip[1] = p + 16;
		g->ip_len = 4;
	} else {
		at = IP6_LEN;
		if (p[6] != IPPROTO_TCP)
			return false;
		g->ip[0] = p + 8;
		g->ip[1] = p + 24;
		g->ip_len = 16;
	}
	if (len < at + TCP_LEN)
		return false;
	g->tcp = p + at;
	g->port[0] = be16_get(g->tcp);
	g->port[1] = be16_get(g->tcp + 2);
	g->seq = be32_get(g->tcp + 4);
	g->ack = be32_get(g->tcp + 8);
	g->hdr_len = (uint32_t)(g->tcp[12] >> 4) * 4;
	g->flags = g->tcp[13];
	g->window = be16_get(g->tcp + 14);
	g->len = len - at - g->hdr_len;
	/* Without the checksum: of a partial one it says nothing. */
	g->hash = hash_of(g->tcp, 16) ^ g->len << 1;
	return true;
}

static bool is_end(const struct end *e, const struct seg *g, int i)
{
	return e->port == g->port[i] && memcmp(e->ip, g->ip[i], g->ip_len) == 0;
}

static void set_end(struct end *e, const struct seg *g, int i)
{
	e->port = g->port[i];
	memcpy(e->ip, g->ip[i], g->ip_len);
	e->mss = 65535;
}

/* The connection; *@way: which end speaks. */
static struct seen *find(struct sim *s, const struct seg *g, int *way)
{
	struct seen **at = &s->seen[(g->port[0] ^ g->port[1]) % SEEN_BUCKETS];
	struct seen *c;

	for (c = *at; c != NULL; c = c->next)
		for (*way = 0; *way < 2; ++*way)
			if (is_end(&c->end[*way], g, 0) &&
			    is_end(&c->end[!*way], g, 1))
				return c;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->next = *at;
	*at = c;
	*way = 0;
	set_end(&c->end[0], g, 0);
	set_end(&c->end[1], g, 1);
	return c;
}

static void read_options(struct end *e, const struct seg *g)
{
	e->scales = false;
	e->scale = 0;
	e->mss = g->ip_len == 4 ? 536 : 1220;
	for (uint32_t i = TCP_LEN; i < g->hdr_len;) {
		const uint8_t *o = g->tcp + i;

		if (o[0] == OPT_END)
			break;
		if (o[0] == OPT_NOP) {
			i++;
			continue;
		}
		if (o[0] == OPT_MSS)
			e->mss = be16_get(o + 2);
		if (o[0] == OPT_WSCALE) {
			e->scales = true;
			e->scale = o[2];
		}
		i += o[1];
	}
}

/* ---- What must not be ---- */

static void wrong(struct sim *s, const struct seg *g, const char *what,
    uint32_t a, uint32_t b)
{
	fail(s, "h%u port %u to %u: %s: %u, %u (seq %u ack %u len %u flags %x)",
	    g->host, g->port[0], g->port[1], what, a, b, g->seq, g->ack, g->len,
	    g->flags);
}

static bool sent_again(struct end *me, const struct seg *g)
{
	for (uint32_t i = 0; i < RECENT; i++)
		if (me->recent[i] == g->hash)
			return true;
	me->recent[me->nrecent++ % RECENT] = g->hash;
	return false;
}

static void check_ack(
    struct sim *s, struct end *me, const struct end *peer, const struct seg *g)
{
	uint32_t scale =
	    me->scales && peer->scales && !(g->flags & SYN) ? me->scale : 0;
	uint32_t edge = g->ack + (g->window << scale);

	if (peer->syn_seen && before(peer->sent, g->ack))
		wrong(
		    s, g, "acknowledges what was not sent", g->ack, peer->sent);
	if (me->ack_seen && before(g->ack, me->ack))
		wrong(s, g, "the ACK goes back", g->ack, me->ack);
	/* A full buffer has no room to round up in (RFC 7323, 2.4). */
	if (me->ack_seen && before(edge + (1U << scale) - 1, me->edge))
		wrong(s, g, "the window's edge goes back", edge, me->edge);
	me->ack = g->ack;
	if (!me->ack_seen || before(me->edge, edge))
		me->edge = edge;
	me->ack_seen = true;
}

static void check_data(
    struct sim *s, const struct end *peer, const struct seg *g)
{
	uint32_t end = g->seq + g->len;
	uint32_t piece =
	    g->gso_size > 0 && g->gso_size < g->len ? g->gso_size : g->len;

	if (g->len == 0 || !peer->ack_seen)
		return;
	/* A probe of a closed window is one byte. */
	if (before(peer->edge, end) && g->len > 1)
		wrong(s, g, "sends beyond the window", end, peer->edge);
	if (piece + g->hdr_len - TCP_LEN > peer->mss)
		wrong(s, g, "segment too large", piece, peer->mss);
}

static void note_sent(struct end *me, const struct seg *g)
{
	uint32_t end =
	    g->seq + g->len + !!(g->flags & SYN) + !!(g->flags & FIN);

	if (!me->syn_seen || before(me->sent, end))
		me->sent = end;
	me->syn_seen = true;
}

/* A new SYN: a new connection between these ends. */
static void begin(struct end *me, struct end *peer, const struct seg *g)
{
	if (!me->syn_seen || me->isn != g->seq) {
		bool answer = g->flags & ACK;

		me->syn_seen = me->ack_seen = false;
		me->isn = g->seq;
		if (!answer)
			peer->syn_seen = peer->ack_seen = false;
		memset(me->recent, 0, sizeof(me->recent));
	}
	read_options(me, g);
}

void observe(struct sim *s, uint32_t from, const uint8_t *p, uint32_t len,
    uint32_t gso_size)
{
	struct seg g = { .host = from, .gso_size = gso_size };
	struct end *me, *peer;
	struct seen *c;
	int way;

	if (!read_seg(&g, p, len) || (g.flags & RST))
		return;
	c = find(s, &g, &way);
	me = &c->end[way];
	peer = &c->end[!way];
	if (g.flags & SYN)
		begin(me, peer, &g);
	else if (!me->syn_seen)
		return;
	if (sent_again(me, &g))
		return;
	note_sent(me, &g);
	if (g.flags & ACK)
		check_ack(s, me, peer, &g);
	check_data(s, peer, &g);
}

void observe_free(struct sim *s)
{
	for (uint32_t i = 0; i < SEEN_BUCKETS; i++)
		while (s->seen[i] != NULL) {
			struct seen *c = s->seen[i];

			s->seen[i] = c->next;
			free(c);
		}
}
