/*
 * metrics.c - strata metrics: all numbers of a stack, for Prometheus
 */
#include "api/command/metrics.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/command.h"
#include "api/command/http.h"

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

static int serve(const char *stack, const char *where)
{
	char name[64], url[80];
	int fd = http_listen(where, url);

	if (fd == -EINVAL) {
		fprintf(stderr, "strata: \"%s\" is no [ADDRESS:]PORT\n", where);
		return STATUS_USAGE;
	}
	if (fd < 0) {
		fprintf(stderr, "strata: can't listen at %s: %s\n", where,
		    strerror(-fd));
		return STATUS_FAILED;
	}
	snprintf(name, sizeof(name), "%s", stack);
	printf("%s/metrics\n", url);
	fflush(stdout);
	fprintf(
	    stderr, "strata: %s\n", strerror(-http_serve(fd, make_page, name)));
	return STATUS_FAILED;
}

int command_metrics(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *where = NULL;
	const char *stack;
	int c;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "l:", options, NULL)) != -1) {
		if (c != 'l')
			return usage_wrong(help);
		where = optarg;
	}
	if (argc - optind > 1)
		return usage_wrong(help);
	stack = optind < argc ? argv[optind] : default_stack();
	if (stack == NULL)
		return STATUS_FAILED;
	return where != NULL ? serve(stack, where) : print_once(stack);
}
