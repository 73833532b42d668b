/*
 * handshake.c - what the two ends agree on, for an active and a passive open
 */
#include "tcpd/isn.h"
#include "tcpd/send.h"
#include "tcpd/tcpd.h"

void handshake_begin(
    struct tcpd *t, struct tcb *c, const struct tsock *k, uint8_t link)
{
	conn_options_from(&c->o, &t->config, k, &c->ends.remote);
	if (ip_is_link_local(&c->ends.remote))
		c->link = link;
	else if (c->o.bind_link != LINK_ANY)
		c->link = c->o.bind_link;
	c->ts_offset = ts_offset(t->s->ts_key, &c->ends);
	c->stats.since = t->n.now;
	receiver_offer(t, c);
}

/* RFC 9293, 3.7.1: without the option, what every host must take. */
static uint16_t peer_mss(const struct tcpd *t, const struct segment *seg)
{
	uint16_t mss =
	    ip_is_v4(&seg->ends.remote) ? TCP_DEFAULT_MSS : TCP_DEFAULT_MSS6;

	if (seg->h.has_mss)
		mss = seg->h.mss;
	return mss < t->config.min_mss ? (uint16_t)t->config.min_mss : mss;
}

void handshake_options(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	const struct tcp_hdr *h = &seg->h;

	c->peer_mss = peer_mss(t, seg);
	if (t->config.window_scale && h->has_wscale) {
		c->flags |= CONN_WSCALE;
		c->snd_scale = h->wscale;
	} else {
		c->rcv_scale = 0;
	}
	if (t->config.timestamps && h->has_ts) {
		c->flags |= CONN_TS;
		paws_begin(&c->paws, h->ts_val, t->n.now);
	}
	if (t->config.sack && h->sack_permitted)
		c->flags |= CONN_SACK;
}

void handshake_done(struct tcpd *t, struct tcb *c, const struct segment *seg)
{
	conn_set_state(t, c, TCP_ESTABLISHED);
	c->stats.since = t->n.now;
	c->stats.ack_received = t->n.now;
	sender_established(t, c, seg);
}
