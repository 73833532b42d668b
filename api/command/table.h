/*
 * table.h - what `strata addr`, `route` and `neigh` have in common
 *
 *	strata addr [NAME] [show] [ADDRESS] [-4] [-6] [dev LINK] [--json]
 *	strata addr [NAME] add|replace|change|del ...
 *
 * What is shown comes from the status; what is changed is asked of the daemon
 * whose table it is (ask.h).
 */
#ifndef API_COMMAND_TABLE_H
#define API_COMMAND_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "shm/ask.h"

/* What follows the verb, word by word. */
struct words {
	char **at;
	int left;
	const char *wrong; /* the word that was not understood */
};

/* Which elements of a table are meant. */
struct table_filter {
	bool v4, v6; /* neither: both */
	bool as_json;
	bool bare_link; /* ip addr show eth0 is what fingers type */
	bool has_ip;    /* ask.ip and ask.plen */
	bool any_net;   /* default */
	struct ask at;  /* and ask.link_name, "": on any */
};

struct table_command {
	const char *name; /* "addr" */
	const char *help;
	const char *array; /* of the status */
	const char *key;   /* of an element: the address that says its family */
	const char *thing; /* "address", in sentences */
	const char *verbs; /* "show, add", in sentences */
	bool exact; /* an element's own prefix is meant, not what lies in it */
	enum ask_op op;

	/* The words of a change into *@ret; false: w->wrong. */
	bool (*parse)(struct words *w, struct ask *ret);

	/* A line of the list. */
	void (*print)(FILE *to, const json_t *element);

	/*
	 * What it alone can do, and its name; NULL: nothing.  @stack as it was
	 * said, or NULL; returns an exit status.
	 */
	const char *other;
	int (*run_other)(
	    const struct table_command *t, const char *stack, struct words *w);
};

int table_run(const struct table_command *t, int argc, char **argv);

/* What @word is nobody knows: STATUS_USAGE after a sentence. */
int table_wrong(const struct table_command *t, const char *word);

/* which_stack(), for a word that may be no name at all. */
const char *table_stack(const struct table_command *t, const char *word);

/* STATUS_FAILED, after a sentence of @tool's that also says which there are. */
int table_no_link(const char *tool, const char *stack, const char *link);

/* The words of a list; false: w->wrong. */
bool table_parse_filter(
    const struct table_command *t, struct words *w, struct table_filter *ret);

/* What @stack has of @t and @f means: an array, or NULL after a sentence. */
json_t *table_read(const struct table_command *t, const char *stack,
    const struct table_filter *f);

/* ---- For the parsers */

/* The next word, or NULL and w->wrong: there is none. */
const char *word_next(struct words *w);

/* Is the next word @what?  Then it is taken. */
bool word_is(struct words *w, const char *what);

/* The next word as what it should be; false: w->wrong. */
bool word_link(struct words *w, struct ask *ret);
bool word_number(struct words *w, uint32_t *ret);
bool word_address(struct words *w, struct ask *q, struct ip_addr *ret);

/*
 * "192.0.2.1/24"; without a length that of a host.  Into q->ip.  A zone, here
 * and above, is the link: "fe80::1%left".
 */
bool word_prefix(struct words *w, struct ask *q);

/* Nothing may be left. */
bool words_end(struct words *w);

/* A member of an element as text; "-" if there is none. */
const char *member_text(const json_t *o, const char *key);

#endif /* API_COMMAND_TABLE_H */
