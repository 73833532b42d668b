/*
 * test_ipd_look.c - where a packet would go: the answer, and what is said of it
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "api/command/route_get.h"
#include "shm/ask_way.h"
#include "tests/unit/ipd_world.h"

static struct ask ask(const char *to, const char *from)
{
	struct ask q = { .version = ASK_VERSION,
		.op = ASK_WAY,
		.link = LINK_ANY,
		.ip = world_ip(to) };

	if (from != NULL) {
		q.has_via = 1;
		q.via = world_ip(from);
	}
	return q;
}

static int look(struct world *w, const struct ask *q, struct ask_way *ret)
{
	static struct ask_chunk c;
	int r;

	c.len = 0;
	r = ipd_look(w->ip, q, &c);
	if (r == 0)
		assert_int_equal(way_read(ret, c.bytes, c.len), 0);
	return r;
}

static const char *said(const struct ask *q, const struct ask_way *way)
{
	static const struct ask_file f = { .link = { "a", "b" } };
	static char text[256];
	FILE *to = fmemopen(text, sizeof(text), "w");

	way_print(to, q, &f, way);
	fclose(to);
	return text;
}

static void the_way_in_words(void **state)
{
	static const struct {
		const char *to, *from, *text;
	} cases[] = {
		{ "192.0.2.9", NULL,
		    "192.0.2.9 dev a src 192.0.2.2 mtu 1500\n"
		    "    by the route 192.0.2.0/24\n" },
		{ "203.0.113.5", NULL,
		    "203.0.113.5 via 192.0.2.1 dev a src 192.0.2.2 mtu 1500\n"
		    "    by the default route\n" },
		{ "203.0.113.5", "198.51.100.2",
		    "203.0.113.5 via 192.0.2.1 dev a src 198.51.100.2 mtu "
		    "1500\n    by the default route\n" },
		{ "2001:db8:1::5", NULL,
		    "2001:db8:1::5 via 2001:db8::1 dev a src 2001:db8::2 mtu "
		    "1500\n    by the default route\n" },
		{ "fd00::7", NULL,
		    "fd00::7 dev b src fd00::2 mtu 1500\n"
		    "    by the route fd00::/64\n" },
		{ "198.51.100.2", NULL,
		    "local 198.51.100.2 dev b src 198.51.100.2 mtu 65535\n" },
		{ "192.0.2.255", NULL,
		    "broadcast 192.0.2.255 dev a src 192.0.2.2 mtu 1500\n" },
		{ "239.1.1.1", NULL,
		    "multicast 239.1.1.1 dev a src 192.0.2.2 mtu 1500\n" },
	};
	struct world *w = world_open("");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ask q = ask(cases[i].to, cases[i].from);
		struct ask_way way = { .mtu = 0 };

		if (look(w, &q, &way) != 0)
			fail_msg("no way to %s", cases[i].to);
		assert_string_equal(said(&q, &way), cases[i].text);
	}
	world_close(w);
}

static void no_way(void **state)
{
	static const struct {
		const char *to, *from;
		int err;
	} cases[] = {
		{ "fe80::9", NULL, ENETUNREACH }, /* on which of two? */
		{ "203.0.113.5", "192.0.2.9", EADDRNOTAVAIL },
		{ "203.0.113.5", "127.0.0.1", EADDRNOTAVAIL },
		{ "203.0.113.5", "2001:db8::2", EINVAL },
		{ "203.0.113.5", "0.0.0.0", EINVAL },
		{ "0.0.0.0", NULL, EINVAL },
		{ "::", NULL, EINVAL },
	};
	struct world *w = world_open("");
	struct ask other = { .op = ASK_SOCKETS };
	struct ask_way way = { .mtu = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ask q = ask(cases[i].to, cases[i].from);

		if (look(w, &q, &way) != -cases[i].err)
			fail_msg("to %s", cases[i].to);
	}
	assert_int_equal(look(w, &other, &way), -EOPNOTSUPP);
	world_close(w);
}

static void a_link_may_be_said(void **state)
{
	struct world *w = world_open("");
	struct ask q = ask("fe80::9", NULL);
	struct ask_way way = { .mtu = 0 };

	(void)state;
	q.link = LINK_A;
	assert_int_equal(look(w, &q, &way), 0);
	assert_int_equal(way.link, LINK_A);
	q = ask("203.0.113.5", NULL);
	q.link = LINK_B; /* there is no default route by it */
	assert_int_equal(look(w, &q, &way), -ENETUNREACH);
	q.link = 7;
	assert_int_equal(look(w, &q, &way), -ENETUNREACH);
	world_close(w);
}

/* What a router has said of the path holds for ten minutes. */
static void the_path_is_narrower_than_the_link(void **state)
{
	struct world *w = world_open("");
	struct ask q = ask("203.0.113.5", NULL);
	uint8_t p[2000],
	    sent[28] = { 0x45, 0, 0x05, 0xdc, 0, 0, 0x40, 0, 64, IPPROTO_UDP };
	struct ask_way way = { .mtu = 0 };
	json_t *o;

	(void)state;
	memcpy(sent + 12, world_ip("192.0.2.2").b + 12, 4);
	memcpy(sent + 16, world_ip("203.0.113.5").b + 12, 4);
	be16_put(sent + 10, csum_fold(csum_add(0, sent, 20)));
	be16_put(sent + 22, 7);
	world_rx(w, p,
	    make_icmp(
		p, "192.0.2.1", "192.0.2.2", 3, 4, 1400, sent, sizeof(sent)),
	    (struct desc){ .link = LINK_A });
	assert_int_equal(look(w, &q, &way), 0);
	assert_int_equal(way.mtu, 1500);
	assert_int_equal(way.path_mtu, 1400);
	assert_in_range(way.path_ms, PMTU_AGE_MS - 1000, PMTU_AGE_MS);
	way.path_ms = 597999;
	assert_string_equal(said(&q, &way),
	    "203.0.113.5 via 192.0.2.1 dev a src 192.0.2.2 mtu 1500\n"
	    "    by the default route\n"
	    "    cache expires 597sec mtu 1400\n");
	o = way_json(&q, &(struct ask_file){ .link = { "a" } }, &way);
	assert_int_equal(json_integer_value(json_object_get(
			     json_object_get(o, "path"), "mtu")),
	    1400);
	assert_string_equal(
	    json_string_value(json_object_get(o, "via")), "192.0.2.1");
	json_decref(o);
	w->ip->n.now = mono_add_ms(w->ip->n.now, PMTU_AGE_MS);
	assert_int_equal(look(w, &q, &way), 0);
	assert_int_equal(way.path_mtu, 0);
	world_close(w);
}

static void lies_are_no_way(void **state)
{
	static const struct ask_way two[2] = { { .mtu = 1500 } };
	static const struct ask_way bad[] = { { .kind = 4 },
		{ .link = TOPO_MAX_LINKS }, { .plen = 129 } };
	struct ask_way got = { .mtu = 7 };

	(void)state;
	assert_int_equal(
	    way_read(&got, (const void *)two, sizeof(got) - 1), -EPROTO);
	assert_int_equal(
	    way_read(&got, (const void *)two, sizeof(two)), -EPROTO);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    way_read(&got, (const void *)&bad[i], sizeof(got)),
		    -EPROTO);
	assert_int_equal(got.mtu, 7);
	assert_int_equal(way_read(&got, (const void *)two, sizeof(got)), 0);
	assert_int_equal(got.mtu, 1500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_in_words),
		cmocka_unit_test(no_way),
		cmocka_unit_test(a_link_may_be_said),
		cmocka_unit_test(the_path_is_narrower_than_the_link),
		cmocka_unit_test(lies_are_no_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
