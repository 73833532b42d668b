/*
 * neigh.c - strata neigh: who is on the link
 */
#include <errno.h>

#include "api/command/ask_daemon.h"
#include "api/command/command.h"
#include "api/command/table.h"
#include "shm/topology_mac.h"

static bool parse_mac(struct words *w, struct ask *ret)
{
	const char *s = word_next(w);

	if (s == NULL)
		return false;
	if (!mac_parse(ret->mac, s)) {
		w->wrong = s;
		return false;
	}
	return true;
}

static bool parse_nud(struct words *w, struct ask *ret)
{
	if (word_is(w, "permanent")) {
		ret->permanent = 1;
		return true;
	}
	ret->permanent = 0;
	if (word_is(w, "stale"))
		return true;
	w->wrong = w->left > 0 ? *w->at : "the end";
	return false;
}

static bool parse(struct words *w, struct ask *ret)
{
	bool has_mac = false;

	ret->permanent = 1;
	if (!word_address(w, ret, &ret->ip))
		return false;
	while (w->left > 0) {
		bool ok;

		if (word_is(w, "lladdr"))
			has_mac = ok = parse_mac(w, ret);
		else if (word_is(w, "dev"))
			ok = word_link(w, ret);
		else if (word_is(w, "nud"))
			ok = parse_nud(w, ret);
		else
			return words_end(w);
		if (!ok)
			return false;
	}
	if (ret->change != ASK_DELETE && !has_mac) {
		w->wrong = "the end, without lladdr";
		return false;
	}
	return true;
}

static void print(FILE *to, const json_t *n)
{
	fprintf(
	    to, "%s dev %s", member_text(n, "address"), member_text(n, "link"));
	if (json_object_get(n, "mac") != NULL)
		fprintf(to, " lladdr %s", member_text(n, "mac"));
	fprintf(to, " %s\n", member_text(n, "state"));
}

/* One that went by itself meanwhile is no trouble. */
static int forget(const char *stack, const json_t *n)
{
	struct ask q = { .op = ASK_NEIGHBOUR, .change = ASK_DELETE };
	char text[ASK_ERROR_LEN];
	struct answer a;
	int r;

	snprintf(
	    q.link_name, sizeof(q.link_name), "%s", member_text(n, "link"));
	if (!ip_parse(&q.ip, member_text(n, "address")))
		return -EPROTO;
	r = ask_daemon(stack, &q, &a);
	answer_free(&a);
	if (r == 0 || r == -ENOENT)
		return 0;
	fprintf(stderr, "strata neigh flush: %s\n", ask_error(r, text));
	return r;
}

/* All that are meant, but those that somebody has added for good. */
static int flush(
    const struct table_command *t, const char *stack, struct words *w)
{
	struct table_filter f = { .as_json = false };
	json_t *all, *n;
	size_t i;
	int r = 0;

	if (!table_parse_filter(t, w, &f) || f.as_json)
		return table_wrong(t, f.as_json ? "--json" : w->wrong);
	stack = table_stack(t, stack);
	all = stack != NULL ? table_read(t, stack, &f) : NULL;
	if (all == NULL)
		return STATUS_FAILED;
	json_array_foreach(all, i, n)
	{
		if (r == 0 && strcmp(member_text(n, "state"), "PERMANENT") != 0)
			r = forget(stack, n);
	}
	json_decref(all);
	return r == 0 ? 0 : STATUS_FAILED;
}

int command_neigh(int argc, char **argv)
{
	static const struct table_command neigh = {
		.name = "neigh",
		.help =
		    "usage: strata neigh [NAME] [show] [-4] [-6] [dev LINK] "
		    "[NETWORK] [--json]\n"
		    "       strata neigh [NAME] add|replace|change ADDRESS\n"
		    "           lladdr MAC [dev LINK] [nud permanent|stale]\n"
		    "       strata neigh [NAME] del ADDRESS [dev LINK]\n"
		    "       strata neigh [NAME] flush [-4] [-6] [dev LINK] "
		    "[NETWORK]\n"
		    "\n"
		    "Neighbours of the stack NAME on its links, as ARP and\n"
		    "Neighbor Discovery found them, or as they were added: "
		    "who\n"
		    "is permanent is never asked for again, and not flushed.\n"
		    "\n"
		    "  -4, -6    IPv4 only, IPv6 only\n"
		    "  dev LINK  only of that link\n"
		    "  --json    for programs\n",
		.array = "neighbours",
		.key = "address",
		.thing = "neighbour",
		.verbs = "show, add, replace, change, del, flush",
		.op = ASK_NEIGHBOUR,
		.parse = parse,
		.print = print,
		.other = "flush",
		.run_other = flush,
	};

	return table_run(&neigh, argc, argv);
}
