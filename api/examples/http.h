/*
 * http.h - what a request is about (RFC 9110, RFC 9112)
 */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct http {
	int status;
	int body; /* GET, not HEAD */
	int more; /* further requests may follow */
	int file; /* -1: none */
	off_t size, from, end;
};

/* "bytes=1-5", "bytes=5-" or "bytes=-5"; anything else is the whole file. */
static inline void http_range(struct http *h, const char *field)
{
	long a, b;
	int n = field ? sscanf(field, "%*[^=]=%ld-%ld", &a, &b) : 0;

	h->end = h->size;
	if (n < 1 || (n == 2 && b < a))
		return;
	h->from = a >= 0 ? a : -a < h->size ? h->size + a : 0;
	if (n == 2 && b < h->size)
		h->end = b + 1;
	h->status = h->from < h->size ? 206 : 416;
	if (h->status == 416)
		h->from = h->end = 0;
}

/* Of regular files only, and of none above the folder that we are in. */
static inline void http_open(struct http *h, const char *path)
{
	struct stat st;

	if (strstr(path, "/../") != NULL)
		return;
	h->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (h->file == -1 || fstat(h->file, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	h->status = 200;
	h->size = st.st_size;
}

/* @head: the request's lines. */
static inline struct http http_parse(const char *head)
{
	struct http h = { .status = 400, .file = -1 };
	char method[8], path[1024] = ".";
	size_t len;
	int minor;

	if (sscanf(head, "%7s %999s HTTP/1.%d", method, path + 1, &minor) !=
		3 ||
	    path[1] != '/')
		return h;
	h.body = strcmp(method, "GET") == 0;
	h.status = h.body || strcmp(method, "HEAD") == 0 ? 404 : 405;
	h.more = h.status == 404 && minor > 0 &&
	    strcasestr(head, "\nConnection: close") == NULL;
	len = strlen(path);
	if (path[len - 1] == '/')
		memcpy(path + len, "index.html", sizeof("index.html"));
	if (h.status == 404)
		http_open(&h, path);
	if (h.status == 200)
		http_range(&h, strcasestr(head, "\nRange: bytes="));
	return h;
}

#endif /* EXAMPLES_HTTP_H */
