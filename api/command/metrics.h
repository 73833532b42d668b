/*
 * metrics.h - strata metrics: all numbers of a stack
 *
 *	metrics.c		arguments; once, or for whoever asks by HTTP
 *	metrics_status.c	families of the status
 *	metrics_sockets.c	sockets, by protocol and state
 *	metrics_latency.c	what the daemons have measured, as histograms
 *	metrics_text.c		families as OpenMetrics text
 *
 * In between, and with --json, a family is an object
 *
 *	{"name": ..., "type": ..., "unit": ..., "help": ..., "metrics": [...]}
 *
 * and each of its metrics {"labels": {...}, "value": N}, or of a histogram
 * {"labels": {...}, "buckets": {"1e-06": N, ...}, "count": N, "sum": N}.
 */
#ifndef API_COMMAND_METRICS_H
#define API_COMMAND_METRICS_H

#include <jansson.h>
#include <stdio.h>

#include "api/command/ask_daemon.h"
#include "api/command/latency.h"

/*
 * A family more in @all; its unit is how its name ends, if that is one.
 * Returns its metrics, for metrics_add().
 */
json_t *metrics_family(
    json_t *all, const char *name, const char *type, const char *help);

/* One of them; takes over @labels. */
void metrics_add(json_t *metrics, json_t *labels, double value);

/* All of the answer to {"command": "status", "zeros": true}. */
void metrics_of_status(json_t *all, const json_t *status);

/* NULL: nobody has answered. */
void metrics_of_sockets(json_t *all, const struct answer *sockets);

void metrics_of_latency(
    json_t *all, const struct hops *h, const struct topology *topo);

/* @all as OpenMetrics text. */
void metrics_print(FILE *to, const json_t *all);

#endif /* API_COMMAND_METRICS_H */
