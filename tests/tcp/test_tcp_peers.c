/*
 * test_tcp_peers.c - honest peers of many kinds, over a path that is not
 *
 * A peer with or without SACK, timestamps and window scaling, with a small
 * buffer or a large one, that reads when it likes, acknowledges when it likes,
 * and sends as well; and each segment may be lost.  Whatever the kind, both
 * streams must arrive, both ends close, and soon.  A failure names its seed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/harness/random.h"
#include "tests/tcp/wire.h"

enum {
	BYTES = 40000, /* each way */
	SEEDS = 2,
	LIMIT_S = 120,
};

struct peer {
	struct random r;
	uint32_t s; /* our socket */
	/* Its receiver. */
	bool got[BYTES + 1];
	uint32_t rcv_nxt; /* relative: 1 is the first byte */
	bool fin_came;
	uint32_t read;   /* by its app */
	uint32_t buffer; /* bytes */
	uint32_t edge;   /* announced; moves right */
	bool owed;
	uint32_t ts_seen; /* our clock as it echoes it */
	/* Its sender. */
	uint32_t una, nxt;
	int64_t sent_at; /* ms; the last progress */
	/* What it is like. */
	uint32_t loss; /* percent */
	uint32_t mss;
	bool sack, ts;
	bool shrinks; /* takes back what it has announced */
	uint8_t ws;   /* WS() */
	/* Our app. */
	uint32_t written, taken;
	bool closed;
};

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- The peer as a receiver */

static void take_segment(struct wire *w, struct peer *p, const struct sent *is)
{
	uint32_t seq = is->h.seq.n - w->c[0].iss;

	must(w, is->data_ok);
	if (is->h.flags & ACK) {
		uint32_t ack = is->h.ack.n - w->c[0].irs;

		if ((int32_t)(ack - p->una) > 0) {
			p->una = ack;
			p->sent_at = wire_ms(w);
		}
		if ((int32_t)(p->una - p->nxt) > 0)
			p->nxt = p->una;
	}
	if (is->h.has_ts)
		p->ts_seen = is->h.ts_val - w->c[0].ts_base;
	for (uint32_t i = 0; i < is->len; i++)
		/* What is beyond its window it does not take. */
		if (seq + i < p->edge)
			p->got[seq + i] = true;
	while (p->rcv_nxt <= BYTES && p->got[p->rcv_nxt])
		p->rcv_nxt++;
	if ((is->h.flags & FIN) && seq + is->len == p->rcv_nxt)
		p->fin_came = true;
	if (is->len > 0 || (is->h.flags & FIN))
		p->owed = true;
}

static void listen_to_us(struct wire *w, struct peer *p)
{
	const struct sent *is;

	while ((is = wire_next(w)) != NULL) {
		if (is->h.flags & RST)
			wire_fail(w, "reset");
		if (random_chance(&p->r, p->loss))
			continue;
		take_segment(w, p, is);
	}
}

static void blocks(const struct peer *p, struct seg *seg)
{
	uint32_t n = 0, at = p->rcv_nxt;

	while (p->sack && n < 3 && at <= BYTES) {
		while (at <= BYTES && !p->got[at])
			at++;
		if (at > BYTES)
			break;
		seg->sack[n].left = at;
		while (at <= BYTES && p->got[at])
			at++;
		seg->sack[n++].right = at;
	}
}

/* ---- The peer as a sender */

static struct seg segment(struct wire *w, struct peer *p)
{
	uint8_t shift = p->ws ? (uint8_t)(p->ws - 1) : 0;
	uint32_t used = p->rcv_nxt - 1 - p->read;
	uint32_t edge = p->rcv_nxt + p->buffer - min32(used, p->buffer);
	struct seg seg = {
		.flags = ACK,
		.seq = p->nxt,
		.ack = p->rcv_nxt + p->fin_came,
	};

	if (edge > p->edge)
		p->edge = edge;
	if (p->shrinks && random_chance(&p->r, 10))
		p->edge -= random_below(&p->r, p->edge - p->rcv_nxt + 1);
	seg.win = (int32_t)min32((p->edge - p->rcv_nxt) >> shift, 65535);
	/* What the field cannot say it has not promised. */
	if (seg.win == 0)
		seg.win = ZERO;
	if (p->ts) {
		seg.ts.on = true;
		seg.ts.val = 1000 + (uint32_t)wire_ms(w);
		seg.ts.ecr = p->ts_seen;
	}
	blocks(p, &seg);
	return seg;
}

static void says(struct wire *w, struct peer *p, const struct seg *seg)
{
	listen_to_us(w, p);
	if (!random_chance(&p->r, p->loss))
		wire_in(w, seg);
}

static void send_some(struct wire *w, struct peer *p)
{
	for (int i = 0; i < 4; i++) {
		uint32_t room = w->c[0].edge - p->nxt;
		uint32_t left = p->nxt <= BYTES ? BYTES + 1 - p->nxt : 0;
		struct seg seg = segment(w, p);

		seg.len =
		    min32(min32(left, room), 1 + random_below(&p->r, p->mss));
		if ((int32_t)room <= 0)
			seg.len = 0;
		if (p->nxt + seg.len == BYTES + 1 &&
		    (int32_t)room > (int32_t)left && random_chance(&p->r, 50)) {
			seg.flags |= FIN;
		}
		if (seg.len == 0 && !(seg.flags & FIN))
			return;
		says(w, p, &seg);
		p->nxt += seg.len + ((seg.flags & FIN) != 0);
		p->owed = false;
	}
}

static void the_peers_turn(struct wire *w, struct peer *p)
{
	uint32_t all = BYTES + 2; /* with its FIN */

	listen_to_us(w, p);
	p->read += random_below(&p->r, p->rcv_nxt - p->read);
	if (random_chance(&p->r, 40))
		p->read = p->rcv_nxt - 1;
	/* Nothing was heard for long: again from where it was lost. */
	if (p->una != all && wire_ms(w) - p->sent_at > 400) {
		p->nxt = p->una;
		p->sent_at = wire_ms(w);
		p->owed = true;
	}
	if (p->nxt != all && random_chance(&p->r, 60))
		send_some(w, p);
	if (p->owed && random_chance(&p->r, 70)) {
		struct seg seg = segment(w, p);

		says(w, p, &seg);
		p->owed = false;
	}
}

/* ---- Our app */

static void our_turn(struct wire *w, struct peer *p)
{
	uint32_t n = wire_readable(w, p->s);

	if (n > 0 && random_chance(&p->r, 60)) {
		n = 1 + random_below(&p->r, n);
		listen_to_us(w, p);
		wire_read(w, p->s, n);
		p->taken += n;
	}
	listen_to_us(w, p);
	n = min32(BYTES - p->written, APP_TX_BYTES - wire_unacked(w, p->s));
	if (n > 0 && random_chance(&p->r, 50)) {
		n = min32(n, 1 + random_below(&p->r, 9000));
		wire_write(w, p->s, n, random_chance(&p->r, 10));
		p->written += n;
	}
	listen_to_us(w, p);
	if (p->written == BYTES && !p->closed && random_chance(&p->r, 30)) {
		must(w, wire_shutdown(w, p->s, SHUT_WR) == 0);
		p->closed = true;
	}
}

static bool is_over(struct wire *w, const struct peer *p)
{
	return p->taken == BYTES && p->fin_came &&
	    (wire_state(w) == TCP_TIME_WAIT || wire_state(w) == TCP_CLOSED);
}

/* We call it. */
static uint32_t call(struct wire *w, const struct how *how)
{
	uint32_t s = wire_connect(w);
	struct seg answer = {
		.flags = SYN | ACK,
		.ack = 1,
		.win = how->win,
		.mss = how->mss,
		.ws = how->ws,
		.sack_ok = how->sack,
	};

	wire_drain(w);
	wire_pass(w, how->rtt);
	answer.ts.on = how->ts;
	answer.ts.val = 1000;
	wire_in(w, &answer);
	wire_drain(w);
	wire_state_is(w, TCP_ESTABLISHED);
	return s;
}

static void meet(struct wire *w, struct peer *p)
{
	struct how how = {
		.rtt = (int)random_below(&p->r, 200),
		.ts = p->ts,
		.sack = p->sack,
		.ws = p->ws,
		.mss = (uint16_t)p->mss,
		.win = (int32_t)min32(p->buffer, 65535),
	};

	p->s = random_chance(&p->r, 40) ? call(w, &how)
					: wire_established(w, &how);
	p->ts_seen = 0;
	p->edge = 1 + (uint32_t)how.win;
	if (p->ws)
		p->edge = 1 + ((uint32_t)how.win << (p->ws - 1));
}

static void one_peer(struct wire *w, uint64_t seed)
{
	struct peer p = {
		.r = { seed },
		.rcv_nxt = 1,
		.una = 1,
		.nxt = 1,
	};
	int64_t began;

	p.loss = random_below(&p.r, 3) * random_below(&p.r, 10);
	p.mss = 100 + random_below(&p.r, 1300);
	p.sack = random_chance(&p.r, 60);
	p.ts = random_chance(&p.r, 50);
	p.ws = random_chance(&p.r, 50) ? (uint8_t)WS(random_below(&p.r, 3)) : 0;
	p.shrinks = random_chance(&p.r, 20);
	p.buffer = 3000 + random_below(&p.r, 60000);
	meet(w, &p);
	began = wire_ms(w);
	while (!is_over(w, &p)) {
		our_turn(w, &p);
		wire_pass(w, random_below(&p.r, 40));
		the_peers_turn(w, &p);
		wire_pass(w, random_below(&p.r, 40));
		if (wire_ms(w) - began > (int64_t)LIMIT_S * 1000)
			wire_fail(w, "seed %lu: after %d s %u of %u have come",
			    (unsigned long)seed, LIMIT_S, p.rcv_nxt - 1,
			    (unsigned)BYTES);
	}
	wire_drain(w);
	wire_close(w, p.s);
	wire_drain(w);
	wire_pass(w, 70000);
	wire_drain(w);
	state_is(w, TCP_CLOSED);
}

static void peers_of_many_kinds(struct wire *w)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		/* One after the other, between the same ends. */
		w->trace_len = 0;
		wire_say(w, "seed %lu\n", (unsigned long)seed);
		w->c[0].win = 65535;
		one_peer(w, seed + (w->v6 ? 1000 : 0) + (w->kill ? 5000 : 0));
	}
}

static const struct script scripts[] = {
	SCRIPT(peers_of_many_kinds),
	SCRIPT_WITH(peers_of_many_kinds,
	    "\"rcvbuf_default\":6000,\"rcvbuf_max\":6000,"
	    "\"congestion\":\"reno\",\"pacing\":false"),
	SCRIPT_WITH(peers_of_many_kinds,
	    "\"frto\":false,\"tail_loss_probe\":false,\"dsack\":false,"
	    "\"delayed_ack_ms\":200,\"initial_window\":1"),
};

WIRE_MAIN(scripts)
