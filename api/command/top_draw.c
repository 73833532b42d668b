/*
 * top_draw.c - a pipeline as a picture of characters
 *
 * Boxes and the rings between them (top_boxes.c), what is dropped, and who took
 * over from whom.  The less room there is the less is told of each box; the
 * tables have some room always.
 */
#include "api/command/top_draw.h"

#include "api/command/member.h"

enum {
	RECENT_S = 5,    /* so long a takeover is shown in red */
	FEW_DROPS = 5,   /* a heading and four */
	MANY_DROPS = 12, /* more only if there is room */
	DROPS_COLS = 52, /* to stand beside the boxes */
	HEAD_ROWS = 3,
};

/* "1.23k": three digits of a number for a second. */
const char *short_number(double n, char buf[16])
{
	static const char units[] = " kMGT";
	int unit = 0;

	while (n >= 999.5 && unit < 4) {
		n /= 1000.0;
		unit++;
	}
	if (unit == 0)
		snprintf(buf, 16, "%.0f", n);
	else
		snprintf(buf, 16, "%.*f%c",
		    n < 9.995       ? 2
			: n < 99.95 ? 1
				    : 0,
		    n, units[unit]);
	return buf;
}

/* "361 us", "1.2 ms" */
const char *short_time(json_int_t us, char buf[16])
{
	if (us < 1000)
		snprintf(buf, 16, "%d us", (int)us);
	else if (us < 1000000)
		snprintf(buf, 16, "%.1f ms", (double)us / 1e3);
	else
		snprintf(buf, 16, "%.1f s", (double)us / 1e6);
	return buf;
}

double seconds_ago(const struct drawing *d, const json_t *event)
{
	return (double)(member_int(d->v->rates, "uptime_us") -
		   member_int(event, "at_us")) /
	    1e6;
}

bool just_took_over(const struct drawing *d, const char *name)
{
	size_t i;
	json_t *e;

	json_array_foreach(
	    d->v->events, i, e) if (member_is(e, "daemon", name) &&
	    seconds_ago(d, e) < RECENT_S) return true;
	return false;
}

/* ---- Above and below the picture */

static double counter_rate(const struct drawing *d, const char *name)
{
	double sum = 0.0;
	size_t i;
	json_t *o;

	json_array_foreach(json_object_get(d->v->rates, "counters"), i,
	    o) if (member_is(o, "name", name)) sum += member_real(o, "rate");
	return sum;
}

/* "2 apps; 1 tcp LISTEN, 3 tcp ESTAB" */
static void draw_sockets(struct drawing *d, json_t *sockets)
{
	char text[256];
	int at = snprintf(text, sizeof(text), "%lld apps",
	    (long long)member_int(d->v->rates, "apps"));
	const char *what;
	json_t *n;

	json_object_foreach(sockets, what, n)
	{
		if (at >= (int)sizeof(text))
			break;
		at += snprintf(text + at, sizeof(text) - (size_t)at,
		    ", %lld %s", (long long)json_integer_value(n), what);
	}
	canvas_text(d->c, d->row++, 2, STYLE_PLAIN, "%s", text);
}

static void draw_tcp(struct drawing *d)
{
	char opened[16], again[16];

	canvas_text(d->c, d->row++, 2, STYLE_PLAIN,
	    "TCP: %s opened/s, %s retransmitted/s",
	    short_number(counter_rate(d, "active_opens") +
		    counter_rate(d, "passive_opens"),
		opened),
	    short_number(counter_rate(d, "retransmitted"), again));
}

/* Trouble stands over the sockets, of which there is no news then. */
static void draw_head(struct drawing *d)
{
	const json_t *r = d->v->rates;

	canvas_text(
	    d->c, 0, 0, STYLE_BOLD, "strata top: %s", member_text(r, "name"));
	if (d->c->cols >= 60)
		canvas_text(d->c, 0, 24, STYLE_PLAIN,
		    "up %.1f s, supervisor %lld",
		    (double)member_int(r, "uptime_us") / 1e6,
		    (long long)member_int(r, "supervisor_pid"));
	d->row = 1;
	if (d->v->trouble != NULL)
		canvas_text(d->c, d->row++, 0, STYLE_BAD, "%s", d->v->trouble);
	else if (d->detail < DETAIL_LINES)
		draw_sockets(d, json_object_get(r, "sockets"));
	if (d->detail < DETAIL_SMALL)
		draw_tcp(d);
}

/* Which of two is to be shown first. */
static bool drops_more(const json_t *a, const json_t *b)
{
	double x = member_real(a, "rate"), y = member_real(b, "rate");

	if (x > y || x < y)
		return x > y;
	return member_int(a, "count") > member_int(b, "count");
}

/* The @n-th of all by drops_more(); there are few. */
static const json_t *nth_drop(const json_t *all, size_t n)
{
	size_t i, k;
	json_t *a, *b;

	json_array_foreach(all, i, a)
	{
		size_t before = 0;

		json_array_foreach(all, k, b) before +=
		    drops_more(b, a) || (k < i && !drops_more(a, b));
		if (before == n)
			return a;
	}
	return NULL;
}

/* Lines that were used. */
static int draw_drops(const struct drawing *d, int col, int rows)
{
	const json_t *all = json_object_get(d->v->rates, "drops");
	int cols = d->c->cols - col - 25; /* for the reason */
	const json_t *o;
	char rate[16];
	int n;

	if (cols > 24)
		cols = 24;
	if (cols < 8)
		cols = 8;
	canvas_text(d->c, d->row, col, STYLE_BOLD, "%-8s %-*s %8s %6s",
	    "DROPPED", cols, "BECAUSE", "COUNT", "A SEC");
	for (n = 0; n < rows && (o = nth_drop(all, (size_t)n)) != NULL; n++)
		canvas_text(d->c, d->row + 1 + n, col,
		    member_real(o, "rate") > 0.0 ? STYLE_WARN : STYLE_DIM,
		    "%-8.8s %-*.*s %8lld %6s", member_text(o, "daemon"), cols,
		    cols, member_text(o, "name"),
		    (long long)member_int(o, "count"),
		    short_number(member_real(o, "rate"), rate));
	if (n == 0)
		canvas_text(d->c, d->row + 1, col, STYLE_DIM, "nothing");
	return n > 0 ? 1 + n : 2;
}

static void draw_events(const struct drawing *d, int col, int rows)
{
	size_t n = json_array_size(d->v->events);
	char gap[16];

	canvas_text(d->c, d->row, col, STYLE_BOLD, "WHO TOOK OVER");
	if (n == 0)
		canvas_text(d->c, d->row + 1, col, STYLE_DIM, "nobody");
	for (int k = 1; k <= rows && (size_t)k <= n; k++) {
		const json_t *e = json_array_get(d->v->events, n - (size_t)k);
		const json_t *us = json_object_get(e, "gap_us");
		double ago = seconds_ago(d, e);

		canvas_text(d->c, d->row + k, col,
		    ago < RECENT_S ? STYLE_BAD : STYLE_DIM,
		    "%-10.10s %8s, %.0f s ago", member_text(e, "daemon"),
		    json_is_integer(us)
			? short_time(json_integer_value(us), gap)
			: "?",
		    ago);
	}
}

/* Below the boxes, or beside them where a terminal is wide enough. */
static void draw_tables(struct drawing *d, int boxes)
{
	int right = boxes * (BOX_COLS + 1) + 2;
	int room;

	if (d->detail != DETAIL_LINES && d->c->cols - right >= DROPS_COLS) {
		d->row = HEAD_ROWS;
		d->row += draw_drops(d, right, MANY_DROPS) + 1;
		draw_events(d, right, d->c->rows - d->row - 1);
		return;
	}
	room = d->c->rows - d->row - 1;
	if (room > MANY_DROPS)
		room = MANY_DROPS;
	if (d->c->cols >= 80) {
		draw_drops(d, 0, room);
		draw_events(d, 51, room);
	} else {
		d->row += draw_drops(d, 0, room) + 1;
		draw_events(d, 0, room);
	}
}

/* How many boxes stand beside each other. */
static int widest(const struct drawing *d)
{
	size_t links = json_array_size(json_object_get(d->v->rates, "links"));
	int transports = 0;
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(d->v->rates, "daemons"), i, p)
	    transports +=
	    member_is(p, "layer", "tcpd") || member_is(p, "layer", "udpd");
	if ((size_t)transports < links)
		transports = (int)links;
	return transports < d->per_row ? transports : d->per_row;
}

/* The richest picture that leaves room for some drops. */
void top_draw(struct canvas *c, const struct top_view *v)
{
	struct drawing d = { .c = c, .v = v };
	bool beside;

	d.per_row = (c->cols + 1) / (BOX_COLS + 1);
	beside = c->cols - widest(&d) * (BOX_COLS + 1) - 2 >= DROPS_COLS;
	if (d.per_row < 1)
		d.per_row = 1;
	for (;; d.detail++) {
		canvas_clear(c);
		draw_head(&d);
		if (d.detail == DETAIL_LINES)
			break;
		draw_boxes(&d);
		if (d.row + (beside ? 0 : FEW_DROPS) <= c->rows)
			break;
	}
	if (d.detail == DETAIL_LINES)
		draw_lines(&d);
	draw_tables(&d, widest(&d));
}
