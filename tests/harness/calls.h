/*
 * calls.h - sockets of the kernel and of a stack by the same names, so that one
 * test holds both to the same expectations
 *
 * In a pair, a is of whom is tested and b is the other end:
 *
 *	us to kernel	a of the stack connects to b of the kernel, or accepts
 *	us to us	both ends are the stack's, over its own address
 *	kernel		both are the kernel's: the test itself is tested
 */
#ifndef TESTS_HARNESS_CALLS_H
#define TESTS_HARNESS_CALLS_H

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct calls {
	const char *name;
	int (*socket)(int, int, int);
	int (*close)(int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	int (*shutdown)(int, int);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*fcntl)(int, int, ...);
	int (*ioctl)(int, unsigned long, ...);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*sendto)(
	    int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*recvfrom)(
	    int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*writev)(int, const struct iovec *, int);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*epoll_create1)(int);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
	int (*epoll_wait)(int, struct epoll_event *, int, int);
};

extern const struct calls kernel_calls, strata_calls;

/* Where each side is. */
struct side {
	const struct calls *c;
	struct in_addr ip;
};

/* Who is tested, and who is at the other end. */
extern struct side us, them;

struct pair {
	int a; /* us.c's */
	int b; /* them.c's */
};

/* Counts and prints what does not hold. */
extern int failures;
bool expect_at(bool ok, const char *what, const char *file, int line);
#define expect(what) expect_at((what), #what, __FILE__, __LINE__)
bool fails_with_at(
    long r, int want, const char *what, const char *file, int line);
#define fails_with(call, err) \
	fails_with_at((call), (err), #call, __FILE__, __LINE__)

/* A listener of @s, its name in *@ret. */
int listening(const struct side *s, int backlog, struct sockaddr_in *ret);
int connected_to(const struct side *s, const struct sockaddr_in *to);

struct pair we_connect(void);
struct pair we_accept(void);
void close_pair(struct pair p);

void set_int(const struct calls *c, int fd, int level, int name, int v);
int get_int(const struct calls *c, int fd, int level, int name);
void set_time(const struct calls *c, int fd, int name, int ms);
void reset_on_close(const struct calls *c, int fd);
void nonblocking(const struct calls *c, int fd);

/* What poll says of @fd within @ms: 0 if nothing. */
short polled(const struct calls *c, int fd, short events, int ms);

/* Milliseconds since some point; of the clock, and of this program's CPU. */
double clock_ms(void);
double cpu_ms(void);
void sleep_ms(int ms);

/* With V=1 each prints its name and its time. */
#define run(test)            (run_begin(), test(), run_end(#test))
#define run_with(test, pair) (run_begin(), test(pair), run_end(#test))
void run_begin(void);
void run_end(const char *name);

/* usage: PROGRAM kernel | OURS | OURS THEIRS, the latter the kernel's. */
int calls_main(int argc, char **argv, void (*test)(void));

#endif /* TESTS_HARNESS_CALLS_H */
