/*
 * ack_policy.c - when data is acknowledged
 */
#include "tcpd/ack_policy.h"

enum {
	DEFAULT_SEG = 536, /* RFC 9293, 3.7.1: until larger ones were seen */
};

void ack_policy_begin(struct ack_policy *p, uint16_t rmss)
{
	*p = (struct ack_policy){
		.seg_size = rmss < DEFAULT_SEG ? rmss : DEFAULT_SEG,
		.quick = ACK_QUICK,
	};
}

/*
 * What is a full segment?  RMSS is only an upper bound: the peer subtracts its
 * options, and the path may be narrower.  So: the largest seen; smaller again
 * when two in a row agree on it.
 */
static void measure(struct ack_policy *p, uint32_t seg)
{
	uint16_t len = seg < UINT16_MAX ? (uint16_t)seg : UINT16_MAX;

	if (len > p->seg_size || (len == p->last_len && len >= DEFAULT_SEG))
		p->seg_size = len;
	p->last_len = len;
}

void ack_in_order(struct ack_policy *p, uint32_t bytes, uint32_t seg)
{
	measure(p, seg);
	p->unacked += bytes;
	/* "At least every second full-sized segment" (SHLD-19). */
	if (p->unacked > p->seg_size || p->quick > 0)
		p->now = true;
}

void ack_at_once(struct ack_policy *p, enum ack_reason why)
{
	p->now = true;
	switch (why) {
	case ACK_OUT_OF_ORDER:
	case ACK_GAP:
	case ACK_DUPLICATE_DATA:
		/* The sender recovers: its window grows with our ACKs. */
		p->quick = ACK_QUICK;
		break;
	case ACK_HANDSHAKE:
	case ACK_FIN:
	case ACK_WINDOW:
	case ACK_ECN:
	case ACK_REFUSED:
		break;
	}
}

void ack_quick(struct ack_policy *p, bool on)
{
	p->quick = on ? ACK_QUICK : 0;
	if (on && p->unacked > 0)
		p->now = true;
}

void ack_sent(struct ack_policy *p, bool data)
{
	if (data && p->unacked > 0)
		p->quick = 0; /* it rode on an answer: the next will too */
	else if (p->quick > 0)
		p->quick--;
	p->unacked = 0;
	p->now = false;
}

enum ack_when ack_judge_when(const struct ack_policy *p)
{
	if (p->now)
		return ACK_NOW;
	return p->unacked > 0 ? ACK_LATER : ACK_NONE;
}
