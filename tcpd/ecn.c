/*
 * ecn.c - explicit congestion notification on a connection
 */
#include "tcpd/ecn.h"

#include "tcpd/tcp_wire.h"

enum {
	ASKED = 1,      /* we sent an ECN-setup SYN */
	TOOK_BACK = 2,  /* then one that asks no more: we echo, but no ECT */
	AGREED = 4,     /* both ends take part */
	SAY_ECE = 8,    /* receiver: CE was seen, no CWR since */
	SAY_CWR = 0x10, /* sender: cwnd was reduced, not yet told */
	LAST_WAS_CE = 0x20,
	SEEN = 0x40, /* receiver: an ECT or CE */

	ASKING_SYNS = 2,
};

static const uint16_t SETUP = TCP_ECE | TCP_CWR;

uint16_t ecn_syn_flags(struct ecn *e, enum ecn_use use, unsigned attempt)
{
	if (use == ECN_ASK && attempt < ASKING_SYNS) {
		e->flags |= ASKED;
		return SETUP;
	}
	if ((e->flags & ASKED) != 0)
		e->flags |= TOOK_BACK;
	return 0;
}

void ecn_syn_received(struct ecn *e, enum ecn_use use, uint16_t flags)
{
	/*
	 * Also when SYNs cross.  A peer of RFC 9768 asks with AE set as well;
	 * without AccECN of our own that is answered as RFC 3168 would.
	 */
	if (use != ECN_OFF && (flags & SETUP) == SETUP)
		e->flags |= AGREED;
	else
		/* A retransmitted SYN that asks no more (6.1.1.1). */
		e->flags &= (uint8_t)~AGREED;
}

uint16_t ecn_syn_ack_flags(const struct ecn *e)
{
	return (e->flags & AGREED) != 0 ? TCP_ECE : 0;
}

void ecn_syn_ack_received(struct ecn *e, uint16_t flags)
{
	/*
	 * ECE without CWR.  Both set is a faulty host that reflects our own
	 * flags (6.1.1.2).
	 */
	if ((e->flags & ASKED) != 0 && (flags & SETUP) == TCP_ECE)
		e->flags |= AGREED;
	else
		e->flags &= (uint8_t)~AGREED;
}

void ecn_restore(struct ecn *e, bool agreed)
{
	e->flags = agreed ? AGREED : 0;
}

bool ecn_on(const struct ecn *e)
{
	return (e->flags & AGREED) != 0;
}

bool ecn_seen(const struct ecn *e)
{
	return (e->flags & SEEN) != 0;
}

bool ecn_received(
    struct ecn *e, enum ecn_field field, uint16_t flags, bool data)
{
	bool ce = data && field == ECN_CE;
	bool changed;

	if (!ecn_on(e) || !data)
		return false;
	if (field != ECN_NOT_ECT)
		e->flags |= SEEN;
	changed = ce != ((e->flags & LAST_WAS_CE) != 0);

	/* CWR first: this packet's own CE came after the reduction (6.1.3). */
	if ((flags & TCP_CWR) != 0)
		e->flags &= (uint8_t)~SAY_ECE;
	e->flags &= (uint8_t)~LAST_WAS_CE;
	if (ce)
		e->flags |= SAY_ECE | LAST_WAS_CE;
	return changed;
}

bool ecn_echoed(const struct ecn *e, uint16_t flags)
{
	return ecn_on(e) &&
	    (flags & (TCP_ACK | TCP_SYN | TCP_ECE)) == (TCP_ACK | TCP_ECE);
}

void ecn_window_reduced(struct ecn *e)
{
	if (ecn_on(e))
		e->flags |= SAY_CWR;
}

uint16_t ecn_send(struct ecn *e, enum ecn_segment what, enum ecn_field *field)
{
	uint16_t flags = 0;

	*field = ECN_NOT_ECT;
	if (!ecn_on(e))
		return 0;
	if ((e->flags & SAY_ECE) != 0)
		flags |= TCP_ECE;

	switch (what) {
	case ECN_NEW_DATA:
		/*
		 * The only ones that are ECT and that carry CWR (6.1.2).  Who
		 * ever sent a SYN that does not ask must not set ECT (6.1.1).
		 */
		if ((e->flags & TOOK_BACK) == 0)
			*field = ECN_ECT0;
		if ((e->flags & SAY_CWR) != 0)
			flags |= TCP_CWR;
		e->flags &= (uint8_t)~SAY_CWR;
		break;
	case ECN_PURE_ACK:   /* 6.1.4 */
	case ECN_RETRANSMIT: /* 6.1.5, 6.1.6 */
		break;
	}
	return flags;
}
