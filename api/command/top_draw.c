/*
 * top_draw.c - a pipeline as a picture of characters
 *
 * A row for each layer, apps above, devices below; a box for each process; and
 * under each box the rings to the boxes of the next row, up and down.
 */
#include <stdarg.h>
#include <string.h>

#include "api/command/member.h"
#include "api/command/top.h"

enum {
	BOX_COLS = 37, /* two of them and a space between in 80 columns */
	BOX_ROWS = 5,
	DEVICE_ROWS = 4,
	RECENT_S = 5,  /* so long a takeover is shown in red */
	MAX_DROPS = 8, /* more only if there is room */
};

struct drawing {
	struct canvas *c;
	const struct top_view *v;
	int row;
	int per_row; /* boxes */
};

/* "1.23k": three digits of a number for a second. */
static const char *short_number(double n, char buf[16])
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
static const char *short_time(json_int_t us, char buf[16])
{
	if (us < 1000)
		snprintf(buf, 16, "%d us", (int)us);
	else if (us < 1000000)
		snprintf(buf, 16, "%.1f ms", (double)us / 1e3);
	else
		snprintf(buf, 16, "%.1f s", (double)us / 1e6);
	return buf;
}

static double seconds_ago(const struct drawing *d, const json_t *event)
{
	return (double)(member_int(d->v->rates, "uptime_us") -
		   member_int(event, "at_us")) /
	    1e6;
}

static bool just_took_over(const struct drawing *d, const char *name)
{
	size_t i;
	json_t *e;

	json_array_foreach(
	    d->v->events, i, e) if (member_is(e, "daemon", name) &&
	    seconds_ago(d, e) < RECENT_S) return true;
	return false;
}

static enum style load_style(double part)
{
	return part < 0.5 ? STYLE_GOOD : part < 0.9 ? STYLE_WARN : STYLE_BAD;
}

/* ---- Boxes */

static void draw_daemon(
    const struct drawing *d, int row, int col, const json_t *p)
{
	double cpu = member_real(p, "cpu");
	bool recent = just_took_over(d, member_text(p, "name"));
	char a[16], b[16];

	canvas_box(d->c, row, col, BOX_ROWS, BOX_COLS,
	    recent ? STYLE_BAD : STYLE_PLAIN);
	canvas_text(d->c, row, col + 2, recent ? STYLE_BAD : STYLE_BOLD, " %s ",
	    member_text(p, "name"));
	canvas_text(d->c, row, col + BOX_COLS - 13, STYLE_DIM, " pid %lld ",
	    (long long)member_int(p, "pid"));
	canvas_text(d->c, row + 1, col + 2, STYLE_PLAIN, "cpu %5.1f %%", cpu);
	canvas_bar(d->c, row + 1, col + 15, BOX_COLS - 17,
	    cpu < 100.0 ? cpu / 100.0 : 1.0, load_style(cpu / 100.0));
	canvas_text(d->c, row + 2, col + 2, STYLE_PLAIN,
	    "%s turns/s, %s wake-ups/s",
	    short_number(member_real(p, "turns"), a),
	    short_number(member_real(p, "wakeups"), b));
	if (!json_is_true(json_object_get(p, "up")))
		canvas_text(d->c, row + 3, col + 2, STYLE_BAD, "not up");
	else if (member_int(p, "restarts") > 0)
		canvas_text(d->c, row + 3, col + 2,
		    recent ? STYLE_BAD : STYLE_PLAIN,
		    "restarts %lld, last gap %s",
		    (long long)member_int(p, "restarts"),
		    short_time(member_int(p, "last_gap_us"), a));
	else
		canvas_text(d->c, row + 3, col + 2, STYLE_DIM, "no restarts");
}

static void draw_flow(const struct drawing *d, int row, int col,
    const char *arrow, double frames, double bytes)
{
	char a[16], b[16];
	bool moves = frames > 0.0;

	canvas_text(
	    d->c, row, col, moves ? STYLE_FLOW : STYLE_DIM, "%s", arrow);
	canvas_text(d->c, row, col + 2, STYLE_PLAIN, "%6s frames/s %6sbit/s",
	    short_number(frames, a), short_number(bytes * 8.0, b));
}

static void draw_device(
    const struct drawing *d, int row, int col, const json_t *l)
{
	canvas_box(d->c, row, col, DEVICE_ROWS, BOX_COLS, STYLE_DIM);
	canvas_text(
	    d->c, row, col + 2, STYLE_BOLD, " %s ", member_text(l, "name"));
	canvas_text(d->c, row, col + BOX_COLS - 11, STYLE_DIM, " %s ",
	    member_text(l, "device"));
	draw_flow(d, row + 1, col + 2, "▲", member_real(l, "rx_frames"),
	    member_real(l, "rx_bytes"));
	draw_flow(d, row + 2, col + 2, "▼", member_real(l, "tx_frames"),
	    member_real(l, "tx_bytes"));
}

/* ---- Rings */

static const json_t *ring(
    const struct drawing *d, const char *from, const char *to)
{
	size_t i;
	json_t *r;

	json_array_foreach(json_object_get(d->v->rates, "rings"), i,
	    r) if (member_is(r, "kind", "data") && member_is(r, "from", from) &&
	    member_is(r, "to", to)) return r;
	return NULL;
}

static void draw_ring(const struct drawing *d, int row, int col,
    const char *arrow, const json_t *r)
{
	double slots = (double)member_int(r, "slots");
	double part = slots > 0.0 ? (double)member_int(r, "fill") / slots : 0.0;
	bool full = member_real(r, "full") > 0.0;
	char a[16];

	if (r == NULL)
		return;
	canvas_text(d->c, row, col,
	    member_real(r, "moved") > 0.0 ? STYLE_FLOW : STYLE_DIM, "%s",
	    arrow);
	canvas_text(d->c, row, col + 1, STYLE_PLAIN, "%6s/s",
	    short_number(member_real(r, "moved"), a));
	canvas_bar(d->c, row, col + 10, 5, part < 1.0 ? part : 1.0,
	    full ? STYLE_BAD : load_style(part));
}

/* Both ways between @above and each process of @layer: lines that were used. */
static int draw_rings(const struct drawing *d, int row, int col,
    const json_t *above, const char *layer)
{
	const char *name = member_text(above, "name");
	int used = 0;
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(d->v->rates, "daemons"), i, p)
	{
		const char *below = member_text(p, "name");
		const json_t *up = ring(d, below, name);
		const json_t *down = ring(d, name, below);

		if (!member_is(p, "layer", layer) ||
		    (up == NULL && down == NULL))
			continue;
		draw_ring(d, row + used, col + 2, "▲", up);
		draw_ring(d, row + used, col + 19, "▼", down);
		/* Obvious if it has but one neighbour below. */
		if (used > 0)
			canvas_text(
			    d->c, row + used, col, STYLE_DIM, "%.2s", below);
		used++;
	}
	return used;
}

/* ---- Rows of boxes */

static bool in_row(const json_t *p, const char *layer)
{
	const char *of = member_text(p, "layer");

	if (strcmp(layer, "transport") == 0)
		return strcmp(of, "tcpd") == 0 || strcmp(of, "udpd") == 0;
	return strcmp(of, layer) == 0;
}

/* All of @layer, with their rings to @below (NULL: nothing is below). */
static void draw_layer(struct drawing *d, const char *layer, const char *below)
{
	int n = 0, lines = 0;
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(d->v->rates, "daemons"), i, p)
	{
		int col, used;

		if (!in_row(p, layer))
			continue;
		if (n == d->per_row) {
			d->row += BOX_ROWS + lines;
			n = lines = 0;
		}
		col = n++ * (BOX_COLS + 1);
		draw_daemon(d, d->row, col, p);
		used = below != NULL
		    ? draw_rings(d, d->row + BOX_ROWS, col, p, below)
		    : 0;
		if (used > lines)
			lines = used;
	}
	if (n > 0)
		d->row += BOX_ROWS + lines;
}

static void draw_devices(struct drawing *d)
{
	int n = 0;
	size_t i;
	json_t *l;

	json_array_foreach(json_object_get(d->v->rates, "links"), i, l)
	{
		if (n == d->per_row) {
			d->row += DEVICE_ROWS;
			n = 0;
		}
		draw_device(d, d->row, n++ * (BOX_COLS + 1), l);
	}
	d->row += DEVICE_ROWS + 1;
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
static void draw_sockets(const struct drawing *d, json_t *sockets)
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
	canvas_text(d->c, 3, 2, STYLE_PLAIN, "%s", text);
}

static void draw_head(struct drawing *d)
{
	const json_t *r = d->v->rates;
	char opened[16], again[16];

	canvas_text(
	    d->c, 0, 0, STYLE_BOLD, "strata top: %s", member_text(r, "name"));
	canvas_text(d->c, 0, 24, STYLE_PLAIN, "up %.1f s, supervisor %lld",
	    (double)member_int(r, "uptime_us") / 1e6,
	    (long long)member_int(r, "supervisor_pid"));
	if (d->v->trouble != NULL)
		canvas_text(d->c, 1, 0, STYLE_BAD, "%s", d->v->trouble);
	canvas_text(d->c, 2, 2, STYLE_PLAIN,
	    "TCP: %s opened/s, %s retransmitted/s",
	    short_number(counter_rate(d, "active_opens") +
		    counter_rate(d, "passive_opens"),
		opened),
	    short_number(counter_rate(d, "retransmitted"), again));
	draw_sockets(d, json_object_get(r, "sockets"));
	d->row = 4;
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

static void draw_drops(const struct drawing *d, int rows)
{
	const json_t *all = json_object_get(d->v->rates, "drops");
	const json_t *o;
	char rate[16];

	canvas_text(d->c, d->row, 0, STYLE_BOLD, "%-8s %-24s %8s %6s",
	    "DROPPED", "BECAUSE", "COUNT", "A SEC");
	for (int n = 0; n < rows && (o = nth_drop(all, (size_t)n)) != NULL; n++)
		canvas_text(d->c, d->row + 1 + n, 0,
		    member_real(o, "rate") > 0.0 ? STYLE_WARN : STYLE_DIM,
		    "%-8.8s %-24.24s %8lld %6s", member_text(o, "daemon"),
		    member_text(o, "name"), (long long)member_int(o, "count"),
		    short_number(member_real(o, "rate"), rate));
}

static void draw_events(const struct drawing *d, int col, int rows)
{
	size_t n = json_array_size(d->v->events);
	char gap[16];

	canvas_text(d->c, d->row, col, STYLE_BOLD, "WHO TOOK OVER");
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

void top_draw(struct canvas *c, const struct top_view *v)
{
	struct drawing d = { .c = c, .v = v };
	int room;

	d.per_row = (c->cols + 1) / (BOX_COLS + 1);
	if (d.per_row < 1)
		d.per_row = 1;
	draw_head(&d);
	draw_layer(&d, "transport", "ipd");
	draw_layer(&d, "ipd", "linkd");
	draw_layer(&d, "linkd", NULL);
	draw_devices(&d);
	room = c->rows - d.row - 1;
	if (room > MAX_DROPS)
		room = MAX_DROPS;
	draw_drops(&d, room);
	draw_events(&d, 51, room);
}
