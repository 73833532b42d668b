/*
 * addr.c - strata addr: our addresses
 */
#include "api/command/command.h"
#include "api/command/table.h"

static bool parse(struct words *w, struct ask *ret)
{
	if (!word_prefix(w, ret))
		return false;
	while (w->left > 0) {
		if (!word_is(w, "dev"))
			return words_end(w);
		if (!word_link(w, ret))
			return false;
	}
	return true;
}

static void print(FILE *to, const json_t *a)
{
	const char *ip = member_text(a, "address");

	fprintf(to, "%-10s %-5s %s/%lld %s\n", member_text(a, "link"),
	    strchr(ip, ':') != NULL ? "inet6" : "inet", ip,
	    (long long)json_integer_value(json_object_get(a, "prefix")),
	    member_text(a, "state"));
}

int command_addr(int argc, char **argv)
{
	static const struct table_command addr = {
		.name = "addr",
		.help =
		    "usage: strata addr [NAME] [show] [-4] [-6] [dev LINK] "
		    "[NETWORK] [--json]\n"
		    "       strata addr [NAME] add|replace|change|del "
		    "ADDRESS[/LENGTH] [dev LINK]\n"
		    "\n"
		    "Our addresses on the stack NAME.  A new one is asked for\n"
		    "first (DAD; with \"acd\" also IPv4) and may be used when\n"
		    "it is valid.  Changes last until the stack is taken "
		    "down.\n"
		    "\n"
		    "  -4, -6    IPv4 only, IPv6 only\n"
		    "  dev LINK  only of that link\n"
		    "  --json    for programs\n",
		.array = "addresses",
		.key = "address",
		.thing = "address",
		.verbs = "show, add, replace, change, del",
		.op = ASK_ADDRESS,
		.parse = parse,
		.print = print,
	};

	return table_run(&addr, argc, argv);
}
