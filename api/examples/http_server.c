/*
 * http_server PORT FOLDER - the files of a folder: GET and HEAD, persistent
 * connections, ranges
 *
 * A thread for each connection.  Files are read straight into the send buffer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/examples/http.h"
#include "api/strata.h"

static int send_file(int fd, const struct http *h)
{
	struct iovec span[2];
	ssize_t n;

	for (off_t at = h->from; at < h->end; at += n) {
		n = strata_send_reserve(fd, span, (size_t)(h->end - at));
		n = n > 0 ? preadv(h->file, span, 2, at) : -1;
		if (n <= 0 || strata_send_commit(fd, (size_t)n) == -1)
			return 0;
	}
	return 1;
}

/* Returns 0 when the connection is to be closed. */
static int answer(int fd, const char *request)
{
	struct http h = http_parse(request);
	char head[256], range[80] = "";
	int n, ok;

	if (h.status == 206)
		snprintf(range, sizeof(range),
		    "Content-Range: bytes %ld-%ld/%ld\r\n", h.from, h.end - 1,
		    h.size);
	n = snprintf(head, sizeof(head),
	    "HTTP/1.1 %d \r\nContent-Length: %ld\r\nAllow: GET, HEAD\r\n%s\r\n",
	    h.status, h.end - h.from, range);
	ok = strata_send(fd, head, (size_t)n,
		 MSG_NOSIGNAL | (h.body && h.end > h.from ? MSG_MORE : 0)) == n;
	if (ok && h.body)
		ok = send_file(fd, &h);
	if (h.file != -1)
		close(h.file);
	return ok && h.more;
}

static void *serve(void *arg)
{
	char buf[8192], *end;
	int fd = (int)(intptr_t)arg;
	int more = 1;
	size_t have = 0;

	while (more) {
		ssize_t n =
		    strata_recv(fd, buf + have, sizeof(buf) - 1 - have, 0);

		more = n > 0;
		have += more ? (size_t)n : 0;
		buf[have] = '\0';
		while (more && (end = strstr(buf, "\r\n\r\n")) != NULL) {
			*end = '\0';
			more = answer(fd, buf);
			have -= (size_t)(end + 4 - buf);
			memmove(buf, end + 4, have + 1);
		}
	}
	strata_close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6 };
	const int fd = strata_socket(AF_INET6, SOCK_STREAM, 0), on = 1;
	pthread_t t;

	if (argc != 3 || chdir(argv[2]) == -1)
		return fprintf(stderr, "usage: http_server PORT FOLDER\n"), 2;
	here.sin6_port = htons((uint16_t)atoi(argv[1]));
	strata_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (strata_bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    strata_listen(fd, SOMAXCONN) == -1)
		return perror("http_server"), 1;
	fprintf(stderr, "serving on port %s\n", argv[1]);
	for (intptr_t new;
	     (new = strata_accept(fd, NULL, NULL)) != -1 || errno != ENETDOWN;)
		if (new != -1 && pthread_create(&t, NULL, serve, (void *)new))
			strata_close((int)new);
		else if (new != -1)
			pthread_detach(t);
	return perror("http_server"), 1;
}
