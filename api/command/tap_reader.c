/*
 * tap_reader.c - the taps of a running stack, as one stream in order of time
 */
#include "api/command/tap_reader.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/command/command.h"
#include "shm/control.h"
#include "shm/join.h"
#include "shm/segment.h"
#include "shm/wiring.h"

enum {
	AWAY_MS = 3000, /* a new supervisor needs some 10 */
	STOP_MS = 200,  /* for the turns that are open */
	HOLD_MS = 1000, /* who is silent so long is waited for no more */
	COLLECT = 8 * 1024 * 1024, /* bytes of one daemon at a time */
	QUEUE = 256 * 1024 * 1024, /* and at all */
	FIRST_ROOM = 16 * 1024 * 1024,
	HUGE = 2 * 1024 * 1024, /* a page */
	RECORD_MAX = sizeof(struct tap_record) + TAP_SNAP_MAX + TAP_ALIGN,
};

/* ---- The supervisor ---- */

static json_t *numbers(uint64_t mask)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < 64; i++)
		if (mask >> i & 1)
			json_array_append_new(list, json_integer(i));
	return list;
}

static char *question(const struct taps_wish *w)
{
	json_t *q = json_pack("{s:s, s:o, s:o, s:b, s:b, s:b, s:i}", "command",
	    "tap", "rings", numbers(w->rings), "devices", numbers(w->devices),
	    "drops", (w->flags & TAP_DROPS) != 0, "trace",
	    (w->flags & TAP_TRACE) != 0, "measure",
	    (w->flags & TAP_MEASURE) != 0, "snap", (int)w->snap);
	char *text = json_dumps(q, JSON_COMPACT);

	json_decref(q);
	return text;
}

static void close_all(const struct ctl_msg *m, const int *fds)
{
	for (uint32_t i = 0; i < m->nfds; i++)
		close(fds[i]);
}

/* It refuses in JSON, like all commands. */
static void print_refusal(const struct ctl_msg *m, const int *fds)
{
	json_t *a = NULL;
	const char *why;

	if (m->nfds == 1 && lseek(fds[0], 0, SEEK_SET) == 0)
		a = json_loadfd(fds[0], 0, NULL);
	why = json_string_value(json_object_get(a, "error"));
	fprintf(stderr, "strata: %s\n", why != NULL ? why : "refused");
	json_decref(a);
}

/* Ask, and wait for the answer.  0, -EACCES (said already) or another. */
static int ask(int sock, const struct taps_wish *w, struct ctl_msg *m,
    int fds[CTL_MAX_FDS])
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	char *text = question(w);
	ssize_t n = -1;
	int r;

	if (text != NULL)
		n = send(sock, text, strlen(text), MSG_NOSIGNAL);
	free(text);
	if (n == -1)
		return -EPIPE;
	while ((r = poll(&p, 1, AWAY_MS)) == -1 && errno == EINTR)
		;
	if (r != 1)
		return -ETIMEDOUT;
	r = ctl_recv(sock, m, fds);
	if (r < 0 || m->type == CTL_TAP)
		return r;
	print_refusal(m, fds);
	close_all(m, fds);
	return -EACCES;
}

/* ---- Opening ---- */

static int map_plan(struct taps *t, const struct ctl_msg *m, const int *fds)
{
	struct stat st;
	void *p;
	int r;

	if (m->nfds == 0 || m->fd[0].role != FD_PLAN)
		return -EPROTO;
	r = segment_map(&p, fds[0], sizeof(struct topology), false);
	if (r < 0)
		return r;
	t->topo = p;
	if (fstat(fds[0], &st) == -1)
		return -errno;
	t->plan = st.st_ino;
	return 0;
}

static int map_one(struct taps *t, const struct ctl_fd *f, int fd)
{
	void *p;
	int r;

	if (f->index >= t->topo->nprocs)
		return -EPROTO;
	if (f->role == FD_OUT) {
		r = segment_map(&p, fd, sizeof(struct out_head), false);
		if (r == 0)
			t->head[f->index] = p;
		return r;
	}
	r = segment_map(&p, fd, TAP_SEGMENT_BYTES, false);
	if (r < 0)
		return r;
	return tap_reader_open(&t->reader[f->index], p) ? 0 : -EBUSY;
}

static int map_all(struct taps *t, const struct ctl_msg *m, const int *fds)
{
	int r = map_plan(t, m, fds);

	for (uint32_t i = 1; r == 0 && i < m->nfds; i++)
		if (m->fd[i].role == FD_TAP || m->fd[i].role == FD_OUT)
			r = map_one(t, &m->fd[i], fds[i]);
	for (uint32_t p = 0; r == 0 && p < t->topo->nprocs; p++)
		if (t->reader[p].mem == NULL || t->head[p] == NULL)
			r = -EPROTO;
	return r;
}

static int64_t ns_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int taps_open(struct taps *t, const char *stack)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	*t = (struct taps){ .sock = -1, .away = MONO_NEVER };
	snprintf(t->stack, sizeof(t->stack), "%s", stack);
	t->sock = reach_stack(stack);
	if (t->sock < 0)
		return -1;
	r = ask(t->sock, &t->wish, &m, fds);
	if (r == 0) {
		r = map_all(t, &m, fds);
		close_all(&m, fds);
	}
	if (r < 0 && r != -EACCES)
		fprintf(stderr, "strata: can't see into stack \"%s\": %s\n",
		    stack, strerror(-r));
	t->real_ns = ns_of(CLOCK_REALTIME) - ns_of(CLOCK_MONOTONIC);
	return r < 0 ? -1 : 0;
}

int taps_want(struct taps *t, const struct taps_wish *w)
{
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	t->wish = *w;
	r = ask(t->sock, w, &m, fds);
	if (r == 0)
		close_all(&m, fds);
	else if (r != -EACCES)
		fprintf(stderr, "strata: stack \"%s\" does not answer: %s\n",
		    t->stack, strerror(-r));
	return r < 0 ? -1 : 0;
}

static void unmap(const void *p, size_t bytes)
{
	if (p != NULL)
		segment_unmap((void *)(uintptr_t)p, bytes);
}

void taps_close(struct taps *t)
{
	if (t->sock >= 0)
		close(t->sock);
	for (uint32_t p = 0; p < TOPO_MAX_PROCS; p++) {
		free(t->queue[p].mem);
		unmap(t->reader[p].mem, TAP_SEGMENT_BYTES);
		unmap(t->head[p], sizeof(struct out_head));
	}
	unmap(t->topo, sizeof(struct topology));
	*t = (struct taps){ .sock = -1 };
}

/* ---- A supervisor that is away ---- */

/* True if it is our stack's: the plan is the same. */
static bool is_ours(
    const struct taps *t, const struct ctl_msg *m, const int *fds)
{
	struct stat st;

	return m->nfds > 0 && m->fd[0].role == FD_PLAN &&
	    fstat(fds[0], &st) == 0 && st.st_ino == t->plan;
}

static bool reconnect(struct taps *t)
{
	int sock = join_connect(t->stack);
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	bool ours = false;

	if (sock < 0)
		return false;
	if (ask(sock, &t->wish, &m, fds) == 0) {
		ours = is_ours(t, &m, fds);
		close_all(&m, fds);
	}
	if (!ours) {
		close(sock);
		return false;
	}
	t->sock = sock;
	t->away = MONO_NEVER;
	return true;
}

static void lose_connection(struct taps *t)
{
	close(t->sock);
	t->sock = -1;
	t->away = mono_now();
}

bool taps_wait(struct taps *t, int ms)
{
	struct pollfd p = { .fd = t->sock, .events = POLLIN };

	if (poll(&p, 1, ms) == 1 && t->sock >= 0)
		lose_connection(t);
	if (t->sock >= 0 || reconnect(t))
		return true;
	return mono_since(mono_now(), t->away) < (int64_t)AWAY_MS * NS_PER_MS;
}

static bool all_at_rest(const struct taps *t)
{
	for (uint32_t p = 0; p < t->topo->nprocs; p++)
		if (tap_watermark(&t->reader[p], MONO_NEVER).ns !=
		    MONO_NEVER.ns)
			return false;
	return true;
}

void taps_stop(struct taps *t)
{
	static const struct taps_wish nothing = { .snap = 1 };
	struct mono until = mono_add_ms(mono_now(), STOP_MS);

	if (t->sock < 0 || taps_want(t, &nothing) < 0)
		return;
	while (!all_at_rest(t) && mono_before(mono_now(), until))
		poll(NULL, 0, 1);
}

/* ---- Merging ---- */

static void move_to_front(struct tap_queue *q)
{
	memmove(q->mem, q->mem + q->start, q->end - q->start);
	q->end -= q->start;
	q->start = 0;
}

static bool make_room(struct tap_queue *q)
{
	size_t room = q->room > 0 ? q->room * 2 : FIRST_ROOM;
	uint8_t *grown;

	if (q->room - q->end < RECORD_MAX && q->start > q->room / 2)
		move_to_front(q);
	if (q->room - q->end >= RECORD_MAX)
		return true;
	grown = aligned_alloc(HUGE, room);
	if (grown == NULL)
		return false;
	/* In small pages the first touch costs more than the copy. */
	madvise(grown, room, MADV_HUGEPAGE);
	if (q->end > 0)
		memcpy(grown, q->mem, q->end);
	free(q->mem);
	q->mem = grown;
	q->room = room;
	return true;
}

/* In the queue a record has no more bytes than it needs, aligned. */
static size_t stored(uint32_t caplen)
{
	size_t bytes = sizeof(struct tap_record) + caplen;

	return (bytes + TAP_ALIGN - 1) & ~(size_t)(TAP_ALIGN - 1);
}

static size_t collect_one(struct taps *t, uint32_t p, struct mono now)
{
	struct tap_queue *q = &t->queue[p];
	struct mono bound = tap_watermark(&t->reader[p], now);
	struct mono old = mono_add_ms(now, -HOLD_MS);
	size_t before = q->end - q->start;
	struct tap_record r;

	/* One that is stopped amid a turn must not stop all others. */
	q->bound = mono_before(bound, old) ? old : bound;
	while (q->end - q->start < QUEUE && make_room(q) &&
	    q->end - q->start < before + COLLECT) {
		uint8_t *to = q->mem + q->end;

		if (!tap_read(&t->reader[p], &r, to + sizeof(r)))
			break;
		memcpy(to, &r, sizeof(r));
		q->end += stored(r.caplen);
	}
	return q->end - q->start - before;
}

size_t taps_collect(struct taps *t)
{
	struct mono now = mono_now();
	size_t bytes = 0;

	for (uint32_t p = 0; p < t->topo->nprocs; p++)
		bytes += collect_one(t, p, now);
	return bytes;
}

size_t taps_queued(const struct taps *t)
{
	size_t bytes = 0;

	for (uint32_t p = 0; p < t->topo->nprocs; p++)
		bytes += t->queue[p].end - t->queue[p].start;
	return bytes;
}

/* Who has the oldest record, and no other can have an older one. */
static int oldest(const struct taps *t, bool all)
{
	int best = -1;
	int64_t time = INT64_MAX;

	for (uint32_t p = 0; p < t->topo->nprocs; p++) {
		const struct tap_queue *q = &t->queue[p];
		struct tap_record r;

		if (q->start == q->end)
			continue;
		memcpy(&r, q->mem + q->start, sizeof(r));
		if (best == -1 || r.time < time) {
			best = (int)p;
			time = r.time;
		}
	}
	for (uint32_t p = 0; !all && p < t->topo->nprocs; p++)
		if (t->queue[p].start == t->queue[p].end &&
		    t->queue[p].bound.ns < time)
			return -1;
	return best;
}

bool taps_next(struct taps *t, struct tapped *ret, bool all)
{
	int p = oldest(t, all);
	struct tap_queue *q;

	if (p < 0)
		return false;
	q = &t->queue[p];
	memcpy(&ret->r, q->mem + q->start, sizeof(ret->r));
	ret->proc = (uint32_t)p;
	ret->bytes = q->mem + q->start + sizeof(ret->r);
	q->start += stored(ret->r.caplen);
	if (q->start == q->end)
		q->start = q->end = 0;
	return true;
}

const char *tapped_reason(
    const struct taps *t, const struct tapped *r, char text[COUNTER_NAME_LEN])
{
	const struct counter_name *names = t->head[r->proc]->counter_name;

	text[0] = '\0';
	if (r->r.reason > 0 && r->r.reason <= MAX_COUNTERS)
		snprintf(text, COUNTER_NAME_LEN, "%.*s", COUNTER_NAME_LEN - 1,
		    names[r->r.reason - 1].name);
	return text;
}
