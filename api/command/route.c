/*
 * route.c - strata route: where to
 */
#include "api/command/command.h"
#include "api/command/route_get.h"

/* "default" is of the family of its next hop. */
static bool parse(struct words *w, struct ask *ret)
{
	bool any = word_is(w, "default");

	if (!any && !word_prefix(w, ret))
		return false;
	while (w->left > 0) {
		bool ok;

		if (word_is(w, "via"))
			ret->has_via = ok = word_address(w, ret, &ret->via);
		else if (word_is(w, "dev"))
			ok = word_link(w, ret);
		else if (word_is(w, "metric"))
			ret->has_metric = ok = word_number(w, &ret->metric);
		else if (word_is(w, "mtu"))
			ok = word_number(w, &ret->mtu);
		else
			return words_end(w);
		if (!ok)
			return false;
	}
	if (any)
		ret->ip =
		    ret->has_via && !ip_is_v4(&ret->via) ? ip_any6 : ip_any4;
	if (ret->change != ASK_DELETE && !ret->has_via &&
	    ret->link_name[0] == '\0') {
		w->wrong = "the end, without via or dev";
		return false;
	}
	return true;
}

static void print(FILE *to, const json_t *r)
{
	const json_t *metric = json_object_get(r, "metric");
	const json_t *mtu = json_object_get(r, "mtu");
	const json_t *plen = json_object_get(r, "prefix");
	const char *net = member_text(r, "to");

	if (json_integer_value(plen) == 0)
		fprintf(to, "default");
	else
		fprintf(
		    to, "%s/%lld", net, (long long)json_integer_value(plen));
	if (json_object_get(r, "via") != NULL)
		fprintf(to, " via %s", member_text(r, "via"));
	fprintf(to, " dev %s", member_text(r, "link"));
	if (json_integer_value(metric) != 0)
		fprintf(
		    to, " metric %lld", (long long)json_integer_value(metric));
	if (mtu != NULL)
		fprintf(to, " mtu %lld", (long long)json_integer_value(mtu));
	if (strcmp(member_text(r, "kind"), "connected") == 0)
		fprintf(to, " connected");
	fputc('\n', to);
}

int command_route(int argc, char **argv)
{
	static const struct table_command route = {
		.name = "route",
		.help =
		    "usage: strata route [NAME] [show] [-4] [-6] [dev LINK] "
		    "[NETWORK] [--json]\n"
		    "       strata route [NAME] add|replace|change|del\n"
		    "           default|NETWORK/LENGTH [via ADDRESS] [dev "
		    "LINK]\n"
		    "           [metric N] [mtu BYTES]\n"
		    "       strata route [NAME] get ADDRESS [from ADDRESS] "
		    "[dev "
		    "LINK] [--json]\n"
		    "\n"
		    "Routes of the stack NAME.  Those that are connected come\n"
		    "and go with our addresses (strata addr).  Changes last\n"
		    "until the stack is taken down.  \"get\" says where a "
		    "packet would\n"
		    "go now, by which route, from which address, and how long "
		    "it may be.\n"
		    "\n"
		    "  -4, -6    IPv4 only, IPv6 only\n"
		    "  dev LINK  only of that link\n"
		    "  --json    for programs\n",
		.array = "routes",
		.key = "to",
		.thing = "route",
		.verbs = "show, add, replace, change, del, get",
		.exact = true,
		.op = ASK_ROUTE,
		.parse = parse,
		.print = print,
		.other = "get",
		.run_other = route_get,
	};

	return table_run(&route, argc, argv);
}
