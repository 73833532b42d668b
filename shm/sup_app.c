/*
 * sup_app.c - the supervisor's apps: segments, sockets, their end
 *
 * What an app and a transport share is made here, and both get it from here:
 * nobody maps or polls a descriptor that came from an app.  Copies are kept, so
 * that the next instance of a transport finds every socket open; the data path
 * between the two never passes through the supervisor.
 *
 * An app ends when its connection closes (its last process has died, however).
 * Its number is used again only when nobody can take it for the next one's:
 *
 *	transports	have closed its sockets, and no packet of theirs that
 *			refers to its rings is on its way to the wire
 *	then the links	have forgotten its rings
 *
 * A socket's number is free when its transport says so.
 */
#include <errno.h>
#include <poll.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/segment.h"
#include "shm/sup.h"

enum {
	SAY_MS = 100,
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool is_transport(const struct sup *s, uint32_t p)
{
	return p < s->estate.topo.nprocs &&
	    s->estate.topo.procs[p].layer > LAYER_IP;
}

/* Who sends from the apps' rings. */
static bool is_link(const struct sup *s, uint32_t p)
{
	return s->estate.topo.procs[p].layer == LAYER_LINK;
}

static uint32_t app_id(const struct sup *s, const struct app *a)
{
	return (uint32_t)(a - s->app);
}

static struct keep_label segment_label(
    uint32_t id, enum ctl_role role, uint32_t p, bool writable)
{
	return (struct keep_label){
		.kind = KEEP_SEGMENT,
		.a = (uint8_t)role,
		.b = (uint8_t)p,
		.c = writable,
		.id = id,
	};
}

static struct keep_label socket_label(uint32_t id, uint32_t sub, uint32_t p)
{
	return (struct keep_label){
		.kind = KEEP_SOCKET, .a = (uint8_t)p, .id = id, .sub = sub
	};
}

static struct keep_label connection_label(uint32_t id)
{
	return (struct keep_label){ .kind = KEEP_APP, .id = id };
}

/* For the next supervisor: all that this app has. */
static void keep_app(struct sup *s, const struct app *a, int connection)
{
	uint32_t id = app_id(s, a);
	static const uint32_t none[3];

	sup_keep(s, segment_label(id, FD_A2S, 0, true), 0, none, a->a2s);
	sup_keep(s, segment_label(id, FD_A2S, 0, false), 0, none, a->a2s_ro);
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		sup_keep(
		    s, segment_label(id, FD_S2A, p, true), 0, none, a->s2a[p]);
		sup_keep(s, segment_label(id, FD_S2A, p, false), 0, none,
		    a->s2a_ro[p]);
	}
	sup_keep(s, connection_label(id), a->pid, none, connection);
}

static void keep_app_not(struct sup *s, const struct app *a)
{
	uint32_t id = app_id(s, a);

	sup_keep_not(s, connection_label(id));
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		if (a->s2a[p] == -1)
			continue;
		sup_keep_not(s, segment_label(id, FD_S2A, p, true));
		sup_keep_not(s, segment_label(id, FD_S2A, p, false));
	}
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (a->socket[sub].fd != -1)
			sup_keep_not(
			    s, socket_label(id, sub, a->socket[sub].proc));
	sup_keep_not(s, segment_label(id, FD_A2S, 0, true));
	sup_keep_not(s, segment_label(id, FD_A2S, 0, false));
}

static void free_app(struct sup *s, struct app *a)
{
	keep_app_not(s, a);

	close_fd(&a->a2s);
	close_fd(&a->a2s_ro);
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		close_fd(&a->s2a[p]);
		close_fd(&a->s2a_ro[p]);
	}
	for (uint32_t i = 0; i < APP_MAX_SOCKETS; i++)
		close_fd(&a->socket[i].fd);
	a->used = false;
}

static int make_segments(struct sup *s, struct app *a)
{
	a->a2s = segment_make("strata app.a2s", A2S_BYTES);
	if (a->a2s < 0)
		return a->a2s;
	a->a2s_ro = segment_readonly(a->a2s);
	if (a->a2s_ro < 0)
		return a->a2s_ro;
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		if (!is_transport(s, p))
			continue;
		a->s2a[p] = segment_make("strata app.s2a", S2A_BYTES);
		if (a->s2a[p] < 0)
			return a->s2a[p];
		a->s2a_ro[p] = segment_readonly(a->s2a[p]);
		if (a->s2a_ro[p] < 0)
			return a->s2a_ro[p];
	}
	return 0;
}

static void add_fd(struct ctl_msg *m, int fds[CTL_MAX_FDS], enum ctl_role role,
    uint32_t index, bool writable, int fd)
{
	fds[m->nfds] = fd;
	m->fd[m->nfds++] = (struct ctl_fd){
		.role = (uint8_t)role,
		.index = (uint8_t)index,
		.writable = writable,
	};
}

static void app_message(const struct sup *s, const struct app *a, uint32_t p,
    struct ctl_msg *m, int fds[CTL_MAX_FDS])
{
	*m = (struct ctl_msg){ .type = CTL_APP, .id = app_id(s, a) };
	m->arg[0] = (uint32_t)a->pid;
	m->arg[1] = a->uid;
	add_fd(m, fds, FD_A2S, p, false, a->a2s_ro);
	if (is_transport(s, p))
		add_fd(m, fds, FD_S2A, p, true, a->s2a[p]);
}

static void add_socket(
    struct ctl_msg *m, int fds[CTL_MAX_FDS], uint32_t sub, int fd)
{
	m->subs[m->nfds] = (uint16_t)sub;
	add_fd(m, fds, FD_SOCKET, 0, true, fd);
}

/*
 * The sockets of @a from @sub on that one message can tell process @p of:
 * those alike.  Returns where to go on.
 */
static uint32_t socket_message(const struct sup *s, const struct app *a,
    uint32_t p, uint32_t sub, struct ctl_msg *m, int fds[CTL_MAX_FDS])
{
	*m = (struct ctl_msg){ .type = CTL_SOCKET, .id = app_id(s, a) };
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

/* ---- An app attaches ---- */

struct app *sup_app_place(struct sup *s, uint32_t id)
{
	struct app *a = &s->app[id];

	if (a->used)
		return a;
	*a = (struct app){ .used = true, .a2s = -1, .a2s_ro = -1 };
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++)
		a->s2a[p] = a->s2a_ro[p] = -1;
	for (uint32_t k = 0; k < APP_MAX_SOCKETS; k++)
		a->socket[k].fd = -1;
	return a;
}

static struct app *new_app(struct sup *s)
{
	for (uint32_t i = 0; i < APP_MAX; i++)
		if (!s->app[i].used)
			return sup_app_place(s, i);
	return NULL;
}

void sup_app_owner(struct app *a, int connection)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &len);
	a->pid = who.pid;
	a->uid = who.uid;
}

static int refuse(struct client *c, const struct ctl_msg *asked, int err)
{
	struct ctl_msg m = { .type = asked->type, .self = asked->self };

	m.arg[3] = (uint32_t)err;
	return ctl_send(c->src.fd, &m, NULL);
}

static void attach(struct sup *s, struct client *c, const struct ctl_msg *asked)
{
	struct app *a = c->app == NULL ? new_app(s) : NULL;
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	if (a == NULL) {
		refuse(c, asked, c->app ? EALREADY : EMFILE);
		return;
	}
	sup_app_owner(a, c->src.fd);
	r = make_segments(s, a);
	if (r < 0) {
		free_app(s, a);
		refuse(c, asked, -r);
		return;
	}
	c->app = a;
	keep_app(s, a, c->src.fd);
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		if (!is_transport(s, p) && !is_link(s, p))
			continue;
		app_message(s, a, p, &m, fds);
		sup_tell(s, p, &m, fds);
	}
	m = (struct ctl_msg){ .type = CTL_APP, .id = app_id(s, a) };
	add_fd(&m, fds, FD_PLAN, 0, false, s->estate.plan);
	add_fd(&m, fds, FD_A2S, 0, true, a->a2s);
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		if (is_transport(s, p))
			add_fd(&m, fds, FD_S2A, p, false, a->s2a_ro[p]);
	ctl_send(c->src.fd, &m, fds);
	log_debug(&s->log, "app attached, app=%u pid=%d", m.id, (int)a->pid);
}

/* ---- A socket ---- */

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

void sup_app_socket(struct app *a, uint32_t sub, const struct app_socket *k)
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
	sup_app_socket(a, sub,
	    &(struct app_socket){
		.fd = pair[0],
		.proc = p,
		.arg = { asked->arg[0], asked->arg[1], asked->arg[2] },
	    });
	sup_keep(s, socket_label(app_id(s, a), sub, p), 0, a->socket[sub].arg,
	    pair[0]);
	*app_end = pair[1];
	return (int)sub;
}

static void forget_socket(struct sup *s, struct app *a, uint32_t sub)
{
	sup_keep_not(s, socket_label(app_id(s, a), sub, a->socket[sub].proc));
	close_fd(&a->socket[sub].fd);
	set_taken(a, sub, false);
}

/* To the transport that serves it: another end of ours for socket @sub. */
static int tell_socket(struct sup *s, const struct app *a, uint32_t sub, int fd)
{
	const struct app_socket *k = &a->socket[sub];
	struct ctl_msg to = { .type = CTL_SOCKET, .id = app_id(s, a) };
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
	struct ctl_msg to = { .type = CTL_SOCKET, .id = app_id(s, a) };
	int fds[CTL_MAX_FDS];

	memcpy(to.arg, first->arg, sizeof(first->arg));
	for (uint32_t i = 0; i < m->nfds; i++)
		add_socket(&to, fds, m->subs[i], a->socket[m->subs[i]].fd);
	return sup_tell(s, first->proc, &to, fds);
}

/* Who may see others' packets and send any: root alone, as with the kernel. */
static int admitted(
    const struct sup *s, const struct app *a, const struct ctl_msg *asked)
{
	if (asked->arg[1] == SOCK_RAW && a->uid != 0)
		return -EPERM;
	return serving(s, asked, free_sub(a));
}

static void make_sockets(
    struct sup *s, struct client *c, const struct ctl_msg *asked)
{
	struct app *a = c->app;
	uint32_t count = asked->arg[3] > 0 ? asked->arg[3] : 1;
	struct ctl_msg m = { .type = CTL_SOCKET, .self = asked->self };
	int fds[CTL_MAX_FDS];
	int p = a == NULL ? -EPROTO : admitted(s, a, asked);
	int sub = p;
	int app_end = -1;

	while (p >= 0 && m.nfds < count && m.nfds < CTL_MAX_SOCKETS) {
		sub = new_socket(s, a, (uint32_t)p, asked, &app_end);
		if (sub < 0)
			break;
		add_socket(&m, fds, (uint32_t)sub, app_end);
	}
	if (m.nfds == 0) {
		refuse(c, asked, -sub);
		return;
	}
	m.id = app_id(s, a);
	m.sub = m.subs[0];
	m.arg[0] = a->socket[m.sub].proc;
	/* A transport that does not listen has no such sockets. */
	if (tell_transport(s, a, &m) < 0) {
		for (uint32_t i = 0; i < m.nfds; i++)
			forget_socket(s, a, m.subs[i]);
		refuse(c, asked, ENOBUFS);
	} else {
		ctl_send(c->src.fd, &m, fds);
	}
	/* If the app does not listen its ends close here: so do the sockets. */
	for (uint32_t i = 0; i < m.nfds; i++)
		close(fds[i]);
}

/* Another pair for a socket that is there: of @asked->id. */
static void renew_socket(
    struct sup *s, struct client *c, const struct ctl_msg *asked)
{
	struct app *a = c->app;
	uint32_t sub = asked->id - 1;
	struct ctl_msg m = { .type = CTL_SOCKET, .self = asked->self };
	int fds[CTL_MAX_FDS];
	struct app_socket *k;
	int pair[2];

	if (a == NULL || sub >= APP_MAX_SOCKETS || a->socket[sub].fd == -1) {
		refuse(c, asked, EBADF);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) == -1) {
		refuse(c, asked, errno);
		return;
	}
	k = &a->socket[sub];
	if (tell_socket(s, a, sub, pair[0]) < 0) {
		close(pair[0]);
		refuse(c, asked, ENOBUFS);
	} else {
		close(k->fd);
		k->fd = pair[0];
		sup_keep(s, socket_label(app_id(s, a), sub, k->proc), 0, k->arg,
		    pair[0]);
		m.id = app_id(s, a);
		m.sub = sub;
		m.arg[0] = k->proc;
		add_socket(&m, fds, sub, pair[1]);
		ctl_send(c->src.fd, &m, fds);
	}
	close(pair[1]);
}

void sup_app_message(struct sup *s, struct client *c, const struct ctl_msg *m)
{
	if (m->type == CTL_APP)
		attach(s, c, m);
	else if (m->type == CTL_SOCKET && m->id > 0)
		renew_socket(s, c, m);
	else if (m->type == CTL_SOCKET)
		make_sockets(s, c, m);
	else
		refuse(c, m, EPROTO);
}

/* ---- The end of an app ---- */

/* Ask those who still have @a to say when they are done with it. */
static void bid_farewell(struct sup *s, struct app *a)
{
	struct ctl_msg m = { .type = CTL_APP_GONE, .id = app_id(s, a) };

	a->farewell = ++s->farewells;
	m.sub = a->farewell;
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		if (a->unsent ? !is_link(s, p) : !is_transport(s, p))
			continue;
		a->waiting |= 1U << p;
		sup_tell(s, p, &m, NULL);
	}
}

/* Nobody is waited for? */
static void go_on(struct sup *s, struct app *a)
{
	if (a->waiting == 0 && !a->unsent) {
		a->unsent = true;
		bid_farewell(s, a);
	}
	if (a->waiting == 0)
		free_app(s, a);
}

static void done_with(struct sup *s, struct app *a, uint32_t p)
{
	a->waiting &= ~(1U << p);
	go_on(s, a);
}

void sup_app_heard(struct sup *s, uint32_t p)
{
	for (uint32_t i = 0; i < APP_MAX; i++)
		if (s->app[i].used && s->app[i].unsent &&
		    (s->app[i].waiting >> p & 1))
			done_with(s, &s->app[i], p);
}

void sup_app_gone_again(struct sup *s, struct app *a)
{
	a->dying = true;
	a->waiting = 0;
	bid_farewell(s, a);
	go_on(s, a);
}

void sup_app_left(struct sup *s, struct app *a)
{
	log_debug(
	    &s->log, "app left, app=%u pid=%d", app_id(s, a), (int)a->pid);
	/* An app without a connection is one that has left. */
	sup_keep_not(s, connection_label(app_id(s, a)));
	sup_app_gone_again(s, a);
}

/* The standby need not keep what the running instance is done with. */
static void tell_standby(struct sup *s, uint32_t p, const struct ctl_msg *m)
{
	struct instance *i = &s->place[p].standby;

	if (i->pid != 0)
		ctl_send(i->ctl.fd, m, NULL);
}

void sup_app_report(struct sup *s, uint32_t p, const struct ctl_msg *m)
{
	struct app *a;

	if (m->id >= APP_MAX || !s->app[m->id].used)
		return;
	a = &s->app[m->id];
	if (m->type == CTL_SOCKET_GONE && m->sub < APP_MAX_SOCKETS &&
	    a->socket[m->sub].proc == p && a->socket[m->sub].fd != -1) {
		forget_socket(s, a, m->sub);
		tell_standby(s, p, m);
	} else if (m->type == CTL_APP_GONE && (a->waiting >> p & 1) &&
	    m->sub == a->farewell) {
		done_with(s, a, p);
	}
}

/*
 * To a process that has just begun.  It reads as fast as it can, but more than
 * its socket holds may have to be said: wait for it a little.
 */
static int say(
    const struct instance *i, const struct ctl_msg *m, const int *fds)
{
	struct pollfd p = { .fd = i->ctl.fd, .events = POLLOUT };
	int r = ctl_send(i->ctl.fd, m, fds);

	if (r == -EAGAIN && poll(&p, 1, SAY_MS) == 1)
		r = ctl_send(i->ctl.fd, m, fds);
	return r;
}

static int introduce_one(
    struct sup *s, const struct instance *i, const struct app *a)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	if (a->unsent ||
	    (a->dying && is_transport(s, i->proc) &&
		!(a->waiting >> i->proc & 1)))
		return 0;
	app_message(s, a, i->proc, &m, fds);
	r = say(i, &m, fds);
	for (uint32_t sub = 0; r == 0 && sub < APP_MAX_SOCKETS;) {
		sub = socket_message(s, a, i->proc, sub, &m, fds);
		if (m.nfds > 0)
			r = say(i, &m, fds);
	}
	if (r == 0 && a->dying && is_transport(s, i->proc)) {
		m = (struct ctl_msg){
			.type = CTL_APP_GONE,
			.id = app_id(s, a),
			.sub = a->farewell,
		};
		r = say(i, &m, NULL);
	}
	return r;
}

int sup_app_introduce(struct sup *s, struct instance *i)
{
	int r = 0;

	if (!is_transport(s, i->proc) && !is_link(s, i->proc))
		return 0;
	for (uint32_t k = 0; r == 0 && k < APP_MAX; k++)
		if (s->app[k].used)
			r = introduce_one(s, i, &s->app[k]);
	return r;
}

void sup_app_free_all(struct sup *s)
{
	for (uint32_t i = 0; i < APP_MAX; i++)
		if (s->app[i].used)
			free_app(s, &s->app[i]);
}
