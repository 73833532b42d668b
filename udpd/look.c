/*
 * look.c - what `strata ss` sees of UDP
 */
#include <errno.h>
#include <netinet/in.h>

#include "shm/ask_socket.h"
#include "udpd/udpd.h"

static void show_queues(struct ask_socket *k, const struct udpd *u, uint32_t id)
{
	const struct usock_flow *f = &u->state->flow[id];
	uint64_t rxq, txq;

	k->dropped = f->dropped;
	if (u->apps.app[app_of(id)].a2s == NULL)
		return;
	rxq = f->rx_written - apps_rx_read(&u->apps, id);
	txq = apps_tx_written(&u->apps, id) - f->tx_consumed;
	/* The app's words: a lie is not shown. */
	k->rxq = rxq <= APP_RX_BYTES ? (uint32_t)rxq : 0;
	k->txq = txq <= APP_TX_BYTES ? (uint32_t)txq : 0;
}

/* All raw sockets alike: their protocol stands where others have the port. */
static uint8_t proto_of(const struct usock *s)
{
	if (s->kind == USOCK_RAW)
		return IPPROTO_RAW;
	return s->kind == USOCK_PING ? s->protocol : IPPROTO_UDP;
}

static bool add_socket(const struct udpd *u, uint32_t id, struct ask_chunk *ret)
{
	const struct usock *s = &u->state->sock[id];
	struct ask_socket *k;

	if (!s->bound)
		return true;
	k = ask_chunk_add(ret, ASK_SOCKET_SHORT);
	if (k == NULL)
		return false;
	k->bytes = ASK_SOCKET_SHORT;
	k->proto = proto_of(s);
	k->state = s->connected ? SOCKET_ESTABLISHED : SOCKET_CLOSE;
	k->family = s->family;
	k->app = (uint16_t)app_of(id);
	k->sub = (uint16_t)sub_of(id);
	k->local = s->local;
	k->peer = s->peer;
	k->rcvbuf = (uint32_t)s->rcvbuf;
	k->sndbuf = (uint32_t)s->sndbuf;
	show_queues(k, u, id);
	return true;
}

/* The cursor is a socket's number. */
int udpd_look(const struct udpd *u, const struct ask *q, struct ask_chunk *ret)
{
	const uint64_t *open = u->state->apps.open;

	if (q->op != ASK_SOCKETS)
		return -EOPNOTSUPP;
	for (uint32_t id = q->cursor; id < MAX_SOCKETS; id++) {
		if (open[id / 64] >> id % 64 == 0) {
			id |= 63;
			continue;
		}
		if (!apps_is_open(&u->apps, id) || add_socket(u, id, ret))
			continue;
		ret->next = id;
		ret->more = true;
		break;
	}
	return 0;
}
