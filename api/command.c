/*
 * command.c - asking the transport, and what it shows of a socket
 */
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "api/lib.h"

enum {
	LOOK_NS = 100 * 1000 * 1000, /* between looks whether it is there */
	MANY_BYTES = 64, /* so many may wait on an fd that nobody reads */
};

void sock_post(const struct sock *k)
{
	struct a2s_head *h = (void *)k->lib->a2s;
	const struct s2a_head *to = (const void *)k->lib->s2a[k->l->proc];
	uint32_t n;

	lib_lock(&k->lib->shared->post);
	n = atomic_load_explicit(&h->posted, memory_order_relaxed);
	atomic_store_explicit(
	    &h->event[n % APP_EVENTS], (uint16_t)k->sub, memory_order_relaxed);
	atomic_store_explicit(&h->posted, n + 1, memory_order_release);
	lib_unlock(&k->lib->shared->post);

	/* Full fence: our event before its "asleep" (app.h). */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&to->asleep, memory_order_relaxed))
		send(k->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* As the @n-th, which *@said counts then. */
static void say(struct app_time ring[APP_TIMES], _Atomic uint64_t *said,
    uint64_t from, uint64_t to)
{
	uint64_t n = atomic_load_explicit(said, memory_order_relaxed);
	struct app_time *t = &ring[n % APP_TIMES];

	/* Release: the last count before what overwrites an old one. */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&t->from, from, memory_order_relaxed);
	atomic_store_explicit(&t->to, to, memory_order_relaxed);
	atomic_store_explicit(&t->when, mono_now().ns, memory_order_relaxed);
	atomic_store_explicit(said, n + 1, memory_order_release);
}

static struct a2s_times *times_of(const struct sock *k)
{
	return (void *)(k->lib->a2s + a2s_times_off(k->sub));
}

void sock_say_write(const struct sock *k, uint64_t from, uint64_t to)
{
	say(times_of(k)->tx, &k->a->tx_said, from, to);
}

void sock_say_read(const struct sock *k, uint64_t from, uint64_t to)
{
	say(times_of(k)->rx, &k->a->rx_said, from, to);
}

bool sock_is_down(const struct sock *k)
{
	struct pollfd p = { .fd = k->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 &&
	    (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/*
 * An answer comes with no byte, so that poll(2) cannot be slept in.  But it
 * takes no longer than a turn of the transport: who looks whether that will
 * ever take one again looks while it is dead, and at no other time.
 */
static int wait_for_answer(const struct sock *k, uint32_t seq)
{
	static const struct timespec look = { .tv_nsec = LOOK_NS };
	uint32_t answered;

	while ((answered = atomic_load_explicit(
		    &k->s->reply_seq, memory_order_acquire)) != seq) {
		if (syscall(SYS_futex, &k->s->reply_seq, FUTEX_WAIT, answered,
			&look, NULL, 0) == -1 &&
		    errno == ETIMEDOUT && sock_is_down(k))
			return -ENETDOWN;
	}
	return 0;
}

int sock_command(const struct sock *k, uint32_t op, const uint32_t arg[2],
    const void *data, uint32_t len, void *reply, uint32_t *reply_len)
{
	struct a2s_socket *a = k->a;
	uint32_t seq;
	int r;

	lib_lock(&k->l->command);
	seq = atomic_load_explicit(&a->cmd_seq, memory_order_relaxed);
	/* Whoever asked before and died: its answer must be there first. */
	r = wait_for_answer(k, seq);
	if (r < 0)
		goto out;
	a->cmd_op = op;
	a->cmd_len = len;
	a->cmd_arg[0] = arg ? arg[0] : 0;
	a->cmd_arg[1] = arg ? arg[1] : 0;
	memcpy(a->cmd_data, data ? data : "", data ? len : 0);
	atomic_store_explicit(&a->cmd_waiting, 1, memory_order_relaxed);
	atomic_store_explicit(&a->cmd_seq, ++seq, memory_order_release);
	sock_post(k);
	r = wait_for_answer(k, seq);
	atomic_store_explicit(&a->cmd_waiting, 0, memory_order_relaxed);
	if (r < 0)
		goto out;
	r = k->s->result;
	if (reply != NULL) {
		uint32_t n = k->s->reply_len;

		n = n < APP_REPLY_BYTES ? n : APP_REPLY_BYTES;
		*reply_len = n < *reply_len ? n : *reply_len;
		memcpy(reply, k->s->reply, *reply_len);
	}
out:
	lib_unlock(&k->l->command);
	return r;
}

int sock_command_name(
    const struct sock *k, uint32_t op, const struct app_name *name)
{
	return sock_command(k, op, NULL, name, sizeof(*name), NULL, NULL);
}

static void copy_names(const struct sock *k, names *ret)
{
	/* The transport may have died over it; its next instance goes on. */
	while (!published_copy(ret, &k->s->names, sizeof(*ret)) &&
	    !sock_is_down(k)) {
		static const struct timespec moment = { .tv_nsec = 1000000 };

		nanosleep(&moment, NULL);
	}
}

void sock_names(const struct sock *k, names *ret)
{
	copy_names(k, ret);
	/* So new that the transport has not shown it yet. */
	if (!ret->open) {
		sock_refresh(k);
		copy_names(k, ret);
	}
	/* Room is counted in what the ring can hold. */
	if (ret->sndbuf > APP_TX_BYTES)
		ret->sndbuf = APP_TX_BYTES;
}

void sock_refresh(const struct sock *k)
{
	const uint32_t what[2] = { SOL_SOCKET, SO_BROADCAST };

	sock_command(k, APP_OP_GETOPT, what, NULL, 0, NULL, NULL);
}

bool sock_has_error(const struct sock *k)
{
	return atomic_load_explicit(&k->s->error, memory_order_acquire) !=
	    atomic_load_explicit(&k->a->error_taken, memory_order_relaxed);
}

int sock_take_error(const struct sock *k)
{
	uint64_t error =
	    atomic_load_explicit(&k->s->error, memory_order_acquire);

	/* Of several threads one gets it. */
	if (atomic_exchange(&k->a->error_taken, error) == error)
		return 0;
	return -(int)(uint32_t)error;
}

/* ---- What poll waits for (app.h) */

void sock_poll_room(const struct sock *k, uint32_t level)
{
	atomic_store(&k->a->tx_poll, 1 + level);
	/* Full fence: our word before its counts. */
	atomic_thread_fence(memory_order_seq_cst);
}

void sock_poll_bytes(const struct sock *k, uint32_t bytes)
{
	atomic_store(&k->a->rx_poll, bytes);
	atomic_thread_fence(memory_order_seq_cst);
}

bool sock_room_wanted(const struct sock *k)
{
	if (atomic_load_explicit(&k->a->tx_poll, memory_order_relaxed) == 0 ||
	    !(sock_ready(k, POLLOUT) & POLLOUT))
		return false;
	if (atomic_load(&k->l->room_waits) > 0)
		return true;
	sock_room_seen(k, 0);
	return false;
}

void sock_room_seen(const struct sock *k, uint32_t mine)
{
	if (atomic_load_explicit(&k->a->tx_poll, memory_order_relaxed) == 0 ||
	    atomic_load(&k->l->room_waits) > mine ||
	    atomic_exchange(&k->a->tx_poll, 0) == 0)
		return;
	/* Who came meanwhile counted himself before he wrote tx_poll. */
	if (atomic_load(&k->l->room_waits) > mine)
		sock_ask_for_byte(k);
}

void sock_ask_for_byte(const struct sock *k)
{
	atomic_fetch_add(&k->a->kick, 1);
	sock_post(k);
}

void sock_drain(const struct sock *k, bool all)
{
	char bytes[256];
	ssize_t n;

	if (!all || sock_room_wanted(k)) {
		n = recv(k->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
		if (n > MANY_BYTES)
			recv(k->fd, bytes, (size_t)n - 1, MSG_DONTWAIT);
		return;
	}
	while (recv(k->fd, bytes, sizeof(bytes), MSG_DONTWAIT) ==
	    (ssize_t)sizeof(bytes))
		;
	/* Full fence: whatever comes from now on is told by another byte. */
	atomic_thread_fence(memory_order_seq_cst);
	if (sock_room_wanted(k))
		sock_ask_for_byte(k);
}

/* ---- Signals */

/* Nothing that comes from outside while somebody waits. */
static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
	    sig == SIGILL || sig == SIGTRAP || sig == SIGSYS || sig == SIGABRT;
}

/*
 * Which signal it was is not to be known.  If all handlers have SA_RESTART,
 * as most programs want it, calls go on as the kernel's do (signal(7)).
 */
bool sock_interrupted(const struct sock *k)
{
	if (atomic_load(&k->l->send_timeout_ns) > 0)
		return true;
	for (int i = 1; i < NSIG; i++) {
		struct sigaction act;

		if (!is_fault(i) && sigaction(i, NULL, &act) == 0 &&
		    act.sa_handler != SIG_DFL && act.sa_handler != SIG_IGN &&
		    !(act.sa_flags & SA_RESTART))
			return true;
	}
	return false;
}
