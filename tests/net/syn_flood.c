/*
 * syn_flood - SYNs from addresses that nobody has
 *
 *	syn_flood ADDRESS PORT RATE SECONDS
 *
 * RATE of them a second, each from another address in 10/8 and another port,
 * with the options of a usual client.  At the end: how many were sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "shm/bytes.h"
#include "shm/clock.h"
#include "tcpd/tcp_wire.h"
#include "tests/harness/random.h"

enum {
	BATCH = 64,
	SYN_LEN = 20 + 40,
};

static struct random rnd = { .state = 1 };

static size_t make_syn(uint8_t *p, struct in_addr to, uint16_t port)
{
	struct tcp_hdr h = {
		.src_port = (uint16_t)(1024 + random_below(&rnd, 60000)),
		.dst_port = port,
		.seq = seq_of(random_below(&rnd, UINT32_MAX)),
		.flags = TCP_SYN,
		.window = 64240,
		.has_mss = true,
		.mss = 1460,
		.has_wscale = true,
		.wscale = 7,
		.sack_permitted = true,
		.has_ts = true,
		.ts_val = random_below(&rnd, UINT32_MAX),
	};
	uint8_t from4[4] = { 10, (uint8_t)random_below(&rnd, 256),
		(uint8_t)random_below(&rnd, 256),
		(uint8_t)(1 + random_below(&rnd, 250)) };
	uint8_t to4[4];
	struct ip_addr from = ip_from_v4(from4), dst;
	size_t len = tcp_emit_len(&h);

	memcpy(to4, &to, sizeof(to4));
	dst = ip_from_v4(to4);
	memset(p, 0, 20);
	p[0] = 0x45;
	be16_put(p + 2, (uint16_t)(20 + len));
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, from4, 4);
	memcpy(p + 16, to4, 4);
	tcp_emit(p + 20, &h);
	tcp_checksum_seal(p + 20, len, &from, &dst);
	return 20 + len;
}

static uint32_t send_batch(int fd, const struct sockaddr_in *to, uint16_t port)
{
	static uint8_t bytes[BATCH][SYN_LEN + 20];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = bytes[i];
		iov[i].iov_len = make_syn(bytes[i], to->sin_addr, port);
		m[i] = (struct mmsghdr){ .msg_hdr = {
					     .msg_name = (void *)(uintptr_t)to,
					     .msg_namelen = sizeof(*to),
					     .msg_iov = &iov[i],
					     .msg_iovlen = 1,
					 } };
	}
	n = sendmmsg(fd, m, BATCH, 0);
	return n > 0 ? (uint32_t)n : 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mono begin = mono_now();
	uint64_t rate, sent = 0;
	double seconds;
	int fd;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: syn_flood ADDRESS PORT RATE SECONDS\n");
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	seconds = atof(argv[4]);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd == -1) {
		perror("socket");
		return 1;
	}
	for (;;) {
		int64_t ns = mono_since(mono_now(), begin);

		if ((double)ns > seconds * NS_PER_S)
			break;
		if (sent < (uint64_t)ns * rate / NS_PER_S) {
			sent += send_batch(fd, &to, (uint16_t)atoi(argv[2]));
		} else {
			struct timespec moment = { .tv_nsec = 100000 };

			nanosleep(&moment, NULL);
		}
	}
	printf("sent=%llu rate=%llu\n", (unsigned long long)sent,
	    (unsigned long long)((double)sent / seconds));
	return 0;
}
