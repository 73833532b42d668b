/*
 * app.c - programs: segments, sockets, and what the supervisor does for them
 */
#include "tests/sim/app.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "shm/apps.h"
#include "tests/sim/host.h"

enum {
	WAKE_MIN_NS = 500,
	WAKE_MAX_NS = 60 * NS_PER_US,
};

static const enum layer transports[] = { LAYER_TCP, LAYER_UDP };

static uint8_t *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

uint8_t *app_a2s(const struct app *a)
{
	return a->a2s;
}

uint8_t *app_s2a(const struct app *a, enum layer layer)
{
	return a->s2a[layer];
}

static struct proc *proc_of(const struct sock *k)
{
	return host_proc(k->app->h, k->layer);
}

/* Its apps, if it can be told something now. */
static struct apps *apps_at(struct proc *p)
{
	return p->up ? p->ops->apps(p->x) : NULL;
}

/* ---- Apps ---- */

struct app *app_open(struct host *h)
{
	struct app *a;
	uint32_t id = 0;

	while (id < HOST_APPS && h->app[id] != NULL)
		id++;
	if (id == HOST_APPS)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		abort();
	*a = (struct app){ .s = h->s, .h = h, .id = id };
	a->a2s = pages(A2S_BYTES);
	h->app[id] = a;
	for (uint32_t i = 0; i < 2; i++) {
		struct proc *p = host_proc(h, transports[i]);

		a->s2a[transports[i]] = pages(S2A_BYTES);
		if (apps_at(p) != NULL)
			apps_app_opened(
			    apps_at(p), id, a->a2s, a->s2a[transports[i]]);
		proc_ring(p);
	}
	link_app(host_proc(h, LAYER_LINK), id, a->a2s);
	return a;
}

void app_free(struct app *a)
{
	for (uint32_t i = 0; i < APP_SOCKS; i++) {
		if (a->sock[i] != NULL && a->sock[i]->task != NULL)
			a->sock[i]->task->end(a->sock[i]);
		free(a->sock[i]);
	}
	munmap(a->a2s, A2S_BYTES);
	for (uint32_t i = 0; i < 2; i++)
		munmap(a->s2a[transports[i]], S2A_BYTES);
	a->h->app[a->id] = NULL;
	free(a);
}

void app_kill(struct app *a)
{
	note(a->s, "h%u app%u dies", a->h->index, a->id);
	a->dead = true;
	for (uint32_t i = 0; i < APP_SOCKS; i++)
		if (a->sock[i] != NULL && !a->sock[i]->hung_up)
			sock_close(a->sock[i]);
	for (uint32_t i = 0; i < 2; i++) {
		struct proc *p = host_proc(a->h, transports[i]);

		a->waiting |= 1U << transports[i];
		if (apps_at(p) != NULL)
			apps_app_gone(apps_at(p), a->id);
		proc_ring(p);
	}
}

/* A transport has nothing left of it; @a may be gone after this. */
static void finish_app(struct proc *p, struct apps *apps, struct app *a)
{
	if (!a->dead || !(a->waiting >> p->layer & 1) ||
	    !apps_app_done(apps, a->id))
		return;
	apps_app_forget(apps, a->id);
	a->waiting &= ~(1U << p->layer);
	if (a->waiting != 0)
		return;
	note(a->s, "h%u app%u is no more", a->h->index, a->id);
	link_app(host_proc(a->h, LAYER_LINK), a->id, NULL);
	app_free(a);
}

static bool is_full(const struct fib *shared, uint32_t naddrs)
{
	struct fib f;

	if (!published_copy(&f, shared, sizeof(f)) || f.naddrs < naddrs ||
	    f.nroutes == 0)
		return false;
	for (uint32_t i = 0; i < f.naddrs; i++)
		if (f.addr[i].state != ADDR_VALID)
			return false;
	return true;
}

bool app_online(const struct app *a)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct s2a_head *h = (const void *)a->s2a[transports[i]];

		if (!is_full(&h->fib, a->h->topo.naddrs))
			return false;
	}
	return true;
}

/* ---- What the supervisor says to a new instance ---- */

static void introduce(struct proc *p, struct apps *apps, const struct app *a)
{
	if (a->dead && !(a->waiting >> p->layer & 1))
		return;
	apps_app_opened(apps, a->id, a->a2s, a->s2a[p->layer]);
	for (uint32_t i = 0; i < APP_SOCKS; i++)
		if (a->sock[i] != NULL && a->sock[i]->layer == p->layer)
			apps_socket_opened(apps, a->id, i, a->sock[i]->family);
	if (a->dead)
		apps_app_gone(apps, a->id);
}

void apps_introduce(struct proc *p, struct apps *apps)
{
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (p->h->app[i] != NULL)
			introduce(p, apps, p->h->app[i]);
}

static void hear_ends(struct proc *p, struct apps *apps, struct app *a)
{
	for (uint32_t i = 0; i < APP_SOCKS; i++) {
		struct sock *k = a->sock[i];

		if (k == NULL || k->layer != p->layer)
			continue;
		if (k->look)
			apps_look(apps, a->id, i);
		k->look = false;
		if (k->hung_up)
			apps_socket_closed(apps, a->id, i);
	}
}

void apps_watch(struct proc *p, struct apps *apps)
{
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (p->h->app[i] != NULL)
			hear_ends(p, apps, p->h->app[i]);
}

/* ---- After a turn ---- */

static void wake(struct sock *k)
{
	struct mono t =
	    mono_add(k->s->now, draw(k->s, WAKE_MIN_NS, WAKE_MAX_NS));

	k->next = mono_min(k->next, t);
}

static void woken(struct proc *p, uint32_t id, uint8_t what)
{
	struct app *a = p->h->app[app_of(id)];
	struct sock *k =
	    a != NULL && sub_of(id) < APP_SOCKS ? a->sock[sub_of(id)] : NULL;

	if (k == NULL || k->layer != p->layer)
		fail(p->s, "h%u %s wakes a socket that is not its: %u",
		    p->h->index, proc_name(p), id);
	if (what & WAKE_CLOSED) {
		if (!k->hung_up)
			fail(p->s, "h%u %s closed app%u socket %u by itself",
			    p->h->index, proc_name(p), a->id, k->sub);
		a->sock[k->sub] = NULL;
		free(k);
		return;
	}
	if (k->hung_up)
		return;
	if (what & WAKE_RX)
		k->readable = true;
	wake(k);
}

void apps_after(struct proc *p, struct apps *apps)
{
	uint32_t id;
	uint8_t what;

	while (apps_next_wake(apps, &id, &what))
		woken(p, id, what);
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (p->h->app[i] != NULL)
			finish_app(p, apps, p->h->app[i]);
}

/* ---- Sockets ---- */

struct sock *sock_open(
    struct app *a, enum layer transport, uint8_t family, struct task *t)
{
	const struct s2a_socket *from;
	struct a2s_socket *to;
	struct sock *k;
	struct proc *p;
	uint32_t sub = 0;

	while (sub < APP_SOCKS && a->sock[sub] != NULL)
		sub++;
	if (sub == APP_SOCKS || a->dead)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		abort();
	*k = (struct sock){ .s = a->s,
		.app = a,
		.sub = sub,
		.layer = transport,
		.family = family,
		.next = a->s->now,
		.task = t };
	a->sock[sub] = k;
	/* Whoever opens a socket goes on with the transport's counts. */
	from = sock_s2a(k);
	to = sock_a2s(k);
	to->tx_written = from->tx_consumed;
	to->rx_read = from->rx_written;
	to->error_taken = from->error;
	to->err_read = from->err_written;
	to->tx_waiting = to->tx_poll = to->tx_low = to->tx_more = 0;
	to->offered = 0;
	k->cmd_seq = from->reply_seq;
	to->cmd_seq = k->cmd_seq;
	k->rx_posted = to->rx_read;
	if (t != NULL)
		t->moved = a->s->now;
	p = proc_of(k);
	if (apps_at(p) != NULL)
		apps_socket_opened(apps_at(p), a->id, sub, family);
	proc_ring(p);
	return k;
}

void sock_close(struct sock *k)
{
	struct proc *p = proc_of(k);

	if (k->task != NULL)
		k->task->end(k);
	k->task = NULL;
	k->hung_up = true;
	k->next = MONO_NEVER;
	if (apps_at(p) != NULL)
		apps_socket_closed(apps_at(p), k->app->id, k->sub);
	proc_ring(p);
}

void sock_post(struct sock *k)
{
	struct a2s_head *h = (void *)k->app->a2s;
	const struct s2a_head *to = (const void *)k->app->s2a[k->layer];
	struct proc *p = proc_of(k);
	uint32_t n = h->posted;

	h->event[n % APP_EVENTS] = (uint16_t)k->sub;
	h->posted = n + 1;
	if (!to->asleep)
		return;
	if (apps_at(p) != NULL)
		apps_look(apps_at(p), k->app->id, k->sub);
	else
		k->look = true;
	proc_ring(p);
}

void sock_ask(struct sock *k, uint32_t op, uint32_t arg0, uint32_t arg1,
    const void *data, uint32_t len)
{
	struct a2s_socket *a = sock_a2s(k);

	a->cmd_op = op;
	a->cmd_arg[0] = arg0;
	a->cmd_arg[1] = arg1;
	a->cmd_len = len;
	if (len > 0)
		memcpy(a->cmd_data, data, len);
	a->cmd_waiting = 1;
	a->cmd_seq = ++k->cmd_seq;
	sock_post(k);
}

bool sock_answered(const struct sock *k, int *ret)
{
	const struct s2a_socket *from = sock_s2a(k);

	if (from->reply_seq != k->cmd_seq)
		return false;
	sock_a2s(k)->cmd_waiting = 0;
	*ret = from->result;
	return true;
}

bool sock_names(const struct sock *k, struct s2a_names *ret)
{
	return published_copy(ret, &sock_s2a(k)->names, sizeof(*ret));
}

int sock_error(struct sock *k)
{
	uint64_t e = sock_s2a(k)->error;

	if (sock_a2s(k)->error_taken == e)
		return 0;
	sock_a2s(k)->error_taken = e;
	return (int)(uint32_t)e;
}

uint64_t sock_unread(const struct sock *k)
{
	uint64_t n = sock_s2a(k)->rx_written - sock_a2s(k)->rx_read;

	if (n > APP_RX_BYTES)
		fail(k->s, "h%u app%u socket %u: rx_written went astray",
		    k->app->h->index, k->app->id, k->sub);
	return n;
}

void sock_did_read(struct sock *k, uint32_t n, uint32_t rcvbuf)
{
	uint64_t end = sock_a2s(k)->rx_read + n;

	sock_a2s(k)->rx_read = end;
	if (sock_unread(k) != 0 && end - k->rx_posted < rcvbuf / 4)
		return;
	k->rx_posted = end;
	sock_post(k);
}

bool sock_rx_sleep(struct sock *k)
{
	k->readable = false;
	if (sock_unread(k) == 0 && !(sock_s2a(k)->stream & STREAM_RX_END) &&
	    sock_a2s(k)->error_taken == sock_s2a(k)->error)
		return true;
	/* A byte too many may have been taken away. */
	sock_a2s(k)->kick++;
	sock_post(k);
	return false;
}

void sock_moved(struct sock *k)
{
	k->task->moved = k->s->now;
	moved(k->s);
}

struct mono app_next(const struct app *a)
{
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < APP_SOCKS; i++)
		if (a->sock[i] != NULL)
			t = mono_min(t, a->sock[i]->next);
	return t;
}

void app_run(struct app *a)
{
	struct sim *s = a->s;

	for (uint32_t i = 0; i < APP_SOCKS && !a->dead; i++) {
		struct sock *k = a->sock[i];
		struct mono t;

		if (k == NULL || !mono_reached(k->next, s->now))
			continue;
		k->next = MONO_NEVER;
		if (k->task == NULL)
			continue;
		t = k->task->step(k);
		/* It may have closed itself. */
		if (a->sock[i] == k && !k->hung_up)
			k->next = mono_min(k->next, t);
	}
}

/* ---- Addresses, as plan.c gives them ---- */

struct app_name app_name_of(uint32_t host, uint8_t family, uint16_t port)
{
	struct app_name n = {
		.port = port, .link = LINK_ANY, .family = family
	};
	char ip[IP_TEXT_LEN];

	snprintf(ip, sizeof(ip),
	    family == AF_INET ? "192.0.2.%u" : "2001:db8::%u", host + 1);
	if (!ip_parse(&n.ip, ip))
		abort();
	return n;
}

struct app_name app_name_any(uint8_t family, uint16_t port)
{
	return (struct app_name){
		.ip = family == AF_INET ? ip_any4 : ip_any6,
		.port = port,
		.link = LINK_ANY,
		.family = family,
	};
}
