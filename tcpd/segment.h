/*
 * segment.h - one segment, or a super-segment, as a descriptor for ipd
 *
 * The header stands in a small slot of tcpd's own pool.  A few bytes of payload
 * are copied behind it; more is only named: two references at the very start of
 * the slot (layout.h, struct ref) lead into the app's ring, from where the
 * device takes it.  So bulk payload is not copied on its way down.
 *
 * The app may not write where unacknowledged bytes are (tx_consumed).  When
 * they are acknowledged a copy that was sent again may still be on its way to
 * the device; it then carries whatever is there, with a checksum that is right,
 * and with numbers that the peer has long had: it drops it.
 */
#ifndef TCPD_SEGMENT_H
#define TCPD_SEGMENT_H

#include "tcpd/conn.h"
#include "tcpd/tcp_wire.h"

struct outgoing {
	struct tcp_hdr h; /* ports are filled in */
	uint64_t at;      /* the payload's place in the ring */
	uint32_t len;     /* of it; more than mss: cut below */
	uint32_t mss;
	enum ecn_field ecn;
};

enum {
	/* What one descriptor may carry: IP's length, less all headers. */
	SUPER_MAX = 65535 - 2 * 60,
};

/* Stage it for @c.  False: no room or no slot; nothing has happened. */
bool segment_send(struct tcpd *t, const struct tcb *c, struct outgoing *o);

/* A segment without payload, between any ends. */
struct bare {
	struct tcp_tuple ends;
	uint8_t link;
	uint8_t hops;
	uint8_t tclass;
};

/* The same; the caller has made sure of room (tcpd_has_room()). */
void segment_send_bare(struct tcpd *t, const struct bare *b, struct tcp_hdr *h);

#endif /* TCPD_SEGMENT_H */
