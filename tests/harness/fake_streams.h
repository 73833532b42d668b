/*
 * fake_streams.h - apps without processes, and an engine without TCP
 *
 *	fake apps: a2s and s2a in memory of the test
 *	   |   ^
 *	 +-v---|-------+
 *	 | tcpd/app.c  |	real, and option.c and app_port.c with it
 *	 +-|---^-------+
 *	   v   |
 *	fake engine		a connection is what the test says that it is
 *
 * Connections survive like the real ones: in the node's state, saved before a
 * change.  Each turn may be made to die just short of its commit, or right
 * after it; then a new instance does it over, or goes on.
 */
#ifndef TESTS_HARNESS_FAKE_STREAMS_H
#define TESTS_HARNESS_FAKE_STREAMS_H

#include "tcpd/app.h"
#include "tests/harness/fake_channel.h"
#include "tests/harness/rig.h"

enum {
	FAKE_CONNS = 640,
};

struct fake_conn {
	bool used;
	bool closed;  /* by the app: an orphan */
	bool aborted; /* a reset was sent; not used any more */
	bool loose;   /* released: without a socket */
	uint32_t sock;
	uint32_t shut;
	uint32_t options; /* how often they were changed */
	uint64_t written, read;
	struct app_name local, peer;
	struct app_words words;
};

struct fake_state {
	struct tsocks_state socks;
	struct fake_conn conn[FAKE_CONNS];
	uint32_t listening[MAX_SOCKETS]; /* 1 + backlog */
};

enum fake_death {
	LIVES,
	DIES_WITHIN, /* each turn, once */
	DIES_AFTER,
	NDEATHS,
};

#define EACH_DEATH for (enum fake_death death = LIVES; death < NDEATHS; death++)

struct fake_streams {
	struct rig *rig;
	struct node n;
	struct fib fib;
	struct streams *s;
	struct fake_state *state;
	enum fake_death death;
	bool died;          /* in this turn */
	int connect_result; /* of ops->connect */
	bool linger;        /* at any port, without SO_REUSEADDR */
	uint32_t instances;
	struct fake_channel ch;
	uint32_t woken[MAX_SOCKETS]; /* how often its fd became readable */
};

/*
 * Links n0 (192.0.2.2/24, 2001:db8::2/64) and n1 (198.51.100.2/24), and app 0.
 */
struct fake_streams *streams_open(enum fake_death death);
void streams_close(struct fake_streams *w);
void streams_restart(struct fake_streams *w);

/* Turns until nothing is left to do. */
void streams_run(struct fake_streams *w);

/* One; true if it led to something. */
bool streams_turn(struct fake_streams *w);

void streams_add_app(struct fake_streams *w, uint32_t app);
void streams_kill_app(struct fake_streams *w, uint32_t app);

/* A new socket, its number; and its last close. */
uint32_t streams_socket(struct fake_streams *w, uint32_t app, uint8_t family);
void streams_close_socket(struct fake_streams *w, uint32_t id);
void streams_renew_socket(struct fake_streams *w, uint32_t id);

struct a2s_socket *streams_a2s(struct fake_streams *w, uint32_t id);
const struct s2a_socket *streams_s2a(struct fake_streams *w, uint32_t id);
void streams_post(struct fake_streams *w, uint32_t id);

/* Commands, run to their answer.  "*" and "**" are any; NULL: undo. */
int streams_command(struct fake_streams *w, uint32_t id, uint32_t op,
    uint32_t arg0, uint32_t arg1, const void *data, uint32_t len);
int streams_bind(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port);
int streams_connect(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port);
int streams_listen(struct fake_streams *w, uint32_t id, uint32_t backlog);
int streams_refuse(struct fake_streams *w, uint32_t id);
int streams_shutdown(struct fake_streams *w, uint32_t id, uint32_t how);
int streams_set(
    struct fake_streams *w, uint32_t id, int level, int name, int value);
int streams_get(
    struct fake_streams *w, uint32_t id, int level, int name, int *ret);
struct app_name streams_name(const char *ip, uint16_t port);

/* What the app writes (nobody looks at the bytes) and reads. */
void streams_write(struct fake_streams *w, uint32_t id, uint64_t bytes);
void streams_read(struct fake_streams *w, uint32_t id, uint64_t bytes);

/* Socket @spare for listener @id; the second is not run. */
void streams_offer(struct fake_streams *w, uint32_t id, uint32_t spare);
void streams_put_word(struct fake_streams *w, uint32_t id, uint32_t spare);

/* The next record of listener @id; false: none. */
bool streams_accepted(
    struct fake_streams *w, uint32_t id, struct accept_record *ret);

/* SO_ERROR, taken. */
int streams_error(struct fake_streams *w, uint32_t id);

/* ---- What peers do; each in a turn of its own */

const struct fake_conn *streams_conn(struct fake_streams *w, uint32_t id);
void streams_establish(struct fake_streams *w, uint32_t id);

/* A handshake with listener @id is done: its socket, or NO_SOCKET. */
uint32_t streams_incoming(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port);

/* The same, in one turn and no more. */
uint32_t streams_handshake(
    struct fake_streams *w, uint32_t id, const char *ip, uint16_t port);
void streams_deliver(struct fake_streams *w, uint32_t id, uint64_t bytes);
void streams_ack(struct fake_streams *w, uint32_t id, uint64_t bytes);
void streams_sent(struct fake_streams *w, uint32_t id, uint64_t bytes);
void streams_end(struct fake_streams *w, uint32_t id, int err);

#endif /* TESTS_HARNESS_FAKE_STREAMS_H */
