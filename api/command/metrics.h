/*
 * metrics.h - between the files of `strata metrics`
 */
#ifndef API_COMMAND_METRICS_H
#define API_COMMAND_METRICS_H

#include <jansson.h>
#include <stdio.h>

/* The answer to {"command": "status", "zeros": true} as OpenMetrics text. */
void metrics_print(FILE *to, const json_t *status);

#endif /* API_COMMAND_METRICS_H */
