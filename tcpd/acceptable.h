/*
 * acceptable.h - is a segment for this connection, and from its peer?
 *
 * The tests of RFC 9293, 3.10.7.4, first, second, fourth and fifth step, with
 * those of RFC 5961 against blind attacks and of RFC 6191 for TIME-WAIT, as
 * decisions: numbers in, an enum out.  Nothing is changed and nothing sent.
 *
 * rcv_wnd is always the distance from RCV.NXT to the farthest right edge ever
 * announced, not to the one in the last ACK (RFC 7323, 2.4 (1)).
 */
#ifndef TCPD_ACCEPTABLE_H
#define TCPD_ACCEPTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/seq.h"
#include "tcpd/state.h"

/* ---- First: the sequence number ---- */

enum seg_verdict {
	SEG_OK,       /* acceptable: go on with what is in the window */
	SEG_ACK_ONLY, /* no text of it fits, but ACK, URG and RST are valid */
	SEG_OLD,      /* all of it left of the window */
	SEG_AHEAD,    /* all of it right of the window */
};

/*
 * The four cases of table 6; @len counts SYN and FIN.  On SEG_OLD and SEG_AHEAD
 * an ACK is the answer, unless RST is set, and the segment is dropped.
 *
 * SEG_ACK_ONLY is the "special allowance" for a zero window; it covers also the
 * empty segment exactly at the right edge, which is what a peer sends that has
 * filled our window while some of it is still on the way (appendix A.2).  An
 * ACK is the answer if it had text.
 */
enum seg_verdict seg_judge(
    tcp_seq seq, uint32_t len, tcp_seq rcv_nxt, uint32_t rcv_wnd);

/* A segment's text; then, what of it lies in the window. */
struct seg_text {
	tcp_seq seq;   /* of the first byte */
	uint32_t skip; /* bytes of the payload in front of it */
	uint32_t len;  /* bytes from there */
	bool fin;      /* the FIN follows, and it is in the window as well */
};

/*
 * Cut to the window a segment that seg_judge() found SEG_OK: @seq is SEG.SEQ,
 * after @syn, if set, come @data_len bytes and @fin.
 */
struct seg_text seg_trim(tcp_seq seq, bool syn, uint32_t data_len, bool fin,
    tcp_seq rcv_nxt, uint32_t rcv_wnd);

/* ---- Second: RST ---- */

enum rst_verdict {
	RST_DROP,      /* silently */
	RST_RESET,     /* it is real: reset the connection */
	RST_CHALLENGE, /* drop, and send a challenge ACK */
};

/* In every state from SYN-RECEIVED on (RFC 5961, 3.2). */
enum rst_verdict rst_judge(tcp_seq seq, tcp_seq rcv_nxt, uint32_t rcv_wnd);

/* In SYN-SENT: only what acknowledges our SYN (RFC 9293, 3.10.7.3). */
enum rst_verdict rst_judge_syn_sent(
    bool has_ack, tcp_seq ack, tcp_seq snd_una, tcp_seq snd_nxt);

/* ---- Fourth: SYN ---- */

enum syn_verdict {
	SYN_CHALLENGE, /* drop, and send a challenge ACK (RFC 5961, 4.2) */
	SYN_LISTEN,    /* the half-open child goes, the listener remains */
	SYN_REOPEN,    /* TIME-WAIT ends here: take it as to a listener */
	SYN_DROP,      /* silently */
};

/* In every state from SYN-RECEIVED on except TIME-WAIT. */
enum syn_verdict syn_judge(enum tcp_state s, bool passive);

/* What TIME-WAIT knows of the connection that was. */
struct time_wait {
	tcp_seq last;       /* the peer's last number: that of its FIN */
	bool had_ts;        /* timestamps were in use */
	uint32_t ts_recent; /* the last one seen */
};

/*
 * In TIME-WAIT (RFC 6191, 2); comes before seg_judge().  @ts: the new
 * connection would use timestamps too, and @ts_val is the SYN's.
 */
enum syn_verdict syn_judge_time_wait(
    const struct time_wait *tw, tcp_seq seq, bool ts, uint32_t ts_val);

/* ---- Fifth: ACK ---- */

enum ack_verdict {
	ACK_ADVANCES,  /* SND.UNA < SEG.ACK =< SND.NXT */
	ACK_DUPLICATE, /* SEG.ACK = SND.UNA */
	ACK_OLD,       /* before it, by no more than MAX.SND.WND: go on */
	ACK_ANCIENT,   /* further: drop, and send a challenge ACK */
	ACK_UNSENT,    /* of something not yet sent: ditto */
};

/*
 * RFC 5961, 5.2; @max_snd_wnd: the largest window the peer ever offered.  (In
 * SYN-RECEIVED all but ACK_ADVANCES is answered by a reset.)
 */
enum ack_verdict ack_judge(
    tcp_seq ack, tcp_seq snd_una, tcp_seq snd_nxt, uint32_t max_snd_wnd);

#endif /* TCPD_ACCEPTABLE_H */
