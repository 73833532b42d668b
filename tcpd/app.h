/*
 * app.h - sockets: tcpd's end of the channel to the apps
 *
 * Between the apps (shm/apps.h) and the connections.  The connections are
 * reached by a table of functions, so that this half can be tested without
 * them; they call what stands below it.
 *
 *	apps.c  --commands-->  app.c, option.c, port.c  --stream_ops-->  engine
 *	        <---words----                           <--stream_*()--
 *
 * A connected socket's words are its connection's: ops->words.  When the
 * connection ends, the last of them stay with the socket, since the app may
 * read what has come long after.
 */
#ifndef TCPD_APP_H
#define TCPD_APP_H

#include "tcpd/tsock.h"

struct tcp_info;

/* The engine, as sockets see it; @x is the engine's. */
struct stream_ops {
	/*
	 * Active open from the socket's local to its peer name, both complete.
	 * 0 and *@ret, the connection's number; or -EADDRNOTAVAIL: there is
	 * such a connection; -ENOBUFS: no room.
	 */
	int (*connect)(void *x, uint32_t id, uint32_t *ret);

	/* Passive open, or another backlog; the end of it: queued go, too. */
	int (*listen)(void *x, uint32_t id, uint32_t backlog);
	void (*unlisten)(void *x, uint32_t id);

	/* A listener has got spares, or the app has accepted some. */
	void (*may_accept)(void *x, uint32_t id);

	/* The app has written up to @written and read up to @read. */
	void (*look)(void *x, uint32_t conn, uint64_t written, uint64_t read);

	/* 1: nothing more is read; 2: FIN after the last byte written. */
	void (*shutdown)(void *x, uint32_t conn, uint32_t how);

	/*
	 * The app has closed its socket, which stays until stream_gone() or
	 * all that it wrote, up to @written, is acknowledged: then
	 * stream_drained().  stream_gone() may come from within.
	 */
	void (*close)(void *x, uint32_t conn, uint64_t written);

	/* RST at once; no stream_gone() follows. */
	void (*abort)(void *x, uint32_t conn);

	/* The socket of @conn has no number any more. */
	void (*release)(void *x, uint32_t conn);

	/* The socket's options have changed. */
	void (*options)(void *x, uint32_t conn);

	/* TCP_QUICKACK: what waits is acknowledged now, and what follows. */
	void (*quick_ack)(void *x, uint32_t conn, bool on);

	void (*info)(const void *x, uint32_t conn, struct tcp_info *ret);
	void (*words)(const void *x, uint32_t conn, struct app_words *ret);

	/* The MSS in use. */
	uint32_t (*mss)(const void *x, uint32_t conn);

	/* Is there a connection, with a socket or without, between these? */
	bool (*taken)(const void *x, const struct app_name *local,
	    const struct app_name *peer);

	/*
	 * Is there one without a socket (TIME-WAIT, orphan) at this local
	 * address and port, apart from those that had the same SO_REUSE*
	 * (enum tsock_flag) as @reuse has?
	 */
	bool (*lingers)(
	    const void *x, const struct app_name *local, uint32_t reuse);
};

/* Accepted sockets at one port: all, and who lacks which SO_REUSE*. */
struct accepted_at {
	uint16_t all, not_addr, not_port;
};

/*
 * Sockets by local port: those that bind or connect gave it, and apart from
 * them those accepted there, of which there may be any number.
 */
struct tsock_ports {
	uint16_t own[TSOCK_PORT_BUCKETS];
	uint16_t accepted[TSOCK_PORT_BUCKETS];
	uint16_t next[MAX_SOCKETS], prev[MAX_SOCKETS]; /* in its bucket */
	struct accepted_at at[1 << 16];
};

struct streams {
	struct apps apps;
	struct node *n;
	const struct fib *fib;
	struct tsocks_state *state;
	const struct stream_ops *ops;
	void *x; /* the engine */
	struct tsock_ports ports;
	/* That nobody holds, and that wait to be accepted; each once. */
	uint16_t held[MAX_SOCKETS];
	uint32_t nheld;
	bool is_held[MAX_SOCKETS];
};

/* What streams_attach() needs. */
struct streams_setup {
	struct node *n;
	const struct fib *fib; /* updated by the caller, who then publishes */
	struct tsocks_state *state; /* persistent, within n->state */
	const struct stream_ops *ops;
	void *x;
	uint64_t seed[2]; /* random; for fresh memory */
	uint32_t cnt_commands, cnt_cut_off;
};

/*
 * Before node_recover(), for the show function; then again, when the engine
 * has its connections: sockets anew from what survived.
 */
void streams_prepare(struct streams *s, const struct streams_setup *from);
void streams_attach(struct streams *s, const struct streams_setup *from);

/* ---- For the engine */

static inline const struct tsock *stream_sock(
    const struct streams *s, uint32_t id)
{
	return &s->state->sock[id];
}

/* The words of @id's connection have changed: to be shown. */
static inline void stream_changed(struct streams *s, uint32_t id)
{
	apps_changed(&s->apps, id);
}

/* The fd is to become readable: an end or an error, which are not counted. */
static inline void stream_readable(struct streams *s, uint32_t id)
{
	apps_wake_later(&s->apps, id, WAKE_RX | WAKE_TX);
}

/* The active open of @id has succeeded. */
void stream_established(struct streams *s, uint32_t id);

/*
 * Connection @conn, for listener @id, is established: the spare socket that it
 * has now, or NO_SOCKET: there is none, or no room for its record.  Its words
 * begin with those of the spare, in *@ret.
 */
uint32_t stream_accept(struct streams *s, uint32_t id, uint32_t conn,
    const struct app_name *local, const struct app_name *peer,
    struct app_words *ret);

/* How many spares listener @id has. */
uint32_t stream_spares(const struct streams *s, uint32_t id);

/* How many records of @id have not been accepted. */
uint32_t stream_queued(const struct streams *s, uint32_t id);

/* The send buffer of @id has grown to so many bytes. */
void stream_sized(struct streams *s, uint32_t id, int32_t sndbuf);

/* An error for the app to find: SO_ERROR.  @err > 0. */
void stream_error(struct streams *s, uint32_t id, int err);

/*
 * The connection of @id is over, with @last as its words; @err: why, if that
 * is to be told.
 */
void stream_gone(
    struct streams *s, uint32_t id, const struct app_words *last, int err);

/* All that @id's app wrote before it closed is acknowledged. */
void stream_drained(struct streams *s, uint32_t id);

/* ---- accept.c */

/* The record of @id still waits in the ring of a listener of its own app. */
bool accept_was_not(const struct streams *s, uint32_t id);

/*
 * Nobody holds @id any more: must it stay all the same, for somebody else to
 * accept it?  Then accept_look_again() asks when that may have changed.
 */
bool accept_holds(struct streams *s, uint32_t id, bool lied);
void accept_look_again(struct streams *s);

/* Reset what waits in the ring of listener @id.  False: there is more. */
bool accept_reset_all(struct streams *s, uint32_t id);

/* Reset the connection of the next record of listener @id. */
void accept_refuse(struct streams *s, uint32_t id);

/* Listener @id has spares up to @written: is the next one known yet? */
void accept_look_ahead(struct streams *s, uint32_t id, uint64_t written);

/* ---- Between app.c, accept.c, option.c and port.c */

struct tsock *tsock_touch(struct streams *s, uint32_t id);

int tsock_set(struct streams *s, uint32_t id, const struct command *c);
int tsock_get(struct streams *s, uint32_t id, const struct command *c,
    struct app_answer *r);
void tsock_defaults(struct tsock_options *o, const struct topo_tcp *t);

void tsock_ports_clear(struct streams *s);
void tsock_port_insert(struct streams *s, uint32_t id);

/* Around a change of @id's options. */
void tsock_port_uncount(struct streams *s, uint32_t id);
void tsock_port_count(struct streams *s, uint32_t id);

/* bind(2), connect(2)'s names, listen(2)'s port: the errnos of Linux. */
int tsock_bind(struct streams *s, uint32_t id, const struct app_name *name);
int tsock_name_peer(
    struct streams *s, uint32_t id, const struct app_name *name);
int tsock_bind_listener(struct streams *s, uint32_t id);

/*
 * The address and the port are given back, unless bind asked for them and
 * @keep; or the port alone, unless bind asked for it.
 */
void tsock_unbind(struct streams *s, uint32_t id, bool keep);
void tsock_free_port(struct streams *s, uint32_t id);

#endif /* TCPD_APP_H */
