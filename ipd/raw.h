/*
 * raw.h - copies of packets for the ping and raw sockets of udpd
 *
 * udpd publishes for which protocols it has any (published.h).  The copy is
 * made in a slot of ours before anybody looks into the packet, and is sent when
 * the packet itself is dealt with; for want of a slot or of room there is none.
 */
#ifndef IPD_RAW_H
#define IPD_RAW_H

#include "ipd/rx.h"

struct raw_copies {
	uint32_t n, missed;
	struct {
		struct desc d;
		struct ring_out *out;
	} copy[TOPO_MAX_PROCS];
};

/* Make them: for each udpd that wants @r->proto one. */
void raw_prepare(
    struct ipd *ip, const struct received *r, struct raw_copies *c);

/* The packet is dealt with; or it is not, and will come again. */
void raw_send(struct ipd *ip, const struct raw_copies *c);
void raw_cancel(struct ipd *ip, const struct raw_copies *c);

/* Who is to hear of errors about packets of @proto, if only raw sockets do. */
struct ring_out *raw_transport(struct ipd *ip, bool v4, uint8_t proto);

#endif /* IPD_RAW_H */
