/*
 * room.c - asleep until there is room to write, or a connection (shm/app.h)
 *
 * tx_room is another word whenever there may be.  It is a futex, which is
 * cheap, but nobody wakes who sleeps on it when the stack is gone.  So a call
 * sleeps on it briefly, and for long in poll(2), which sees the stack's end.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "api/lib.h"

enum {
	BRIEF_NS = 100 * NS_PER_MS, /* most waits are over by then */
	LOOK_NS = NS_PER_S, /* between looks whether the stack is there */
};

struct mono room_deadline(const struct sock *k)
{
	int64_t ns = atomic_load(&k->l->send_timeout_ns);

	return ns > 0 ? mono_add(mono_now(), ns) : MONO_NEVER;
}

uint32_t room_word(const struct sock *k)
{
	return atomic_load_explicit(&k->s->tx_room, memory_order_acquire);
}

static int sleep_on_word(const struct sock *k, uint32_t seen, int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S };
	int r = 0;

	atomic_fetch_add(&k->a->tx_waiting, 1);
	/* Full fence: that we wait before the word (app.h). */
	atomic_thread_fence(memory_order_seq_cst);
	if (syscall(SYS_futex, &k->s->tx_room, FUTEX_WAIT, seen, &ts, NULL,
		0) == -1)
		r = -errno;
	atomic_fetch_sub(&k->a->tx_waiting, 1);
	return r;
}

int room_wait(const struct sock *k, uint32_t seen, struct mono deadline)
{
	int64_t left = mono_since(deadline, mono_now());
	int r;

	if (left <= 0)
		return -EAGAIN;
	r = sleep_on_word(k, seen, left < BRIEF_NS ? left : BRIEF_NS);
	if (r == -ETIMEDOUT)
		r = sock_sleep(k, deadline);
	if (r == -EINTR)
		return sock_interrupted(k) ? -EINTR : 0;
	return r == -EAGAIN && mono_since(deadline, mono_now()) > 0 ? 0 : r;
}

int room_wait_word(const struct sock *k, uint32_t seen, struct mono deadline)
{
	int64_t left = mono_since(deadline, mono_now());
	int r;

	if (left <= 0)
		return -EAGAIN;
	r = sleep_on_word(k, seen, left < LOOK_NS ? left : LOOK_NS);
	if (r == -EINTR)
		return sock_interrupted(k) ? -EINTR : 0;
	return r == -ETIMEDOUT && sock_is_down(k) ? -ENETDOWN : 0;
}
