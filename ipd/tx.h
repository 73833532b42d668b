/*
 * tx.h - a datagram on its way down
 */
#ifndef IPD_TX_H
#define IPD_TX_H

#include "ipd/ipd.h"
#include "ipd/ipv4.h"
#include "ipd/ipv6.h"

struct datagram {
	/* As a transport hands it down: src, dst, transport header and data. */
	struct desc d;
	uint8_t *slot;              /* its first byte; ours to write */
	const struct ring_in *from; /* NULL: it is our own */
	const uint8_t *options;     /* IPv4, to be put into the header */
	uint8_t options_len;

	/* Found out by tx_datagram(). */
	struct fib_answer way;
	uint32_t mtu;     /* of the path */
	uint32_t payload; /* bytes, with those that refs name */
	uint32_t hdr_len;
	struct ipv4_hdr h4;
	struct ipv6_hdr h6;
};

/*
 * Send it.  False: there is no room for it now, nothing has changed but the
 * bytes in front of the transport header.  True: it was sent, or it was
 * dropped for a reason that was counted; its slot is gone.
 */
bool tx_datagram(struct ipd *ip, struct datagram *t);

/* One descriptor from a transport. */
bool tx_from_transport(struct ipd *ip, const struct ring_in *in,
    const uint8_t *p, const struct desc *d);

/*
 * A transport wants an ICMP error sent about what it received, say because
 * nobody listens on that port.  The packet's IP header, gone by now, is made
 * again from the descriptor.
 */
bool tx_complain(struct ipd *ip, const uint8_t *p, const struct desc *d);

/*
 * Where t->d would go, from where: t->way, t->mtu and *@ret; nothing is sent or
 * counted.  0, -ENETUNREACH, -EACCES (a broadcast without the flag); then 0,
 * -EADDRNOTAVAIL.
 */
int tx_find_way(const struct ipd *ip, struct datagram *t);
int tx_find_source(
    const struct ipd *ip, const struct datagram *t, struct ip_addr *ret);

/* send.c: way, source and header are known. */
bool send_packet(struct ipd *ip, struct datagram *t);

/* A packet to be sent in pieces: its header and its payload. */
struct pieces {
	struct desc d; /* template: flags, link, dst as next hop */
	bool v4;
	struct ipv4_hdr h4; /* the one of that family counts */
	struct ipv6_hdr h6;
	uint8_t next_header; /* IPv6: of the payload */
	bool draw_id;        /* a new one; else that of h4 */
	const uint8_t *payload;
	uint32_t len;
	uint32_t mtu;
};

enum send_pieces {
	PIECES_SENT,
	PIECES_LATER,      /* no room now */
	PIECES_IMPOSSIBLE, /* there never will be */
};

/* All of them or none; draws an id if it is to. */
enum send_pieces send_in_pieces(struct ipd *ip, struct pieces *p);

/* Gone and counted; true.  What is our own is not the packet in hand. */
bool tx_drop(struct ipd *ip, const struct datagram *t, uint32_t reason);

/* Back to the transport it came from: an error about what it sent. */
bool tx_refuse(struct ipd *ip, struct datagram *t, uint32_t reason,
    uint8_t type, uint8_t code, uint32_t info);

/*
 * Is the path MTU of @proto what reports say that are kept here?  Anybody can
 * forge one.  TCP can tell, by the sequence number that it quotes (RFC 5927,
 * 7.2), and keeps each connection's own: for it they are only handed up.
 */
bool tx_heeds_reports(uint8_t proto);

/* What the path to @dst takes, of at most @mtu. */
uint32_t tx_path_mtu(const struct ipd *ip, const struct ip_addr *dst,
    uint8_t link, uint32_t mtu);

#endif /* IPD_TX_H */
