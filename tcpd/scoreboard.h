/*
 * scoreboard.h - the sender's account of what it sent (RFC 6675, section 3)
 *
 * One account for both ways of finding losses, in flight.h's runs of bytes:
 *
 *	sb_sent()         -> in flight
 *	sb_ack()          -> acknowledged (gone), or SACKed
 *	sb_mark_*()       in flight -> lost
 *	sb_resent()       lost -> in flight, retransmitted
 *	sb_timeout()      what an RTO takes for lost
 *	sb_undo()         lost -> in flight: the loss was none
 *	                  (RFC 4015, step 8)
 *
 * By counting: sb_mark_by_sack() is IsLost() of RFC 6675 for all bytes, and
 * sb_next_seg() is NextSeg().  By time: rack.h finds them with
 * sb_mark_by_time() and takes from sb_next_seg() only lost and new data
 * (RFC 8985, 9.2: RFC 6675 itself must not be used then, as it knows no lost
 * retransmission).  A connection uses one of the two.  Without SACK there are
 * sb_mark_range() and the caller's count of duplicate ACKs (RFC 6582).
 *
 * SACKed bytes stay outstanding until acknowledged (RFC 2018, 8).  A receiver
 * that gave up what it had SACKed shows by acknowledging up to, not beyond, the
 * beginning of a SACKed run (struct sb_news, reneged); a timeout in that state,
 * or a second one without progress in between, forgets all SACKs.  Else they
 * are kept over a timeout, as RFC 6675 (5.1) has come to allow.
 *
 * RFC 6675's HighACK is una - 1, HighData is sb_end() - 1; its HighRxt and
 * RescueRxt are kept as the number after, like every edge here.  Lengths are
 * bytes of sequence space: SYN and FIN are a byte each.
 */
#ifndef TCPD_SCOREBOARD_H
#define TCPD_SCOREBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd/flight.h"
#include "tcpd/ranges.h"
#include "tcpd/tcp_wire.h"

enum {
	SB_DUP_THRESH = 3, /* DupThresh */
};

struct scoreboard {
	struct flight f;
	tcp_seq fack;           /* the highest ever (S)ACKed, one past */
	tcp_seq high_rxt;       /* retransmitted up to here in this phase */
	tcp_seq rescue_rxt;     /* no rescue before una is beyond */
	tcp_seq recovery_point; /* sb_end() when this phase began */
	uint8_t dup_acks;       /* RFC 6675's DupAcks, saturating */
	bool rescue_open;       /* nothing retransmitted yet in this phase */
};

/* What an ACK says; @ack is from una to sb_end(). */
struct sb_ack {
	tcp_seq ack;
	const struct tcp_sack *sack; /* as received, not checked */
	uint32_t nsack;
	struct mono now;
	/*
	 * The first instant at which our timestamp clock was beyond the echoed
	 * TSecr: what was sent from then on can't have caused this ACK.
	 * MONO_NEVER without timestamps.
	 */
	struct mono echoed_before;
	int64_t min_rtt_ns; /* 0: not known */
};

/* A moment at which bytes that this ACK is about were last sent. */
struct sb_sent_at {
	bool known;
	struct mono xmit;
	tcp_seq end;
};

/* What was new in it. */
struct sb_news {
	uint32_t acked;     /* una moved by so much */
	uint32_t sacked;    /* bytes SACKed now, not before */
	uint32_t delivered; /* DeliveredData of RFC 9937, 6.2 */
	bool dup_ack;       /* a duplicate ACK as RFC 6675, 2 defines it */
	bool reneged;       /* una is SACKed, the receiver has it no more */
	bool dsack; /* the first block reports a duplicate (RFC 2883, 5) */
	struct seq_range duplicate; /* if @dsack */
	/* Bytes never retransmitted were (S)ACKed: of proven delivery. */
	bool original;
	/* And such from below fack (RFC 8985, 6.2, step 3): by how much. */
	uint32_t reordered;
	/* Of all (S)ACKed now, the last one sent, doubts excluded (step 2). */
	struct sb_sent_at last;
	/*
	 * Of the bytes acknowledged in sequence, if none had been SACKed or
	 * retransmitted (Karn): the first, which includes the receiver's delay
	 * (RFC 6298 wants that), and the last sent, which does not.
	 */
	struct sb_sent_at rtt_first;
	struct sb_sent_at rtt_last;
};

void sb_init(struct scoreboard *sb, tcp_seq una);

/* One past the highest byte ever sent. */
static inline tcp_seq sb_end(const struct scoreboard *sb)
{
	return flight_end(&sb->f);
}

/*
 * @len new bytes were sent at @now.  Transmissions within @quantum_ns may be
 * kept as one; rtt_min() / 16 is right, 0 when there is none.
 */
void sb_sent(
    struct scoreboard *sb, uint32_t len, struct mono now, int64_t quantum_ns);

/* Update(): take in an ACK; *@ret is all that was learnt. */
void sb_ack(struct scoreboard *sb, const struct sb_ack *a, struct sb_news *ret);

/* RFC 2883, 5: does the first of the blocks report a duplicate, and which? */
bool sb_find_dsack(struct seq_range *ret, tcp_seq ack,
    const struct tcp_sack *sack, uint32_t nsack);

/* ---- What is lost: each returns how many bytes newly are ---- */

/* IsLost() of RFC 6675, for a byte that is not SACKed. */
bool sb_is_lost(const struct scoreboard *sb, tcp_seq seq, uint32_t smss);

/* All for which IsLost() holds and that were not sent again in this phase. */
uint32_t sb_mark_by_sack(struct scoreboard *sb, uint32_t smss);

/* What is not SACKed in [left, right). */
uint32_t sb_mark_range(struct scoreboard *sb, tcp_seq left, tcp_seq right);

/*
 * RACK_detect_loss() (RFC 8985, 6.2, step 5): what was sent before the byte
 * below @end, that was sent at @xmit, and at least @wait_ns (RACK.rtt +
 * RACK.reo_wnd) ago.  *@timeout_ns is when the last of those sent before it
 * would be lost, from now; 0 if none is left.
 */
uint32_t sb_mark_by_time(struct scoreboard *sb, struct mono xmit, tcp_seq end,
    int64_t wait_ns, struct mono now, int64_t *timeout_ns);

/*
 * The retransmission timer expired (RFC 8985, 6.3): the first @smss bytes are
 * lost, and all sent at least @wait_ns ago; 0: all (RFC 5681).  @again: it is
 * not the first time since una moved.
 */
uint32_t sb_timeout(struct scoreboard *sb, uint32_t smss, int64_t wait_ns,
    bool again, struct mono now);

/* Nothing was lost. */
void sb_undo(struct scoreboard *sb);

/* ---- What to send next ---- */

/* A phase of recovery begins: RecoveryPoint, HighRxt and RescueRxt. */
void sb_enter_recovery(struct scoreboard *sb);

/* The number of the rule of NextSeg() that chose it. */
enum sb_rule {
	SB_NOTHING = 0,
	SB_LOST = 1,
	SB_NEW = 2,
	SB_UNSURE = 3, /* a hole that is not known to be lost */
	SB_RESCUE = 4, /* the end of the window, once in a phase */
	SB_PROBE = 5,  /* not NextSeg(): a loss probe (RFC 8985, 7.3) */
};

/*
 * NextSeg(): up to @max bytes (SMSS, or a super-frame) in *@ret; @unsent is how
 * many new bytes there are that the peer's window allows.  Rules 3 and 4 only
 * if @last_resort, which is for RFC 6675 during recovery.
 */
enum sb_rule sb_next_seg(const struct scoreboard *sb, uint32_t max,
    uint32_t unsent, bool last_resort, struct seq_range *ret);

/* What a loss probe sends again: the highest @max bytes not SACKed. */
bool sb_highest(
    const struct scoreboard *sb, uint32_t max, struct seq_range *ret);

/*
 * [left, right) was sent again, because of @rule (any but SB_NEW); what of it
 * is acknowledged or SACKed meanwhile stays so.
 */
void sb_resent(struct scoreboard *sb, tcp_seq left, tcp_seq right,
    enum sb_rule rule, struct mono now);

/*
 * Pipe: what is neither SACKed nor lost, and what was sent again since (RFC
 * 6675, SetPipe(); in flight in RFC 9937, 6.2).
 */
uint32_t sb_pipe(const struct scoreboard *sb);

/* Bytes SACKed, and bytes lost and not sent again. */
static inline uint32_t sb_sacked(const struct scoreboard *sb)
{
	return flight_bytes(&sb->f, SACKED);
}

static inline uint32_t sb_lost(const struct scoreboard *sb)
{
	return flight_bytes(&sb->f, LOST);
}

/* Bytes that were sent again and are in flight. */
uint32_t sb_retransmitted(const struct scoreboard *sb);

/* RACK.segs_sacked, as well as it can be known without segment boundaries. */
uint32_t sb_segs_sacked(const struct scoreboard *sb, uint32_t smss);

#endif /* TCPD_SCOREBOARD_H */
