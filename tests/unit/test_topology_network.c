/*
 * test_topology_network.c - each network that can't be, and its exact sentence:
 * links, addresses, routes, rings (topology_refused.h)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/topology_refused.h"

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_links),
		cmocka_unit_test(refuses_addresses),
		cmocka_unit_test(refuses_routes),
		cmocka_unit_test(refuses_wirings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
