/*
 * tcp_calls - many short connections of the kernel's
 *
 *	tcp_calls ADDRESS PORT RATE SECONDS
 *
 * RATE connections a second to an echo server; each asks once, hears the answer
 * and closes.  At the end: how many, how many failed and how, and how long they
 * took in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
	THREADS = 64,
	MOST = 1 << 20,
	ASK_LEN = 64,
};

static struct addrinfo *to;
static uint64_t rate;
static struct mono begin, end;
static atomic_ulong next, done, failed, wrong;
static atomic_int last_errno;
static uint32_t took_us[MOST];

static bool ask(int fd, uint64_t n)
{
	char out[ASK_LEN], in[ASK_LEN];
	size_t got = 0;

	memset(out, (int)('a' + n % 26), sizeof(out));
	if (connect(fd, to->ai_addr, to->ai_addrlen) == -1 ||
	    send(fd, out, sizeof(out), MSG_NOSIGNAL) != sizeof(out))
		return false;
	while (got < sizeof(in)) {
		ssize_t r = recv(fd, in + got, sizeof(in) - got, 0);

		if (r <= 0) {
			errno = r == 0 ? EPIPE : errno;
			return false;
		}
		got += (size_t)r;
	}
	if (memcmp(in, out, sizeof(in)) != 0)
		atomic_fetch_add(&wrong, 1);
	return true;
}

static void wait_until(struct mono t)
{
	struct timespec ts = { t.ns / NS_PER_S, t.ns % NS_PER_S };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *caller(void *arg)
{
	for (;;) {
		uint64_t n = atomic_fetch_add(&next, 1);
		struct mono at =
		    mono_add(begin, (int64_t)(n * NS_PER_S / rate));
		struct mono from;
		int fd;

		if (!mono_before(at, end) || n >= MOST)
			return arg;
		wait_until(at);
		from = mono_now();
		fd = socket(to->ai_family, SOCK_STREAM, 0);
		if (fd == -1 || !ask(fd, n)) {
			atomic_store(&last_errno, errno);
			atomic_fetch_add(&failed, 1);
		}
		close(fd);
		took_us[n] = (uint32_t)(mono_since(mono_now(), from) / 1000);
		atomic_fetch_add(&done, 1);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	pthread_t thread[THREADS];
	uint64_t n;

	if (argc != 5 || getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		fprintf(stderr, "usage: tcp_calls ADDRESS PORT RATE SECONDS\n");
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	begin = mono_now();
	end = mono_add(begin, (int64_t)(atof(argv[4]) * NS_PER_S));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, caller, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	n = atomic_load(&done);
	qsort(took_us, n, sizeof(took_us[0]), compare);
	printf("calls=%llu failed=%lu wrong=%lu error=%s p50_us=%u p99_us=%u "
	       "slowest_ms=%u\n",
	    (unsigned long long)n, atomic_load(&failed), atomic_load(&wrong),
	    strerrorname_np(atomic_load(&last_errno)), took_us[n / 2],
	    took_us[n * 99 / 100], n > 0 ? took_us[n - 1] / 1000 : 0);
	return atomic_load(&failed) + atomic_load(&wrong) > 0;
}
