/*
 * schedule.c - what a daemon asks of the kernel's scheduler
 */
#include "shm/schedule.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SLICE_NS = 100 * 1000, /* the least that the kernel takes */
};

/* As sched_setattr(2) has it; the C library of Debian 12 has none. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime; /* of the normal policy: the slice */
	uint64_t deadline;
	uint64_t period;
};

static void ask_for_short_slices(void)
{
	struct attributes a = { .size = sizeof(a) };

	/* Whoever has chosen a policy or a nice value for us keeps it. */
	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == -1 ||
	    a.policy != SCHED_OTHER)
		return;
	a.size = sizeof(a);
	a.runtime = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &a, 0);
}

int schedule_daemon(int cpu)
{
	cpu_set_t set;

	ask_for_short_slices();
	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == -1 ? -errno : 0;
}
