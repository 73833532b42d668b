/*
 * rx.h - a packet on its way up, as the files of rx hand it to each other
 */
#ifndef IPD_RX_H
#define IPD_RX_H

#include "ipd/ipd.h"
#include "ipd/ipv4.h"
#include "ipd/ipv6.h"

struct received {
	struct desc d;    /* to be dropped, given back or passed on, once */
	const uint8_t *p; /* the IP packet; shared: read each byte once */
	uint32_t len;     /* of it, without link padding */

	struct ip_addr src, dst;
	uint8_t proto;
	uint8_t hops;
	uint8_t tclass;
	uint16_t frag_offset;
	uint32_t upper_at; /* where the transport header begins */
	uint32_t proto_at; /* IPv6: the byte that named proto */

	bool whole;        /* reassembled: lies in a slot of our own */
	bool to_many;      /* to a group or a broadcast address */
	bool router_alert; /* IPv6: the option of RFC 2711 was there */

	struct ipv4_hdr h4; /* of the two families' that which it is */
	struct ipv4_options o4;
	struct ipv6_hdr h6;
};

/* What may become of a packet; see admit.c. */
enum admit {
	ADMIT_LOCAL,
	ADMIT_FORWARD,
	ADMIT_MARTIAN_SOURCE, /* and from here on the counters of that name */
	ADMIT_MARTIAN_DESTINATION,
	ADMIT_OWN_SOURCE,
	ADMIT_NOT_JOINED,
	ADMIT_NOT_OURS,
	ADMIT_LINK_BROADCAST,
};

/*
 * Each of these deals with the packet for good and returns true; or it has
 * changed nothing and returns false: not now, there is no room.
 */
bool rx_packet(struct ipd *ip, struct received *r);
bool rx4(struct ipd *ip, struct received *r);
bool rx6(struct ipd *ip, struct received *r);
bool rx_fragment4(struct ipd *ip, struct received *r);
bool rx_fragment6(
    struct ipd *ip, struct received *r, const struct ipv6_chain *chain);
bool rx_local(struct ipd *ip, struct received *r);
bool rx_forward(struct ipd *ip, struct received *r);
bool rx_icmp(struct ipd *ip, struct received *r);

/* linkd could not send this packet on: its next hop does not answer. */
bool rx_unreachable(struct ipd *ip, const uint8_t *p, struct desc *d);

/* For whom is it?  Sets r->to_many. */
enum admit rx_admit(struct ipd *ip, struct received *r);

/*
 * The ring to the transport that has the flow between @a and @b with the
 * @len bytes of transport header; NULL: nobody speaks @proto.
 */
struct ring_out *rx_transport(struct ipd *ip, uint8_t proto,
    const struct ip_addr *a, const struct ip_addr *b, const uint8_t *header,
    size_t len);

/* The same of who has sent such a packet: a raw socket may have, too. */
struct ring_out *rx_sender(struct ipd *ip, uint8_t proto,
    const struct ip_addr *a, const struct ip_addr *b, const uint8_t *header,
    size_t len);

/* Has the packet come from ourselves? */
static inline bool rx_looped(const struct ipd *ip, const struct received *r)
{
	return (r->d.flags & PKT_LOOP) ||
	    ip->n.topo->links[r->d.link].device == DEVICE_LOOPBACK;
}

/* Reassembled datagrams whose time is up. */
void rx_expire(struct ipd *ip);

#endif /* IPD_RX_H */
