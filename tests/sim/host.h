/*
 * host.h - a host: memory that stays, and daemons that come and go in it
 *
 * What the supervisor does for a stack is done here: segments are made, each
 * daemon is given those that are its, told of apps and sockets, and started
 * again when it is dead.  A daemon is the library, moved as shm/daemon.c does:
 * turns while there is work, then asleep until a bell or its deadline.  Bells
 * are remembered, as an eventfd does, whoever is dead.
 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H

#include "shm/node.h"
#include "tests/sim/sim.h"

struct app;
struct apps; /* of shm/apps.h, or of linkd/apps.h: never both in one file */
struct host;
struct proc;

enum {
	HOST_PROCS = NLAYERS,
	HOST_APPS = 6,
};

struct proc_ops {
	size_t size;
	int (*attach)(
	    struct proc *p, const struct segments *s, struct mono now);
	bool (*turn)(void *x, struct mono now);
	struct mono (*deadline)(const void *x);
	bool (*may_sleep)(void *x);
	void (*detach)(void *x);
	struct apps *(*apps)(void *x); /* a transport's; else NULL */
};

struct proc {
	struct sim *s;
	struct host *h;
	uint32_t index; /* of procs[] */
	enum layer layer;
	const struct proc_ops *ops;
	void *x; /* the instance, whose first member is a node; NULL: dead */
	bool up; /* it has attached */
	bool gave_up; /* a packet, as it may (check_dying) */
	struct mono next;
	bool asleep;
	bool rung;
	int64_t kill_in;   /* stores until it dies; -1: not meant to */
	uint8_t kill_from; /* enum step of kill.c: counted from there on */
	uint32_t kill_patience;
	bool kill_by_changes; /* of those, what changes something */
	uint64_t idle_turns;  /* in a row, without work or sleep */
	uint32_t instances;
};

struct host {
	struct sim *s;
	uint32_t index;
	struct topology topo;
	struct wiring wiring;
	struct sup_out sup;
	uint8_t *out[HOST_PROCS], *pool[HOST_PROCS], *priv[HOST_PROCS];
	struct proc proc[HOST_PROCS];
	struct app *app[HOST_APPS]; /* by number; NULL: none */
};

struct host *host_open(struct sim *s, uint32_t index);
void host_close(struct host *h);

/* The device may be read, or written again. */
void host_readable(struct host *h);
void host_writable(struct host *h);

/* When its next daemon wants a turn; and to let those that do have it. */
struct mono host_next(const struct host *h);
void host_run(struct host *h);

static inline struct proc *host_proc(struct host *h, enum layer layer)
{
	return &h->proc[layer];
}

static inline struct node *proc_node(const struct proc *p)
{
	return p->x;
}

const char *proc_name(const struct proc *p);

/* Random numbers for a new instance. */
static inline void proc_seeds(struct proc *p, uint64_t *seed, uint32_t n)
{
	while (n-- > 0)
		*seed++ = random_next(&p->s->r);
}

/* Something for it has come by another way than a ring. */
void proc_ring(struct proc *p);

/* It is dead from now on; its next instance comes after a while. */
void proc_die(struct proc *p);

/* ---- The layers: layer_X.c */

extern const struct proc_ops link_ops, ip_ops, udp_ops, tcp_ops;

void link_readable(struct proc *p);
void link_writable(struct proc *p);

/* An app's tx rings, for linkd to gather from; NULL: they are gone. */
void link_app(struct proc *p, uint32_t app, uint8_t *a2s);

/* ---- app.c */

/* Apps and sockets, as the supervisor tells a new instance of them. */
void apps_introduce(struct proc *p, struct apps *a);

/* And what it learns from the sockets' ends when it has attached. */
void apps_watch(struct proc *p, struct apps *a);

/* After a turn: wakes. */
void apps_after(struct proc *p, struct apps *a);

#endif /* TESTS_SIM_HOST_H */
