/*
 * tcp_flow.h - connections, and what each end knows of the other
 *
 * The simulator sees both ends: how many bytes each has written, and whether
 * one of them had a reason to be told of an error.  A connection whose ends
 * both behave ends with both having read all that the other has written, and
 * without an error, whatever happened to the daemons.
 */
#ifndef TESTS_SIM_TCP_FLOW_H
#define TESTS_SIM_TCP_FLOW_H

#include "tests/sim/flows.h"

/* One way of a connection. */
struct stream {
	uint64_t key;
	uint64_t written, read;
	bool ended; /* the writer has said that this is all */
};

enum side {
	SIDE_CLIENT,
	SIDE_SERVER,
};

struct pair {
	struct pair *next;
	uint32_t id;
	uint32_t refs; /* ends that have a socket */
	struct app_name client, server;
	uint32_t server_host;
	struct stream way[2]; /* by the side that writes */
	const char *excuse;   /* why an end may see an error; NULL: none */
	bool accepted;
};

/* How an end goes about it. */
enum manner {
	MANNER_POLITE, /* writes, says so, reads to the end, closes */
	MANNER_RESET,  /* closes with SO_LINGER 0, some time */
	MANNER_CLOSE,  /* closes when all is written, whatever may come */
	MANNER_DEAF,   /* shuts reading down */
	NMANNERS,
};

/* A connected socket; both ends have it. */
struct talk {
	struct task t; /* first */
	struct pair *pair;
	enum side side;
	enum manner manner;
	uint64_t to_write;
	uint64_t leave_at; /* bytes written or read, for MANNER_RESET */
	uint32_t write_piece, read_piece;
	int64_t write_think_ns, read_think_ns;
	struct mono write_at, read_at;
	uint64_t pause_at; /* bytes read; then it reads nothing for a while */
	int64_t pause_ns;
	uint32_t sndbuf, rcvbuf;
	bool asked, told, read_end, deaf;
	/* A client's, before it is connected; see tcp_client.c. */
	struct client *client;
};

/* Registers a connection that a client tries; @client is its name now. */
struct pair *pair_new(struct sim *s, const struct app_name *client,
    const struct app_name *server, uint32_t server_host);

/* The newest between these, not accepted yet; or NULL. */
struct pair *pair_find(struct sim *s, const struct app_name *client,
    const struct app_name *server);
void pair_release(struct sim *s, struct pair *p);

/* From now on it may end as it likes. */
void pair_excuse(struct sim *s, struct pair *p, const char *why);

/* Of all whose server is there. */
void pairs_excuse(struct sim *s, uint32_t host, uint16_t port, const char *why);
void pairs_free(struct sim *s);

/* A connected end: @t, drawn anew. */
void talk_draw(struct sim *s, struct talk *t);
struct mono talk_step(struct sock *k);
void talk_end(struct sock *k);
bool talk_excused(const struct sock *k);

/* tcp_listen.c: a new listener; and is one there, to be connected to? */
struct sock *tcp_listen_open(struct app *a, uint8_t family, uint16_t port);
bool listener_is_up(const struct sim *s, uint32_t host, uint16_t port);

/* tcp_client.c: both ends connect, at the same time (RFC 9293, 3.5). */
void tcp_meet_open(struct sim *s, uint32_t a, uint32_t b, uint16_t port);

#endif /* TESTS_SIM_TCP_FLOW_H */
