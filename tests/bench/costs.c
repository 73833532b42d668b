/*
 * costs.c - what this machine charges for the steps that a packet takes
 *
 *	costs
 *
 * One line of key=value, in ns: system calls, a look at the clock, and waking
 * another process through an eventfd, on the same CPU and across two.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
	CALLS = 200000,
	WAKES = 20000,
	RUNS = 5,
	EACH = WAKES / RUNS,
};

static int fd;

static void look_at_clock(void)
{
	mono_now();
}

static void cheapest_call(void)
{
	syscall(SYS_getppid);
}

static void yield(void)
{
	sched_yield();
}

static void ring_and_hear(void)
{
	uint64_t n = 1;

	if (write(fd, &n, sizeof(n)) == -1 || read(fd, &n, sizeof(n)) == -1)
		abort();
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double v[RUNS])
{
	qsort(v, RUNS, sizeof(*v), compare);
	return v[RUNS / 2];
}

static double cost(void (*step)(void))
{
	double v[RUNS];

	for (int r = 0; r < RUNS; r++) {
		struct mono t = mono_now();

		for (int i = 0; i < CALLS; i++)
			step();
		v[r] = (double)mono_since(mono_now(), t) / CALLS;
	}
	return median(v);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void answer_all(int in, int out)
{
	uint64_t n;

	while (read(in, &n, sizeof(n)) == sizeof(n))
		if (write(out, &n, sizeof(n)) == -1)
			break;
	_exit(0);
}

/* One way, to a process that sleeps on @cpu. */
static double wake(int cpu)
{
	int to = eventfd(0, EFD_CLOEXEC);
	int from = eventfd(0, EFD_CLOEXEC);
	double v[RUNS];
	pid_t child = fork();

	stay_on(child == 0 ? cpu : 0);
	if (child == 0)
		answer_all(to, from);
	for (int r = 0; r < RUNS; r++) {
		struct mono t = mono_now();

		for (int i = 0; i < EACH; i++) {
			uint64_t n = 1;

			if (write(to, &n, sizeof(n)) == -1 ||
			    read(from, &n, sizeof(n)) == -1)
				abort();
		}
		v[r] = (double)mono_since(mono_now(), t) / (2 * EACH);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(to);
	close(from);
	return median(v);
}

int main(void)
{
	fd = eventfd(0, EFD_CLOEXEC);
	printf("clock=%.0f syscall=%.0f yield=%.0f eventfd_pair=%.0f",
	    cost(look_at_clock), cost(cheapest_call), cost(yield),
	    cost(ring_and_hear));
	printf(" wake_same=%.0f", wake(0));
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		printf(" wake_other=%.0f", wake(1));
	printf("\n");
	return 0;
}
