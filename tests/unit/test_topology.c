/*
 * test_topology.c - good files load as they are written
 */
#include "shm/topology.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/names.h"
#include "shm/topology_mac.h"
#include "shm/wiring.h"

/* One of ours by its text, as the file has it. */
static void assert_addr(
    const struct topo_addr *a, const char *text, unsigned plen)
{
	char buf[IP_TEXT_LEN];

	assert_string_equal(ip_text(&a->ip, buf), text);
	assert_int_equal(a->plen, plen);
}

static void assert_route(const struct topo_route *r, const char *net,
    unsigned plen, const char *via, unsigned link)
{
	char buf[IP_TEXT_LEN];

	assert_string_equal(ip_text(&r->net, buf), net);
	assert_int_equal(r->plen, plen);
	assert_true(r->has_via);
	assert_string_equal(ip_text(&r->via, buf), via);
	assert_int_equal(r->link, link);
}

static void loads_or_fails(struct topology *t, const char *path)
{
	char error[TOPO_ERROR_LEN] = "";

	if (topology_load(t, path, error) < 0)
		fail_msg("%s", error);
}

/* ---- good files ---- */

static void loads_the_tap(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/tap.json");
	assert_string_equal(t.name, "tap");
	assert_int_equal(t.nlinks, 1);
	assert_string_equal(t.links[0].name, "tap0");
	assert_int_equal(t.links[0].device, DEVICE_TAP);
	assert_string_equal(t.links[0].ifname, "tap0");
	assert_memory_equal(t.links[0].mac, mac, 6);
	assert_true(t.links[0].mac_given);
	assert_int_equal(t.links[0].mtu, 1500);
	assert_true(t.links[0].offload);
	assert_false(t.links[0].acd);
	assert_int_equal(t.links[0].dad_transmits, 1);
	assert_int_equal(t.links[0].nhost, 2);
	assert_addr(&t.links[0].host[0], "192.0.2.1", 24);
	assert_addr(&t.links[0].host[1], "2001:db8::1", 64);
	assert_int_equal(t.naddrs, 3);
	assert_addr(&t.addrs[0], "192.0.2.2", 24);
	assert_addr(&t.addrs[1], "2001:db8::2", 64);
	assert_addr(&t.addrs[2], "fe80::ff:fe00:2", 64);
	assert_int_equal(t.nroutes, 2);
	assert_route(&t.routes[0], "0.0.0.0", 0, "192.0.2.1", 0);
	assert_route(&t.routes[1], "::", 0, "2001:db8::1", 0);
}

/* linkd, ipd, tcpd, udpd and the six rings, as all our files have them. */
static void assert_usual_wiring(const struct topology *t)
{
	static const uint8_t rings[][2] = {
		{ 0, 1 },
		{ 1, 0 },
		{ 1, 2 },
		{ 2, 1 },
		{ 1, 3 },
		{ 3, 1 },
	};

	assert_int_equal(t->nprocs, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct topo_proc *p = &t->procs[i];

		assert_int_equal(p->layer, i);
		assert_string_equal(p->name, layer_name(p->layer));
		assert_int_equal(p->cpu, -1);
		assert_int_equal(p->spin_us, 20);
		assert_int_equal(p->log, LOG_INFO);
		assert_int_equal(p->small_slots, i == 0 ? 1024 : 512);
		assert_int_equal(p->big_slots, i == 0 ? 48 : 24);
	}
	assert_int_equal(t->nrings, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(t->rings[i].from, rings[i][0]);
		assert_int_equal(t->rings[i].to, rings[i][1]);
		assert_int_equal(t->rings[i].slots, 1024);
	}
}

static void fills_in_every_default(void **state)
{
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/tap.json");
	assert_usual_wiring(&t);
	assert_int_equal(t.links[0].neighbour.reachable_ms, 30000);
	assert_int_equal(t.links[0].neighbour.retrans_ms, 1000);
	assert_int_equal(t.links[0].neighbour.delay_ms, 5000);
	assert_int_equal(t.links[0].neighbour.multicast_tries, 3);
	assert_int_equal(t.links[0].neighbour.unicast_tries, 3);
	assert_int_equal(t.links[0].neighbour.queue_bytes, 212992);
	assert_int_equal(t.links[0].neighbour.stale_s, 600);
	for (int w = 0; w < NIMPAIR_WAYS; w++) {
		assert_false(impair_is_set(&t.links[0].impair[w]));
		assert_int_equal(t.links[0].impair[w].queue_bytes, 131072);
		assert_int_equal(t.links[0].impair[w].seed, 1);
	}
	assert_int_equal(t.routes[0].metric, 0);
	assert_int_equal(t.routes[0].mtu, 0);
	assert_int_equal(t.icmp.rate, 1000);
	assert_int_equal(t.icmp.burst, 50);
	assert_int_equal(t.reassembly.timeout_ms, 60000);
	assert_int_equal(t.reassembly.max_bytes, 4194304);
	assert_int_equal(t.tcp.congestion, TOPO_CUBIC);
	assert_int_equal(t.tcp.initial_window, 10);
	assert_int_equal(t.tcp.rto_min_ms, 200);
	assert_int_equal(t.tcp.ecn, 2);
	assert_true(t.tcp.sack);
	assert_false(t.tcp.abort_on_overflow);
	assert_int_equal(t.hop_limit, 64);
	assert_false(t.forward);
}

static void loads_the_packet_socket(void **state)
{
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/packet.json");
	assert_usual_wiring(&t);
	assert_string_equal(t.name, "packet");
	assert_int_equal(t.links[0].device, DEVICE_PACKET);
	assert_string_equal(t.links[0].ifname, "veth1");
	assert_false(t.links[0].mac_given);
	assert_int_equal(t.naddrs, 3);
	assert_addr(&t.addrs[0], "198.51.100.2", 24);
	assert_addr(&t.addrs[1], "2001:db8:1::2", 64);
	assert_int_equal(t.nroutes, 2);
	assert_route(&t.routes[0], "0.0.0.0", 0, "198.51.100.1", 0);
	assert_route(&t.routes[1], "::", 0, "2001:db8:1::1", 0);
}

static void loads_the_loopback(void **state)
{
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/loopback.json");
	assert_usual_wiring(&t);
	assert_int_equal(t.links[0].device, DEVICE_LOOPBACK);
	assert_string_equal(t.links[0].ifname, "");
	assert_int_equal(t.links[0].mtu, 65521);
	assert_int_equal(t.links[0].dad_transmits, 0);
	assert_int_equal(t.naddrs, 2);
	assert_addr(&t.addrs[0], "127.0.0.1", 8);
	assert_addr(&t.addrs[1], "::1", 128);
	assert_int_equal(t.nroutes, 0);
}

static void loads_two_links(void **state)
{
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/two-links.json");
	assert_usual_wiring(&t);
	assert_true(t.forward);
	assert_int_equal(t.nlinks, 2);
	assert_string_equal(t.links[0].ifname, "left");
	assert_string_equal(t.links[1].ifname, "right");
	assert_memory_not_equal(t.links[0].mac, t.links[1].mac, 6);
	assert_int_equal(t.naddrs, 6);
	assert_int_equal(t.addrs[2].link, 0);
	assert_int_equal(t.addrs[3].link, 1);
	assert_int_equal(t.nroutes, 4);
	assert_route(&t.routes[2], "203.0.113.0", 24, "198.51.100.1", 1);
	assert_route(&t.routes[3], "2001:db8:c::", 48, "2001:db8:b::1", 1);
}

/* ---- texts of the test's own ---- */

#define WIRING                                                             \
	"\"processes\": [ { \"name\": \"l\", \"layer\": \"linkd\" }, "     \
	"{ \"name\": \"i\", \"layer\": \"ipd\", \"cpu\": 0, "              \
	"\"spin_us\": 0, \"log\": \"debug\", "                             \
	"\"pool\": { \"small\": 64, \"big\": 8 } } ], "                    \
	"\"rings\": [ { \"from\": \"l\", \"to\": \"i\", \"slots\": 64 }, " \
	"{ \"from\": \"i\", \"to\": \"l\", \"slots\": 65536 } ]"

static void parses_or_fails(struct topology *t, const char *text)
{
	char error[TOPO_ERROR_LEN] = "";

	if (topology_parse(t, text, strlen(text), "t.json", error) < 0)
		fail_msg("%s", error);
}

/* Fractions of a percent and of a millisecond; the other way is good. */
static void takes_a_bad_wire(void **state)
{
	const struct topo_impair *c;
	struct topology t;

	(void)state;
	parses_or_fails(&t,
	    "{ \"name\": \"t\", " WIRING ", "
	    "\"links\": [ { \"name\": \"n\", \"device\": \"tap\", "
	    "\"impair\": { \"tx\": { \"loss\": 0.25, \"delay_ms\": 12.5, "
	    "\"jitter_ms\": 3, \"distribution\": \"pareto\", "
	    "\"rate_mbit\": 1.5, \"queue_bytes\": 2048, \"duplicate\": 1, "
	    "\"reorder\": 100, \"corrupt\": 0.0001, \"seed\": 7 } }, "
	    "\"addresses\": [ \"10.0.0.0/31\" ] } ] }");
	assert_false(impair_is_set(&t.links[0].impair[IMPAIR_RX]));
	c = &t.links[0].impair[IMPAIR_TX];
	assert_int_equal(c->loss_ppm, 2500);
	assert_int_equal(c->delay_us, 12500);
	assert_int_equal(c->jitter_us, 3000);
	assert_int_equal(c->distribution, IMPAIR_PARETO);
	assert_int_equal(c->rate_kbit, 1500);
	assert_int_equal(c->queue_bytes, 2048);
	assert_int_equal(c->duplicate_ppm, 10000);
	assert_int_equal(c->reorder_ppm, 1000000);
	assert_int_equal(c->corrupt_ppm, 1);
	assert_int_equal(c->seed, 7);
}

/* What is given counts, down to the ends of the ranges. */
static void takes_what_is_given(void **state)
{
	struct topology t;

	(void)state;
	parses_or_fails(&t,
	    "{ \"name\": \"fifteen-letters\", " WIRING ", "
	    "\"links\": [ { \"name\": \"n\", \"device\": \"null\", "
	    "\"mtu\": 68, \"acd\": true, \"offload\": false, "
	    "\"dad_transmits\": 10, \"neighbours\": { \"stale_s\": 1 }, "
	    "\"addresses\": [ \"10.0.0.0/31\", \"10.1.1.1/32\" ] } ], "
	    "\"routes\": [ { \"to\": \"10.2.0.0/16\", \"link\": \"n\", "
	    "\"metric\": 4294967295, \"mtu\": 576 } ], "
	    "\"hop_limit\": 255, \"icmp\": { \"rate\": 0 } }");
	assert_string_equal(t.name, "fifteen-letters");
	assert_int_equal(t.links[0].mtu, 68);
	assert_true(t.links[0].acd);
	assert_false(t.links[0].offload);
	assert_int_equal(t.links[0].dad_transmits, 10);
	assert_int_equal(t.links[0].neighbour.stale_s, 1);
	assert_int_equal(t.links[0].neighbour.delay_ms, 5000);
	assert_addr(&t.addrs[0], "10.0.0.0", 31);
	assert_int_equal(t.routes[0].metric, UINT32_MAX);
	assert_int_equal(t.routes[0].mtu, 576);
	assert_false(t.routes[0].has_via);
	assert_true(ip_equal(&t.routes[0].via, &ip_any4));
	assert_int_equal(t.procs[1].cpu, 0);
	assert_int_equal(t.procs[1].spin_us, 0);
	assert_int_equal(t.procs[1].log, LOG_DEBUG);
	assert_int_equal(t.procs[1].small_slots, 64);
	assert_int_equal(t.procs[1].big_slots, 8);
	assert_int_equal(t.rings[1].slots, 65536);
	assert_int_equal(t.hop_limit, 255);
	assert_int_equal(t.icmp.rate, 0);
	assert_int_equal(t.icmp.burst, 50);
}

/* A link-local address that is given takes the place of ours. */
static void keeps_a_given_link_local_address(void **state)
{
	struct topology t;

	(void)state;
	parses_or_fails(&t,
	    "{ \"name\": \"t\", " WIRING ", "
	    "\"links\": [ { \"name\": \"n\", \"device\": \"null\", "
	    "\"addresses\": [ \"2001:db8::2/64\", \"fe80::2/64\" ] } ], "
	    "\"routes\": [ { \"to\": \"default\", \"via\": \"fe80::1\" } ]"
	    "}");
	assert_int_equal(t.naddrs, 2);
	assert_addr(&t.addrs[1], "fe80::2", 64);
	assert_route(&t.routes[0], "::", 0, "fe80::1", 0);
}

/* The second of two links of the same gateway's prefix is chosen by "link". */
static void finds_the_link_of_a_link_local_gateway(void **state)
{
	struct topology t;

	(void)state;
	parses_or_fails(&t,
	    "{ \"name\": \"t\", " WIRING ", \"links\": [ "
	    "{ \"name\": \"n\", \"device\": \"null\", "
	    "\"addresses\": [ \"2001:db8:1::2/64\" ] }, "
	    "{ \"name\": \"m\", \"device\": \"null\", "
	    "\"addresses\": [ \"2001:db8:2::2/64\" ] } ], "
	    "\"routes\": [ { \"to\": \"default\", \"via\": \"fe80::1\", "
	    "\"link\": \"m\" } ] }");
	assert_route(&t.routes[0], "::", 0, "fe80::1", 1);
}

/* A list of objects, each with its number, 0 to @n - 1, in place of every #. */
static void put_many(FILE *f, const char *object, int n)
{
	for (int i = 0; i < n; i++) {
		fputs(i ? ", " : "", f);
		for (const char *p = object; *p != '\0'; p++)
			fputc(*p == '#' ? '0' + i : *p, f);
	}
}

/* What is taken here, wiring must have room for. */
static void wires_the_largest(void **state)
{
	static struct wiring w;
	struct topology t;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	fputs("{ \"name\": \"t\", \"links\": [ ", f);
	put_many(f,
	    "{ \"name\": \"n#\", \"device\": \"null\", \"proc\": \"l#\" }", 8);
	fputs(" ], \"processes\": [ { \"name\": \"i\", \"layer\": \"ipd\" }, ",
	    f);
	put_many(f,
	    "{ \"name\": \"l#\", \"layer\": \"linkd\", "
	    "\"pool\": { \"small\": 65536, \"big\": 4096 } }",
	    8);
	fputs(", ", f);
	put_many(f, "{ \"name\": \"u#\", \"layer\": \"udpd\" }", 7);
	fputs(" ], \"rings\": [ ", f);
	put_many(f,
	    "{ \"from\": \"l#\", \"to\": \"i\" }, "
	    "{ \"from\": \"i\", \"to\": \"l#\" }",
	    8);
	fputs(", ", f);
	put_many(f,
	    "{ \"from\": \"u#\", \"to\": \"i\" }, "
	    "{ \"from\": \"i\", \"to\": \"u#\" }",
	    7);
	fputs(" ] }", f);
	fclose(f);
	parses_or_fails(&t, text);
	free(text);
	assert_int_equal(t.nprocs, TOPO_MAX_PROCS);
	assert_int_equal(t.nlinks, TOPO_MAX_LINKS);
	assert_int_equal(t.links[7].proc, 8);
	assert_int_equal(wiring_compute(&w, &t), 0);
}

/* ---- addresses from MACs ---- */

static void derives_the_same_mac_each_time(void **state)
{
	uint8_t a[6], b[6], c[6];

	(void)state;
	mac_derive(a, "one", "tap0");
	mac_derive(b, "one", "tap0");
	mac_derive(c, "two", "tap0");
	assert_memory_equal(a, b, 6);
	assert_memory_not_equal(a, c, 6);
	assert_int_equal(a[0] & 3, 2); /* local, and not a group */
}

/* RFC 4291, appendix A: the universal/local bit turns round. */
static void makes_the_modified_eui64(void **state)
{
	static const uint8_t mac[6] = { 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde };
	struct ip_addr a = mac_link_local(mac);
	char text[IP_TEXT_LEN];

	(void)state;
	assert_string_equal(ip_text(&a, text), "fe80::3656:78ff:fe9a:bcde");
}

static void follows_the_devices_mac(void **state)
{
	static const uint8_t mac[6] = { 0x02, 1, 2, 3, 4, 5 };
	struct topology t;

	(void)state;
	loads_or_fails(&t, "configs/two-links.json");
	topology_set_mac(&t, 1, mac);
	assert_memory_equal(t.links[1].mac, mac, 6);
	assert_addr(&t.addrs[5], "fe80::1:2ff:fe03:405", 64);
	assert_addr(&t.addrs[4], "2001:db8:b::2", 64);
	assert_int_equal(t.addrs[2].ip.b[0], 0xfe);
	assert_false(ip_equal(&t.addrs[2].ip, &t.addrs[5].ip));
}

/* ---- names ---- */

static void names_and_words_agree(void **state)
{
	(void)state;
	for (int i = 0; i < NLAYERS; i++)
		assert_int_equal(layer_by_name(layer_name((enum layer)i)), i);
	for (int i = 0; i < NDEVICES; i++)
		assert_int_equal(
		    device_by_name(device_name((enum device)i)), i);
	assert_int_equal(layer_by_name("arpd"), -ENOENT);
	assert_int_equal(device_by_name(""), -ENOENT);
	assert_string_equal(layer_name((enum layer)NLAYERS), "?");
}

/* ---- broken files ---- */

/* One sentence, with its place, printable, and nothing written. */
static void assert_refused(const char *text, size_t len)
{
	static struct topology t, zero;
	char error[TOPO_ERROR_LEN] = "";
	unsigned line, column;

	/* An allocation of exactly len bytes, for ASan's red zone. */
	char *cut = malloc(len ? len : 1);

	assert_non_null(cut);
	memcpy(cut, text, len);
	assert_int_equal(topology_parse(&t, cut, len, "cut", error), -EINVAL);
	assert_int_equal(sscanf(error, "cut:%u:%u: ", &line, &column), 2);
	assert_true(line >= 1 && column >= 1);
	for (const char *p = error; *p != '\0'; p++)
		assert_in_range((unsigned char)*p, ' ', '~');
	assert_memory_equal(&t, &zero, sizeof(t));
	free(cut);
}

static void refuses_every_truncation(void **state)
{
	static char text[8192];
	FILE *f = fopen("configs/tap.json", "re");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	while (text[len - 1] != '}') /* the last newline may go */
		len--;
	for (size_t cut = 0; cut < len; cut++)
		assert_refused(text, cut);
}

static void says_why_a_file_can_not_be_read(void **state)
{
	static struct topology t;
	char error[TOPO_ERROR_LEN];

	(void)state;
	assert_int_equal(topology_load(&t, "/nowhere/t.json", error), -ENOENT);
	assert_string_equal(error,
	    "/nowhere/t.json: cannot be opened: No such file or directory");
	assert_int_equal(topology_load(&t, "/", error), -EISDIR);
	assert_string_equal(error, "/: cannot be read: Is a directory");
	assert_int_equal(topology_load(&t, "/dev/zero", error), -EFBIG);
	assert_string_equal(
	    error, "/dev/zero: is larger than 1 MiB, so it is no topology");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_the_tap),
		cmocka_unit_test(fills_in_every_default),
		cmocka_unit_test(loads_the_packet_socket),
		cmocka_unit_test(loads_the_loopback),
		cmocka_unit_test(loads_two_links),
		cmocka_unit_test(takes_a_bad_wire),
		cmocka_unit_test(takes_what_is_given),
		cmocka_unit_test(keeps_a_given_link_local_address),
		cmocka_unit_test(finds_the_link_of_a_link_local_gateway),
		cmocka_unit_test(wires_the_largest),
		cmocka_unit_test(derives_the_same_mac_each_time),
		cmocka_unit_test(makes_the_modified_eui64),
		cmocka_unit_test(follows_the_devices_mac),
		cmocka_unit_test(names_and_words_agree),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(says_why_a_file_can_not_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
