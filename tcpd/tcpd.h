/*
 * tcpd.h - the TCP layer
 *
 *	rx.c    ipd -> checksum -> header -> its connection, or a reset
 *	reset.c what a segment for no connection is answered with
 */
#ifndef TCPD_TCPD_H
#define TCPD_TCPD_H

#include "shm/fib.h"
#include "shm/node.h"
#include "tcpd/counters.h"
#include "tcpd/tcp_wire.h"

enum {
	TCPD_STATE_MAGIC = 0x74637031, /* "tcp1"; changes with the layout */

	/* Segments taken from one ring before the next gets its turn. */
	TCPD_TURN = 64,
};

/* At n.state, in X.priv. */
struct tcpd_state {
	uint32_t magic;
	uint32_t size; /* of this struct */
};

struct tcpd {
	struct node n;
	struct tcpd_state *s;
	struct fib fib; /* a copy of what ipd published */
	uint32_t ipd;   /* whose; an index into procs[] */
};

/*
 * Join and recover.  Negative errno, logged, on failure; -EPROTO: the state
 * is of another version.
 */
int tcpd_attach(struct tcpd *t, const struct segments *s, struct mono now);
void tcpd_detach(struct tcpd *t);

/* One bounded turn; true if there was work. */
bool tcpd_turn(struct tcpd *t, struct mono now);

/* When a turn is due although nothing comes in. */
struct mono tcpd_deadline(const struct tcpd *t);

/* ---- Between the files of this folder */

/* rx.c: what waits in @in, up to a turn's worth. */
void tcpd_rx(struct tcpd *t, struct ring_in *in, struct ring_out *down);

/*
 * reset.c: the reset that answers a segment for which there is no connection
 * (RFC 9293, 3.10.7.1), @len bytes of payload and header @h.  False: it is
 * a reset itself and gets none.
 */
bool tcp_reset_for(
    struct tcp_hdr *ret, const struct tcp_hdr *h, uint32_t payload_len);

#endif /* TCPD_TCPD_H */
