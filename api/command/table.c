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

/* Said twice, by a zone and by dev, it must be the same. */
static bool set_link(
    struct words *w, struct ask *q, const char *name, size_t len)
{
	bool said = q->link_name[0] != '\0';

	if (len == 0 || len >= sizeof(q->link_name) ||
	    (said &&
		(strncmp(q->link_name, name, len) != 0 ||
		    q->link_name[len] != '\0'))) {
		w->wrong = name;
		return false;
	}
	snprintf(q->link_name, sizeof(q->link_name), "%.*s", (int)len, name);
	return true;
}

bool word_link(struct words *w, struct ask *ret)
{
	const char *s = word_next(w);

	return s != NULL && set_link(w, ret, s, strlen(s));
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

/* The first @len bytes of @s, "192.0.2.1" or "fe80::1%left". */
static bool take_address(struct words *w, struct ask *q, const char *s,
    size_t len, struct ip_addr *ret)
{
	char text[IP_TEXT_LEN + 1];
	size_t zone = strcspn(s, "%");
	bool has_zone = zone < len;

	snprintf(text, sizeof(text), "%.*s", (int)(has_zone ? zone : len), s);
	w->wrong = s;
	if (!ip_parse(ret, text) ||
	    (has_zone &&
		(!ip_is_link_local(ret) || ip_is_v4(ret) ||
		    !set_link(w, q, s + zone + 1, len - zone - 1))))
		return false;
	w->wrong = NULL;
	return true;
}

bool word_address(struct words *w, struct ask *q, struct ip_addr *ret)
{
	const char *s = word_next(w);

	return s != NULL && take_address(w, q, s, strlen(s), ret);
}

bool word_prefix(struct words *w, struct ask *q)
{
	const char *s = word_next(w);
	unsigned long n, most;
	const char *slash;
	char *end;

	if (s == NULL)
		return false;
	slash = s + strcspn(s, "/");
	if (!take_address(w, q, s, (size_t)(slash - s), &q->ip))
		return false;
	n = most = ip_is_v4(&q->ip) ? 32 : 128;
	if (*slash != '\0') {
		w->wrong = s;
		n = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' ||
		    n > most)
			return false;
	}
	w->wrong = NULL;
	q->plen = (uint8_t)n;
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

/* ", only left, right" */
static void list_links(const char *stack)
{
	json_t *status =
	    ask_stack(stack, json_pack("{s:s}", "command", "status"));
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(status, "links"), i, l) fprintf(
	    stderr, ", %s%s", i == 0 ? "only " : "", member_text(l, "name"));
	json_decref(status);
}

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
	else if (r == -ENODEV)
		snprintf(text, sizeof(text), "the stack has no link \"%s\"",
		    q->link_name);
	else if (r == -EINVAL)
		snprintf(text, sizeof(text), "not a possible %s", t->thing);
	else if (r == -ENETUNREACH)
		snprintf(text, sizeof(text),
		    "that next hop is on no link; add an address first");
	fprintf(stderr, "strata %s %s: %s", t->name, verb, text);
	if (r == -ENODEV)
		list_links(stack);
	fprintf(stderr, "\n");
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
