/*
 * schedule.h - what a daemon asks of the kernel's scheduler
 *
 * A daemon works for microseconds at a time and sleeps again; what counts is
 * how soon it gets a CPU, not how long it may keep it.
 */
#ifndef SHM_SCHEDULE_H
#define SHM_SCHEDULE_H

/*
 * Bind this process to @cpu (-1: leave it where the kernel likes), and ask for
 * short slices: since Linux 6.12 a process that asks for less at a time gets it
 * sooner, ahead of those in the middle of a longer slice, and no larger share
 * for it.  Older kernels take no notice.  Returns 0, or a negative errno if the
 * CPU can't be had.
 */
int schedule_daemon(int cpu);

#endif /* SHM_SCHEDULE_H */
