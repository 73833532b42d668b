/*
 * top_boxes.c - processes as boxes, a row for each layer
 *
 * Apps are above, devices below; under each box are the rings to the boxes of
 * the next row, up and down, and in it, if there is room, those by which slots
 * of its pool come home.
 */
#include <string.h>

#include "api/command/member.h"
#include "api/command/top_draw.h"

enum {
	BAR_COL = 15,
	DEVICE_ROWS = 4,
	HOME_COLS = 17, /* two of them in a box */
};

static enum style load_style(double part)
{
	return part < 0.5 ? STYLE_GOOD : part < 0.9 ? STYLE_WARN : STYLE_BAD;
}

/* ---- Boxes */

static void draw_part(const struct drawing *d, int row, int col, int cols,
    const char *what, double part)
{
	canvas_text(
	    d->c, row, col, STYLE_PLAIN, "%-4s %5.1f %%", what, part * 100.0);
	canvas_bar(d->c, row, col + BAR_COL - 2, cols - BAR_COL + 2,
	    part < 1.0 ? part : 1.0, load_style(part));
}

/* What @name has lent of its pool. */
static double pool_part(const struct drawing *d, const char *name)
{
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(d->v->rates, "pools"), i,
	    p) if (member_is(p, "daemon", name) &&
	    member_int(p, "slots") > 0) return (double)member_int(p, "used") /
	    (double)member_int(p, "slots");
	return 0.0;
}

static void draw_restarts(
    const struct drawing *d, int row, int col, const json_t *p, bool framed)
{
	bool recent = just_took_over(d, member_text(p, "name"));
	const char *edge = framed ? " " : "";
	char a[16];

	if (!json_is_true(json_object_get(p, "up")))
		canvas_text(
		    d->c, row, col, STYLE_BAD, "%snot up%s", edge, edge);
	else if (member_int(p, "restarts") > 0)
		canvas_text(d->c, row, col, recent ? STYLE_BAD : STYLE_PLAIN,
		    "%srestarts %lld, last gap %s%s", edge,
		    (long long)member_int(p, "restarts"),
		    short_time(member_int(p, "last_gap_us"), a), edge);
	else if (!framed)
		canvas_text(d->c, row, col, STYLE_DIM, "no restarts");
}

/* A ring by which @r's slots come home: who brings them, and its fill. */
static void draw_home(
    const struct drawing *d, int row, int col, const json_t *r)
{
	double slots = (double)member_int(r, "slots");
	double part = slots > 0.0 ? (double)member_int(r, "fill") / slots : 0.0;
	bool moves = member_real(r, "moved") > 0.0;
	char a[16];

	canvas_text(d->c, row, col, moves ? STYLE_PLAIN : STYLE_DIM,
	    "%-5.5s %5s/s", member_text(r, "from"),
	    short_number(member_real(r, "moved"), a));
	canvas_bar(
	    d->c, row, col + 13, 3, part < 1.0 ? part : 1.0, load_style(part));
}

/* All that lead to @name; returns the lines used.  @row < 0: only counts. */
static int draw_homes(
    const struct drawing *d, int row, int col, const char *name)
{
	int n = 0;
	size_t i;
	json_t *r;

	json_array_foreach(json_object_get(d->v->rates, "rings"), i, r)
	{
		if (!member_is(r, "kind", "return") ||
		    !member_is(r, "to", name))
			continue;
		if (row >= 0)
			draw_home(d, row + n / 2, col + (n % 2) * HOME_COLS, r);
		n++;
	}
	return (n + 1) / 2;
}

static int box_rows(const struct drawing *d, const json_t *p)
{
	if (d->detail == DETAIL_SMALL)
		return 4;
	if (d->detail == DETAIL_MOST)
		return 6;
	return 7 + draw_homes(d, -1, 0, member_text(p, "name"));
}

static void draw_frame(
    const struct drawing *d, int row, int col, int rows, const json_t *p)
{
	bool recent = just_took_over(d, member_text(p, "name"));

	canvas_box(
	    d->c, row, col, rows, BOX_COLS, recent ? STYLE_BAD : STYLE_PLAIN);
	canvas_text(d->c, row, col + 2, recent ? STYLE_BAD : STYLE_BOLD, " %s ",
	    member_text(p, "name"));
	canvas_text(d->c, row, col + BOX_COLS - 13, STYLE_DIM, " pid %lld ",
	    (long long)member_int(p, "pid"));
}

static void draw_turns(
    const struct drawing *d, int row, int col, const json_t *p)
{
	char a[16], b[16];

	canvas_text(d->c, row, col, STYLE_PLAIN, "%s turns/s, %s wake-ups/s",
	    short_number(member_real(p, "turns"), a),
	    short_number(member_real(p, "wakeups"), b));
}

static void draw_daemon(
    const struct drawing *d, int row, int col, const json_t *p)
{
	const char *name = member_text(p, "name");
	double cpu = member_real(p, "cpu") / 100.0;
	double pool = pool_part(d, name);
	int rows = box_rows(d, p);
	int in = col + 2;

	draw_frame(d, row, col, rows, p);
	if (d->detail == DETAIL_SMALL) {
		draw_part(d, row + 1, in, 16, "cpu", cpu);
		draw_part(d, row + 1, in + 17, 16, "pool", pool);
		draw_turns(d, row + 2, in, p);
		draw_restarts(d, row + 3, in, p, true);
		return;
	}
	draw_part(d, row + 1, in, BOX_COLS - 4, "cpu", cpu);
	draw_part(d, row + 2, in, BOX_COLS - 4, "pool", pool);
	draw_turns(d, row + 3, in, p);
	draw_restarts(d, row + 4, in, p, false);
	if (d->detail == DETAIL_ALL) {
		canvas_text(
		    d->c, row + 5, in, STYLE_DIM, "slots coming home, from");
		draw_homes(d, row + 6, in, name);
	}
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

/* Both ways in one line. */
static void draw_flows(
    const struct drawing *d, int row, int col, const json_t *l)
{
	char a[16], b[16], x[16], y[16];

	canvas_text(d->c, row, col, STYLE_PLAIN, "▲ %5s %5s",
	    short_number(member_real(l, "rx_frames"), a),
	    short_number(member_real(l, "rx_bytes") * 8.0, b));
	canvas_text(d->c, row, col + 14, STYLE_PLAIN, "▼ %5s %5s bit/s",
	    short_number(member_real(l, "tx_frames"), x),
	    short_number(member_real(l, "tx_bytes") * 8.0, y));
}

static void draw_device(
    const struct drawing *d, int row, int col, const json_t *l)
{
	bool small = d->detail == DETAIL_SMALL;

	canvas_box(d->c, row, col, DEVICE_ROWS - small, BOX_COLS, STYLE_DIM);
	canvas_text(
	    d->c, row, col + 2, STYLE_BOLD, " %s ", member_text(l, "name"));
	canvas_text(d->c, row, col + BOX_COLS - 11, STYLE_DIM, " %s ",
	    member_text(l, "device"));
	if (small) {
		draw_flows(d, row + 1, col + 2, l);
		return;
	}
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
	int n = 0, rows = 0;
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(d->v->rates, "daemons"), i, p)
	{
		int col, used;

		if (!in_row(p, layer))
			continue;
		if (n == d->per_row) {
			d->row += rows;
			n = rows = 0;
		}
		col = n++ * (BOX_COLS + 1);
		draw_daemon(d, d->row, col, p);
		used = box_rows(d, p);
		if (below != NULL)
			used += draw_rings(d, d->row + used, col, p, below);
		if (used > rows)
			rows = used;
	}
	d->row += rows;
}

static void draw_devices(struct drawing *d)
{
	int n = 0;
	size_t i;
	json_t *l;

	json_array_foreach(json_object_get(d->v->rates, "links"), i, l)
	{
		if (n == d->per_row) {
			d->row += DEVICE_ROWS - (d->detail == DETAIL_SMALL);
			n = 0;
		}
		draw_device(d, d->row, n++ * (BOX_COLS + 1), l);
	}
	d->row += d->detail == DETAIL_SMALL ? DEVICE_ROWS - 1 : DEVICE_ROWS + 1;
}

void draw_boxes(struct drawing *d)
{
	draw_layer(d, "transport", "ipd");
	draw_layer(d, "ipd", "linkd");
	draw_layer(d, "linkd", NULL);
	draw_devices(d);
}

/* ---- Lines */

/* Without a picture: the longest ring says how full they are. */
static double fullest(const struct drawing *d, const char *from)
{
	double most = 0.0;
	size_t i;
	json_t *r;

	json_array_foreach(json_object_get(d->v->rates, "rings"), i, r)
	{
		double slots = (double)member_int(r, "slots");

		if (!member_is(r, "from", from) || slots <= 0.0)
			continue;
		if ((double)member_int(r, "fill") / slots > most)
			most = (double)member_int(r, "fill") / slots;
	}
	return most;
}

void draw_lines(struct drawing *d)
{
	size_t i;
	json_t *o;
	char a[16], b[16];

	canvas_text(d->c, d->row++, 0, STYLE_BOLD, "%-8s %7s %5s %4s %4s %s",
	    "DAEMON", "PID", "CPU", "POOL", "RING", "GAP");
	json_array_foreach(json_object_get(d->v->rates, "daemons"), i,
	    o) canvas_text(d->c, d->row++, 0,
	    just_took_over(d, member_text(o, "name")) ? STYLE_BAD : STYLE_PLAIN,
	    "%-8.8s %7lld %4.0f%% %3.0f%% %3.0f%% %s", member_text(o, "name"),
	    (long long)member_int(o, "pid"), member_real(o, "cpu"),
	    pool_part(d, member_text(o, "name")) * 100.0,
	    fullest(d, member_text(o, "name")) * 100.0,
	    member_int(o, "restarts") > 0
		? short_time(member_int(o, "last_gap_us"), a)
		: "-");
	json_array_foreach(json_object_get(d->v->rates, "links"), i, o)
	{
		canvas_text(d->c, d->row, 0, STYLE_PLAIN, "%-8.8s ▲ %5s/s",
		    member_text(o, "name"),
		    short_number(member_real(o, "rx_frames"), a));
		canvas_text(d->c, d->row++, 20, STYLE_PLAIN, "▼ %5s/s",
		    short_number(member_real(o, "tx_frames"), b));
	}
}
