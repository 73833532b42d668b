/*
 * test_canvas.c - pictures of characters: edges, ASCII, colours
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/canvas.h"

static void prints(struct canvas *c, unsigned way, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	canvas_print(c, to, way);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
	canvas_close(c);
}

static struct canvas make(int rows, int cols, bool utf8)
{
	struct canvas c;

	assert_int_equal(canvas_open(&c, rows, cols, utf8), 0);
	return c;
}

static void blanks_at_the_end_are_not_printed(void **state)
{
	struct canvas c = make(9, 9, true);

	(void)state;
	canvas_text(&c, 1, 2, STYLE_PLAIN, "%d%%", 7);
	prints(&c, CANVAS_PLAIN, "\n  7%\n");
}

static void nothing_is_drawn_beyond_the_edges(void **state)
{
	struct canvas c = make(2, 4, true);

	(void)state;
	canvas_text(&c, 0, 2, STYLE_PLAIN, "abcdef");
	canvas_text(&c, 1, -2, STYLE_PLAIN, "abcdef");
	canvas_text(&c, 2, 0, STYLE_PLAIN, "below");
	canvas_text(&c, -1, 0, STYLE_PLAIN, "above");
	canvas_box(&c, 0, 3, 5, 5, STYLE_PLAIN);
	prints(&c, CANVAS_PLAIN, "  a┌\ncde│\n");
}

static void lines_are_those_of_the_terminal(void **state)
{
	struct canvas c = make(3, 8, true);

	(void)state;
	canvas_box(&c, 0, 0, 2, 3, STYLE_PLAIN);
	canvas_bar(&c, 2, 0, 4, 0.5, STYLE_PLAIN);
	prints(&c, CANVAS_PLAIN, "┌─┐\n└─┘\n██··\n");

	c = make(3, 8, false);
	canvas_box(&c, 0, 0, 2, 3, STYLE_PLAIN);
	canvas_bar(&c, 2, 0, 4, 0.01, STYLE_PLAIN);
	canvas_text(&c, 2, 5, STYLE_PLAIN, "▲é");
	prints(&c, CANVAS_PLAIN, "+-+\n+-+\n#--- ^?\n");
}

/* A name from a topology must not move the cursor. */
static void control_characters_are_not_printed(void **state)
{
	struct canvas c = make(1, 20, true);

	(void)state;
	canvas_text(&c, 0, 0, STYLE_PLAIN, "a\033[2Jb\x7f\x80\xe2\033\xe2\x82");
	prints(&c, CANVAS_PLAIN, "a?[2Jb??????\n");
}

static void colours_end_with_what_has_them(void **state)
{
	struct canvas c = make(2, 9, true);

	(void)state;
	canvas_text(&c, 0, 0, STYLE_BAD, "bad");
	canvas_text(&c, 0, 3, STYLE_PLAIN, "good");
	canvas_text(&c, 1, 0, STYLE_DIM, "x");
	prints(&c, CANVAS_COLOURS | CANVAS_LIVE,
	    "\033[H\033[0m\033[1;31mbad\033[0mgood\033[K\n"
	    "\033[0m\033[2mx\033[0m\033[K\033[J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_at_the_end_are_not_printed),
		cmocka_unit_test(nothing_is_drawn_beyond_the_edges),
		cmocka_unit_test(lines_are_those_of_the_terminal),
		cmocka_unit_test(control_characters_are_not_printed),
		cmocka_unit_test(colours_end_with_what_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
