/*
 * sup_process.c - the supervisor's daemons: spawn, stand by, go, death
 *
 *	spawn -> CTL_START -> [maps] -> CTL_READY       the standby
 *	      -> CTL_GO    -> [recovers] -> CTL_UP      the running one
 *
 * When the running one dies its standby is told to go at once; a new standby
 * is spawned only when that one is up, so as not to compete with it for a core.
 * A restart is the same with a fresh standby and a CTL_STOP in place of the
 * death.  "Go" is never said before the kernel has reported the predecessor's
 * death: from then on it writes no more memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/names.h"
#include "shm/sup.h"

enum {
	/* Daemons of root's run as these users, one for each process. */
	FIRST_UID = 61184,
};

static void on_death(struct sup *s, struct source *src, uint32_t events);
static void on_report(struct sup *s, struct source *src, uint32_t events);

/* ---- Where the programs are ---- */

int sup_find_programs(struct sup *s)
{
	static const char *const places[] = { "", "/../libexec/strata" };
	char exe[2048];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return -ENOENT;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return -ENOENT;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char probe[4096];

		snprintf(
		    s->programs, sizeof(s->programs), "%s%s", exe, places[i]);
		snprintf(probe, sizeof(probe), "%.4000s/%s", s->programs,
		    layer_name(LAYER_LINK));
		if (access(probe, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* ---- Spawning ---- */

static int exec_daemon(struct sup *s, uint32_t p, int ctl, pid_t *pid)
{
	char program[4096], fd[16], uid[16];
	char *argv[] = { program, (char[]){ "--fd" }, fd, (char[]){ "--uid" },
		uid, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r;

	snprintf(program, sizeof(program), "%.4000s/%s", s->programs,
	    layer_name(s->estate.topo.procs[p].layer));
	snprintf(fd, sizeof(fd), "%d", 3);
	snprintf(uid, sizeof(uid), "%u", FIRST_UID + p);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, s->log_write, 1);
	posix_spawn_file_actions_adddup2(&files, s->log_write, 2);
	posix_spawn_file_actions_adddup2(&files, ctl, 3);
	/* Whatever our caller left open is none of a daemon's business. */
	posix_spawn_file_actions_addclosefrom_np(&files, 4);
	posix_spawnattr_init(&attr);
	/* A session of its own: the terminal's Ctrl-C is for us alone. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	r = posix_spawn(pid, program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

static const struct instance nobody = { .death.fd = -1, .ctl.fd = -1 };

static void clear_instance(struct sup *s, struct instance *i)
{
	sup_forget(s, &i->death);
	sup_forget(s, &i->ctl);
	if (i->pid != 0)
		sup_keep_not(
		    s, (struct keep_label){ .kind = i->kept, .a = i->proc });
	*i = nobody;
}

/* The next supervisor will need its control socket. */
static void keep_instance(
    struct sup *s, struct instance *i, enum keep_kind kind)
{
	static const uint32_t none[3];

	i->kept = (uint8_t)kind;
	sup_keep(s, (struct keep_label){ .kind = i->kept, .a = i->proc },
	    i->pid, none, i->ctl.fd);
}

/* Its segments, and the apps if it is a transport. */
static int brief(struct sup *s, struct instance *i)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	estate_grant(&s->estate, i->proc, s->log_write, &m, fds);
	r = ctl_send(i->ctl.fd, &m, fds);
	return r < 0 ? r : sup_app_introduce(s, i);
}

/* Watch a process that speaks on @ctl. */
static int watch_instance(struct sup *s, struct instance *i, pid_t pid, int ctl)
{
	int room = 4 << 20; /* a standby is told of thousands of sockets */
	int r;

	i->pid = pid;
	i->ctl = (struct source){ .ready = on_report, .fd = ctl };
	i->death = (struct source){
		.ready = on_death,
		.fd = (int)syscall(SYS_pidfd_open, pid, 0),
	};
	if (i->death.fd == -1)
		return -errno;
	if (setsockopt(ctl, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ==
	    -1)
		setsockopt(ctl, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	r = sup_watch(s, &i->death, EPOLLIN);
	return r < 0 ? r : sup_watch(s, &i->ctl, EPOLLIN);
}

/* One that has just begun. */
static int adopt(struct sup *s, struct instance *i, pid_t pid, int ctl)
{
	int r = watch_instance(s, i, pid, ctl);

	if (r == 0)
		r = brief(s, i);
	if (r == 0)
		keep_instance(s, i, KEEP_STANDBY);
	return r;
}

int sup_readopt(struct sup *s, uint32_t p, bool standby, pid_t pid, int ctl)
{
	struct place *pl = &s->place[p];
	struct instance *i = standby ? &pl->standby : &pl->running;
	struct ctl_msg how_far = { .type = CTL_READY };
	int r;

	i->proc = (uint8_t)p;
	i->foreign = true;
	i->kept = standby ? KEEP_STANDBY : KEEP_RUNNING;
	r = watch_instance(s, i, pid, ctl);
	if (r < 0) {
		/* It died while nobody was looking. */
		clear_instance(s, i);
		return r;
	}
	if (!standby)
		pl->vacant = false;
	return ctl_send(ctl, &how_far, NULL);
}

int sup_spawn(struct sup *s, uint32_t p)
{
	struct instance *i = &s->place[p].standby;
	const char *name = s->estate.topo.procs[p].name;
	int pair[2];
	pid_t pid;
	int r;

	if (i->pid != 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return log_errno(&s->log, errno, "socketpair");
	r = exec_daemon(s, p, pair[1], &pid);
	if (r < 0) {
		close(pair[0]);
		close(pair[1]);
		return log_errno(&s->log, -r, "can't start %s", name);
	}
	close(pair[1]);
	i->proc = (uint8_t)p;
	r = adopt(s, i, pid, pair[0]);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		clear_instance(s, i);
		return log_errno(&s->log, -r, "can't brief %s", name);
	}
	log_debug(&s->log, "spawned, process=%s pid=%d", name, (int)pid);
	return 0;
}

/* ---- Taking over ---- */

/* The sources move with their instance: epoll knows them by address. */
static void move_instance(
    struct sup *s, struct instance *to, struct instance *from)
{
	struct epoll_event death = { .events = EPOLLIN,
		.data.ptr = &to->death };
	struct epoll_event ctl = { .events = EPOLLIN, .data.ptr = &to->ctl };

	*to = *from;
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, to->death.fd, &death);
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, to->ctl.fd, &ctl);
	*from = nobody;
}

/* Nobody runs at @p; let the standby go if it can. */
static void fill_place(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];
	struct ctl_msg go = { .type = CTL_GO };

	if (!pl->vacant || s->ending)
		return;
	if (!pl->standby.ready) {
		if (pl->standby.pid == 0 &&
		    mono_reached(pl->not_before, s->now))
			sup_spawn(s, p);
		return;
	}
	pl->vacant = false;
	move_instance(s, &pl->running, &pl->standby);
	ctl_send(pl->running.ctl.fd, &go, NULL);
	sup_app_heard(s, p);
	sup_keep_not(
	    s, (struct keep_label){ .kind = KEEP_STANDBY, .a = (uint8_t)p });
	keep_instance(s, &pl->running, KEEP_RUNNING);
}

static void restart_done(struct sup *s, struct place *pl, const char *error)
{
	if (pl->restart_client == -1)
		return;
	for (int i = 0; i < SUP_MAX_CLIENTS; i++)
		if (s->client[i].src.fd == pl->restart_client)
			sup_answer(s, &s->client[i], error);
	pl->restart_client = -1;
}

static void on_up(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];

	pl->running.up = true;
	pl->running.since = mono_now();
	pl->hasty = 0;
	if (pl->died.ns != 0) {
		int64_t gap = mono_since(pl->running.since, pl->died);

		atomic_store_explicit(
		    &s->estate.sup->gap[p], gap, memory_order_relaxed);
		log_info(&s->log, "took over, process=%s pid=%d gap_us=%lld",
		    s->estate.topo.procs[p].name, (int)pl->running.pid,
		    (long long)(gap / NS_PER_US));
	}
	restart_done(s, pl, NULL);
	sup_ask_up(s, p);
	sup_spawn(s, p);
}

static void on_ready(struct sup *s, struct instance *i)
{
	struct place *pl = &s->place[i->proc];
	struct ctl_msg stop = { .type = CTL_STOP };

	i->ready = true;
	/* A restart, or a guest: the one that runs makes room. */
	if ((pl->restart_client != -1 || i->guest) && pl->running.pid != 0) {
		pl->ending = true;
		ctl_send(pl->running.ctl.fd, &stop, NULL);
		pl->not_before = mono_add_ms(s->now, SUP_STOP_MS);
		return;
	}
	fill_place(s, i->proc);
}

static void on_report(struct sup *s, struct source *src, uint32_t events)
{
	struct instance *i =
	    (void *)((char *)src - offsetof(struct instance, ctl));
	uint32_t p = i->proc;
	static uint8_t bytes[ASK_CHUNK_BYTES];
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	size_t len;

	(void)events;
	if (ctl_recv_bytes(src->fd, &m, fds, bytes, sizeof(bytes), &len) < 0)
		return; /* its death will be reported by its pidfd */
	for (uint32_t k = 0; k < m.nfds; k++)
		close(fds[k]);
	if (m.type == CTL_READY)
		on_ready(s, i);
	else if (i != &s->place[p].running)
		return;
	else if (m.type == CTL_UP)
		on_up(s, p);
	else if (m.type == CTL_ANSWER)
		sup_ask_answer(s, p, &m, bytes, len);
	else
		sup_app_report(s, p, &m);
}

/* ---- Death ---- */

/* How it ended, as words.  A guest is not our child. */
static void obituary(const struct instance *i, char text[64])
{
	siginfo_t info = { 0 };

	snprintf(text, 64, "left");
	if (i->foreign || waitid(P_PID, (id_t)i->pid, &info, WEXITED) == -1)
		return;
	if (info.si_code == CLD_EXITED)
		snprintf(text, 64, "exit status %d", info.si_status);
	else
		snprintf(text, 64, "signal %d", info.si_status);
}

static void running_died(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];
	bool was_up = pl->running.up;
	pid_t pid = pl->running.pid;
	bool meant = pl->ending;
	char how[64];

	pl->died = s->now;

	pl->ending = false;
	pl->vacant = true;
	pl->not_before = s->now;
	if (!was_up && ++pl->hasty >= SUP_HASTY_DEATHS)
		pl->not_before = mono_add_ms(s->now, SUP_SLOW_RESTART_MS);
	/* First let the next one go; the rest can wait. */
	obituary(&pl->running, how);
	clear_instance(s, &pl->running);
	if (mono_reached(pl->not_before, s->now))
		fill_place(s, p);
	if (meant)
		log_info(&s->log, "stopped, process=%s pid=%d",
		    s->estate.topo.procs[p].name, (int)pid);
	else
		log_warn(&s->log, "died, process=%s pid=%d how=\"%s\"",
		    s->estate.topo.procs[p].name, (int)pid, how);
}

static void standby_died(struct sup *s, uint32_t p)
{
	struct place *pl = &s->place[p];
	char how[64];

	obituary(&pl->standby, how);
	log_warn(&s->log, "standby died, process=%s pid=%d how=\"%s\"",
	    s->estate.topo.procs[p].name, (int)pl->standby.pid, how);
	restart_done(s, pl, "the new process died before it was ready");
	clear_instance(s, &pl->standby);
	pl->hasty++;
	pl->not_before = mono_add_ms(
	    s->now, pl->hasty < SUP_HASTY_DEATHS ? 0 : SUP_SLOW_RESTART_MS);
}

static void on_death(struct sup *s, struct source *src, uint32_t events)
{
	struct instance *i =
	    (void *)((char *)src - offsetof(struct instance, death));
	uint32_t p = i->proc;

	(void)events;
	if (i == &s->place[p].running)
		running_died(s, p);
	else
		standby_died(s, p);
	if (!s->told && s->place[p].hasty >= SUP_HASTY_DEATHS && !s->ending) {
		snprintf(s->why, sizeof(s->why),
		    "%s does not start; see the log",
		    s->estate.topo.procs[p].name);
		s->error = -ECHILD;
		s->ending = true;
	}
}

/* ---- What is due ---- */

static bool lacks_standby(const struct place *pl)
{
	return pl->standby.pid == 0 && (pl->vacant || pl->running.up);
}

void sup_process_tick(struct sup *s)
{
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++) {
		struct place *pl = &s->place[p];

		if (pl->ending && mono_reached(pl->not_before, s->now)) {
			log_warn(&s->log, "does not stop, killed, process=%s",
			    s->estate.topo.procs[p].name);
			kill(pl->running.pid, SIGKILL);
			pl->not_before = MONO_NEVER;
		} else if (lacks_standby(pl) &&
		    mono_reached(pl->not_before, s->now)) {
			pl->not_before =
			    mono_add_ms(s->now, SUP_SLOW_RESTART_MS);
			sup_spawn(s, p);
		}
	}
}

struct mono sup_process_deadline(const struct sup *s)
{
	struct mono t = MONO_NEVER;

	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		if (s->place[p].ending || lacks_standby(&s->place[p]))
			t = mono_min(t, s->place[p].not_before);
	return t;
}

static void end_standby(struct sup *s, struct place *pl)
{
	struct instance *i = &pl->standby;

	if (i->pid == 0)
		return;
	kill(i->pid, SIGKILL);
	if (!i->foreign)
		waitid(P_PID, (id_t)i->pid, NULL, WEXITED);
	clear_instance(s, i);
}

int sup_restart(struct sup *s, uint32_t p, int client)
{
	struct place *pl = &s->place[p];

	if (pl->restart_client != -1 || pl->ending || pl->running.pid == 0)
		return -EBUSY;
	/* A fresh process, so that an upgraded program is what takes over. */
	end_standby(s, pl);
	pl->restart_client = client;
	return sup_spawn(s, p);
}

int sup_join(struct sup *s, const char *name, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	const struct topology *t = &s->estate.topo;
	uint32_t p = 0;
	int r;

	while (p < t->nprocs && strcmp(t->procs[p].name, name) != 0)
		p++;
	if (p == t->nprocs)
		return -ENOENT;
	if (s->place[p].restart_client != -1 || s->place[p].ending ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return -EBUSY;
	end_standby(s, &s->place[p]);
	s->place[p].standby.proc = (uint8_t)p;
	s->place[p].standby.guest = true;
	s->place[p].standby.foreign = true;
	r = adopt(s, &s->place[p].standby, who.pid, fd);
	if (r < 0)
		clear_instance(s, &s->place[p].standby);
	return r;
}

int sup_tell(struct sup *s, uint32_t p, const struct ctl_msg *m, const int *fds)
{
	struct place *pl = &s->place[p];
	int r = 0;

	if (pl->running.pid != 0)
		r = ctl_send(pl->running.ctl.fd, m, fds);
	if (r < 0)
		log_warn(&s->log, "control socket: %s, process=%s",
		    strerror(-r), s->estate.topo.procs[p].name);
	/* A standby that doesn't listen knows too little: get another. */
	if (pl->standby.pid != 0 && ctl_send(pl->standby.ctl.fd, m, fds) < 0)
		kill(pl->standby.pid, SIGKILL);
	return r;
}

/* ---- The end ---- */

static void wait_end(struct instance *i, int ms)
{
	for (int waited = 0; waited < ms; waited++) {
		siginfo_t info = { 0 };

		if (i->foreign ? kill(i->pid, 0) == -1
			       : waitid(P_PID, (id_t)i->pid, &info,
				     WEXITED | WNOHANG) == -1 ||
			    info.si_pid != 0)
			return;
		usleep(1000);
	}
	kill(i->pid, SIGKILL);
	if (!i->foreign)
		waitid(P_PID, (id_t)i->pid, NULL, WEXITED);
}

static void stop_instance(struct sup *s, struct instance *i)
{
	struct ctl_msg stop = { .type = CTL_STOP };

	if (i->pid == 0)
		return;
	ctl_send(i->ctl.fd, &stop, NULL);
	wait_end(i, SUP_STOP_MS);
	clear_instance(s, i);
}

void sup_stop_all(struct sup *s)
{
	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		stop_instance(s, &s->place[p].standby);
	for (int layer = NLAYERS - 1; layer >= 0; layer--)
		for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
			if ((int)s->estate.topo.procs[p].layer == layer)
				stop_instance(s, &s->place[p].running);
}
