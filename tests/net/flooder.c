/*
 * flooder.c - an app that writes into its socket without end
 *
 *	flooder MS
 *
 * The descriptor of a socket is for ringing udpd's bell with a byte now and
 * then.  This one writes as much as it can for MS milliseconds, from two
 * threads, and says whether it was cut off.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/strata.h"
#include "shm/clock.h"

struct flood {
	int fd;
	struct mono until;
	long long bytes;
	int error; /* what ended it; 0: the time */
};

static void *flood(void *arg)
{
	static const char junk[4096];
	struct flood *f = arg;

	while (mono_before(mono_now(), f->until)) {
		ssize_t n = send(
		    f->fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			f->bytes += n;
		} else if (errno != EAGAIN) {
			f->error = errno;
			break;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct flood f[2] = { { .fd = -1 } };
	pthread_t second;

	if (argc != 2) {
		fprintf(stderr, "usage: flooder MS\n");
		return 2;
	}
	f[0].fd = strata_socket(AF_INET, SOCK_DGRAM, 0);
	if (f[0].fd == -1) {
		perror("strata_socket");
		return 1;
	}
	f[0].until = mono_add_ms(mono_now(), atoi(argv[1]));
	f[1] = f[0];
	if (pthread_create(&second, NULL, flood, &f[1]) != 0)
		return 1;
	flood(&f[0]);
	pthread_join(second, NULL);
	printf("flooded with %lld bytes, %s\n", f[0].bytes + f[1].bytes,
	    f[0].error || f[1].error ? "cut off" : "never cut off");
	return 0;
}
