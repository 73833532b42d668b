/*
 * test_tcp_look.c - what `strata ss` is told of TCP (tcpd/look.c)
 */
#include <errno.h>
#include <netinet/in.h>

#include "shm/ask_socket.h"
#include "tests/tcp/wire.h"

enum {
	RTT = 100,
	MANY = 150, /* connections: some chunks */
};

/* All sockets there are, chunk for chunk; how many chunks in *@chunks. */
static uint32_t look(
    struct wire *w, struct ask_socket *ret, uint32_t max, uint32_t *chunks)
{
	static struct ask_chunk c;
	struct ask q = { .op = ASK_SOCKETS };
	uint32_t n = 0;

	*chunks = 0;
	do {
		c.len = 0;
		c.more = false;
		must(w, tcpd_look(w->t, &q, &c) == 0);
		for (uint32_t at = 0; at < c.len; n++) {
			uint32_t bytes;

			memcpy(&bytes, c.bytes + at, sizeof(bytes));
			must(w, bytes >= ASK_SOCKET_SHORT && n < max);
			must(w, bytes <= sizeof(*ret) && at + bytes <= c.len);
			memset(&ret[n], 0, sizeof(ret[n]));
			memcpy(&ret[n], c.bytes + at, bytes);
			at += bytes;
		}
		must(w, !c.more || c.next > q.cursor);
		q.cursor = c.next;
		++*chunks;
	} while (c.more);
	return n;
}

/* The one in state @state; zeros if there is none. */
static struct ask_socket the_one(struct wire *w, uint8_t state)
{
	struct ask_socket k[4], found = { .bytes = 0 };
	uint32_t chunks;

	for (uint32_t n = look(w, k, 4, &chunks); n-- > 0;)
		if (k[n].state == state)
			found = k[n];
	return found;
}

static void a_listener_and_what_waits_there(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 7, 3);
	struct ask_socket k[4];
	uint32_t chunks;

	must(w, look(w, k, 4, &chunks) == 1 && chunks == 1);
	must(w, k[0].state == SOCKET_LISTEN && k[0].local.port == 80);
	must(w, k[0].bytes == ASK_SOCKET_SHORT && k[0].proto == IPPROTO_TCP);
	must(w, k[0].rxq == 0 && k[0].txq == 7 && k[0].sub == sub_of(l));
	in(w, SYN, .seq = 0, .win = 65535, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	must(w, look(w, k, 4, &chunks) == 2);
	must(w, k[1].state == SOCKET_SYN_RECV && k[1].app == ASK_NO_APP);
	must(w, k[1].timer == ASK_TIMER_ON && k[1].tries == 0);
	in(w, ACK, .seq = 1, .ack = 1);
	must(w, look(w, k, 4, &chunks) == 2);
	must(w, k[0].rxq == 1);
	must(w, k[1].state == SOCKET_ESTABLISHED && k[1].app == WIRE_APP);
}

static void queues_and_the_timer(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);
	struct ask_socket c;

	call_write(w, s, 500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 500);
	in(w, ACK, .seq = 1, .ack = 1, .len = 300);
	c = the_one(w, SOCKET_ESTABLISHED);
	must(w, c.bytes == sizeof(c));
	must(w, c.txq == 500 && c.rxq == 300);
	must(w, ip_equal(&c.local.ip, &w->us));
	must(w, ip_equal(&c.peer.ip, &w->peer));
	must(w, c.timer == ASK_TIMER_ON && c.tries == 0);
	must(w, c.timer_ms > 0 && c.timer_ms <= 3 * RTT);
	must(w, c.info.tcpi_rtt == RTT * 1000);
	must(w, strcmp(c.congestion, "cubic") == 0);
	wire_drain(w);
}

static void time_wait_has_no_holder(struct wire *w)
{
	struct ask_socket c;

	reach(w, TCP_TIME_WAIT);
	c = the_one(w, SOCKET_TIME_WAIT);
	must(w, c.bytes == ASK_SOCKET_SHORT);
	must(w, c.timer == ASK_TIMER_TIME_WAIT && c.app == ASK_NO_APP);
	must(w, c.timer_ms > 50000 && c.timer_ms <= 60000);
}

/* Each once, whatever chunk it is in. */
static void many_come_in_chunks(struct wire *w)
{
	static struct ask_socket k[MANY + 2];
	bool seen[MANY] = { false };
	uint32_t chunks, n;

	call_listen_with(w, 80, MANY + 10, 1);
	for (uint32_t i = 0; i < MANY; i++) {
		on(w, i);
		in(w, SYN, .seq = 0, .win = 65535, .mss = 1000);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	}
	n = look(w, k, MANY + 2, &chunks);
	must(w, n == MANY + 1 && chunks > 2);
	for (uint32_t i = 1; i < n; i++) {
		uint32_t who = k[i].peer.port - WIRE_PEER_PORT;

		must(w, who < MANY && !seen[who]);
		seen[who] = true;
	}
}

static void only_what_it_knows(struct wire *w)
{
	static struct ask_chunk c;
	struct ask q = { .op = ASK_ROUTE };

	must(w, tcpd_look(w->t, &q, &c) == -EOPNOTSUPP);
	/* A cursor from nowhere is the end. */
	q = (struct ask){ .op = ASK_SOCKETS, .cursor = UINT32_MAX };
	must(w, tcpd_look(w->t, &q, &c) == 0 && c.len == 0 && !c.more);
}

static const struct script scripts[] = {
	SCRIPT(a_listener_and_what_waits_there),
	SCRIPT(queues_and_the_timer),
	SCRIPT(time_wait_has_no_holder),
	SCRIPT(many_come_in_chunks),
	SCRIPT(only_what_it_knows),
};

WIRE_MAIN(scripts)
