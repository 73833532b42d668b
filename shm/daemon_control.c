/*
 * daemon_control.c - what a daemon and the supervisor say to each other
 */
#include "shm/daemon_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/segment.h"

enum {
	UNTOLD_STEP = 64,
	UNTOLD_RETRY_MS = 10,
};

/* ---- To the supervisor ---- */

/* As much of the backlog as there is room for. */
static void tell_backlog(struct daemon *d)
{
	uint32_t n = 0;
	int r = 0;

	for (; n < d->nuntold && r >= 0; n += r >= 0)
		r = ctl_send(d->ctl, &d->untold[n], NULL);
	/* Nobody there, and no keeper who would bring another. */
	if (r == -EPIPE)
		n = d->nuntold;
	if (n == 0)
		return;
	d->nuntold -= n;
	memmove(d->untold, d->untold + n, d->nuntold * sizeof(*d->untold));
}

void daemon_tell(struct daemon *d, uint32_t type, uint32_t id, uint32_t sub)
{
	struct ctl_msg m = { .type = type, .id = id, .sub = sub };
	struct ctl_msg *grown;
	int r = -EAGAIN;

	m.self = d->segments.self;
	if (d->nuntold == 0)
		r = ctl_send(d->ctl, &m, NULL);
	if (r >= 0 || r == -EPIPE)
		return;
	if (d->nuntold == d->untold_room) {
		grown = realloc(
		    d->untold, (d->untold_room + UNTOLD_STEP) * sizeof(*grown));
		if (grown == NULL) {
			log_error(&d->log, "the supervisor can't be told");
			return;
		}
		d->untold = grown;
		d->untold_room += UNTOLD_STEP;
	}
	d->untold[d->nuntold++] = m;
}

/* ---- Start: segments arrive over the control socket ---- */

static size_t size_of(const struct wiring *w, const struct ctl_fd *f)
{
	switch ((enum ctl_role)f->role) {
	case FD_SUP_OUT:
		return sizeof(struct sup_out);
	case FD_OUT:
		return w->out_bytes[f->index];
	case FD_PRIV:
		return PRIV_BYTES;
	case FD_POOL:
		return w->pool_bytes[f->index];
	case FD_PLAN:
		return sizeof(struct topology);
	case FD_TAP:
		return TAP_SEGMENT_BYTES;
	case FD_BELL:
	case FD_DEVICE:
	case FD_LOG:
	case FD_A2S:
	case FD_S2A:
	case FD_SOCKET:
	case NFD_ROLES:
		break;
	}
	return 0;
}

/* Put one descriptor, or what it maps to, in its place. */
static int accept_fd(struct daemon *d, const struct wiring *w,
    const struct ctl_msg *m, uint32_t i, int fd)
{
	struct segments *s = &d->segments;
	const struct ctl_fd *f = &m->fd[i];
	size_t bytes = size_of(w, f);
	void *p = NULL;

	if (f->index >= TOPO_MAX_PROCS)
		return -EPROTO;
	if (bytes > 0) {
		int r = segment_map(&p, fd, bytes, f->writable);

		if (r < 0)
			return r;
	}
	switch ((enum ctl_role)f->role) {
	case FD_PLAN:
		s->topo = p;
		break;
	case FD_SUP_OUT:
		s->sup = p;
		break;
	case FD_OUT:
		s->out[f->index] = p;
		break;
	case FD_PRIV:
		s->priv = p;
		break;
	case FD_POOL:
		s->pool[f->index] = p;
		break;
	case FD_TAP:
		s->tap = p;
		break;
	case FD_BELL:
		d->bell[f->index] = fd;
		break;
	case FD_DEVICE:
		if (f->index < TOPO_MAX_LINKS)
			d->device[f->index] = fd;
		break;
	case FD_LOG:
		s->log_fd = fd;
		break;
	case FD_A2S:
	case FD_S2A:
	case FD_SOCKET:
	case NFD_ROLES:
		return -EPROTO;
	}
	return 0;
}

/* The plan comes first: all other sizes follow from it. */
static int accept_segments(
    struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	static struct wiring w;
	int r;

	if (m->nfds == 0 || m->fd[0].role != FD_PLAN)
		return -EPROTO;
	r = accept_fd(d, &w, m, 0, fds[0]);
	if (r < 0)
		return r;
	if (d->segments.topo == NULL || m->self >= d->segments.topo->nprocs)
		return -EPROTO;
	d->segments.self = m->self;
	r = wiring_compute(&w, d->segments.topo);
	for (uint32_t i = 1; r == 0 && i < m->nfds; i++)
		r = accept_fd(d, &w, m, i, fds[i]);
	return r;
}

static int start(struct daemon *d, const struct ctl_msg *m, const int *fds)
{
	struct segments *s = &d->segments;
	int r = accept_segments(d, m, fds);

	if (r < 0)
		return r;
	if (s->topo == NULL || s->priv == NULL || s->out[s->self] == NULL ||
	    s->sup == NULL || s->pool[s->self] == NULL || s->tap == NULL)
		return -EPROTO;
	if (s->topo->procs[s->self].layer != d->ops->layer)
		return -EPROTO;
	d->name = s->topo->procs[s->self].name;
	log_open(&d->log, s->log_fd, d->name, &s->sup->log_level[s->self]);
	d->started = true;
	return 0;
}

/* ---- From the supervisor ---- */

/* Another one in its place is of a new supervisor: nobody waits for the old. */
static void take_ask(
    struct daemon *d, const struct ctl_msg *m, const void *bytes, size_t len)
{
	if (len != sizeof(d->ask))
		return;
	memcpy(&d->ask, bytes, len);
	d->ask_id = m->id;
	d->asked = true;
	d->ask_answer = (struct mono){ 0 };
}

static void on_message(struct daemon *d, const struct ctl_msg *m, int *fds)
{
	switch ((enum ctl_type)m->type) {
	case CTL_START:
		if (d->started || start(d, m, fds) < 0) {
			log_error(&d->log, "bad start message");
			d->stop = true;
		}
		return;
	case CTL_GO:
		d->go = true;
		return;
	case CTL_STOP:
		d->stop = true;
		return;
	case CTL_APP:
	case CTL_APP_GONE:
	case CTL_SOCKET:
	case CTL_SOCKET_GONE:
		if (d->started && d->ops->control != NULL) {
			d->ops->control(d->x, d, m, fds);
			return;
		}
		/* A layer that keeps nothing of apps is done with it at once.
		 */
		if (m->type == CTL_APP_GONE)
			daemon_tell(d, CTL_APP_GONE, m->id, m->sub);
		break;
	case CTL_READY: /* a new supervisor asks */
		if (d->started)
			daemon_tell(d, d->up ? CTL_UP : CTL_READY, 0, 0);
		break;
	case CTL_UP:
	case CTL_JOIN:
	case CTL_TAP:
	case CTL_ASK: /* has bytes: daemon_hear() */
	case CTL_ANSWER:
	case NCTL_TYPES:
		break;
	}
	for (uint32_t i = 0; i < m->nfds; i++)
		close(fds[i]);
}

void daemon_hear(struct daemon *d)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	uint8_t bytes[sizeof(struct ask)];
	size_t len;
	int r;

	while ((r = ctl_recv_bytes(
		    d->ctl, &m, fds, bytes, sizeof(bytes), &len)) == 0 ||
	    r == -EPROTO) {
		if (r < 0)
			log_warn(&d->log, "malformed control message");
		else if (m.type == CTL_ASK)
			take_ask(d, &m, bytes, len);
		else
			on_message(d, &m, fds);
	}
	/*
	 * A standby has no reason to outlive its supervisor.  One that runs
	 * carries on, and the next supervisor takes over (control.h).
	 */
	if (r == -EPIPE && !d->go)
		d->stop = true;
}

/* ---- Between turns ---- */

/*
 * Once and only between turns.  If the supervisor has no room the question
 * stays: asked twice it is answered alike.
 */
static void answer(struct daemon *d, struct mono now)
{
	static struct ask_chunk c;
	const struct ask *q = &d->ask;
	struct ctl_msg m = { .type = CTL_ANSWER, .id = d->ask_id };
	struct node *n = d->x;
	int r = -EOPNOTSUPP;

	c.len = 0;
	c.more = false;
	n->now = now;
	if (q->version != ASK_VERSION)
		r = -EPROTO;
	else if (ask_is_change(q) && d->ops->change != NULL)
		r = d->ops->change(d->x, q, now);
	else if (!ask_is_change(q) && d->ops->look != NULL)
		r = d->ops->look(d->x, q, &c);
	m.self = d->segments.self;
	m.arg[0] = r < 0 ? (uint32_t)-r : 0;
	m.arg[1] = c.next;
	m.arg[2] = c.more;
	if (ctl_send_bytes(d->ctl, &m, NULL, c.bytes, r < 0 ? 0 : c.len) ==
	    -EAGAIN)
		d->ask_answer = mono_add_ms(now, UNTOLD_RETRY_MS);
	else
		d->asked = false;
}

void daemon_control_turn(struct daemon *d, struct mono now)
{
	if (d->nuntold > 0)
		tell_backlog(d);
	if (daemon_may_answer(d, now))
		answer(d, now);
}

struct mono daemon_control_deadline(const struct daemon *d, struct mono now)
{
	struct mono deadline = d->asked ? d->ask_answer : MONO_NEVER;

	return d->nuntold == 0
	    ? deadline
	    : mono_min(deadline, mono_add_ms(now, UNTOLD_RETRY_MS));
}
