/*
 * walk_follow.c - which record belongs to which walk
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/command/walk.h"

enum {
	ETH_LEN = 14,
	SILENT_NS = NS_PER_S, /* then the rest of a walk has been lost */
};

/* ARP and NDP ask three times, a second apart. */
static const int64_t wait_ns = 5 * (int64_t)NS_PER_S;

/* ---- Walks and their steps ---- */

static void forget(struct walks *s, const struct walk *w)
{
	for (uint32_t i = s->nflights; i-- > 0;)
		if (s->flight[i].w == w)
			s->flight[i] = s->flight[--s->nflights];
	for (uint32_t i = s->nkept; i-- > 0;)
		if (s->kept[i].at.w == w)
			s->kept[i] = s->kept[--s->nkept];
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		struct daemon_now *d = &s->now[p];

		if (d->hand.w == w)
			d->hand = walk_nowhere;
		if (d->out.w == w)
			d->out = walk_nowhere;
		if (d->began.w == w)
			d->began = walk_nowhere;
		for (uint32_t i = d->ntouched; i-- > 0;)
			if (d->touched[i].at.w == w)
				d->touched[i] = d->touched[--d->ntouched];
	}
}

static void end(struct walks *s, struct walk *w)
{
	if (w->no_source)
		walk_source(w, "(source not chosen yet)");
	s->done(s, w);
	forget(s, w);
	w->used = false;
}

static int64_t patience(const struct kept *k)
{
	return k->waits ? wait_ns : SILENT_NS;
}

/* What of @w waits for a neighbour. */
static uint32_t waiting(const struct walks *s, const struct walk *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nkept; i++)
		n += s->kept[i].at.w == w && s->kept[i].waits &&
		    !s->kept[i].done;
	return n;
}

static bool is_over(const struct walk *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->step[i].end == 0)
			return false;
	return w->under_way == 0;
}

/* Of what a transport leaves to ipd. */
static bool has_no_source(const struct walks *s, const struct tapped *r)
{
	const struct topology *t = s->watch->taps.topo;

	return r->r.kind == TAP_PUT && ip_is_any(&r->r.d.src) &&
	    t->procs[r->proc].layer > LAYER_IP;
}

/* The packet of @r has just come into being, or in: if it is wanted. */
static struct stand begin(struct walks *s, const struct tapped *r)
{
	struct tap_watch *watch = s->watch;
	struct place *p = places_of(&watch->places, r);
	struct shown shown;
	struct walk *w;

	if (p == NULL || (watch->count > 0 && s->begun == watch->count))
		return walk_nowhere;
	shown_from(&shown, &watch->taps, p, r);
	if (!tap_filter_passes(watch->filter, p->linktype, shown.bytes,
		shown.caplen, shown.len))
		return walk_nowhere;
	w = walk_new(s);
	if (w == NULL)
		return walk_nowhere;
	walk_title(w, p->linktype, &shown);
	w->no_source = has_no_source(s, r);
	return walk_step(w, r->proc);
}

static void set_reason(
    struct walks *s, const struct stand *at, const struct tapped *r)
{
	if (r->r.reason != 0)
		tapped_reason(&s->watch->taps, r, at->w->step[at->step].reason);
}

/* ---- What linkd keeps for a while ---- */

static bool is_link(const struct walks *s, uint32_t proc)
{
	return s->watch->taps.topo->procs[proc].layer == LAYER_LINK;
}

/* Without the Ethernet header, if it has one. */
static bool identify(struct identity *ret, const struct tapped *r)
{
	uint32_t skip = r->r.kind == TAP_FRAME ? ETH_LEN : 0;

	return r->r.caplen >= skip &&
	    identity_of(
		ret, r->bytes + skip, r->r.caplen - skip, r->r.len - skip);
}

static void keep(
    struct walks *s, const struct stand *at, const struct tapped *r, bool tx)
{
	struct kept *k = &s->kept[s->nkept];

	if (at->w == NULL || s->nkept == KEPT || !identify(&k->id, r))
		return;
	k->at = *at;
	k->since = r->r.time;
	k->tx = tx;
	k->done = k->waits = false;
	k->written = 0;
	at->w->under_way += tx;
	s->nkept++;
}

static void drop_kept(struct walks *s, uint32_t i)
{
	struct kept *k = &s->kept[i];

	if (k->tx && !k->done)
		k->at.w->under_way--;
	s->kept[i] = s->kept[--s->nkept];
}

/* A super-frame may be written as several frames: all that it holds? */
static bool is_all(struct kept *k, const struct identity *part)
{
	k->written += part->len;
	return k->written >= k->id.len;
}

static struct stand release(struct walks *s, const struct tapped *r, bool tx)
{
	struct identity id;

	if (!identify(&id, r))
		return walk_nowhere;
	for (uint32_t i = 0; i < s->nkept; i++) {
		struct kept *k = &s->kept[i];
		struct stand at = k->at;

		if (k->tx != tx || at.w->step[at.step].proc != r->proc ||
		    (k->done && k->id.len <= 1) ||
		    !(tx ? identity_holds(&k->id, &id)
			 : identity_holds(&id, &k->id)))
			continue;
		if (!tx) {
			drop_kept(s, i);
		} else if (!k->done &&
		    (r->r.kind != TAP_FRAME || is_all(k, &id))) {
			at.w->under_way--;
			k->done = true;
		}
		return at;
	}
	return walk_nowhere;
}

/* What was read must have been put by now, what was taken may wait. */
static void end_kept(struct walks *s, uint32_t proc)
{
	for (uint32_t i = s->nkept; i-- > 0;) {
		const struct kept *k = &s->kept[i];

		if (k->at.w->step[k->at.step].proc != proc)
			continue;
		if (k->tx && !k->done && s->time - k->since <= patience(k))
			continue;
		k->at.w->still_waits |= k->waits && !k->done;
		drop_kept(s, i);
	}
}

static const struct kept *kept_at(const struct walks *s, const struct stand *at)
{
	for (uint32_t i = 0; i < s->nkept; i++)
		if (s->kept[i].at.w == at->w && s->kept[i].at.step == at->step)
			return &s->kept[i];
	return NULL;
}

/* A step of its own, if the daemon's turn in which it was taken is over. */
static struct stand later_step(
    struct walks *s, const struct stand *at, const char *text)
{
	const struct kept *k = kept_at(s, at);
	bool waits = k != NULL && k->waits;
	struct stand new;

	if (at->w == NULL || at->w->step[at->step].end == 0)
		return *at;
	new = walk_step(at->w, at->w->step[at->step].proc);
	if (new.w != NULL) {
		struct step *step = &new.w->step[new.step];

		snprintf(step->text, STEP_TEXT, "%s", waits ? text : "");
		step->waited = waits ? "waiting for the neighbour" : "waiting";
		step->put = at->w->step[at->step].end;
	}
	return new;
}

/* ---- Records ---- */

static const char *ring_name(
    const struct walks *s, uint16_t ring, char text[PLACE_NAME_LEN])
{
	const struct topology *t = s->watch->taps.topo;
	const struct topo_ring *r = &t->rings[ring];

	snprintf(text, PLACE_NAME_LEN, "%s>%s", t->procs[r->from].name,
	    t->procs[r->to].name);
	return text;
}

static const char *device_name(const struct walks *s, const struct tapped *r)
{
	uint32_t link = (r->r.place - TAP_PLACE_DEVICE) / 2U;

	return s->watch->taps.topo->links[link % TOPO_MAX_LINKS].name;
}

static void frame_read(struct walks *s, const struct tapped *r)
{
	struct stand at = begin(s, r);

	s->now[r->proc].hand = at;
	if (at.w == NULL)
		return;
	walk_say(&at, "read from %s: a frame of %u bytes", device_name(s, r),
	    r->r.len);
	set_reason(s, &at, r);
	at.w->last = r->r.time;
	if (r->r.reason == 0)
		keep(s, &at, r, false);
}

/* One segment of a super-frame? */
static bool is_part(
    const struct walks *s, const struct stand *at, const struct tapped *r)
{
	const struct kept *k = kept_at(s, at);
	struct identity id;

	return k != NULL && identify(&id, r) && id.len < k->id.len;
}

static void frame_written(struct walks *s, const struct tapped *r)
{
	char reason[COUNTER_NAME_LEN];
	struct stand from = release(s, r, true);
	struct stand at = later_step(
	    s, &from, r->r.reason == 0 ? "what it waited for is there\n" : "");

	if (at.w == NULL)
		return;
	at.w->last = r->r.time;
	if (r->r.reason == 0)
		walk_say(&at, "written to %s: a frame of %u bytes",
		    device_name(s, r), r->r.len);
	else if (is_part(s, &from, r))
		walk_say(&at, "not written to %s: a frame of %u bytes, %s",
		    device_name(s, r), r->r.len,
		    tapped_reason(&s->watch->taps, r, reason));
	else
		set_reason(s, &at, r);
}

static void take(struct walks *s, const struct tapped *r)
{
	struct stand at = walk_nowhere;
	struct walk *w = NULL;

	for (uint32_t i = 0; i < s->nflights && w == NULL; i++) {
		struct flight *f = &s->flight[i];

		if (f->ring != r->r.place || f->index != r->r.index)
			continue;
		w = f->w;
		*f = s->flight[--s->nflights];
	}
	if (w != NULL) {
		w->under_way--;
		w->last = r->r.time;
		at = walk_step(w, r->proc);
	}
	s->now[r->proc].hand = at;
	if (at.w == NULL)
		return;
	at.w->step[at.step].by_ring = true;
	at.w->step[at.step].ring = r->r.place;
	at.w->step[at.step].put = (int64_t)r->r.d.stamp;
	set_reason(s, &at, r);
	if (is_link(s, r->proc) && r->r.reason == 0)
		keep(s, &at, r, true);
}

static struct stand who_puts(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	struct stand at;

	if (is_link(s, r->proc) && r->r.d.kind == PKT_ERROR) {
		at = release(s, r, true);
		return later_step(s, &at, d->told);
	}
	if (is_link(s, r->proc)) {
		at = release(s, r, false);
		/* To ourselves: it is not written any more. */
		if (at.w == NULL && !(r->r.flags & TAP_NO_HAND)) {
			release(s, r, true);
			at = d->hand;
		}
		return at;
	}
	if (!(r->r.flags & TAP_NO_HAND))
		return d->hand;
	if (d->out.w != NULL)
		return d->out;
	at = begin(s, r);
	walk_told(d, &at);
	return at;
}

static void put(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	struct stand at = who_puts(s, r);
	char text[PLACE_NAME_LEN];

	if (r->r.flags & TAP_NO_HAND) {
		d->out = walk_nowhere;
		d->told[0] = '\0';
	}
	if (at.w == NULL)
		return;
	at.w->last = r->r.time;
	if (s->nflights == FLIGHTS) {
		at.w->cut_short = true;
		return;
	}
	s->flight[s->nflights++] =
	    (struct flight){ at.w, r->r.place, r->r.index };
	at.w->under_way++;
	walk_say(&at, "put into %s", ring_name(s, r->r.place, text));
}

/* It had waited, and came to its end there. */
static void waited_in_vain(struct walks *s, const struct tapped *r)
{
	struct stand from = release(s, r, true);
	struct stand at = later_step(s, &from, "");

	if (at.w == NULL)
		return;
	at.w->last = r->r.time;
	set_reason(s, &at, r);
}

/*
 * A neighbour's queue that is full loses its oldest.  Which packet that was is
 * not told, but it is none that came just now.
 */
static void drop_of_none(struct walks *s, const struct tapped *r)
{
	const struct stand *hand = &s->now[r->proc].hand;
	char reason[COUNTER_NAME_LEN];

	tapped_reason(&s->watch->taps, r, reason);
	if (strncmp(reason, "neighbour_drop", strlen("neighbour_drop")) != 0)
		return;
	if (r->r.flags & TAP_WAITED) {
		waited_in_vain(s, r);
		return;
	}
	for (uint32_t i = 0; i < s->nkept; i++) {
		const struct kept *k = &s->kept[i];
		struct walk *w = k->at.w;

		if (k->waits && !k->done && w != hand->w &&
		    w->step[k->at.step].proc == r->proc)
			memcpy(w->doubt, reason, sizeof(reason));
	}
}

static void turn(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];

	walk_news(s, r->proc);
	for (uint32_t i = 0; i < WALKS; i++) {
		struct walk *w = &s->walk[i];

		for (uint32_t k = 0; w->used && k < w->n; k++) {
			struct step *step = &w->step[k];

			if (step->proc != r->proc || step->end != 0)
				continue;
			step->begin = (int64_t)r->r.d.stamp;
			step->end = r->r.time;
		}
	}
	end_kept(s, r->proc);
	d->hand = d->out = d->began = walk_nowhere;
	d->ntouched = 0;
	for (uint32_t i = 0; i < WALKS; i++)
		if (s->walk[i].used && is_over(&s->walk[i]))
			end(s, &s->walk[i]);
}

/* ---- Records that were lost ---- */

/* Its step ends here, as far as anybody knows. */
static void lose_steps(struct walks *s, uint32_t proc)
{
	for (uint32_t i = 0; i < WALKS; i++) {
		struct walk *w = &s->walk[i];

		for (uint32_t k = 0; w->used && k < w->n; k++) {
			struct stand at = { w, k };

			if (w->step[k].proc != proc || w->step[k].end != 0)
				continue;
			walk_say(&at, "(what else it did the trace has lost)");
			w->step[k].gap = w->gap = true;
			w->step[k].begin = w->step[k].end = s->time;
		}
	}
}

/* Nothing that follows may be taken for the doing of who was in hand. */
static void mind_gap(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	bool gap = d->heard && d->next != r->r.number;

	d->heard = true;
	d->next = r->r.number + 1;
	if (!gap)
		return;
	lose_steps(s, r->proc);
	for (uint32_t i = s->nkept; i-- > 0;)
		if (s->kept[i].at.w->step[s->kept[i].at.step].proc == r->proc)
			drop_kept(s, i);
	d->hand = d->out = d->began = walk_nowhere;
	d->ntouched = 0;
	d->told[0] = '\0';
}

void walks_record(struct walks *s, const struct tapped *r)
{
	s->time = r->r.time;
	mind_gap(s, r);
	switch ((enum tap_kind)r->r.kind) {
	case TAP_FRAME:
		if ((r->r.place - TAP_PLACE_DEVICE) & 1)
			frame_written(s, r);
		else
			frame_read(s, r);
		break;
	case TAP_TAKE:
		take(s, r);
		break;
	case TAP_PUT:
		put(s, r);
		break;
	case TAP_NOTE:
		walk_note(s, r);
		break;
	case TAP_TURN:
		turn(s, r);
		break;
	case TAP_DROP:
		drop_of_none(s, r);
		break;
	case TAP_PAD:
	case NTAP_KINDS:
		break;
	}
}

void walks_expire(struct walks *s, bool all)
{
	int64_t now = mono_now().ns;

	for (uint32_t i = 0; i < WALKS; i++) {
		struct walk *w = &s->walk[i];

		uint32_t n = w->used ? waiting(s, w) : 0;

		if (!w->used ||
		    (!all &&
			now - w->last < (n > 0 ? wait_ns : 0) + 2 * SILENT_NS))
			continue;
		if (n > 0 && n == w->under_way)
			w->still_waits = true;
		else
			w->cut_short = true;
		end(s, w);
	}
}
