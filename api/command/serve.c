/*
 * serve.c - what `strata metrics --listen` and `strata web` have in common
 */
#include "api/command/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/command/command.h"

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
