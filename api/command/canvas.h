/*
 * canvas.h - characters in rows and columns, for pictures in a terminal
 *
 * Drawn as a whole and then printed as a whole, so that nothing flickers.  What
 * lies beyond the edges is not drawn.  On a terminal that has no UTF-8 lines
 * and arrows become the nearest characters of ASCII.
 */
#ifndef API_COMMAND_CANVAS_H
#define API_COMMAND_CANVAS_H

#include <stdbool.h>
#include <stdio.h>

enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_FLOW,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	NSTYLES,
};

struct cell {
	char glyph[4]; /* UTF-8, not terminated if of 4; empty: a blank */
	unsigned char style;
};

struct canvas {
	int rows, cols;
	bool utf8;
	struct cell *cell;
};

enum canvas_way {
	CANVAS_PLAIN = 0,
	CANVAS_COLOURS = 1 << 0,
	CANVAS_LIVE = 1 << 1, /* over the picture before */
};

/* All blank.  0 or -ENOMEM. */
int canvas_open(struct canvas *c, int rows, int cols, bool utf8);
void canvas_close(struct canvas *c);
void canvas_clear(struct canvas *c);

void canvas_text(struct canvas *c, int row, int col, enum style style,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void canvas_box(
    struct canvas *c, int row, int col, int rows, int cols, enum style style);

/* @cols wide, filled from the left to @part, which is between 0 and 1. */
void canvas_bar(struct canvas *c, int row, int col, int cols, double part,
    enum style style);

/* Up to the last row with anything in it; @way: enum canvas_way. */
void canvas_print(const struct canvas *c, FILE *to, unsigned way);

#endif /* API_COMMAND_CANVAS_H */
