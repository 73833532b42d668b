/*
 * udpd.h - the UDP layer as a library
 *
 *	app.a2s   app.s2a
 *	   |         ^
 *	   v         |		channel.c: commands and rings of the apps
 *	 tx.c      rx.c		port.c: whose datagram
 *	   |         ^		bind.c, option.c, group.c: what an app asks
 *	   v ring    | ring
 *	       ipd
 *
 * No system calls here, no clock and no globals: links.c, which main.c adds,
 * maps the apps' segments, watches their sockets and rings their bells.
 */
#ifndef UDPD_UDPD_H
#define UDPD_UDPD_H

#include "shm/node.h"
#include "udpd/counters.h"
#include "udpd/socket.h"

enum {
	PORT_BUCKETS = 1024,
	NO_SOCKET = 0xffff,
};

static_assert((int)MAX_SOCKETS < (int)NO_SOCKET, "16 bits name a socket");

/* Private to this instance. */
struct udpd_app {
	const uint8_t *a2s; /* NULL: no such app */
	uint8_t *s2a;
	uint32_t seen; /* events looked at */
	bool gone;     /* dead: its sockets are closed, then it goes */
	bool cut;      /* it lied: no word of its is believed any more */
};

/* Why a socket's holder has something to do after the turn. */
enum udpd_wake {
	WAKE_RX = 1 << 0,    /* the bare fd must become readable */
	WAKE_REPLY = 1 << 1, /* futex wakes */
	WAKE_TX = 1 << 2,
	WAKE_CLOSED = 1 << 3, /* gone: tell the supervisor */
};

struct udpd_sock {
	uint16_t next; /* in its port's bucket */
	bool have;     /* the supervisor knows it: it has an fd */
	bool opening;
	bool closing;
	bool dirty; /* in the queue */
	bool waked; /* in the list */
	bool names_shown;
	uint8_t wake; /* enum udpd_wake */
	bool patient; /* its command is tried again at udpd.retry */
	uint8_t tries;
	uint8_t family;
	uint32_t kick;    /* as last seen */
	uint64_t rx_told; /* what of rx_written the app has been told */
	uint64_t tx_told;
};

struct udpd {
	struct node n; /* first */
	struct udpd_state *state;
	struct fib fib;
	const struct fib *shared_fib; /* ipd's */
	struct ring_out *down;
	uint64_t seed[2]; /* random, for a fresh port_key */

	struct udpd_app app[APP_MAX];
	struct udpd_sock sock[MAX_SOCKETS];
	uint16_t bucket[PORT_BUCKETS];

	uint16_t queue[MAX_SOCKETS]; /* sockets to look at, a ring */
	uint32_t queue_head, queue_len;
	uint16_t waked[MAX_SOCKETS];
	uint32_t nwaked;

	struct mono retry; /* of the patient */
	bool attached;
	bool asleep;         /* apps were told so */
	bool groups_changed; /* publish the table anew */
};

/*
 * Join the segments and recover.  Apps and sockets that the supervisor told of
 * before are known by udpd_app_opened() and udpd_socket_opened(), which may
 * come before this; u->seed must be random.  *@u was zero at first.
 */
int udpd_attach(struct udpd *u, const struct segments *s, struct mono now);
bool udpd_turn(struct udpd *u, struct mono now);
struct mono udpd_deadline(const struct udpd *u);

/* False if some app has posted an event since the last turn. */
bool udpd_may_sleep(struct udpd *u);

/* What the supervisor and the sockets' fds say, between turns. */
int udpd_app_opened(
    struct udpd *u, uint32_t app, const uint8_t *a2s, uint8_t *s2a);
void udpd_app_gone(struct udpd *u, uint32_t app);
int udpd_socket_opened(
    struct udpd *u, uint32_t app, uint32_t sub, uint8_t family);
void udpd_socket_closed(struct udpd *u, uint32_t app, uint32_t sub);
void udpd_look(struct udpd *u, uint32_t app, uint32_t sub);

/* While standing by: the instance that runs has closed it. */
void udpd_socket_withdrawn(struct udpd *u, uint32_t app, uint32_t sub);

/* All sockets of @app are closed and it is gone: its memory may go too. */
bool udpd_app_done(const struct udpd *u, uint32_t app);
void udpd_app_forget(struct udpd *u, uint32_t app);

/*
 * After a turn: the next socket whose app is to be told something (enum
 * udpd_wake in *@wake); false when there is none left.
 */
bool udpd_next_wake(struct udpd *u, uint32_t *id, uint8_t *wake);

/* ---- Between the files of udpd/ */

static inline uint32_t app_of(uint32_t id)
{
	return id / APP_MAX_SOCKETS;
}

static inline uint32_t sub_of(uint32_t id)
{
	return id % APP_MAX_SOCKETS;
}

static inline bool is_open(const struct udpd *u, uint32_t id)
{
	return u->state->open[id / 64] >> (id % 64) & 1;
}

/* The first open socket from @id on, or MAX_SOCKETS. */
uint32_t udpd_next_open(const struct udpd *u, uint32_t id);

/* Look at socket @id in this turn or a later one. */
void udpd_dirty(struct udpd *u, uint32_t id);

/* The holder of @id is to be woken after the turn. */
void udpd_wake_later(struct udpd *u, uint32_t id, uint8_t wake);

/* Before a change: returns the object, saved and to be shown. */
struct usock *touch_sock(struct udpd *u, uint32_t id);
struct usock_flow *touch_flow(struct udpd *u, uint32_t id);

/* True if a turn has room for one more socket's changes. */
bool udpd_can_touch(const struct udpd *u);

/* An error for the app to find: SO_ERROR. */
void udpd_error(struct udpd *u, uint32_t id, int err);

#endif /* UDPD_UDPD_H */
