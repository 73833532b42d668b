/*
 * walk_title.c - what a walk is called: the packet that it begins with
 */
#include <stdio.h>
#include <string.h>

#include "api/command/dump.h"
#include "api/command/walk.h"

void walk_title(struct walk *w, uint16_t linktype, const struct shown *shown)
{
	static struct dump d;
	struct dump_bytes b = { shown->bytes, shown->caplen, shown->len };

	dump_begin(&d, false);
	if (linktype == LINKTYPE_ETHERNET)
		dump_frame(&d, b);
	else
		dump_packet(&d, b);
	snprintf(w->title, sizeof(w->title), "%s", d.line.p);
}

/* Behind @text, or NULL: it begins otherwise. */
static const char *behind(const char *title, const char *text)
{
	size_t len = strlen(text);

	return strncmp(title, text, len) == 0 ? title + len : NULL;
}

void walk_source(struct walk *w, const char *text)
{
	const char *family = "IP ";
	const char *rest = behind(w->title, "IP 0.0.0.0");
	char title[2 * WALK_TITLE];

	w->no_source = false;
	if (rest == NULL) {
		family = "IP6 ";
		rest = behind(w->title, "IP6 ::");
	}
	if (rest == NULL)
		return;
	snprintf(title, sizeof(title), "%s%s%s", family, text, rest);
	snprintf(w->title, sizeof(w->title), "%.*s", WALK_TITLE - 1, title);
}
