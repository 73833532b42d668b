/*
 * supervisor.c - the loop, start and end of a stack
 */
#include "shm/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/join.h"
#include "shm/rundir.h"
#include "shm/schedule.h"
#include "shm/sup.h"

enum {
	START_POLL_MS = 5, /* how often to look whether addresses are up */
	START_LIMIT_MS = 30000,
	LOG_FILE_LIMIT = 16 * 1024 * 1024, /* then it begins anew */
};

int sup_watch(struct sup *s, struct source *src, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = src };

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, src->fd, &e) == -1)
		return -errno;
	return 0;
}

void sup_forget(struct sup *s, struct source *src)
{
	if (src->fd < 0)
		return;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, src->fd, NULL);
	close(src->fd);
	src->fd = -1;
}

/* ---- What the next supervisor would need ---- */

void sup_keep(struct sup *s, struct keep_label label, pid_t pid,
    const uint32_t arg[3], int fd)
{
	struct keep_note note = { .pid = pid };

	memcpy(note.arg, arg, sizeof(note.arg));
	if (fd == -1 || keep(s->keeper, &label, &note, fd) == 0)
		return;
	log_warn(&s->log, "the keeper is gone: no supervisor after this one");
	s->keeper = -1;
}

void sup_keep_not(struct sup *s, struct keep_label label)
{
	if (keep_forget(s->keeper, &label) < 0)
		s->keeper = -1;
}

static void keep_estate(struct sup *s)
{
	static const uint32_t none[3];

	for (uint32_t i = 0; i < NFD_ROLES * TOPO_MAX_PROCS * 2; i++) {
		struct keep_label l = {
			.kind = KEEP_ESTATE,
			.a = (uint8_t)(i / (TOPO_MAX_PROCS * 2)),
			.b = (uint8_t)(i / 2 % TOPO_MAX_PROCS),
			.c = (uint8_t)(i % 2),
		};
		int *fd =
		    estate_fd(&s->estate, (enum ctl_role)l.a, l.b, l.c != 0);

		if (fd != NULL)
			sup_keep(s, l, 0, none, *fd);
	}
	sup_keep(s, (struct keep_label){ .kind = KEEP_LISTENER }, 0, none,
	    s->listener.fd);
	sup_keep(s, (struct keep_label){ .kind = KEEP_LOG, .a = 0 }, 0, none,
	    s->log_pipe.fd);
	sup_keep(s, (struct keep_label){ .kind = KEEP_LOG, .a = 1 }, 0, none,
	    s->log_write);
}

/* ---- Clients ---- */

void sup_client_close(struct sup *s, struct client *c)
{
	struct app *a = c->app;

	sup_forget(s, &c->src);
	sup_ask_forget(c);
	c->app = NULL;
	c->waits = false;
	if (c->tap.open) {
		c->tap.open = false;
		sup_tap_update(s);
	}
	if (a != NULL)
		sup_app_left(s, a);
}

/*
 * The connection becomes a daemon's control socket and no client's: of the
 * stack's user, and if he has had nothing else by it that would have to end.
 */
static void hand_over(struct sup *s, struct client *c, const struct ctl_msg *m)
{
	char name[sizeof(m->name) + 1];
	int fd = c->src.fd;
	int r;

	snprintf(name, sizeof(name), "%.16s", m->name);
	if (!sup_may_join(c) || c->app != NULL || c->relay != NULL ||
	    c->tap.open) {
		log_warn(&s->log, "refused to let a %s join: user %u", name,
		    c->sender);
		sup_client_close(s, c);
		return;
	}
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	c->src.fd = -1;
	r = sup_join(s, name, fd);
	if (r < 0) {
		log_warn(&s->log, "refused to let a %s join: %s", name,
		    strerror(-r));
		close(fd);
	}
}

void sup_client_ready(struct sup *s, struct source *src, uint32_t events)
{
	struct client *c = (void *)((char *)src - offsetof(struct client, src));
	char first = 0;
	char text[4096];
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	size_t len;
	ssize_t n;

	(void)events;
	n = sup_rights_peek(c, &first);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		sup_client_close(s, c);
		return;
	}
	if (first == '{') {
		n = recv(src->fd, text, sizeof(text), MSG_DONTWAIT);
		sup_command(s, c, text, n > 0 ? (size_t)n : 0);
		return;
	}
	if (ctl_recv_bytes(src->fd, &m, fds, text, sizeof(text), &len) < 0) {
		sup_client_close(s, c);
		return;
	}
	/* Nothing that an app sends is mapped or kept. */
	for (uint32_t i = 0; i < m.nfds; i++)
		close(fds[i]);
	if (m.type == CTL_JOIN)
		hand_over(s, c, &m);
	else if (m.type == CTL_ASK)
		sup_ask(s, c, (const uint8_t *)text, len);
	else
		sup_app_message(s, c, &m);
}

static void on_connection(struct sup *s, struct source *src, uint32_t events)
{
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = s->client;

	(void)events;
	if (fd == -1)
		return;
	while (c < s->client + SUP_MAX_CLIENTS && c->src.fd != -1)
		c++;
	if (c == s->client + SUP_MAX_CLIENTS) {
		close(fd);
		return;
	}
	*c = (struct client){ .src = { .ready = sup_client_ready, .fd = fd } };
	sup_rights_connected(c);
	/* Whoever crowds us, `strata down` finds a place. */
	if ((c >= s->client + SUP_MAX_CLIENTS - SUP_KEPT_FREE &&
		!sup_may_crowd(c)) ||
	    sup_watch(s, &c->src, EPOLLIN) < 0)
		sup_client_close(s, c);
}

/* ---- Signals and the log ---- */

static void on_signal(struct sup *s, struct source *src, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) == sizeof(info))
		s->ending = true;
}

/* Lines from the daemons, and our own, to where the user wants them. */
static void on_log(struct sup *s, struct source *src, uint32_t events)
{
	char buf[16384];
	ssize_t n = read(src->fd, buf, sizeof(buf));
	struct stat st;

	(void)events;
	if (n <= 0)
		return;
	if (s->options->log_is_ours && fstat(s->options->log, &st) == 0 &&
	    st.st_size > LOG_FILE_LIMIT && ftruncate(s->options->log, 0) == -1)
		return;
	for (ssize_t done = 0, w; done < n; done += w) {
		w = write(s->options->log, buf + done, (size_t)(n - done));
		if (w <= 0)
			return;
	}
}

static int open_log(struct sup *s)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) == -1)
		return -errno;
	fcntl(pair[1], F_SETPIPE_SZ, 1 << 20);
	s->log_write = pair[1];
	s->log_pipe.fd = pair[0];
	return 0;
}

static int open_signals(struct sup *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals = (struct source){
		.ready = on_signal,
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
	};
	return s->signals.fd == -1 ? -errno
				   : sup_watch(s, &s->signals, EPOLLIN);
}

/* ---- The socket "ctl" ---- */

/* Nobody else connects before the path has its mode. */
static int bind_listener(struct sup *s, const struct sockaddr_un *at)
{
	mode_t mask = umask(0177);
	int r = bind(s->listener.fd, (const struct sockaddr *)at, sizeof(*at));

	r = r == -1 ? -errno : 0;
	umask(mask);
	if (r == 0)
		r = sup_rights_path(s->options, at->sun_path);
	if (r == 0)
		r = sup_rights_listener(s->listener.fd);
	if (r == 0 && listen(s->listener.fd, 64) == -1)
		r = -errno;
	return r;
}

static int open_listener(struct sup *s)
{
	const char *stack = s->estate.topo.name;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int r = rundir_make(stack, s->why);
	int fd;

	if (r == 0)
		r = rundir_path(at.sun_path, stack, "ctl");
	if (r < 0)
		return r;
	fd = join_connect(stack);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	unlink(at.sun_path); /* of a supervisor that was killed */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	s->listener.fd = fd;
	return bind_listener(s, &at);
}

static void remove_files(struct sup *s)
{
	char path[RUNDIR_PATH_LEN];
	const char *stack = s->estate.topo.name;

	if (rundir_path(path, stack, "ctl") == 0)
		unlink(path);
	if (s->options->log_is_ours && rundir_path(path, stack, "log") == 0)
		unlink(path);
	if (rundir_path(path, stack, NULL) == 0)
		rmdir(path);
	/* The run directory itself, if we were the last stack. */
	if (rundir_path(path, NULL, NULL) == 0)
		rmdir(path);
}

/* ---- The loop ---- */

static void tell(struct sup *s, const char *error)
{
	if (s->told)
		return;
	s->told = true;
	if (s->options->ready != NULL)
		s->options->ready(s->options->ctx, error);
}

/* Until the addresses can be used; then never again. */
static void watch_start(struct sup *s)
{
	int state = sup_addresses(s, s->why);

	if (state > 0) {
		tell(s, NULL);
	} else if (state < 0) {
		s->error = -EADDRINUSE;
		s->ending = true;
	} else if (mono_since(s->now, s->started) >
	    (int64_t)START_LIMIT_MS * NS_PER_MS) {
		snprintf(s->why, sizeof(s->why),
		    "the addresses are still not usable; see the log");
		s->error = -ETIMEDOUT;
		s->ending = true;
	}
}

static int timeout_ms(const struct sup *s)
{
	struct mono t = sup_process_deadline(s);
	int64_t left;

	t = mono_min(t, sup_ask_deadline(s));
	if (!s->told)
		t = mono_min(t, mono_add_ms(s->now, START_POLL_MS));
	if (t.ns == MONO_NEVER.ns)
		return -1;
	left = (mono_since(t, s->now) + NS_PER_MS - 1) / NS_PER_MS;
	return left > 0 ? (int)left : 0;
}

static void run(struct sup *s)
{
	while (!s->ending) {
		struct epoll_event e[64];
		int n;

		s->now = mono_now();
		n = epoll_wait(s->epoll, e, 64, timeout_ms(s));
		s->now = mono_now();
		for (int i = 0; i < n; i++) {
			struct source *src = e[i].data.ptr;

			/* It may have been closed by an earlier event. */
			if (src->fd != -1)
				src->ready(s, src, e[i].events);
		}
		sup_process_tick(s);
		sup_ask_tick(s);
		if (!s->told && !s->ending)
			watch_start(s);
	}
}

static void answer_waiting(struct sup *s)
{
	for (int i = 0; i < SUP_MAX_CLIENTS; i++) {
		struct client *c = &s->client[i];

		c->app = NULL;
		sup_ask_forget(c);
		if (c->src.fd != -1 && c->waits)
			sup_answer(s, c, NULL);
		else
			sup_forget(s, &c->src);
	}
}

/* What the daemons said last. */
static void drain_log(struct sup *s)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(s->log_pipe.fd, buf, sizeof(buf))) > 0)
		if (write(s->options->log, buf, (size_t)n) != n)
			return;
}

static void take_down(struct sup *s)
{
	sup_stop_all(s);
	sup_app_free_all(s);
	drain_log(s);
	sup_forget(s, &s->listener);
	sup_forget(s, &s->log_pipe);
	sup_forget(s, &s->signals);
	if (s->log_write >= 0)
		close(s->log_write);
	estate_free(&s->estate);
	remove_files(s);
	answer_waiting(s);
}

/* ---- Start ---- */

static struct sup *new_sup(const struct supervisor_options *o)
{
	struct sup *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->options = o;
	s->now = s->started = mono_now();
	/* No answer to an earlier supervisor is one to this. */
	s->farewells = (uint32_t)s->now.ns;
	/* Not what the supervisor before us may still be answered. */
	s->ask_id = (uint32_t)(s->now.ns / NS_PER_US);
	s->listener.fd = s->signals.fd = s->log_pipe.fd = s->log_write = -1;
	for (int i = 0; i < SUP_MAX_CLIENTS; i++)
		s->client[i].src.fd = -1;
	for (int p = 0; p < TOPO_MAX_PROCS; p++) {
		struct place *pl = &s->place[p];

		pl->restart_client = -1;
		pl->vacant = true;
		pl->running.death.fd = pl->running.ctl.fd = -1;
		pl->standby.death.fd = pl->standby.ctl.fd = -1;
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	return s;
}

static int prepare(struct sup *s)
{
	int r = sup_find_programs(s);

	if (r < 0) {
		snprintf(s->why, sizeof(s->why),
		    "the daemons' programs are not beside this one");
		return r;
	}
	r = open_listener(s);
	if (r == -EADDRINUSE)
		snprintf(s->why, sizeof(s->why),
		    "a stack \"%s\" is running already", s->estate.topo.name);
	else if (r < 0 && s->why[0] == '\0')
		snprintf(s->why, sizeof(s->why), "can't make the socket: %s",
		    strerror(-r));
	if (r < 0)
		return r;
	r = open_log(s);
	if (r < 0)
		snprintf(s->why, sizeof(s->why), "%s", strerror(-r));
	return r;
}

/* The sources that every supervisor watches, new or resumed. */
static int watch_sources(struct sup *s)
{
	int r;

	s->listener.ready = on_connection;
	s->log_pipe.ready = on_log;
	log_open(&s->log, s->log_write, "strata", NULL);
	r = open_signals(s);
	if (r == 0)
		r = sup_watch(s, &s->listener, EPOLLIN);
	if (r == 0)
		r = sup_watch(s, &s->log_pipe, EPOLLIN);
	return r;
}

static int launch(struct sup *s)
{
	const struct topology *t = &s->estate.topo;
	int r;

	for (uint32_t p = 0; p < t->nprocs; p++) {
		r = sup_spawn(s, p);
		if (r < 0) {
			snprintf(s->why, sizeof(s->why), "can't start %s: %s",
			    t->procs[p].name, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* Nothing is there yet.  On failure all that was made is gone again. */
static int begin(struct sup *s, const struct topology *topo)
{
	int r = estate_make(&s->estate, topo, s->why);

	if (r < 0)
		return r;
	r = prepare(s);
	if (r < 0) {
		/* Not remove_files(): they may be another supervisor's. */
		estate_free(&s->estate);
		return r;
	}
	keep_estate(s);
	r = watch_sources(s);
	if (r == 0)
		r = launch(s);
	if (r < 0)
		take_down(s);
	return r;
}

/* All is there; the last supervisor was killed. */
static int resume(struct sup *s, const struct keeper *k)
{
	int r = sup_resume(s, k);

	if (r == 0)
		r = sup_find_programs(s);
	if (r == 0)
		r = watch_sources(s);
	if (r < 0) {
		snprintf(s->why, sizeof(s->why), "can't take over: %s",
		    strerror(-r));
		return r;
	}
	log_warn(&s->log, "the supervisor was killed; this one took over");
	return 0;
}

int supervisor_run(const struct topology *topo,
    const struct supervisor_options *o, const struct keeper *k)
{
	struct sup *s = new_sup(o);
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->keeper = k != NULL ? k->sock : -1;
	schedule_daemon(-1);

	r = k != NULL && k->count > 0 ? resume(s, k) : begin(s, topo);
	if (r == 0) {
		run(s);
		r = s->error;
		take_down(s);
	}
	if (r < 0)
		tell(s, s->why);
	close(s->epoll);
	free(s);
	return r;
}
