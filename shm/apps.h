/*
 * apps.h - a transport's end of the channel to each app (app.h)
 *
 * What UDP and TCP have in common: apps and their sockets come and go, events
 * are looked at, commands answered, words shown, sleepers woken.  What a socket
 * is, what its rings hold and what a command does is the transport's, which
 * gives a table of functions.
 *
 *	app_links.c	system calls: maps, watches, wakes
 *	apps_admit.c	apps and sockets come and go, as the supervisor says
 *	apps.c		queue of sockets to look at, events, answers
 *	apps_wake.c	what apps are shown, and when they are woken
 *	udpd, tcpd	objects
 *
 * All that is read from a2s is read once and checked; an app that lies is cut
 * off: its sockets are closed and no word of its is believed any more.  All
 * that is written to s2a is written here, but for what a transport stages in
 * an rx ring beyond rx_written.
 *
 * Sockets are named by number, app * APP_MAX_SOCKETS + sub.  No system calls,
 * no clock.
 */
#ifndef SHM_APPS_H
#define SHM_APPS_H

#include "shm/app.h"
#include "shm/node.h"

enum {
	MAX_SOCKETS = APP_MAX * APP_MAX_SOCKETS,
	NO_SOCKET = 0xffff,
};

static_assert((int)MAX_SOCKETS < (int)NO_SOCKET, "16 bits name a socket");
static_assert(MAX_SOCKETS % 64 == 0, "a bit for each, in words");
static_assert((int)APP_MAX <= (int)SLOT_OWNERS, "references are counted");

/* A command, copied and checked for its form. */
struct command {
	uint32_t seq;
	uint32_t op; /* enum app_op */
	uint32_t len;
	uint32_t arg[4];
	uint8_t data[APP_COMMAND_BYTES];
};

/* The last command's answer.  Survives. */
struct app_answer {
	uint32_t reply_seq;
	int32_t result;
	uint32_t reply_len;
	uint8_t reply[APP_REPLY_BYTES];
};

/* What apps.c keeps in the transport's persistent state. */
struct apps_state {
	uint64_t open[MAX_SOCKETS / 64]; /* a bit for each socket */
	struct app_answer answer[MAX_SOCKETS];
};

/* The words of a socket that change with its data. */
struct app_words {
	uint64_t tx_consumed;
	uint64_t tx_sent;
	uint64_t rx_written;
	uint64_t error; /* count << 32 | errno */
	uint64_t dropped;
	uint64_t stream; /* app.h */
	uint64_t err_written;
};

enum apps_served {
	SERVED,
	SERVE_MORE, /* the budget, a ring or the slots ran out */
	SERVE_WAIT, /* close only: you will say apps_dirty() when to ask */
	SERVE_HOLD, /* close only: the same, and nothing has ended yet */
	SERVE_LIE,  /* what the app wrote is impossible */
};

enum {
	COMMAND_MORE = -4096, /* of apps_ops.command; not an errno */
};

struct apps_ops {
	/* A new object; its counts go on from @from. */
	void (*open)(
	    void *x, uint32_t id, uint8_t family, const struct app_words *from);

	/*
	 * Nobody holds the socket any more.  @written: what had been sent;
	 * @lied: believe nothing, end it at once.  SERVE_MORE, SERVE_WAIT: to
	 * be asked again; when it is done the object is gone.
	 */
	enum apps_served (*close)(void *x, uint32_t id, uint64_t written,
	    bool lied, uint32_t *budget);

	/* The app has written up to @written, and has perhaps read. */
	enum apps_served (*serve)(
	    void *x, uint32_t id, uint64_t written, uint32_t *budget);

	/*
	 * 0 or more, or a negative errno; may fill in answer->reply.
	 * COMMAND_MORE: more than a turn can do; to be asked again.
	 */
	int (*command)(void *x, uint32_t id, const struct command *c,
	    struct app_answer *answer);

	/* What the app is to see; n->p and n->open are not yours. */
	void (*names)(const void *x, uint32_t id, struct s2a_names *n);
	void (*words)(const void *x, uint32_t id, struct app_words *ret);

	/* After a restart: private tables anew. */
	void (*take_over)(void *x, uint32_t id);
};

/* Private to this instance. */
struct apps_app {
	const uint8_t *a2s; /* NULL: no such app */
	uint8_t *s2a;
	uint32_t seen; /* events looked at */
	uint32_t uid;  /* whose it is */
	bool gone;     /* dead: its sockets are closed, then it goes */
	bool cut;      /* it lied: no word of its is believed any more */
};

/* Why a socket's holder has something to do after the turn. */
enum apps_wake {
	WAKE_RX = 1 << 0,    /* the bare fd must become readable */
	WAKE_REPLY = 1 << 1, /* futex wakes */
	WAKE_TX = 1 << 2,
	WAKE_CLOSED = 1 << 3, /* gone: tell the supervisor */
};

struct apps_sock {
	bool have; /* the supervisor knows it: it has an fd */
	bool opening;
	bool closing;
	bool ending; /* for good: it can't be renewed any more */
	bool dirty;  /* in the queue */
	bool waked;  /* in the list */
	bool names_shown;
	uint8_t wake;  /* enum apps_wake */
	bool unsure;   /* unsure_to and unsure_at mean something */
	bool patient;  /* its command is tried again at apps.retry */
	uint8_t reads; /* 1 + index of its read_queue; 0: none */
	uint8_t tries;
	uint8_t family;
	uint8_t type, protocol; /* as of socket(2); 0: the transport's own */
	uint32_t kick;          /* as last seen */
	uint32_t unsure_at;     /* apps.heard, when */
	uint64_t unsure_to;     /* its app had got so far */
	uint64_t rx_told;       /* what of rx_written the app has been told */
	uint64_t tx_told, sent_told;
	uint64_t tx_heard, rx_heard; /* of its times, so many are done with */
	uint64_t stream_told;
};

enum {
	READ_QUEUES = 128, /* sockets with unread packets that are known */
	READ_STAMPS = 128, /* of one of them */
	READ_LOOK_NS = 25 * NS_PER_MS,
};

static_assert(READ_QUEUES < UINT8_MAX, "8 bits name one");
static_assert((READ_STAMPS & (READ_STAMPS - 1)) == 0, "masked");

/* A packet that has gone into a socket's ring. */
struct read_stamp {
	uint64_t end;      /* its last byte: rx_written, with the commit */
	struct mono since; /* that; of a fresh one, when its turn began */
	struct mono birth;
	struct hop_key key;
};

struct read_queue {
	uint32_t id;       /* whose; if there are any */
	uint32_t first, n; /* the oldest is stamp[first % READ_STAMPS] */
	uint32_t fresh;    /* the last so many are of a turn that was open */
	struct read_stamp stamp[READ_STAMPS];
};

struct apps {
	struct node *n;
	struct apps_state *state;
	const struct apps_ops *ops;
	void *x;               /* the transport */
	const struct fib *fib; /* what apps are told of routes */
	uint32_t cnt_commands, cnt_cut_off;

	struct apps_app app[APP_MAX];
	struct apps_sock sock[MAX_SOCKETS];

	uint16_t queue[MAX_SOCKETS]; /* sockets to look at, a ring */
	uint32_t queue_head, queue_len;
	uint16_t waked[MAX_SOCKETS];
	uint32_t nwaked;

	/* While measuring: what apps have not read (apps_measure.c). */
	struct read_queue reads[READ_QUEUES];
	struct mono look_at; /* at what they say of it */
	bool fresh;          /* there may be fresh stamps */

	struct mono retry; /* of the patient */
	uint32_t heard;    /* how often the supervisor was, on demand */
	bool unsure;       /* it is to be heard after this turn */
	bool attached;
	bool asleep;    /* apps were told so */
	bool measuring; /* and that */
	bool held; /* by the transport: it will be woken by something else */
};

/*
 * Take over: n, state, ops, x, fib and the counters are set, the turn's memory
 * is recovered.  Apps and sockets may have been told of before.
 */
void apps_attach(struct apps *a);

/* The turn's show function, with the apps as its context. */
void apps_show(void *apps, uint32_t id);

/* The first thing in a turn. */
void apps_begin(struct apps *a);
void apps_publish_fib(struct apps *a);

/* Look at what apps have posted, and serve up to @budget sockets' work. */
void apps_serve(struct apps *a, uint32_t budget);

/* When to serve although nothing comes in. */
struct mono apps_deadline(const struct apps *a);

/* False if some app has posted an event since the last turn. */
bool apps_may_sleep(struct apps *a);

/* ---- What the supervisor and the sockets' fds say, between turns */

int apps_app_opened(
    struct apps *a, uint32_t app, const uint8_t *a2s, uint8_t *s2a);

/*
 * The app is user @uid's, as the kernel told the supervisor.  Whoever could
 * share a port with another user's socket would get some of its datagrams and
 * connections, so SO_REUSEPORT is for sockets of one user, as on Linux.
 */
void apps_app_owner(struct apps *a, uint32_t app, uint32_t uid);
bool apps_same_owner(const struct apps *a, uint32_t id, uint32_t other);
void apps_app_gone(struct apps *a, uint32_t app);
int apps_socket_opened(
    struct apps *a, uint32_t app, uint32_t sub, uint8_t family);

/* Just opened, it is of this type and protocol. */
void apps_socket_kind(
    struct apps *a, uint32_t app, uint32_t sub, uint8_t type, uint8_t protocol);
void apps_socket_closed(struct apps *a, uint32_t app, uint32_t sub);
void apps_look(struct apps *a, uint32_t app, uint32_t sub);

/* Somebody holds the socket again: it is not closed after all. */
void apps_socket_renewed(struct apps *a, uint32_t app, uint32_t sub);

/* While standing by: the instance that runs has closed it. */
void apps_socket_withdrawn(struct apps *a, uint32_t app, uint32_t sub);

/*
 * All sockets of @app are closed, it is gone, and nothing on its way to the
 * wire refers to its memory: that may go, too.
 */
bool apps_app_done(const struct apps *a, uint32_t app);
void apps_app_forget(struct apps *a, uint32_t app);

/*
 * After a turn: the next socket whose app is to be told something (enum
 * apps_wake in *@wake); false when there is none left.
 */
bool apps_next_wake(struct apps *a, uint32_t *id, uint8_t *wake);

/* ---- For the transport */

static inline uint32_t app_of(uint32_t id)
{
	return id / APP_MAX_SOCKETS;
}

static inline uint32_t sub_of(uint32_t id)
{
	return id % APP_MAX_SOCKETS;
}

static inline bool apps_is_open(const struct apps *a, uint32_t id)
{
	return a->state->open[id / 64] >> (id % 64) & 1;
}

/* The first open socket from @id on, or MAX_SOCKETS. */
uint32_t apps_next_open(const struct apps *a, uint32_t id);

static inline const struct a2s_socket *a2s_of(const struct apps *a, uint32_t id)
{
	return (
	    const void *)(a->app[app_of(id)].a2s + a2s_socket_off(sub_of(id)));
}

static inline struct s2a_socket *s2a_of(const struct apps *a, uint32_t id)
{
	return (void *)(a->app[app_of(id)].s2a + s2a_socket_off(sub_of(id)));
}

/* Has the app begun with a socket that we were told of? */
static inline bool apps_has_begun(const struct apps *a, uint32_t id)
{
	uint32_t with =
	    atomic_load_explicit(&a2s_of(a, id)->with, memory_order_acquire);

	return with == 0 || with == 1 + a->n->self;
}

/* The app may be believed, and somebody holds the socket. */
static inline bool apps_is_live(const struct apps *a, uint32_t id)
{
	const struct apps_app *p = &a->app[app_of(id)];

	return apps_is_open(a, id) && p->a2s != NULL && !p->cut &&
	    !a->sock[id].closing && apps_has_begun(a, id);
}

/* The rings, of APP_TX_BYTES and APP_RX_BYTES. */
static inline const uint8_t *apps_tx_ring(const struct apps *a, uint32_t id)
{
	return a->app[app_of(id)].a2s + a2s_tx_off(sub_of(id));
}

/* The same of when it has written and read. */
static inline const struct a2s_times *apps_times(
    const struct apps *a, uint32_t id)
{
	return (
	    const void *)(a->app[app_of(id)].a2s + a2s_times_off(sub_of(id)));
}

static inline uint8_t *apps_rx_ring(const struct apps *a, uint32_t id)
{
	return a->app[app_of(id)].s2a + s2a_rx_off(sub_of(id));
}

/*
 * One more error for the queue of @id, of which @written are there: its place,
 * where the app does not look before the turn is committed.  NULL: no room, or
 * the app lied.
 */
struct app_error *apps_error_place(
    struct apps *a, uint32_t id, uint64_t written);

uint64_t apps_tx_written(const struct apps *a, uint32_t id);
uint64_t apps_rx_read(const struct apps *a, uint32_t id);

/* Look at socket @id in this turn or a later one. */
void apps_dirty(struct apps *a, uint32_t id);

/*
 * What the supervisor has told an app it has told us before; but the app's word
 * is seen at once, and the supervisor's only between two turns (app_links.c).
 * So before you act on a word, the one at count @at of socket @id, as if the
 * supervisor had said nothing that goes with it, ask here.  False: wait, the
 * socket is dirty; true: he has been heard since the app had got as far as @to,
 * which is beyond @at.
 */
bool apps_is_sure(struct apps *a, uint32_t id, uint64_t at, uint64_t to);

/* Its words, or its names too, are to be shown with this turn. */
void apps_changed(struct apps *a, uint32_t id);
void apps_names_changed(struct apps *a, uint32_t id);

/* The holder of @id is to be woken after the turn. */
void apps_wake_later(struct apps *a, uint32_t id, uint8_t wake);

/*
 * What of @id is put next are its bytes from @begin to @end: while
 * node_measuring() before it is, and node_measure_done() after.
 */
void apps_measure(struct apps *a, uint32_t id, uint64_t begin, uint64_t end);

/*
 * The packet in hand has brought socket @id what ends at @end.  Only while
 * node_measuring().
 */
void apps_measure_rx(struct apps *a, uint32_t id, uint64_t end);

/* True if a turn has room for one more socket's changes. */
bool apps_can_touch(const struct apps *a);

/* @app lied: believe it no more and close what it has. */
void apps_cut_off(struct apps *a, uint32_t app, const char *why);

/* An integer as the answer of a command. */
int apps_reply_int(struct app_answer *r, int v);

/* A command that has not been answered: true, and its copy in *@ret. */
bool apps_asked(struct apps *a, uint32_t id, struct command *ret);

/*
 * Do it, and answer; or try again in the next turn, or at a->retry, the socket
 * being patient.
 */
void apps_answer(struct apps *a, uint32_t id, const struct command *c);

/* ---- Between apps.c, apps_admit.c and apps_wake.c */

/* Whether to say when it writes and reads. */
void apps_tell_measure(struct apps *a, uint32_t app);

/* In each turn while measuring, and in the first one after. */
void apps_measure_begin(struct apps *a);

/* What has the app of @id read?  And nothing of it is waited for any more. */
void apps_measure_look(struct apps *a, uint32_t id);
void apps_measure_forget(struct apps *a, uint32_t id);

/* The head of @app's s2a, unless another instance still writes it. */
void apps_open_head(struct apps *a, uint32_t app);

/* The last packet that refers to an app that is gone is waited for. */
void apps_expect_slots(struct apps *a);

/* After a restart: whoever waits on this socket is woken once. */
void apps_remind(struct apps *a, uint32_t id);

#endif /* SHM_APPS_H */
