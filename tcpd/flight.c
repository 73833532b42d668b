/*
 * flight.c - runs of bytes between SND.UNA and SND.NXT
 */
#include <stddef.h>
#include <string.h>

#include "tcpd/flight.h"

enum {
	SETTLED = FLIGHT_MAX - FLIGHT_ROOM,
	NONE = FLIGHT_MAX,
};

uint32_t flight_bytes(const struct flight *f, enum flight_state s)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < f->n; i++)
		if (f->run[i].state == s)
			bytes += flight_len(f, i);
	return bytes;
}

static uint32_t clip(uint32_t spread)
{
	return spread < FLIGHT_SPREAD_MAX ? spread : FLIGHT_SPREAD_MAX;
}

static void insert(struct flight *f, uint32_t at, struct flight_run r)
{
	memmove(&f->run[at + 1], &f->run[at], (f->n - at) * sizeof(f->run[0]));
	f->run[at] = r;
	f->n++;
}

static void erase(struct flight *f, uint32_t at)
{
	f->n--;
	memmove(&f->run[at], &f->run[at + 1], (f->n - at) * sizeof(f->run[0]));
}

uint32_t flight_cut(struct flight *f, tcp_seq seq)
{
	struct flight_run left;
	uint32_t i = 0, right_spread;

	while (i < f->n && seq_leq(f->run[i].end, seq))
		i++;
	if (i == f->n || seq_eq(flight_start(f, i), seq))
		return i;
	left = f->run[i];
	/* The part of the run's time that is due to what follows @seq. */
	right_spread = (uint32_t)((uint64_t)left.spread *
	    seq_len(seq, left.end) / flight_len(f, i));
	left.end = seq;
	if (!left.loose) {
		left.sent -= right_spread;
		left.spread = (left.spread - right_spread) & FLIGHT_SPREAD_MAX;
		f->run[i].spread = right_spread & FLIGHT_SPREAD_MAX;
	}
	insert(f, i, left);
	return i + 1;
}

void flight_drop(struct flight *f, uint32_t n)
{
	if (n == 0)
		return;
	f->una = f->run[n - 1].end;
	f->n -= n;
	memmove(&f->run[0], &f->run[n], f->n * sizeof(f->run[0]));
}

/* From the first byte's time to the last one's, were run @i and the next one.
 */
static uint32_t joint_spread(const struct flight *f, uint32_t i)
{
	const struct flight_run *a = &f->run[i], *b = &f->run[i + 1];
	uint32_t first = a->sent - a->spread, last = b->sent;

	if ((int32_t)(b->sent - b->spread - first) < 0)
		first = b->sent - b->spread;
	if ((int32_t)(last - a->sent) < 0)
		last = a->sent;
	return last - first;
}

/* Were the bytes of run @i sent before those of the next one? */
static bool in_order(const struct flight *f, uint32_t i)
{
	const struct flight_run *a = &f->run[i], *b = &f->run[i + 1];

	return (int32_t)(b->sent - b->spread - a->sent) >= 0;
}

/* Run @i takes in the next one; its state stays. */
static void join(struct flight *f, uint32_t i)
{
	struct flight_run *a = &f->run[i], *b = &f->run[i + 1];
	uint32_t spread = joint_spread(f, i);

	a->vague |= b->vague | (a->retransmitted != b->retransmitted) |
	    (a->state != b->state);
	a->loose |= b->loose;
	a->retransmitted |= b->retransmitted;
	a->twice = a->state == IN_FLIGHT && (a->twice | b->twice);
	a->sent = (int32_t)(b->sent - a->sent) < 0 ? a->sent : b->sent;
	a->spread = clip(spread) & FLIGHT_SPREAD_MAX;
	a->end = b->end;
	erase(f, i + 1);
}

static bool is_alike(const struct flight_run *a, const struct flight_run *b)
{
	return a->state == b->state && a->retransmitted == b->retransmitted &&
	    a->twice == b->twice && a->vague == b->vague &&
	    a->loose == b->loose;
}

/* Was a part of the one sent with a part of the other, or cut from it? */
static bool touches_in_time(const struct flight *f, uint32_t i)
{
	const struct flight_run *b = &f->run[i + 1];

	return b->sent - b->spread == f->run[i].sent;
}

/* Join what loses nothing. */
static void coalesce(struct flight *f)
{
	for (uint32_t i = 0; i + 1 < f->n;) {
		const struct flight_run *a = &f->run[i], *b = &f->run[i + 1];

		if ((a->state == SACKED && b->state == SACKED) ||
		    (is_alike(a, b) && touches_in_time(f, i) &&
			joint_spread(f, i) <= f->quantum))
			join(f, i);
		else
			i++;
	}
}

/* Run @i was sent now; does it continue the one before? */
static void continue_run(struct flight *f, uint32_t i)
{
	if (i == 0 || !seq_eq(f->latest, flight_start(f, i)))
		return;
	if (is_alike(&f->run[i - 1], &f->run[i]) && in_order(f, i - 1) &&
	    joint_spread(f, i - 1) <= f->quantum)
		join(f, i - 1);
}

/* The tick for what begins at @left and is sent now; see flight.h. */
static uint32_t next_tick(const struct flight *f, tcp_seq left, struct mono now)
{
	uint32_t tick = flight_tick(now);

	if (f->n == 0 || f->latest_sent - tick >= FLIGHT_AHEAD)
		return tick;
	return f->latest_sent + seq_lt(left, f->latest);
}

void flight_append(struct flight *f, tcp_seq end, struct mono now)
{
	uint32_t tick = next_tick(f, flight_end(f), now);
	uint32_t i = f->n;

	insert(f, i,
	    (struct flight_run){
		.end = end,
		.sent = tick,
		.state = IN_FLIGHT,
	    });
	continue_run(f, i);
	f->latest = end;
	f->latest_sent = tick;
}

void flight_resent(
    struct flight *f, uint32_t first, uint32_t end, struct mono now)
{
	tcp_seq latest = flight_start(f, end);
	uint32_t tick = next_tick(f, flight_start(f, first), now);

	for (uint32_t i = first; i < end; i++) {
		struct flight_run *r = &f->run[i];

		if (r->state == SACKED)
			continue;
		r->twice = r->state == IN_FLIGHT;
		r->state = IN_FLIGHT;
		r->retransmitted = true;
		r->loose = false;
		r->sent = tick;
		r->spread = 0;
	}
	if (end > first)
		continue_run(f, first);
	f->latest = latest;
	f->latest_sent = tick;
}

/* Was anything that still flies sent after run @i and before the next one? */
static bool is_interleaved(const struct flight *f, uint32_t i)
{
	uint32_t from = f->run[i].sent;
	uint32_t to = f->run[i + 1].sent - f->run[i + 1].spread;

	if (!in_order(f, i))
		return true;
	for (uint32_t k = 0; k < f->n; k++) {
		const struct flight_run *r = &f->run[k];

		if (k == i || k == i + 1 || r->state == SACKED)
			continue;
		if ((int32_t)(r->sent - from) >= 0 &&
		    (int32_t)(to - (r->sent - r->spread)) >= 0)
			return true;
	}
	return false;
}

/* Of the pairs that may be joined, the one closest in time. */
static uint32_t closest_pair(const struct flight *f, bool only_alike)
{
	uint32_t best = NONE, best_spread = UINT32_MAX;

	for (uint32_t i = 0; i + 1 < f->n; i++) {
		const struct flight_run *a = &f->run[i], *b = &f->run[i + 1];
		uint32_t spread = joint_spread(f, i);

		if (only_alike ? !is_alike(a, b) : a->state != b->state)
			continue;
		if (spread < best_spread) {
			best = i;
			best_spread = spread;
		}
	}
	return best;
}

/* The smallest run in state @s; of several the highest. */
static uint32_t smallest(const struct flight *f, enum flight_state s)
{
	uint32_t best = NONE;

	for (uint32_t i = 0; i < f->n; i++)
		if (f->run[i].state == s &&
		    (best == NONE || flight_len(f, i) <= flight_len(f, best)))
			best = i;
	return best;
}

/*
 * Run @i becomes like a neighbour, rather one in flight than one lost, and as
 * old: the time of what was SACKed long ago says nothing.
 */
static void give_up(struct flight *f, uint32_t i)
{
	bool below =
	    i > 0 && (i + 1 == f->n || f->run[i - 1].state == IN_FLIGHT);
	struct flight_run *with = &f->run[below ? i - 1 : i + 1];
	struct flight_run *r = &f->run[i];

	r->sent = below ? with->sent : with->sent - with->spread;
	r->spread = 0;
	r->state = with->state;
	r->retransmitted = with->retransmitted;
	r->twice = with->twice;
	r->vague = true;
	join(f, below ? i - 1 : i);
}

void flight_settle(struct flight *f)
{
	uint32_t i;

	coalesce(f);
	while (f->n > SETTLED) {
		i = closest_pair(f, true);
		if (i == NONE)
			i = closest_pair(f, false);
		if (i != NONE) {
			if (is_interleaved(f, i))
				f->run[i].loose = true;
			join(f, i);
			continue;
		}
		i = smallest(f, SACKED);
		if (i == NONE)
			i = smallest(f, LOST);
		give_up(f, i);
		coalesce(f);
	}
}

bool flight_is_sane(const struct flight *f)
{
	if (f->n > SETTLED)
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct flight_run *r = &f->run[i];

		if (seq_leq(r->end, flight_start(f, i)) || r->state > LOST)
			return false;
		if (r->twice && r->state != IN_FLIGHT)
			return false;
		if (i > 0 && r->state == SACKED &&
		    f->run[i - 1].state == SACKED)
			return false;
	}
	return true;
}
