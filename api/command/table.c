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

static bool has_address(const struct table_command *t,
    const struct table_filter *f, const json_t *e)
{
	json_int_t plen = json_integer_value(json_object_get(e, "prefix"));
	struct ip_addr ip;

	if (f->any_net)
		return plen == 0;
	if (!f->has_ip)
		return true;
	if (!ip_parse(&ip, member_text(e, t->key)))
		return false;
	if (t->exact)
		return ip_equal(&ip, &f->at.ip) && plen == f->at.plen;
	return ip_in_prefix(&ip, &f->at.ip, f->at.plen);
}

static bool is_wanted(const struct table_command *t,
    const struct table_filter *f, const json_t *e)
{
	bool v6 = strchr(member_text(e, t->key), ':') != NULL;

	if (f->at.link_name[0] != '\0' &&
	    strcmp(member_text(e, "link"), f->at.link_name) != 0)
		return false;
	return ((!f->v4 && !f->v6) || (v6 ? f->v6 : f->v4)) &&
	    has_address(t, f, e);
}

static void print_no_link(
    const char *tool, const json_t *status, const char *link)
{
	json_t *l;
	size_t i;

	fprintf(stderr, "%s: the stack has no link \"%s\"", tool, link);
	json_array_foreach(json_object_get(status, "links"), i, l) fprintf(
	    stderr, ", %s%s", i == 0 ? "only " : "", member_text(l, "name"));
	fprintf(stderr, "\n");
}

int table_no_link(const char *tool, const char *stack, const char *link)
{
	json_t *status =
	    ask_stack(stack, json_pack("{s:s}", "command", "status"));

	print_no_link(tool, status, link);
	json_decref(status);
	return STATUS_FAILED;
}

/* Is there this link ("": any)?  Else say so. */
static bool has_link(
    const struct table_command *t, const json_t *status, const char *link)
{
	char tool[32];
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(status, "links"), i, l)
	{
		if (*link == '\0' || strcmp(member_text(l, "name"), link) == 0)
			return true;
	}
	snprintf(tool, sizeof(tool), "strata %s", t->name);
	print_no_link(tool, status, link);
	return false;
}

json_t *table_read(const struct table_command *t, const char *stack,
    const struct table_filter *f)
{
	json_t *status =
	    ask_stack(stack, json_pack("{s:s}", "command", "status"));
	json_t *wanted = NULL, *e;
	size_t i;

	if (status != NULL && has_link(t, status, f->at.link_name)) {
		wanted = json_array();
		json_array_foreach(json_object_get(status, t->array), i, e)
		{
			if (is_wanted(t, f, e))
				json_array_append(wanted, e);
		}
	}
	json_decref(status);
	return wanted;
}

static int list(const struct table_command *t, const char *stack,
    const struct table_filter *f)
{
	json_t *wanted = table_read(t, stack, f), *e;
	size_t i;

	if (wanted == NULL)
		return STATUS_FAILED;
	if (f->as_json)
		print_json(wanted);
	json_array_foreach(wanted, i, e)
	{
		if (!f->as_json)
			t->print(stdout, e);
	}
	json_decref(wanted);
	return 0;
}

/* ---- A change */

static int change(const struct table_command *t, const char *stack,
    const struct ask *q, const char *verb)
{
	char text[ASK_ERROR_LEN], tool[64];
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
	snprintf(tool, sizeof(tool), "strata %s %s", t->name, verb);
	if (r == -ENODEV && q->link_name[0] != '\0')
		return table_no_link(tool, stack, q->link_name);
	fprintf(stderr, "%s: %s\n", tool, text);
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

int table_wrong(const struct table_command *t, const char *word)
{
	fprintf(stderr, "strata %s: what is \"%s\"?\n", t->name, word);
	return usage_wrong(t->help);
}

/* "192.0.2.1", "192.0.2.0/24", of routes also "default"; or a link. */
static bool parse_wanted(
    const struct table_command *t, struct words *w, struct table_filter *ret)
{
	struct words again = *w;

	if (ret->has_ip || ret->any_net)
		return words_end(w);
	if (t->exact && word_is(w, "default"))
		return ret->any_net = true;
	if (word_prefix(w, &ret->at))
		return ret->has_ip = true;
	if (!ret->bare_link || **again.at == '-')
		return false;
	*w = again;
	return word_link(w, &ret->at);
}

bool table_parse_filter(
    const struct table_command *t, struct words *w, struct table_filter *ret)
{
	while (w->left > 0) {
		bool ok = true;

		if (word_is(w, "--json"))
			ret->as_json = true;
		else if (word_is(w, "-4"))
			ret->v4 = true;
		else if (word_is(w, "-6"))
			ret->v6 = true;
		else if (word_is(w, "dev"))
			ok = word_link(w, &ret->at);
		else
			ok = parse_wanted(t, w, ret);
		if (!ok)
			return false;
	}
	return true;
}

static int run_list(const struct table_command *t, const char *stack,
    struct words *w, bool show)
{
	struct table_filter f = { .bare_link = show && t->op == ASK_ADDRESS };

	if (!table_parse_filter(t, w, &f))
		return table_wrong(t, w->wrong);
	stack = table_stack(t, stack);
	return stack != NULL ? list(t, stack, &f) : STATUS_FAILED;
}

static int run_change(const struct table_command *t, const char *stack,
    struct words *w, enum ask_change verb)
{
	struct ask q = { .op = t->op, .change = verb };
	const char *word = word_next(w);

	if (!t->parse(w, &q) || !words_end(w))
		return table_wrong(t, w->wrong);
	stack = table_stack(t, stack);
	return stack != NULL ? change(t, stack, &q, word) : STATUS_FAILED;
}

static bool is_other(const struct table_command *t, const char *word)
{
	return t->other != NULL && strcmp(word, t->other) == 0;
}

/* The first word, if it can only be the name of a stack; or NULL. */
static const char *take_stack(const struct table_command *t, struct words *w)
{
	enum ask_change verb;

	if (w->left == 0 || **w->at == '-' || strcmp(*w->at, "dev") == 0 ||
	    is_show(*w->at) || is_change(*w->at, &verb) || is_other(t, *w->at))
		return NULL;
	return word_next(w);
}

const char *table_stack(const struct table_command *t, const char *word)
{
	if (word == NULL || stack_runs(word))
		return which_stack(word);
	fprintf(stderr,
	    "strata %s: no stack \"%s\" is running, and it is none of: %s\n",
	    t->name, word, t->verbs);
	return NULL;
}

int table_run(const struct table_command *t, int argc, char **argv)
{
	struct words w = { .at = argv + 1, .left = argc - 1 };
	enum ask_change verb;
	const char *stack;
	bool show;

	if (help_wanted(argc, argv, t->help))
		return 0;
	stack = take_stack(t, &w);
	if (w.left > 0 && is_change(*w.at, &verb))
		return run_change(t, stack, &w, verb);
	if (w.left > 0 && is_other(t, *w.at)) {
		word_next(&w);
		return t->run_other(t, stack, &w);
	}
	show = w.left > 0 && is_show(*w.at);
	if (show)
		word_next(&w);
	return run_list(t, stack, &w, show);
}
