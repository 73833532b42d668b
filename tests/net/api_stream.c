/*
 * api_stream.c - a TCP connection's bytes, its end, and waiting for either, as
 * the kernel has them (tests/harness/calls.h)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/strata.h"
#include "tests/harness/calls.h"

enum {
	ALL = POLLIN | POLLOUT | POLLRDHUP,
	SOON = 2000, /* ms within which what must happen happens */
	MUCH = 3 * 1000 * 1000,
};

/* All of @len bytes, which are @at, @at + 1 ... */
static bool pattern_is(const uint8_t *p, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != (uint8_t)((at + i) * 7 + ((at + i) >> 8)))
			return false;
	return true;
}

static void pattern(uint8_t *p, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((at + i) * 7 + ((at + i) >> 8));
}

/* Until really nothing more goes in: the peer's buffer may grow. */
static void fill(int fd)
{
	static char bytes[1 << 20];
	int full = 0;

	nonblocking(us.c, fd);
	while (full < 5) {
		full =
		    us.c->send(fd, bytes, sizeof(bytes), 0) > 0 ? 0 : full + 1;
		sleep_ms(20);
	}
	us.c->fcntl(fd, F_SETFL, 0);
}

/* ---- Bytes */

static void bytes_go_by_all_calls(struct pair p)
{
	char buf[64] = "";
	char one[] = "one", two[] = "two";
	struct iovec out[3] = { { one, 3 }, { NULL, 0 }, { two, 3 } };
	struct iovec in[2] = { { buf, 2 }, { buf + 2, 62 } };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 3 };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	expect(us.c->writev(p.a, out, 3) == 6);
	expect(them.c->recv(p.b, buf, 6, MSG_WAITALL) == 6);
	expect(memcmp(buf, "onetwo", 6) == 0);
	expect(us.c->sendmsg(p.a, &m, 0) == 6);
	expect(us.c->write(p.a, "three", 5) == 5);
	expect(us.c->sendto(p.a, "four", 4, 0, NULL, 0) == 4);
	expect(them.c->recv(p.b, buf, 15, MSG_WAITALL) == 15);
	expect(memcmp(buf, "onetwothreefour", 15) == 0);

	expect(them.c->send(p.b, "hello world", 11, 0) == 11);
	expect(us.c->recv(p.a, buf, 5, MSG_PEEK | MSG_WAITALL) == 5);
	expect(us.c->readv(p.a, in, 2) == 11);
	expect(memcmp(buf, "hello world", 11) == 0);
	expect(them.c->send(p.b, "hello world", 11, 0) == 11);
	expect(us.c->recv(p.a, buf, 11, MSG_PEEK | MSG_WAITALL) == 11);
	expect(us.c->recv(p.a, NULL, 6, MSG_TRUNC) == 6);
	m.msg_iov = in;
	m.msg_iovlen = 1;
	m.msg_name = &from;
	m.msg_namelen = sizeof(from);
	expect(us.c->recvmsg(p.a, &m, 0) == 2);
	expect(m.msg_namelen == 0 && m.msg_flags == 0);
	expect(memcmp(buf, "wo", 2) == 0);
	expect(us.c->recvfrom(p.a, buf, 3, 0, (struct sockaddr *)&from, &len) ==
	    3);
	expect(len == 0 && memcmp(buf, "rld", 3) == 0);
	fails_with(us.c->recv(p.a, buf, 3, MSG_DONTWAIT), EAGAIN);
	fails_with(us.c->recv(p.a, buf, 3, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	fails_with(us.c->recv(p.a, buf, 3, MSG_OOB), EINVAL);
	expect(us.c->send(p.a, buf, 0, 0) == 0);
}

static void *send_much(void *arg)
{
	static uint8_t bytes[MUCH];
	const struct pair *p = arg;

	pattern(bytes, MUCH, 0);
	for (size_t at = 0; at < MUCH;) {
		ssize_t n = them.c->send(p->b, bytes + at,
		    MUCH - at < 100003 ? MUCH - at : 100003, 0);

		if (!expect(n > 0))
			break;
		at += (size_t)n;
	}
	return NULL;
}

/* In pieces of all sizes, peeked at first, around the ring's end. */
static void much_comes_in_order(struct pair p)
{
	static uint8_t buf[70001];
	size_t at = 0, want = 1;
	pthread_t t;

	pthread_create(&t, NULL, send_much, &p);
	while (at < MUCH) {
		size_t n = want < MUCH - at ? want : MUCH - at;
		ssize_t got = us.c->recv(p.a, buf, n, MSG_PEEK);

		if (!expect(got > 0 && pattern_is(buf, (size_t)got, at)))
			break;
		got = us.c->recv(p.a, buf, n, want & 1 ? MSG_WAITALL : 0);
		if (!expect(got > 0 && pattern_is(buf, (size_t)got, at)))
			break;
		expect(!(want & 1) || (size_t)got == n);
		at += (size_t)got;
		want = want * 5 % sizeof(buf) + 1;
	}
	pthread_join(t, NULL);
}

static void *take_much(void *arg)
{
	static uint8_t buf[65536];
	const struct pair *p = arg;
	size_t at = 0;

	while (at < MUCH) {
		ssize_t n = them.c->recv(p->b, buf, sizeof(buf), 0);

		if (!expect(n > 0 && pattern_is(buf, (size_t)n, at)))
			break;
		at += (size_t)n;
		/* Slower than the sender: its buffer must be full at times. */
		if (at < MUCH / 4)
			sleep_ms(1);
	}
	return NULL;
}

static void much_goes_without_waiting(struct pair p)
{
	static uint8_t bytes[MUCH];
	size_t at = 0;
	pthread_t t;
	int full = 0;

	pattern(bytes, MUCH, 0);
	set_int(us.c, p.a, SOL_SOCKET, SO_SNDBUF, 65536);
	set_int(them.c, p.b, SOL_SOCKET, SO_RCVBUF, 65536);
	nonblocking(us.c, p.a);
	pthread_create(&t, NULL, take_much, &p);
	while (at < MUCH) {
		ssize_t n = us.c->send(p.a, bytes + at, MUCH - at, 0);

		if (n == -1) {
			full++;
			if (!expect(errno == EAGAIN) ||
			    !expect(
				polled(us.c, p.a, POLLOUT, SOON) == POLLOUT))
				break;
			continue;
		}
		at += (size_t)n;
	}
	expect(full > 0);
	pthread_join(t, NULL);
	us.c->fcntl(p.a, F_SETFL, 0);
}

/* TCP_NOTSENT_LOWAT: poll says there is room while little is unsent. */
static void little_waits_unsent(struct pair p)
{
	static uint8_t bytes[MUCH];
	int low = 16384, n = 0;
	size_t at = 0;
	pthread_t t;

	pattern(bytes, MUCH, 0);
	set_int(us.c, p.a, IPPROTO_TCP, TCP_NOTSENT_LOWAT, low);
	expect(get_int(us.c, p.a, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == low);
	nonblocking(us.c, p.a);
	pthread_create(&t, NULL, take_much, &p);
	while (at < MUCH) {
		ssize_t sent;

		if (!expect(polled(us.c, p.a, POLLOUT, SOON) == POLLOUT))
			break;
		expect(us.c->ioctl(p.a, SIOCOUTQNSD, &n) == 0 && 2 * n < low);
		sent = us.c->send(p.a, bytes + at, MUCH - at, 0);
		if (!expect(sent > 0))
			break;
		at += (size_t)sent;
		us.c->ioctl(p.a, SIOCOUTQNSD, &n);
		expect(n <= low + 65536);
	}
	pthread_join(t, NULL);
	us.c->fcntl(p.a, F_SETFL, 0);
}

/* ---- The end */

static void halves_close_alone(void)
{
	struct pair p = we_connect();
	char buf[8];

	expect(polled(us.c, p.a, ALL, 0) == POLLOUT);
	expect(us.c->send(p.a, "bye", 3, 0) == 3);
	expect(us.c->shutdown(p.a, SHUT_WR) == 0);
	fails_with(us.c->send(p.a, "x", 1, MSG_NOSIGNAL), EPIPE);
	expect(them.c->recv(p.b, buf, 8, MSG_WAITALL) == 3);
	expect(them.c->recv(p.b, buf, 8, 0) == 0);
	expect(them.c->send(p.b, "later", 5, 0) == 5);
	expect(us.c->recv(p.a, buf, 5, MSG_WAITALL) == 5);
	expect(polled(us.c, p.a, ALL, 0) == POLLOUT);
	expect(them.c->shutdown(p.b, SHUT_WR) == 0);
	expect(polled(us.c, p.a, POLLIN, SOON) == (POLLIN | POLLHUP));
	expect(polled(us.c, p.a, ALL, 0) ==
	    (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
	expect(us.c->recv(p.a, buf, 5, 0) == 0);
	expect(us.c->recv(p.a, buf, 5, 0) == 0);
	close_pair(p);

	p = we_accept();
	expect(them.c->shutdown(p.b, SHUT_WR) == 0);
	expect(polled(us.c, p.a, POLLIN | POLLRDHUP, SOON) ==
	    (POLLIN | POLLRDHUP));
	expect(polled(us.c, p.a, ALL, 0) == (POLLIN | POLLOUT | POLLRDHUP));
	expect(us.c->recv(p.a, buf, 5, 0) == 0);
	expect(us.c->send(p.a, "still", 5, 0) == 5);
	expect(them.c->recv(p.b, buf, 5, MSG_WAITALL) == 5);
	close_pair(p);

	p = we_accept();
	expect(us.c->shutdown(p.a, SHUT_RD) == 0);
	expect(us.c->recv(p.a, buf, 5, 0) == 0);
	expect(polled(us.c, p.a, ALL, 0) == (POLLIN | POLLOUT | POLLRDHUP));
	fails_with(us.c->shutdown(p.a, 3), EINVAL);
	close_pair(p);
}

static void a_reset_is_told_once(void)
{
	struct pair p = we_connect();
	char buf[8];

	expect(them.c->send(p.b, "last", 4, 0) == 4);
	expect(us.c->recv(p.a, buf, 8, MSG_PEEK) == 4);
	reset_on_close(them.c, p.b);
	them.c->close(p.b);
	expect(polled(us.c, p.a, POLLRDHUP, SOON) ==
	    (POLLERR | POLLHUP | POLLRDHUP));
	expect(polled(us.c, p.a, ALL, 0) ==
	    (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
	expect(us.c->recv(p.a, buf, 8, 0) == 4);
	fails_with(us.c->recv(p.a, buf, 8, 0), ECONNRESET);
	expect(us.c->recv(p.a, buf, 8, 0) == 0);
	fails_with(us.c->send(p.a, "x", 1, MSG_NOSIGNAL), EPIPE);
	expect(get_int(us.c, p.a, SOL_SOCKET, SO_ERROR) == 0);
	us.c->close(p.a);

	/* While somebody waits. */
	p = we_accept();
	reset_on_close(them.c, p.b);
	them.c->close(p.b);
	fails_with(us.c->recv(p.a, buf, 8, 0), ECONNRESET);
	us.c->close(p.a);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void writing_too_late_raises_sigpipe(void)
{
	struct sigaction act = { .sa_handler = on_pipe };
	struct pair p = we_connect();

	sigaction(SIGPIPE, &act, NULL);
	us.c->shutdown(p.a, SHUT_WR);
	fails_with(us.c->send(p.a, "x", 1, MSG_NOSIGNAL), EPIPE);
	expect(pipes == 0);
	fails_with(us.c->write(p.a, "x", 1), EPIPE);
	expect(pipes == 1);
	signal(SIGPIPE, SIG_DFL);
	close_pair(p);
}

static void unread_bytes_make_close_a_reset(void)
{
	struct pair p = we_connect();
	char buf[8];

	expect(them.c->send(p.b, "unread", 6, 0) == 6);
	expect(polled(us.c, p.a, POLLIN, SOON) == POLLIN);
	us.c->close(p.a);
	fails_with(them.c->recv(p.b, buf, 8, 0), ECONNRESET);
	them.c->close(p.b);
}

static void a_closed_listener_resets_who_waits(void)
{
	struct sockaddr_in at;
	int listener = listening(&us, 5, &at);
	int fd = connected_to(&them, &at);
	char c;

	expect(polled(us.c, listener, POLLIN, SOON) == POLLIN);
	us.c->close(listener);
	/* In the middle of a reset the kernel has no POLLIN yet. */
	expect(polled(them.c, fd, POLLIN, SOON) & POLLERR);
	fails_with(them.c->recv(fd, &c, 1, 0), ECONNRESET);
	them.c->close(fd);
}

static void close_waits_for_the_peer(void)
{
	const struct linger one = { .l_onoff = 1, .l_linger = 1 };
	static char bytes[1 << 20];
	struct pair p = we_connect();
	double began;

	us.c->setsockopt(p.a, SOL_SOCKET, SO_LINGER, &one, sizeof(one));
	fill(p.a);
	began = clock_ms();
	us.c->close(p.a);
	expect(clock_ms() - began >= 990 && clock_ms() - began < 1500);
	them.c->close(p.b);

	/* All is acknowledged: at once. */
	p = we_accept();
	us.c->setsockopt(p.a, SOL_SOCKET, SO_LINGER, &one, sizeof(one));
	expect(us.c->send(p.a, "x", 1, 0) == 1);
	began = clock_ms();
	us.c->close(p.a);
	expect(clock_ms() - began < 900);
	expect(them.c->recv(p.b, bytes, 8, MSG_WAITALL) == 1);
	them.c->close(p.b);
}

/* ---- Waiting */

static void timeouts_end_calls(void)
{
	static char bytes[1 << 20];
	struct pair p = we_accept();
	double began = clock_ms();

	set_time(us.c, p.a, SO_RCVTIMEO, 150);
	fails_with(us.c->recv(p.a, bytes, 1, 0), EAGAIN);
	expect(clock_ms() - began >= 149 && clock_ms() - began < SOON);
	expect(them.c->send(p.b, "ab", 2, 0) == 2);
	expect(us.c->recv(p.a, bytes, 5, MSG_WAITALL) == 2);
	fill(p.a);
	set_time(us.c, p.a, SO_SNDTIMEO, 300);
	do
		began = clock_ms();
	while (us.c->send(p.a, bytes, sizeof(bytes), 0) > 0);
	expect(errno == EAGAIN);
	expect(clock_ms() - began >= 299 && clock_ms() - began < SOON);
	close_pair(p);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * Again and again, if it is to end a call: the kernel sees a signal whenever it
 * comes, the library only one that comes while it sleeps.
 */
static void alarm_in(int ms, int flags)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval t = { .it_value = { .tv_usec = ms * 1000 } };

	if (!(flags & SA_RESTART))
		t.it_interval = t.it_value;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void *send_later(void *arg)
{
	const struct pair *p = arg;

	sleep_ms(200);
	them.c->send(p->b, "x", 1, 0);
	return NULL;
}

static void *read_later(void *arg)
{
	static char bytes[1 << 20];
	const struct pair *p = arg;

	sleep_ms(200);
	while (them.c->recv(p->b, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

static void signals_end_calls_as_they_should(void)
{
	static char bytes[8 << 20];
	struct pair p = we_connect();
	pthread_t t;

	alarm_in(50, 0);
	fails_with(us.c->recv(p.a, bytes, 1, 0), EINTR);
	alarm_in(50, SA_RESTART);
	pthread_create(&t, NULL, send_later, &p);
	expect(us.c->recv(p.a, bytes, 1, 0) == 1);
	pthread_join(t, NULL);

	fill(p.a);
	do
		alarm_in(50, 0);
	while (us.c->send(p.a, bytes, 1 << 20, 0) > 0);
	expect(errno == EINTR);
	alarm_in(50, SA_RESTART);
	pthread_create(&t, NULL, read_later, &p);
	expect(us.c->send(p.a, bytes, 1 << 20, 0) > 0);
	us.c->close(p.a);
	pthread_join(t, NULL);
	them.c->close(p.b);
	signal(SIGALRM, SIG_DFL);
}

static void waiting_burns_nothing(void)
{
	static char bytes[1 << 20];
	struct pair p = we_accept();
	double began;

	set_time(us.c, p.a, SO_RCVTIMEO, 300);
	fill(p.a);
	set_int(us.c, p.a, SOL_SOCKET, SO_RCVLOWAT, 100);
	expect(them.c->send(p.b, "few", 3, 0) == 3);
	sleep_ms(50);
	began = cpu_ms();
	expect(us.c->recv(p.a, bytes, 50, MSG_PEEK | MSG_WAITALL) == 3);
	expect(polled(us.c, p.a, POLLIN | POLLOUT, 300) == 0);
	expect(polled(us.c, p.a, POLLRDHUP, 300) == 0);
	expect(us.c->recv(p.a, bytes, 200, 0) == 3);
	fails_with(us.c->recv(p.a, bytes, 1, 0), EAGAIN);
	expect(cpu_ms() - began < 20);
	close_pair(p);
}

static void enough_is_as_much_as_said(void)
{
	struct pair p = we_accept();
	char buf[16];

	set_int(us.c, p.a, SOL_SOCKET, SO_RCVLOWAT, 4);
	expect(get_int(us.c, p.a, SOL_SOCKET, SO_RCVLOWAT) == 4);
	expect(them.c->send(p.b, "ab", 2, 0) == 2);
	sleep_ms(50);
	expect(polled(us.c, p.a, POLLIN, 50) == 0);
	expect(them.c->send(p.b, "cd", 2, 0) == 2);
	expect(polled(us.c, p.a, POLLIN, SOON) == POLLIN);
	expect(us.c->recv(p.a, buf, 16, 0) == 4);
	expect(them.c->send(p.b, "e", 1, 0) == 1);
	them.c->shutdown(p.b, SHUT_WR);
	expect(us.c->recv(p.a, buf, 16, 0) == 1);
	close_pair(p);
}

/* ---- Spans: not the kernel's */

static void spans_hold_the_bytes(struct pair p)
{
	static uint8_t buf[65536];
	struct iovec span[2];
	size_t at = 0;

	fails_with(strata_send_reserve(p.a, span, 0), EINVAL);
	while (at < 1000000) {
		ssize_t n = strata_send_reserve(p.a, span, 30011);

		if (!expect(n > 0 && n <= 30011 &&
			span[0].iov_len + span[1].iov_len == (size_t)n))
			return;
		pattern(span[0].iov_base, span[0].iov_len, at);
		pattern(
		    span[1].iov_base, span[1].iov_len, at + span[0].iov_len);
		expect(strata_send_commit(p.a, (size_t)n) == 0);
		expect(them.c->recv(p.b, buf, (size_t)n, MSG_WAITALL) == n);
		expect(pattern_is(buf, (size_t)n, at));
		expect(them.c->send(p.b, buf, (size_t)n, 0) == n);
		for (ssize_t left = n; left > 0;) {
			ssize_t m = strata_recv_peek(p.a, span);

			if (!expect(m > 0 && m <= left))
				return;
			expect(pattern_is(span[0].iov_base, span[0].iov_len,
			    at + (size_t)(n - left)));
			expect(strata_recv_consume(p.a, (size_t)m) == 0);
			left -= m;
		}
		at += (size_t)n;
	}
	fails_with(strata_recv_consume(p.a, 1), EINVAL);
	them.c->shutdown(p.b, SHUT_WR);
	expect(strata_recv_peek(p.a, span) == 0);
}

static void test(void)
{
	struct pair p;

	for (int i = 0; i < 2; i++) {
		p = i == 0 ? we_connect() : we_accept();
		run_with(bytes_go_by_all_calls, p);
		run_with(much_comes_in_order, p);
		run_with(much_goes_without_waiting, p);
		run_with(little_waits_unsent, p);
		if (us.c == &strata_calls)
			run_with(spans_hold_the_bytes, p);
		close_pair(p);
	}
	run(halves_close_alone);
	run(a_reset_is_told_once);
	run(writing_too_late_raises_sigpipe);
	run(unread_bytes_make_close_a_reset);
	run(a_closed_listener_resets_who_waits);
	run(close_waits_for_the_peer);
	run(timeouts_end_calls);
	run(signals_end_calls_as_they_should);
	run(waiting_burns_nothing);
	run(enough_is_as_much_as_said);
}

int main(int argc, char **argv)
{
	return calls_main(argc, argv, test);
}
