/*
 * top_draw.h - between the files that draw the picture of `strata top`
 *
 *	top_draw.c	which picture there is room for; head, drops, events
 *	top_boxes.c	boxes and the rings between them
 */
#ifndef API_COMMAND_TOP_DRAW_H
#define API_COMMAND_TOP_DRAW_H

#include "api/command/top.h"

enum {
	BOX_COLS = 37, /* two of them and a space between in 80 columns */
};

/* What is drawn of each thing; from the richest to the smallest. */
enum detail {
	DETAIL_ALL,   /* whose slots come home by which ring, too */
	DETAIL_MOST,  /* a line for each thing */
	DETAIL_SMALL, /* 24 rows are enough for the usual four daemons */
	DETAIL_LINES, /* no boxes: a line for each daemon and link */
	NDETAILS,
};

struct drawing {
	struct canvas *c;
	const struct top_view *v;
	enum detail detail;
	int row;     /* the next */
	int per_row; /* boxes */
};

/* Processes with their rings, and devices; or a line for each. */
void draw_boxes(struct drawing *d);
void draw_lines(struct drawing *d);

/* "1.23k": three digits of a number for a second.  "361 us", "1.2 ms" */
const char *short_number(double n, char buf[16]);
const char *short_time(json_int_t us, char buf[16]);

double seconds_ago(const struct drawing *d, const json_t *event);
bool just_took_over(const struct drawing *d, const char *name);

#endif /* API_COMMAND_TOP_DRAW_H */
