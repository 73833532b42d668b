/*
 * tcp_hold - many connections of the kernel's at once
 *
 *	tcp_hold ADDRESS PORT COUNT
 *
 * Opens COUNT connections to an echo server one after the other, and asks on
 * each once; says "open", how long the first and the last hundred took, and
 * waits for the end of standard input; then asks on each once more.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
	MOST = 20000,
	SOME = 100,
};

static int fd[MOST];
static int64_t took_ns[MOST];

static void ask(int i)
{
	char byte = (char)i, back;

	if (send(fd[i], &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recv(fd[i], &back, 1, 0) != 1 || back != byte) {
		fprintf(stderr, "connection %d: ", i);
		perror("no echo");
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static long long median_us(int from)
{
	qsort(took_ns + from, SOME, sizeof(took_ns[0]), compare);
	return took_ns[from + SOME / 2] / 1000;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct rlimit many;
	struct addrinfo *to;
	int n = argc == 4 ? atoi(argv[3]) : 0;
	char c;

	if (n < SOME || n > MOST ||
	    getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		fprintf(stderr, "usage: tcp_hold ADDRESS PORT COUNT\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &many);
	many.rlim_cur = many.rlim_max;
	setrlimit(RLIMIT_NOFILE, &many);
	for (int i = 0; i < n; i++) {
		struct mono from = mono_now();

		fd[i] = socket(to->ai_family, SOCK_STREAM, 0);
		if (connect(fd[i], to->ai_addr, to->ai_addrlen) == -1) {
			fprintf(stderr, "connection %d: ", i);
			perror("connect");
			return 1;
		}
		ask(i);
		took_ns[i] = mono_since(mono_now(), from);
	}
	printf("open=%d first_us=%lld last_us=%lld\n", n, median_us(0),
	    median_us(n - SOME));
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) == 1)
		;
	for (int i = 0; i < n; i++)
		ask(i);
	printf("asked=%d\n", n);
	return 0;
}
