/*
 * walk_show.c - the walk of a packet as a text to be read from top to bottom
 */
#include <inttypes.h>
#include <string.h>

#include "api/command/walk.h"

enum {
	NAME = 12,
};

static int64_t from_to(int64_t from, int64_t to)
{
	return to > from ? to - from : 0;
}

static double us(int64_t ns)
{
	return (double)ns / 1000;
}

enum {
	UNKNOWN = -1,
};

static void print_line(
    FILE *to, const char *name, int64_t ns, const char *text, size_t len)
{
	if (ns == UNKNOWN)
		fprintf(to, "  %-*s %9s     %.*s\n", NAME, name, "?", (int)len,
		    text);
	else
		fprintf(to, "  %-*s %9.1f us  %.*s\n", NAME, name, us(ns),
		    (int)len, text);
}

static void print_waiting(
    FILE *to, const struct step *s, const struct topology *topo)
{
	const struct topo_ring *r = &topo->rings[s->ring];
	char name[PLACE_NAME_LEN];

	snprintf(name, sizeof(name), "%s>%s", topo->procs[r->from].name,
	    topo->procs[r->to].name);
	print_line(to, name, s->gap ? UNKNOWN : from_to(s->put, s->begin),
	    "waiting", 7);
}

/* As measure.h cuts it: worked on from its publication at the earliest. */
static void print_step(
    FILE *to, const struct step *s, const struct topology *topo)
{
	int64_t from = s->by_ring && s->put > s->begin ? s->put : s->begin;
	const char *text = s->text;
	bool first = true;

	if (s->by_ring)
		print_waiting(to, s, topo);
	if (s->waited != NULL)
		print_line(to, topo->procs[s->proc].name,
		    s->gap ? UNKNOWN : from_to(s->put, s->begin), s->waited,
		    strlen(s->waited));
	do {
		size_t len = strcspn(text, "\n");

		if (first)
			print_line(to, topo->procs[s->proc].name,
			    s->gap ? UNKNOWN : from_to(from, s->end), text,
			    len);
		else
			fprintf(to, "  %-*s %9s     %.*s\n", NAME, "", "",
			    (int)len, text);
		first = false;
		text += len + (text[len] == '\n');
	} while (*text != '\0');
	if (s->reason[0] != '\0')
		fprintf(to, "  %-*s %9s     dropped: %s\n", NAME, "", "",
		    s->reason);
}

void walk_print(FILE *to, const struct walk *w, const struct topology *topo)
{
	int64_t last = 0;

	fprintf(to, "%" PRIu64 ". %s\n\n", w->number, w->title);
	for (uint32_t i = 0; i < w->n; i++) {
		print_step(to, &w->step[i], topo);
		if (w->step[i].end > last)
			last = w->step[i].end;
	}
	if (w->cut_short)
		fprintf(to, "  ... and no more is known of it\n\n");
	else if (w->still_waits)
		fprintf(to, "  ... and still waits%s%s\n\n",
		    w->doubt[0] != '\0' ? ", or was dropped: " : "", w->doubt);
	else if (w->gap)
		fprintf(to, "  ... and not all is known of it\n\n");
	else
		fprintf(to, "  %-*s %9.1f us\n\n", NAME, "in all",
		    us(from_to(w->step[0].begin, last)));
}
