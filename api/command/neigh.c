/*
 * neigh.c - strata neigh: who is on the link
 */
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

int command_neigh(int argc, char **argv)
{
	static const struct table_command neigh = {
		.name = "neigh",
		.help =
		    "usage: strata neigh [NAME] [show] [-4] [-6] [dev LINK] "
		    "[--json]\n"
		    "       strata neigh [NAME] add|replace|change ADDRESS\n"
		    "           lladdr MAC [dev LINK] [nud permanent|stale]\n"
		    "       strata neigh [NAME] del ADDRESS [dev LINK]\n"
		    "\n"
		    "Neighbours of the stack NAME on its links, as ARP and\n"
		    "Neighbor Discovery found them, or as they were added: "
		    "who\n"
		    "is permanent is never asked for again.\n"
		    "\n"
		    "  -4, -6    IPv4 only, IPv6 only\n"
		    "  dev LINK  only of that link\n"
		    "  --json    for programs\n",
		.array = "neighbours",
		.key = "address",
		.thing = "neighbour",
		.op = ASK_NEIGHBOUR,
		.parse = parse,
		.print = print,
	};

	return table_run(&neigh, argc, argv);
}
