/*
 * api_prefork - several processes that accept from one listener
 *
 *	api_prefork kernel | OURS THEIRS
 *
 * A child of ours listens and has children of its own, who take what comes.
 * The parent is the peer and makes no socket of ours, so that they are a
 * program of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/calls.h"

enum {
	SOON = 20 * 1000, /* tcpd may be killed all the time */
	WORKERS = 3,
	CALLS = 3000,
	MOST_FDS = 250,
	FEW_CALLS = 200,
	MANY_SOCKETS = 1100, /* more than one app may have */
};

/* What each of the children does with the listener. */
typedef void work(int listener);

struct server {
	int pid;
	struct sockaddr_in at;
	int worker[WORKERS];
};

static int ready[2]; /* a pipe: who fills his table says when he has */

/* No child outlives who made it. */
static int child_of(int parent)
{
	int pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
	}
	return pid;
}

static void serve(struct server *s, work *const *f, int n, int pipe_out)
{
	int me = getpid();
	int l = listening(&us, 5, &s->at);

	for (int i = 0; i < n; i++) {
		s->worker[i] = child_of(me);
		if (s->worker[i] == 0) {
			f[i](l);
			_exit(0);
		}
	}
	if (write(pipe_out, s, sizeof(*s)) != sizeof(*s))
		_exit(1);
	for (;;)
		pause();
}

static struct server begin(work *const *f, int n)
{
	struct server s = { 0 };
	int me = getpid();
	int pipes[2];
	int pid;

	if (pipe(pipes) == -1 || pipe(ready) == -1)
		_exit(1);
	pid = child_of(me);
	if (pid == 0)
		serve(&s, f, n, pipes[1]);
	close(pipes[1]);
	expect(read(pipes[0], &s, sizeof(s)) == sizeof(s));
	close(pipes[0]);
	s.pid = pid;
	return s;
}

static void end(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

/* ---- The children */

/* Whose turn it is changes with how long each takes. */
static void echo(int listener)
{
	unsigned seed = (unsigned)getpid();

	for (;;) {
		int fd = us.c->accept4(listener, NULL, NULL, 0);
		char c;

		/* When another has them all there is one in a moment. */
		if (fd == -1 && errno == EMFILE) {
			sleep_ms(1);
			continue;
		}
		if (!expect(fd >= 0))
			_exit(1);
		if (expect(us.c->recv(fd, &c, 1, 0) == 1))
			expect(us.c->send(fd, &c, 1, 0) == 1);
		us.c->close(fd);
		if (rand_r(&seed) % 4 == 0)
			usleep((useconds_t)(rand_r(&seed) % 2000));
	}
}

/* He has as many sockets as he likes, and looks who calls. */
static void fill_and_look(int listener)
{
	struct rlimit files = { 2 * MANY_SOCKETS, 2 * MANY_SOCKETS };

	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < MANY_SOCKETS; i++)
		expect(us.c->socket(AF_INET, SOCK_STREAM, 0) >= 0);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;) {
		polled(us.c, listener, POLLIN, 1);
		sleep_ms(1);
	}
}

/* ---- The peer */

static bool called(const struct server *s, char c)
{
	int fd = connected_to(&them, &s->at);
	char back = 0;
	bool ok;

	set_time(them.c, fd, SO_RCVTIMEO, SOON);
	ok = expect(them.c->send(fd, &c, 1, 0) == 1) &&
	    expect(them.c->recv(fd, &back, 1, 0) == 1) && expect(back == c);
	them.c->close(fd);
	return ok;
}

static int open_files(int pid)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void all_are_served_by(int workers)
{
	static work *const f[WORKERS] = { echo, echo, echo };
	struct server s = begin(f, workers);
	int i = 0;

	while (i < CALLS && called(&s, (char)('a' + i % 26)))
		i++;
	expect(i == CALLS);
	/* What was of no use any more is closed. */
	for (i = 0; i < workers; i++)
		expect(open_files(s.worker[i]) < MOST_FDS);
	end(&s);
}

static void two_lose_nobody(void)
{
	all_are_served_by(2);
}

static void three_lose_nobody(void)
{
	all_are_served_by(3);
}

/* What one of them has for himself is no socket for what another accepts. */
static void nobody_gets_what_he_cannot_have(void)
{
	static work *const f[WORKERS] = { fill_and_look, echo };
	struct server s = begin(f, 2);
	int i = 0;
	char c;

	expect(read(ready[0], &c, 1) == 1);
	while (i < FEW_CALLS && called(&s, (char)('a' + i % 26)))
		i++;
	expect(i == FEW_CALLS);
	end(&s);
}

static void test(void)
{
	run(two_lose_nobody);
	run(three_lose_nobody);
	run(nobody_gets_what_he_cannot_have);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	return calls_main(argc, argv, test);
}
