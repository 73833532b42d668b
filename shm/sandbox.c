/*
 * sandbox.c - open everything, then shut the door
 */
#include "shm/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/poison.h"

/* What the loop of daemon.c, the log and the C library's malloc need. */
static const int calls[] = {
	SCMP_SYS(io_uring_enter), /* sleep, and linkd's reads and writes */
	SCMP_SYS(write),          /* bells, log */
	SCMP_SYS(read),
	SCMP_SYS(recvmsg), /* control socket, with descriptors */
	SCMP_SYS(sendmsg),
	SCMP_SYS(close),
	SCMP_SYS(mmap), /* apps' segments; malloc */
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(fcntl), /* the seals of an app's segment */
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(sched_yield),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill), /* abort() */
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),
};

static int change_user(struct log *log, unsigned uid)
{
	if (uid == 0 || geteuid() != 0)
		return 0;
	/* In a user namespace of one user there is nobody else to become. */
	if (setgroups(0, NULL) == -1 || setresgid(uid, uid, uid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		log_debug(log, "stays the user it is, errno=%d", errno);
		return 0;
	}
	return 0;
}

static int drop_capabilities(struct log *log)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	static const struct __user_cap_data_struct none[2];

	if (syscall(SYS_capset, &h, none) == -1)
		return log_errno(log, errno, "can't drop capabilities");
	return 0;
}

static int filter_calls(struct log *log, const int *more)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = 0;

	if (f == NULL)
		return log_errno(log, ENOMEM, "seccomp");
	for (size_t i = 0; r == 0 && i < sizeof(calls) / sizeof(*calls); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	for (; r == 0 && more != NULL && *more != -1; more++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, *more, 0);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? log_errno(log, -r, "seccomp") : 0;
}

int sandbox_enter(struct log *log, unsigned uid, const int *more)
{
	int r;

	r = change_user(log, uid);
	if (r == 0)
		r = drop_capabilities(log);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		r = log_errno(log, errno, "no_new_privs");
#ifdef SHM_ASAN
	/* The sanitizers' own run time needs far more than a daemon. */
	(void)more;
	(void)filter_calls;
	return r;
#else
	return r < 0 ? r : filter_calls(log, more);
#endif
}
