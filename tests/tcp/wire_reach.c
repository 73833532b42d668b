/*
 * wire_reach.c - connections to begin with, in every state
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/tcp/wire.h"

/* One listener for each script that wants it. */
static uint32_t listener_on(struct wire *w, uint16_t port)
{
	for (uint32_t s = 0; s < WIRE_SOCKETS; s++)
		if (w->family[s] != 0 &&
		    stream_sock(&w->t->streams, s)->state == TSOCK_LISTENING &&
		    stream_sock(&w->t->streams, s)->local.port == port)
			return s;
	return wire_listen(w, port, 100, 16);
}

/* As many spares as are used up, so that a script may go on and on. */
static uint32_t accepted(struct wire *w, uint32_t l)
{
	uint32_t s = wire_accept(w, l);

	wire_spares(w, l, 1);
	return s;
}

uint32_t wire_established(struct wire *w, const struct how *how)
{
	struct conversation *c = &w->c[w->cur];
	struct seg syn = {
		.flags = SYN,
		.win = how->win ? how->win : 65535,
		.mss = how->mss ? how->mss : PEER_MSS,
		.ws = how->ws,
		.sack_ok = how->sack,
	};
	struct seg answer = {
		.flags = SYN | ACK,
		.ack = 1,
		.mss = OUR_MSS,
		.ws = how->ws ? OUR_WS : 0,
		.sack_ok = how->sack,
	};
	struct seg ack = { .flags = ACK, .seq = 1, .ack = 1 };
	uint32_t l = listener_on(w, how->port ? how->port : 80);

	c->our_port = how->port ? how->port : 80;
	if (how->ts) {
		syn.ts.on = answer.ts.on = true;
		syn.ts.val = answer.ts.ecr = 1000;
	}
	wire_in(w, &syn);
	wire_out(w, &answer);
	if (how->rtt > 0)
		wire_quiet(w, how->rtt);
	if (how->ts) {
		ack.ts.on = true;
		ack.ts.val = 1000 + (uint32_t)how->rtt;
	}
	wire_in(w, &ack);
	wire_none(w);
	wire_state_is(w, TCP_ESTABLISHED);
	return accepted(w, l);
}

static uint32_t syn_sent(struct wire *w)
{
	uint32_t s = wire_connect(w);

	out(w, SYN, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	return s;
}

static uint32_t syn_received(struct wire *w)
{
	uint32_t l = listener_on(w, 80);

	in(w, SYN, .win = 65535, .mss = PEER_MSS);
	out(w, SYN | ACK, .ack = 1, .mss = OUR_MSS);
	return l;
}

/* Our side closes first. */
static uint32_t fin_wait_1(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	wire_shutdown(w, s, SHUT_WR);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	return s;
}

static uint32_t fin_wait_2(struct wire *w)
{
	uint32_t s = fin_wait_1(w);

	in(w, ACK, .seq = 1, .ack = 2);
	return s;
}

static uint32_t closing(struct wire *w)
{
	uint32_t s = fin_wait_1(w);

	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 2, .ack = 2);
	return s;
}

static uint32_t time_wait(struct wire *w)
{
	uint32_t s = fin_wait_2(w);

	in(w, FIN | ACK, .seq = 1, .ack = 2);
	out(w, ACK, .seq = 2, .ack = 2);
	return s;
}

/* The peer does. */
static uint32_t close_wait(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	in(w, FIN | ACK, .seq = 1, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 2);
	return s;
}

static uint32_t last_ack(struct wire *w)
{
	uint32_t s = close_wait(w);

	wire_shutdown(w, s, SHUT_WR);
	out(w, FIN | ACK, .seq = 1, .ack = 2);
	return s;
}

static uint32_t lead_to(struct wire *w, enum tcp_state s)
{
	switch (s) {
	case TCP_CLOSED:
	case TCP_NSTATES:
		break;
	case TCP_LISTEN:
		return listener_on(w, 80);
	case TCP_SYN_SENT:
		return syn_sent(w);
	case TCP_SYN_RECEIVED:
		return syn_received(w);
	case TCP_ESTABLISHED:
		return established(w, .rtt = 0);
	case TCP_FIN_WAIT_1:
		return fin_wait_1(w);
	case TCP_FIN_WAIT_2:
		return fin_wait_2(w);
	case TCP_CLOSE_WAIT:
		return close_wait(w);
	case TCP_CLOSING:
		return closing(w);
	case TCP_LAST_ACK:
		return last_ack(w);
	case TCP_TIME_WAIT:
		return time_wait(w);
	}
	return 0;
}

uint32_t wire_reach(struct wire *w, enum tcp_state s)
{
	uint32_t sock = lead_to(w, s);

	if (s != TCP_LISTEN)
		wire_state_is(w, s);
	return sock;
}
