/*
 * fetch.c - strata fetch: what a web server has under a URL
 *
 * HTTP/1.0 of RFC 9112's family: one request, one answer, whose end is its
 * length or the end of the connection; so nothing comes in chunks.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/dial.h"
#include "api/examples/http_client.h"
#include "api/strata.h"
#include "shm/clock.h"

struct fetch {
	struct dial d;
	const char *file;  /* NULL: standard output */
	const char *range; /* NULL: the whole */
	bool verbose;
};

static const char help[] =
    "usage: strata fetch [-46v] [-o FILE] [-r FROM-TO] [-w SECONDS]\n"
    "                    http://HOST[:PORT][/PATH]\n"
    "\n"
    "What a web server has there, by HTTP/1.0, on standard output.\n"
    "\n"
    "  -4, -6      IPv4 only, IPv6 only\n"
    "  -o FILE     into FILE instead\n"
    "  -r FROM-TO  only those bytes; FROM- and -N (the last N), too\n"
    "  -v          say what the server answers\n"
    "  -w SECONDS  the longest silence, and the longest connecting\n";

static char buf[256 * 1024];

static int complain(const struct fetch *f, const char *what)
{
	fprintf(stderr, "%s: %s\n", f->d.tool, what);
	return STATUS_FAILED;
}

static int ask(const struct fetch *f, int fd, const struct http_url *u)
{
	bool v6 = strchr(u->host, ':') != NULL;
	/* The zone is ours alone (RFC 6874, 4). */
	int bare = (int)strcspn(u->host, "%");
	char range[64] = "";
	int len;

	if (f->range != NULL)
		snprintf(range, sizeof(range), "Range: bytes=%s\r\n", f->range);
	len = snprintf(buf, sizeof(buf),
	    "GET %s HTTP/1.0\r\nHost: %s%.*s%s%s%s\r\n"
	    "User-Agent: strata-fetch\r\nAccept: */*\r\n%s"
	    "Connection: close\r\n\r\n",
	    u->path, v6 ? "[" : "", bare, u->host, v6 ? "]" : "",
	    strcmp(u->port, "80") == 0 ? "" : ":",
	    strcmp(u->port, "80") == 0 ? "" : u->port, range);
	if (strata_send(fd, buf, (size_t)len, MSG_NOSIGNAL) == -1)
		return dial_fail(&f->d, "request");
	return 0;
}

/* The head, and what came with it: in buf, *@have bytes. */
static int receive_head(
    const struct fetch *f, int fd, struct http_answer *a, size_t *have)
{
	*have = 0;
	do {
		ssize_t n =
		    strata_recv(fd, buf + *have, sizeof(buf) - 1 - *have, 0);

		if (n == -1)
			return dial_fail(&f->d, "answer");
		if (n == 0)
			return complain(f, "no whole answer");
		*have += (size_t)n;
		buf[*have] = '\0';
	} while (http_answer_parse(a, buf) == -1);
	if (a->status == 0)
		return complain(f, "this is no HTTP");
	if (a->status != 200 && a->status != 206)
		return complain(f, strtok(buf, "\r\n"));
	if (f->range != NULL && a->status == 200)
		return complain(f, "the server knows no ranges");
	return 0;
}

static int receive_body(const struct fetch *f, int fd,
    const struct http_answer *a, size_t have, FILE *to)
{
	long long got = (long long)(have - a->head);
	ssize_t n;

	fwrite(buf + a->head, 1, (size_t)got, to);
	while ((n = strata_recv(fd, buf, sizeof(buf), 0)) > 0) {
		got += n;
		if (fwrite(buf, 1, (size_t)n, to) != (size_t)n)
			break;
	}
	if (n == -1)
		return dial_fail(&f->d, "answer");
	if (n > 0 || fflush(to) != 0)
		return dial_fail(&f->d, f->file ? f->file : "output");
	if (a->length >= 0 && got < a->length)
		return complain(f, "the answer ended before its end");
	return 0;
}

static void say_speed(const struct fetch *f, struct mono began, long bytes)
{
	double s = (double)mono_since(mono_now(), began) / NS_PER_S;

	if (f->verbose)
		fprintf(stderr, "%s: %ld bytes in %.3f s, %.1f Mbit/s\n",
		    f->d.tool, bytes, s, (double)bytes * 8 / s / 1e6);
}

static int store(const struct fetch *f, int fd, struct mono began)
{
	struct http_answer a = { .length = -1 };
	FILE *to = stdout;
	size_t have;
	int status = receive_head(f, fd, &a, &have);

	if (status != 0)
		return status;
	if (f->verbose)
		fprintf(stderr, "%s: %.*s\n", f->d.tool,
		    (int)strcspn(buf, "\r"), buf);
	if (f->file != NULL)
		to = fopen(f->file, "we");
	if (to == NULL)
		return dial_fail(&f->d, f->file);
	status = receive_body(f, fd, &a, have, to);
	if (status == 0 && to != stdout)
		say_speed(f, began, ftell(to));
	if (to != stdout && fclose(to) != 0 && status == 0)
		status = dial_fail(&f->d, f->file);
	return status;
}

static int fetch(const struct fetch *f, const struct http_url *u)
{
	const struct timeval patience = dial_patience(&f->d);
	struct mono began = mono_now();
	int fd = dial_connect(&f->d, u->host, u->port);
	int status;

	if (fd == -1)
		return STATUS_FAILED;
	if (f->d.wait_ns > 0)
		strata_setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	status = ask(f, fd, u);
	if (status == 0)
		status = store(f, fd, began);
	strata_close(fd);
	return status;
}

/* "2-4", "8-" or "-3". */
static bool is_range(const char *text)
{
	size_t from = strspn(text, "0123456789");
	size_t to;

	if (text[from] != '-')
		return false;
	to = strspn(text + from + 1, "0123456789");
	return text[from + 1 + to] == '\0' && from + to > 0 && from + to < 38;
}

static void not_a_url(const struct fetch *f, const char *text)
{
	fprintf(stderr, "%s: \"%s\" %s\n", f->d.tool, text,
	    strncasecmp(text, "https:", 6) == 0
		? "needs TLS, which is not spoken here"
		: "is no URL: that begins with http://");
}

static bool read_options(struct fetch *f, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+46o:r:vw:")) != -1) {
		switch (c) {
		case '4':
			f->d.family = AF_INET;
			break;
		case '6':
			f->d.family = AF_INET6;
			break;
		case 'o':
			f->file = optarg;
			break;
		case 'r':
			f->range = optarg;
			if (!is_range(optarg)) {
				fprintf(stderr,
				    "%s: \"%s\" is no range: that is FROM-TO, "
				    "FROM- or -N\n",
				    f->d.tool, optarg);
				return false;
			}
			break;
		case 'v':
			f->verbose = true;
			break;
		case 'w':
			if (!argument_seconds(f->d.tool, optarg, WAIT_MIN_S,
				WAIT_MAX_S, &f->d.wait_ns))
				return false;
			break;
		default: /* a user's letter */
			return false;
		}
	}
	return true;
}

int command_fetch(int argc, char **argv)
{
	struct fetch f = { .d = {
			       .tool = "strata fetch", .type = SOCK_STREAM } };
	struct http_url url;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!read_options(&f, argc, argv) || optind + 1 != argc)
		return usage_wrong(help);
	if (http_url_parse(&url, argv[optind]) == -1) {
		not_a_url(&f, argv[optind]);
		return usage_wrong(help);
	}
	return fetch(&f, &url);
}
