/*
 * test_ss.c - sockets as text and as JSON (api/command/ss*.c)
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/command/ss.h"

static const struct ip_addr ours = {
	{ [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 2 }
};
static const struct ip_addr local6 = { { 0xfe, 0x80, [15] = 1 } };

static struct ask_socket connection(void)
{
	return (struct ask_socket){
		.bytes = sizeof(struct ask_socket),
		.proto = IPPROTO_TCP,
		.state = SOCKET_ESTABLISHED,
		.family = AF_INET,
		.app = ASK_NO_APP,
		.local = { .ip = ours, .port = 80, .link = LINK_ANY },
		.peer = { .ip = ours, .port = 60000, .link = LINK_ANY },
		.rxq = 12,
		.txq = 3456,
		.congestion = "reno",
		.info = {
			.tcpi_options = TCPI_OPT_SACK | TCPI_OPT_WSCALE,
			.tcpi_snd_wscale = 3,
			.tcpi_rcv_wscale = 7,
			.tcpi_rto = 204000,
			.tcpi_rtt = 1500,
			.tcpi_rttvar = 750,
			.tcpi_snd_mss = 1000,
			.tcpi_snd_cwnd = 10,
			.tcpi_snd_ssthresh = INT32_MAX,
			.tcpi_retrans = 1,
			.tcpi_total_retrans = 4,
			.tcpi_pacing_rate = UINT64_MAX,
		},
	};
}

static const char *line(const struct ss_options *o, const struct ask_socket *k)
{
	static const struct ask_file f = { .link = { "wan" } };
	static char text[4096];
	FILE *to = fmemopen(text, sizeof(text), "w");

	ss_print(to, o, &f, k);
	fclose(to);
	return text;
}

static void a_line_as_ss_has_it(void **state)
{
	struct ss_options o = { .tcp = true, .numeric = true };
	struct ask_socket k = connection();

	(void)state;
	assert_string_equal(line(&o, &k),
	    "ESTAB          12   3456                 192.0.2.2:80"
	    "              192.0.2.2:60000\n");
	o.udp = true;
	assert_memory_equal(line(&o, &k), "tcp   ESTAB", 11);
	o.numeric = false;
	assert_non_null(strstr(line(&o, &k), "192.0.2.2:http "));
	k.local = (struct app_name){ .ip = local6, .port = 1, .link = 0 };
	k.peer = (struct app_name){ .ip = ip_any6, .link = LINK_ANY };
	o.numeric = true;
	assert_non_null(strstr(line(&o, &k), " [fe80::1%wan]:1 "));
	assert_non_null(strstr(line(&o, &k), " [::]:*\n"));
}

static void what_is_inside(void **state)
{
	struct ss_options o = { .tcp = true, .info = true };
	struct ask_socket k = connection();
	const char *text = line(&o, &k);

	(void)state;
	assert_non_null(strstr(text,
	    "\n\t sack reno wscale:3,7 rto:204 "
	    "rtt:1.5/0.75 mss:1000 cwnd:10 send "));
	/* 10 segments of 1,000 bytes in 1.5 ms. */
	assert_non_null(strstr(text, " send 53.3Mbps"));
	assert_non_null(strstr(text, " retrans:1/4"));
	assert_null(strstr(text, "ssthresh"));
	assert_null(strstr(text, "pacing_rate"));
	k.info.tcpi_snd_ssthresh = 7;
	k.info.tcpi_pacing_rate = 125000000;
	text = line(&o, &k);
	assert_non_null(strstr(text, " ssthresh:7 "));
	assert_non_null(strstr(text, " pacing_rate 1.0Gbps"));
}

static void timers_in_words(void **state)
{
	static const struct {
		uint32_t ms;
		const char *text;
	} cases[] = {
		{ 320, " timer:(on,320ms,2)\n" },
		{ 4820, " timer:(on,4.8sec,2)\n" },
		{ 59999, " timer:(on,59sec,2)\n" },
		{ 7200000, " timer:(on,120min,2)\n" },
	};
	struct ss_options o = { .timers = true };
	struct ask_socket k = connection();

	(void)state;
	assert_null(strstr(line(&o, &k), "timer"));
	k.timer = ASK_TIMER_ON;
	k.tries = 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		k.timer_ms = cases[i].ms;
		assert_non_null(strstr(line(&o, &k), cases[i].text));
	}
}

static void which_are_wanted(void **state)
{
	struct ask_socket k = connection();
	struct ss_options o = { .tcp = false };

	(void)state;
	assert_true(ss_wanted(&o, &k));
	o.udp = true;
	assert_false(ss_wanted(&o, &k));
	o = (struct ss_options){ .listening = true };
	assert_false(ss_wanted(&o, &k));
	k.state = SOCKET_LISTEN;
	assert_true(ss_wanted(&o, &k));
	o.v6 = true;
	assert_false(ss_wanted(&o, &k));
	o = (struct ss_options){ .tcp = true };
	assert_false(ss_wanted(&o, &k));
	k.state = SOCKET_TIME_WAIT;
	assert_false(ss_wanted(&o, &k));
	o.all = true;
	assert_true(ss_wanted(&o, &k));
}

static void memory_of_queues(void **state)
{
	struct ss_options o = { .memory = true };
	struct ask_socket k = connection();

	(void)state;
	k.rcvbuf = 4096;
	k.sndbuf = 8192;
	k.dropped = 3;
	assert_non_null(
	    strstr(line(&o, &k), "\n\t skmem:(r12,rb4096,w3456,tb8192,d3)\n"));
	/* Of a listener the queues are of connections. */
	k.state = SOCKET_LISTEN;
	assert_non_null(strstr(line(&o, &k), "(r0,rb4096,w0,"));
}

static void a_state_is_wanted_whatever_else(void **state)
{
	struct ask_socket k = connection();
	struct ss_options o = { .listening = true,
		.filter = { .states = 1 << SOCKET_TIME_WAIT } };

	(void)state;
	assert_false(ss_wanted(&o, &k));
	k.state = SOCKET_TIME_WAIT;
	assert_true(ss_wanted(&o, &k));
	k.state = SOCKET_LISTEN;
	assert_false(ss_wanted(&o, &k));
}

static void they_are_summed_up(void **state)
{
	struct ask_socket k = connection();
	struct ss_sum s = { .all = 0 };
	char text[1024];
	FILE *to = fmemopen(text, sizeof(text), "w");
	json_t *j;

	(void)state;
	ss_sum_add(&s, &k); /* no app has it: an orphan */
	k.app = 1;
	k.family = AF_INET6;
	ss_sum_add(&s, &k);
	k.state = SOCKET_TIME_WAIT;
	k.app = ASK_NO_APP;
	ss_sum_add(&s, &k);
	k.proto = IPPROTO_ICMPV6;
	ss_sum_add(&s, &k);
	ss_sum_print(to, &s);
	fclose(to);
	assert_non_null(strstr(text, "Total: 4\n"));
	assert_non_null(strstr(
	    text, "TCP:   3 (estab 2, closed 0, orphaned 1, timewait 1)\n"));
	assert_non_null(strstr(text, "\nTCP       3         1         2\n"));
	assert_non_null(strstr(text, "\nICMP      1         0         1\n"));
	assert_non_null(strstr(text, "\nINET      4         1         3\n"));
	j = ss_sum_json(&s);
	assert_int_equal(json_integer_value(json_object_get(j, "total")), 4);
	json_decref(j);
}

/* What a daemon says is checked before it indexes anything. */
static void lies_are_no_records(void **state)
{
	struct ask_socket k = connection(), got;
	const uint8_t *at = (const uint8_t *)&k;

	(void)state;
	assert_int_equal(ss_read(&got, at, sizeof(k)), 0);
	assert_memory_equal(&got, &k, sizeof(k));
	for (size_t len = 0; len < sizeof(k); len++)
		assert_int_equal(ss_read(&got, at, len), -EPROTO);
	k.state = SOCKET_NSTATES;
	assert_int_equal(ss_read(&got, at, sizeof(k)), -EPROTO);
	k = connection();
	k.timer = ASK_NTIMERS;
	assert_int_equal(ss_read(&got, at, sizeof(k)), -EPROTO);
	k = connection();
	k.app = APP_MAX;
	assert_int_equal(ss_read(&got, at, sizeof(k)), -EPROTO);
	k = connection();
	k.bytes = 0;
	assert_int_equal(ss_read(&got, at, sizeof(k)), -EPROTO);
	k.bytes = ASK_SOCKET_SHORT;
	assert_int_equal(ss_read(&got, at, ASK_SOCKET_SHORT), 0);
	assert_int_equal(got.info.tcpi_rtt, 0);
}

static void the_same_for_programs(void **state)
{
	struct ask_file f = { .link = { "wan" } };
	struct ask_socket k = connection();
	json_t *o, *i;

	(void)state;
	k.app = 2;
	k.sub = 9;
	f.app[2].pid = (uint32_t)getpid();
	o = ss_json(&f, &k);
	i = json_object_get(o, "info");
	assert_string_equal(
	    json_string_value(json_object_get(o, "state")), "ESTAB");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "send_q")), 3456);
	assert_int_equal(json_integer_value(json_object_get(i, "rtt")), 1500);
	assert_int_equal(
	    json_integer_value(json_object_get(i, "rcv_wscale")), 7);
	assert_true(json_is_null(json_object_get(i, "pacing_rate")));
	assert_int_equal(json_array_size(json_object_get(i, "options")), 2);
	i = json_object_get(o, "owner");
	assert_string_equal(
	    json_string_value(json_object_get(i, "program")), "test_ss");
	assert_int_equal(json_integer_value(json_object_get(i, "socket")), 9);
	json_decref(o);
	k.bytes = ASK_SOCKET_SHORT;
	o = ss_json(&f, &k);
	assert_null(json_object_get(o, "info"));
	json_decref(o);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_as_ss_has_it),
		cmocka_unit_test(what_is_inside),
		cmocka_unit_test(timers_in_words),
		cmocka_unit_test(which_are_wanted),
		cmocka_unit_test(memory_of_queues),
		cmocka_unit_test(a_state_is_wanted_whatever_else),
		cmocka_unit_test(they_are_summed_up),
		cmocka_unit_test(lies_are_no_records),
		cmocka_unit_test(the_same_for_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
