/*
 * app.h - programs: what the library api/ is for real ones, cut to the bone
 *
 * An app has segments and sockets; a socket is run by a task, which looks at
 * the rings, does what it can, and then sleeps until it is woken or until a
 * time of its own.  Tasks keep to the protocol of shm/app.h to the letter, and
 * nothing else wakes them: a wake-up that is lost is a task that hangs.
 */
#ifndef TESTS_SIM_APP_H
#define TESTS_SIM_APP_H

#include "shm/app.h"
#include "tests/sim/sim.h"

enum {
	APP_SOCKS = 32, /* of one app at a time */
};

struct proc;
struct task;

struct sock {
	struct sim *s;
	struct app *app;
	uint32_t sub;
	enum layer layer;
	uint8_t family;
	bool hung_up;  /* the app has closed it; its transport not yet */
	bool look;     /* a byte of ours waits at the transport's end */
	bool readable; /* a byte waits at our end */
	struct mono next;
	uint32_t cmd_seq;
	uint64_t rx_posted; /* rx_read, when we last said so */
	struct task *task;
	const struct sock *spare_of; /* the listener that may give it away */
};

/* What a socket is used for; embedded in what knows more. */
struct task {
	/* Runs; returns when to run again although nothing wakes it. */
	struct mono (*step)(struct sock *k);
	void (*end)(struct sock *k); /* closed or killed; frees the task */
	/* It has a reason to stand still; NULL: it never has. */
	bool (*excused)(const struct sock *k);
	struct mono moved; /* the last progress; see check.c */
	bool endless;      /* a server: it never ends by itself */
	const char *what;
};

struct app {
	struct sim *s;
	struct host *h;
	uint32_t id;
	bool dead;
	uint32_t waiting; /* dead: transports not done with it, by layer */
	uint8_t *a2s;
	uint8_t *s2a[NLAYERS]; /* of transports */
	struct sock *sock[APP_SOCKS];
};

/* A new app; NULL: there are too many on that host. */
struct app *app_open(struct host *h);

/* kill -9, or exit: for the stack it is the same. */
void app_kill(struct app *a);
void app_free(struct app *a);

uint8_t *app_a2s(const struct app *a);
uint8_t *app_s2a(const struct app *a, enum layer layer);

struct mono app_next(const struct app *a);
void app_run(struct app *a);

/* Has the host of this app all its addresses, and do its transports know? */
bool app_online(const struct app *a);

/* ---- Sockets */

/* NULL: the app has too many. */
struct sock *sock_open(
    struct app *a, enum layer transport, uint8_t family, struct task *t);
void sock_close(struct sock *k);

static inline struct a2s_socket *sock_a2s(const struct sock *k)
{
	return (void *)(k->app->a2s + a2s_socket_off(k->sub));
}

static inline const struct s2a_socket *sock_s2a(const struct sock *k)
{
	return (const void *)(k->app->s2a[k->layer] + s2a_socket_off(k->sub));
}

static inline uint8_t *sock_tx(const struct sock *k)
{
	return k->app->a2s + a2s_tx_off(k->sub);
}

static inline const uint8_t *sock_rx(const struct sock *k)
{
	return k->app->s2a[k->layer] + s2a_rx_off(k->sub);
}

/* Say that there is news, and ring if the transport sleeps. */
void sock_post(struct sock *k);

void sock_ask(struct sock *k, uint32_t op, uint32_t arg0, uint32_t arg1,
    const void *data, uint32_t len);
bool sock_answered(const struct sock *k, int *ret);

/* False: being written; try again. */
bool sock_names(const struct sock *k, struct s2a_names *ret);

/* An errno that was not taken yet, or 0. */
int sock_error(struct sock *k);

uint64_t sock_unread(const struct sock *k);

/* @n more bytes have been read. */
void sock_did_read(struct sock *k, uint32_t n, uint32_t rcvbuf);

/* Nothing was left to read: true, and it may sleep; false: look again. */
bool sock_rx_sleep(struct sock *k);

/* The task has got on. */
void sock_moved(struct sock *k);

static inline struct mono soon(const struct sock *k)
{
	return mono_add(k->s->now, NS_PER_US);
}

struct app_name app_name_of(uint32_t host, uint8_t family, uint16_t port);
struct app_name app_name_any(uint8_t family, uint16_t port);

#endif /* TESTS_SIM_APP_H */
