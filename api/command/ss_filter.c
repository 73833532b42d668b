/*
 * ss_filter.c - which sockets, in the words of ss(8)
 *
 * The words are cut into tokens and taken one by one; what is understood
 * becomes a tree of nodes, each of which names others that were made before it.
 */
#include "api/command/ss_filter.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
	BIT_LISTENING = 1 << SOCKET_LISTEN | 1 << SOCKET_CLOSE,
	BIT_BUCKET = 1 << SOCKET_SYN_RECV | 1 << SOCKET_TIME_WAIT,
	BIT_ALL = (1 << SOCKET_NSTATES) - 2, /* 0 is none */
};

struct parser {
	struct ss_filter *f;
	const char *at;              /* what is left of the text */
	char token[SS_FILTER_WRONG]; /* the next one; "": the end */
};

/* ---- Tokens */

static const char operators[] = "!=<>&|";

/* Parentheses stand alone, operators and all else in one piece. */
static void next(struct parser *p)
{
	size_t len;

	p->at += strspn(p->at, " \t\n");
	if (*p->at == '(' || *p->at == ')')
		len = 1;
	else if (strchr(operators, *p->at) != NULL)
		len = strspn(p->at, operators);
	else
		len = strcspn(p->at, " \t\n()!=<>&|");
	/* What is too long is nothing that we know. */
	snprintf(p->token, sizeof(p->token), "%s%.*s",
	    len < sizeof(p->token) ? "" : "?", (int)len, p->at);
	p->at += len;
}

static bool is(const struct parser *p, const char *token)
{
	return strcasecmp(p->token, token) == 0;
}

/* One of them: then it is taken. */
static bool take(struct parser *p, const char *a, const char *b, const char *c)
{
	if (!is(p, a) && !is(p, b) && !is(p, c))
		return false;
	next(p);
	return true;
}

static bool join(char text[SS_FILTER_TEXT], char **words, int n)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		size_t left = SS_FILTER_TEXT - used;
		int len = snprintf(text + used, left, "%s ", words[i]);

		if (len < 0 || (size_t)len >= left)
			return false;
		used += (size_t)len;
	}
	return true;
}

/* ---- States */

static uint32_t state_bits(const char *name)
{
	static const struct {
		const char *name;
		uint32_t bits;
	} names[] = {
		{ "all", BIT_ALL },
		{ "connected", BIT_ALL & ~BIT_LISTENING },
		{ "synchronized",
		    BIT_ALL & ~BIT_LISTENING & ~(1 << SOCKET_SYN_SENT) },
		{ "bucket", BIT_BUCKET },
		{ "big", BIT_ALL & ~BIT_BUCKET },
		{ "established", 1 << SOCKET_ESTABLISHED },
		{ "estab", 1 << SOCKET_ESTABLISHED },
		{ "syn-sent", 1 << SOCKET_SYN_SENT },
		{ "syn-recv", 1 << SOCKET_SYN_RECV },
		{ "fin-wait-1", 1 << SOCKET_FIN_WAIT1 },
		{ "fin-wait-2", 1 << SOCKET_FIN_WAIT2 },
		{ "time-wait", 1 << SOCKET_TIME_WAIT },
		{ "closed", 1 << SOCKET_CLOSE },
		{ "unconnected", 1 << SOCKET_CLOSE },
		{ "unconn", 1 << SOCKET_CLOSE },
		{ "close-wait", 1 << SOCKET_CLOSE_WAIT },
		{ "last-ack", 1 << SOCKET_LAST_ACK },
		{ "listening", 1 << SOCKET_LISTEN },
		{ "listen", 1 << SOCKET_LISTEN },
		{ "closing", 1 << SOCKET_CLOSING },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].bits;
	return 0;
}

static bool parse_states(struct parser *p)
{
	struct ss_filter *f = p->f;

	while (is(p, "state") || is(p, "exclude")) {
		bool without = is(p, "exclude");
		uint32_t bits;

		next(p);
		bits = state_bits(p->token);
		if (bits == 0)
			return false;
		if (!without)
			f->states |= bits;
		else
			f->states = (f->states ? f->states : BIT_ALL) & ~bits;
		next(p);
	}
	return true;
}

/* ---- Nodes */

static bool add(struct parser *p, const struct ss_node *node, uint32_t *ret)
{
	if (p->f->n == SS_FILTER_NODES)
		return false;
	*ret = p->f->n++;
	p->f->node[*ret] = *node;
	return true;
}

static bool join_nodes(
    struct parser *p, enum ss_node_kind kind, uint32_t *a, uint32_t b)
{
	const struct ss_node both = { .kind = kind, .a = *a, .b = b };

	return add(p, &both, a);
}

/* ---- Addresses and ports */

static bool parse_port(uint16_t *ret, const char *text)
{
	const struct servent *s;
	unsigned long n;
	char *end;

	if (*text >= '0' && *text <= '9') {
		n = strtoul(text, &end, 10);
		*ret = (uint16_t)n;
		return *end == '\0' && n <= UINT16_MAX;
	}
	s = getservbyname(text, NULL);
	if (s == NULL)
		return false;
	*ret = ntohs((uint16_t)s->s_port);
	return true;
}

static bool parse_length(struct ss_node *n, const char *text)
{
	unsigned long most = ip_is_v4(&n->ip) ? 32 : 128;
	unsigned long len = most;
	char *end;

	if (text != NULL) {
		len = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '\0' || len > most)
			return false;
	}
	n->plen = (uint8_t)len;
	return true;
}

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "*" or "". */
static bool parse_address(struct ss_node *n, char *text)
{
	char *slash = strchr(text, '/');

	n->kind = SS_ANY;
	if (*text == '\0' || strcmp(text, "*") == 0)
		return true;
	n->kind = SS_ADDRESS;
	if (slash != NULL)
		*slash++ = '\0';
	return ip_parse(&n->ip, text) && parse_length(n, slash);
}

/* Cut "[2001:db8::1]/64:80" in two: the address, and the port or NULL. */
static char *cut(char *text, char **port)
{
	char *close = strchr(text, ']');
	char *colon = strrchr(text, ':');

	*port = NULL;
	if (*text == '[' && close != NULL) {
		/* Without the brackets; what follows moves up. */
		memmove(close, close + 1, strlen(close + 1) + 1);
		text++;
		colon = strchr(close, ':');
	} else if (colon != NULL && strchr(text, ':') != colon) {
		return text; /* IPv6 without a port */
	}
	if (colon != NULL) {
		*colon = '\0';
		*port = colon + 1;
	}
	return text;
}

static bool parse_host(struct parser *p, bool peer, uint32_t *ret)
{
	struct ss_node address = { .peer = peer };
	struct ss_node port = { .kind = SS_PORT, .peer = peer };
	char text[SS_FILTER_WRONG];
	char *host, *colon;
	uint32_t b;

	memcpy(text, p->token, sizeof(text));
	host = cut(text, &colon);
	if (*p->token == '\0' || !parse_address(&address, host) ||
	    !add(p, &address, ret))
		return false;
	if (colon != NULL && strcmp(colon, "*") != 0 &&
	    (!parse_port(&port.port, colon) || !add(p, &port, &b) ||
		!join_nodes(p, SS_AND, ret, b)))
		return false;
	next(p);
	return true;
}

/* None is "=". */
static bool parse_compare(struct parser *p, enum ss_compare *ret)
{
	static const struct {
		const char *a, *b, *c;
		enum ss_compare compare;
	} all[] = {
		{ "=", "==", "eq", SS_EQ },
		{ "!=", "ne", "neq", SS_NE },
		{ "<", "lt", "<", SS_LT },
		{ "<=", "le", "leq", SS_LE },
		{ ">", "gt", ">", SS_GT },
		{ ">=", "ge", "geq", SS_GE },
	};

	*ret = SS_EQ;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (take(p, all[i].a, all[i].b, all[i].c)) {
			*ret = all[i].compare;
			return true;
		}
	return p->token[0] != '\0' && strchr(operators, p->token[0]) == NULL;
}

/* ---- Expressions */

static bool parse_end(struct parser *p, uint32_t *ret)
{
	bool peer = is(p, "dst") || is(p, "dport");
	bool host = is(p, "dst") || is(p, "src");
	struct ss_node port = { .kind = SS_PORT, .peer = peer };

	if (!host && !is(p, "dport") && !is(p, "sport"))
		return false;
	next(p);
	if (!parse_compare(p, &port.compare))
		return false;
	if (host)
		return port.compare <= SS_NE && parse_host(p, peer, ret) &&
		    (port.compare == SS_EQ || join_nodes(p, SS_NOT, ret, *ret));
	if (!parse_port(&port.port, p->token + (p->token[0] == ':')))
		return false;
	next(p);
	return add(p, &port, ret);
}

/* What binds more stands behind what binds less. */
enum pending {
	PENDING_PARENTHESIS,
	PENDING_OR,
	PENDING_AND,
	PENDING_NOT,
};

/* What has been read and not been joined yet. */
struct stacks {
	enum pending pending[SS_FILTER_DEPTH];
	int npending;
	uint32_t node[SS_FILTER_DEPTH + 1];
	int nnodes;
};

static bool push(struct stacks *s, enum pending what)
{
	if (s->npending == SS_FILTER_DEPTH)
		return false;
	s->pending[s->npending++] = what;
	return true;
}

/* Join all that binds at least as much as @least. */
static bool reduce(struct parser *p, struct stacks *s, enum pending least)
{
	while (s->npending > 0 && s->pending[s->npending - 1] >= least) {
		uint32_t *last = &s->node[s->nnodes - 1];
		bool ok;

		switch (s->pending[--s->npending]) {
		case PENDING_NOT:
			ok = join_nodes(p, SS_NOT, last, *last);
			break;
		case PENDING_AND:
			ok = join_nodes(p, SS_AND, last - 1, *last);
			s->nnodes--;
			break;
		case PENDING_OR:
			ok = join_nodes(p, SS_OR, last - 1, *last);
			s->nnodes--;
			break;
		case PENDING_PARENTHESIS:
			return false; /* never closed */
		}
		if (!ok)
			return false;
	}
	return true;
}

/* "not"s and opening parentheses, then what they are about. */
static bool parse_one(struct parser *p, struct stacks *s)
{
	for (;;) {
		bool ok;

		if (take(p, "not", "!", "!"))
			ok = push(s, PENDING_NOT);
		else if (take(p, "(", "(", "("))
			ok = push(s, PENDING_PARENTHESIS);
		else
			return parse_end(p, &s->node[s->nnodes++]);
		if (!ok)
			return false;
	}
}

static bool close_parenthesis(struct parser *p, struct stacks *s)
{
	if (!reduce(p, s, PENDING_OR) || s->npending == 0)
		return false;
	s->npending--;
	next(p);
	return true;
}

static bool parse_expression(struct parser *p, uint32_t *ret)
{
	struct stacks s = { .npending = 0 };

	for (;;) {
		enum pending what = PENDING_AND;

		if (!parse_one(p, &s))
			return false;
		while (is(p, ")"))
			if (!close_parenthesis(p, &s))
				return false;
		if (p->token[0] == '\0')
			break;
		if (take(p, "or", "|", "||"))
			what = PENDING_OR;
		else
			take(p, "and", "&", "&&");
		if (!reduce(p, &s, what) || !push(&s, what))
			return false;
	}
	if (!reduce(p, &s, PENDING_PARENTHESIS))
		return false;
	*ret = s.node[0];
	return true;
}

static bool parse(struct parser *p)
{
	if (!parse_states(p))
		return false;
	p->f->some = p->token[0] != '\0';
	return !p->f->some || parse_expression(p, &p->f->top);
}

bool ss_filter_begins(const char *word)
{
	static const char *const words[] = { "state", "exclude", "dst", "src",
		"dport", "sport", "not" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if (strncasecmp(word, words[i], len) == 0 &&
		    (word[len] == '\0' || strchr(" !=<>(", word[len]) != NULL))
			return true;
	}
	return *word == '(' || *word == '!' || *word == ' ';
}

bool ss_filter_parse(
    struct ss_filter *ret, char **words, int n, char wrong[SS_FILTER_WRONG])
{
	char text[SS_FILTER_TEXT];
	struct parser p = { .f = ret, .at = text };

	*ret = (struct ss_filter){ .n = 0 };
	if (!join(text, words, n)) {
		snprintf(wrong, SS_FILTER_WRONG, "so much text");
		return false;
	}
	next(&p);
	if (parse(&p))
		return true;
	snprintf(wrong, SS_FILTER_WRONG, "%s",
	    p.token[0] != '\0' ? p.token : "the end");
	return false;
}

/* ---- What it says of a socket */

static bool compare(enum ss_compare how, uint16_t a, uint16_t b)
{
	switch (how) {
	case SS_EQ:
		return a == b;
	case SS_NE:
		return a != b;
	case SS_LT:
		return a < b;
	case SS_LE:
		return a <= b;
	case SS_GT:
		return a > b;
	case SS_GE:
		return a >= b;
	}
	return false;
}

static bool holds(
    const struct ss_node *n, const bool *of, const struct ask_socket *k)
{
	const struct app_name *end = n->peer ? &k->peer : &k->local;

	switch (n->kind) {
	case SS_AND:
		return of[n->a] && of[n->b];
	case SS_OR:
		return of[n->a] || of[n->b];
	case SS_NOT:
		return !of[n->a];
	case SS_ANY:
		return true;
	case SS_ADDRESS:
		return ip_in_prefix(&end->ip, &n->ip, n->plen);
	case SS_PORT:
		return compare(n->compare, end->port, n->port);
	}
	return false;
}

bool ss_filter_matches(const struct ss_filter *f, const struct ask_socket *k)
{
	bool of[SS_FILTER_NODES] = { false };

	/* A node is made after those that it joins. */
	for (uint32_t i = 0; i < f->n; i++)
		of[i] = holds(&f->node[i], of, k);
	return !f->some || of[f->top];
}
