/*
 * walk_steps.c - walks and their steps
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/command/walk.h"

const struct stand walk_nowhere = { NULL, 0 };

void walk_say(const struct stand *at, const char *fmt, ...)
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

struct stand walk_step(struct walk *w, uint32_t proc)
{
	struct step *step;

	if (w->n == WALK_STEPS) {
		w->cut_short = true;
		return walk_nowhere;
	}
	step = &w->step[w->n];
	*step = (struct step){ .proc = proc };
	return (struct stand){ w, w->n++ };
}

static struct walk *free_walk(struct walks *s)
{
	for (uint32_t i = 0; i < WALKS; i++)
		if (!s->walk[i].used)
			return &s->walk[i];
	return NULL;
}

struct walk *walk_new(struct walks *s)
{
	struct walk *w = free_walk(s);

	if (w == NULL) {
		s->missed++;
		return NULL;
	}
	w->used = true;
	w->cut_short = w->gap = w->still_waits = w->no_source = false;
	w->n = w->under_way = 0;
	w->doubt[0] = '\0';
	w->last = s->time;
	w->number = ++s->begun;
	return w;
}
