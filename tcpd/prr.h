/*
 * prr.h - Proportional Rate Reduction (RFC 9937)
 *
 * How much each ACK of a recovery may send, so that the window comes down to
 * ssthresh over one round trip, and not by silence and bursts.  Congestion
 * control chooses ssthresh; prr_ack() returns cwnd for this ACK; prr_end() what
 * it is afterwards.  Whatever is sent meanwhile goes to prr_sent().
 *
 * All are bytes.  Without SACK the caller estimates what is delivered and in
 * flight (6.2); prr_delivered then never exceeds RecoverFS (@sack false).
 */
#ifndef TCPD_PRR_H
#define TCPD_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
	uint32_t delivered;  /* prr_delivered */
	uint32_t out;        /* prr_out */
	uint32_t recover_fs; /* RecoverFS */
	uint32_t ssthresh;
	bool sack;
};

/* What prr_ack() is told of an ACK. */
struct prr_ack {
	uint32_t delivered; /* DeliveredData */
	uint32_t in_flight; /* after it: sb_pipe() */
	uint32_t smss;
	bool safe; /* SafeACK: una moved, and no more loss came to light */
};

/*
 * An episode begins with an ACK (6.1).  @flight_size is SND.NXT - SND.UNA and
 * @sacked the bytes SACKed, both after it; @delivered its DeliveredData: what
 * it newly SACKed and acknowledged.  prr_ack() for the same ACK follows.
 */
void prr_begin(struct prr *p, uint32_t ssthresh, uint32_t flight_size,
    uint32_t sacked, uint32_t delivered, bool sack);

/*
 * The steps for each ACK but the one that ends the episode (6.2).  Returns
 * cwnd, or @cwnd if nothing was delivered.
 */
uint32_t prr_ack(struct prr *p, const struct prr_ack *a, uint32_t cwnd);

/* @len bytes were sent, new or again (6.3). */
void prr_sent(struct prr *p, uint32_t len);

/* The episode is complete (6.4): cwnd is now this. */
uint32_t prr_end(const struct prr *p);

#endif /* TCPD_PRR_H */
