/*
 * state.c - the eleven states of a connection
 */
#include "tcpd/state.h"

#include <assert.h>

/*
 * The arrows of RFC 9293, figure 5, with those of its notes and of 3.10.7.4,
 * and from every state the one to CLOSED (reset, abort, timeout).  CLOSED to
 * SYN-RECEIVED is a connection born of a listener, which stays in LISTEN, or
 * one that takes over from TIME-WAIT (RFC 6191).
 */
#define TO(s) (1U << TCP_##s)
static const uint16_t arrows[] = {
	[TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED),
	[TCP_LISTEN] = TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(CLOSED),
	[TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCP_SYN_RECEIVED] = TO(LISTEN) | TO(ESTABLISHED) | TO(FIN_WAIT_1) |
	    TO(CLOSE_WAIT) | TO(CLOSED),
	[TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_1] =
	    TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_LAST_ACK] = TO(CLOSED),
	[TCP_TIME_WAIT] = TO(CLOSED),
};
#undef TO

static const struct {
	const char *name;
	uint8_t info;
} names[] = {
	[TCP_CLOSED] = { "CLOSED", 7 },
	[TCP_LISTEN] = { "LISTEN", 10 },
	[TCP_SYN_SENT] = { "SYN-SENT", 2 },
	[TCP_SYN_RECEIVED] = { "SYN-RECEIVED", 3 },
	[TCP_ESTABLISHED] = { "ESTABLISHED", 1 },
	[TCP_FIN_WAIT_1] = { "FIN-WAIT-1", 4 },
	[TCP_FIN_WAIT_2] = { "FIN-WAIT-2", 5 },
	[TCP_CLOSE_WAIT] = { "CLOSE-WAIT", 8 },
	[TCP_CLOSING] = { "CLOSING", 11 },
	[TCP_LAST_ACK] = { "LAST-ACK", 9 },
	[TCP_TIME_WAIT] = { "TIME-WAIT", 6 },
};

static_assert(sizeof(arrows) / sizeof(arrows[0]) == TCP_NSTATES, "a state");
static_assert(sizeof(names) / sizeof(names[0]) == TCP_NSTATES, "a state");

bool tcp_state_may(enum tcp_state from, enum tcp_state to)
{
	assert(from < TCP_NSTATES && to < TCP_NSTATES);
	return (arrows[from] & 1U << to) != 0;
}

void tcp_state_set(uint8_t *state, enum tcp_state next)
{
	/* A wrong arrow is our bug, whatever the peer sent: stop, show it. */
	assert(tcp_state_may((enum tcp_state) * state, next));
	*state = (uint8_t)next;
}

const char *tcp_state_name(enum tcp_state s)
{
	assert(s < TCP_NSTATES);
	return names[s].name;
}

uint8_t tcp_state_info(enum tcp_state s)
{
	assert(s < TCP_NSTATES);
	return names[s].info;
}

bool tcp_state_synchronized(enum tcp_state s)
{
	switch (s) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return true;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_NSTATES:
		break;
	}
	return false;
}

bool tcp_state_may_receive(enum tcp_state s)
{
	/* RFC 9293, 3.10.7.4, seventh: the states that take segment text. */
	return s == TCP_ESTABLISHED || s == TCP_FIN_WAIT_1 ||
	    s == TCP_FIN_WAIT_2;
}

bool tcp_state_may_send(enum tcp_state s)
{
	return s == TCP_ESTABLISHED || s == TCP_CLOSE_WAIT;
}

bool tcp_state_fin_sent(enum tcp_state s)
{
	switch (s) {
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return true;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
	case TCP_NSTATES:
		break;
	}
	return false;
}
