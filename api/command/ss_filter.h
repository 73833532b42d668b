/*
 * ss_filter.h - which sockets, in the words of ss(8)
 *
 *	FILTER    := { ("state" | "exclude") STATE } [ EXPRESSION ]
 *	EXPRESSION := ALL { "or" ALL }
 *	ALL       := ONE { [ "and" ] ONE }
 *	ONE       := "not" ONE | "(" EXPRESSION ")"
 *		   | ("dst" | "src") [ = | != ] ADDRESS[/LENGTH][:PORT]
 *		   | ("dport" | "sport") [ = | != | < | <= | > | >= ] [:]PORT
 *
 * A PORT is a number or a name; ADDRESS may be *, or left out before a port;
 * one of IPv6 with a port stands in brackets.  Also "&", "|", "!" and the words
 * "eq" to "ge".
 */
#ifndef API_COMMAND_SS_FILTER_H
#define API_COMMAND_SS_FILTER_H

#include <stdbool.h>

#include "shm/ask_socket.h"

enum {
	SS_FILTER_NODES = 64,
	SS_FILTER_DEPTH = 32, /* of parentheses and nots */
	SS_FILTER_TEXT = 1024,
	SS_FILTER_WRONG = 64,
};

enum ss_node_kind {
	SS_AND,
	SS_OR,
	SS_NOT,
	SS_ANY,
	SS_ADDRESS,
	SS_PORT,
};

enum ss_compare {
	SS_EQ,
	SS_NE,
	SS_LT,
	SS_LE,
	SS_GT,
	SS_GE,
};

struct ss_node {
	enum ss_node_kind kind;
	enum ss_compare compare; /* SS_PORT */
	bool peer;               /* dst, dport */
	uint8_t plen;
	uint16_t port;
	struct ip_addr ip;
	uint32_t a, b; /* of AND, OR; a: of NOT */
};

struct ss_filter {
	uint32_t states; /* a bit for each; 0: none was said */
	bool some;       /* there is an expression */
	uint32_t top;
	uint32_t n;
	struct ss_node node[SS_FILTER_NODES];
};

/* Can a filter begin with it?  What can't may be the name of a stack. */
bool ss_filter_begins(const char *word);

/*
 * The filter that @n words are, one or several tokens each; false: the text in
 * @wrong was not understood.
 */
bool ss_filter_parse(
    struct ss_filter *ret, char **words, int n, char wrong[SS_FILTER_WRONG]);

/* Does the expression hold?  Of states nothing is said. */
bool ss_filter_matches(const struct ss_filter *f, const struct ask_socket *k);

#endif /* API_COMMAND_SS_FILTER_H */
