/*
 * test_tcp_config.c - the topology's settings of TCP reach the parts, in their
 * units
 */
#include "tcpd/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcpd/conn.h"

static const int64_t MS = NS_PER_MS;
static const int64_t S = NS_PER_S;

/* A stack with this as its "tcp". */
static struct topo_tcp settings(const char *tcp)
{
	static struct topology t;
	char error[TOPO_ERROR_LEN] = "", text[2048];

	snprintf(text, sizeof(text),
	    "{ \"name\": \"t\", \"tcp\": { %s },"
	    "  \"links\": [ { \"name\": \"a\", \"device\": \"null\" } ],"
	    "  \"processes\": [ { \"name\": \"i\", \"layer\": \"ipd\" },"
	    "    { \"name\": \"l\", \"layer\": \"linkd\" } ],"
	    "  \"rings\": [ { \"from\": \"l\", \"to\": \"i\" },"
	    "    { \"from\": \"i\", \"to\": \"l\" } ] }",
	    tcp);
	if (topology_parse(&t, text, strlen(text), "t", error) < 0)
		fail_msg("%s", error);
	return t.tcp;
}

static struct tcp_config config(const char *tcp)
{
	struct topo_tcp from = settings(tcp);
	struct tcp_config c;

	config_read(&c, &from);
	return c;
}

/* ---- the whole stack ---- */

static void has_the_kernels_defaults(void **state)
{
	struct tcp_config c = config("");

	(void)state;
	assert_int_equal(c.rtt.initial_ns, S);
	assert_int_equal(c.rtt.min_ns, 200 * MS);
	assert_int_equal(c.rtt.max_ns, 120 * S);
	assert_int_equal(c.cc.algorithm, CC_CUBIC);
	assert_int_equal(c.cc.initial_segs, 10);
	assert_true(c.cc.hystart);
	assert_true(c.cc.restart_after_idle);
	assert_int_equal(c.ecn, ECN_ANSWER);
	assert_true(c.sack && c.dsack && c.timestamps && c.window_scale);
	assert_true(c.frto && c.tail_loss_probe && c.pacing);
	assert_true(c.moderate_rcvbuf && c.rfc1337);
	assert_false(c.abort_on_overflow);
	assert_int_equal(c.syn_cookies, 1);
	assert_int_equal(c.mtu_probing, 1);
	assert_int_equal(c.syn_retries, 7);
	assert_int_equal(c.synack_retries, 5);
	assert_int_equal(c.retries, 15);
	assert_int_equal(c.orphan_retries, 8);
	assert_int_equal(c.ack_delay_ns, 40 * MS);
	assert_int_equal(c.fin_timeout_ns, 60 * S);
	assert_int_equal(c.time_wait_ns, 60 * S);
	assert_int_equal(c.keepalive_idle_ns, 7200 * S);
	assert_int_equal(c.keepalive_interval_ns, 75 * S);
	assert_int_equal(c.keepalive_probes, 9);
	assert_int_equal(c.user_timeout_ns, 0);
}

/* Each to another value than its default, in the field of its name. */
static void takes_each_number_from_its_key(void **state)
{
	struct tcp_config c =
	    config("\"rto_initial_ms\": 302, \"rto_min_ms\": 301, "
		   "\"rto_max_ms\": 3003, \"initial_window\": 4");

	(void)state;
	assert_int_equal(c.cc.initial_segs, 4);
	assert_int_equal(c.rtt.initial_ns, 302 * MS);
	assert_int_equal(c.rtt.min_ns, 301 * MS);
	assert_int_equal(c.rtt.max_ns, 3003 * MS);
	c = config("\"syn_retries\": 11, \"synack_retries\": 12, "
		   "\"retries\": 13, \"orphan_retries\": 14, "
		   "\"max_orphans\": 15, \"time_wait_max\": 16, "
		   "\"max_syn_backlog\": 17, \"base_mss\": 518, "
		   "\"min_snd_mss\": 119");
	assert_int_equal(c.syn_retries, 11);
	assert_int_equal(c.synack_retries, 12);
	assert_int_equal(c.retries, 13);
	assert_int_equal(c.orphan_retries, 14);
	assert_int_equal(c.max_orphans, 15);
	assert_int_equal(c.max_lingers, 16);
	assert_int_equal(c.max_syn_backlog, 17);
	assert_int_equal(c.base_mss, 518);
	assert_int_equal(c.min_mss, 119);
	c = config("\"rcvbuf_default\": 5001, \"rcvbuf_max\": 5002, "
		   "\"sndbuf_default\": 5003, \"sndbuf_max\": 5004, "
		   "\"challenge_ack_limit\": 55, "
		   "\"challenge_ack_interval_ms\": 56");
	assert_int_equal(c.rcvbuf_default, 5001);
	assert_int_equal(c.rcvbuf_max, 5002);
	assert_int_equal(c.sndbuf_default, 5003);
	assert_int_equal(c.sndbuf_max, 5004);
	assert_int_equal(c.challenge.limit_per_s, 55);
	assert_int_equal(c.challenge.interval_ms, 56);
	c = config("\"delayed_ack_ms\": 21, \"fin_timeout_ms\": 2200, "
		   "\"time_wait_ms\": 2300, \"keepalive_time_s\": 24, "
		   "\"keepalive_interval_s\": 25, \"keepalive_probes\": 26, "
		   "\"user_timeout_ms\": 27");
	assert_int_equal(c.ack_delay_ns, 21 * MS);
	assert_int_equal(c.fin_timeout_ns, 2200 * MS);
	assert_int_equal(c.time_wait_ns, 2300 * MS);
	assert_int_equal(c.keepalive_idle_ns, 24 * S);
	assert_int_equal(c.keepalive_interval_ns, 25 * S);
	assert_int_equal(c.keepalive_probes, 26);
	assert_int_equal(c.user_timeout_ns, 27 * MS);
}

static void takes_words_and_choices(void **state)
{
	(void)state;
	assert_int_equal(
	    config("\"congestion\": \"reno\"").cc.algorithm, CC_RENO);
	assert_int_equal(config("\"ecn\": 0").ecn, ECN_OFF);
	assert_int_equal(config("\"ecn\": 1").ecn, ECN_ASK);
	assert_int_equal(config("\"ecn\": 2").ecn, ECN_ANSWER);
	assert_int_equal(config("\"syn_cookies\": 2").syn_cookies, 2);
	assert_int_equal(config("\"mtu_probing\": 0").mtu_probing, 0);
}

/* How many of the eleven that are on by default. */
static unsigned switches_on(const struct tcp_config *c)
{
	return c->sack + c->dsack + c->timestamps + c->window_scale + c->frto +
	    c->tail_loss_probe + c->cc.hystart + c->pacing +
	    c->cc.restart_after_idle + c->moderate_rcvbuf + c->rfc1337;
}

/* One switch at a time: no two share a field. */
static void turns_off_only_what_it_is_told(void **state)
{
	struct tcp_config c = config("");

	(void)state;
	assert_int_equal(switches_on(&c), 11);
#define ONLY(key, field)                   \
	c = config("\"" #key "\": false"); \
	assert_false(c.field);             \
	assert_int_equal(switches_on(&c), 10)
	ONLY(sack, sack);
	ONLY(dsack, dsack);
	ONLY(timestamps, timestamps);
	ONLY(window_scaling, window_scale);
	ONLY(frto, frto);
	ONLY(tail_loss_probe, tail_loss_probe);
	ONLY(hystart, cc.hystart);
	ONLY(pacing, pacing);
	ONLY(slow_start_after_idle, cc.restart_after_idle);
	ONLY(moderate_rcvbuf, moderate_rcvbuf);
	ONLY(rfc1337, rfc1337);
#undef ONLY
	c = config("\"abort_on_overflow\": true");
	assert_true(c.abort_on_overflow);
}

/* Of two that must be in order, the one that is not given makes way. */
static void what_is_not_given_makes_way(void **state)
{
	struct topo_tcp t = settings("\"rto_initial_ms\": 100");

	(void)state;
	assert_int_equal(t.rto_min_ms, 100);
	t = settings("\"rto_min_ms\": 1500");
	assert_int_equal(t.rto_initial_ms, 1500);
	t = settings("\"rcvbuf_max\": 4096");
	assert_int_equal(t.rcvbuf_default, 4096);
	t = settings("\"sndbuf_default\": 8388608");
	assert_int_equal(t.sndbuf_max, 8388608);
	t = settings("\"port_max\": 2000");
	assert_int_equal(t.port_min, 2000);
	t = settings("\"base_mss\": 1000, \"min_snd_mss\": 1000");
	assert_int_equal(t.base_mss, 1000);
}

/* ---- one connection ---- */

/* RFC 9293, MUST-25. */
static void keepalive_is_off_unless_asked_for(void **state)
{
	struct tcp_config c = config("");
	struct conn_options o = {
		.keep_idle_s = 30,
		.keep_interval_s = 5,
		.keep_count = 3,
	};

	(void)state;
	assert_int_equal(config_timers(&c, &o, false).keepalive_idle_ns, 0);
	o.flags = TSOCK_KEEPALIVE;
	assert_int_equal(
	    config_timers(&c, &o, false).keepalive_idle_ns, 30 * S);
	assert_int_equal(
	    config_timers(&c, &o, false).keepalive_interval_ns, 5 * S);
	assert_int_equal(config_timers(&c, &o, false).keepalive_probes, 3);
	assert_int_equal(config_timers(&c, &o, true).keepalive_idle_ns, 0);
}

static void a_socket_may_have_its_own_user_timeout(void **state)
{
	struct tcp_config c = config("\"user_timeout_ms\": 700");
	struct conn_options o = { .flags = 0 };

	(void)state;
	assert_int_equal(
	    config_timers(&c, &o, false).user_timeout_ns, 700 * MS);
	o.user_timeout_ms = 9000;
	assert_int_equal(config_timers(&c, &o, false).user_timeout_ns, 9 * S);
}

/* TCP_LINGER2 shortens FIN-WAIT-2, and can't make it longer. */
static void a_socket_may_shorten_fin_wait_2(void **state)
{
	struct tcp_config c = config("\"fin_timeout_ms\": 5000");
	struct conn_options o = { .linger2_s = 2 };

	(void)state;
	assert_int_equal(config_timers(&c, &o, true).fin_wait_2_ns, 2 * S);
	o.linger2_s = 9;
	assert_int_equal(config_timers(&c, &o, true).fin_wait_2_ns, 5 * S);
	o.linger2_s = 0;
	assert_int_equal(config_timers(&c, &o, true).fin_wait_2_ns, 5 * S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_kernels_defaults),
		cmocka_unit_test(takes_each_number_from_its_key),
		cmocka_unit_test(takes_words_and_choices),
		cmocka_unit_test(turns_off_only_what_it_is_told),
		cmocka_unit_test(what_is_not_given_makes_way),
		cmocka_unit_test(keepalive_is_off_unless_asked_for),
		cmocka_unit_test(a_socket_may_have_its_own_user_timeout),
		cmocka_unit_test(a_socket_may_shorten_fin_wait_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
