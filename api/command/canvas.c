/*
 * canvas.c - characters in rows and columns, for pictures in a terminal
 */
#include "api/command/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[NSTYLES] = {
	[STYLE_PLAIN] = "",
	[STYLE_DIM] = "\033[2m",
	[STYLE_BOLD] = "\033[1m",
	[STYLE_FLOW] = "\033[36m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[1;31m",
};

/* What stands for a character without UTF-8; for others '?'. */
static const struct {
	char glyph[4];
	char ascii;
} plain[] = {
	{ "─", '-' },
	{ "│", '|' },
	{ "┌", '+' },
	{ "┐", '+' },
	{ "└", '+' },
	{ "┘", '+' },
	{ "▲", '^' },
	{ "▼", 'v' },
	{ "█", '#' },
	{ "·", '-' },
};

int canvas_open(struct canvas *c, int rows, int cols, bool utf8)
{
	*c = (struct canvas){ .rows = rows, .cols = cols, .utf8 = utf8 };
	c->cell = calloc((size_t)rows * (size_t)cols, sizeof(*c->cell));
	return c->cell != NULL ? 0 : -ENOMEM;
}

void canvas_close(struct canvas *c)
{
	free(c->cell);
	c->cell = NULL;
}

void canvas_clear(struct canvas *c)
{
	memset(
	    c->cell, 0, (size_t)c->rows * (size_t)c->cols * sizeof(*c->cell));
}

/* Bytes of the character at @at; 1 for what is none. */
static size_t glyph_len(const char *at)
{
	unsigned char first = (unsigned char)at[0];
	size_t len = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	for (size_t i = 1; i < len; i++)
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 1;
	return len;
}

static void set_glyph(
    const struct canvas *c, struct cell *to, const char *at, size_t len)
{
	memset(to->glyph, 0, sizeof(to->glyph));
	memcpy(to->glyph, at, len);
	if (len == 1) {
		/* Names are a stack's own and may be anything. */
		if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
			to->glyph[0] = '?';
		return;
	}
	if (c->utf8)
		return;
	memset(to->glyph, 0, sizeof(to->glyph));
	to->glyph[0] = '?';
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (memcmp(plain[i].glyph, at, len) == 0)
			to->glyph[0] = plain[i].ascii;
}

static void put(struct canvas *c, int row, int col, enum style style,
    const char *at, size_t len)
{
	struct cell *to;

	if (row < 0 || row >= c->rows || col < 0 || col >= c->cols)
		return;
	to = &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
	set_glyph(c, to, at, len);
	to->style = (unsigned char)style;
}

void canvas_text(
    struct canvas *c, int row, int col, enum style style, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; text[i] != '\0'; col++) {
		size_t len = glyph_len(text + i);

		put(c, row, col, style, text + i, len);
		i += len;
	}
}

void canvas_box(
    struct canvas *c, int row, int col, int rows, int cols, enum style style)
{
	int bottom = row + rows - 1, right = col + cols - 1;

	for (int k = col + 1; k < right; k++) {
		canvas_text(c, row, k, style, "─");
		canvas_text(c, bottom, k, style, "─");
	}
	for (int k = row + 1; k < bottom; k++) {
		canvas_text(c, k, col, style, "│");
		canvas_text(c, k, right, style, "│");
	}
	canvas_text(c, row, col, style, "┌");
	canvas_text(c, row, right, style, "┐");
	canvas_text(c, bottom, col, style, "└");
	canvas_text(c, bottom, right, style, "┘");
}

void canvas_bar(
    struct canvas *c, int row, int col, int cols, double part, enum style style)
{
	int full = (int)(part * cols + 0.5);

	/* Little is not nothing. */
	if (full == 0 && part > 0.0)
		full = 1;
	for (int k = 0; k < cols; k++)
		canvas_text(c, row, col + k, k < full ? style : STYLE_DIM, "%s",
		    k < full ? "█" : "·");
}

/* ---- Printing */

static int used(const struct cell *row, int cols)
{
	while (cols > 0 && row[cols - 1].glyph[0] == '\0')
		cols--;
	return cols;
}

static void print_row(const struct cell *row, int cols, FILE *to, bool colours)
{
	unsigned style = STYLE_PLAIN;

	for (int k = 0; k < cols; k++) {
		if (colours && row[k].style != style) {
			style = row[k].style;
			fprintf(to, "\033[0m%s", codes[style]);
		}
		if (row[k].glyph[0] == '\0')
			putc(' ', to);
		else
			fprintf(to, "%.4s", row[k].glyph);
	}
	if (style != STYLE_PLAIN)
		fputs("\033[0m", to);
}

void canvas_print(const struct canvas *c, FILE *to, unsigned way)
{
	bool live = way & CANVAS_LIVE;
	int rows = c->rows;

	while (rows > 0 &&
	    used(c->cell + (size_t)(rows - 1) * (size_t)c->cols, c->cols) == 0)
		rows--;
	if (live)
		fputs("\033[H", to);
	for (int i = 0; i < rows; i++) {
		const struct cell *row = c->cell + (size_t)i * (size_t)c->cols;

		print_row(row, used(row, c->cols), to, way & CANVAS_COLOURS);
		if (live)
			fputs("\033[K", to);
		/* After the last row the terminal would scroll. */
		if (!live || i < rows - 1)
			putc('\n', to);
	}
	if (live)
		fputs("\033[J", to);
	fflush(to);
}
