/*
 * test_topology_errors.c - each mistake in a topology, and its exact sentence
 *
 * Every case is the good text below with one thing changed; what is expected
 * begins with the line and column of that thing.
 */
#include "shm/topology.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char GOOD[] =
    "{ \"name\": \"t\",\n"
    "  \"links\": [\n"
    "    { \"name\": \"a\", \"device\": \"tap\", \"mtu\": 1500,\n"
    "      \"mac\": \"02:00:00:00:00:02\", \"addresses\": [\"192.0.2.2/24\", "
    "\"2001:db8::2/64\"],\n"
    "      \"host\": [\"192.0.2.1/24\"] } ],\n"
    "  \"routes\": [\n"
    "    { \"to\": \"default\", \"via\": \"192.0.2.1\" } ],\n"
    "  \"processes\": [\n"
    "    { \"name\": \"linkd\", \"layer\": \"linkd\", \"spin_us\": 20 },\n"
    "    { \"name\": \"ipd\", \"layer\": \"ipd\" },\n"
    "    { \"name\": \"tcpd\", \"layer\": \"tcpd\" } ],\n"
    "  \"rings\": [\n"
    "    { \"from\": \"linkd\", \"to\": \"ipd\", \"slots\": 256 },\n"
    "    { \"from\": \"ipd\", \"to\": \"linkd\" },\n"
    "    { \"from\": \"ipd\", \"to\": \"tcpd\" },\n"
    "    { \"from\": \"tcpd\", \"to\": \"ipd\" } ],\n"
    "  \"hop_limit\": 64\n"
    "}\n";

struct edit {
	const char *from;
	const char *to;
};

struct bad {
	struct edit edits[3]; /* in this order, the first place of each */
	const char *sentence; /* without the name of the file */
};

#define CASES(table) (table), sizeof(table) / sizeof((table)[0])

/* @text with its first @e->from made @e->to; frees @text. */
static char *edited(char *text, const struct edit *e)
{
	char *at = strstr(text, e->from), *ret;

	if (!at)
		fail_msg("the good text has no %s", e->from);
	if (asprintf(&ret, "%.*s%s%s", (int)(at - text), text, e->to,
		at + strlen(e->from)) < 0)
		fail();
	free(text);
	return ret;
}

/* The text is refused with that sentence, and the result left alone. */
static void refuses(const char *text, const char *sentence)
{
	static struct topology t, before;
	char error[TOPO_ERROR_LEN] = "", want[TOPO_ERROR_LEN];

	memset(&t, 0x5a, sizeof(t));
	before = t;
	snprintf(want, sizeof(want), "t.json:%s", sentence);
	assert_int_equal(
	    topology_parse(&t, text, strlen(text), "t.json", error), -EINVAL);
	assert_string_equal(error, want);
	assert_memory_equal(&t, &before, sizeof(t));
}

static void refuses_all(const struct bad *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = strdup(GOOD);

		for (size_t k = 0; k < 3 && cases[i].edits[k].from; k++)
			text = edited(text, &cases[i].edits[k]);
		refuses(text, cases[i].sentence);
		free(text);
	}
}

static void takes_the_good_text(void **state)
{
	static struct topology t;
	char error[TOPO_ERROR_LEN] = "";

	(void)state;
	if (topology_parse(&t, GOOD, strlen(GOOD), "t.json", error) < 0)
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

/* ---- keys and types ---- */

static void refuses_keys_and_types(void **state)
{
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
		    "hop_limit, "
		    "forward" },
		{ { { "\"spin_us\"", "\"spin\"" } },
		    "9:42: processes[0].spin: unknown key; did you mean "
		    "\"spin_us\"?" },
		{ { { "\"to\": \"default\"", "\"too\": \"default\"" } },
		    "7:7: routes[0].too: unknown key; known here are to, via, "
		    "link, metric, mtu" },
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
		{ { { "\"hop_limit\": 64", "\"icmp\": { \"rates\": 5 }" } },
		    "17:13: icmp.rates: unknown key; did you mean \"rate\"?" },
		{ { { "\"hop_limit\": 64", "\"a\\nb\": 5" } },
		    "17:3: a?b: unknown key; known here are name, links, "
		    "routes, processes, rings, icmp, reassembly, tcp, "
		    "hop_limit, "
		    "forward" },
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
		{ { { "\"mtu\": 1500", "\"dad_transmits\": 11" } },
		    "3:54: links[0].dad_transmits: 11 is above 10, the largest "
		    "allowed" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- links ---- */

static void refuses_links(void **state)
{
	static const struct bad cases[] = {
		{ { { "\"tap\"", "\"tapp\"" } },
		    "3:30: links[0].device: \"tapp\" is not one of tap, "
		    "packet, loopback, null" },
		{ { { "\"tap\"", "\"packet\"" } },
		    "3:5: links[0]: the key \"interface\" is missing" },
		{ { { "\"tap\"", "\"loopback\", \"interface\": \"lo\"" } },
		    "3:55: links[0].interface: a loopback device has no "
		    "interface" },
		{ { { "\"tap\"", "\"null\"" } },
		    "5:15: links[0].host: only a tap has a host's side, not a "
		    "null device" },
		{ { { "\"mtu\": 1500", "\"interface\": \"a/b\"" } },
		    "3:50: links[0].interface: \"a/b\" can not name an "
		    "interface" },
		{ { { "\"mtu\": 1500", "\"interface\": \"\"" } },
		    "3:50: links[0].interface: an interface's name must not be "
		    "empty" },
		{ { { "\"mtu\": 1500",
		      "\"interface\": \"sixteen-letters-\"" } },
		    "3:50: links[0].interface: \"sixteen-letters-\" is longer "
		    "than 15 characters, which the kernel does not allow" },
		{ { { "{ \"name\": \"a\"",
		      "{ \"name\": \"b\", \"device\": \"tap\", \"interface\": "
		      "\"a\" },\n    { \"name\": \"a\"" } },
		    "4:5: links[1]: links[0] has the interface \"a\" too" },
		{ { { "02:00:00:00:00:02", "02:00:00:00:00" } },
		    "4:14: links[0].mac: \"02:00:00:00:00\" is not a MAC "
		    "address such as 02:00:00:00:00:02" },
		{ { { "02:00:00:00:00:02", "02:00:00:00:00:0g" } },
		    "4:14: links[0].mac: \"02:00:00:00:00:0g\" is not a MAC "
		    "address such as 02:00:00:00:00:02" },
		{ { { "02:00:00:00:00:02", "00:00:00:00:00:00" } },
		    "4:14: links[0].mac: a MAC address must not be zero" },
		{ { { "02:00:00:00:00:02", "03:00:00:00:00:02" } },
		    "4:14: links[0].mac: \"03:00:00:00:00:02\" is the address "
		    "of a group; its first byte must be even" },
		{ { { "\"mtu\": 1500", "\"proc\": \"linkd2\"" } },
		    "3:45: links[0].proc: there is no process \"linkd2\"" },
		{ { { "\"mtu\": 1500", "\"proc\": \"ipd\"" } },
		    "3:45: links[0].proc: \"ipd\" is ipd, but only a linkd can "
		    "have a link" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- addresses ---- */

static void refuses_addresses(void **state)
{
	static const struct bad cases[] = {
		{ { { "192.0.2.2/24", "192.0.2.2" } },
		    "4:49: links[0].addresses[0]: \"192.0.2.2\" has no prefix; "
		    "write it as \"192.0.2.2/24\"" },
		{ { { "2001:db8::2/64", "2001:db8::2" } },
		    "4:65: links[0].addresses[1]: \"2001:db8::2\" has no "
		    "prefix; write it as \"2001:db8::2/64\"" },
		{ { { "192.0.2.2/24", "192.0.2.2/33" } },
		    "4:49: links[0].addresses[0]: a prefix of 33 bits is too "
		    "long, IPv4 addresses have 32" },
		{ { { "2001:db8::2/64", "2001:db8::2/129" } },
		    "4:65: links[0].addresses[1]: a prefix of 129 bits is too "
		    "long, IPv6 addresses have 128" },
		{ { { "192.0.2.2/24", "192.0.2.2/" } },
		    "4:49: links[0].addresses[0]: \"/\" is not the length of a "
		    "prefix" },
		{ { { "192.0.2.2/24", "192.0.2.2/-1" } },
		    "4:49: links[0].addresses[0]: \"/-1\" is not the length of "
		    "a prefix" },
		{ { { "192.0.2.2/24", "192.0.2/24" } },
		    "4:49: links[0].addresses[0]: \"192.0.2\" is not an IPv4 "
		    "or IPv6 address" },
		{ { { "192.0.2.2/24", "224.0.0.1/24" } },
		    "4:49: links[0].addresses[0]: 224.0.0.1 is the address of "
		    "a group" },
		{ { { "2001:db8::2/64", "ff02::1/64" } },
		    "4:65: links[0].addresses[1]: ff02::1 is the address of a "
		    "group" },
		{ { { "192.0.2.2/24", "0.0.0.0/24" } },
		    "4:49: links[0].addresses[0]: 0.0.0.0 means no address, it "
		    "can not be one" },
		{ { { "2001:db8::2/64", "::/64" } },
		    "4:65: links[0].addresses[1]: :: means no address, it can "
		    "not be one" },
		{ { { "192.0.2.2/24", "255.255.255.255/32" } },
		    "4:49: links[0].addresses[0]: 255.255.255.255 is the "
		    "broadcast address" },
		{ { { "192.0.2.2/24", "0.1.2.3/8" } },
		    "4:49: links[0].addresses[0]: 0.1.2.3 lies in 0.0.0.0/8, "
		    "which no host may use (RFC 1122, 3.2.1.3)" },
		{ { { "192.0.2.2/24", "241.0.0.1/8" } },
		    "4:49: links[0].addresses[0]: 241.0.0.1 lies in "
		    "240.0.0.0/4, which is reserved" },
		{ { { "192.0.2.2/24", "127.0.0.1/8" } },
		    "4:49: links[0].addresses[0]: 127.0.0.1 belongs on a "
		    "loopback device" },
		{ { { "192.0.2.2/24", "192.0.2.0/24" } },
		    "4:49: links[0].addresses[0]: 192.0.2.0/24 is the subnet's "
		    "own address, not one in it" },
		{ { { "192.0.2.2/24", "192.0.2.255/24" } },
		    "4:49: links[0].addresses[0]: 192.0.2.255/24 is the "
		    "subnet's broadcast address" },
		{ { { "2001:db8::2/64", "2001:db8::/64" } },
		    "4:65: links[0].addresses[1]: 2001:db8::/64 is the "
		    "subnet's own address, not one in it" },
		{ { { "2001:db8::2/64", "::ffff:192.0.2.9/120" } },
		    "4:65: links[0].addresses[1]: \"::ffff:192.0.2.9\" is an "
		    "IPv4 address in IPv6 form; write it as IPv4" },
		{ { { "2001:db8::2/64", "192.0.2.2/25" } },
		    "4:65: links[0].addresses[1]: 192.0.2.2 is given twice" },
		{ { { "192.0.2.1/24", "192.0.2.2/24" } },
		    "5:16: links[0].host[0]: 192.0.2.2 is ours already, the "
		    "host needs another" },
		{ { { "\"192.0.2.1/24\"",
		      "\"192.0.2.1/24\", \"192.0.2.1/24\"" } },
		    "5:32: links[0].host[1]: 192.0.2.1 is given twice" },
		{ { { "\"host\": [\"192.0.2.1/24\"] }",
		      "\"host\": [\"192.0.2.1/24\"] },\n    { \"name\": \"b\", "
		      "\"device\": \"null\", \"addresses\": [\"192.0.2.1/24\"] "
		      "}" } },
		    "6:52: links[1].addresses[0]: 192.0.2.1 is the host's on "
		    "the link \"a\"" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- routes ---- */

static void refuses_routes(void **state)
{
	static const struct bad cases[] = {
		{ { { "\"via\": \"192.0.2.1\"", "\"via\": \"203.0.113.1\"" } },
		    "7:31: routes[0].via: 203.0.113.1 is in no subnet of any "
		    "link" },
		{ { { "\"via\": \"192.0.2.1\"", "\"via\": \"192.0.2.2\"" } },
		    "7:31: routes[0].via: 192.0.2.2 is our own address, no "
		    "gateway" },
		{ { { "\"via\": \"192.0.2.1\"", "\"via\": \"192.0.2.255\"" } },
		    "7:31: routes[0].via: 192.0.2.255 is a subnet's broadcast "
		    "address, no gateway" },
		{ { { "\"via\": \"192.0.2.1\"", "\"via\": \"192.0.2.1/24\"" } },
		    "7:31: routes[0].via: \"192.0.2.1/24\" is not an IPv4 or "
		    "IPv6 address" },
		{ { { "\"via\": \"192.0.2.1\"", "\"via\": \"224.0.0.1\"" } },
		    "7:31: routes[0].via: 224.0.0.1 is the address of a "
		    "group" },
		{ { { "\"via\": \"192.0.2.1\"", "\"link\": \"b\"" } },
		    "7:32: routes[0].link: there is no link \"b\"" },
		{ { { "\"via\": \"192.0.2.1\"", "\"link\": \"a\"" } },
		    "7:13: routes[0].to: \"default\" without a gateway; write "
		    "\"0.0.0.0/0\" or \"::/0\"" },
		{ { { "\"via\": \"192.0.2.1\"", "\"metric\": 1" } },
		    "7:5: routes[0]: needs \"via\" or \"link\"" },
		{ { { "\"via\": \"192.0.2.1\"",
		      "\"via\": \"192.0.2.1\", \"metric\": -1" } },
		    "7:54: routes[0].metric: -1 is below 0, the smallest "
		    "allowed" },
		{ { { "\"to\": \"default\"", "\"to\": \"anywhere\"" } },
		    "7:13: routes[0].to: \"anywhere\" is not an IPv4 or IPv6 "
		    "address" },
		{ { { "\"to\": \"default\"", "\"to\": \"203.0.113.1/24\"" } },
		    "7:13: routes[0].to: 203.0.113.1 has bits set beyond its "
		    "prefix of 24" },
		{ { { "\"to\": \"default\"", "\"to\": \"203.0.113.1\"" } },
		    "7:13: routes[0].to: \"203.0.113.1\" has no prefix; write "
		    "it as \"203.0.113.1/32\"" },
		{ { { "\"to\": \"default\"", "\"to\": \"::/0\"" } },
		    "7:13: routes[0].to: :: and its gateway are of different "
		    "families" },
		{ { { "\"via\": \"192.0.2.1\" }",
		      "\"via\": \"192.0.2.1\" }, { \"to\": \"0.0.0.0/0\", "
		      "\"via\": \"192.0.2.3\" }" } },
		    "7:46: routes[1]: routes[0] leads there with the same "
		    "metric" },
		{ { { "{ \"name\": \"a\"",
			"{ \"name\": \"b\", \"device\": \"tap\", "
			"\"addresses\": [\"2001:db8:1::2/64\"] },\n    { "
			"\"name\": \"a\"" },
		      { "\"via\": \"192.0.2.1\"", "\"via\": \"fe80::1\"" } },
		    "8:31: routes[0].via: fe80::1 could be on several links; "
		    "say which with \"link\"" },
		{ { { "{ \"name\": \"a\"",
			"{ \"name\": \"b\", \"device\": \"tap\", "
			"\"addresses\": [\"198.51.100.2/24\"] },\n    { "
			"\"name\": \"a\"" },
		      { "\"via\": \"192.0.2.1\"",
			  "\"via\": \"192.0.2.1\", \"link\": \"b\"" } },
		    "8:31: routes[0].via: 192.0.2.1 is in no subnet of the "
		    "link \"b\"" },
		{ { { "{ \"name\": \"a\"",
			"{ \"name\": \"b\", \"device\": \"null\" },\n    { "
			"\"name\": \"a\"" },
		      { "\"to\": \"default\", \"via\": \"192.0.2.1\"",
			  "\"to\": \"203.0.113.0/24\", \"link\": \"b\"" } },
		    "8:5: routes[0]: the link \"b\" has no IPv4 address" },
	};

	(void)state;
	refuses_all(CASES(cases));
}

/* ---- processes and rings ---- */

static void refuses_wirings(void **state)
{
	static const struct bad cases[] = {
		{ { { "\"layer\": \"ipd\"", "\"layer\": \"ip\"" } },
		    "10:31: processes[1].layer: \"ip\" is not one of linkd, "
		    "ipd, tcpd, udpd" },
		{ { { "\"spin_us\": 20", "\"log\": \"verbose\"" } },
		    "9:49: processes[0].log: \"verbose\" is not one of error, "
		    "warn, info, debug" },
		{ { { "\"to\": \"ipd\", \"slots\"",
		      "\"to\": \"ipdd\", \"slots\"" } },
		    "13:30: rings[0].to: there is no process \"ipdd\"" },
		{ { { "\"to\": \"ipd\", \"slots\"",
		      "\"to\": \"linkd\", \"slots\"" } },
		    "13:5: rings[0]: leads from \"linkd\" to itself" },
		{ { { "\"to\": \"ipd\", \"slots\"",
		      "\"to\": \"tcpd\", \"slots\"" } },
		    "13:5: rings[0]: joins linkd with tcpd, but a ring has ipd "
		    "at just one of its ends" },
		{ { { "{ \"from\": \"tcpd\"",
		      "{ \"from\": \"ipd\", \"to\": \"tcpd\" },\n    { "
		      "\"from\": \"tcpd\"" } },
		    "16:5: rings[3]: rings[2] leads from \"ipd\" to \"tcpd\" "
		    "too" },
		{ { { "256", "100" } },
		    "13:46: rings[0].slots: 100 is not a power of two" },
		{ { { "256", "32" } },
		    "13:46: rings[0].slots: 32 is below 64, the smallest "
		    "allowed" },
		{ { { "256", "131072" } },
		    "13:46: rings[0].slots: 131072 is above 65536, the largest "
		    "allowed" },
		{ { { "\"layer\": \"linkd\"", "\"layer\": \"udpd\"" } },
		    "8:16: processes: none of them is a linkd" },
		{ { { "\"layer\": \"ipd\"", "\"layer\": \"udpd\"" } },
		    "13:5: rings[0]: joins linkd with udpd, but a ring has ipd "
		    "at just one of its ends" },
		{ { { "\"layer\": \"tcpd\"", "\"layer\": \"ipd\"" } },
		    "15:5: rings[2]: joins ipd with ipd, but a ring has ipd at "
		    "just one of its ends" },
		{ { { ",\n    { \"from\": \"tcpd\", \"to\": \"ipd\" }", "" } },
		    "15:5: rings[2]: there is no ring back from \"tcpd\" to "
		    "\"ipd\"" },
		{ { { "{ \"from\": \"ipd\", \"to\": \"tcpd\" },\n    { "
		      "\"from\": \"tcpd\", \"to\": \"ipd\" }",
			"X" },
		      { ",\n    X", "" } },
		    "11:5: processes[2]: tcpd \"tcpd\" has no rings to and "
		    "from ipd" },
		{ { { "{ \"from\": \"linkd\", \"to\": \"ipd\", \"slots\": 256 "
		      "},\n    { \"from\": \"ipd\", \"to\": \"linkd\" },\n    ",
		      "" } },
		    "9:5: processes[0]: linkd \"linkd\" has no rings to and "
		    "from ipd" },
		{ { { "{ \"name\": \"tcpd\"",
		      "{ \"name\": \"linkd2\", \"layer\": \"linkd\" },\n    { "
		      "\"name\": \"tcpd\"" } },
		    "3:5: links[0]: there are 2 linkds; say which of them has "
		    "this link with \"proc\"" },
		{ { { "{ \"name\": \"tcpd\"",
			"{ \"name\": \"linkd2\", \"layer\": \"linkd\" },\n    "
			"{ \"name\": \"tcpd\"" },
		      { "\"mtu\": 1500", "\"proc\": \"linkd\"" } },
		    "11:5: processes[2]: linkd \"linkd2\" has no rings to and "
		    "from ipd" },
		{ { { "{ \"name\": \"tcpd\"",
			"{ \"name\": \"linkd2\", \"layer\": \"linkd\" },\n    "
			"{ \"name\": \"tcpd\"" },
		      { "\"mtu\": 1500", "\"proc\": \"linkd\"" },
		      { "\"from\": \"tcpd\", \"to\": \"ipd\" }",
			  "\"from\": \"tcpd\", \"to\": \"ipd\" },\n    { "
			  "\"from\": \"ipd\", \"to\": \"linkd2\" }, { "
			  "\"from\": \"linkd2\", \"to\": \"ipd\" }" } },
		    "11:5: processes[2]: linkd \"linkd2\" has no link" },
	};

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
	char edit[32], sentence[128], *text = strdup(GOOD);

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
	char many[4096] = "\"links\": [ ", *text = strdup(GOOD);
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
		cmocka_unit_test(refuses_keys_and_types),
		cmocka_unit_test(refuses_names),
		cmocka_unit_test(refuses_numbers),
		cmocka_unit_test(refuses_links),
		cmocka_unit_test(refuses_addresses),
		cmocka_unit_test(refuses_routes),
		cmocka_unit_test(refuses_wirings),
		cmocka_unit_test(refuses_what_is_no_topology),
		cmocka_unit_test(refuses_a_cpu_that_is_not_there),
		cmocka_unit_test(refuses_too_many_entries),
		cmocka_unit_test(refuses_too_many_addresses_in_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
