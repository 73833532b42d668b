/*
 * http_client.h - URLs, and the head of an answer (RFC 3986, RFC 9112)
 */
#ifndef EXAMPLES_HTTP_CLIENT_H
#define EXAMPLES_HTTP_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_url {
	char host[256], port[8], path[2048];
};

/* http://HOST[:PORT][/PATH], an IPv6 address in brackets.  -1: it is not. */
static inline int http_url_parse(struct http_url *ret, const char *text)
{
	struct http_url u = { .port = "80", .path = "/" };
	int len = 0;

	if (sscanf(text, "http://[%255[^]]]%n", u.host, &len) != 1 &&
	    sscanf(text, "http://%255[^]:/[]%n", u.host, &len) != 1)
		return -1;
	if (len == 0)
		return -1;
	text += len;
	if (*text == ':') {
		if (sscanf(text, ":%7[0-9]%n", u.port, &len) != 1)
			return -1;
		text += len;
	}
	if (*text != '\0' &&
	    (*text != '/' || sscanf(text, "%2047s", u.path) != 1))
		return -1;
	*ret = u;
	return 0;
}

struct http_answer {
	int status;       /* 0: not HTTP */
	long long length; /* of the body; -1: it ends with the connection */
	size_t head;      /* bytes before the body */
};

/* @text, with a 0 at its end, has the whole head; else -1. */
static inline int http_answer_parse(struct http_answer *ret, const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\nContent-Length:");
	struct http_answer a = { .length = -1 };

	if (end == NULL)
		return -1;
	a.head = (size_t)(end + 4 - text);
	if (sscanf(text, "HTTP/1.%*1[01] %3d", &a.status) != 1)
		a.status = 0;
	if (length != NULL && length < end)
		a.length = atoll(length + strlen("\nContent-Length:"));
	*ret = a;
	return 0;
}

#endif /* EXAMPLES_HTTP_CLIENT_H */
