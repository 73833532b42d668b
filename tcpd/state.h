/*
 * state.h - the eleven states of a connection (RFC 9293, 3.3.2)
 *
 * Which arrows there are is a table; tcp_state_set() is the only way along one.
 * It knows no timers and writes no log: the connection's own setter calls it.
 */
#ifndef TCPD_STATE_H
#define TCPD_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum tcp_state {
	TCP_CLOSED, /* no connection; a zeroed TCB is in it */
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_NSTATES,
};

/* Is there an arrow from @from to @to?  None leads to where it began. */
bool tcp_state_may(enum tcp_state from, enum tcp_state to);

/* Follow the arrow from *@state to @next; that there is none is our bug. */
void tcp_state_set(uint8_t *state, enum tcp_state next);

/* As RFC 9293 writes it: "SYN-RECEIVED". */
const char *tcp_state_name(enum tcp_state s);

/* As the kernel's struct tcp_info counts it in tcpi_state. */
uint8_t tcp_state_info(enum tcp_state s);

/* Both ends know each other's sequence number (RFC 9293, 3.5.2 (3)). */
bool tcp_state_synchronized(enum tcp_state s);

/* The peer may still send data: its FIN has not come. */
bool tcp_state_may_receive(enum tcp_state s);

/* The user may still send: no CLOSE yet, and the handshake is done. */
bool tcp_state_may_send(enum tcp_state s);

/* Our FIN is in the sequence space: sent, or due after the last byte. */
bool tcp_state_fin_sent(enum tcp_state s);

#endif /* TCPD_STATE_H */
