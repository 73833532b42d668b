/*
 * http.h - the least of an HTTP server, for pages that a command makes
 *
 * GET and HEAD, one answer for each connection, some connections at a time,
 * each with a deadline and little memory: whoever is slow or talks too much is
 * cut off and keeps nobody waiting; who has been longest without a whole
 * request gives way if there are too many.  On a loopback address who asks by
 * another name than that (a page that someone's browser has from elsewhere) is
 * refused.
 */
#ifndef API_COMMAND_HTTP_H
#define API_COMMAND_HTTP_H

#include <stddef.h>

enum {
	HTTP_PATH_LEN = 256,
};

struct http_page {
	int status; /* 200, 404, 503 */
	const char *type;
	char *body; /* malloc'ed, freed here */
	size_t len;
};

/* The page at @path, without what follows "?". */
typedef void http_make(void *ctx, const char *path, struct http_page *ret);

/*
 * A socket that listens at @where, "[ADDRESS:]PORT" (ADDRESS: 127.0.0.1; one of
 * IPv6 in brackets).  Its descriptor, and what it listens at as a URL without a
 * path in @url; or a negative errno, -EINVAL for what is no such text.
 */
int http_listen(const char *where, char url[80]);

/* Serve until a system call fails for good: a negative errno. */
int http_serve(int listener, http_make *make, void *ctx);

#endif /* API_COMMAND_HTTP_H */
