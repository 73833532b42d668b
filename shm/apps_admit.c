/*
 * apps_admit.c - apps and their sockets come and go, as the supervisor says
 *
 * Told between turns, also to an instance that stands by: that one only keeps
 * who is there, since segments and objects are still another's.  A socket that
 * is closed is only marked; the next turns end it (apps.c, serve_closing()),
 * since what was written before has to go out.
 */
#include "shm/apps.h"

#include <errno.h>

int apps_app_opened(
    struct apps *a, uint32_t app, const uint8_t *a2s, uint8_t *s2a)
{
	if (app >= APP_MAX || a->app[app].a2s != NULL)
		return -EINVAL;
	a->app[app] = (struct apps_app){ .a2s = a2s };
	a->app[app].s2a = s2a;
	apps_open_head(a, app);
	return 0;
}

void apps_app_owner(struct apps *a, uint32_t app, uint32_t uid)
{
	if (app < APP_MAX)
		a->app[app].uid = uid;
}

bool apps_same_owner(const struct apps *a, uint32_t id, uint32_t other)
{
	return a->app[app_of(id)].uid == a->app[app_of(other)].uid;
}

void apps_app_gone(struct apps *a, uint32_t app)
{
	if (app >= APP_MAX || a->app[app].a2s == NULL)
		return;
	a->app[app].gone = true;
	if (a->attached)
		apps_expect_slots(a);
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		apps_socket_closed(a, app, sub);
}

int apps_socket_opened(
    struct apps *a, uint32_t app, uint32_t sub, uint8_t family)
{
	struct apps_sock *p;

	if (app >= APP_MAX || sub >= APP_MAX_SOCKETS || a->app[app].a2s == NULL)
		return -EINVAL;
	p = &a->sock[app * APP_MAX_SOCKETS + sub];
	if (p->have)
		return -EEXIST;
	p->have = p->opening = true;
	p->closing = a->app[app].gone || a->app[app].cut;
	p->family = family;
	p->type = p->protocol = 0;
	if (a->attached)
		apps_dirty(a, app * APP_MAX_SOCKETS + sub);
	return 0;
}

void apps_socket_kind(
    struct apps *a, uint32_t app, uint32_t sub, uint8_t type, uint8_t protocol)
{
	struct apps_sock *p = &a->sock[app * APP_MAX_SOCKETS + sub];

	p->type = type;
	p->protocol = protocol;
}

void apps_socket_closed(struct apps *a, uint32_t app, uint32_t sub)
{
	struct apps_sock *p = &a->sock[app * APP_MAX_SOCKETS + sub];

	if (!p->have)
		return;
	p->closing = true;
	if (a->attached)
		apps_dirty(a, app * APP_MAX_SOCKETS + sub);
}

void apps_socket_renewed(struct apps *a, uint32_t app, uint32_t sub)
{
	struct apps_sock *p = &a->sock[app * APP_MAX_SOCKETS + sub];

	if (!p->have)
		return;
	p->closing = p->ending || a->app[app].gone || a->app[app].cut;
	p->unsure = false;
	if (a->attached)
		apps_dirty(a, app * APP_MAX_SOCKETS + sub);
}

void apps_look(struct apps *a, uint32_t app, uint32_t sub)
{
	if (a->attached)
		apps_dirty(a, app * APP_MAX_SOCKETS + sub);
}

void apps_socket_withdrawn(struct apps *a, uint32_t app, uint32_t sub)
{
	a->sock[app * APP_MAX_SOCKETS + sub] =
	    (struct apps_sock){ .have = false };
}

bool apps_app_done(const struct apps *a, uint32_t app)
{
	if (!a->app[app].gone)
		return false;
	for (uint32_t sub = 0; sub < APP_MAX_SOCKETS; sub++)
		if (a->sock[app * APP_MAX_SOCKETS + sub].have)
			return false;
	return !node_is_referred(a->n, app);
}

void apps_app_forget(struct apps *a, uint32_t app)
{
	a->app[app] = (struct apps_app){ .a2s = NULL };
}
