/*
 * blocked.c - a program with one thread in recv() and one in sendto()
 *
 *	blocked PORT ADDRESS
 *
 * The first hears datagrams at PORT, the second sends to port 9 of ADDRESS as
 * fast as it can.  A line each 50 ms says how many each has had; the last, when
 * both calls have failed, says why.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/strata.h"

enum {
	DISCARD = 9,
	BYTES = 1000,
	SAY_US = 50 * 1000,
};

struct side {
	struct sockaddr_in at;
	int fd;
	pthread_t thread;
	_Atomic unsigned long count;
	_Atomic int error;
};

static void *hear(void *arg)
{
	struct side *s = arg;
	char bytes[BYTES];

	while (strata_recv(s->fd, bytes, sizeof(bytes), 0) >= 0)
		s->count++;
	s->error = errno;
	return NULL;
}

static void *speak(void *arg)
{
	static const char bytes[BYTES];
	struct side *s = arg;

	while (strata_sendto(s->fd, bytes, sizeof(bytes), 0,
		   (struct sockaddr *)&s->at, sizeof(s->at)) >= 0)
		s->count++;
	s->error = errno;
	return NULL;
}

static bool open_side(struct side *s, const char *address, int port)
{
	s->at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	s->fd = strata_socket(AF_INET, SOCK_DGRAM, 0);
	if (s->fd == -1)
		perror("strata_socket");
	return s->fd != -1 && inet_pton(AF_INET, address, &s->at.sin_addr) == 1;
}

int main(int argc, char **argv)
{
	struct side rx, tx;

	if (argc != 3) {
		fprintf(stderr, "usage: blocked PORT ADDRESS\n");
		return 2;
	}
	memset(&rx, 0, sizeof(rx));
	memset(&tx, 0, sizeof(tx));
	if (!open_side(&rx, "0.0.0.0", atoi(argv[1])) ||
	    !open_side(&tx, argv[2], DISCARD) ||
	    strata_bind(rx.fd, (struct sockaddr *)&rx.at, sizeof(rx.at)) == -1)
		return 1;
	if (pthread_create(&rx.thread, NULL, hear, &rx) != 0 ||
	    pthread_create(&tx.thread, NULL, speak, &tx) != 0)
		return 1;
	while (rx.error == 0 || tx.error == 0) {
		printf("heard %lu sent %lu\n", rx.count, tx.count);
		fflush(stdout);
		usleep(SAY_US);
	}
	printf("recv: %s, sendto: %s\n", strerrorname_np(rx.error),
	    strerrorname_np(tx.error));
	return 0;
}
