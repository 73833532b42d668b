/*
 * command.h - what the subcommands of `strata` share
 *
 * Each subcommand is one function that takes its own argv and returns the exit
 * status of the program:
 *
 *	0	done
 *	1	it could not be done; one sentence on standard error says why
 *	2	wrong usage
 */
#ifndef API_COMMAND_COMMAND_H
#define API_COMMAND_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

enum {
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

int command_up(int argc, char **argv);
int command_check(int argc, char **argv);
int command_status(int argc, char **argv);
int command_restart(int argc, char **argv);
int command_down(int argc, char **argv);
int command_log(int argc, char **argv);
int command_capture(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_impair(int argc, char **argv);
int command_latency(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_nc(int argc, char **argv);
int command_fetch(int argc, char **argv);
int command_top(int argc, char **argv);
int command_web(int argc, char **argv);
int command_ping(int argc, char **argv);
int command_traceroute(int argc, char **argv);
int command_ss(int argc, char **argv);
int command_metrics(int argc, char **argv);
int command_addr(int argc, char **argv);
int command_route(int argc, char **argv);
int command_neigh(int argc, char **argv);

/*
 * What `strata X --help` prints is one text: "usage:" lines, an empty one, what
 * it does, an empty one, a line for each option.  It fits a screen, and bash's
 * completion reads the options from it.
 *
 * help_wanted() prints it if a word is --help, and says so.  usage_wrong()
 * prints its "usage:" lines on standard error and returns STATUS_USAGE.
 */
bool help_wanted(int argc, char **argv, const char *help);
int usage_wrong(const char *help);

/*
 * Is standard output a terminal where the cursor can be moved, and are colours
 * wanted there?  $TERM "dumb" can't; $NO_COLOR, not empty, wants none.
 */
bool terminal_moves(void);
bool terminal_colours(void);

/* On standard output, indented. */
void print_json(const json_t *j);

/*
 * Ask the running stack @name.  Takes over @question.  Returns the answer, or
 * NULL after a sentence on standard error (no such stack; or "ok" was false).
 */
json_t *ask_stack(const char *name, json_t *question);

/*
 * What moves in the stack @name (rates.h).  Says nothing: for who asks again
 * and again.  0 and *@ret; or -ENOENT: there is no such stack; -ETIMEDOUT: no
 * answer this time; another negative errno.
 */
int ask_pulse(json_t **ret, const char *name);

/*
 * The stack that a subcommand is about: @word, or without one (NULL) that of
 * $STRATA, or else the only one that runs.  NULL after a sentence. argv[optind]
 * is such a word, since behind the last one stands NULL.
 */
const char *which_stack(const char *word);

/* Does a stack of this name run, or may it at least? */
bool stack_runs(const char *word);

/*
 * Of a subcommand that takes no options, but @n words from argv[optind] on, and
 * before them the name of a stack, *@word, or not (NULL).  @word NULL: it is
 * about none.  False: there are more words, or fewer.
 */
bool take_words(int argc, char **argv, int n, const char **word);

/* A connection to its supervisor, to be closed; < 0 after a sentence. */
int reach_stack(const char *name);

#endif /* API_COMMAND_COMMAND_H */
