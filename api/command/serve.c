/*
 * serve.c - what `strata metrics --listen` and `strata web` have in common
 */
#include "api/command/serve.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

int serve_arguments(struct serve *s, int argc, char **argv, const char *help)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *name;
	int c;

	if (help_wanted(argc, argv, help))
		return 1;
	while ((c = getopt_long(argc, argv, "l:", options, NULL)) != -1) {
		if (c != 'l')
			return 1 + usage_wrong(help);
		s->where = optarg;
	}
	if (argc - optind > 1)
		return 1 + usage_wrong(help);
	name = which_stack(argv[optind]);
	if (name == NULL)
		return 1 + STATUS_FAILED;
	snprintf(s->stack, sizeof(s->stack), "%s", name);
	return 0;
}

int serve_pages(
    const struct serve *s, const char *path, http_make *make, void *ctx)
{
	char url[80];
	int fd = http_listen(s->where, url);

	if (fd == -EINVAL) {
		fprintf(
		    stderr, "strata: \"%s\" is no [ADDRESS:]PORT\n", s->where);
		return STATUS_USAGE;
	}
	if (fd < 0) {
		fprintf(stderr, "strata: can't listen at %s: %s\n", s->where,
		    strerror(-fd));
		return STATUS_FAILED;
	}
	printf("%s%s\n", url, path);
	fflush(stdout);
	fprintf(stderr, "strata: %s\n", strerror(-http_serve(fd, make, ctx)));
	return STATUS_FAILED;
}
