/*
 * impair - joins two interfaces by a bad wire
 *
 *	impair IF1 IF2 [-l LOSS%] [-d DUPLICATES%] [-r REORDERED%]
 *	    [-D DELAY_MS] [-s SEED]
 *
 * Every frame that one interface sends comes out of the other after the delay,
 * or not at all, or twice; a reordered one is DELAY_MS (at least 2 ms) later
 * than the others.  Ends with SIGTERM, and then says what it did.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tests/harness/random.h"

enum {
	FRAME_MAX = 2048, /* no super-frames: offloads must be off */
	HELD = 8192,
	MARGIN_NS = 2 * NS_PER_MS,
};

struct frame {
	struct mono due;
	uint64_t order;
	uint32_t len;
	int to;
	uint8_t bytes[FRAME_MAX];
};

static struct {
	uint32_t loss, duplicates, reordered; /* per 10,000 */
	int64_t delay_ns;
	struct random rnd;
	int fd[2];
	struct frame *held[HELD]; /* a heap, the next one first */
	uint32_t n;
	uint64_t passed, lost, doubled, late, too_long, order;
} x;

static volatile sig_atomic_t over;

static void stop(int sig)
{
	(void)sig;
	over = 1;
}

static bool before(const struct frame *a, const struct frame *b)
{
	return a->due.ns != b->due.ns ? mono_before(a->due, b->due)
				      : a->order < b->order;
}

static void swap(uint32_t i, uint32_t j)
{
	struct frame *f = x.held[i];

	x.held[i] = x.held[j];
	x.held[j] = f;
}

static void hold(const uint8_t *bytes, uint32_t len, int to, int64_t ns)
{
	struct frame *f = x.n < HELD ? malloc(sizeof(*f)) : NULL;
	uint32_t i = x.n;

	if (f == NULL) {
		x.lost++;
		return;
	}
	f->due = mono_add(mono_now(), ns);
	f->order = x.order++;
	f->len = len;
	f->to = to;
	memcpy(f->bytes, bytes, len);
	x.held[x.n++] = f;
	for (; i > 0 && before(x.held[i], x.held[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static void let_go(void)
{
	struct frame *f = x.held[0];
	uint32_t i = 0;

	x.held[0] = x.held[--x.n];
	for (;;) {
		uint32_t next = 2 * i + 1;

		if (next + 1 < x.n && before(x.held[next + 1], x.held[next]))
			next++;
		if (next >= x.n || !before(x.held[next], x.held[i]))
			break;
		swap(i, next);
		i = next;
	}
	if (send(f->to, f->bytes, f->len, 0) == -1 && errno != ENOBUFS &&
	    errno != EAGAIN)
		perror("send");
	free(f);
}

static bool happens(uint32_t per_10000)
{
	return random_below(&x.rnd, 10000) < per_10000;
}

static void take(int from, int to)
{
	uint8_t bytes[FRAME_MAX];
	struct sockaddr_ll who = { 0 };
	socklen_t len = sizeof(who);
	ssize_t n = recvfrom(from, bytes, sizeof(bytes),
	    MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&who, &len);
	int64_t ns = x.delay_ns;

	if (n <= 0 || who.sll_pkttype == PACKET_OUTGOING)
		return;
	if (n > FRAME_MAX) {
		x.too_long++;
		return;
	}
	if (happens(x.loss)) {
		x.lost++;
		return;
	}
	if (happens(x.reordered)) {
		ns += x.delay_ns > MARGIN_NS ? x.delay_ns : MARGIN_NS;
		x.late++;
	}
	hold(bytes, (uint32_t)n, to, ns);
	if (happens(x.duplicates)) {
		hold(bytes, (uint32_t)n, to, ns + MARGIN_NS);
		x.doubled++;
	}
	x.passed++;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	struct packet_mreq all = {
		.mr_ifindex = where.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	const int size = 8 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd == -1 || where.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all,
		sizeof(all)) == -1 ||
	    bind(fd, (struct sockaddr *)&where, sizeof(where)) == -1) {
		perror(name);
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "l:d:r:D:s:")) != -1) {
		double v = atof(optarg);

		if (c == 'l')
			x.loss = (uint32_t)(v * 100);
		else if (c == 'd')
			x.duplicates = (uint32_t)(v * 100);
		else if (c == 'r')
			x.reordered = (uint32_t)(v * 100);
		else if (c == 'D')
			x.delay_ns = (int64_t)(v * NS_PER_MS);
		else if (c == 's')
			x.rnd.state = strtoull(optarg, NULL, 0);
		else
			exit(2);
	}
}

static int wait_ms(void)
{
	int64_t ns;

	if (x.n == 0)
		return 100;
	ns = mono_since(x.held[0]->due, mono_now());
	return ns > 0 ? (int)((ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

int main(int argc, char **argv)
{
	struct pollfd p[2];

	read_options(argc, argv);
	if (argc - optind != 2) {
		fprintf(stderr, "usage: impair [OPTIONS] IF1 IF2\n");
		return 2;
	}
	signal(SIGTERM, stop);
	for (int i = 0; i < 2; i++) {
		x.fd[i] = open_interface(argv[optind + i]);
		p[i] = (struct pollfd){ .fd = x.fd[i], .events = POLLIN };
	}
	printf("joined\n");
	fflush(stdout);
	while (!over) {
		poll(p, 2, wait_ms());
		for (int i = 0; i < 2; i++)
			for (int k = 0; k < 64; k++)
				take(x.fd[i], x.fd[1 - i]);
		while (x.n > 0 && mono_reached(x.held[0]->due, mono_now()))
			let_go();
	}
	printf("passed=%llu lost=%llu doubled=%llu late=%llu too_long=%llu\n",
	    (unsigned long long)x.passed, (unsigned long long)x.lost,
	    (unsigned long long)x.doubled, (unsigned long long)x.late,
	    (unsigned long long)x.too_long);
	return x.too_long > 0;
}
