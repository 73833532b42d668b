/*
 * nc.c - strata nc: bytes between a connection and standard input and output
 *
 * The socket does not wait and standard output does: whoever reads us slowly
 * slows the peer, and a peer that does not read stops our reading, not our
 * writing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/command/arguments.h"
#include "api/command/command.h"
#include "api/command/dial.h"
#include "api/strata.h"
#include "shm/clock.h"

struct nc {
	struct dial d;
	bool listen;
	bool keep;    /* -k: another one after the first */
	bool finish;  /* -N: the end of the input is the end of the stream */
	bool verbose; /* -v */
	bool scan;    /* -z */
	bool mute;    /* nobody to send to */
};

/* What was read and not yet sent. */
struct pending {
	char bytes[65536];
	size_t at, end;
	bool over; /* nothing more comes */
};

static const char help[] =
    "usage: strata nc [-46Nuv] [-p PORT] [-s SOURCE] [-w SECONDS] HOST PORT\n"
    "       strata nc -z [-46v] [-s SOURCE] [-w SECONDS] HOST PORT|FROM-TO\n"
    "       strata nc -l [-46kNuv] [-w SECONDS] [HOST] PORT\n"
    "\n"
    "A connection to HOST, or one that comes, on standard input and output.\n"
    "\n"
    "  -4, -6      IPv4 only, IPv6 only\n"
    "  -k          after a connection the next one\n"
    "  -l          listen, at all addresses or at that of HOST\n"
    "  -N          end our half at the end of standard input\n"
    "  -p PORT     ours: to call from, or to listen at\n"
    "  -s SOURCE   the same of our address\n"
    "  -u          UDP; else TCP\n"
    "  -v          say who is connected to whom\n"
    "  -w SECONDS  the longest silence, and the longest connecting\n"
    "  -z          see which ports open, and send nothing\n";

static bool write_all(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n == -1 && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static bool may_be_tried_again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* 1: go on; 0: the peer is done; -1: failed. */
static int receive(const struct nc *nc, int fd)
{
	static char buf[65536];
	ssize_t n = strata_recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n == 0 && nc->d.type == SOCK_STREAM)
		return 0;
	if (n == -1)
		return may_be_tried_again() ? 1 : -1;
	return write_all(buf, (size_t)n) ? 1 : -1;
}

/* The same of standard input; its end is told to the peer, if wanted. */
static int fill(const struct nc *nc, int fd, struct pending *p)
{
	ssize_t n = read(STDIN_FILENO, p->bytes, sizeof(p->bytes));

	if (n == -1)
		return may_be_tried_again() ? 1 : -1;
	p->at = 0;
	p->end = (size_t)n;
	if (n > 0)
		return 1;
	p->over = true;
	if (nc->finish && nc->d.type == SOCK_STREAM)
		strata_shutdown(fd, SHUT_WR);
	return 1;
}

static int drain(int fd, struct pending *p)
{
	ssize_t n = strata_send(
	    fd, p->bytes + p->at, p->end - p->at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == -1)
		return may_be_tried_again() ? 1 : -1;
	p->at += (size_t)n;
	return 1;
}

/* Both ends of what we do not do any more: the input, and what is sent. */
static bool is_all_sent(const struct pending *p)
{
	return p->over && p->at == p->end;
}

/* Which way something can be done now; 0: nothing for as long as -w says. */
static int wait_for_work(const struct nc *nc, int fd, bool heard_all,
    const struct pending *p, struct pollfd fds[2])
{
	bool full = p->at < p->end;
	short events = heard_all ? 0 : POLLIN;

	/* Of a socket that is done with it is always said that it hung up. */
	fds[0] = (struct pollfd){ .fd = heard_all && !full ? -1 : fd };
	fds[0].events = full ? events | POLLOUT : events;
	fds[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	if (p->over || full)
		fds[1].fd = -1;
	return strata_poll(
	    fds, 2, nc->d.wait_ns > 0 ? (int)(nc->d.wait_ns / NS_PER_MS) : -1);
}

/*
 * Until the peer has said all; and with -N, by which both ends of the
 * connection have an end of their own, until we have.
 */
static int relay(const struct nc *nc, int fd)
{
	static struct pending p;
	struct pollfd fds[2];
	bool heard_all = false;
	int r = 1;

	p = (struct pending){ .over = nc->mute };
	while (!heard_all || (nc->finish && !is_all_sent(&p))) {
		int n = wait_for_work(nc, fd, heard_all, &p, fds);

		if (n == 0)
			return 0; /* -w is over */
		if (n == -1 && errno != EINTR)
			return dial_fail(&nc->d, "poll");
		if (n == -1)
			continue;
		if (!heard_all && fds[0].revents & ~POLLOUT)
			r = receive(nc, fd);
		heard_all |= r == 0;
		if (r != -1 && fds[1].revents != 0)
			r = fill(nc, fd, &p);
		if (r != -1 && p.at < p.end)
			r = drain(fd, &p);
		if (r == -1)
			return dial_fail(&nc->d, "connection");
	}
	return 0;
}

static void say(const struct nc *nc, const char *what,
    const struct sockaddr *addr, socklen_t len)
{
	if (nc->verbose)
		fprintf(stderr, "%s: %s %s\n", nc->d.tool, what,
		    dial_text(addr, len));
}

/* ---- Both ways to begin */

static int call(const struct nc *nc, const char *host, const char *port)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = dial_connect(&nc->d, host, port);
	int status;

	if (fd == -1)
		return STATUS_FAILED;
	strata_getpeername(fd, (struct sockaddr *)&peer, &len);
	say(nc, "connected to", (struct sockaddr *)&peer, len);
	status = relay(nc, fd);
	strata_close(fd);
	return status;
}

/* Was it opened?  Then that is said, and it is closed. */
static bool is_open(int fd)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);

	if (fd == -1)
		return false;
	strata_getpeername(fd, (struct sockaddr *)&peer, &len);
	printf("%s is open\n", dial_text((struct sockaddr *)&peer, len));
	fflush(stdout);
	strata_close(fd);
	return true;
}

/* Of many ports those that are open are news; with -v all are. */
static int scan_range(
    struct nc *nc, const char *host, unsigned from, unsigned to)
{
	struct addrinfo *a = dial_lookup(&nc->d, host, NULL);
	unsigned open = 0;
	int err = 0;

	if (a == NULL)
		return STATUS_FAILED;
	nc->d.quiet = !nc->verbose;
	for (unsigned n = from; n <= to && err != ENETDOWN; n++) {
		for (struct addrinfo *each = a; each; each = each->ai_next)
			dial_set_port(each->ai_addr, (uint16_t)n);
		errno = 0;
		open += is_open(dial_connect_any(&nc->d, a));
		err = errno;
	}
	freeaddrinfo(a);
	if (err == ENETDOWN) {
		fprintf(stderr, "%s: the stack is gone\n", nc->d.tool);
		return STATUS_FAILED;
	}
	if (open == 0)
		fprintf(stderr, "%s: none of the ports %u to %u is open\n",
		    nc->d.tool, from, to);
	return open > 0 ? 0 : STATUS_FAILED;
}

static int scan(struct nc *nc, const char *host, const char *port)
{
	unsigned from, to;
	int len = 0;

	if (sscanf(port, "%5u-%5u%n", &from, &to, &len) != 2 ||
	    port[len] != '\0')
		return is_open(dial_connect(&nc->d, host, port))
		    ? 0
		    : STATUS_FAILED;
	if (from == 0 || from > to || to > UINT16_MAX) {
		fprintf(stderr, "%s: \"%s\" is no range of ports\n", nc->d.tool,
		    port);
		return usage_wrong(help);
	}
	return scan_range(nc, host, from, to);
}

static int answer_one(const struct nc *nc, int listener)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = strata_accept(listener, (struct sockaddr *)&peer, &len);
	int status;

	if (fd == -1)
		return dial_fail(&nc->d, "accept");
	say(nc, "connection from", (struct sockaddr *)&peer, len);
	status = relay(nc, fd);
	strata_close(fd);
	return status;
}

/* Who sends first is our peer, but with -k we hear everybody. */
static int answer_datagrams(struct nc *nc, int fd)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);

	nc->mute = nc->keep;
	if (!nc->keep &&
	    (strata_recvfrom(
		 fd, NULL, 0, MSG_PEEK, (struct sockaddr *)&peer, &len) == -1 ||
		strata_connect(fd, (struct sockaddr *)&peer, len) == -1))
		return dial_fail(&nc->d, "peer");
	if (!nc->keep)
		say(nc, "datagram from", (struct sockaddr *)&peer, len);
	return relay(nc, fd);
}

static int serve(struct nc *nc, const char *host, const char *port)
{
	struct sockaddr_storage here = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(here);
	int fd = dial_bind(&nc->d, host, port);
	int status;

	if (fd == -1)
		return STATUS_FAILED;
	strata_getsockname(fd, (struct sockaddr *)&here, &len);
	say(nc, "listening on", (struct sockaddr *)&here, len);
	if (nc->d.type == SOCK_DGRAM) {
		status = answer_datagrams(nc, fd);
	} else {
		do
			status = answer_one(nc, fd);
		while (nc->keep);
	}
	strata_close(fd);
	return status;
}

static bool go_together(const struct nc *nc)
{
	const char *wrong = NULL;

	if (nc->keep && !nc->listen)
		wrong = "-k is for a listener (-l)";
	else if (nc->scan && nc->listen)
		wrong = "-z calls, and -l listens";
	else if (nc->scan && nc->d.type == SOCK_DGRAM)
		wrong = "-z is for TCP: UDP ports do not open";
	else if (nc->scan && nc->d.source_port != NULL)
		wrong = "-z calls from a new port each time, not from -p";
	if (wrong != NULL)
		fprintf(stderr, "%s: %s\n", nc->d.tool, wrong);
	return wrong == NULL;
}

static bool read_options(struct nc *nc, int argc, char **argv)
{
	int c, port;

	while ((c = getopt(argc, argv, "+46klNp:s:uvw:z")) != -1) {
		switch (c) {
		case '4':
			nc->d.family = AF_INET;
			break;
		case '6':
			nc->d.family = AF_INET6;
			break;
		case 'k':
			nc->keep = true;
			break;
		case 'l':
			nc->listen = true;
			break;
		case 'N':
			nc->finish = true;
			break;
		case 'p':
			if (!argument_int(
				nc->d.tool, optarg, 1, UINT16_MAX, &port))
				return false;
			nc->d.source_port = optarg;
			break;
		case 's':
			nc->d.source = optarg;
			if (dial_is_address(optarg))
				break;
			fprintf(stderr, "%s: \"%s\" is not an address\n",
			    nc->d.tool, optarg);
			return false;
		case 'u':
			nc->d.type = SOCK_DGRAM;
			break;
		case 'v':
			nc->verbose = true;
			break;
		case 'w':
			if (!argument_seconds(nc->d.tool, optarg, WAIT_MIN_S,
				WAIT_MAX_S, &nc->d.wait_ns))
				return false;
			break;
		case 'z':
			nc->scan = true;
			break;
		default: /* a user's letter */
			return false;
		}
	}
	return go_together(nc);
}

/* [HOST] PORT; or, as others have it, -s HOST -p PORT. */
static int listen_at(struct nc *nc, int n, char **words)
{
	const char *host = nc->d.source, *port = nc->d.source_port;

	if (n == 2 && host == NULL)
		host = *words++;
	if (n > 0 && port == NULL)
		port = *words++;
	if (port == NULL || *words != NULL)
		return usage_wrong(help);
	return serve(nc, host, port);
}

int command_nc(int argc, char **argv)
{
	struct nc nc = { .d = { .tool = "strata nc", .type = SOCK_STREAM } };
	int n;

	if (help_wanted(argc, argv, help))
		return 0;
	if (!read_options(&nc, argc, argv))
		return usage_wrong(help);
	n = argc - optind;
	argv += optind;
	if (nc.listen)
		return listen_at(&nc, n, argv);
	if (n != 2)
		return usage_wrong(help);
	return nc.scan ? scan(&nc, argv[0], argv[1])
		       : call(&nc, argv[0], argv[1]);
}
