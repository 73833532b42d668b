/*
 * udp_tester.c - datagrams to an echo server, an account of each answer
 *
 *	udp_tester [-c COUNT] [-r PER_SECOND | -w WINDOW]
 *	    [-s BYTES[:TO:STEP]] [-o FILE] [-m MARKS] ADDRESS PORT
 *
 * The kernel's side of the tests of udpd: it uses the kernel's sockets.  Every
 * byte of every answer is checked.  Sizes go from BYTES to TO in steps of STEP,
 * one datagram of each.  With -o what was sent and what came back is also
 * written to FILE.sent and FILE.back, for others to compare.
 *
 * A datagram of 4 bytes and more carries its number; a shorter one can only be
 * told by its size, so send those one at a time (-w 1).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/bytes.h"
#include "tests/harness/flow.h"

enum {
	NUMBER = 4,
	LARGEST = 65535,
	LINGER_MS = 1000,
};

struct tester {
	struct flow flow; /* first: the callbacks get it */
	size_t size, to, step;
	FILE *sent, *back;
	uint8_t out[LARGEST];
	uint8_t in[LARGEST];
};

static size_t size_of(const struct tester *t, uint32_t number)
{
	size_t len = t->size + number * t->step;

	return t->step > 0 && len > t->to ? t->to : len;
}

static int send_one(struct flow *f, uint32_t number)
{
	struct tester *t = (struct tester *)f;
	size_t len = size_of(t, number);

	flow_fill(t->out, len, number);
	if (len >= NUMBER)
		be32_put(t->out, number);
	if (t->sent != NULL)
		fwrite(t->out, 1, len, t->sent);
	while (send(f->fd, t->out, len, 0) == -1) {
		/* An earlier one was refused; this one has yet to go. */
		if (errno == ECONNREFUSED)
			f->refused++;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return 0;
}

static void take(struct tester *t, size_t len)
{
	struct flow *f = &t->flow;
	uint32_t number = f->newest;
	bool good = true;

	if (len >= NUMBER)
		number = be32_get(t->in);
	else if (f->sent > 0)
		number = f->sent - 1;
	if (len >= NUMBER) { /* the number stands where the pattern did */
		flow_fill(t->out, NUMBER, number);
		memcpy(t->in, t->out, NUMBER);
	}
	if (number >= f->sent || len != size_of(t, number) ||
	    !flow_intact(t->in, len, number))
		good = false;
	if (len >= NUMBER)
		be32_put(t->in, number);
	if (t->back != NULL)
		fwrite(t->in, 1, len, t->back);
	if (good)
		flow_back(f, number, mono_now());
	else
		f->corrupt++;
}

/* How many this socket had to drop comes beside a datagram. */
static void note_overflows(struct flow *f, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			memcpy(&f->overflows, CMSG_DATA(c), sizeof(uint32_t));
}

static void receive_all(struct flow *f)
{
	struct tester *t = (struct tester *)f;

	for (;;) {
		char control[CMSG_SPACE(sizeof(uint32_t))];
		struct iovec v = { t->in, sizeof(t->in) };
		struct msghdr m = {
			.msg_iov = &v,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(f->fd, &m, MSG_DONTWAIT);

		if (n >= 0) {
			note_overflows(f, &m);
			take(t, (size_t)n);
		} else if (errno == ECONNREFUSED) {
			f->refused++;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			f->error = -errno;
			return;
		}
	}
}

static int open_socket(const char *address, const char *port)
{
	struct addrinfo how = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM };
	struct addrinfo *to;
	int room = 64 << 20;
	int one = 1;
	int fd;

	if (getaddrinfo(address, port, &how, &to) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	if (connect(fd, to->ai_addr, to->ai_addrlen) == -1)
		fd = -1;
	freeaddrinfo(to);
	return fd;
}

static int usage(void)
{
	fprintf(stderr,
	    "usage: udp_tester [-c COUNT] [-r PER_SECOND | -w WINDOW]"
	    " [-s BYTES[:TO:STEP]] [-o FILE] [-m MARKS] ADDRESS PORT\n");
	return 2;
}

static FILE *open_copy(const char *path, const char *suffix)
{
	char name[4096];

	snprintf(name, sizeof(name), "%.4000s.%s", path, suffix);
	return fopen(name, "we");
}

/* "BYTES" or "BYTES:TO:STEP"; the last size is TO, wherever the steps fall. */
static bool read_sizes(struct tester *t, const char *text)
{
	int n = sscanf(text, "%zu:%zu:%zu", &t->size, &t->to, &t->step);

	if (n == 1) {
		t->step = 0;
		return t->size <= LARGEST;
	}
	if (n != 3 || t->step == 0 || t->size > t->to || t->to > LARGEST)
		return false;
	t->flow.count =
	    (uint32_t)((t->to - t->size + t->step - 1) / t->step + 1);
	return true;
}

int main(int argc, char **argv)
{
	static struct tester t = {
		.flow = { .count = 1000,
		    .window = 1,
		    .send = send_one,
		    .receive = receive_all,
		    .linger_ns = (int64_t)LINGER_MS * NS_PER_MS },
		.size = 64,
	};
	struct flow *f = &t.flow;
	const char *marks = NULL, *copy = NULL;
	int c;

	while ((c = getopt(argc, argv, "c:r:w:s:o:m:")) != -1) {
		if (c == 'c') {
			f->count = (uint32_t)atoi(optarg);
		} else if (c == 'r' && atoi(optarg) > 0) {
			f->interval_ns = NS_PER_S / atoi(optarg);
			f->window = 0;
		} else if (c == 'w') {
			f->window = (uint32_t)atoi(optarg);
		} else if (c == 's' && read_sizes(&t, optarg)) {
			continue;
		} else if (c == 'o') {
			copy = optarg;
		} else if (c == 'm') {
			marks = optarg;
		} else {
			return usage();
		}
	}
	if (optind + 2 != argc || f->count == 0)
		return usage();
	if (copy != NULL) {
		t.sent = open_copy(copy, "sent");
		t.back = open_copy(copy, "back");
	}
	f->fd = open_socket(argv[optind], argv[optind + 1]);
	if (f->fd == -1 || !flow_open(f)) {
		perror("udp_tester");
		return 2;
	}
	flow_run(f);
	flow_print(f, marks, stdout);
	flow_close(f);
	if (copy != NULL) {
		fclose(t.sent);
		fclose(t.back);
	}
	close(f->fd);
	return f->back == f->count && f->corrupt == 0 ? 0 : 1;
}
