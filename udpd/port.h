/*
 * port.h - whose datagram: local ports and the sockets that hold them
 *
 * Buckets of socket numbers by local port.  Private; built anew from the
 * sockets after a restart.  Among sockets that match equally well the one that
 * was bound last wins, which is written in the sockets, so a restart changes
 * nobody's answer.
 */
#ifndef UDPD_PORT_H
#define UDPD_PORT_H

#include "udpd/udpd.h"

/* A datagram's ends, from where we stand. */
struct flow {
	struct ip_addr local, peer;
	uint16_t local_port, peer_port; /* ping: id; raw: protocol; and 0 */
	uint8_t link;
	uint8_t kind; /* enum usock_kind */
};

void port_clear(struct udpd *u);
void port_insert(struct udpd *u, uint32_t id);
void port_remove(struct udpd *u, uint32_t id);

/*
 * The socket for a unicast datagram, or NO_SOCKET: most of what a socket has
 * fixed must agree, peer before address before port.  Among SO_REUSEPORT
 * sockets of the same worth the flow's hash decides.
 */
uint32_t port_lookup(const struct udpd *u, const struct flow *f);

/*
 * The next socket after @after (NO_SOCKET: the first) that gets a copy of a
 * broadcast or multicast datagram; NO_SOCKET: no more.
 */
uint32_t port_next_member(
    const struct udpd *u, const struct flow *f, uint32_t after);

/* The socket that has sent from f->local to f->peer, for an ICMP error. */
uint32_t port_sender(const struct udpd *u, const struct flow *f);

/* Would @id with @want be in the way of another socket's address and port? */
bool port_conflict(
    const struct udpd *u, uint32_t id, const struct app_name *want);

/*
 * A free port for @id, to be bound to @local (and connected to @peer, unless
 * that has no port), by RFC 6056, algorithm 4.  0 if all are taken.
 */
uint16_t port_ephemeral(struct udpd *u, uint32_t id,
    const struct app_name *local, const struct app_name *peer);

#endif /* UDPD_PORT_H */
