/*
 * walk_follow.c - which record belongs to which walk
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/command/dump.h"
#include "api/command/walk.h"

enum {
	ETH_LEN = 14,
	SILENT_NS = NS_PER_S, /* then the rest of a walk has been lost */
};

static const struct stand nowhere = { NULL, 0 };

/* ---- Walks and their steps ---- */

static void say(const struct stand *at, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct stand *at, const char *fmt, ...)
{
	char *text = at->w->step[at->step].text;
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, STEP_TEXT - len, fmt, ap);
	va_end(ap);
	len = strlen(text);
	if (len < STEP_TEXT - 1)
		memcpy(text + len, "\n", 2);
}

static struct stand new_step(struct walk *w, uint32_t proc)
{
	struct step *step;

	if (w->n == WALK_STEPS) {
		w->cut_short = true;
		return nowhere;
	}
	step = &w->step[w->n];
	*step = (struct step){ .proc = proc };
	return (struct stand){ w, w->n++ };
}

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
			d->hand = nowhere;
		if (d->out.w == w)
			d->out = nowhere;
		for (uint32_t i = d->ntouched; i-- > 0;)
			if (d->touched[i].at.w == w)
				d->touched[i] = d->touched[--d->ntouched];
	}
}

static void end(struct walks *s, struct walk *w)
{
	s->done(s, w);
	forget(s, w);
	w->used = false;
}

static bool is_over(const struct walk *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->step[i].end == 0)
			return false;
	return w->under_way == 0;
}

static void set_title(
    struct walk *w, const struct place *p, const struct shown *shown)
{
	static struct dump d;
	struct dump_bytes b = { shown->bytes, shown->caplen, shown->len };

	dump_begin(&d, false);
	if (p->linktype == LINKTYPE_ETHERNET)
		dump_frame(&d, b);
	else
		dump_packet(&d, b);
	snprintf(w->title, sizeof(w->title), "%s", d.line.p);
}

static struct walk *free_walk(struct walks *s)
{
	for (uint32_t i = 0; i < WALKS; i++)
		if (!s->walk[i].used)
			return &s->walk[i];
	return NULL;
}

/* The packet of @r has just come into being, or in: if it is wanted. */
static struct stand begin(struct walks *s, const struct tapped *r)
{
	struct tap_watch *watch = s->watch;
	struct place *p = places_of(&watch->places, r);
	struct shown shown;
	struct walk *w;

	if (p == NULL || (watch->count > 0 && s->begun == watch->count))
		return nowhere;
	shown_from(&shown, &watch->taps, p, r);
	if (!tap_filter_passes(watch->filter, p->linktype, shown.bytes,
		shown.caplen, shown.len))
		return nowhere;
	w = free_walk(s);
	if (w == NULL) {
		s->missed++;
		return nowhere;
	}
	w->used = true;
	w->cut_short = false;
	w->n = w->under_way = 0;
	w->number = ++s->begun;
	set_title(w, p, &shown);
	return new_step(w, r->proc);
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
	k->done = false;
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

/* A super-frame is written as several frames: it stays for this turn. */
static struct stand release(struct walks *s, const struct tapped *r, bool tx)
{
	struct identity id;

	if (!identify(&id, r))
		return nowhere;
	for (uint32_t i = 0; i < s->nkept; i++) {
		struct kept *k = &s->kept[i];
		struct stand at = k->at;

		if (k->tx != tx || at.w->step[at.step].proc != r->proc ||
		    (k->done && k->id.len <= 1) ||
		    !(tx ? identity_holds(&k->id, &id)
			 : identity_holds(&id, &k->id)))
			continue;
		if (tx && !k->done)
			at.w->under_way--;
		k->done = true;
		if (!tx)
			drop_kept(s, i);
		return at;
	}
	return nowhere;
}

/* What was read must have been put by now, what was taken may wait. */
static void end_kept(struct walks *s, uint32_t proc)
{
	for (uint32_t i = s->nkept; i-- > 0;) {
		const struct kept *k = &s->kept[i];

		if (k->at.w->step[k->at.step].proc == proc &&
		    (!k->tx || k->done || s->time - k->since > SILENT_NS))
			drop_kept(s, i);
	}
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
	say(&at, "read from %s: a frame of %u bytes", device_name(s, r),
	    r->r.len);
	set_reason(s, &at, r);
	at.w->last = r->r.time;
	keep(s, &at, r, false);
}

static void frame_written(struct walks *s, const struct tapped *r)
{
	struct stand at = release(s, r, true);

	if (at.w == NULL)
		return;
	if (at.w->step[at.step].end != 0) {
		at = new_step(at.w, r->proc);
		if (at.w == NULL)
			return;
		say(&at, "what it waited for is there");
	}
	at.w->last = r->r.time;
	say(&at, "written to %s: a frame of %u bytes", device_name(s, r),
	    r->r.len);
	set_reason(s, &at, r);
}

static void take(struct walks *s, const struct tapped *r)
{
	struct stand at = nowhere;
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
		at = new_step(w, r->proc);
	}
	s->now[r->proc].hand = at;
	if (at.w == NULL)
		return;
	w->step[at.step].by_ring = true;
	w->step[at.step].ring = r->r.place;
	w->step[at.step].put = (int64_t)r->r.d.stamp;
	set_reason(s, &at, r);
	if (is_link(s, r->proc) && r->r.reason == 0)
		keep(s, &at, r, true);
}

static struct stand who_puts(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	struct stand at;

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
	if (at.w != NULL)
		snprintf(at.w->step[at.step].text, STEP_TEXT, "%s", d->told);
	return at;
}

static void put(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	struct stand at = who_puts(s, r);
	char text[PLACE_NAME_LEN];

	if (r->r.flags & TAP_NO_HAND) {
		d->out = nowhere;
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
	say(&at, "put into %s", ring_name(s, r->r.place, text));
}

/* A note that begins so tells whose it is. */
static bool is_of_connection(const char *text, uint32_t *ret)
{
	return sscanf(text, "connection %" SCNu32, ret) == 1;
}

static struct touched *find_touched(struct daemon_now *d, uint32_t connection)
{
	for (uint32_t i = 0; i < d->ntouched; i++)
		if (d->touched[i].connection == connection)
			return &d->touched[i];
	return NULL;
}

static void touch(struct daemon_now *d, uint32_t connection)
{
	struct touched *t = find_touched(d, connection);

	if (t == NULL && d->ntouched < KEPT)
		t = &d->touched[d->ntouched++];
	if (t != NULL)
		*t = (struct touched){ connection, d->hand };
}

static void note(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	char text[TAP_NOTE_LEN];
	uint32_t connection;
	struct touched *t;

	snprintf(text, sizeof(text), "%.*s", (int)r->r.caplen,
	    (const char *)r->bytes);
	if (!(r->r.flags & TAP_NO_HAND)) {
		if (d->hand.w == NULL)
			return;
		say(&d->hand, "%s", text);
		if (is_of_connection(text, &connection))
			touch(d, connection);
		return;
	}
	t = is_of_connection(text, &connection) ? find_touched(d, connection)
						: NULL;
	d->out = t != NULL ? t->at : nowhere;
	if (t != NULL) {
		say(&d->out, "%s", text);
	} else {
		size_t len = strlen(d->told);

		snprintf(d->told + len, STEP_TEXT - len, "%s\n", text);
	}
}

static void turn(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];

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
	d->hand = d->out = nowhere;
	d->ntouched = 0;
	d->told[0] = '\0';
	for (uint32_t i = 0; i < WALKS; i++)
		if (s->walk[i].used && is_over(&s->walk[i]))
			end(s, &s->walk[i]);
}

void walks_record(struct walks *s, const struct tapped *r)
{
	s->time = r->r.time;
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
		note(s, r);
		break;
	case TAP_TURN:
		turn(s, r);
		break;
	case TAP_PAD:
	case TAP_DROP:
	case NTAP_KINDS:
		break;
	}
}

void walks_expire(struct walks *s, bool all)
{
	int64_t now = mono_now().ns;

	for (uint32_t i = 0; i < WALKS; i++) {
		struct walk *w = &s->walk[i];

		if (!w->used || (!all && now - w->last < 2 * SILENT_NS))
			continue;
		w->cut_short = true;
		end(s, w);
	}
}
