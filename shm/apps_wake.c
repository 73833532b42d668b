/*
 * apps_wake.c - what an app is shown of its sockets, and when it is woken
 *
 * Showing is part of the commit: the words of a socket that a turn has changed
 * are copied from the transport's object, which survives, into s2a, which
 * anybody may look at.  So what an app sees has happened.
 *
 * Waking comes after it, and is no part of the turn: a wake-up that is lost
 * with us is made up for by apps_remind().  An app is told only what it does
 * not know yet (rx_told, tx_told, ...) and says that it waits for; in
 * doubt it is woken for nothing, never the other way round (app.h).
 */
#include "shm/apps.h"

void apps_changed(struct apps *a, uint32_t id)
{
	turn_object(&a->n->turn, id);
	apps_wake_later(a, id, 0);
}

void apps_names_changed(struct apps *a, uint32_t id)
{
	a->sock[id].names_shown = false;
	apps_changed(a, id);
}

/* ---- What the app sees */

static void show_names(struct apps *a, uint32_t id, struct s2a_socket *to)
{
	const struct app_answer *r = &a->state->answer[id];
	struct s2a_names *n = &to->names;

	publish_begin(&n->p);
	n->open = apps_is_open(a, id);
	a->ops->names(a->x, id, n);
	publish_end(&n->p);

	to->result = r->result;
	to->reply_len = r->reply_len;
	memcpy(to->reply, r->reply, sizeof(to->reply));
	atomic_store_explicit(
	    &to->reply_seq, r->reply_seq, memory_order_release);
}

void apps_show(void *apps, uint32_t id)
{
	struct apps *a = apps;
	struct s2a_socket *to;
	struct app_words w;

	if (a->app[app_of(id)].s2a == NULL)
		return;
	a->ops->words(a->x, id, &w);
	to = s2a_of(a, id);
	atomic_store_explicit(
	    &to->tx_consumed, w.tx_consumed, memory_order_release);
	atomic_store_explicit(&to->tx_sent, w.tx_sent, memory_order_release);
	atomic_store_explicit(&to->dropped, w.dropped, memory_order_relaxed);
	/* Who sees the error is to find it in the queue. */
	atomic_store_explicit(
	    &to->err_written, w.err_written, memory_order_release);
	atomic_store_explicit(&to->error, w.error, memory_order_release);
	atomic_store_explicit(
	    &to->rx_written, w.rx_written, memory_order_release);
	atomic_store_explicit(&to->stream, w.stream, memory_order_release);
	atomic_store_explicit(&to->tx_room,
	    app_room_word(w.tx_consumed, w.tx_sent, w.stream, w.error),
	    memory_order_release);
	/* Who sees a command's answer is to see what it has changed, too. */
	if (!a->sock[id].names_shown) {
		show_names(a, id, to);
		a->sock[id].names_shown = true;
	}
}

/* ---- Whom to wake after the turn */

void apps_wake_later(struct apps *a, uint32_t id, uint8_t wake)
{
	struct apps_sock *p = &a->sock[id];

	p->wake |= wake;
	if (p->waked)
		return;
	p->waked = true;
	a->waked[a->nwaked++] = (uint16_t)id;
}

/* Is there more room, as who waits for it means it? */
static bool has_room(const struct apps_sock *p, const struct a2s_socket *from,
    const struct app_words *w)
{
	uint32_t low =
	    atomic_load_explicit(&from->tx_low, memory_order_relaxed);

	if (low == 0)
		return w->tx_consumed != p->tx_told;
	return (w->tx_consumed != p->tx_told || w->tx_sent != p->sent_told) &&
	    app_poll_wants(low,
		atomic_load_explicit(&from->tx_written, memory_order_relaxed),
		w->tx_sent);
}

/* Is somebody in poll(2) for room, or for a connection? */
static bool is_polled(
    const struct a2s_socket *from, uint64_t consumed, bool changed)
{
	uint32_t poll =
	    atomic_load_explicit(&from->tx_poll, memory_order_relaxed);

	return (poll != 0 && changed) ||
	    app_poll_wants(poll,
		atomic_load_explicit(&from->tx_written, memory_order_relaxed),
		consumed);
}

static uint8_t who_waits(struct apps *a, uint32_t id)
{
	struct apps_sock *p = &a->sock[id];
	const struct a2s_socket *from;
	uint8_t wake = p->wake;
	struct app_words w;
	uint64_t read;

	if (a->app[app_of(id)].a2s == NULL)
		return wake;
	a->ops->words(a->x, id, &w);
	from = a2s_of(a, id);
	read = atomic_load_explicit(&from->rx_read, memory_order_relaxed);
	if (w.rx_written != p->rx_told &&
	    (read == p->rx_told ||
		app_poll_reads(
		    atomic_load_explicit(&from->rx_poll, memory_order_relaxed),
		    w.rx_written, read)))
		wake |= WAKE_RX;
	p->rx_told = w.rx_written;
	if (has_room(p, from, &w) || w.stream != p->stream_told) {
		wake |= WAKE_TX;
		if (is_polled(from, w.tx_consumed, w.stream != p->stream_told))
			wake |= WAKE_RX;
	}
	p->tx_told = w.tx_consumed;
	p->sent_told = w.tx_sent;
	p->stream_told = w.stream;
	if (!atomic_load_explicit(&from->tx_waiting, memory_order_relaxed))
		wake &= (uint8_t)~WAKE_TX;
	if (!atomic_load_explicit(&from->cmd_waiting, memory_order_relaxed))
		wake &= (uint8_t)~WAKE_REPLY;
	return wake;
}

bool apps_next_wake(struct apps *a, uint32_t *id, uint8_t *wake)
{
	/* Full fence: our counts before what the app says (app.h). */
	if (a->nwaked > 0)
		atomic_thread_fence(memory_order_seq_cst);
	while (a->nwaked > 0) {
		uint32_t i = a->waked[--a->nwaked];

		*id = i;
		*wake = who_waits(a, i);
		a->sock[i].wake = 0;
		a->sock[i].waked = false;
		if (*wake != 0)
			return true;
	}
	return false;
}

void apps_remind(struct apps *a, uint32_t id)
{
	struct apps_sock *p = &a->sock[id];
	const struct a2s_socket *from;
	struct app_words w;

	a->ops->words(a->x, id, &w);
	p->rx_told = w.rx_written;
	p->tx_told = w.tx_consumed;
	p->sent_told = w.tx_sent;
	p->stream_told = w.stream;
	if (a->app[app_of(id)].a2s == NULL)
		return;
	from = a2s_of(a, id);
	apps_wake_later(a, id, WAKE_REPLY | WAKE_TX);
	if (atomic_load(&from->rx_read) != w.rx_written ||
	    atomic_load(&from->error_taken) != w.error ||
	    atomic_load(&from->err_read) != w.err_written ||
	    atomic_load(&from->tx_poll) != 0 || (w.stream & STREAM_RX_END))
		apps_wake_later(a, id, WAKE_RX);
}
