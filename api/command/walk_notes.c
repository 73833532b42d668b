/*
 * walk_notes.c - what daemons say of packets, and of connections without one
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/command/walk.h"

/* ---- Connections ---- */

/* A note that begins so tells whose it is. */
static uint32_t connection_of(const char *text)
{
	uint32_t c;

	return sscanf(text, "connection %" SCNu32, &c) == 1 && c < CONNECTIONS
	    ? c
	    : NO_CONNECTION;
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

static bool is_known(const struct daemon_now *d, uint32_t connection)
{
	return connection < CONNECTIONS &&
	    (d->known[connection / 8] >> connection % 8 & 1);
}

static void set_known(struct daemon_now *d, uint32_t connection, bool known)
{
	uint8_t bit = (uint8_t)(1 << connection % 8);

	if (connection >= CONNECTIONS)
		return;
	if (known)
		d->known[connection / 8] |= bit;
	else
		d->known[connection / 8] &= (uint8_t)~bit;
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* Its number may soon be another's. */
static bool tells_the_end(const char *text)
{
	return strstr(text, " -> CLOSED") != NULL ||
	    strstr(text, " -> TIME-WAIT") != NULL;
}

/* ---- With a packet in hand ---- */

/* linkd has said so of what it has taken just now. */
static void packet_waits(struct walks *s, const struct stand *at)
{
	for (uint32_t i = 0; i < s->nkept; i++)
		if (s->kept[i].at.w == at->w && s->kept[i].at.step == at->step)
			s->kept[i].waits = true;
}

/* What notes say that a walk depends on. */
static void understand(
    struct walks *s, const struct stand *at, const char *text)
{
	static const char source[] = "source ";

	if (ends_in(text, "the packet waits"))
		packet_waits(s, at);
	else if (at->w->no_source &&
	    strncmp(text, source, sizeof(source) - 1) == 0)
		walk_source(at->w, text + sizeof(source) - 1);
}

static void in_hand(struct walks *s, struct daemon_now *d, const char *text)
{
	uint32_t connection = connection_of(text);

	if (d->hand.w == NULL)
		return;
	walk_say(&d->hand, "%s", text);
	understand(s, &d->hand, text);
	if (connection == NO_CONNECTION)
		return;
	touch(d, connection);
	set_known(d, connection, true);
}

/* ---- With none ---- */

void walk_told(struct daemon_now *d, const struct stand *at)
{
	if (at->w == NULL)
		return;
	snprintf(at->w->step[at->step].text, STEP_TEXT, "%s", d->told);
	if (d->told[0] == '\0')
		d->told_of = NO_CONNECTION;
	set_known(d, d->told_of, true);
	d->began = *at;
	d->began_of = d->told_of;
}

static bool is_wanted(const struct walks *s)
{
	return s->watch->count == 0 || s->begun < s->watch->count;
}

static void begin_without(struct walks *s, uint32_t proc)
{
	const struct daemon_now *d = &s->now[proc];
	struct walk *w = walk_new(s);

	if (w == NULL)
		return;
	snprintf(w->title, sizeof(w->title),
	    "connection %" PRIu32 " of %s, no packet", d->told_of,
	    s->watch->taps.topo->procs[proc].name);
	walk_step(w, proc);
	snprintf(w->step[0].text, STEP_TEXT, "%s", d->told);
}

void walk_news(struct walks *s, uint32_t proc)
{
	struct daemon_now *d = &s->now[proc];

	if (is_known(d, d->told_of) && strstr(d->told, " -> ") != NULL &&
	    is_wanted(s))
		begin_without(s, proc);
	if (tells_the_end(d->told))
		set_known(d, d->told_of, false);
	d->told[0] = '\0';
}

static void with_none(struct walks *s, uint32_t proc, const char *text)
{
	struct daemon_now *d = &s->now[proc];
	uint32_t connection = connection_of(text);
	struct touched *t = find_touched(d, connection);
	size_t len;

	if (d->told[0] == '\0')
		d->told_of = NO_CONNECTION;
	d->out = walk_nowhere;
	if (t != NULL) {
		d->out = t->at;
	} else if (d->began.w != NULL && d->began_of == connection &&
	    tells_the_end(text)) {
		walk_say(&d->began, "%s", text);
		set_known(d, connection, false);
		return;
	}
	if (d->out.w != NULL) {
		walk_say(&d->out, "%s", text);
		return;
	}
	if (connection != NO_CONNECTION) {
		if (d->told_of != NO_CONNECTION && d->told_of != connection)
			walk_news(s, proc);
		d->told_of = connection;
	}
	len = strlen(d->told);
	snprintf(d->told + len, STEP_TEXT - len, "%s\n", text);
}

void walk_note(struct walks *s, const struct tapped *r)
{
	struct daemon_now *d = &s->now[r->proc];
	char text[TAP_NOTE_LEN];

	snprintf(text, sizeof(text), "%.*s", (int)r->r.caplen,
	    (const char *)r->bytes);
	if (r->r.flags & TAP_NO_HAND)
		with_none(s, r->proc, text);
	else
		in_hand(s, d, text);
	if (tells_the_end(text) && !(r->r.flags & TAP_NO_HAND))
		set_known(d, connection_of(text), false);
}
