/*
 * fake_stack.c - a supervisor and a transport that do what a test says
 */
#include "tests/harness/fake_stack.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/control.h"
#include "shm/segment.h"
#include "shm/topology.h"
#include "tests/harness/temp_dir.h"

enum {
	SOCKETS = 64,
	PROC = 0,
	SNDBUF = 3000,
	RCVBUF = 4000,
};

static struct {
	char dir[TEMP_DIR_MAX];
	int listener, client;
	int plan, a2s_fd, s2a_fd;
	uint8_t *a2s, *s2a;
	int end[SOCKETS]; /* ours of each socket */
	_Atomic uint32_t nsockets;
	_Atomic int refused;
	pthread_t thread;
} fake;

struct a2s_socket *fake_a2s(uint32_t sub)
{
	return (void *)(fake.a2s + a2s_socket_off(sub));
}

struct a2s_times *fake_times(uint32_t sub)
{
	return (void *)(fake.a2s + a2s_times_off(sub));
}

struct s2a_socket *fake_s2a(uint32_t sub)
{
	return (void *)(fake.s2a + s2a_socket_off(sub));
}

struct s2a_head *fake_s2a_head(void)
{
	return (void *)fake.s2a;
}

uint8_t *fake_tx(uint32_t sub)
{
	return fake.a2s + a2s_tx_off(sub);
}

uint32_t fake_sub(void)
{
	return atomic_load(&fake.nsockets) - 1;
}

void fake_refuse(int err)
{
	atomic_store(&fake.refused, err);
}

uint32_t fake_posted(void)
{
	return ((struct a2s_head *)(void *)fake.a2s)->posted;
}

/* ---- The transport */

void fake_byte(uint32_t sub)
{
	send(fake.end[sub], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void fake_stream(uint32_t sub, uint64_t stream)
{
	fake_s2a(sub)->stream = stream;
	fake_s2a(sub)->tx_room++;
	syscall(SYS_futex, &fake_s2a(sub)->tx_room, FUTEX_WAKE, INT_MAX, NULL,
	    NULL, 0);
	fake_byte(sub);
}

void fake_receive(uint32_t sub, const void *bytes, uint32_t len)
{
	struct s2a_socket *s = fake_s2a(sub);
	const struct a2s_socket *a = fake_a2s(sub);
	uint64_t was = s->rx_written;

	app_ring_write(
	    fake.s2a + s2a_rx_off(sub), APP_RX_BYTES, was, bytes, len);
	s->rx_written = was + len;
	if (a->rx_read == was ||
	    app_poll_reads(a->rx_poll, was + len, a->rx_read))
		fake_byte(sub);
}

void fake_consume(uint32_t sub, uint32_t len)
{
	struct s2a_socket *s = fake_s2a(sub);
	const struct a2s_socket *a = fake_a2s(sub);

	s->tx_consumed += len;
	if (s->tx_sent < s->tx_consumed)
		s->tx_sent = s->tx_consumed;
	if (app_poll_wants(a->tx_poll, a->tx_written, s->tx_consumed) &&
	    (a->tx_low == 0 ||
		app_poll_wants(a->tx_low, a->tx_written, s->tx_sent)))
		fake_byte(sub);
	s->tx_room++;
	if (a->tx_waiting)
		syscall(
		    SYS_futex, &s->tx_room, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void fake_send(uint32_t sub, uint32_t len)
{
	fake_s2a(sub)->tx_sent += len;
	fake_consume(sub, 0);
}

void fake_down(uint32_t sub)
{
	shutdown(fake.end[sub], SHUT_RDWR);
}

void fake_error(uint32_t sub, int err)
{
	fake_s2a(sub)->error += ((uint64_t)1 << 32) + (uint32_t)err -
	    (uint32_t)fake_s2a(sub)->error;
	fake_byte(sub);
}

/* What the app asked of @sub: commands, and a byte (kick). */
static void look(uint32_t sub, uint32_t *kicked)
{
	struct a2s_socket *a = fake_a2s(sub);
	struct s2a_socket *s = fake_s2a(sub);

	if (a->cmd_seq != s->reply_seq) {
		if (a->cmd_op == APP_OP_SHUTDOWN &&
		    (s->stream & STREAM_LISTENING))
			fake_stream(sub, 0);
		s->result = 0;
		if (a->cmd_op == APP_OP_SHUTDOWN &&
		    (s->stream & STREAM_ESTABLISHED)) {
			s->stream &= ~(uint64_t)STREAM_TX_OPEN;
			s->stream |= STREAM_CLOSING;
		}
		s->reply_seq = a->cmd_seq;
		syscall(SYS_futex, &s->reply_seq, FUTEX_WAKE, INT_MAX, NULL,
		    NULL, 0);
	}
	if (a->kick != *kicked)
		fake_byte(sub);
	*kicked = a->kick;
}

/* ---- The supervisor */

static void answer_app(struct ctl_msg *m)
{
	const int fds[] = { fake.plan, fake.a2s_fd, fake.s2a_fd };

	m->nfds = 3;
	m->fd[0] = (struct ctl_fd){ .role = FD_PLAN };
	m->fd[1] = (struct ctl_fd){ .role = FD_A2S, .writable = 1 };
	m->fd[2] = (struct ctl_fd){ .role = FD_S2A, .index = PROC };
	ctl_send(fake.client, m, fds);
}

static void show_names(uint32_t sub)
{
	struct s2a_names *n = &fake_s2a(sub)->names;

	n->open = 1;
	n->sndbuf = SNDBUF;
	n->rcvbuf = RCVBUF;
	n->rcvlowat = 1;
}

static void answer_socket(struct ctl_msg *m)
{
	uint32_t count = m->arg[3] > 0 ? m->arg[3] : 1;
	int fds[CTL_MAX_FDS] = { 0 };

	m->arg[0] = PROC;
	m->arg[3] = 0;
	while (m->nfds < count && fake.nsockets < SOCKETS && !fake.refused) {
		uint32_t sub = fake.nsockets;
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
			break;
		show_names(sub);
		fake.end[sub] = pair[0];
		fds[m->nfds] = pair[1];
		m->subs[m->nfds] = (uint16_t)sub;
		m->fd[m->nfds++] = (struct ctl_fd){ .role = FD_SOCKET };
		atomic_store(&fake.nsockets, sub + 1);
	}
	if (m->nfds == 0)
		m->arg[3] = fake.refused ? (uint32_t)fake.refused : EMFILE;
	ctl_send(fake.client, m, fds);
	for (uint32_t i = 0; i < m->nfds; i++)
		close(fds[i]);
}

static void take_message(void)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];

	if (ctl_recv(fake.client, &m, fds) < 0)
		return;
	if (m.type == CTL_APP)
		answer_app(&m);
	else if (m.type == CTL_SOCKET)
		answer_socket(&m);
}

static void *serve(void *arg)
{
	uint32_t kicked[SOCKETS] = { 0 };
	struct pollfd p[SOCKETS + 2];

	(void)arg;
	for (;;) {
		uint32_t n = fake.nsockets;
		char bytes[64];

		p[0] = (struct pollfd){ fake.listener, POLLIN, 0 };
		p[1] = (struct pollfd){ fake.client, POLLIN, 0 };
		for (uint32_t i = 0; i < n; i++)
			p[2 + i] = (struct pollfd){ fake.end[i], POLLIN, 0 };
		poll(p, n + 2, -1);
		if (p[0].revents & POLLHUP)
			return NULL;
		if (p[0].revents)
			fake.client = accept(fake.listener, NULL, NULL);
		if (p[1].revents)
			take_message();
		for (uint32_t i = 0; i < n; i++) {
			if (!p[2 + i].revents)
				continue;
			/* Closed by the app: not polled any more. */
			if (recv(fake.end[i], bytes, sizeof(bytes),
				MSG_DONTWAIT) <= 0)
				fake.end[i] = -1;
			look(i, &kicked[i]);
		}
	}
}

/* ---- Begin and end */

static int segment(const char *name, size_t bytes, uint8_t **ret)
{
	int fd = segment_make(name, bytes);
	void *p;

	assert_true(fd >= 0);
	if (ret != NULL) {
		assert_int_equal(segment_map(&p, fd, bytes, true), 0);
		*ret = p;
	}
	return fd;
}

static void set_links(struct topology *t)
{
	t->nlinks = FAKE_LINKS;
	snprintf(t->links[0].name, sizeof(t->links[0].name), "left");
	snprintf(t->links[1].name, sizeof(t->links[1].name), "right");
}

int fake_stack_begin(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint8_t *plan;
	struct s2a_head *head;

	(void)state;
	temp_dir_make(fake.dir);
	setenv("STRATA_RUN_DIR", fake.dir, 1);
	setenv("STRATA", "fake", 1);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/fake", fake.dir);
	assert_int_equal(mkdir(at.sun_path, 0700), 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/fake/ctl", fake.dir);
	fake.client = -1;
	fake.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(
	    bind(fake.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fake.listener, 1), 0);
	fake.plan = segment("plan", sizeof(struct topology), &plan);
	set_links((struct topology *)(void *)plan);
	munmap(plan, sizeof(struct topology));
	fake.a2s_fd = segment("a2s", A2S_BYTES, &fake.a2s);
	fake.s2a_fd = segment("s2a", S2A_BYTES, &fake.s2a);
	head = fake_s2a_head();
	/* It sleeps all the time: each event is also a byte. */
	head->asleep = 1;
	/* One link, so that there is a way to ourselves. */
	publish_begin(&head->fib.p);
	head->fib.nlinks = 1;
	head->fib.link_mtu[0] = 1500;
	publish_end(&head->fib.p);
	pthread_create(&fake.thread, NULL, serve, NULL);
	return 0;
}

int fake_stack_end(void **state)
{
	(void)state;
	shutdown(fake.listener, SHUT_RDWR);
	pthread_join(fake.thread, NULL);
	for (uint32_t i = 0; i < fake.nsockets; i++)
		if (fake.end[i] != -1)
			close(fake.end[i]);
	close(fake.client);
	close(fake.listener);
	close(fake.plan);
	close(fake.a2s_fd);
	close(fake.s2a_fd);
	munmap(fake.a2s, A2S_BYTES);
	munmap(fake.s2a, S2A_BYTES);
	temp_dir_remove(fake.dir);
	return 0;
}
