/*
 * window.h - how much the peer may send, and when we do (RFC 9293, 3.8.6)
 *
 *	              |<------------- size: RCV.BUFF ---------->|
 *	              |   used    |      RCV.WND      | not yet |
 *	          ----|-----------|-------------------|---------|---
 *	                       RCV.NXT               adv
 *
 * adv, the right edge announced, is the only state of the receiver's side; it
 * never moves left.  It moves right in steps worth sending (silly window
 * avoidance), and windows on the wire are multiples of 2^scale.
 *
 * The sender's side has no state but SND.WL1 and SND.WL2.
 */
#ifndef TCPD_WINDOW_H
#define TCPD_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"
#include "tcpd/seq.h"

/* ---- Receiving ---- */

/* The receive buffer.  Out-of-order data lies in the window: not `used`. */
struct rcv_space {
	uint32_t size;  /* RCV.BUFF: the ring; at most 2^30 */
	uint32_t used;  /* received in order, not yet read; <= size */
	uint32_t clamp; /* the window is to be no more; 0: no matter */
	uint32_t mss;   /* the segment size taken as worth a step */
	uint8_t scale;  /* Rcv.Wind.Shift, 0 to 14 */
};

/*
 * The smallest scale with which a buffer of up to @max bytes can be announced
 * (RFC 7323, 2.2): for the option in our SYN.
 */
uint8_t window_scale(uint32_t max);

/* The window field of a SYN or SYN-ACK, which is never scaled; sets *@adv. */
uint16_t window_announce_syn(
    tcp_seq *adv, tcp_seq rcv_nxt, const struct rcv_space *s);

/*
 * The window field of a segment about to be sent with ACK @rcv_nxt; moves *@adv
 * to the right if the step is worth it.
 *
 * A window that cannot be opened keeps its edge.  If the edge is no multiple
 * of 2^scale away, the field is rounded up, and *@adv with it, as long as the
 * buffer has room (a 32nd of it is held back for that); only when there is
 * none, the field shows up to 2^scale - 1 bytes less than *@adv, which stays,
 * and what was announced is still accepted (RFC 7323, 2.4).
 */
uint16_t window_announce(
    tcp_seq *adv, tcp_seq rcv_nxt, const struct rcv_space *s);

/*
 * Should an ACK go out only to announce a larger window?  To be asked when the
 * application has read.  Yes when the step is worth it and the window at least
 * doubles or a quarter of the buffer is gained.  So a peer that waits, because
 * less than a segment is left, is always told.
 */
bool window_update_due(tcp_seq adv, tcp_seq rcv_nxt, const struct rcv_space *s);

/* ---- Sending ---- */

struct snd_window {
	uint32_t wnd;     /* SND.WND, scaled */
	uint32_t max_wnd; /* MAX.SND.WND: the largest ever */
	tcp_seq wl1;      /* SND.WL1 */
	tcp_seq wl2;      /* SND.WL2 */
};

/* The handshake's window, which is not scaled (RFC 9293, 3.10.7.3 and .4). */
void window_begin(
    struct snd_window *w, tcp_seq seg_seq, tcp_seq seg_ack, uint32_t wnd);

/*
 * Take the window of an acceptable ACK, SND.UNA =< SEG.ACK =< SND.NXT, if the
 * segment is not older than the last that set it.  @wnd is scaled.  True if
 * SND.WND has changed.
 */
bool window_update(
    struct snd_window *w, tcp_seq seg_seq, tcp_seq seg_ack, uint32_t wnd);

/* What the decision to send new data depends on. */
struct send_question {
	tcp_seq snd_una;
	tcp_seq snd_nxt;
	uint32_t room;     /* how many bytes past SND.NXT window and cwnd allow:
			    * the usable window, 0 if it is negative */
	uint32_t queued;   /* D: bytes not yet sent */
	uint32_t mss;      /* Eff.snd.MSS */
	uint32_t max_wnd;  /* MAX.SND.WND */
	tcp_seq small_end; /* SND.NXT after the last short segment sent */
	bool has_small;    /* small_end means something */
	bool nodelay;      /* TCP_NODELAY: no Nagle */
	bool cork;         /* TCP_CORK, MSG_MORE: whole segments only */
	bool fin;          /* the user has closed: nothing follows */
	bool override;     /* the override timeout has come (0.1 to 1 s) */
	bool strict_nagle; /* RFC 896 to the letter, without Minshall's rule */
};

/*
 * How many bytes of new data to send now, 0 to min(room, queued): whole
 * segments, and a short one at the end if 3.8.6.2.1 and Nagle's rule allow it.
 *
 * Nagle (RFC 896, RFC 9293 3.7.4): no short segment while data is
 * unacknowledged.  Minshall's rule (RFC 9293, A.3), in use unless strict_nagle:
 * only while a *short segment* is unacknowledged.  So a reply of several
 * segments does not leave its tail waiting for the peer's delayed ACK.
 */
uint32_t window_may_send(const struct send_question *q);

/* ---- Zero-window probes, 3.8.6.1 ---- */

/*
 * How long until the probe after @sent ones: the retransmission timeout, then
 * doubled each time up to @max_ns.  For ever: no number of them is the last.
 */
int64_t window_probe_after_ns(unsigned sent, int64_t rto_ns, int64_t max_ns);

#endif /* TCPD_WINDOW_H */
