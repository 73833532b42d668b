/*
 * api_udp.c - the library as programs use it: threads, fork, poll, signals
 *
 *	api_udp ADDRESS		both ends are this program's, at ADDRESS
 *
 * A line for each failure; exit status 1 if there was one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/strata.h"
#include "shm/clock.h"

static struct sockaddr_in here = { .sin_family = AF_INET };
static int failures;

static bool expect(bool ok, const char *what)
{
	if (!ok) {
		failures++;
		printf("FAILED: %s (errno %d, %s)\n", what, errno,
		    strerror(errno));
	}
	return ok;
}

/* ---- Two sockets, each connected to the other */

struct pair {
	int a, b;
};

static int bound(struct sockaddr_in *name)
{
	socklen_t len = sizeof(*name);
	int fd = strata_socket(AF_INET, SOCK_DGRAM, 0);

	*name = here;
	expect(fd >= 0, "socket");
	expect(strata_bind(fd, (struct sockaddr *)name, len) == 0, "bind");
	strata_getsockname(fd, (struct sockaddr *)name, &len);
	return fd;
}

static struct pair open_pair(void)
{
	struct sockaddr_in na, nb;
	struct pair p = { .a = bound(&na), .b = bound(&nb) };

	expect(strata_connect(p.a, (struct sockaddr *)&nb, sizeof(nb)) == 0 &&
		strata_connect(p.b, (struct sockaddr *)&na, sizeof(na)) == 0,
	    "connect");
	return p;
}

static void close_pair(struct pair p)
{
	strata_close(p.a);
	strata_close(p.b);
}

static void patience(int fd, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	strata_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* ---- The bare descriptor tells the truth, every time */

static void the_bare_fd_is_readable_while_something_is_there(void)
{
	struct pair p = open_pair();
	char c;

	for (int i = 0; i < 5000; i++) {
		struct pollfd f = { .fd = p.b, .events = POLLIN };
		int n = 1 + i % 3;

		for (int k = 0; k < n; k++)
			strata_send(p.a, "x", 1, 0);
		for (int k = 0; k < n; k++) {
			if (!expect(poll(&f, 1, 2000) == 1, "poll(2)"))
				goto out;
			/* The first is there; wait for the others. */
			patience(p.b, 2000);
			if (!expect(strata_recv(p.b, &c, 1, 0) == 1, "recv"))
				goto out;
		}
		if (!expect(poll(&f, 1, 0) == 0, "poll(2) when empty"))
			goto out;
	}
out:
	close_pair(p);
}

/* ---- Threads */

static struct pair shared;

static void *read_one(void *arg)
{
	char c;

	(void)arg;
	return (void *)(intptr_t)strata_recv(shared.b, &c, 1, 0);
}

static void each_thread_gets_one(void)
{
	pthread_t t[8];

	shared = open_pair();
	patience(shared.b, 3000);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, read_one, NULL);
		for (int i = 0; i < 8; i++)
			strata_send(shared.a, "x", 1, 0);
		for (int i = 0; i < 8; i++) {
			void *r;

			pthread_join(t[i], &r);
			expect((intptr_t)r == 1, "a thread's recv");
		}
	}
	close_pair(shared);
}

/* ---- Fork: both have the socket, and none is left with the other's lock */

static void parent_and_child_share_a_socket(void)
{
	struct pair p = open_pair();
	int status = -1;
	int got = 0;
	pid_t child;
	char c;

	patience(p.b, 500);
	child = fork();
	for (int i = 0; i < 200; i++)
		expect(strata_send(p.a, "x", 1, 0) == 1, "send after fork");
	while (strata_recv(p.b, &c, 1, 0) == 1)
		got++;
	if (child == 0)
		_exit(got / 2);
	waitpid(child, &status, 0);
	/* 400 in all; the child's number comes halved. */
	got += WEXITSTATUS(status) * 2;
	expect(got >= 399 && got <= 400, "400 between parent and child");
	close_pair(p);
}

static void a_child_killed_anywhere_stops_nobody(void)
{
	struct pair p = open_pair();
	char c;

	patience(p.b, 1000);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		if (child == 0)
			for (;;) {
				strata_send(p.a, "x", 1, 0);
				strata_recv(p.b, &c, 1, MSG_DONTWAIT);
			}
		usleep(2000 + (useconds_t)(i * 37));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		if (!expect(strata_send(p.a, "y", 1, 0) == 1, "send") ||
		    !expect(strata_recv(p.b, &c, 1, 0) == 1, "recv"))
			break;
	}
	close_pair(p);
}

/* ---- Waiting */

static void poll_takes_both_kinds(void)
{
	struct pair p = open_pair();
	struct pollfd f[2] = { { .fd = p.b, .events = POLLIN },
		{ .events = POLLIN } };
	struct mono start;
	int pipes[2];
	char c;

	if (pipe(pipes) == -1)
		return;
	f[1].fd = pipes[0];
	start = mono_now();
	expect(strata_poll(f, 2, 50) == 0, "poll of nothing");
	expect(mono_since(mono_now(), start) >= 49 * NS_PER_MS,
	    "poll waits as long as told");
	strata_send(p.a, "x", 1, 0);
	expect(strata_poll(f, 2, 2000) == 1 && f[0].revents == POLLIN &&
		f[1].revents == 0,
	    "poll of the socket");
	strata_recv(p.b, &c, 1, 0);
	expect(write(pipes[1], "x", 1) == 1, "pipe");
	expect(strata_poll(f, 2, 2000) == 1 && f[0].revents == 0 &&
		f[1].revents == POLLIN,
	    "poll of the pipe");
	f[0].events = POLLOUT;
	expect(strata_poll(f, 1, 2000) == 1 && f[0].revents == POLLOUT,
	    "poll for writing");
	close(pipes[0]);
	close(pipes[1]);
	close_pair(p);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void a_signal_ends_a_wait(void)
{
	struct pair p = open_pair();
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { .tv_usec = 50000 } };
	char c;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	expect(strata_recv(p.b, &c, 1, 0) == -1 && errno == EINTR, "EINTR");
	/* With SA_RESTART it goes on waiting, until the time is up. */
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	alarm(0);
	setitimer(ITIMER_REAL, &soon, NULL);
	patience(p.b, 0);
	if (fork() == 0) {
		usleep(150000);
		strata_send(p.a, "x", 1, 0);
		_exit(0);
	}
	expect(strata_recv(p.b, &c, 1, 0) == 1, "SA_RESTART");
	wait(NULL);
	close_pair(p);
}

/* ---- A small send buffer makes the sender wait, and loses nothing */

static void *read_all(void *arg)
{
	static char buf[65536];
	intptr_t got = 0;

	(void)arg;
	patience(shared.b, 1000);
	while (strata_recv(shared.b, buf, sizeof(buf), 0) > 0)
		got++;
	return (void *)got;
}

static void a_full_buffer_makes_the_sender_wait(void)
{
	static char big[60000];
	pthread_t t;
	void *got;
	int small = 1;

	shared = open_pair();
	strata_setsockopt(
	    shared.a, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pthread_create(&t, NULL, read_all, NULL);
	for (int i = 0; i < 500; i++)
		expect(strata_send(shared.a, big, sizeof(big), 0) ==
			(ssize_t)sizeof(big),
		    "a blocking send");
	pthread_join(t, &got);
	/* The receiver may have been too slow, but not all the time. */
	expect((intptr_t)got > 50, "big ones arrive");
	close_pair(shared);
}

/* ---- What comes beside a datagram */

static void control_data_says_where_to_and_how_far(void)
{
	struct pair p = open_pair();
	const int on = 1;
	char control[256];
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	bool info = false, ttl = false;

	strata_setsockopt(p.b, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	strata_setsockopt(p.b, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
	patience(p.b, 2000);
	strata_send(p.a, "x", 1, 0);
	expect(strata_recvmsg(p.b, &m, 0) == 1, "recvmsg");
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL;
	     h = CMSG_NXTHDR(&m, h)) {
		struct in_pktinfo i;
		int v;

		if (h->cmsg_type == IP_PKTINFO) {
			memcpy(&i, CMSG_DATA(h), sizeof(i));
			info = i.ipi_addr.s_addr == here.sin_addr.s_addr;
		} else if (h->cmsg_type == IP_TTL) {
			memcpy(&v, CMSG_DATA(h), sizeof(v));
			ttl = v == 64;
		}
	}
	expect(info, "IP_PKTINFO");
	expect(ttl, "IP_TTL");
	close_pair(p);
}

static void a_member_hears_its_own_group(void)
{
	struct sockaddr_in to;
	int fd = bound(&to);
	int rx = strata_socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in group = { .sin_family = AF_INET,
		.sin_port = to.sin_port };
	struct ip_mreqn m = { .imr_ifindex = 1 };
	char c;

	strata_close(fd);
	inet_pton(AF_INET, "239.7.7.7", &group.sin_addr);
	m.imr_multiaddr = group.sin_addr;
	patience(rx, 2000);
	expect(strata_bind(rx, (struct sockaddr *)&group, sizeof(group)) == 0,
	    "bind to a group");
	expect(strata_setsockopt(
		   rx, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) == 0,
	    "join");
	expect(strata_setsockopt(
		   rx, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)) == 0,
	    "IP_MULTICAST_IF");
	usleep(20000); /* ipd learns of the group in its next turn */
	expect(strata_sendto(rx, "x", 1, 0, (struct sockaddr *)&group,
		   sizeof(group)) == 1,
	    "send to a group");
	expect(strata_recv(rx, &c, 1, 0) == 1, "receive from a group");
	strata_close(rx);
}

int main(int argc, char **argv)
{
	if (argc != 2 || inet_pton(AF_INET, argv[1], &here.sin_addr) != 1) {
		fprintf(stderr, "usage: api_udp ADDRESS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	the_bare_fd_is_readable_while_something_is_there();
	each_thread_gets_one();
	parent_and_child_share_a_socket();
	a_child_killed_anywhere_stops_nobody();
	poll_takes_both_kinds();
	a_signal_ends_a_wait();
	a_full_buffer_makes_the_sender_wait();
	control_data_says_where_to_and_how_far();
	a_member_hears_its_own_group();
	printf("%d failures\n", failures);
	return failures > 0;
}
