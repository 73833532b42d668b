/*
 * sup_resume.c - taking over from a supervisor that was killed
 *
 * The keeper's table (keeper.h) names every descriptor that matters; all else
 * follows from them or is asked again:
 *
 *	the plan says what the stack is
 *	a control socket and a pid: a daemon; it is asked how far it is
 *	an app's segments and sockets: an app; one without a connection has
 *	    left, and its transports are told so once more
 *
 * Commands in progress are lost: their clients see the connection close.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "shm/sup.h"

static int resume_estate(struct sup *s, const struct keeper *k)
{
	estate_forget(&s->estate);
	for (uint32_t i = 0; i < k->count; i++) {
		const struct keep_label *l = &k->kept[i].label;
		int *place;

		if (l->kind != KEEP_ESTATE)
			continue;
		place =
		    estate_fd(&s->estate, (enum ctl_role)l->a, l->b, l->c != 0);
		if (place == NULL)
			return -EPROTO;
		*place = k->kept[i].fd;
	}
	return estate_resume(&s->estate);
}

static void resume_segment(struct sup *s, const struct kept *e)
{
	struct app *a = sup_app_place(s, e->label.id);
	bool writable = e->label.c != 0;

	if (e->label.a == FD_A2S)
		*(writable ? &a->a2s : &a->a2s_ro) = e->fd;
	else if (e->label.b < TOPO_MAX_PROCS)
		*(writable ? &a->s2a[e->label.b] : &a->s2a_ro[e->label.b]) =
		    e->fd;
}

static void resume_socket(struct sup *s, const struct kept *e)
{
	struct app *a = sup_app_place(s, e->label.id);

	if (e->label.sub >= APP_MAX_SOCKETS)
		return;
	sup_socket_place(a, e->label.sub,
	    &(struct app_socket){
		.fd = e->fd,
		.proc = e->label.a,
		.arg = { e->note.arg[0], e->note.arg[1], e->note.arg[2] },
	    });
}

static int resume_connection(struct sup *s, const struct kept *e)
{
	struct client *c = s->client;

	while (c < s->client + SUP_MAX_CLIENTS && c->src.fd != -1)
		c++;
	if (c == s->client + SUP_MAX_CLIENTS)
		return -EMFILE;
	*c = (struct client){
		.src = { .ready = sup_client_ready, .fd = e->fd },
		.app = sup_app_place(s, e->label.id),
	};
	sup_app_owner(c->app, e->fd);
	sup_rights_connected(c);
	return sup_watch(s, &c->src, EPOLLIN);
}

static int resume_one(struct sup *s, const struct kept *e)
{
	if (e->label.kind >= KEEP_APP && e->label.id >= APP_MAX)
		return -EPROTO;
	switch ((enum keep_kind)e->label.kind) {
	case KEEP_ESTATE:
		break;
	case KEEP_LISTENER:
		s->listener.fd = e->fd;
		break;
	case KEEP_LOG:
		*(e->label.a == 0 ? &s->log_pipe.fd : &s->log_write) = e->fd;
		break;
	case KEEP_RUNNING:
	case KEEP_STANDBY:
		break;
	case KEEP_APP:
		return resume_connection(s, e);
	case KEEP_SEGMENT:
		resume_segment(s, e);
		break;
	case KEEP_SOCKET:
		resume_socket(s, e);
		break;
	}
	return 0;
}

static bool has_connection(const struct sup *s, const struct app *a)
{
	for (uint32_t i = 0; i < SUP_MAX_CLIENTS; i++)
		if (s->client[i].src.fd != -1 && s->client[i].app == a)
			return true;
	return false;
}

int sup_resume(struct sup *s, const struct keeper *k)
{
	int r = resume_estate(s, k);

	for (uint32_t i = 0; r == 0 && i < k->count; i++)
		r = resume_one(s, &k->kept[i]);
	if (r < 0)
		return r;
	/* Daemons that died meanwhile leave their place vacant. */
	for (uint32_t i = 0; i < k->count; i++) {
		const struct kept *e = &k->kept[i];

		if ((e->label.kind == KEEP_RUNNING ||
			e->label.kind == KEEP_STANDBY) &&
		    e->label.a < s->estate.topo.nprocs)
			sup_readopt(s, e->label.a,
			    e->label.kind == KEEP_STANDBY, e->note.pid, e->fd);
	}
	for (uint32_t i = 0; i < APP_MAX; i++)
		if (s->app[i].used && !has_connection(s, &s->app[i]))
			sup_app_gone_again(s, &s->app[i]);
	/* Who captures has lost its connection, and asks again. */
	sup_tap_update(s);
	return 0;
}
