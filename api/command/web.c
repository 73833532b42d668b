/*
 * web.c - strata web: the living picture of a pipeline, in a browser
 *
 *	/		the page
 *	/live/NUMBER	what moves: the picture, and the time line after NUMBER
 *	/slow		connections and latencies
 */
#include "api/command/web.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/command/command.h"
#include "api/command/serve.h"

/* web_page.html, as the Makefile puts it into an object. */
extern const char _binary_api_command_web_page_html_start[];
extern const char _binary_api_command_web_page_html_end[];

static const char help[] =
    "usage: strata web [NAME] [--listen [ADDRESS:]PORT]\n"
    "\n"
    "The stack NAME as it works, for a browser: processes, rings, latencies,\n"
    "connections, and a time line of what happened.\n"
    "\n"
    "  -l, --listen [ADDRESS:]PORT\n"
    "        127.0.0.1:8080 if not given; whoever reaches it sees all\n";

static void give_page(struct http_page *ret)
{
	const char *from = _binary_api_command_web_page_html_start;

	/* By number, since to the compiler they are two objects. */
	ret->len =
	    (uintptr_t)_binary_api_command_web_page_html_end - (uintptr_t)from;
	ret->type = "text/html; charset=utf-8";
	ret->body = malloc(ret->len);
	if (ret->body != NULL)
		memcpy(ret->body, from, ret->len);
	else
		ret->status = 503;
}

static void give_json(struct http_page *ret, char *text)
{
	web_watch();
	if (text == NULL) {
		ret->status = 503;
		return;
	}
	ret->type = "application/json";
	ret->body = text;
	ret->len = strlen(text);
}

static void make_page(void *ctx, const char *path, struct http_page *ret)
{
	char *end;

	(void)ctx;
	if (strcmp(path, "/") == 0) {
		give_page(ret);
	} else if (strcmp(path, "/slow") == 0) {
		give_json(ret, web_slow());
	} else if (strncmp(path, "/live/", 6) == 0) {
		uint64_t since = strtoull(path + 6, &end, 10);

		if (*end == '\0')
			give_json(ret, web_live(since));
		else
			ret->status = 404;
	} else {
		ret->status = 404;
	}
}

int command_web(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	static struct serve s = { .where = "127.0.0.1:8080" };
	const char *name;
	json_t *look;
	int c, r;

	if (help_wanted(argc, argv, help))
		return 0;
	while ((c = getopt_long(argc, argv, "l:", options, NULL)) != -1) {
		if (c != 'l')
			return usage_wrong(help);
		s.where = optarg;
	}
	if (argc - optind > 1)
		return usage_wrong(help);
	name = which_stack(argv[optind]);
	if (name == NULL)
		return STATUS_FAILED;
	snprintf(s.stack, sizeof(s.stack), "%s", name);
	/* Said now, not to a browser later. */
	look = ask_stack(s.stack, json_pack("{s:s}", "command", "pulse"));
	if (look == NULL)
		return STATUS_FAILED;
	json_decref(look);
	r = web_live_start(s.stack);
	if (r == 0)
		r = web_slow_start(s.stack);
	if (r == 0)
		return serve_pages(&s, "/", make_page, NULL);
	fprintf(stderr, "strata: no thread: %s\n", strerror(-r));
	return STATUS_FAILED;
}
