/*
 * top.c - strata top: the living picture of a pipeline, in the terminal
 *
 * It asks the supervisor one small question for each picture, and goes on when
 * daemons, or the supervisor itself, are killed and replaced.
 */
#include "api/command/top.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/rates.h"
#include "shm/clock.h"
#include "shm/topology.h"

enum {
	FIRST_MS = 250, /* the first rates soon */
	MAX_EVENTS = 32,
	PLAIN_COLS = 80,
	PLAIN_ROWS = 100,
};

struct top {
	char stack[TOPO_NAME_LEN];
	int delay_ms;
	int count; /* pictures; 0: for ever */
	bool once, as_json;
	bool terminal; /* standard output is one, and is ours */
	bool utf8, colours;
	bool keys; /* standard input is one, too */
	struct termios was;
	json_t *look, *rates, *events;
	const char *trouble;
};

static volatile sig_atomic_t ending;
static volatile sig_atomic_t stopping;

static void end_by_signal(int signal)
{
	(void)signal;
	ending = 1;
}

static void stop_by_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

/* Nothing to do, but poll() ends, and the next picture has the new size. */
static void resized(int signal)
{
	(void)signal;
}

/* ---- The terminal */

static void terminal_take(struct top *t)
{
	struct termios raw;

	/* The other screen, no cursor. */
	fputs("\033[?1049h\033[?25l", stdout);
	fflush(stdout);
	t->keys = tcgetattr(STDIN_FILENO, &t->was) == 0;
	if (!t->keys)
		return;
	raw = t->was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void terminal_give_back(struct top *t)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (t->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &t->was);
}

/* Ctrl-Z: the shell gets its screen back, and we ours when we go on. */
static void rest(struct top *t)
{
	stopping = 0;
	terminal_give_back(t);
	kill(getpid(), SIGSTOP);
	terminal_take(t);
}

static void catch_signals(const struct top *t)
{
	struct sigaction end = { .sa_handler = end_by_signal };
	struct sigaction stop = { .sa_handler = stop_by_signal };
	struct sigaction size = { .sa_handler = resized };

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGWINCH, &size, NULL);
	if (t->terminal)
		sigaction(SIGTSTP, &stop, NULL);
}

/* Up to @ms.  False: the user has had enough. */
static bool wait_ms(struct top *t, int ms)
{
	struct pollfd p = { .fd = t->keys ? STDIN_FILENO : -1,
		.events = POLLIN };
	char key;

	if (poll(&p, 1, ms) == 1) {
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' ||
		    key == 'Q')
			return false;
	}
	if (stopping)
		rest(t);
	return !ending;
}

/* ---- Looking */

static void keep_events(struct top *t)
{
	json_array_extend(t->events, json_object_get(t->rates, "events"));
	while (json_array_size(t->events) > MAX_EVENTS)
		json_array_remove(t->events, 0);
}

/* 0, or -ENOENT: there is no such stack any more. */
static int look(struct top *t)
{
	json_t *now;
	int r = ask_pulse(&now, t->stack);

	if (r < 0) {
		t->trouble = "the supervisor does not answer; asking again";
		return r == -ENOENT ? r : 0;
	}
	t->trouble = NULL;
	json_decref(t->rates);
	t->rates = rates_between(t->look, now);
	json_object_set_new(t->rates, "sockets", top_sockets());
	json_decref(t->look);
	t->look = now;
	keep_events(t);
	return 0;
}

/* ---- Showing */

static void show_picture(const struct top *t)
{
	const struct top_view v = { t->rates, t->events, t->trouble };
	struct winsize size = { .ws_row = 0 };
	struct canvas c;
	unsigned way = (t->terminal ? CANVAS_LIVE : CANVAS_PLAIN) |
	    (t->colours ? CANVAS_COLOURS : CANVAS_PLAIN);
	int rows = PLAIN_ROWS, cols = PLAIN_COLS;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		cols = size.ws_col;
		if (t->terminal && size.ws_row > 0)
			rows = size.ws_row;
	}
	if (canvas_open(&c, rows, cols, t->utf8) < 0)
		return;
	top_draw(&c, &v);
	canvas_print(&c, stdout, way);
	canvas_close(&c);
}

static void show(const struct top *t)
{
	if (!t->as_json) {
		show_picture(t);
		return;
	}
	json_dumpf(t->rates, stdout, t->once ? JSON_INDENT(2) : JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

/* Rates need two looks: the first is only shown to who watches. */
static int run(struct top *t)
{
	int wait = t->once || t->count > 0 ? t->delay_ms : FIRST_MS;

	if (t->terminal)
		show(t);
	for (int shown = 0; wait_ms(t, wait); wait = t->delay_ms) {
		if (look(t) < 0)
			return -ENOENT;
		/* Of a look that failed a machine is told nothing. */
		if (t->as_json && t->trouble != NULL)
			continue;
		show(t);
		shown++;
		if (t->once || shown == t->count)
			break;
	}
	return 0;
}

static int start(struct top *t)
{
	json_t *answer =
	    ask_stack(t->stack, json_pack("{s:s}", "command", "pulse"));
	int r;

	if (answer == NULL)
		return STATUS_FAILED;
	t->look = answer;
	t->rates = rates_between(NULL, answer);
	t->events = json_array();
	r = top_sockets_start(t->stack);
	if (r < 0) {
		fprintf(stderr, "strata: no thread: %s\n", strerror(-r));
		return STATUS_FAILED;
	}
	catch_signals(t);
	if (t->terminal)
		terminal_take(t);
	r = run(t);
	if (t->terminal)
		terminal_give_back(t);
	if (r < 0)
		fprintf(stderr, "strata: stack \"%s\" has been taken down\n",
		    t->stack);
	json_decref(t->look);
	json_decref(t->rates);
	json_decref(t->events);
	return r < 0 ? STATUS_FAILED : 0;
}

/* ---- Arguments */

static const char help[] =
    "usage: strata top [NAME] [-d SECONDS] [-n COUNT] [--once] [--json]\n"
    "\n"
    "The stack NAME as it works: processes, rings, links, drops.  q ends it.\n"
    "\n"
    "  -d, --delay SECONDS  between two pictures; 1 if not given\n"
    "  -n, --count COUNT    so many pictures, then end\n"
    "  -1, --once           one picture, after SECONDS\n"
    "  --json               what is in it, an object for each\n";

static bool set_option(
    struct top *t, const char *tool, int c, const char *value)
{
	int64_t ns;

	switch (c) {
	case 'd':
		/* Not less than the supervisor answers with ease. */
		if (!argument_seconds(tool, value, 0.05, 3600, &ns))
			return false;
		t->delay_ms = (int)(ns / NS_PER_MS);
		return true;
	case 'n':
		return argument_int(tool, value, 1, INT32_MAX, &t->count);
	case '1':
		return t->once = true;
	case 'j':
		return t->as_json = true;
	}
	return false;
}

int command_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "once", no_argument, NULL, '1' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct top t = { .delay_ms = 1000 };
	const char *stack;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "d:n:1", options, NULL)) != -1)
		if (!set_option(&t, argv[0], c, optarg))
			return usage_wrong(help);
	if (argc - optind > 1)
		return usage_wrong(help);
	stack = which_stack(argv[optind]);
	if (stack == NULL)
		return STATUS_FAILED;
	snprintf(t.stack, sizeof(t.stack), "%s", stack);
	setlocale(LC_CTYPE, "");
	t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t.terminal = terminal_moves() && !t.once && !t.as_json;
	t.colours = terminal_colours();
	return start(&t);
}
