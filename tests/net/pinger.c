/*
 * pinger.c - an echo request for each number, an account of each reply
 *
 *	pinger [-c COUNT] [-i US | -w WINDOW] [-s BYTES] [-m MARKS] ADDRESS
 *
 * Like ping, but on time to the microsecond, with every byte of every reply
 * checked and the longest silence told.  BYTES is the ICMP message with its
 * header: 64 for what ping calls 56.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/flow.h"

enum {
	HEADER = 8, /* of ICMP */
	NUMBER = 4, /* then the number, then the pattern */
	LARGEST = 65536,
	LINGER_MS = 1000,
};

struct pinger {
	struct flow flow; /* first: the callbacks get it */
	bool v6;
	uint16_t id;
	size_t size;
	uint8_t out[LARGEST];
	uint8_t in[LARGEST + 64];
};

static int send_one(struct flow *f, uint32_t number)
{
	struct pinger *p = (struct pinger *)f;

	memset(p->out, 0, HEADER);
	p->out[0] = p->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	be16_put(p->out + 4, p->id);
	be16_put(p->out + 6, (uint16_t)number);
	be32_put(p->out + HEADER, number);
	flow_fill(p->out + HEADER + NUMBER, p->size - HEADER - NUMBER, number);
	/* Of ICMPv6 the kernel does the sum. */
	if (!p->v6)
		be16_put(p->out + 2, csum_fold(csum_add(0, p->out, p->size)));
	/* A full queue is a wait, not a loss. */
	while (send(f->fd, p->out, p->size, 0) == -1)
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -errno;
	return 0;
}

static void take(struct pinger *p, size_t len)
{
	const uint8_t *m = p->in;
	uint32_t number;

	if (!p->v6) { /* a raw socket of IPv4 sees the header */
		size_t header = (size_t)(m[0] & 15) * 4;

		if (len < header)
			return;
		m += header;
		len -= header;
	}
	if (len < HEADER || be16_get(m + 4) != p->id ||
	    m[0] != (p->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
		return;
	if (len != p->size) {
		p->flow.corrupt++;
		return;
	}
	number = be32_get(m + HEADER);
	if (!flow_intact(m + HEADER + NUMBER, len - HEADER - NUMBER, number))
		p->flow.corrupt++;
	else
		flow_back(&p->flow, number, mono_now());
}

static void receive_all(struct flow *f)
{
	struct pinger *p = (struct pinger *)f;
	ssize_t n;

	while ((n = recv(f->fd, p->in, sizeof(p->in), MSG_DONTWAIT)) > 0)
		take(p, (size_t)n);
}

static int open_socket(const struct pinger *p, const char *address)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *to = p->v6 ? (void *)&to6 : (void *)&to4;
	socklen_t len = p->v6 ? sizeof(to6) : sizeof(to4);
	int room = 64 << 20;
	int fd;

	if (inet_pton(p->v6 ? AF_INET6 : AF_INET, address,
		p->v6 ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(p->v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
	    p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ==
	    -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return connect(fd, to, len) == -1 ? -1 : fd;
}

static int usage(void)
{
	fprintf(stderr,
	    "usage: pinger [-c COUNT] [-i US | -w WINDOW] [-s BYTES]"
	    " [-m MARKS] ADDRESS\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct pinger p = {
		.flow = { .count = 1000,
		    .send = send_one,
		    .receive = receive_all,
		    .linger_ns = (int64_t)LINGER_MS * NS_PER_MS },
		.size = 64,
	};
	struct flow *f = &p.flow;
	const char *marks = NULL;
	int c;

	while ((c = getopt(argc, argv, "c:i:w:s:m:")) != -1) {
		if (c == 'c')
			f->count = (uint32_t)atoi(optarg);
		else if (c == 'i')
			f->interval_ns = atoll(optarg) * NS_PER_US;
		else if (c == 'w')
			f->window = (uint32_t)atoi(optarg);
		else if (c == 's')
			p.size = (size_t)atoi(optarg);
		else if (c == 'm')
			marks = optarg;
		else
			return usage();
	}
	if (optind + 1 != argc || p.size < HEADER + NUMBER || f->count == 0 ||
	    p.size > LARGEST - HEADER)
		return usage();
	p.v6 = strchr(argv[optind], ':') != NULL;
	p.id = (uint16_t)getpid();
	f->fd = open_socket(&p, argv[optind]);
	if (f->fd == -1 || !flow_open(f)) {
		perror("pinger");
		return 2;
	}
	flow_run(f);
	flow_print(f, marks, stdout);
	flow_close(f);
	close(f->fd);
	return f->back == f->count && f->corrupt == 0 ? 0 : 1;
}
