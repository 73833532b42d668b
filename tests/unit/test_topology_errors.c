/*
 * test_topology_errors.c - each mistake in a topology's text, and its exact
 * sentence: JSON, keys, types, names, numbers (topology_refused.h)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/topology_refused.h"

static void takes_the_good_text(void **state)
{
	static struct topology t;
	char error[TOPO_ERROR_LEN] = "";

	(void)state;
	if (topology_parse(
		&t, GOOD_TOPOLOGY, strlen(GOOD_TOPOLOGY), "t.json", error) < 0)
		fail_msg("%s", error);
}

/* ---- JSON itself ---- */

static void says_where_it_is_not_json(void **state)
{
	/* clang-format off */
	static const struct bad cases[] = {
		{ { { "\"t\",", "\"t\"" } },
		    "2:9: '}' expected near '\"links\"'" },
		{ { { "\"hop_limit\": 64\n}", "\"hop_limit\": 64\n" } },
		    "19:1: '}' expected near end of file" },
		{ { { "\"hop_limit\": 64\n}", "\"hop_limit\": 64\n} x" } },
		    "18:3: end of file expected near 'x'" },
		{ { { "\"hop_limit\": 64", "\"hop_limit\": 64," } },
		    "18:1: string or '}' expected near '}'" },
		{ { { "\"hop_limit\": 64",
		      "\"hop_limit\": 64, \"hop_limit\": 65" } },
		    "17:30: duplicate object key near '\"hop_limit\"'" },
		{ { { "\"hop_limit\": 64",
		      "\"hop_limit\": 99999999999999999999" } },
		    "17:35: too big integer near '99999999999999999999'" },
		{ { { "\"hop_limit\": 64", "\"hop_limit\": 064" } },
		    "17:16: invalid token near '0'" },
		{ { { "\"t\"", "\"t" } },
		    "1:13: unexpected newline near '\"t,'" },
		{ { { "\"t\"", "\"\\u0000\"" } },
		    "1:18: \\u0000 is not allowed without JSON_ALLOW_NUL near "
		    "'\"\\u0000\"'" },
		{ { { "\"t\"", "\"\xff\"" } },
		    "1:11: unable to decode byte 0xff near '\"'" },
	};
	/* clang-format on */

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- keys ---- */

static void refuses_keys(void **state)
{
	/* clang-format off */
	static const struct bad cases[] = {
		{ { { "\"mtu\"", "\"mtuu\"" } },
		    "3:37: links[0].mtuu: unknown key; did you mean \"mtu\"?" },
		{ { { "\"mtu\"", "\"tmu\"" } },
		    "3:37: links[0].tmu: unknown key; did you mean \"mtu\"?" },
		{ { { "\"links\"", "\"link\"" } },
		    "2:3: link: unknown key; did you mean \"links\"?" },
		{ { { "\"hop_limit\"", "\"ttl\"" } },
		    "17:3: ttl: unknown key; known here are name, links, "
		    "routes, processes, rings, icmp, reassembly, tcp, "
		    "hop_limit, forward" },
		{ { { "\"spin_us\"", "\"spin\"" } },
		    "9:42: processes[0].spin: unknown key; did you mean "
		    "\"spin_us\"?" },
		{ { { "\"to\": \"default\"", "\"too\": \"default\"" } },
		    "7:7: routes[0].too: unknown key; known here are to, via, "
		    "link, metric, mtu" },
		{ { { "\"hop_limit\": 64", "\"icmp\": { \"rates\": 5 }" } },
		    "17:13: icmp.rates: unknown key; did you mean \"rate\"?" },
		{ { { "\"hop_limit\": 64", "\"a\\nb\": 5" } },
		    "17:3: a?b: unknown key; known here are name, links, "
		    "routes, processes, rings, icmp, reassembly, tcp, "
		    "hop_limit, forward" },
		{ { { "\"hop_limit\": 64",
		      "\"\\u0069cmp\": { \"burst\": 0 }" } },
		    "17:27: icmp.burst: 0 is below 1, the smallest allowed" },
		{ { { "\"name\": \"a\", ", "" } },
		    "3:5: links[0]: the key \"name\" is missing" },
		{ { { "\"device\": \"tap\", ", "" } },
		    "3:5: links[0]: the key \"device\" is missing" },
		{ { { "\"name\": \"t\",", "" } },
		    "1:1: the key \"name\" is missing" },
		{ { { "\"layer\": \"ipd\" ", "\"cpu\": 0 " } },
		    "10:5: processes[1]: the key \"layer\" is missing" },
		{ { { "\"to\": \"ipd\", ", "" } },
		    "13:5: rings[0]: the key \"to\" is missing" },
	};
	/* clang-format on */

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- types ---- */

static void refuses_types(void **state)
{
	/* clang-format off */
	static const struct bad cases[] = {
		{ { { "1500", "\"1500\"" } },
		    "3:44: links[0].mtu: must be a whole number, not a "
		    "string" },
		{ { { "1500", "1500.5" } },
		    "3:44: links[0].mtu: must be a whole number, not a number "
		    "with a fraction" },
		{ { { "1500", "null" } },
		    "3:44: links[0].mtu: must be a whole number, not null" },
		{ { { "\"192.0.2.1\" }", "17 }" } },
		    "7:31: routes[0].via: must be a string, not a number" },
		{ { { "\"t\"", "{}" } },
		    "1:11: name: must be a string, not an object" },
		{ { { "[\"192.0.2.1/24\"]", "\"192.0.2.1/24\"" } },
		    "5:15: links[0].host: must be an array, not a string" },
		{ { { "[\"192.0.2.1/24\"]", "[]" } },
		    "5:15: links[0].host: is empty; leave the key out "
		    "instead" },
		{ { { "[\"192.0.2.1/24\"]", "[\"192.0.2.1/24\", 5]" } },
		    "5:32: links[0].host[1]: must be a string, not a number" },
		{ { { "{ \"to\": \"default\", \"via\": \"192.0.2.1\" }",
		      "\"default\"" } },
		    "7:5: routes[0]: must be an object, not a string" },
		{ { { "\"hop_limit\": 64", "\"forward\": 1" } },
		    "17:14: forward: must be true or false, not a number" },
		{ { { "\"hop_limit\": 64", "\"icmp\": 1000" } },
		    "17:11: icmp: must be an object, not a number" },
	};
	/* clang-format on */

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- names ---- */

static void refuses_names(void **state)
{
	/* clang-format off */
	static const struct bad cases[] = {
		{ { { "\"t\"", "\"\"" } },
		    "1:11: name: a name must not be empty" },
		{ { { "\"t\"", "\"sixteen-letters-\"" } },
		    "1:11: name: \"sixteen-letters-\" is longer than 15 "
		    "characters" },
		{ { { "\"t\"", "\"Tap\"" } },
		    "1:11: name: \"Tap\": a name has only a-z, 0-9 and -" },
		{ { { "\"t\"", "\"-t\"" } },
		    "1:11: name: \"-t\": a name must not begin with -" },
		{ { { "\"t\"", "\"../t\"" } },
		    "1:11: name: \"../t\": a name has only a-z, 0-9 and -" },
		{ { { "{ \"name\": \"a\"",
		      "{ \"name\": \"a\", \"device\": \"tap\" },\n    { "
		      "\"name\": \"a\"" } },
		    "4:15: links[1].name: another link is named \"a\" too" },
		{ { { "\"name\": \"ipd\"", "\"name\": \"linkd\"" } },
		    "10:15: processes[1].name: another process is named "
		    "\"linkd\" too" },
	};
	/* clang-format on */

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- numbers ---- */

static void refuses_numbers(void **state)
{
	static const struct bad cases[] = {
		{ { { "1500", "40" } },
		    "3:44: links[0].mtu: 40 is below 68, the smallest an IPv4 "
		    "link may have (RFC 791)" },
		{ { { "1500", "65522" } },
		    "3:44: links[0].mtu: 65522 is above 65521, what fits into "
		    "a frame of 65,535 bytes" },
		{ { { "1500", "1279" } },
		    "3:44: links[0].mtu: 1279 is below 1280, the smallest a "
		    "link with IPv6 may have (RFC 8200)" },
		{ { { "20 }", "10001 }" } },
		    "9:53: processes[0].spin_us: 10001 is above 10000, beyond "
		    "which a daemon never sleeps" },
		{ { { "\"hop_limit\": 64", "\"hop_limit\": 0" } },
		    "17:16: hop_limit: 0 is below 1, the smallest with which a "
		    "packet gets anywhere" },
		{ { { "\"hop_limit\": 64", "\"hop_limit\": 256" } },
		    "17:16: hop_limit: 256 is above 255, the largest that its "
		    "byte can hold" },
		{ { { "\"spin_us\": 20", "\"cpu\": -2" } },
		    "9:49: processes[0].cpu: -2 is below -1, which means any "
		    "CPU" },
		{ { { "\"spin_us\": 20", "\"pool\": { \"small\": 63 }" } },
		    "9:61: processes[0].pool.small: 63 is below 64, the "
		    "smallest allowed" },
		{ { { "\"spin_us\": 20", "\"pool\": { \"big\": 4097 }" } },
		    "9:59: processes[0].pool.big: 4097 is above 4096, the "
		    "largest allowed" },
		{ { { "\"hop_limit\": 64",
		      "\"icmp\": { \"burst\": 100001 }" } },
		    "17:22: icmp.burst: 100001 is above 100000, the largest "
		    "allowed" },
		{ { { "\"hop_limit\": 64",
		      "\"reassembly\": { \"timeout_ms\": 1 }" } },
		    "17:33: reassembly.timeout_ms: 1 is below 1000, the "
		    "smallest allowed" },
		{ { { "\"hop_limit\": 64",
		      "\"reassembly\": { \"max_bytes\": 1500 }" } },
		    "17:32: reassembly.max_bytes: 1500 is below 65536, what "
		    "one largest datagram takes" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- neighbours ---- */

static void refuses_neighbour_settings(void **state)
{
	static const struct bad cases[] = {
		{ { { "\"mtu\": 1500", "\"dad_transmits\": 11" } },
		    "3:54: links[0].dad_transmits: 11 is above 10, the largest "
		    "allowed" },
		{ { { "\"mtu\": 1500",
		      "\"neighbours\": { \"reachable_ms\": 0 }" } },
		    "3:69: links[0].neighbours.reachable_ms: 0 is below 100, "
		    "the smallest allowed" },
		{ { { "\"mtu\": 1500",
		      "\"neighbours\": { \"unicast_tries\": 21 }" } },
		    "3:70: links[0].neighbours.unicast_tries: 21 is above 20, "
		    "the largest allowed" },
		{ { { "\"mtu\": 1500",
		      "\"neighbours\": { \"reachable\": 1 }" } },
		    "3:53: links[0].neighbours.reachable: unknown key; did you "
		    "mean \"reachable_ms\"?" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- impairments ---- */

static void refuses_impairments(void **state)
{
	static const struct bad cases[] = {
		{ { { "\"mtu\": 1500", "\"impair\": { \"loss\": 1 }" } },
		    "3:49: links[0].impair.loss: unknown key; known here are "
		    "rx, tx" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"tx\": { \"delay\": 1 } }" } },
		    "3:57: links[0].impair.tx.delay: unknown key; did you "
		    "mean \"delay_ms\"?" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"tx\": { \"loss\": 100.5 } }" } },
		    "3:65: links[0].impair.tx.loss: 100.5 is above 100, all "
		    "frames" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"rx\": { \"loss\": \"5%\" } }" } },
		    "3:65: links[0].impair.rx.loss: must be a number, not a "
		    "string" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"rx\": { \"delay_ms\": -0.5 } }" } },
		    "3:69: links[0].impair.rx.delay_ms: -0.5 is below 0, the "
		    "smallest allowed" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"rx\": { \"seed\": 1.5 } }" } },
		    "3:65: links[0].impair.rx.seed: must be a whole number, "
		    "not a number with a fraction" },
		{ { { "\"mtu\": 1500",
		      "\"impair\": { \"rx\": "
		      "{ \"distribution\": \"gauss\" } }" } },
		    "3:73: links[0].impair.rx.distribution: \"gauss\" is not "
		    "one of uniform, normal, pareto" },
		{ { { "\"device\": \"tap\", \"mtu\": 1500",
			"\"device\": \"null\", \"impair\": { }" },
		      { "\"host\": [\"192.0.2.1/24\"]", "\"mtu\": 1500" } },
		    "3:48: links[0].impair: a null device has no wire to "
		    "impair" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- settings of tcp ---- */

static void refuses_tcp_settings(void **state)
{
	/* clang-format off */
	static const struct bad cases[] = {
		{ { { "\"hop_limit\": 64", "\"tcp\": { \"rto_min_ms\": 0 }" } },
		    "17:26: tcp.rto_min_ms: 0 is below 1, the smallest "
		    "allowed" },
		{ { { "\"hop_limit\": 64",
		      "\"tcp\": { \"rto_min_ms\": 1500, "
		      "\"rto_max_ms\": 1000 }" } },
		    "17:26: tcp.rto_min_ms: 1500 is above rto_max_ms, "
		    "which is 1000" },
		{ { { "\"hop_limit\": 64",
		      "\"tcp\": { \"congestion\": \"bbr\" }" } },
		    "17:26: tcp.congestion: \"bbr\" is not one of cubic, "
		    "reno" },
		{ { { "\"hop_limit\": 64", "\"tcp\": { \"sack\": 1 }" } },
		    "17:20: tcp.sack: must be true or false, not a number" },
	};
	/* clang-format on */

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- texts of their own ---- */

static void refuses_what_is_no_topology(void **state)
{
	(void)state;
	refuses("", "1:1: '[' or '{' expected near end of file");
	refuses("[]", "1:1: must be an object, not an array");
	refuses("{}", "1:1: the key \"name\" is missing");
	refuses("7", "1:1: '[' or '{' expected near '7'");
}

/* ---- what depends on the machine, or needs many entries ---- */

static void refuses_a_cpu_that_is_not_there(void **state)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	char edit[32], sentence[128], *text = strdup(GOOD_TOPOLOGY);

	(void)state;
	snprintf(edit, sizeof(edit), "\"cpu\": %ld", n);
	snprintf(sentence, sizeof(sentence),
	    "9:49: processes[0].cpu: %ld does not exist, this machine has 0 to "
	    "%ld",
	    n, n - 1);
	text = edited(text, &(struct edit){ "\"spin_us\": 20", edit });
	refuses(text, sentence);
	free(text);
}

/* An array of @n elements "{}" in place of the links, and so on. */
static void refuses_many(const char *key, size_t n, const char *sentence)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fprintf(f, "{ \"name\": \"t\",\n \"%s\": [ {}", key);
	for (size_t i = 1; i < n; i++)
		fputs(", {}", f);
	fputs(" ] }", f);
	fclose(f);
	refuses(text, sentence);
	free(text);
}

static void refuses_too_many_entries(void **state)
{
	(void)state;
	refuses_many("processes", 17,
	    "2:15: processes: 17 entries are too many, the most is 16");
	refuses_many(
	    "processes", 16, "2:17: processes[0]: the key \"name\" is missing");
}

/* 32 addresses on each of three links are more than 64. */
static void refuses_too_many_addresses_in_all(void **state)
{
	char many[4096] = "\"links\": [ ", *text = strdup(GOOD_TOPOLOGY);
	size_t used = strlen(many);

	(void)state;
	for (int link = 0; link < 3; link++) {
		used += (size_t)snprintf(many + used, sizeof(many) - used,
		    "{ \"name\": \"l%d\", \"device\": \"null\", "
		    "\"addresses\": [ ",
		    link);
		for (int i = 1; i <= 32; i++)
			used += (size_t)snprintf(many + used,
			    sizeof(many) - used, "%s\"10.%d.0.%d/8\"",
			    i > 1 ? "," : "", link, i);
		used += (size_t)snprintf(
		    many + used, sizeof(many) - used, " ] },\n");
	}
	text = edited(text, &(struct edit){ "\"links\": [", many });
	refuses(text,
	    "4:50: links[2].addresses[0]: makes more than 64 addresses in all");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_good_text),
		cmocka_unit_test(says_where_it_is_not_json),
		cmocka_unit_test(refuses_keys),
		cmocka_unit_test(refuses_types),
		cmocka_unit_test(refuses_names),
		cmocka_unit_test(refuses_numbers),
		cmocka_unit_test(refuses_neighbour_settings),
		cmocka_unit_test(refuses_impairments),
		cmocka_unit_test(refuses_tcp_settings),
		cmocka_unit_test(refuses_what_is_no_topology),
		cmocka_unit_test(refuses_a_cpu_that_is_not_there),
		cmocka_unit_test(refuses_too_many_entries),
		cmocka_unit_test(refuses_too_many_addresses_in_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
