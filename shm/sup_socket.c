/*
 * sup_socket.c - the supervisor's sockets of apps
 *
 * A socket is a pair: one end for the app, the other for the transport, and a
 * copy of that here for the transport's next instance.  Its number is free when
 * the transport says so.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/sup.h"

static struct keep_label socket_label(uint32_t id, uint32_t sub, uint32_t p)
{
	return (struct keep_label){
		.kind = KEEP_SOCKET, .a = (uint8_t)p, .id = id, .sub = sub
	};
}

static void add_socket(
    struct ctl_msg *m, int fds[CTL_MAX_FDS], uint32_t sub, int fd)
{
	m->subs[m->nfds] = (uint16_t)sub;
	ctl_add_fd(m, fds, FD_SOCKET, 0, true, fd);
}

/*
 * Which transport serves it: that which the app has asked for, as it must for
 * a listener's spares; else several of one layer take turns.
 */
static int serving(
    const struct sup *s, const struct ctl_msg *asked, uint32_t sub)
{
	enum layer want = asked->arg[1] == SOCK_STREAM ? LAYER_TCP : LAYER_UDP;
	uint32_t n = 0;

	if (asked->sub > 0 && asked->sub <= s->estate.topo.nprocs &&
	    s->estate.topo.procs[asked->sub - 1].layer == want)
		return (int)asked->sub - 1;

	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		n += s->estate.topo.procs[p].layer == want;
	if (n == 0)
		return -EPROTONOSUPPORT;
	n = sub % n;
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		if (s->estate.topo.procs[p].layer == want && n-- == 0)
			return (int)p;
	return -EPROTONOSUPPORT;
}

static void set_taken(struct app *a, uint32_t sub, bool taken)
{
	uint64_t bit = (uint64_t)1 << (sub % 64);

	a->taken[sub / 64] =
	    taken ? a->taken[sub / 64] | bit : a->taken[sub / 64] & ~bit;
}

/* The lowest: then few of the rings' pages are ever used. */
static uint32_t free_sub(const struct app *a)
{
	for (uint32_t i = 0; i < APP_MAX_SOCKETS / 64; i++)
		if (a->taken[i] != UINT64_MAX)
			return i * 64 + (uint32_t)__builtin_ctzll(~a->taken[i]);
	return APP_MAX_SOCKETS;
}

void sup_socket_place(struct app *a, uint32_t sub, const struct app_socket *k)
{
	a->socket[sub] = *k;
	set_taken(a, sub, true);
}

static int new_socket(struct sup *s, struct app *a, uint32_t p,
    const struct ctl_msg *asked, int *app_end)
{
	uint32_t sub = free_sub(a);
	int pair[2];

	if (sub == APP_MAX_SOCKETS)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) == -1)
		return -errno;
	sup_socket_place(a, sub,
	    &(struct app_socket){
		.fd = pair[0],
		.proc = p,
		.arg = { asked->arg[0], asked->arg[1], asked->arg[2] },
	    });
	sup_keep(s, socket_label(sup_app_id(s, a), sub, p), 0,
	    a->socket[sub].arg, pair[0]);
	*app_end = pair[1];
	return (int)sub;
}

void sup_socket_forget(struct sup *s, struct app *a, uint32_t sub)
{
	if (a->socket[sub].fd == -1)
		return;
	sup_keep_not(
	    s, socket_label(sup_app_id(s, a), sub, a->socket[sub].proc));
	close(a->socket[sub].fd);
	a->socket[sub].fd = -1;
	set_taken(a, sub, false);
}

/* To the transport that serves it: another end of ours for socket @sub. */
static int tell_socket(struct sup *s, const struct app *a, uint32_t sub, int fd)
{
	const struct app_socket *k = &a->socket[sub];
	struct ctl_msg to = { .type = CTL_SOCKET, .id = sup_app_id(s, a) };
	int fds[CTL_MAX_FDS];

	memcpy(to.arg, k->arg, sizeof(k->arg));
	add_socket(&to, fds, sub, fd);
	return sup_tell(s, k->proc, &to, fds);
}

/* To the transport that serves the sockets of @m, made just now: our ends. */
static int tell_transport(
    struct sup *s, const struct app *a, const struct ctl_msg *m)
{
	const struct app_socket *first = &a->socket[m->subs[0]];
	struct ctl_msg to = { .type = CTL_SOCKET, .id = sup_app_id(s, a) };
	int fds[CTL_MAX_FDS];

	memcpy(to.arg, first->arg, sizeof(first->arg));
	for (uint32_t i = 0; i < m->nfds; i++)
		add_socket(&to, fds, m->subs[i], a->socket[m->subs[i]].fd);
	return sup_tell(s, first->proc, &to, fds);
}

/* As a transport reads it, a byte for each. */
static bool is_kind(const struct ctl_msg *asked)
{
	return asked->arg[0] <= UINT8_MAX && asked->arg[2] <= UINT8_MAX &&
	    (asked->arg[1] == SOCK_STREAM || asked->arg[1] == SOCK_DGRAM ||
		asked->arg[1] == SOCK_RAW);
}

/*
 * Raw sockets see others' packets and send any: they are root's, as with the
 * kernel; of who is root when he asks, not when the app attached.
 */
static int admitted(
    const struct sup *s, const struct client *c, const struct ctl_msg *asked)
{
	if (c->app == NULL)
		return -EPROTO;
	if (!is_kind(asked))
		return -EPROTONOSUPPORT;
	if (asked->arg[1] == SOCK_RAW && !sup_may_raw(c))
		return -EPERM;
	return serving(s, asked, free_sub(c->app));
}

void sup_socket_make(
    struct sup *s, struct client *c, const struct ctl_msg *asked)
{
	struct app *a = c->app;
	uint32_t count = asked->arg[3] > 0 ? asked->arg[3] : 1;
	struct ctl_msg m = { .type = CTL_SOCKET, .self = asked->self };
	int fds[CTL_MAX_FDS];
	int p = admitted(s, c, asked);
	int sub = p;
	int app_end = -1;

	while (p >= 0 && m.nfds < count && m.nfds < CTL_MAX_SOCKETS) {
		sub = new_socket(s, a, (uint32_t)p, asked, &app_end);
		if (sub < 0)
			break;
		add_socket(&m, fds, (uint32_t)sub, app_end);
	}
	if (m.nfds == 0) {
		sup_app_refuse(c, asked, -sub);
		return;
	}
	m.id = sup_app_id(s, a);
	m.sub = m.subs[0];
	m.arg[0] = a->socket[m.sub].proc;
	/* A transport that does not listen has no such sockets. */
	if (tell_transport(s, a, &m) < 0) {
		for (uint32_t i = 0; i < m.nfds; i++)
			sup_socket_forget(s, a, m.subs[i]);
		sup_app_refuse(c, asked, ENOBUFS);
	} else {
		ctl_send(c->src.fd, &m, fds);
	}
	/* If the app does not listen its ends close here: so do the sockets. */
	for (uint32_t i = 0; i < m.nfds; i++)
		close(fds[i]);
}

void sup_socket_renew(
    struct sup *s, struct client *c, const struct ctl_msg *asked)
{
	struct app *a = c->app;
	uint32_t sub = asked->id - 1;
	struct ctl_msg m = { .type = CTL_SOCKET, .self = asked->self };
	int fds[CTL_MAX_FDS];
	struct app_socket *k;
	int pair[2];

	if (a == NULL || sub >= APP_MAX_SOCKETS || a->socket[sub].fd == -1) {
		sup_app_refuse(c, asked, EBADF);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) == -1) {
		sup_app_refuse(c, asked, errno);
		return;
	}
	k = &a->socket[sub];
	if (tell_socket(s, a, sub, pair[0]) < 0) {
		close(pair[0]);
		sup_app_refuse(c, asked, ENOBUFS);
	} else {
		close(k->fd);
		k->fd = pair[0];
		sup_keep(s, socket_label(sup_app_id(s, a), sub, k->proc), 0,
		    k->arg, pair[0]);
		m.id = sup_app_id(s, a);
		m.sub = sub;
		m.arg[0] = k->proc;
		add_socket(&m, fds, sub, pair[1]);
		ctl_send(c->src.fd, &m, fds);
	}
	close(pair[1]);
}

uint32_t sup_socket_message(const struct sup *s, const struct app *a,
    uint32_t p, uint32_t sub, struct ctl_msg *m, int fds[CTL_MAX_FDS])
{
	*m = (struct ctl_msg){ .type = CTL_SOCKET, .id = sup_app_id(s, a) };
	for (; sub < APP_MAX_SOCKETS && m->nfds < CTL_MAX_SOCKETS; sub++) {
		const struct app_socket *k = &a->socket[sub];

		if (k->fd == -1 || k->proc != p)
			continue;
		if (m->nfds == 0)
			memcpy(m->arg, k->arg, sizeof(k->arg));
		else if (memcmp(m->arg, k->arg, sizeof(k->arg)) != 0)
			break;
		add_socket(m, fds, sub, k->fd);
	}
	return sub;
}
