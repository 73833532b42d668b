/*
 * sup.h - what the supervisor's files share; no other file includes it
 */
#ifndef SHM_SUP_H
#define SHM_SUP_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "shm/app.h"
#include "shm/ask.h"
#include "shm/clock.h"
#include "shm/estate.h"
#include "shm/keeper.h"
#include "shm/log.h"
#include "shm/supervisor.h"

enum {
	/* Deaths in a row, each before the daemon was up, until we slow down.
	 */
	SUP_HASTY_DEATHS = 5,
	SUP_SLOW_RESTART_MS = 1000,
	SUP_STOP_MS = 1000, /* a daemon that doesn't leave by then is killed */
	SUP_MAX_CLIENTS = 256,
	SUP_KEPT_FREE = 16, /* of these, for who rules the stack */
};

struct sup;

/* Something in the epoll set. */
struct source {
	void (*ready)(struct sup *s, struct source *src, uint32_t events);
	int fd; /* -1: not in use */
};

/* One process of a daemon. */
struct instance {
	struct source death; /* its pidfd */
	struct source ctl;   /* our end of its control socket */
	uint8_t kept;        /* enum keep_kind under which the keeper has it */
	pid_t pid;           /* 0: none */
	uint8_t proc;
	bool guest;        /* started by hand: wants its place at once */
	bool foreign;      /* not our child: somebody else reaps it */
	bool ready;        /* has said that it stands by */
	bool up;           /* has taken over */
	struct mono since; /* CTL_UP */
};

/* A process of the topology: its running instance and the one behind it. */
struct place {
	struct instance running, standby;
	bool vacant; /* nobody runs; the next one ready goes */
	bool ending; /* told to stop on purpose */

	uint32_t hasty; /* deaths in a row before CTL_UP */
	struct mono died;
	struct mono not_before; /* no new process before this */
	int restart_client;     /* who waits for this restart; -1 */

	uint32_t asked;    /* the question it has not answered yet; 0: none */
	uint32_t ask_turn; /* the client that asked it last */
};

struct app_socket {
	int fd; /* copy of the transport's end; -1: not in use */
	uint32_t proc;
	uint32_t arg[3];
};

struct app {
	bool used;
	bool dying;        /* its connection is gone; transports clean up */
	bool unsent;       /* they have: the links still map its rings */
	uint32_t waiting;  /* processes that are not done: a bit each */
	uint32_t farewell; /* number of the CTL_APP_GONE that they answer */
	pid_t pid;
	uint32_t uid;
	int a2s, a2s_ro;
	int s2a[TOPO_MAX_PROCS], s2a_ro[TOPO_MAX_PROCS];
	uint64_t taken[APP_MAX_SOCKETS / 64]; /* a bit for each socket */
	struct app_socket socket[APP_MAX_SOCKETS];
};

/* What a connection wants to be recorded (layout.h: struct tap_switch). */
struct tap_wish {
	bool open; /* it has the taps */
	uint32_t flags, snap, devices;
	uint64_t rings;
};

/* A connection to "ctl": an app, a command, or a daemon by hand. */
struct client {
	struct source src;
	struct app *app;
	struct relay *relay; /* what it asks of a daemon; sup_ask.c */
	uint32_t connected;  /* uid of who did */
	uint32_t sender;     /* and of who sent the message in hand */
	bool waits;          /* for a restart or for the end */
	struct tap_wish tap;
};

struct sup {
	struct estate estate;
	const struct supervisor_options *options;
	struct log log;
	struct place place[TOPO_MAX_PROCS];
	struct app app[APP_MAX];
	struct client client[SUP_MAX_CLIENTS];
	struct source listener;
	struct source signals;
	struct source log_pipe;
	int keeper;    /* -1: it is gone */
	int log_write; /* the daemons' end of log_pipe */
	int epoll;
	struct mono started, now;
	uint32_t ask_id;     /* of the last question to a daemon */
	uint64_t ask_number; /* of the last one of a client */
	bool told;           /* options->ready was called */
	bool ending;
	int error;
	uint32_t farewells;
	char why[TOPO_ERROR_LEN];
	char programs[4096]; /* folder of the daemons' programs */
};

int sup_watch(struct sup *s, struct source *src, uint32_t events);
void sup_forget(struct sup *s, struct source *src);

/* A copy of @fd for the next supervisor, and no more (keeper.h). */
void sup_keep(struct sup *s, struct keep_label label, pid_t pid,
    const uint32_t arg[3], int fd);
void sup_keep_not(struct sup *s, struct keep_label label);

/* ---- sup_resume.c */

/* Everything as the last supervisor left it. */
int sup_resume(struct sup *s, const struct keeper *k);

/* ---- sup_process.c */

int sup_find_programs(struct sup *s);
int sup_spawn(struct sup *s, uint32_t p);
void sup_process_tick(struct sup *s);
struct mono sup_process_deadline(const struct sup *s);

/* A daemon that an earlier supervisor started, on its control socket @ctl. */
int sup_readopt(struct sup *s, uint32_t p, bool standby, pid_t pid, int ctl);

/* Take every daemon down, from the top of the pipeline to the wire. */
void sup_stop_all(struct sup *s);

/* A fresh process takes over from the running one; @client is told. */
int sup_restart(struct sup *s, uint32_t p, int client);

/*
 * A daemon started by hand takes a place.  @fd is ours if this succeeds;
 * sup_may_join() has said yes.
 */
int sup_join(struct sup *s, const char *name, int fd);

/* To the running instance and the standby of @p; < 0: it did not reach the
 * first. */
int sup_tell(
    struct sup *s, uint32_t p, const struct ctl_msg *m, const int *fds);

/* ---- sup_app.c */

void sup_client_ready(struct sup *s, struct source *src, uint32_t events);
void sup_app_message(struct sup *s, struct client *c, const struct ctl_msg *m);
void sup_app_left(struct sup *s, struct app *a);
void sup_app_report(struct sup *s, uint32_t p, const struct ctl_msg *m);

/* The transports have not all cleaned up after @a: tell them again. */
void sup_app_gone_again(struct sup *s, struct app *a);

/* The standby of @p is told to go: it has heard all that was said so far. */
void sup_app_heard(struct sup *s, uint32_t p);

/* All that transport @p must know of the apps, to one instance of it. */
int sup_app_introduce(struct sup *s, struct instance *i);
void sup_app_free_all(struct sup *s);

struct app *sup_app_place(struct sup *s, uint32_t id);

/* Who is at the other end of @connection, from the kernel. */
void sup_app_owner(struct app *a, int connection);

uint32_t sup_app_id(const struct sup *s, const struct app *a);
int sup_app_refuse(struct client *c, const struct ctl_msg *asked, int err);

/* ---- sup_socket.c */

/* As many as @asked says, of one transport. */
void sup_socket_make(
    struct sup *s, struct client *c, const struct ctl_msg *asked);

/* Another pair for a socket that is there: of @asked->id. */
void sup_socket_renew(
    struct sup *s, struct client *c, const struct ctl_msg *asked);

/* Socket @sub is in use, with @k; or not any more, if it was. */
void sup_socket_place(struct app *a, uint32_t sub, const struct app_socket *k);
void sup_socket_forget(struct sup *s, struct app *a, uint32_t sub);

/*
 * The sockets of @a from @sub on that one message can tell process @p of:
 * those alike.  Returns where to go on.
 */
uint32_t sup_socket_message(const struct sup *s, const struct app *a,
    uint32_t p, uint32_t sub, struct ctl_msg *m, int fds[CTL_MAX_FDS]);

/* ---- sup_ask.c */

/* A client's question, @len bytes of it, and a daemon's answer. */
void sup_ask(struct sup *s, struct client *c, const uint8_t *bytes, size_t len);
void sup_ask_answer(struct sup *s, uint32_t p, const struct ctl_msg *m,
    const uint8_t *bytes, size_t len);

/* @p has a new instance, which knows nothing of what the last was asked. */
void sup_ask_up(struct sup *s, uint32_t p);

/* The client is gone. */
void sup_ask_forget(struct client *c);

void sup_ask_tick(struct sup *s);
struct mono sup_ask_deadline(const struct sup *s);

/* ---- sup_command.c, sup_status.c */

void sup_command(struct sup *s, struct client *c, const char *text, size_t len);
void sup_answer(struct sup *s, struct client *c, const char *error);
void sup_refuse(struct sup *s, struct client *c); /* who may not rule */
void sup_answer_json(struct sup *s, struct client *c, json_t *answer);
void sup_client_close(struct sup *s, struct client *c);

/* @zeros: also counters that are 0. */
json_t *sup_status(struct sup *s, bool zeros);

/* Of it only what moves, for who asks ten times a second. */
json_t *sup_pulse(struct sup *s);

/* The name and the value of @h's counter @i; false: there is none. */
bool sup_counter(const struct out_head *h, uint32_t i,
    char name[COUNTER_NAME_LEN + 1], json_int_t *value);

/* ---- sup_net.c */

/* Can all addresses be used?  1: yes; 0: not yet; -1: no, see why. */
int sup_addresses(struct sup *s, char why[TOPO_ERROR_LEN]);

/* Of each link, address and so on an object; @table is room for a copy. */
json_t *sup_net_links(
    const struct sup *s, struct link_table *table, bool zeros);
json_t *sup_net_addresses(const struct sup *s, struct link_table *table);
json_t *sup_net_neighbours(const struct sup *s, struct link_table *table);
json_t *sup_net_routes(const struct sup *s);

/* Of each link its names and what it has counted, and no more. */
json_t *sup_net_counts(const struct sup *s);

/* What linkd has counted of link @i's bad wires: of each way an object. */
json_t *sup_net_impaired(const struct sup *s, uint32_t i, bool *any);

/* ---- sup_impair.c */

void sup_impair(struct sup *s, struct client *c, const json_t *q);

/* Can anything befall what goes by this link? */
bool sup_has_wire(const struct topo_link *l);

/* ---- sup_rights.c */

/* @fd tells who sends, and all that it will accept. */
int sup_rights_listener(int fd);

/* For whom @path, bound to it, is there. */
int sup_rights_path(const struct supervisor_options *o, const char *path);

/* @c has just been accepted. */
void sup_rights_connected(struct client *c);

/* The first byte of the next message, as recv(); and who sent it. */
ssize_t sup_rights_peek(struct client *c, char *first);

/* Of the message in hand; and: may it have one of the last places? */
bool sup_may_rule(const struct client *c);
bool sup_may_join(const struct client *c);
bool sup_may_raw(const struct client *c);
bool sup_may_crowd(const struct client *c);

/* ---- sup_tap.c */

/* @c captures: give it the taps, and record what @question says. */
void sup_tap_command(struct sup *s, struct client *c, const json_t *question);

/* A connection has come or gone: what all of them want together. */
void sup_tap_update(struct sup *s);

#endif /* SHM_SUP_H */
