/*
 * latency_show.c - what the daemons have measured, as text and as JSON
 */
#include <inttypes.h>

#include "api/command/latency.h"

enum {
	RING_NAME = 2 * TOPO_NAME_LEN + 4,
	NQUANTILES = 5,
};

static const struct {
	const char *name;
	double part;
} quantile[NQUANTILES] = {
	{ "p50", 0.5 },
	{ "p90", 0.9 },
	{ "p99", 0.99 },
	{ "p99.9", 0.999 },
	{ "max", 1 },
};

/* Where a packet waits before it comes to @h. */
static const char *place_of(
    const struct hop *h, const struct topology *topo, char text[RING_NAME])
{
	const char *from = "app";

	if (h->key.in < TOPO_MAX_RINGS)
		from = topo->procs[topo->rings[h->key.in].from].name;
	else if (h->key.in == MEASURE_SOCKET)
		from = topo->procs[h->proc].name;
	snprintf(text, RING_NAME, "%s>%s", from, hop_worker(h, topo));
	return text;
}

/* ---- Text ---- */

static double us(double ns)
{
	return ns / 1000;
}

static void print_row(FILE *to, const char *place, const char *what,
    const struct histogram_copy *h)
{
	fprintf(to, "  %-16s %-10s %8.1f", place, what, us(histogram_mean(h)));
	for (uint32_t i = 0; i < NQUANTILES; i++)
		fprintf(to, " %7.1f",
		    us((double)histogram_quantile(h, quantile[i].part)));
	fputc('\n', to);
}

static void print_hop(
    FILE *to, const struct hop *h, const struct topology *topo)
{
	char text[RING_NAME];

	if (hop_waits(h->key))
		print_row(to, place_of(h, topo, text), "waiting", &h->wait);
	if (hop_works(h->key))
		print_row(to, hop_worker(h, topo), "work", &h->work);
}

static void print_count(FILE *to, const struct way *w)
{
	uint64_t n = histogram_count(&w->hop[w->n - 1]->whole);

	fprintf(to, "%s: %" PRIu64, w->name, n);
	if (n != w->all)
		fprintf(to, " of %" PRIu64, w->all);
	fputs(" packets\n", to);
}

static void print_sum(FILE *to, const struct way *w)
{
	fprintf(
	    to, "  %-27s %8.1f   ", "sum of the hops' means", us(way_sum(w)));
	if (way_is_whole(w))
		fprintf(to, "difference %+.1f %%\n\n", way_difference(w));
	else
		fprintf(to, "of up to %" PRIu64 " packets, others too\n\n",
		    way_most(w));
}

static void print_way(
    FILE *to, const struct way *w, const struct topology *topo)
{
	const struct hop *end = w->hop[w->n - 1];

	print_count(to, w);
	fprintf(to, "  %-27s %8s", "us", "mean");
	for (uint32_t i = 0; i < NQUANTILES; i++)
		fprintf(to, " %7s", quantile[i].name);
	fputc('\n', to);
	for (uint32_t i = 0; i < w->n; i++)
		print_hop(to, w->hop[i], topo);
	print_row(to, "end to end", "", &end->whole);
	print_sum(to, w);
}

void latency_print(FILE *to, const struct hops *h, const struct topology *topo)
{
	static struct way way[WAYS_MAX];
	uint32_t n = ways_find(way, h, topo);

	for (uint32_t i = 0; i < n; i++)
		print_way(to, &way[i], topo);
	if (n == 0)
		fprintf(to, "no packets\n\n");
	if (h->missed > 0)
		fprintf(to, "%" PRIu64 " packets could not be measured\n\n",
		    h->missed);
}

/* ---- JSON ---- */

static json_t *json_figures(const struct histogram_copy *h)
{
	json_t *j = json_pack("{s:I, s:f}", "count",
	    (json_int_t)histogram_count(h), "mean", histogram_mean(h));

	for (uint32_t i = 0; i < NQUANTILES; i++)
		json_object_set_new(j, quantile[i].name,
		    json_integer(histogram_quantile(h, quantile[i].part)));
	json_object_set_new(j, "over", json_integer((json_int_t)h->over));
	return j;
}

static json_t *json_hop(const struct hop *h, const struct topology *topo)
{
	char text[RING_NAME];
	json_t *j = json_object();

	if (hop_works(h->key)) {
		json_object_set_new(
		    j, "daemon", json_string(hop_worker(h, topo)));
		json_object_set_new(j, "work", json_figures(&h->work));
	}
	if (hop_waits(h->key)) {
		json_object_set_new(
		    j, "from", json_string(place_of(h, topo, text)));
		json_object_set_new(j, "waiting", json_figures(&h->wait));
	}
	return j;
}

static json_t *json_way(const struct way *w, const struct topology *topo)
{
	const struct hop *end = w->hop[w->n - 1];
	json_t *hops = json_array();

	for (uint32_t i = 0; i < w->n; i++)
		json_array_append_new(hops, json_hop(w->hop[i], topo));
	return json_pack("{s:s, s:I, s:o, s:o, s:f, s:o}", "way", w->name,
	    "packets", (json_int_t)w->all, "hops", hops, "end_to_end",
	    json_figures(&end->whole), "sum_of_means", way_sum(w),
	    "difference_percent",
	    way_is_whole(w) ? json_real(way_difference(w)) : json_null());
}

json_t *latency_json(const struct hops *h, const struct topology *topo)
{
	static struct way way[WAYS_MAX];
	uint32_t n = ways_find(way, h, topo);
	json_t *ways = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(ways, json_way(&way[i], topo));
	return json_pack("{s:s, s:I, s:o}", "unit", "ns", "missed",
	    (json_int_t)h->missed, "ways", ways);
}
