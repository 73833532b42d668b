/*
 * accept.c - connections that a listener has and nobody has accepted
 *
 * Each has a socket already: a spare, whose fd some process of the listener's
 * app holds, and a record in the listener's rx ring that names it.  accept()
 * gets an fd for it, of its own or anew from the supervisor (renewed), and only
 * then steps over the record.  So, as with the kernel, such a connection is the
 * listener's and not that of whoever made the spare:
 *
 *	the fd's holder dies	the socket stays as long as its record waits in
 *				the ring of a listener that lives
 *	the listener ends	all that wait are reset, whoever has their fds
 *
 * Until its record is read, a spare's number is not free, either: else
 * accept() would take the next socket of that number for the connection.
 */
#include <errno.h>

#include "tcpd/app.h"

/* ---- Records */

uint32_t stream_queued(const struct streams *s, uint32_t id)
{
	uint64_t waiting =
	    s->state->sock[id].words.rx_written - apps_rx_read(&s->apps, id);

	/* A lie is dealt with where it is looked for. */
	return waiting > APP_RX_BYTES
	    ? TSOCK_BACKLOG_MAX
	    : (uint32_t)(waiting / sizeof(struct accept_record));
}

static void put_record(struct streams *s, struct tsock *k, uint32_t id,
    uint32_t spare, const struct app_name *local, const struct app_name *peer)
{
	struct accept_record r = {
		.spare = spare_make(app_of(spare), sub_of(spare)),
		.peer = *peer,
		.local = *local,
	};

	app_ring_write(apps_rx_ring(&s->apps, id), APP_RX_BYTES,
	    k->words.rx_written, &r, sizeof(r));
	k->words.rx_written += sizeof(r);
}

/* Of a listener whose app may be asked how far it has read. */
static bool is_unread(const struct streams *s, const struct tsock *k)
{
	return (int64_t)(apps_rx_read(&s->apps, k->listener) - k->record_end) <
	    0;
}

/*
 * A ring's counts go on when its number is used again; of another app, which
 * may be gone, nothing is known.
 */
bool accept_was_not(const struct streams *s, uint32_t id)
{
	const struct tsock *k = &s->state->sock[id];

	return k->accepted && app_of(k->listener) == app_of(id) &&
	    is_unread(s, k);
}

/* Accepted or to be so by a listener that is there. */
static bool has_listener(const struct streams *s, const struct tsock *k)
{
	return k->record_end != 0 && apps_is_live(&s->apps, k->listener) &&
	    s->state->sock[k->listener].state == TSOCK_LISTENING;
}

/* ---- The end of a holder, and of a listener */

static void reset(struct streams *s, uint32_t id)
{
	struct app_words last;

	if (s->state->sock[id].conn == NO_CONN)
		return;
	s->ops->words(s->x, s->state->sock[id].conn, &last);
	s->ops->abort(s->x, s->state->sock[id].conn);
	stream_gone(s, id, &last, ECONNRESET);
}

/* A process of the app, if there is one, can still get an fd for it. */
static bool can_be_renewed(const struct streams *s, uint32_t id)
{
	return !s->apps.app[app_of(id)].gone;
}

/* Its first fd was accepted, so it never had another, and will not. */
static bool was_kept(const struct streams *s, uint32_t id)
{
	return atomic_load_explicit(
		   &a2s_of(&s->apps, id)->kept, memory_order_relaxed) != 0;
}

bool accept_holds(struct streams *s, uint32_t id, bool lied)
{
	const struct tsock *k = &s->state->sock[id];

	if (!has_listener(s, k))
		return false;
	/* Read: perhaps by one for whom the fd has been renewed meanwhile. */
	if (!is_unread(s, k))
		return !lied && can_be_renewed(s, id) &&
		    k->state == TSOCK_CONNECTED && !was_kept(s, id) &&
		    !apps_is_sure(&s->apps, id, 0, 1);
	if (lied || !can_be_renewed(s, id))
		reset(s, id);
	if (!s->is_held[id]) {
		s->is_held[id] = true;
		s->held[s->nheld++] = (uint16_t)id;
	}
	return true;
}

/* Who has to wait on is put on the list anew. */
void accept_look_again(struct streams *s)
{
	while (s->nheld > 0) {
		uint32_t id = s->held[--s->nheld];

		s->is_held[id] = false;
		if (s->apps.sock[id].closing)
			apps_dirty(&s->apps, id);
	}
}

/* The connection of the record that ends at @end of listener @id. */
static void reset_one(struct streams *s, uint32_t id, uint64_t end)
{
	struct accept_record r;
	uint32_t spare;
	const struct tsock *k;

	/* Of our own segment, which nobody else can write. */
	app_ring_read(&r, apps_rx_ring(&s->apps, id), APP_RX_BYTES,
	    end - sizeof(r), sizeof(r));
	spare = (r.spare >> 16) * APP_MAX_SOCKETS + (r.spare & 0xffff);
	if (spare >= MAX_SOCKETS)
		return;
	k = &s->state->sock[spare];
	if (k->listener == id && k->record_end == end)
		reset(s, spare);
}

void accept_refuse(struct streams *s, uint32_t id)
{
	uint32_t queued = stream_queued(s, id);

	/* With more than fit in the ring the app has lied. */
	if (queued > 0 && queued <= APP_RX_BYTES / sizeof(struct accept_record))
		reset_one(s, id,
		    apps_rx_read(&s->apps, id) + sizeof(struct accept_record));
}

bool accept_reset_all(struct streams *s, uint32_t id)
{
	uint64_t end = s->state->sock[id].words.rx_written;
	uint64_t at = apps_rx_read(&s->apps, id);

	/* A lie: they end with their sockets. */
	if (end - at > APP_RX_BYTES ||
	    (end - at) % sizeof(struct accept_record) != 0)
		return true;
	while (at != end) {
		if (!apps_can_touch(&s->apps))
			return false;
		at += sizeof(struct accept_record);
		reset_one(s, id, at);
	}
	return true;
}

/* ---- Spares */

uint32_t stream_spares(const struct streams *s, uint32_t id)
{
	uint64_t bytes = apps_tx_written(&s->apps, id) -
	    s->state->sock[id].words.tx_consumed;

	return bytes > APP_TX_BYTES ? 0 : (uint32_t)(bytes / sizeof(uint32_t));
}

/* May listener @id's app use socket @spare, and is it as good as new? */
static bool is_spare(const struct streams *s, uint32_t id, uint32_t spare)
{
	const struct tsock *k = &s->state->sock[spare];

	if (!apps_is_live(&s->apps, spare) || k->state != TSOCK_IDLE ||
	    k->bound || k->conn != NO_CONN ||
	    k->family != s->state->sock[id].family)
		return false;
	return app_of(spare) == app_of(id) ||
	    atomic_load_explicit(&a2s_of(&s->apps, spare)->offered,
		memory_order_acquire) == app_of(id) + 1;
}

/* The one whose word is the next of listener @id; MAX_SOCKETS: it lies. */
static uint32_t spare_at(
    const struct streams *s, const struct tsock *k, uint32_t id)
{
	uint32_t word;

	app_ring_read(&word, apps_tx_ring(&s->apps, id), APP_TX_BYTES,
	    k->words.tx_consumed, sizeof(word));
	if (word >> 16 >= APP_MAX || (word & 0xffff) >= APP_MAX_SOCKETS)
		return MAX_SOCKETS;
	return (word >> 16) * APP_MAX_SOCKETS + (word & 0xffff);
}

/*
 * An app knows its sockets before us.  What the supervisor has not told of is
 * a spare that was closed: but he must have been heard since its word came.
 */
static bool may_come(
    struct streams *s, uint32_t id, uint32_t spare, uint64_t written)
{
	const struct apps_sock *p = &s->apps.sock[spare];

	return p->opening ||
	    (!p->have &&
		!apps_is_sure(&s->apps, id,
		    s->state->sock[id].words.tx_consumed, written));
}

void accept_look_ahead(struct streams *s, uint32_t id, uint64_t written)
{
	const struct tsock *k = &s->state->sock[id];
	uint32_t spare;

	if (k->words.tx_consumed == written)
		return;
	spare = spare_at(s, k, id);
	if (spare != MAX_SOCKETS)
		may_come(s, id, spare, written);
}

/* The next of the listener's spares, taken out; NO_SOCKET: none. */
static uint32_t next_spare(struct streams *s, struct tsock *k, uint32_t id)
{
	uint64_t written = apps_tx_written(&s->apps, id);

	while (k->words.tx_consumed != written &&
	    written - k->words.tx_consumed <= APP_TX_BYTES) {
		uint32_t spare = spare_at(s, k, id);

		if (spare == MAX_SOCKETS) {
			apps_cut_off(&s->apps, app_of(id), "no such spare");
			return NO_SOCKET;
		}
		if (may_come(s, id, spare, written))
			return NO_SOCKET;
		k->words.tx_consumed += sizeof(uint32_t);
		if (is_spare(s, id, spare))
			return spare;
	}
	return NO_SOCKET;
}

uint32_t stream_accept(struct streams *s, uint32_t id, uint32_t conn,
    const struct app_name *local, const struct app_name *peer,
    struct app_words *ret)
{
	struct tsock *k, *to;
	uint32_t spare;

	if (!apps_is_live(&s->apps, id) ||
	    stream_queued(s, id) > s->state->sock[id].backlog)
		return NO_SOCKET;
	k = tsock_touch(s, id);
	spare = next_spare(s, k, id);
	if (spare == NO_SOCKET)
		return NO_SOCKET;
	to = tsock_touch(s, spare);
	to->state = TSOCK_CONNECTED;
	to->conn = conn;
	to->local = *local;
	to->peer = *peer;
	to->local.family = to->peer.family = to->family;
	to->shut = 0;
	to->o = k->o;
	to->bound = 1;
	to->accepted = 1;
	to->listener = id;
	tsock_port_insert(s, spare);
	*ret = to->words;
	put_record(s, k, id, spare, local, peer);
	to->record_end = k->words.rx_written;
	node_note(s->n,
	    "connection %u is socket %u of app %u, to be accepted by"
	    " socket %u",
	    conn, sub_of(spare), app_of(spare), sub_of(id));
	return spare;
}
