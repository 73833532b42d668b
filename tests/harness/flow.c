/*
 * flow.c - numbered packets out and back: what was lost, doubled or late
 */
#include "tests/harness/flow.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A silence counts as a mark's own if it begins so soon after it. */
	MARK_MS = 10,
	/* When what happened at a mark is over, and another look is taken. */
	CALM_MS = 150,
	MAX_MARKS = 1024,
	LONGEST = 5,
	/* A window that lost packets is opened again after so long. */
	STUCK_MS = 200,
};

bool flow_open(struct flow *f)
{
	f->packet = calloc(f->count, sizeof(*f->packet));
	f->arrival = calloc(f->count, sizeof(*f->arrival));
	return f->packet != NULL && f->arrival != NULL;
}

void flow_close(struct flow *f)
{
	free(f->packet);
	free(f->arrival);
}

/* ---- The pattern ---- */

static uint8_t pattern(uint32_t number, size_t i)
{
	uint32_t x = number * 2654435761u + (uint32_t)i * 40503u;

	return (uint8_t)(x >> 13 ^ x);
}

void flow_fill(uint8_t *p, size_t len, uint32_t number)
{
	for (size_t i = 0; i < len; i++)
		p[i] = pattern(number, i);
}

bool flow_intact(const uint8_t *p, size_t len, uint32_t number)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != pattern(number, i))
			return false;
	return true;
}

/* ---- Out and back ---- */

void flow_back(struct flow *f, uint32_t number, struct mono now)
{
	struct flow_packet *p;

	if (number >= f->sent) {
		f->corrupt++;
		return;
	}
	p = &f->packet[number];
	if (p->copies++ > 0) {
		f->doubled++;
		return;
	}
	p->back = now;
	f->arrival[f->back++] = now;
	if (number < f->newest)
		f->reordered++;
	else
		f->newest = number;
}

static bool may_send(const struct flow *f, struct mono due, struct mono now)
{
	if (f->sent == f->count)
		return false;
	if (f->window > 0 && f->sent - f->back >= f->window)
		return false;
	return mono_reached(due, now);
}

static void wait_until(const struct flow *f, struct mono t)
{
	struct pollfd p = { .fd = f->fd, .events = POLLIN };
	int64_t ns = mono_since(t, mono_now());
	struct timespec ts;

	if (ns < 0)
		ns = 0;
	ts.tv_sec = (time_t)(ns / NS_PER_S);
	ts.tv_nsec = (long)(ns % NS_PER_S);
	ppoll(&p, 1, &ts, NULL);
}

/* Send what is due; the time of the next one. */
static struct mono send_due(struct flow *f, struct mono due)
{
	struct mono now = mono_now();

	while (f->error == 0 && may_send(f, due, now)) {
		f->packet[f->sent].sent = now;
		/* Counted first: the answer may be there when send returns. */
		f->sent++;
		f->error = f->send(f, f->sent - 1);
		due = mono_add(due, f->interval_ns);
		now = mono_now();
	}
	return due;
}

/*
 * A packet that is lost would keep its place in the window for ever: after a
 * time without progress the window is what it was, without the lost ones.
 */
static void forgive(struct flow *f, struct mono *progress, uint32_t *seen)
{
	struct mono now = mono_now();

	if (f->back != *seen || f->window == 0) {
		*seen = f->back;
		*progress = now;
	} else if (mono_reached(mono_add_ms(*progress, STUCK_MS), now)) {
		f->window = f->sent - f->back + f->window;
		*progress = now;
	}
}

void flow_run(struct flow *f)
{
	struct mono due = mono_now();
	struct mono progress = due, last = due;
	uint32_t seen = 0;

	while (f->error == 0 && f->back < f->count) {
		struct mono t;

		if (f->sent < f->count) {
			due = send_due(f, due);
			last = mono_now();
		}
		f->receive(f);
		if (f->sent == f->count) {
			t = mono_add(last, f->linger_ns);
			if (mono_reached(t, mono_now()))
				break;
		} else if (f->window > 0 && f->sent - f->back >= f->window) {
			forgive(f, &progress, &seen);
			t = mono_add_ms(mono_now(), STUCK_MS / 4);
		} else {
			t = due;
		}
		if (f->back < f->count && mono_before(mono_now(), t))
			wait_until(f, t);
	}
}

/* ---- The account ---- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double us(int64_t ns)
{
	return (double)ns / NS_PER_US;
}

/* Of @n sorted values, the one below which @percent of them lie. */
static double at_percent(const int64_t *v, uint32_t n, unsigned percent)
{
	return n == 0 ? 0 : us(v[(uint64_t)(n - 1) * percent / 100]);
}

static void print_times(const struct flow *f, FILE *to)
{
	int64_t *rtt = calloc(f->count, sizeof(*rtt));
	uint32_t n = 0;

	if (rtt == NULL)
		return;
	for (uint32_t i = 0; i < f->sent; i++)
		if (f->packet[i].copies > 0)
			rtt[n++] =
			    mono_since(f->packet[i].back, f->packet[i].sent);
	qsort(rtt, n, sizeof(*rtt), compare);
	fprintf(to, " min_us=%.1f p10_us=%.1f p50_us=%.1f p90_us=%.1f",
	    at_percent(rtt, n, 0), at_percent(rtt, n, 10),
	    at_percent(rtt, n, 50), at_percent(rtt, n, 90));
	fprintf(to, " p99_us=%.1f max_us=%.1f", at_percent(rtt, n, 99),
	    at_percent(rtt, n, 100));
	free(rtt);
}

/*
 * The longest time without an arrival that overlaps @from to @to; it may have
 * begun before.  What is cut off is after @to: nobody waited for longer.
 */
static int64_t silence(const struct flow *f, struct mono from, struct mono to)
{
	int64_t longest = 0;

	for (uint32_t i = 1; i < f->back; i++) {
		struct mono a = f->arrival[i - 1];
		struct mono b = f->arrival[i];

		if (mono_before(a, to) && mono_before(from, b) &&
		    mono_since(b, a) > longest)
			longest = mono_since(b, a);
	}
	return longest;
}

struct mark {
	struct mono at;
	char word[32];
};

static uint32_t read_marks(const char *path, struct mark *m)
{
	struct timespec real;
	int64_t offset;
	uint32_t n = 0;
	double at;
	FILE *from = fopen(path, "re");

	if (from == NULL)
		return 0;
	clock_gettime(CLOCK_REALTIME, &real);
	offset = (int64_t)real.tv_sec * NS_PER_S + real.tv_nsec - mono_now().ns;
	while (n < MAX_MARKS && fscanf(from, "%lf %31s", &at, m[n].word) == 2) {
		m[n].at.ns = (int64_t)(at * NS_PER_S) - offset;
		n++;
	}
	fclose(from);
	return n;
}

static int64_t silence_at(const struct flow *f, struct mono t)
{
	return silence(f, t, mono_add_ms(t, MARK_MS));
}

/* The longest silences of all, and what had happened last before each. */
static void print_longest(
    const struct flow *f, const struct mark *m, uint32_t n, FILE *to)
{
	int64_t below = INT64_MAX;

	for (int k = 0; k < LONGEST; k++) {
		uint32_t at = 0;
		int64_t most = 0;
		const struct mark *last = NULL;

		for (uint32_t i = 1; i < f->back; i++) {
			int64_t ns =
			    mono_since(f->arrival[i], f->arrival[i - 1]);

			if (ns > most && ns < below) {
				most = ns;
				at = i - 1;
			}
		}
		below = most;
		for (uint32_t i = 0; i < n; i++)
			if (mono_before(m[i].at, f->arrival[at + 1]))
				last = &m[i];
		if (last != NULL && most > 0)
			fprintf(to, "silence us=%.0f, %.1f ms after %s\n",
			    us(most),
			    us(mono_since(f->arrival[at], last->at)) / 1e3,
			    last->word);
	}
}

/*
 * A line for each mark, then median and longest as keys; and the same of as
 * many moments at which nothing happened: what the machine does by itself.
 */
static void print_marks(const struct flow *f, const char *path, FILE *to)
{
	static struct mark m[MAX_MARKS];
	static int64_t gap[MAX_MARKS], calm[MAX_MARKS];
	uint32_t n = read_marks(path, m);

	for (uint32_t i = 0; i < n; i++) {
		gap[i] = silence_at(f, m[i].at);
		calm[i] = silence_at(f, mono_add_ms(m[i].at, CALM_MS));
		fprintf(to, "mark %s at_ms=%.1f gap_us=%.0f\n", m[i].word,
		    us(mono_since(m[i].at, f->packet[0].sent)) / 1e3,
		    us(gap[i]));
	}
	print_longest(f, m, n, to);
	qsort(gap, n, sizeof(*gap), compare);
	qsort(calm, n, sizeof(*calm), compare);
	fprintf(to,
	    "marks=%u gap_p50_us=%.0f gap_max_us=%.0f calm_p50_us=%.0f"
	    " calm_max_us=%.0f ",
	    n, at_percent(gap, n, 50), at_percent(gap, n, 100),
	    at_percent(calm, n, 50), at_percent(calm, n, 100));
}

void flow_print(const struct flow *f, const char *marks, FILE *to)
{
	double s = 0;

	if (marks != NULL)
		print_marks(f, marks, to);
	fprintf(to,
	    "sent=%u back=%u lost=%u doubled=%u reordered=%u corrupt=%u"
	    " refused=%u overflows=%u",
	    f->sent, f->back, f->sent - f->back, f->doubled, f->reordered,
	    f->corrupt, f->refused, f->overflows);
	print_times(f, to);
	if (f->back > 0)
		s = us(mono_since(f->arrival[f->back - 1], f->packet[0].sent)) /
		    1e6;
	fprintf(to, " silence_us=%.0f per_s=%.0f error=%s\n",
	    us(silence(f, (struct mono){ 0 }, MONO_NEVER)),
	    s > 0 ? f->back / s : 0, f->error ? strerror(-f->error) : "none");
}
