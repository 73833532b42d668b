/*
 * latency_way.c - which hop follows which: from the end of a way to its birth
 */
#include <stdio.h>
#include <string.h>

#include "api/command/latency.h"

/* Of a hop's packets so many may be others than those of the way. */
static const double OTHERS = 0.05;

static bool is_read(const struct hop *h)
{
	return h->key.in == MEASURE_SOCKET;
}

/* Is there a hop before it? */
static bool goes_on(const struct hop *h)
{
	return h->key.in < TOPO_MAX_RINGS || is_read(h);
}

/*
 * Did packets come from hop @a into @b?  By the same ring, or a socket of the
 * same transport, and of the same birth; and of the same pool, unless @b's
 * daemon has put them into its own.
 */
static bool leads_to(const struct hop *a, const struct hop *b)
{
	return goes_on(b) && a->key.out == b->key.in &&
	    (!is_read(b) || a->proc == b->proc) && a->key.born == b->key.born &&
	    (a->key.pool == b->key.pool || b->key.pool == b->proc);
}

static const struct hop *before(const struct hops *h, const struct hop *b)
{
	const struct hop *best = NULL;
	uint64_t most = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		uint64_t count = histogram_count(&h->hop[i]->work);

		if (count > most && leads_to(h->hop[i], b)) {
			best = h->hop[i];
			most = count;
		}
	}
	return best;
}

static void append(struct way *w, const char *what)
{
	size_t len = strlen(w->name);

	snprintf(w->name + len, sizeof(w->name) - len, "%s%s",
	    len > 0 ? " > " : "", what);
}

const char *hop_worker(const struct hop *h, const struct topology *topo)
{
	return is_read(h) ? "app" : topo->procs[h->proc].name;
}

static void name(struct way *w, const struct topology *topo)
{
	const struct hop *end = w->hop[w->n - 1];

	w->name[0] = '\0';
	if (end->key.born == BORN_WIRE)
		append(w, "wire");
	else if (end->key.born == BORN_APP)
		append(w, "app");
	for (uint32_t i = 0; i < w->n; i++)
		append(w, hop_worker(w->hop[i], topo));
	if (topo->procs[end->proc].layer == LAYER_LINK)
		append(w, "wire");
	else if (end->key.out == MEASURE_SOCKET)
		append(w, "socket");
}

/* False: its beginning has not been measured. */
static bool follow(struct way *ret, const struct hops *h, const struct hop *end)
{
	const struct hop *at;

	ret->n = 0;
	for (at = end; at != NULL && ret->n < WAY_HOPS; at = before(h, at)) {
		for (uint32_t i = ret->n; i > 0; i--)
			ret->hop[i] = ret->hop[i - 1];
		ret->hop[0] = at;
		ret->n++;
	}
	return !goes_on(ret->hop[0]);
}

/* How many went through it. */
static uint64_t passed(const struct hop *h)
{
	return histogram_count(hop_works(h->key) ? &h->work : &h->wait);
}

/* Do packets of @h end with those of @end, whether timed, read, or not? */
static bool ends_with(const struct hop *h, const struct hop *end)
{
	const struct hop_key *a = &h->key, *b = &end->key;

	return h->proc == end->proc && a->pool == b->pool &&
	    (a->born == b->born ||
		(a->born == BORN_UNTIMED && b->born == BORN_APP)) &&
	    (is_read(end) ? a->out == MEASURE_SOCKET
			  : a->in == b->in && a->out == b->out);
}

static uint64_t count_all(const struct hops *h, const struct hop *end)
{
	uint64_t measured = histogram_count(&end->whole);
	uint64_t all = 0;

	for (uint32_t i = 0; i < h->n; i++)
		if (ends_with(h->hop[i], end))
			all += passed(h->hop[i]);
	/* What was shown before may have been read since. */
	return all > measured ? all : measured;
}

uint32_t ways_find(
    struct way ret[WAYS_MAX], const struct hops *h, const struct topology *topo)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n && n < WAYS_MAX; i++) {
		if (!hop_ends(h->hop[i]->key) ||
		    histogram_count(&h->hop[i]->whole) == 0 ||
		    !follow(&ret[n], h, h->hop[i]))
			continue;
		ret[n].all = count_all(h, h->hop[i]);
		name(&ret[n++], topo);
	}
	return n;
}

double way_sum(const struct way *w)
{
	double sum = 0;

	for (uint32_t i = 0; i < w->n; i++)
		sum += histogram_mean(&w->hop[i]->wait) +
		    histogram_mean(&w->hop[i]->work);
	return sum;
}

bool way_is_whole(const struct way *w)
{
	double whole = (double)histogram_count(&w->hop[w->n - 1]->whole);

	for (uint32_t i = 0; i < w->n; i++) {
		double here = (double)passed(w->hop[i]);

		if (here > whole * (1 + OTHERS) || here < whole * (1 - OTHERS))
			return false;
	}
	return true;
}

uint64_t way_most(const struct way *w)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < w->n; i++)
		if (passed(w->hop[i]) > most)
			most = passed(w->hop[i]);
	return most;
}

double way_difference(const struct way *w)
{
	double whole = histogram_mean(&w->hop[w->n - 1]->whole);

	return whole > 0 ? 100 * (way_sum(w) - whole) / whole : 0;
}
