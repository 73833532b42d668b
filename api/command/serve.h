/*
 * serve.h - what `strata metrics --listen` and `strata web` have in common
 */
#ifndef API_COMMAND_SERVE_H
#define API_COMMAND_SERVE_H

#include "api/command/http.h"
#include "shm/topology.h"

struct serve {
	const char *where; /* beforehand what it is if not given; may be NULL */
	char stack[TOPO_NAME_LEN];
};

/*
 * Say on standard output at which URL, @path of ours, and give pages until it
 * can't be gone on with: an exit status.
 */
int serve_pages(
    const struct serve *s, const char *path, http_make *make, void *ctx);

#endif /* API_COMMAND_SERVE_H */
