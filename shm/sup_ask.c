/*
 * sup_ask.c - what clients ask of daemons, passed on (ask.h)
 *
 * Each daemon is asked one thing at a time; the clients who want to ask it take
 * turns, a chunk each.  What is asked of a daemon that dies is asked again of
 * the next one, from where it had come.  Nothing here waits, and nothing is
 * looked at: the records go from the daemon into the client's file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/sup.h"

enum {
	ASK_PATIENCE_MS = 5000, /* without a chunk */
};

struct relay {
	struct ask q;
	uint32_t id;      /* of the question in flight */
	uint32_t targets; /* still to be asked, a bit each; the lowest next */
	int file;
	uint64_t bytes; /* in it */
	struct mono until;
};

static bool asks(const struct client *c, uint32_t p)
{
	return c->relay != NULL && (c->relay->targets >> p & 1) != 0 &&
	    (c->relay->targets & ((1U << p) - 1)) == 0;
}

void sup_ask_forget(struct client *c)
{
	if (c->relay == NULL)
		return;
	close(c->relay->file);
	free(c->relay);
	c->relay = NULL;
}

/* The client gets its file, or the reason why not. */
static void finish(struct client *c, int err)
{
	struct ctl_msg m = { .type = CTL_ANSWER, .nfds = err == 0 };

	m.arg[0] = (uint32_t)err;
	ctl_send(c->src.fd, &m, &c->relay->file);
	sup_ask_forget(c);
}

static int pass_on(struct sup *s, uint32_t p, struct client *c)
{
	struct place *pl = &s->place[p];
	struct ctl_msg m = { .type = CTL_ASK };
	int r;

	s->ask_id += s->ask_id == UINT32_MAX ? 2 : 1; /* never 0 */
	m.id = s->ask_id;
	r = ctl_send_bytes(
	    pl->running.ctl.fd, &m, NULL, &c->relay->q, sizeof(c->relay->q));
	if (r < 0)
		return r;
	c->relay->id = m.id;
	pl->asked = m.id;
	return 0;
}

static void try_to_ask(struct sup *s, uint32_t p, struct client *c)
{
	int r = pass_on(s, p, c);

	if (r < 0 && r != -EPIPE) /* -EPIPE: its death comes next */
		finish(c, -r);
}

/* Whoever is next to ask @p, after the one who did last. */
static void ask_next(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];

	if (pl->asked != 0 || !pl->running.up)
		return;
	for (uint32_t i = 0; i < SUP_MAX_CLIENTS && pl->asked == 0; i++) {
		struct client *c = &s->client[++pl->ask_turn % SUP_MAX_CLIENTS];

		if (asks(c, p))
			try_to_ask(s, p, c);
	}
}

static struct client *find_asker(struct sup *s, uint32_t p, uint32_t id)
{
	for (uint32_t i = 0; i < SUP_MAX_CLIENTS; i++)
		if (asks(&s->client[i], p) && s->client[i].relay->id == id)
			return &s->client[i];
	return NULL;
}

/*
 * The one that died may have committed what it was asked, and remembers one
 * change only (struct ask_done): nothing else may come in between.
 */
void sup_ask_up(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];
	struct client *c = pl->asked != 0 ? find_asker(s, p, pl->asked) : NULL;

	if (c != NULL)
		try_to_ask(s, p, c);
	/* Whoever asked has left, or was given up. */
	if (c == NULL || c->relay == NULL) {
		pl->asked = 0;
		ask_next(s, p);
	}
}

static int keep_records(struct relay *r, const uint8_t *bytes, size_t len)
{
	if (r->bytes + len > ASK_FILE_MAX)
		return -EFBIG;
	if (write(r->file, bytes, len) != (ssize_t)len)
		return -ENOSPC;
	r->bytes += len;
	return 0;
}

/* A chunk for @c: then what? */
static int on_chunk(struct relay *r, uint32_t p, const struct ctl_msg *m,
    const uint8_t *bytes, size_t len)
{
	int err = m->arg[0] == 0 ? keep_records(r, bytes, len)
				 : -(int)(m->arg[0] & 0xffff);

	if (err < 0)
		return err;
	if (m->arg[2] != 0) {
		/* One that does not get on would keep us for ever. */
		if (m->arg[1] <= r->q.cursor)
			return -EPROTO;
		r->q.cursor = m->arg[1];
	} else {
		r->q.cursor = 0;
		r->targets &= ~(1U << p);
	}
	return 0;
}

void sup_ask_answer(struct sup *s, uint32_t p, const struct ctl_msg *m,
    const uint8_t *bytes, size_t len)
{
	struct client *c;
	int err;

	/* What a supervisor before us had asked. */
	if (m->id == 0 || m->id != s->place[p].asked)
		return;
	s->place[p].asked = 0;
	c = find_asker(s, p, m->id);
	if (c != NULL) {
		c->relay->until = mono_add_ms(s->now, ASK_PATIENCE_MS);
		err = on_chunk(c->relay, p, m, bytes, len);
		if (err < 0)
			finish(c, -err);
		else if (c->relay->targets == 0)
			finish(c, 0);
		else
			ask_next(s, (uint32_t)__builtin_ctz(c->relay->targets));
	}
	ask_next(s, p);
}

/* ---- A question comes ---- */

static uint32_t transports(const struct topology *t)
{
	uint32_t targets = 0;

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (t->procs[p].layer == LAYER_TCP ||
		    t->procs[p].layer == LAYER_UDP)
			targets |= 1U << p;
	return targets;
}

/* By its name, or the only one with Ethernet. */
static int find_link(const struct topology *t, struct ask *q)
{
	uint8_t found = LINK_ANY;

	q->link_name[sizeof(q->link_name) - 1] = '\0';
	for (uint8_t i = 0; i < t->nlinks; i++) {
		const struct topo_link *l = &t->links[i];

		if (q->link_name[0] != '\0'
			? strcmp(l->name, q->link_name) != 0
			: l->device != DEVICE_TAP && l->device != DEVICE_PACKET)
			continue;
		if (found != LINK_ANY)
			return -ENOTUNIQ;
		found = i;
	}
	q->link = found;
	return found == LINK_ANY ? -ENODEV : 0;
}

/* Who keeps the routes by @link; LINK_ANY: there must be one only. */
static int find_router(const struct sup *s, uint8_t link, uint32_t *ret)
{
	const struct topology *t = &s->estate.topo;
	uint32_t targets = 0;

	for (uint32_t p = 0; p < t->nprocs; p++)
		if (t->procs[p].layer == LAYER_IP &&
		    (link == LINK_ANY ||
			wiring_neighbours(
			    &s->estate.wiring, p, t->links[link].proc)))
			targets |= 1U << p;
	if ((targets & (targets - 1)) != 0)
		return -ENOTUNIQ;
	*ret = targets;
	return targets != 0 ? 0 : -ENODEV;
}

/* Whom to ask: a bit for each process. */
static int find_targets(const struct sup *s, struct ask *q, uint32_t *ret)
{
	const struct topology *t = &s->estate.topo;
	int r = 0;

	if (q->version != ASK_VERSION || q->op >= NASK_OPS ||
	    q->change >= NASK_CHANGES)
		return -EPROTO;
	switch ((enum ask_op)q->op) {
	case ASK_SOCKETS:
		*ret = transports(t);
		return 0;
	case ASK_ADDRESS:
	case ASK_NEIGHBOUR:
		r = find_link(t, q);
		if (r == 0)
			*ret = 1U << t->links[q->link].proc;
		return r;
	case ASK_ROUTE:
	case ASK_WAY:
		q->link = LINK_ANY;
		if (q->link_name[0] != '\0')
			r = find_link(t, q);
		return r < 0 ? r : find_router(s, q->link, ret);
	case NASK_OPS:
		break;
	}
	return -EPROTO;
}

static int make_file(const struct sup *s)
{
	struct ask_file f = { .version = ASK_VERSION, .apps = APP_MAX };
	int fd = memfd_create("strata answer", MFD_CLOEXEC);

	for (uint32_t i = 0; i < APP_MAX; i++) {
		if (!s->app[i].used)
			continue;
		f.app[i].pid = (uint32_t)s->app[i].pid;
		f.app[i].uid = s->app[i].uid;
	}
	for (uint32_t i = 0; i < s->estate.topo.nlinks; i++)
		memcpy(f.link[i], s->estate.topo.links[i].name, TOPO_NAME_LEN);
	if (fd != -1 && write(fd, &f, sizeof(f)) == sizeof(f))
		return fd;
	if (fd != -1)
		close(fd);
	return -ENOMEM;
}

static int begin(struct sup *s, struct client *c, const struct ask *q)
{
	struct relay r = { .q = *q };
	int err = find_targets(s, &r.q, &r.targets);

	if (err == 0 && ask_is_change(q) && !sup_may_rule(c))
		err = -EPERM;
	if (err < 0)
		return err;
	r.file = make_file(s);
	if (r.file < 0)
		return r.file;
	r.q.cursor = 0;
	/* Larger than any before, also those of a supervisor before us. */
	r.q.number = (uint64_t)mono_now().ns;
	if (r.q.number <= s->ask_number)
		r.q.number = s->ask_number + 1;
	s->ask_number = r.q.number;
	r.until = mono_add_ms(s->now, ASK_PATIENCE_MS);
	c->relay = malloc(sizeof(r));
	if (c->relay == NULL) {
		close(r.file);
		return -ENOMEM;
	}
	*c->relay = r;
	return 0;
}

void sup_ask(struct sup *s, struct client *c, const uint8_t *bytes, size_t len)
{
	struct ctl_msg refused = { .type = CTL_ANSWER };
	struct ask q;
	int r = -EPROTO;

	if (len == sizeof(q) && c->relay == NULL) {
		memcpy(&q, bytes, sizeof(q));
		r = begin(s, c, &q);
	}
	if (r < 0) {
		refused.arg[0] = (uint32_t)-r;
		ctl_send(c->src.fd, &refused, NULL);
	} else if (c->relay->targets == 0) {
		finish(c, 0);
	} else {
		ask_next(s, (uint32_t)__builtin_ctz(c->relay->targets));
	}
}

/* ---- Those who have waited too long ---- */

void sup_ask_tick(struct sup *s)
{
	for (uint32_t i = 0; i < SUP_MAX_CLIENTS; i++) {
		struct client *c = &s->client[i];

		if (c->relay != NULL && mono_reached(c->relay->until, s->now))
			finish(c, ETIMEDOUT);
	}
}

struct mono sup_ask_deadline(const struct sup *s)
{
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < SUP_MAX_CLIENTS; i++)
		if (s->client[i].relay != NULL)
			t = mono_min(t, s->client[i].relay->until);
	return t;
}
