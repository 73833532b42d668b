/*
 * table.c - what `strata addr`, `route` and `neigh` have in common
 */
#include "api/command/table.h"

#include <errno.h>
#include <stdlib.h>

#include "api/command/ask_daemon.h"
#include "api/command/command.h"

/* ---- Words */

const char *word_next(struct words *w)
{
	if (w->left == 0) {
		w->wrong = "the end";
		return NULL;
	}
	w->left--;
	return *w->at++;
}

bool word_is(struct words *w, const char *what)
{
	if (w->left == 0 || strcmp(*w->at, what) != 0)
		return false;
	word_next(w);
	return true;
}

bool word_link(struct words *w, struct ask *ret)
{
	const char *s = word_next(w);

	if (s == NULL)
		return false;
	if (strlen(s) >= sizeof(ret->link_name)) {
		w->wrong = s;
		return false;
	}
	snprintf(ret->link_name, sizeof(ret->link_name), "%s", s);
	return true;
}

bool word_number(struct words *w, uint32_t *ret)
{
	const char *s = word_next(w);
	unsigned long n;
	char *end;

	if (s == NULL)
		return false;
	n = strtoul(s, &end, 10);
	if (end == s || *end != '\0' || *s == '-' || n > UINT32_MAX) {
		w->wrong = s;
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

bool word_address(struct words *w, struct ip_addr *ret)
{
	const char *s = word_next(w);

	if (s == NULL)
		return false;
	if (!ip_parse(ret, s)) {
		w->wrong = s;
		return false;
	}
	return true;
}

bool word_prefix(struct words *w, struct ip_addr *ip, uint8_t *plen)
{
	const char *s = word_next(w);
	char text[IP_TEXT_LEN + 1];
	unsigned long n, most;
	const char *slash;
	char *end;

	if (s == NULL)
		return false;
	w->wrong = s;
	slash = strchr(s, '/');
	snprintf(text, sizeof(text), "%.*s",
	    slash != NULL ? (int)(slash - s) : (int)strlen(s), s);
	if (!ip_parse(ip, text))
		return false;
	n = most = ip_is_v4(ip) ? 32 : 128;
	if (slash != NULL) {
		n = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' ||
		    n > most)
			return false;
	}
	w->wrong = NULL;
	*plen = (uint8_t)n;
	return true;
}

bool words_end(struct words *w)
{
	if (w->left > 0)
		w->wrong = *w->at;
	return w->left == 0;
}

/* ---- The list */

const char *member_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

struct list_options {
	bool v4, v6, as_json;
	const char *link;
};

static bool is_wanted(const struct table_command *t,
    const struct list_options *o, const json_t *e)
{
	bool v6 = strchr(member_text(e, t->key), ':') != NULL;

	if (o->link != NULL && strcmp(member_text(e, "link"), o->link) != 0)
		return false;
	return (!o->v4 && !o->v6) || (v6 ? o->v6 : o->v4);
}

static int list(const struct table_command *t, const char *stack,
    const struct list_options *o)
{
	json_t *status =
	    ask_stack(stack, json_pack("{s:s}", "command", "status"));
	json_t *wanted, *e;
	size_t i;

	if (status == NULL)
		return STATUS_FAILED;
	wanted = json_array();
	json_array_foreach(json_object_get(status, t->array), i, e)
	{
		if (is_wanted(t, o, e))
			json_array_append(wanted, e);
	}
	if (o->as_json)
		print_json(wanted);
	json_array_foreach(wanted, i, e)
	{
		if (!o->as_json)
			t->print(stdout, e);
	}
	json_decref(wanted);
	json_decref(status);
	return 0;
}

/* ---- A change */

static int change(const struct table_command *t, const char *stack,
    const struct ask *q, const char *verb)
{
	char text[ASK_ERROR_LEN];
	struct answer a;
	int r = ask_daemon(stack, q, &a);

	answer_free(&a);
	if (r == 0)
		return 0;
	ask_error(r, text);
	if (r == -EEXIST)
		snprintf(text, sizeof(text),
		    "this %s is there already; replace would change it",
		    t->thing);
	else if (r == -ENOENT)
		snprintf(text, sizeof(text), "there is no such %s", t->thing);
	else if (r == -EINVAL)
		snprintf(text, sizeof(text), "not a possible %s", t->thing);
	else if (r == -ENETUNREACH)
		snprintf(text, sizeof(text),
		    "that next hop is on no link; add an address first");
	fprintf(stderr, "strata %s %s: %s\n", t->name, verb, text);
	return STATUS_FAILED;
}

/* ---- Arguments */

static bool is_show(const char *word)
{
	return strcmp(word, "show") == 0 || strcmp(word, "list") == 0 ||
	    strcmp(word, "ls") == 0;
}

static bool is_change(const char *word, enum ask_change *ret)
{
	static const struct {
		const char *word;
		enum ask_change change;
	} verbs[] = {
		{ "add", ASK_ADD },
		{ "replace", ASK_REPLACE },
		{ "change", ASK_CHANGE },
		{ "del", ASK_DELETE },
		{ "delete", ASK_DELETE },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(word, verbs[i].word) == 0) {
			*ret = verbs[i].change;
			return true;
		}
	return false;
}

static int wrong(const struct table_command *t, const char *word)
{
	fprintf(stderr, "strata %s: what is \"%s\"?\n", t->name, word);
	return usage_wrong(t->help);
}

static int run_list(
    const struct table_command *t, const char *stack, struct words *w)
{
	struct list_options o = { .link = NULL };

	while (w->left > 0) {
		if (word_is(w, "--json"))
			o.as_json = true;
		else if (word_is(w, "-4"))
			o.v4 = true;
		else if (word_is(w, "-6"))
			o.v6 = true;
		else if (word_is(w, "dev") && w->left > 0)
			o.link = word_next(w);
		else
			return wrong(t, w->left > 0 ? *w->at : "the end");
	}
	stack = which_stack(stack);
	return stack != NULL ? list(t, stack, &o) : STATUS_FAILED;
}

int table_run(const struct table_command *t, int argc, char **argv)
{
	struct words w = { .at = argv + 1, .left = argc - 1 };
	struct ask q = { .op = t->op };
	const char *stack = NULL;
	enum ask_change verb;

	if (help_wanted(argc, argv, t->help))
		return 0;
	if (w.left > 0 && **w.at != '-' && strcmp(*w.at, "dev") != 0 &&
	    !is_show(*w.at) && !is_change(*w.at, &verb))
		stack = word_next(&w);
	if (w.left > 0 && is_show(*w.at))
		word_next(&w);
	else if (w.left > 0 && is_change(*w.at, &verb)) {
		const char *word = word_next(&w);

		q.change = verb;
		if (!t->parse(&w, &q) || !words_end(&w))
			return wrong(t, w.wrong);
		stack = which_stack(stack);
		return stack != NULL ? change(t, stack, &q, word)
				     : STATUS_FAILED;
	}
	return run_list(t, stack, &w);
}
