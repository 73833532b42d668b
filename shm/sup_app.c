/*
 * sup_app.c - the supervisor's apps: their segments and their end
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
 */
#include <errno.h>
#include <poll.h>
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

uint32_t sup_app_id(const struct sup *s, const struct app *a)
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

static struct keep_label connection_label(uint32_t id)
{
	return (struct keep_label){ .kind = KEEP_APP, .id = id };
}

/* For the next supervisor: all that this app has. */
static void keep_app(struct sup *s, const struct app *a, int connection)
{
	uint32_t id = sup_app_id(s, a);
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

/* Nothing of it any more; with that its sockets close. */
static void keep_app_not(struct sup *s, struct app *a)
{
	uint32_t id = sup_app_id(s, a);

	sup_keep_not(s, connection_label(id));
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		if (a->s2a[p] == -1)
			continue;
		sup_keep_not(s, segment_label(id, FD_S2A, p, true));
		sup_keep_not(s, segment_label(id, FD_S2A, p, false));
	}
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		sup_socket_forget(s, a, sub);
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

static void app_message(const struct sup *s, const struct app *a, uint32_t p,
    struct ctl_msg *m, int fds[CTL_MAX_FDS])
{
	*m = (struct ctl_msg){ .type = CTL_APP, .id = sup_app_id(s, a) };
	m->arg[0] = (uint32_t)a->pid;
	m->arg[1] = a->uid;
	ctl_add_fd(m, fds, FD_A2S, p, false, a->a2s_ro);
	if (is_transport(s, p))
		ctl_add_fd(m, fds, FD_S2A, p, true, a->s2a[p]);
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

int sup_app_refuse(struct client *c, const struct ctl_msg *asked, int err)
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
		sup_app_refuse(c, asked, c->app ? EALREADY : EMFILE);
		return;
	}
	sup_app_owner(a, c->src.fd);
	r = make_segments(s, a);
	if (r < 0) {
		free_app(s, a);
		sup_app_refuse(c, asked, -r);
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
	m = (struct ctl_msg){ .type = CTL_APP, .id = sup_app_id(s, a) };
	ctl_add_fd(&m, fds, FD_PLAN, 0, false, s->estate.plan);
	ctl_add_fd(&m, fds, FD_A2S, 0, true, a->a2s);
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		if (is_transport(s, p))
			ctl_add_fd(&m, fds, FD_S2A, p, false, a->s2a_ro[p]);
	ctl_send(c->src.fd, &m, fds);
	log_debug(&s->log, "app attached, app=%u pid=%d", m.id, (int)a->pid);
}

void sup_app_message(struct sup *s, struct client *c, const struct ctl_msg *m)
{
	if (m->type == CTL_APP)
		attach(s, c, m);
	else if (m->type == CTL_SOCKET && m->id > 0)
		sup_socket_renew(s, c, m);
	else if (m->type == CTL_SOCKET)
		sup_socket_make(s, c, m);
	else
		sup_app_refuse(c, m, EPROTO);
}

/* ---- The end of an app ---- */

/* Ask those who still have @a to say when they are done with it. */
static void bid_farewell(struct sup *s, struct app *a)
{
	struct ctl_msg m = { .type = CTL_APP_GONE, .id = sup_app_id(s, a) };

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
	    &s->log, "app left, app=%u pid=%d", sup_app_id(s, a), (int)a->pid);
	/* An app without a connection is one that has left. */
	sup_keep_not(s, connection_label(sup_app_id(s, a)));
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
		sup_socket_forget(s, a, m->sub);
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
		sub = sup_socket_message(s, a, i->proc, sub, &m, fds);
		if (m.nfds > 0)
			r = say(i, &m, fds);
	}
	if (r == 0 && a->dying && is_transport(s, i->proc)) {
		m = (struct ctl_msg){
			.type = CTL_APP_GONE,
			.id = sup_app_id(s, a),
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
