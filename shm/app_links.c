/*
 * app_links.c - a transport's descriptors: apps' segments, sockets' ends
 *
 * A byte that comes through a socket's end says "look", a hang-up that nobody
 * holds the other end any more.  Until this process has taken over, the ends
 * are only held: their bytes are for the instance that runs.
 */
#include "shm/app_links.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/segment.h"

enum {
	/* What one look takes from a socket: more than fits into it. */
	LOOK_BYTES = 4096,
	LOOK_READS = 128,
};

/* ---- Sockets */

static void happened(void *ctx, struct watch *w, uint32_t events)
{
	struct app_links *p = ctx;
	uint32_t app = app_of(w->id);
	uint32_t sub = sub_of(w->id);
	char bytes[LOOK_BYTES];
	ssize_t n = 1;

	(void)events;
	/* An edge: until there is no more. */
	for (int i = 0; i < LOOK_READS && n > 0; i++)
		n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	/* A program rings once until it is heard: this one would keep us. */
	if (n > 0)
		apps_cut_off(p->apps, app, "it floods its socket");
	apps_look(p->apps, app, sub);
	/* ECONNRESET: it was closed with a byte of ours unread. */
	if (n == 0 || errno == ECONNRESET)
		apps_socket_closed(p->apps, app, sub);
}

static void watch_link(struct app_links *p, struct app_link *l, uint32_t id)
{
	struct hook *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		h->watch = (struct watch){
			.happened = happened, .ctx = p, .fd = l->fd, .id = id
		};
		l->hook = h;
	}
	if (h == NULL ||
	    loop_watch(&p->d->loop, &h->watch, POLLIN | POLLRDHUP) < 0)
		log_error(&p->d->log, "can't watch a socket");
}

static void forget_link(struct app_links *p, struct app_link *l)
{
	if (l->hook == NULL)
		return;
	loop_forget(&p->d->loop, &l->hook->watch);
	l->hook->next = p->old;
	p->old = l->hook;
	l->hook = NULL;
}

static void free_old_hooks(struct app_links *p)
{
	struct hook **at = &p->old;

	while (*at != NULL) {
		struct hook *h = *at;

		if (h->watch.busy == 0) {
			*at = h->next;
			free(h);
		} else {
			at = &h->next;
		}
	}
}

/* What the running instance has closed, this one need not hold. */
static void withdraw(struct app_links *p, uint32_t app, uint32_t sub)
{
	struct app_link *l;

	if (app >= APP_MAX || sub >= APP_MAX_SOCKETS ||
	    p->app[app].link == NULL || p->apps->attached)
		return;
	l = &p->app[app].link[sub];
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	apps_socket_withdrawn(p->apps, app, sub);
}

static bool can_be(const struct app_links *p, uint32_t app, uint32_t sub)
{
	return app < APP_MAX && sub < APP_MAX_SOCKETS &&
	    p->app[app].link != NULL;
}

/* A new fd for a socket that goes on (app.h). */
static bool renew(struct app_links *p, uint32_t app, uint32_t sub, int fd)
{
	struct app_link *l;

	if (!p->apps->attached || !can_be(p, app, sub) ||
	    p->app[app].link[sub].fd == -1)
		return false;
	l = &p->app[app].link[sub];
	forget_link(p, l);
	close(l->fd);
	l->fd = fd;
	watch_link(p, l, app * APP_MAX_SOCKETS + sub);
	apps_socket_renewed(p->apps, app, sub);
	apps_wake_later(
	    p->apps, app * APP_MAX_SOCKETS + sub, WAKE_RX | WAKE_TX);
	return true;
}

/* @m says of which family, type and protocol it is. */
static void take_socket(struct app_links *p, uint32_t app, uint32_t sub,
    const struct ctl_msg *m, int fd)
{
	struct app_link *l;

	if (renew(p, app, sub, fd))
		return;
	withdraw(p, app, sub);
	if (!can_be(p, app, sub) ||
	    apps_socket_opened(p->apps, app, sub, (uint8_t)m->arg[0]) < 0) {
		log_warn(&p->d->log, "socket that can't be, app=%u socket=%u",
		    app, sub);
		close(fd);
		return;
	}
	apps_socket_kind(
	    p->apps, app, sub, (uint8_t)m->arg[1], (uint8_t)m->arg[2]);
	l = &p->app[app].link[sub];
	l->fd = fd;
	if (p->apps->attached)
		watch_link(p, l, app * APP_MAX_SOCKETS + sub);
}

static void take_sockets(
    struct app_links *p, const struct ctl_msg *m, const int *fds)
{
	for (uint32_t i = 0; i < m->nfds; i++)
		if (i < CTL_MAX_SOCKETS)
			take_socket(p, m->id, m->subs[i], m, fds[i]);
		else
			close(fds[i]);
}

/* Closed by us: the app's end hangs up even if others hold copies of ours. */
static void drop_socket(struct app_links *p, uint32_t id)
{
	struct app_link *l = &p->app[app_of(id)].link[sub_of(id)];

	if (l->fd == -1)
		return;
	forget_link(p, l);
	shutdown(l->fd, SHUT_RDWR);
	close(l->fd);
	l->fd = -1;
	daemon_tell(p->d, CTL_SOCKET_GONE, app_of(id), sub_of(id));
}

/* ---- Apps */

static void close_fds(const struct ctl_msg *m, const int *fds)
{
	for (uint32_t i = 0; i < m->nfds; i++)
		close(fds[i]);
}

static void drop_app(struct app_links *p, uint32_t app)
{
	struct app_map *a = &p->app[app];

	if (a->a2s != NULL)
		segment_unmap(a->a2s, A2S_BYTES);
	if (a->s2a != NULL)
		segment_unmap(a->s2a, S2A_BYTES);
	free(a->link);
	*a = (struct app_map){ .link = NULL };
}

static int map_app(struct app_map *a, const struct ctl_msg *m, const int *fds)
{
	int r = 0;

	for (uint32_t i = 0; i < m->nfds && r == 0; i++) {
		if (m->fd[i].role == FD_A2S && a->a2s == NULL)
			r = segment_map(&a->a2s, fds[i], A2S_BYTES, false);
		else if (m->fd[i].role == FD_S2A && a->s2a == NULL)
			r = segment_map(&a->s2a, fds[i], S2A_BYTES, true);
		else
			r = -EPROTO;
	}
	if (r == 0 && (a->a2s == NULL || a->s2a == NULL))
		r = -EPROTO;
	return r;
}

static void take_app(
    struct app_links *p, const struct ctl_msg *m, const int *fds)
{
	struct app_map *a = m->id < APP_MAX ? &p->app[m->id] : NULL;
	int r = -EPROTO;

	/* A standby is told of a new app by an old one's number. */
	if (a != NULL && a->link != NULL && !p->apps->attached) {
		for (uint32_t i = 0; i < APP_MAX_SOCKETS; i++)
			withdraw(p, m->id, i);
		apps_app_forget(p->apps, m->id);
		drop_app(p, m->id);
	}
	if (a != NULL && a->link == NULL) {
		a->link = calloc(APP_MAX_SOCKETS, sizeof(*a->link));
		r = a->link == NULL ? -ENOMEM : map_app(a, m, fds);
		for (uint32_t i = 0; r == 0 && i < APP_MAX_SOCKETS; i++)
			a->link[i] = (struct app_link){ .fd = -1 };
		if (r == 0)
			r = apps_app_opened(p->apps, m->id, a->a2s, a->s2a);
		if (r == 0)
			apps_app_owner(p->apps, m->id, m->arg[1]);
		if (r < 0)
			drop_app(p, m->id);
	}
	if (r < 0)
		log_errno(&p->d->log, -r, "can't take app %u", m->id);
	close_fds(m, fds);
}

/* Gone for good once its sockets are. */
static void finish_app(struct app_links *p, uint32_t app)
{
	struct app_map *a = &p->app[app];
	uint32_t farewell = a->farewell;

	if (a->link == NULL || !apps_app_done(p->apps, app))
		return;
	for (uint32_t i = 0; i < APP_MAX_SOCKETS; i++)
		if (a->link[i].fd != -1)
			return;
	apps_app_forget(p->apps, app);
	drop_app(p, app);
	daemon_tell(p->d, CTL_APP_GONE, app, farewell);
}

/* Perhaps it had no socket left, or had left before: no turn will follow. */
static void app_gone(struct app_links *p, const struct ctl_msg *m)
{
	if (p->app[m->id].link == NULL) {
		daemon_tell(p->d, CTL_APP_GONE, m->id, m->sub);
		return;
	}
	p->app[m->id].farewell = m->sub;
	apps_app_gone(p->apps, m->id);
	if (p->apps->attached)
		finish_app(p, m->id);
}

void app_links_control(struct app_links *p, struct daemon *d,
    const struct ctl_msg *m, const int *fds)
{
	p->d = d;
	if (m->type == CTL_APP) {
		take_app(p, m, fds);
		return;
	}
	if (m->type == CTL_SOCKET) {
		take_sockets(p, m, fds);
		return;
	}
	close_fds(m, fds);
	if (m->id >= APP_MAX)
		return;
	if (m->type == CTL_APP_GONE)
		app_gone(p, m);
	if (m->type == CTL_SOCKET_GONE)
		withdraw(p, m->id, m->sub);
}

int app_links_watch(struct app_links *p, struct daemon *d)
{
	p->d = d;
	for (uint32_t id = 0; id < MAX_SOCKETS; id++) {
		struct app_map *a = &p->app[app_of(id)];

		if (a->link != NULL && a->link[sub_of(id)].fd != -1)
			watch_link(p, &a->link[sub_of(id)], id);
	}
	for (uint32_t app = 0; app < APP_MAX; app++)
		finish_app(p, app);
	if (p->apps->unsure)
		daemon_hear(d);
	return 0;
}

/* ---- After a turn */

static void wake_futex(const _Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wake(struct app_links *p, uint32_t id, uint8_t what)
{
	const struct app_map *a = &p->app[app_of(id)];
	const struct s2a_socket *s;

	if (a->link == NULL)
		return;
	s = (const void *)((const uint8_t *)a->s2a +
	    s2a_socket_off(sub_of(id)));
	/* Never waits: if the app's end is full it is readable anyway. */
	if ((what & WAKE_RX) && a->link[sub_of(id)].fd != -1)
		send(
		    a->link[sub_of(id)].fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (what & WAKE_REPLY)
		wake_futex(&s->reply_seq);
	if (what & WAKE_TX)
		wake_futex(&s->tx_room);
	if (what & WAKE_CLOSED)
		drop_socket(p, id);
}

void app_links_after(struct app_links *p, struct daemon *d)
{
	uint32_t id;
	uint8_t what;

	p->d = d;
	if (p->apps->unsure)
		daemon_hear(d);
	while (apps_next_wake(p->apps, &id, &what))
		wake(p, id, what);
	for (uint32_t app = 0; app < APP_MAX; app++)
		if (p->apps->app[app].gone)
			finish_app(p, app);
	if (p->old != NULL)
		free_old_hooks(p);
}
