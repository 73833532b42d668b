/*
 * http.c - the least of an HTTP server, for pages that a command makes
 */
#include "api/command/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
	CONNECTIONS = 16,
	REQUEST_LEN = 4096,
	PATIENCE_MS = 5000, /* for the whole of it */
	HEAD_LEN = 1024,
};

struct visitor {
	int fd; /* -1: none */
	struct mono until;
	char request[REQUEST_LEN + 1];
	size_t got;
	char *answer; /* NULL: the request is not complete */
	size_t len, sent;
};

static bool on_loopback; /* only this machine can ask */

/* ---- Where */

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_port(in_port_t *ret, const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || port > 65535 || *text == '-')
		return -EINVAL;
	*ret = htons((uint16_t)port);
	return 0;
}

static int parse_where(union name *ret, socklen_t *len, const char *where)
{
	char host[64] = "127.0.0.1";
	const char *colon = strrchr(where, ':');
	const char *begin = where;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (colon != NULL) {
		n = (size_t)(colon - where);
		if (n > 1 && where[0] == '[' && colon[-1] == ']') {
			begin++;
			n -= 2;
		}
		if (n == 0 || n >= sizeof(host))
			return -EINVAL;
		memcpy(host, begin, n);
		host[n] = '\0';
		where = colon + 1;
	}
	if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		*len = sizeof(ret->v4);
		return parse_port(&ret->v4.sin_port, where);
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		*len = sizeof(ret->v6);
		return parse_port(&ret->v6.sin6_port, where);
	}
	return -EINVAL;
}

static void show_url(int fd, char url[80])
{
	char host[INET6_ADDRSTRLEN] = "";
	union name at = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof(at);

	if (getsockname(fd, &at.any, &len) == -1)
		return;
	if (at.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof(host));
		snprintf(url, 80, "http://%s:%u", host, ntohs(at.v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof(host));
		snprintf(
		    url, 80, "http://[%s]:%u", host, ntohs(at.v6.sin6_port));
	}
}

static bool is_loopback(const union name *at)
{
	if (at->any.sa_family == AF_INET)
		return ntohl(at->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&at->v6.sin6_addr);
}

int http_listen(const char *where, char url[80])
{
	const int on = 1;
	union name at;
	socklen_t len;
	int r = parse_where(&at, &len, where);
	int fd;

	if (r < 0)
		return r;
	fd = socket(
	    at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &at.any, len) == -1 || listen(fd, CONNECTIONS) == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	on_loopback = is_loopback(&at);
	show_url(fd, url);
	return fd;
}

/* ---- One visitor */

static void leave(struct visitor *v)
{
	close(v->fd);
	free(v->answer);
	v->fd = -1;
	v->answer = NULL;
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 503:
		return "Service Unavailable";
	}
	return "Error";
}

static void put_answer(
    struct visitor *v, const struct http_page *p, bool with_body)
{
	size_t body = with_body ? p->len : 0;
	int n;

	v->answer = malloc(HEAD_LEN + body);
	if (v->answer == NULL) {
		leave(v);
		return;
	}
	n = snprintf(v->answer, HEAD_LEN,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	    "Content-Security-Policy: default-src 'none'; "
	    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
	    "connect-src 'self'; img-src data:; frame-ancestors 'none'\r\n"
	    "Connection: close\r\n\r\n",
	    p->status, reason(p->status), p->type, p->len);
	if (body > 0)
		memcpy(v->answer + n, p->body, body);
	v->len = (size_t)n + body;
}

/*
 * A page elsewhere may have a name of its own lead to 127.0.0.1, and then ask
 * us in its visitor's browser.  Such a name is in the request; we are asked by
 * number, or as "localhost".
 */
static bool local_host(const char *request)
{
	const char *at = strcasestr(request, "\r\nHost:");
	char host[64];
	struct in6_addr ip;
	size_t n;

	if (at == NULL)
		return true;
	at += strlen("\r\nHost:");
	at += strspn(at, " \t");
	if (*at == '[')
		n = strcspn(++at, "]\r\n");
	else
		n = strcspn(at, ": \t\r\n");
	if (n >= sizeof(host))
		return false;
	memcpy(host, at, n);
	host[n] = '\0';
	return strcasecmp(host, "localhost") == 0 ||
	    inet_pton(AF_INET, host, &ip) == 1 ||
	    inet_pton(AF_INET6, host, &ip) == 1;
}

/* "GET /path?query HTTP/1.1": which page. */
static int parse_request(const char *request, char path[HTTP_PATH_LEN])
{
	const char *at = strchr(request, ' ');
	size_t n;

	if (at == NULL || at[1] != '/')
		return 400;
	if (strncmp(request, "GET ", 4) != 0 &&
	    strncmp(request, "HEAD ", 5) != 0)
		return 405;
	at++;
	n = strcspn(at, "? \r\n");
	if (n >= HTTP_PATH_LEN)
		return 404;
	memcpy(path, at, n);
	path[n] = '\0';
	return 200;
}

static void answer(struct visitor *v, http_make *make, void *ctx)
{
	struct http_page p = { .type = "text/plain; charset=utf-8" };
	char path[HTTP_PATH_LEN];

	p.status = parse_request(v->request, path);
	if (p.status == 200 && on_loopback && !local_host(v->request))
		p.status = 403;
	if (p.status == 200)
		make(ctx, path, &p);
	if (p.body == NULL) {
		p.body = strdup(reason(p.status));
		p.len = p.body != NULL ? strlen(p.body) : 0;
	}
	put_answer(v, &p, v->request[0] != 'H');
	free(p.body);
}

static void hear(struct visitor *v, http_make *make, void *ctx)
{
	ssize_t n = recv(v->fd, v->request + v->got, REQUEST_LEN - v->got, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(v);
		return;
	}
	v->got += (size_t)n;
	v->request[v->got] = '\0';
	if (strstr(v->request, "\r\n\r\n") != NULL)
		answer(v, make, ctx);
	else if (v->got == REQUEST_LEN)
		leave(v);
}

static void speak(struct visitor *v)
{
	ssize_t n =
	    send(v->fd, v->answer + v->sent, v->len - v->sent, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		v->sent += (size_t)n;
	if (n > 0 && v->sent < v->len)
		return;
	/* Before the close, lest a reset overtake the last bytes. */
	shutdown(v->fd, SHUT_WR);
	leave(v);
}

/* ---- All of them */

/*
 * A free place, or else that of who has been talking for longest without an end
 * to it.  NULL: all are being answered.
 */
static struct visitor *find_place(struct visitor *all)
{
	struct visitor *oldest = NULL;

	for (int i = 0; i < CONNECTIONS; i++) {
		struct visitor *v = &all[i];

		if (v->fd == -1)
			return v;
		if (v->answer == NULL &&
		    (oldest == NULL || mono_before(v->until, oldest->until)))
			oldest = v;
	}
	return oldest;
}

static void welcome(struct visitor *all, int listener)
{
	struct visitor *v = find_place(all);
	int fd;

	if (v == NULL)
		return;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1)
		return;
	if (v->fd != -1)
		leave(v);
	v->fd = fd;
	v->until = mono_add_ms(mono_now(), PATIENCE_MS);
	v->got = v->len = v->sent = 0;
}

/* Who is too slow goes.  Milliseconds until the next one has to; -1: nobody. */
static int cut_off(struct visitor *all)
{
	struct mono now = mono_now();
	int64_t wait = -1;

	for (int i = 0; i < CONNECTIONS; i++) {
		int64_t left = mono_since(all[i].until, now) / NS_PER_MS + 1;

		if (all[i].fd == -1)
			continue;
		if (mono_reached(all[i].until, now))
			leave(&all[i]);
		else if (wait < 0 || left < wait)
			wait = left;
	}
	return (int)wait;
}

int http_serve(int listener, http_make *make, void *ctx)
{
	static struct visitor all[CONNECTIONS];
	struct pollfd p[CONNECTIONS + 1];

	for (int i = 0; i < CONNECTIONS; i++)
		all[i].fd = -1;
	for (;;) {
		int wait = cut_off(all);

		for (int i = 0; i < CONNECTIONS; i++) {
			p[i].fd = all[i].fd;
			p[i].events = all[i].answer != NULL ? POLLOUT : POLLIN;
		}
		/* The others wait in the kernel's queue. */
		p[CONNECTIONS].fd = find_place(all) != NULL ? listener : -1;
		p[CONNECTIONS].events = POLLIN;
		if (poll(p, CONNECTIONS + 1, wait) == -1 && errno != EINTR)
			return -errno;
		for (int i = 0; i < CONNECTIONS; i++) {
			if (p[i].fd == -1 || p[i].revents == 0)
				continue;
			if (all[i].answer != NULL)
				speak(&all[i]);
			else
				hear(&all[i], make, ctx);
		}
		if (p[CONNECTIONS].revents & POLLIN)
			welcome(all, listener);
	}
}
