/*
 * metrics_latency.c - what the daemons have measured, as histograms
 *
 * Their own have thousands of buckets (shm/histogram.h); here they are put into
 * a few that never change, as Prometheus wants it.  A value may lie in the
 * wrong one of two if it is less than 0.4 % off their border.
 */
#include "api/command/metrics.h"

static const struct {
	const char *le; /* s; a canonical number of OpenMetrics */
	int64_t ns;
} buckets[] = {
	{ "1e-06", 1000 },
	{ "2.5e-06", 2500 },
	{ "5e-06", 5000 },
	{ "1e-05", 10000 },
	{ "2.5e-05", 25000 },
	{ "5e-05", 50000 },
	{ "0.0001", 100000 },
	{ "0.00025", 250000 },
	{ "0.0005", 500000 },
	{ "0.001", 1000000 },
	{ "0.0025", 2500000 },
	{ "0.005", 5000000 },
	{ "0.01", 10000000 },
	{ "0.025", 25000000 },
	{ "0.05", 50000000 },
	{ "0.1", 100000000 },
	{ "0.25", 250000000 },
	{ "0.5", 500000000 },
	{ "1.0", 1000000000 },
};

static void add_histogram(
    json_t *metrics, json_t *labels, const struct histogram_copy *h)
{
	json_t *o = json_object();
	uint64_t all = histogram_count(h);
	uint64_t n = 0;
	uint32_t at = 0;

	for (size_t b = 0; b < sizeof(buckets) / sizeof(*buckets); b++) {
		for (; at < HISTOGRAM_BUCKETS &&
		     histogram_middle(at) <= buckets[b].ns;
		     at++)
			n += h->bucket[at];
		json_object_set_new(
		    o, buckets[b].le, json_integer((json_int_t)n));
	}
	json_object_set_new(o, "+Inf", json_integer((json_int_t)all));
	json_array_append_new(metrics,
	    json_pack("{s:o, s:o, s:I, s:f}", "labels", labels, "buckets", o,
		"count", (json_int_t)all, "sum",
		histogram_mean(h) * (double)all / 1e9));
}

/* The daemon at the other end of a ring, or what else there is. */
static const char *end_name(const struct topology *topo, uint8_t end, bool from)
{
	if (end < topo->nrings)
		return topo
		    ->procs[from ? topo->rings[end].from : topo->rings[end].to]
		    .name;
	switch (end) {
	case MEASURE_DEVICE:
		return "device";
	case MEASURE_APP:
		return "app";
	case MEASURE_SELF:
		return "self";
	case MEASURE_SOCKET:
		return "socket";
	default: /* a daemon's word */
		return "end";
	}
}

static json_t *labels_of(const struct hop *h, const struct topology *topo)
{
	static const char *const born[NBORN] = {
		[BORN_NOWHERE] = "unknown",
		[BORN_WIRE] = "wire",
		[BORN_APP] = "app",
		[BORN_DAEMON] = "daemon",
		[BORN_UNTIMED] = "app_untimed",
	};
	const struct hop_key *k = &h->key;

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "daemon",
	    topo->procs[h->proc].name, "from", end_name(topo, k->in, true),
	    "to", end_name(topo, k->out, false), "slot",
	    k->pool < topo->nprocs ? topo->procs[k->pool].name : "none", "born",
	    k->born < NBORN ? born[k->born] : born[BORN_NOWHERE]);
}

void metrics_of_latency(
    json_t *all, const struct hops *h, const struct topology *topo)
{
	json_t *wait =
	    metrics_family(all, "strata_hop_waiting_seconds", "histogram",
		"How long packets waited in the ring from which a daemon took "
		"them.");
	json_t *work = metrics_family(all, "strata_hop_work_seconds",
	    "histogram", "How long a daemon then worked on them.");
	json_t *whole = metrics_family(all, "strata_packet_age_seconds",
	    "histogram", "How old packets were where they ended.");
	json_t *missed = metrics_family(all, "strata_packets_not_measured",
	    "counter", "Packets for whose kind of hop there was no room.");

	for (uint32_t i = 0; i < h->n; i++) {
		const struct hop *hop = h->hop[i];

		if (hop_waits(hop->key))
			add_histogram(wait, labels_of(hop, topo), &hop->wait);
		if (hop_works(hop->key))
			add_histogram(work, labels_of(hop, topo), &hop->work);
		if (hop_ends(hop->key))
			add_histogram(whole, labels_of(hop, topo), &hop->whole);
	}
	metrics_add(missed, json_object(), (double)h->missed);
}
