/*
 * api_killed - what a peer sees of a program that is killed
 *
 *	api_killed kernel | OURS THEIRS
 *
 * Each test is a child that accepts a connection as us, does something and is
 * killed in the middle of it; the parent is its peer.  The parent makes no
 * socket of ours, so that the child is a program of its own.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/calls.h"

enum {
	SOON = 3000,
	MUCH = 100000,
};

/* What the child does with its listener; then it is killed. */
typedef void work(int listener, int ready);

struct victim {
	int pid;
	int ready; /* it writes a byte when it may be killed */
	struct sockaddr_in at;
};

static struct victim begin(work *f)
{
	struct victim v = { 0 };
	int pipes[2];

	if (pipe(pipes) == -1)
		_exit(1);
	v.pid = fork();
	if (v.pid == 0) {
		int l = listening(&us, 5, &v.at);

		if (write(pipes[1], &v.at, sizeof(v.at)) == sizeof(v.at))
			f(l, pipes[1]);
		for (;;)
			pause();
	}
	close(pipes[1]);
	v.ready = pipes[0];
	expect(read(v.ready, &v.at, sizeof(v.at)) == sizeof(v.at));
	return v;
}

static void end(struct victim *v)
{
	char c;

	expect(read(v->ready, &c, 1) == 1);
	kill(v->pid, SIGKILL);
	waitpid(v->pid, NULL, 0);
	close(v->ready);
}

static void is_ready(int ready)
{
	if (write(ready, "x", 1) != 1)
		_exit(1);
}

static bool readable(int fd)
{
	return polled(them.c, fd, POLLIN, SOON) & POLLIN;
}

/*
 * After a reset.  The kernel notes the error first and shuts the socket down
 * then: who looks in between sees POLLERR, and not yet POLLIN.
 */
static bool has_error(int fd)
{
	return polled(them.c, fd, POLLIN, SOON) & POLLERR;
}

/* ---- What it did when it was killed */

static void did_nothing(int listener, int ready)
{
	us.c->accept4(listener, NULL, NULL, 0);
	is_ready(ready);
}

static void did_not_accept(int listener, int ready)
{
	polled(us.c, listener, POLLIN, SOON);
	is_ready(ready);
}

/* Its child has the listener, too, and is the one to accept. */
static void left_it_to_a_child(int listener, int ready)
{
	int me = getpid();

	if (fork() == 0) {
		int fd;
		char c;

		while (getppid() == me)
			sleep_ms(1);
		sleep_ms(100);
		fd = us.c->accept4(listener, NULL, NULL, 0);
		if (us.c->recv(fd, &c, 1, 0) == 1)
			us.c->send(fd, &c, 1, 0);
		us.c->close(fd);
		_exit(0);
	}
	polled(us.c, listener, POLLIN, SOON);
	is_ready(ready);
}

static void did_not_read(int listener, int ready)
{
	int fd = us.c->accept4(listener, NULL, NULL, 0);

	polled(us.c, fd, POLLIN, SOON);
	is_ready(ready);
}

static void waited_for_bytes(int listener, int ready)
{
	int fd = us.c->accept4(listener, NULL, NULL, 0);
	char c;

	is_ready(ready);
	us.c->recv(fd, &c, 1, 0);
}

static void wrote(int listener, int ready)
{
	static char bytes[MUCH];
	int fd = us.c->accept4(listener, NULL, NULL, 0);

	memset(bytes, 'w', MUCH);
	if (us.c->send(fd, bytes, MUCH, 0) == MUCH)
		is_ready(ready);
}

static void waited_for_room(int listener, int ready)
{
	static char bytes[16 << 20];
	int fd = us.c->accept4(listener, NULL, NULL, 0);

	is_ready(ready);
	us.c->send(fd, bytes, sizeof(bytes), 0);
}

static void wanted_a_reset(int listener, int ready)
{
	int fd = us.c->accept4(listener, NULL, NULL, 0);

	reset_on_close(us.c, fd);
	is_ready(ready);
}

/* ---- What the peer sees */

static void peer_of(work *f, const char *says, int err)
{
	struct victim v = begin(f);
	int fd = connected_to(&them, &v.at);
	char c;

	expect(them.c->send(fd, says, strlen(says), 0) == (long)strlen(says));
	end(&v);
	if (err == 0) {
		expect(readable(fd));
		expect(them.c->recv(fd, &c, 1, 0) == 0);
	} else {
		expect(has_error(fd));
		fails_with(them.c->recv(fd, &c, 1, 0), err);
	}
	them.c->close(fd);
}

static void the_idle_end_with_fin(void)
{
	peer_of(did_nothing, "", 0);
	peer_of(waited_for_bytes, "", 0);
}

/* RFC 2525, 2.17: bytes are lost, and the peer must know. */
static void unread_bytes_end_with_reset(void)
{
	peer_of(did_not_read, "x", ECONNRESET);
}

static void who_was_not_accepted_is_reset(void)
{
	peer_of(did_not_accept, "", ECONNRESET);
}

/* A connection is the listener's until it is accepted, whoever dies. */
static void who_was_not_accepted_goes_to_another(void)
{
	struct victim v = begin(left_it_to_a_child);
	int fd = connected_to(&them, &v.at);
	char c = 0;

	expect(them.c->send(fd, "k", 1, 0) == 1);
	end(&v);
	expect(readable(fd));
	expect(them.c->recv(fd, &c, 1, 0) == 1);
	expect(c == 'k');
	expect(readable(fd));
	expect(them.c->recv(fd, &c, 1, 0) == 0);
	them.c->close(fd);
}

static void linger_of_no_time_resets(void)
{
	peer_of(wanted_a_reset, "", ECONNRESET);
}

/* How many bytes come before the end. */
static size_t all_of(int fd)
{
	static char buf[1 << 16];
	size_t n = 0;

	for (;;) {
		ssize_t r;

		if (!expect(readable(fd)))
			return n;
		r = them.c->recv(fd, buf, sizeof(buf), 0);
		if (!expect(r >= 0) || r == 0)
			return n;
		n += (size_t)r;
	}
}

static void what_was_written_arrives(void)
{
	struct victim v = begin(wrote);
	int fd = connected_to(&them, &v.at);

	end(&v);
	expect(all_of(fd) == MUCH);
	them.c->close(fd);

	v = begin(waited_for_room);
	fd = connected_to(&them, &v.at);
	sleep_ms(300);
	end(&v);
	expect(all_of(fd) > 10000);
	them.c->close(fd);
}

static void nobody_listens_any_more(void)
{
	struct victim v = begin(did_not_accept);
	int fd = connected_to(&them, &v.at);
	int again = them.c->socket(AF_INET, SOCK_STREAM, 0);

	end(&v);
	sleep_ms(100);
	fails_with(them.c->connect(
		       again, (const struct sockaddr *)&v.at, sizeof(v.at)),
	    ECONNREFUSED);
	them.c->close(again);
	them.c->close(fd);
}

static void test(void)
{
	run(the_idle_end_with_fin);
	run(unread_bytes_end_with_reset);
	run(who_was_not_accepted_is_reset);
	run(who_was_not_accepted_goes_to_another);
	run(linger_of_no_time_resets);
	run(what_was_written_arrives);
	run(nobody_listens_any_more);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	return calls_main(argc, argv, test);
}
