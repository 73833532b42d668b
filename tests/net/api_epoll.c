/*
 * api_epoll.c - epoll, threads and fork with sockets of the stack, held to what
 * the kernel does (tests/harness/calls.h)
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/calls.h"

enum {
	SOON = 2000, /* ms within which what must happen happens */
	SHORT = 50,  /* ms within which nothing may happen */
};

static void control(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	expect(us.c->epoll_ctl(ep, op, fd, &e) == 0);
}

static int set_of(int fd, uint32_t events)
{
	int ep = us.c->epoll_create1(EPOLL_CLOEXEC);

	expect(ep >= 0);
	control(ep, EPOLL_CTL_ADD, fd, events);
	return ep;
}

/* After a restart all who may wait for something are woken once more. */
static bool disturbed(void)
{
	return getenv("DISTURBED") != NULL;
}

/* The events of the one descriptor that has some; 0: none within @ms. */
static uint32_t next(int ep, int ms)
{
	struct epoll_event e[4];
	int n = us.c->epoll_wait(ep, e, 4, ms);

	expect(n >= 0 && n <= 1);
	return n == 1 ? e[0].events : 0;
}

/* Until there is something to read. */
static uint32_t next_to_read(int ep)
{
	uint32_t events;

	do
		events = next(ep, SOON);
	while (disturbed() && events == EPOLLOUT);
	return events;
}

static void nothing_more(int ep)
{
	uint32_t events = next(ep, SHORT);

	expect(events == 0 || disturbed());
}

/* ---- Level and edge */

static void level_stays_until_read(void)
{
	struct pair p = we_accept();
	int ep = set_of(p.a, EPOLLIN);
	char buf[8];

	expect(next(ep, SHORT) == 0);
	expect(them.c->send(p.b, "abc", 3, 0) == 3);
	expect(next(ep, SOON) == EPOLLIN);
	expect(next(ep, 0) == EPOLLIN);
	expect(us.c->recv(p.a, buf, 2, 0) == 2);
	expect(next(ep, 0) == EPOLLIN);
	expect(us.c->recv(p.a, buf, 2, 0) == 1);
	expect(next(ep, SHORT) == 0);
	control(ep, EPOLL_CTL_MOD, p.a, EPOLLIN | EPOLLOUT);
	expect(next(ep, 0) == EPOLLOUT);
	expect(next(ep, 0) == EPOLLOUT);
	them.c->shutdown(p.b, SHUT_WR);
	control(ep, EPOLL_CTL_MOD, p.a, EPOLLIN | EPOLLRDHUP);
	expect(next(ep, SOON) == (EPOLLIN | EPOLLRDHUP));
	close_pair(p);
	expect(next(ep, SHORT) == 0);
	us.c->close(ep);
}

static void edges_come_once(void)
{
	struct pair p = we_connect();
	int ep = set_of(p.a, EPOLLIN | EPOLLOUT | EPOLLET);
	char buf[8];

	/* As it is when it is added. */
	expect(next(ep, SOON) == EPOLLOUT);
	nothing_more(ep);
	expect(them.c->send(p.b, "abc", 3, 0) == 3);
	expect(next_to_read(ep) == (EPOLLIN | EPOLLOUT));
	nothing_more(ep);
	expect(us.c->recv(p.a, buf, 8, 0) == 3);
	nothing_more(ep);
	set_int(them.c, p.b, IPPROTO_TCP, TCP_NODELAY, 1);
	for (int i = 0; i < 300; i++) {
		expect(them.c->send(p.b, "x", 1, 0) == 1);
		if (!expect(next_to_read(ep) & EPOLLIN))
			break;
		expect(us.c->recv(p.a, buf, 8, 0) == 1);
	}
	/* MOD is like ADD: what is there is told again. */
	control(ep, EPOLL_CTL_MOD, p.a, EPOLLOUT | EPOLLET);
	expect(next(ep, SOON) == EPOLLOUT);
	nothing_more(ep);
	close_pair(p);
	us.c->close(ep);
}

static void room_is_an_edge_after_eagain(void)
{
	static char bytes[1 << 20];
	struct pair p = we_connect();
	int ep = set_of(p.a, EPOLLOUT | EPOLLET);

	nonblocking(us.c, p.a);
	expect(next(ep, SOON) == EPOLLOUT);
	for (int full = 0; full < 5;) {
		full =
		    us.c->send(p.a, bytes, sizeof(bytes), 0) > 0 ? 0 : full + 1;
		sleep_ms(20);
	}
	while (next(ep, SHORT) != 0)
		while (us.c->send(p.a, bytes, sizeof(bytes), 0) > 0)
			;
	set_time(them.c, p.b, SO_RCVTIMEO, 100);
	while (them.c->recv(p.b, bytes, sizeof(bytes), 0) > 0)
		;
	expect(next(ep, SOON) == EPOLLOUT);
	nothing_more(ep);
	close_pair(p);
	us.c->close(ep);
}

static void oneshot_is_told_once(void)
{
	struct pair p = we_connect();
	int ep = set_of(p.a, EPOLLIN | EPOLLONESHOT);

	expect(them.c->send(p.b, "abc", 3, 0) == 3);
	expect(next(ep, SOON) == EPOLLIN);
	expect(them.c->send(p.b, "abc", 3, 0) == 3);
	expect(next(ep, SHORT) == 0);
	control(ep, EPOLL_CTL_MOD, p.a, EPOLLIN | EPOLLONESHOT);
	expect(next(ep, SOON) == EPOLLIN);
	them.c->close(p.b);
	expect(next(ep, SHORT) == 0);
	us.c->close(p.a);
	us.c->close(ep);
}

static void the_end_is_told(void)
{
	struct pair p = we_connect();
	int ep = set_of(p.a, EPOLLET);

	reset_on_close(them.c, p.b);
	them.c->close(p.b);
	expect(next(ep, SOON) == (EPOLLERR | EPOLLHUP));
	us.c->close(p.a);
	us.c->close(ep);
}

/* ---- Sets */

static void sets_refuse_as_the_kernel_does(void)
{
	struct pair p = we_connect();
	struct epoll_event e = { .events = EPOLLIN };
	int ep = us.c->epoll_create1(0);

	fails_with(us.c->epoll_create1(1), EINVAL);
	fails_with(us.c->epoll_ctl(ep, EPOLL_CTL_MOD, p.a, &e), ENOENT);
	fails_with(us.c->epoll_ctl(ep, EPOLL_CTL_DEL, p.a, &e), ENOENT);
	expect(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, p.a, &e) == 0);
	fails_with(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, p.a, &e), EEXIST);
	fails_with(us.c->epoll_ctl(ep, 77, p.a, &e), EINVAL);
	fails_with(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	fails_with(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, -1, &e), EBADF);
	fails_with(us.c->epoll_ctl(p.a, EPOLL_CTL_ADD, p.a, &e), EINVAL);
	fails_with(us.c->epoll_ctl(-1, EPOLL_CTL_ADD, p.a, &e), EBADF);
	fails_with(us.c->epoll_wait(ep, &e, 0, 0), EINVAL);
	fails_with(us.c->epoll_wait(p.a, &e, 1, 0), EINVAL);
	expect(us.c->epoll_ctl(ep, EPOLL_CTL_DEL, p.a, NULL) == 0);
	expect(them.c->send(p.b, "abc", 3, 0) == 3);
	expect(next(ep, SHORT) == 0);
	close_pair(p);
	expect(us.c->close(ep) == 0);
	fails_with(us.c->epoll_wait(ep, &e, 1, 0), EBADF);
}

/* Sockets and others, more than there are places for: all have their turn. */
static void all_kinds_have_their_turn(void)
{
	enum {
		PAIRS = 8,
		OTHERS = 8
	};
	struct pair p[PAIRS];
	int other[OTHERS], seen[PAIRS + OTHERS] = { 0 };
	int ep = us.c->epoll_create1(0);
	struct epoll_event e[3];

	for (int i = 0; i < PAIRS; i++) {
		p[i] = we_connect();
		e[0] = (struct epoll_event){ EPOLLIN, { .u32 = (uint32_t)i } };
		expect(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, p[i].a, e) == 0);
		expect(them.c->send(p[i].b, "x", 1, 0) == 1);
	}
	for (int i = 0; i < OTHERS; i++) {
		other[i] = eventfd(1, 0);
		e[0].data.u32 = (uint32_t)(PAIRS + i);
		expect(us.c->epoll_ctl(ep, EPOLL_CTL_ADD, other[i], e) == 0);
	}
	sleep_ms(SHORT);
	for (int i = 0; i < 40; i++) {
		int n = us.c->epoll_wait(ep, e, 3, 0);

		expect(n == 3);
		while (n-- > 0)
			seen[e[n].data.u32]++;
	}
	for (int i = 0; i < PAIRS + OTHERS; i++)
		expect(seen[i] > 0);
	for (int i = 0; i < PAIRS; i++)
		close_pair(p[i]);
	for (int i = 0; i < OTHERS; i++)
		close(other[i]);
	us.c->close(ep);
}

static void poll_takes_all_kinds(void)
{
	struct pair p = we_accept();
	int other = eventfd(0, 0);
	struct pollfd f[4] = {
		{ .fd = p.a, .events = POLLIN },
		{ .fd = other, .events = POLLIN },
		{ .fd = -1, .revents = -1 },
		{ .fd = p.a, .events = POLLOUT },
	};

	expect(us.c->poll(f, 3, SHORT) == 0);
	expect(f[2].revents == 0);
	eventfd_write(other, 1);
	expect(us.c->poll(f, 3, SOON) == 1 && f[1].revents == POLLIN);
	expect(us.c->poll(f, 4, SOON) == 2 && f[1].revents == POLLIN);
	expect(f[0].revents == 0 && f[3].revents == POLLOUT);
	expect(them.c->send(p.b, "x", 1, 0) == 1);
	sleep_ms(SHORT);
	expect(us.c->poll(f, 4, SOON) == 3 && f[0].revents == POLLIN);
	f[2].fd = 12345;
	expect(us.c->poll(f, 4, SOON) == 4 && f[2].revents == POLLNVAL);
	close(other);
	close_pair(p);
}

/* ---- Threads */

struct job {
	int fd, ep;
	_Atomic int done;
	double at;
};

static void *wait_in_set(void *arg)
{
	struct job *j = arg;
	struct epoll_event e;

	if (us.c->epoll_wait(j->ep, &e, 1, SOON) == 1)
		atomic_fetch_add(&j->done, 1);
	return NULL;
}

/* Each of several threads in one set takes one socket of as many. */
static void threads_share_a_set(void)
{
	enum {
		N = 6
	};
	struct job j = { .ep = us.c->epoll_create1(0) };
	struct pair p[N];
	pthread_t t[N];
	double began;

	for (int i = 0; i < N; i++) {
		p[i] = we_connect();
		control(j.ep, EPOLL_CTL_ADD, p[i].a,
		    EPOLLIN | EPOLLET | EPOLLONESHOT);
	}
	for (int i = 0; i < N; i++)
		pthread_create(&t[i], NULL, wait_in_set, &j);
	sleep_ms(SHORT);
	began = clock_ms();
	for (int i = 0; i < N; i++)
		expect(them.c->send(p[i].b, "x", 1, 0) == 1);
	for (int i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	expect(j.done == N);
	expect(clock_ms() - began < 1000);
	for (int i = 0; i < N; i++)
		close_pair(p[i]);
	us.c->close(j.ep);
}

/* A set that somebody sleeps in is told of what another thread adds. */
static void a_sleeper_sees_what_is_added(void)
{
	struct pair p = we_connect();
	struct job j = { .ep = us.c->epoll_create1(0) };
	pthread_t t;

	expect(them.c->send(p.b, "x", 1, 0) == 1);
	expect(polled(us.c, p.a, POLLIN, SOON) == POLLIN);
	pthread_create(&t, NULL, wait_in_set, &j);
	sleep_ms(SHORT);
	control(j.ep, EPOLL_CTL_ADD, p.a, EPOLLIN);
	pthread_join(t, NULL);
	expect(j.done == 1);

	/* For writing, which no byte tells of. */
	pthread_create(&t, NULL, wait_in_set, &j);
	us.c->recv(p.a, &(char){ 0 }, 1, 0);
	sleep_ms(SHORT);
	control(j.ep, EPOLL_CTL_MOD, p.a, EPOLLOUT);
	pthread_join(t, NULL);
	expect(j.done == 2);
	close_pair(p);
	us.c->close(j.ep);
}

static void *poll_to_write(void *arg)
{
	struct job *j = arg;

	if (polled(us.c, j->fd, POLLOUT, 2 * SOON) & POLLOUT)
		atomic_fetch_add(&j->done, 1);
	return NULL;
}

static void *poll_to_read(void *arg)
{
	struct job *j = arg;
	char c;

	while (polled(us.c, j->fd, POLLIN, 2 * SOON) == POLLIN &&
	    us.c->recv(j->fd, &c, 1, 0) == 1 && c != 'e')
		;
	atomic_fetch_add(&j->done, 1);
	return NULL;
}

/* One waits to read and two to write: none takes the other's news away. */
static void threads_wait_for_different_things(void)
{
	static char bytes[1 << 20];
	struct pair p = we_connect();
	struct job j = { .fd = p.a };
	pthread_t t[3];

	nonblocking(us.c, p.a);
	for (int full = 0; full < 5;) {
		full =
		    us.c->send(p.a, bytes, sizeof(bytes), 0) > 0 ? 0 : full + 1;
		sleep_ms(20);
	}
	pthread_create(&t[0], NULL, poll_to_write, &j);
	pthread_create(&t[1], NULL, poll_to_read, &j);
	pthread_create(&t[2], NULL, poll_to_write, &j);
	for (int i = 0; i < 20; i++) {
		expect(them.c->send(p.b, "x", 1, 0) == 1);
		sleep_ms(2);
	}
	expect(j.done == 0);
	set_time(them.c, p.b, SO_RCVTIMEO, 100);
	while (them.c->recv(p.b, bytes, sizeof(bytes), 0) > 0)
		;
	pthread_join(t[0], NULL);
	pthread_join(t[2], NULL);
	expect(j.done == 2);
	expect(them.c->send(p.b, "e", 1, 0) == 1);
	pthread_join(t[1], NULL);
	close_pair(p);
}

static void *read_in_turn(void *arg)
{
	struct job *j = arg;
	char c;

	while (us.c->recv(j->fd, &c, 1, 0) == 1)
		atomic_fetch_add(&j->done, 1);
	return NULL;
}

static void threads_share_a_stream(void)
{
	enum {
		N = 4,
		BYTES = 2000
	};
	struct pair p = we_accept();
	struct job j = { .fd = p.a };
	pthread_t t[N];

	for (int i = 0; i < N; i++)
		pthread_create(&t[i], NULL, read_in_turn, &j);
	for (int i = 0; i < BYTES; i++) {
		them.c->send(p.b, "x", 1, 0);
		if (i % 100 == 0)
			sleep_ms(1);
	}
	them.c->shutdown(p.b, SHUT_WR);
	for (int i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	expect(j.done == BYTES);
	close_pair(p);
}

/* ---- fork */

static int child(int (*work)(int), int arg)
{
	int pid = fork();

	if (pid == 0) {
		failures = 0;
		_exit(work(arg) + failures);
	}
	return pid;
}

static bool ended_well(int pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int echo_one(int fd)
{
	char buf[16];
	ssize_t n = us.c->recv(fd, buf, sizeof(buf), 0);

	return us.c->send(fd, buf, (size_t)n, 0) == n ? 0 : 1;
}

static void a_child_has_the_connection(void)
{
	struct pair p = we_connect();
	char buf[16];
	int pid = child(echo_one, p.a);

	expect(us.c->close(p.a) == 0);
	expect(them.c->send(p.b, "hello", 5, 0) == 5);
	expect(them.c->recv(p.b, buf, 5, MSG_WAITALL) == 5);
	expect(ended_well(pid));
	expect(them.c->recv(p.b, buf, 5, 0) == 0);
	them.c->close(p.b);
}

/* Nobody leaves before all are done: with him would go what he has in stock. */
static int gate[2];

static int serve(int listener)
{
	close(gate[1]);
	for (int i = 0; i < 5; i++) {
		int fd = us.c->accept4(listener, NULL, NULL, 0);

		if (!expect(fd >= 0))
			return 1;
		echo_one(fd);
		us.c->close(fd);
	}
	return (int)read(gate[0], &gate, 1);
}

static void ask_it(const struct sockaddr_in *at)
{
	int fd = connected_to(&them, at);
	char buf[16];

	set_time(them.c, fd, SO_RCVTIMEO, SOON);
	expect(them.c->send(fd, "hello", 5, 0) == 5);
	expect(them.c->recv(fd, buf, 5, MSG_WAITALL) == 5);
	expect(them.c->recv(fd, buf, 5, 0) == 0);
	them.c->close(fd);
}

/* Four processes at one listener, whose parent goes on without it. */
static void children_share_a_listener(void)
{
	enum {
		N = 4
	};
	struct sockaddr_in at;
	int listener = listening(&us, 50, &at);
	int pid[N];

	expect(pipe(gate) == 0);
	for (int i = 0; i < N; i++)
		pid[i] = child(serve, listener);
	close(gate[0]);
	us.c->close(listener);
	sleep_ms(SHORT);
	for (int i = 0; i < N * 5; i++)
		ask_it(&at);
	close(gate[1]);
	for (int i = 0; i < N; i++)
		expect(ended_well(pid[i]));
}

/* The same set goes on in a child whose parent leaves it alone. */
static int serve_by_epoll(int listener)
{
	struct epoll_event e;
	int ep = set_of(listener, EPOLLIN);

	for (int i = 0; i < 5; i++) {
		int fd;

		if (!expect(us.c->epoll_wait(ep, &e, 1, SOON) == 1))
			return 1;
		fd = us.c->accept4(listener, NULL, NULL, 0);
		echo_one(fd);
		us.c->close(fd);
	}
	return 0;
}

static void a_child_waits_with_epoll(void)
{
	struct sockaddr_in at;
	int listener = listening(&us, 50, &at);
	int pid = child(serve_by_epoll, listener);

	us.c->close(listener);
	sleep_ms(SHORT);
	for (int i = 0; i < 5; i++)
		ask_it(&at);
	expect(ended_well(pid));
}

static int wait_on_inherited(int ep)
{
	struct epoll_event e;

	return us.c->epoll_wait(ep, &e, 1, SOON) == 1 ? 0 : 1;
}

static void a_set_goes_on_in_the_child(void)
{
	struct pair p = we_accept();
	int ep = set_of(p.a, EPOLLIN);
	int pid = child(wait_on_inherited, ep);

	sleep_ms(SHORT);
	expect(them.c->send(p.b, "x", 1, 0) == 1);
	expect(ended_well(pid));
	close_pair(p);
	us.c->close(ep);
}

static void test(void)
{
	run(level_stays_until_read);
	run(edges_come_once);
	run(room_is_an_edge_after_eagain);
	run(oneshot_is_told_once);
	run(the_end_is_told);
	run(sets_refuse_as_the_kernel_does);
	run(all_kinds_have_their_turn);
	run(poll_takes_all_kinds);
	run(threads_share_a_set);
	run(a_sleeper_sees_what_is_added);
	run(threads_wait_for_different_things);
	run(threads_share_a_stream);
	run(a_child_has_the_connection);
	run(children_share_a_listener);
	run(a_child_waits_with_epoll);
	run(a_set_goes_on_in_the_child);
}

int main(int argc, char **argv)
{
	return calls_main(argc, argv, test);
}
