/*
 * http_get URL - what a web server has under URL, to standard output
 *
 * http://ADDRESS[:PORT][/PATH], an IPv6 address in brackets.  The answer's
 * first line goes to standard error if it is not 200; the exit status is
 * then 1.
 */
#include <errno.h>
#include <netdb.h>

#include "api/examples/http_client.h"
#include "api/strata.h"

static char buf[65536];

static int fail(const char *what)
{
	fprintf(stderr, "http_get: %s\n", what);
	return 1;
}

static int dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &all) != 0) {
		fail("unknown host");
		return -1;
	}
	for (struct addrinfo *a = all; a != NULL && fd == -1; a = a->ai_next) {
		fd = strata_socket(a->ai_family, SOCK_STREAM, 0);
		if (fd != -1 &&
		    strata_connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
			fail(strerror(errno));
			strata_close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd;
}

/* The head ends with an empty line; what follows is the file. */
static int receive(int fd)
{
	struct http_answer a = { .status = 0 };
	size_t have = 0;
	long long left;
	ssize_t n;

	do {
		n = strata_recv(fd, buf + have, sizeof(buf) - 1 - have, 0);
		if (n <= 0)
			return fail("no answer");
		have += (size_t)n;
		buf[have] = '\0';
	} while (http_answer_parse(&a, buf) == -1);
	if (a.status != 200)
		return fail(strtok(buf, "\r\n"));
	have -= a.head;
	fwrite(buf + a.head, 1, have, stdout);
	for (left = a.length - (long long)have;
	     (n = strata_recv(fd, buf, sizeof(buf), 0)) > 0; left -= n)
		fwrite(buf, 1, (size_t)n, stdout);
	if (n == -1 || (a.length >= 0 && left > 0) || fflush(stdout) != 0)
		return fail("incomplete");
	return 0;
}

int main(int argc, char **argv)
{
	struct http_url url;
	int fd, len;

	if (argc != 2 || http_url_parse(&url, argv[1]) == -1) {
		fprintf(stderr, "usage: http_get http://HOST[:PORT][/PATH]\n");
		return 2;
	}
	fd = dial(url.host, url.port);
	if (fd == -1)
		return 1;
	len = snprintf(buf, sizeof(buf),
	    "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n",
	    url.path, url.host);
	if (strata_send(fd, buf, (size_t)len, 0) == -1)
		return fail(strerror(errno));
	return receive(fd);
}
