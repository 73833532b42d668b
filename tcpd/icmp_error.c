/*
 * icmp_error.c - ICMP errors about segments of ours (RFC 9293, 3.9.2.2)
 *
 * Anybody can forge one, so it counts only if the sequence number that it
 * quotes is in flight (RFC 5927, 4.1), and then does as little as it can:
 *
 *	too big          the path's MTU (RFC 1191, 8201), never below what the
 *	                 family guarantees
 *	hard             ends what is not yet synchronized; later it is as soft
 *	                 as the others (RFC 5927, 5)
 *	soft             remembered, and told if the connection times out.  In
 *	                 SYN-SENT it ends the attempt once a SYN was repeated in
 *	                 vain (RFC 5461, 4.2): who calls a host that isn't there
 *	                 need not wait for minutes
 */
#include "shm/icmp_error.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "shm/bytes.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

enum {
	QUOTED = 8, /* ports and sequence number: all that must be there */
};

static void drop(struct tcpd *t, uint32_t reason)
{
	node_count(&t->n, reason);
	log_debug(&t->n.log, "ICMP error dropped, reason=%s",
	    tcpd_counters[reason - CNT_NODE_END].name);
}

static bool is_too_big(const struct desc *d)
{
	if (ip_is_v4(&d->dst))
		return d->icmp_type == ICMP_DEST_UNREACH &&
		    d->icmp_code == ICMP_FRAG_NEEDED;
	return d->icmp_type == ICMP6_PACKET_TOO_BIG;
}

/* SND.UNA =< SEG.SEQ < SND.NXT. */
static bool is_in_flight(const struct tcb *c, tcp_seq seq)
{
	return seq_leq(c->sb.f.una, seq) && seq_lt(seq, sb_end(&c->sb));
}

static void take_error(struct tcpd *t, struct tcb *c, const struct desc *d)
{
	struct icmp_verdict v = ip_is_v4(&d->dst)
	    ? icmp_verdict4(d->icmp_type, d->icmp_code, c->o.mtu_discover)
	    : icmp_verdict6(d->icmp_type, d->icmp_code, c->o.mtu_discover);
	bool calling = c->state == TCP_SYN_SENT;
	bool young = calling || c->state == TCP_SYN_RECEIVED;

	if (v.err == 0)
		return;
	node_note(&t->n, "an ICMP error about a segment of it: %s",
	    strerrordesc_np(v.err));
	/* Of one that is called nobody waits; and its SYN-ACK may yet arrive.
	 */
	if ((young && v.hard) || (calling && c->timers.retransmits > 0)) {
		conn_end(t, c, v.err);
		return;
	}
	node_note(&t->n, "remembered, in case that it times out");
	c->soft_error = (uint16_t)v.err;
}

void icmp_error(struct tcpd *t, const struct desc *d, const uint8_t *p)
{
	struct tcp_tuple ends = { .local = d->src, .remote = d->dst };
	struct tcb *c;
	uint32_t id;
	tcp_seq seq;

	if (d->len < QUOTED) {
		drop(t, CNT_TCP_ICMP_SHORT);
		return;
	}
	ends.local_port = be16_get(p);
	ends.remote_port = be16_get(p + 2);
	seq = seq_of(be32_get(p + 4));
	id = conn_find(t, &ends);
	if (id == NO_ID || id_is_linger(id)) {
		node_note(&t->n, "an ICMP error about no open connection");
		drop(t, CNT_TCP_ICMP_NO_CONNECTION);
		return;
	}
	if (!is_in_flight(conn_get(t, id), seq)) {
		node_note(&t->n, "an ICMP error about what is not in flight");
		drop(t, CNT_TCP_ICMP_BAD_SEQ);
		return;
	}
	node_count(&t->n, CNT_TCP_ICMP_RECEIVED);
	c = conn_touch(t, id);
	node_note(&t->n, "connection %u, %s", id, tcp_state_name(c->state));
	if (is_too_big(d) && d->icmp_info != 0)
		sender_path_mtu(t, c, d->icmp_info);
	else
		take_error(t, c, d);
}
