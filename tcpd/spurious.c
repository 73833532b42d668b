/*
 * spurious.c - Eifel detection and response, F-RTO
 */
#include "tcpd/spurious.h"

/* ---- Eifel ---- */

void eifel_init(struct eifel *e)
{
	*e = (struct eifel){ 0 };
}

void eifel_begin(
    struct eifel *e, const struct eifel_before *b, const struct rtt *rtt)
{
	if (e->recovering)
		return;
	e->recovering = true;
	e->waiting = true;
	e->has_ts = false;
	e->by_timeout = b->by_timeout;
	e->dup_acks = b->dup_acks;
	e->pipe_prev =
	    b->flight_size > b->ssthresh ? b->flight_size : b->ssthresh;
	e->srtt_prev_ns = rtt->srtt_ns + 2 * b->granularity_ns;
	e->rttvar_prev_ns = rtt->rttvar_ns;
}

void eifel_retransmitted(struct eifel *e, uint32_t ts_val)
{
	if (!e->waiting || e->has_ts)
		return;
	e->retransmit_ts = ts_val;
	e->has_ts = true;
}

void eifel_end(struct eifel *e)
{
	e->recovering = false;
	e->waiting = false;
}

void eifel_dsack(struct eifel *e)
{
	e->dsack_seen = true;
}

int eifel_ack(struct eifel *e, const struct eifel_ack *a)
{
	bool dsack_before = e->dsack_seen;

	if (a->dsack)
		e->dsack_seen = true;
	/* Step 3: the first one decides, whatever it says. */
	if (!e->waiting)
		return SPUR_FALSE;
	e->waiting = false;
	if (!e->has_ts || !a->has_ts)
		return SPUR_FALSE;
	/* Step 4: not older than the retransmission, modulo 2^32. */
	if ((int32_t)(a->ts_ecr - e->retransmit_ts) >= 0)
		return SPUR_FALSE;
	/* Step 5: were it that all ACKs were lost, it was no mistake. */
	if (a->dsack || (!dsack_before && a->covers_all))
		return SPUR_FALSE;
	return e->by_timeout ? SPUR_TO : e->dup_acks + 1;
}

void eifel_response(const struct eifel *e, uint32_t flight_size, uint32_t acked,
    uint32_t iw, uint32_t *cwnd, uint32_t *ssthresh)
{
	*cwnd = flight_size + (acked < iw ? acked : iw);
	*ssthresh = e->pipe_prev;
}

/* ---- F-RTO ---- */

void frto_init(struct frto *f, tcp_seq iss, bool sack)
{
	*f = (struct frto){ .recover = iss, .rexmitted = iss, .sack = sack };
}

bool frto_timeout(struct frto *f, tcp_seq una, tcp_seq snd_max,
    tcp_seq rexmitted, bool in_recovery)
{
	/* Step 1: ACKs of an earlier recovery could mislead. */
	if (in_recovery || seq_gt(f->recover, una)) {
		f->recover = snd_max;
		f->state = FRTO_IDLE;
		return false;
	}
	f->rexmitted = rexmitted;
	f->state = FRTO_FIRST_ACK;
	return true;
}

static enum frto_action give_up(struct frto *f, enum frto_action how)
{
	f->state = FRTO_IDLE;
	return how;
}

/* Step 2, in both versions. */
static enum frto_action first_ack(struct frto *f, const struct frto_ack *a)
{
	if (f->sack && !a->advances)
		return FRTO_WAIT;
	f->recover = a->snd_max;
	/* 2a; a part of the retransmission is what only a cheat would ACK. */
	if (!a->advances || seq_lt(a->ack, f->rexmitted))
		return give_up(f, FRTO_REAL);
	if (seq_geq(a->ack, f->recover))
		return give_up(f, f->sack ? FRTO_REAL_2 : FRTO_REAL);
	if (!a->can_send)
		return give_up(f, FRTO_REAL);
	f->state = FRTO_SECOND_ACK;
	return FRTO_SEND_NEW;
}

static enum frto_action second_ack(struct frto *f, const struct frto_ack *a)
{
	bool beyond = seq_gt(a->ack, f->recover) ||
	    (f->sack && seq_gt(a->fack, f->recover));

	/* With SACK, what we sent since says nothing; nor does old news. */
	if (f->sack && (beyond || (!a->advances && !a->new_sack)))
		return give_up(f, FRTO_REAL_3);
	if (!f->sack && !a->advances)
		return give_up(f, FRTO_REAL_3);
	/* SND.UNA is now a->ack: fast retransmit is allowed again. */
	f->recover = a->ack;
	return give_up(f, FRTO_SPURIOUS);
}

enum frto_action frto_ack(struct frto *f, const struct frto_ack *a)
{
	if (f->state == FRTO_IDLE) {
		/* Not to look like the future 2^31 bytes later. */
		f->recover = seq_max(f->recover, a->ack);
		return FRTO_NOT_RUNNING;
	}
	if (!a->advances && !a->duplicate)
		return FRTO_WAIT;
	return f->state == FRTO_FIRST_ACK ? first_ack(f, a) : second_ack(f, a);
}
