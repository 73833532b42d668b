/*
 * metrics.c - strata metrics: all numbers of a stack, for Prometheus
 */
#include "api/command/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "api/command/command.h"
#include "api/command/serve.h"

static const char help[] =
    "usage: strata metrics [NAME] [--listen [ADDRESS:]PORT]\n"
    "\n"
    "All numbers of the stack NAME as OpenMetrics text.\n"
    "\n"
    "  -l, --listen [ADDRESS:]PORT\n"
    "        serve them at http://ADDRESS:PORT/metrics instead, until\n"
    "        it is stopped; ADDRESS is 127.0.0.1 if not given\n";

static json_t *ask(const char *stack)
{
	return ask_stack(
	    stack, json_pack("{s:s, s:b}", "command", "status", "zeros", 1));
}

static int print_once(const char *stack)
{
	json_t *status = ask(stack);

	if (status == NULL)
		return STATUS_FAILED;
	metrics_print(stdout, status);
	json_decref(status);
	return 0;
}

static void make_page(void *ctx, const char *path, struct http_page *ret)
{
	const char *stack = ctx;
	json_t *status;
	FILE *to;

	if (strcmp(path, "/metrics") != 0 && strcmp(path, "/") != 0) {
		ret->status = 404;
		return;
	}
	status = ask(stack);
	to = status != NULL ? open_memstream(&ret->body, &ret->len) : NULL;
	if (to == NULL) {
		ret->status = 503;
		json_decref(status);
		return;
	}
	ret->type = "application/openmetrics-text; version=1.0.0; "
		    "charset=utf-8";
	metrics_print(to, status);
	json_decref(status);
	fclose(to);
}

int command_metrics(int argc, char **argv)
{
	struct serve s = { .where = NULL };
	int r = serve_arguments(&s, argc, argv, help);

	if (r != 0)
		return r - 1;
	if (s.where == NULL)
		return print_once(s.stack);
	return serve_pages(&s, "/metrics", make_page, s.stack);
}
