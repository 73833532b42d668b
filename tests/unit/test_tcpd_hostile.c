/*
 * test_tcpd_hostile.c - an app that does anything, and one that minds its own
 *
 * The hostile one's words are half sensible, so that it gets far before it is
 * cut off.  The engine of fake_streams.h asserts what it is asked.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/harness/fake_streams.h"
#include "tests/harness/random.h"

enum {
	SEEDS = 3,
	STEPS = 250,
	HOSTILE = 8, /* sockets of app 0 */
};

static struct random dice;

static uint32_t below(uint32_t n)
{
	return random_below(&dice, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static struct app_name some_name(void)
{
	static const char *const ips[] = { "*", "192.0.2.2", "192.0.2.1",
		"203.0.113.9", "**", "2001:db8::2", "224.0.0.1",
		"255.255.255.255" };
	struct app_name n = streams_name(ips[below(8)], (uint16_t)below(4));

	if (one_in(20))
		n.link = (uint8_t)below(256);
	if (one_in(5))
		n.family = 0;
	return n;
}

static void some_command(struct fake_streams *w, uint32_t id)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP,
		IPPROTO_IPV6, 99 };
	struct a2s_socket *a = streams_a2s(w, id);
	struct app_name n = some_name();

	a->cmd_op = one_in(200) ? below(UINT32_MAX) : below(NAPP_OPS);
	a->cmd_len = one_in(4) ? below(APP_COMMAND_BYTES + 1) : sizeof(n);
	if (one_in(200))
		a->cmd_len = below(UINT32_MAX);
	for (int i = 0; i < 4; i++)
		a->cmd_arg[i] = below(64);
	if (a->cmd_op == APP_OP_SETOPT || a->cmd_op == APP_OP_GETOPT)
		a->cmd_arg[0] = (uint32_t)levels[below(5)];
	for (uint32_t i = 0; i < APP_COMMAND_BYTES; i++)
		a->cmd_data[i] = (uint8_t)below(256);
	memcpy(a->cmd_data, &n, sizeof(n));
	a->cmd_seq += one_in(50) ? below(9) : 1;
}

static void some_counts(struct fake_streams *w, uint32_t id)
{
	struct a2s_socket *a = streams_a2s(w, id);
	uint64_t unread = streams_s2a(w, id)->rx_written - a->rx_read;

	if (one_in(2))
		a->rx_read +=
		    unread > 0 ? random_next(&dice) % (unread + 1) : 0;
	else
		a->tx_written += below(4) * 4;
	if (one_in(400))
		a->tx_written += random_next(&dice);
	if (one_in(400))
		a->rx_read += random_next(&dice);
	a->offered = below(4);
	a->kick = below(4);
	a->tx_poll = below(4);
	a->tx_low = below(4);
}

/* A word of a spare, likely one of its own. */
static void some_spare(struct fake_streams *w, uint32_t id)
{
	uint32_t word = one_in(400) ? (uint32_t)random_next(&dice)
				    : spare_make(below(2), below(HOSTILE));

	app_ring_write(w->ch.a2s[0] + a2s_tx_off(sub_of(id)), APP_TX_BYTES,
	    streams_a2s(w, id)->tx_written, &word, sizeof(word));
	streams_a2s(w, id)->tx_written += sizeof(word);
}

static void some_peer(struct fake_streams *w, uint32_t id)
{
	const struct tsock *k = stream_sock(w->s, id);
	const struct fake_conn *c = streams_conn(w, id);
	int64_t unacked;

	if (k->state == TSOCK_LISTENING) {
		streams_incoming(
		    w, id, "192.0.2.1", (uint16_t)(1 + below(60000)));
	} else if (c != NULL) {
		unacked = (int64_t)(c->written - c->words.tx_consumed);
		if (one_in(6))
			streams_end(w, id, one_in(2) ? ECONNRESET : 0);
		else if (k->state == TSOCK_CONNECTING)
			streams_establish(w, id);
		else if (unacked > 0)
			streams_ack(
			    w, id, 1 + random_next(&dice) % (uint64_t)unacked);
		else if (c->words.rx_written - streams_a2s(w, id)->rx_read <
		    1000)
			streams_deliver(w, id, below(100));
	}
}

static void some_step(struct fake_streams *w)
{
	uint32_t id = below(HOSTILE);

	if (w->ch.family[id] == 0) {
		if (!w->s->apps.app[0].cut)
			streams_socket(w, 0, one_in(3) ? AF_INET6 : AF_INET);
		return;
	}
	switch (below(6)) {
	case 0:
		some_command(w, id);
		break;
	case 1:
		some_counts(w, id);
		break;
	case 2:
		some_spare(w, id);
		break;
	case 3:
		some_peer(w, id);
		break;
	case 4:
		if (one_in(8) && !w->ch.hung_up[id])
			streams_close_socket(w, id);
		break;
	default:
		some_command(w, id);
	}
	streams_post(w, id);
	streams_run(w);
}

/* The ports' table has the sockets that are bound, and no others. */
static void check_ports(struct fake_streams *w)
{
	const struct tsock_ports *p = &w->s->ports;
	uint32_t bound = 0;

	for (uint32_t id = apps_next_open(&w->s->apps, 0); id < MAX_SOCKETS;
	     id = apps_next_open(&w->s->apps, id + 1))
		bound += stream_sock(w->s, id)->bound;
	for (uint32_t b = 0; b < TSOCK_PORT_BUCKETS; b++) {
		for (uint32_t at = p->own[b]; at != NO_SOCKET;
		     at = p->next[at], bound--)
			assert_false(stream_sock(w->s, at)->accepted);
		for (uint32_t at = p->accepted[b]; at != NO_SOCKET;
		     at = p->next[at], bound--)
			assert_true(stream_sock(w->s, at)->accepted);
	}
	assert_int_equal(bound, 0);
}

static void disturb(enum fake_death death, uint64_t seed)
{
	struct fake_streams *w = streams_open(death);
	uint32_t honest;

	dice = (struct random){ seed };
	streams_add_app(w, 1);
	honest = streams_socket(w, 1, AF_INET);
	assert_int_equal(streams_connect(w, honest, "192.0.2.1", 9), 0);
	streams_establish(w, honest);
	for (int i = 0; i < STEPS && !w->s->apps.app[0].cut; i++) {
		some_step(w);
		if (i % 8 == 0)
			check_ports(w);
	}
	streams_write(w, honest, 10);
	assert_int_equal(streams_conn(w, honest)->written, 10);
	w->death = LIVES;
	streams_kill_app(w, 0);
	for (uint32_t id = 0; id < HOSTILE; id++)
		if (streams_conn(w, id) != NULL)
			streams_end(w, id, ETIMEDOUT);
	assert_true(apps_app_done(&w->s->apps, 0));
	assert_int_equal(streams_error(w, honest), 0);
	check_ports(w);
	streams_close(w);
}

static void harms_only_itself(void **state)
{
	(void)state;
	EACH_DEATH
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		disturb(death, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(harms_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
