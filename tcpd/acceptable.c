/*
 * acceptable.c - is a segment for this connection, and from its peer?
 */
#include "tcpd/acceptable.h"

enum seg_verdict seg_judge(
    tcp_seq seq, uint32_t len, tcp_seq rcv_nxt, uint32_t rcv_wnd)
{
	tcp_seq edge = seq_add(rcv_nxt, rcv_wnd);

	if (len == 0) {
		if (seq_eq(seq, rcv_nxt) ||
		    seq_in_window(seq, rcv_nxt, rcv_wnd))
			return SEG_OK;
		if (seq_eq(seq, edge))
			return SEG_ACK_ONLY;
		return seq_lt(seq, rcv_nxt) ? SEG_OLD : SEG_AHEAD;
	}

	if (seq_in_window(seq, rcv_nxt, rcv_wnd) ||
	    seq_in_window(seq_add(seq, len - 1), rcv_nxt, rcv_wnd))
		return SEG_OK;
	/* It begins before the window and ends behind it: RCV.NXT is in it. */
	if (rcv_wnd > 0 && seq_in_window(rcv_nxt, seq, len))
		return SEG_OK;
	if (rcv_wnd == 0 && seq_eq(seq, rcv_nxt))
		return SEG_ACK_ONLY;
	return seq_lt(seq, rcv_nxt) ? SEG_OLD : SEG_AHEAD;
}

struct seg_text seg_trim(tcp_seq seq, bool syn, uint32_t data_len, bool fin,
    tcp_seq rcv_nxt, uint32_t rcv_wnd)
{
	struct seg_text t = {
		.seq = seq_add(seq, syn), .len = data_len, .fin = fin
	};
	tcp_seq edge = seq_add(rcv_nxt, rcv_wnd);
	tcp_seq end = seq_add(t.seq, data_len); /* the FIN's own number */

	/* Left of the window: we have it. */
	if (seq_lt(t.seq, rcv_nxt)) {
		t.skip = seq_len(t.seq, rcv_nxt);
		if (t.skip > t.len) {
			t.skip = t.len;
			t.fin = false;
		}
		t.len -= t.skip;
		t.seq = seq_add(t.seq, t.skip);
	}
	/* Right of it: a FIN takes a number as well. */
	if (seq_geq(end, edge))
		t.fin = false;
	if (seq_gt(end, edge)) {
		uint32_t over = seq_len(edge, end);

		t.len -= over < t.len ? over : t.len;
	}
	return t;
}

enum rst_verdict rst_judge(tcp_seq seq, tcp_seq rcv_nxt, uint32_t rcv_wnd)
{
	/* Also with a zero window. */
	if (seq_eq(seq, rcv_nxt))
		return RST_RESET;
	if (seq_in_window(seq, rcv_nxt, rcv_wnd))
		return RST_CHALLENGE;
	return RST_DROP;
}

enum rst_verdict rst_judge_syn_sent(
    bool has_ack, tcp_seq ack, tcp_seq snd_una, tcp_seq snd_nxt)
{
	if (has_ack && seq_gt(ack, snd_una) && seq_leq(ack, snd_nxt))
		return RST_RESET;
	return RST_DROP;
}

enum syn_verdict syn_judge(enum tcp_state s, bool passive)
{
	if (s == TCP_SYN_RECEIVED && passive)
		return SYN_LISTEN;
	return SYN_CHALLENGE;
}

enum syn_verdict syn_judge_time_wait(
    const struct time_wait *tw, tcp_seq seq, bool ts, uint32_t ts_val)
{
	bool newer = seq_gt(seq, tw->last);
	int32_t later;

	if (!ts)
		return newer ? SYN_REOPEN : SYN_DROP;
	if (!tw->had_ts)
		return SYN_REOPEN;
	later = (int32_t)(ts_val - tw->ts_recent);
	if (later > 0 || (later == 0 && newer))
		return SYN_REOPEN;
	return SYN_DROP;
}

enum ack_verdict ack_judge(
    tcp_seq ack, tcp_seq snd_una, tcp_seq snd_nxt, uint32_t max_snd_wnd)
{
	if (seq_gt(ack, snd_nxt))
		return ACK_UNSENT;
	if (seq_gt(ack, snd_una))
		return ACK_ADVANCES;
	if (seq_eq(ack, snd_una))
		return ACK_DUPLICATE;
	return seq_len(ack, snd_una) <= max_snd_wnd ? ACK_OLD : ACK_ANCIENT;
}
