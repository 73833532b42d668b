/*
 * keeper.c - holds copies of the supervisor's descriptors, and starts the next
 */
#include "shm/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
	/* A supervisor that is killed so often in so short a time is broken. */
	KEEPER_DEATHS = 5,
	KEEPER_DEATHS_MS = 10000,
};

struct parcel {
	struct keep_label label;
	struct keep_note note;
	uint32_t forget;
};

union fd_room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- In the supervisor ---- */

static int send_parcel(int sock, const struct parcel *p, int fd)
{
	struct parcel copy = *p;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
	union fd_room room = { .bytes = { 0 } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (sock == -1)
		return 0;
	if (fd != -1) {
		struct cmsghdr *c = &room.align;

		h.msg_control = &room;
		h.msg_controllen = sizeof(room);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	/* The keeper does nothing but read: this waits for microseconds. */
	return sendmsg(sock, &h, MSG_NOSIGNAL) == -1 ? -errno : 0;
}

int keep(int sock, const struct keep_label *label, const struct keep_note *note,
    int fd)
{
	struct parcel p = { .label = *label };

	if (note != NULL)
		p.note = *note;
	return send_parcel(sock, &p, fd);
}

int keep_forget(int sock, const struct keep_label *label)
{
	struct parcel p = { .label = *label, .forget = 1 };

	return send_parcel(sock, &p, -1);
}

/* ---- In the keeper ---- */

static struct kept *find(struct keeper *k, const struct keep_label *l)
{
	for (uint32_t i = 0; i < k->count; i++)
		if (memcmp(&k->kept[i].label, l, sizeof(*l)) == 0)
			return &k->kept[i];
	return NULL;
}

static void drop(struct keeper *k, struct kept *e)
{
	close(e->fd);
	*e = k->kept[--k->count];
}

static void take_in(struct keeper *k, const struct parcel *p, int fd)
{
	struct kept *old = find(k, &p->label);
	struct kept *grown;

	if (old != NULL)
		drop(k, old);
	if (p->forget || fd == -1)
		return;
	if (k->count == k->room) {
		grown = realloc(k->kept, (k->room + 256) * sizeof(*k->kept));
		if (grown == NULL) {
			close(fd);
			return;
		}
		k->kept = grown;
		k->room += 256;
	}
	k->kept[k->count++] = (struct kept){ p->label, p->note, fd };
}

/* False: the supervisor's end is closed. */
static bool receive(struct keeper *k)
{
	struct parcel p;
	struct iovec iov = { .iov_base = &p, .iov_len = sizeof(p) };
	union fd_room room;
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	ssize_t n = recvmsg(k->sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fd = -1;

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n != sizeof(p))
		return false;
	c = CMSG_FIRSTHDR(&h);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	take_in(k, &p, fd);
	return true;
}

/* Our signals are meant for the supervisor. */
static void pass_on(int signals, pid_t supervisor)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) == sizeof(info) &&
	    info.ssi_signo != SIGINT && info.ssi_signo != SIGCHLD)
		kill(supervisor, (int)info.ssi_signo);
}

/*
 * Bury the dead: daemons of an earlier supervisor are ours to reap.  True if
 * @supervisor is among them; its status is left for the caller.
 */
static bool reap(pid_t supervisor)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
			-1 ||
		    info.si_pid == 0)
			return false;
		if (info.si_pid == supervisor)
			return true;
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
	}
}

/* Until the supervisor is dead.  Returns its wait status. */
static int attend(struct keeper *k, pid_t supervisor, int signals)
{
	struct pollfd p[2] = {
		{ .fd = k->sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int status = 0;

	while (!reap(supervisor)) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			break;
		if (p[1].revents)
			pass_on(signals, supervisor);
		if (p[0].revents && !receive(k))
			p[0].fd = -1;
	}
	/* What it has sent before its death. */
	while (p[0].fd != -1 && poll(p, 1, 0) == 1 && receive(k))
		;
	waitpid(supervisor, &status, 0);
	return status;
}

static pid_t fork_supervisor(struct keeper *k, int signals,
    int (*supervise)(void *ctx, const struct keeper *k), void *ctx)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -errno;
	pid = fork();
	if (pid == -1)
		return -errno;
	if (pid == 0) {
		close(pair[0]);
		close(signals);
		k->sock = pair[1];
		exit(supervise(ctx, k));
	}
	close(pair[1]);
	k->sock = pair[0];
	return pid;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT); /* the terminal sends it to both of us */
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD); /* only to wake us */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Nobody would watch them any more. */
static void end_daemons(const struct keeper *k)
{
	for (uint32_t i = 0; i < k->count; i++)
		if ((k->kept[i].label.kind == KEEP_RUNNING ||
			k->kept[i].label.kind == KEEP_STANDBY) &&
		    k->kept[i].note.pid > 0)
			kill(k->kept[i].note.pid, SIGKILL);
}

/*
 * Each socket of an app is a descriptor here, in the supervisor and in its
 * transport, which have our limit from us: as many as we may.
 */
static void raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int keeper_run(int (*supervise)(void *ctx, const struct keeper *k), void *ctx)
{
	struct keeper k = { .sock = -1 };
	int signals = block_signals();
	struct mono first = mono_now();
	int deaths = 0;
	int r;

	raise_fd_limit();
	/* Daemons whose supervisor has died become ours to bury. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (;;) {
		pid_t pid = fork_supervisor(&k, signals, supervise, ctx);
		int status;

		if (pid < 0) {
			r = pid;
			break;
		}
		status = attend(&k, pid, signals);
		close(k.sock);
		if (WIFEXITED(status)) {
			r = WEXITSTATUS(status);
			break;
		}
		if (mono_since(mono_now(), first) >
		    (int64_t)KEEPER_DEATHS_MS * NS_PER_MS) {
			first = mono_now();
			deaths = 0;
		}
		if (++deaths > KEEPER_DEATHS) {
			fprintf(stderr,
			    "strata: the supervisor dies again and"
			    " again; giving up\n");
			end_daemons(&k);
			r = EXIT_FAILURE;
			break;
		}
	}
	for (uint32_t i = 0; i < k.count; i++)
		close(k.kept[i].fd);
	free(k.kept);
	return r;
}
