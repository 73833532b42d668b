/*
 * dump_text.c - the lines of a packet as text
 */
#include <stdarg.h>
#include <stdio.h>

#include "api/command/dump.h"

void dump_begin(struct dump *d, bool verbose)
{
	d->line = (struct dump_text){ d->line_room, 0, DUMP_LINE };
	d->fields = (struct dump_text){ d->fields_room, 0, DUMP_FIELDS };
	d->verbose = verbose;
	d->line_room[0] = d->fields_room[0] = '\0';
}

/* What has no room is cut off. */
static void add(struct dump_text *t, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void add(struct dump_text *t, const char *fmt, va_list ap)
{
	size_t room = t->room - t->len;
	int n = vsnprintf(t->p + t->len, room, fmt, ap);

	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

void dump_add(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(&d->line, fmt, ap);
	va_end(ap);
}

void dump_field(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	if (!d->verbose)
		return;
	if (fmt[0] == '\t' && d->fields.len + 1 < d->fields.room) {
		d->fields.p[d->fields.len++] = '\n';
		d->fields.p[d->fields.len] = '\0';
	}
	va_start(ap, fmt);
	add(&d->fields, fmt, ap);
	va_end(ap);
}

bool dump_has(
    struct dump *d, const struct dump_bytes *b, uint32_t need, const char *what)
{
	if (b->caplen >= need)
		return true;
	dump_add(d, "[|%s]", what);
	return false;
}

struct dump_bytes dump_rest(const struct dump_bytes *b, uint32_t n)
{
	uint32_t cut = n < b->caplen ? n : b->caplen;

	return (struct dump_bytes){
		.p = b->p + cut,
		.caplen = b->caplen - cut,
		.len = n < b->len ? b->len - n : 0,
	};
}
