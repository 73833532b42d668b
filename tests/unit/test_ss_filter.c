/*
 * test_ss_filter.c - which sockets, in the words of ss(8)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/ss_filter.h"

/* 192.0.2.2:80, from 198.51.100.7:60000. */
static struct ask_socket connection(void)
{
	struct ask_socket k = { .state = SOCKET_ESTABLISHED };

	ip_parse(&k.local.ip, "192.0.2.2");
	ip_parse(&k.peer.ip, "198.51.100.7");
	k.local.port = 80;
	k.peer.port = 60000;
	return k;
}

/* [2001:db8::2]:80, from [2001:db8:5::7]:60000. */
static struct ask_socket connection6(void)
{
	struct ask_socket k = connection();

	ip_parse(&k.local.ip, "2001:db8::2");
	ip_parse(&k.peer.ip, "2001:db8:5::7");
	return k;
}

static bool parses(struct ss_filter *f, const char *text, char wrong[64])
{
	char copy[2000];
	char *word = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	return ss_filter_parse(f, &word, 1, wrong);
}

struct holds_case {
	const char *text;
	bool v4, v6; /* of which of the two it holds */
};

static void check(const struct holds_case *c)
{
	const struct ask_socket a = connection(), b = connection6();
	char wrong[SS_FILTER_WRONG];
	struct ss_filter f;

	if (!parses(&f, c->text, wrong))
		fail_msg("\"%s\": \"%s\" is wrong", c->text, wrong);
	if (ss_filter_matches(&f, &a) != c->v4)
		fail_msg("\"%s\" of IPv4", c->text);
	if (ss_filter_matches(&f, &b) != c->v6)
		fail_msg("\"%s\" of IPv6", c->text);
}

static void addresses_and_ports(void **state)
{
	static const struct holds_case cases[] = {
		{ "", true, true },
		{ "dst 198.51.100.7", true, false },
		{ "dst = 198.51.100.7", true, false },
		{ "dst != 198.51.100.7", false, true },
		{ "src 198.51.100.7", false, false },
		{ "src 192.0.2.2:80", true, false },
		{ "src 192.0.2.2:http", true, false },
		{ "src 192.0.2.2:81", false, false },
		{ "src 192.0.2.0/24", true, false },
		{ "src 192.0.2.0/24:80", true, false },
		{ "src 192.0.2.128/25", false, false },
		{ "dst 0.0.0.0/0", true, false },
		{ "dst ::/0", false, true },
		{ "src 2001:db8::2", false, true },
		{ "src [2001:db8::2]", false, true },
		{ "src [2001:db8::2]:80", false, true },
		{ "src [2001:db8::]/64:80", false, true },
		{ "src [2001:db8::]/64:81", false, false },
		{ "dst 2001:db8:5::/48", false, true },
		{ "src *:80", true, true },
		{ "src :80", true, true },
		{ "src *", true, true },
		{ "src :81", false, false },
		{ "dport = :60000", true, true },
		{ "dport = 60000", true, true },
		{ "dport :60000", true, true },
		{ "dport=:60000", true, true },
		{ "dport == :60000", true, true },
		{ "DPORT EQ :60000", true, true },
		{ "sport != :80", false, false },
		{ "sport > :79", true, true },
		{ "sport gt :80", false, false },
		{ "sport >= :80", true, true },
		{ "sport < :80", false, false },
		{ "sport le :80", true, true },
		{ "sport = :http", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(&cases[i]);
}

static void joined(void **state)
{
	/* clang-format off */
	static const struct holds_case cases[] = {
		{ "sport = :80 and dport = :60000", true, true },
		{ "sport = :80 & dport = :1", false, false },
		{ "sport = :80 dport = :1", false, false },
		{ "sport = :1 or dport = :60000", true, true },
		{ "sport = :1 || dport = :60000", true, true },
		{ "not sport = :80", false, false },
		{ "! sport = :80", false, false },
		{ "not not sport = :80", true, true },
		{ "!(sport = :80)", false, false },
		{ "( sport = :80 or sport = :81 ) and dst 198.51.100.7", true,
		    false },
		{ "(sport=:80|sport=:81)&dst 198.51.100.7", true, false },
		/* "and" binds more than "or", "not" more than both. */
		{ "sport = :80 or sport = :80 and sport = :1", true, true },
		{ "not sport = :1 and sport = :80", true, true },
		{ "not ( sport = :1 or sport = :80 )", false, false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(&cases[i]);
}

static uint32_t states(const char *text)
{
	char wrong[SS_FILTER_WRONG];
	struct ss_filter f;

	if (!parses(&f, text, wrong))
		fail_msg("\"%s\": \"%s\" is wrong", text, wrong);
	return f.states;
}

static void names_of_states(void **state)
{
	const uint32_t all = states("state all");

	(void)state;
	assert_int_equal(states("sport = :80"), 0);
	assert_int_equal(all, 0xffe);
	assert_int_equal(states("state established"), 1 << 1);
	assert_int_equal(states("state ESTAB"), 1 << 1);
	assert_int_equal(
	    states("state syn-sent state syn-recv"), 1 << 2 | 1 << 3);
	assert_int_equal(states("state bucket"),
	    1 << SOCKET_SYN_RECV | 1 << SOCKET_TIME_WAIT);
	assert_int_equal(states("state big") | states("state bucket"), all);
	assert_int_equal(states("exclude bucket"), states("state big"));
	assert_int_equal(states("state connected exclude syn-sent"),
	    states("state synchronized"));
	assert_int_equal(
	    states("state listening sport = :80"), 1 << SOCKET_LISTEN);
	assert_int_equal(states("state closed"), states("state unconnected"));
}

/* The word is said that was not understood. */
static void what_makes_no_sense(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{ "state", "the end" },
		{ "state nosuch", "nosuch" },
		{ "dst", "the end" },
		{ "dst 1.2.3", "1.2.3" },
		{ "dst 1.2.3.4/33", "1.2.3.4/33" },
		{ "dst 1.2.3.4/x", "1.2.3.4/x" },
		{ "dst 1.2.3.4:65536", "1.2.3.4:65536" },
		{ "dst [::1", "[::1" },
		{ "dst ::1]", "::1]" },
		{ "dst < 1.2.3.4", "1.2.3.4" },
		{ "dport =", "the end" },
		{ "dport = :nosuchservice", ":nosuchservice" },
		{ "dport = :-1", ":-1" },
		{ "dport = ::1", "::1" },
		{ "dport <> :1", "<>" },
		{ "sport = :80 and", "the end" },
		{ "sport = :80 or or", "or" },
		{ "( sport = :80", "the end" },
		{ "sport = :80 )", ")" },
		{ "()", ")" },
		{ "not", "the end" },
		{ "nosuch", "nosuch" },
		{ "sport = :80 state all", "state" },
	};
	char wrong[SS_FILTER_WRONG];
	struct ss_filter f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (parses(&f, cases[i].text, wrong))
			fail_msg("\"%s\" was taken", cases[i].text);
		assert_string_equal(wrong, cases[i].wrong);
	}
}

static void append(char *text, size_t room, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, room - len, "%s", word);
}

/* So many that there is no room: refused, and nothing written beyond. */
static void as_much_as_there_is_room_for(void **state)
{
	char text[1900] = "", wrong[SS_FILTER_WRONG];
	struct ss_filter f;

	(void)state;
	for (int i = 0; i < 32; i++)
		append(text, sizeof(text), "sport = :80 ");
	assert_true(parses(&f, text, wrong)); /* 32 ports, 31 ands */
	append(text, sizeof(text), "sport = :80");
	assert_false(parses(&f, text, wrong));

	memset(text, '(', 100);
	snprintf(text + 100, sizeof(text) - 100, "sport = :80");
	assert_false(parses(&f, text, wrong));
	text[0] = '\0';
	for (int i = 0; i < 100; i++)
		append(text, sizeof(text), "not ");
	append(text, sizeof(text), "sport = :80");
	assert_false(parses(&f, text, wrong));

	memset(text, '1', sizeof(text) - 1);
	memcpy(text, "sport = :", 9);
	text[sizeof(text) - 1] = '\0';
	assert_false(parses(&f, text, wrong));
	assert_string_equal(wrong, "so much text");
	/* A word longer than any that means something. */
	text[9] = '\0';
	memset(text + 9, '0', 100);
	snprintf(text + 109, 10, "80");
	assert_false(parses(&f, text, wrong));
}

/* Whatever tokens in whatever order: an answer, and no harm. */
static void any_words(void **state)
{
	static const char *const tokens[] = { "state ", "all ", "not ", "( ",
		") ", "dst ", "sport ", "= ", "!=", ":80 ", "1.2.3.4 ", "and ",
		"or ", "[::1]:1 ", "| ", "*", "/8 ", "exclude " };
	const struct ask_socket k = connection();
	char text[400], wrong[SS_FILTER_WRONG];
	uint64_t random = 88172645463325252U;
	struct ss_filter f;
	int taken = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		text[0] = '\0';
		do {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			append(text, sizeof(text),
			    tokens[random %
				(sizeof(tokens) / sizeof(*tokens))]);
		} while (random >> 60 > 1 && strlen(text) < 300);
		if (!parses(&f, text, wrong))
			continue;
		taken++;
		assert_true(f.n <= SS_FILTER_NODES);
		ss_filter_matches(&f, &k);
	}
	assert_true(taken > 100);
}

static void where_a_filter_begins(void **state)
{
	(void)state;
	assert_true(ss_filter_begins("dst"));
	assert_true(ss_filter_begins("dport=:80"));
	assert_true(ss_filter_begins("( sport = :80 )"));
	assert_true(ss_filter_begins("state all"));
	assert_true(ss_filter_begins("!"));
	assert_false(ss_filter_begins("tap"));
	assert_false(ss_filter_begins("states"));
	assert_false(ss_filter_begins("src-stack"));
	assert_false(ss_filter_begins(""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_ports),
		cmocka_unit_test(joined),
		cmocka_unit_test(names_of_states),
		cmocka_unit_test(what_makes_no_sense),
		cmocka_unit_test(as_much_as_there_is_room_for),
		cmocka_unit_test(any_words),
		cmocka_unit_test(where_a_filter_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
