/*
 * topology.c - what is to run and how it is joined: the file as a whole
 *
 * The file is read by nature: topology_proc.c has processes and rings,
 * topology_link.c links, topology_addr.c addresses and routes, topology_tcp.c
 * the settings of TCP.  Then
 * topology_check.c looks at what only the whole can tell.
 */
#include "shm/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/topology_parts.h"
#include "shm/topology_reader.h"

enum {
	FILE_MAX = 1 << 20, /* the largest sensible file has a few KB */
};

static const char *const KEYS[] = {
	"name",
	"links",
	"routes",
	"processes",
	"rings",
	"icmp",
	"reassembly",
	"tcp",
	"hop_limit",
	"forward",
	NULL,
};

static const struct limits HOP_LIMIT = {
	"hop_limit",
	1,
	255,
	.why_min = "the smallest with which a packet gets anywhere",
	.why_max = "the largest that its byte can hold",
};

static void icmp_read(struct reader *r, struct topo_icmp *ret)
{
	static const char *const keys[] = { "rate", "burst", NULL };
	static const struct limits rate = { .key = "rate", 0, 1000000 };
	static const struct limits burst = { .key = "burst", 1, 100000 };

	*ret = (struct topo_icmp){ .rate = 1000, .burst = 50 };
	if (!reader_enter(r, "icmp"))
		return;
	if (reader_object(r, keys)) {
		ret->rate = (uint32_t)reader_number(r, &rate, ret->rate);
		ret->burst = (uint32_t)reader_number(r, &burst, ret->burst);
	}
	reader_leave(r);
}

static void reassembly_read(struct reader *r, struct topo_reassembly *ret)
{
	static const char *const keys[] = { "timeout_ms", "max_bytes", NULL };
	static const struct limits timeout = {
		.key = "timeout_ms",
		1000,
		120000,
	};
	static const struct limits max = {
		"max_bytes",
		65536,
		64 << 20,
		.why_min = "what one largest datagram takes",
	};

	*ret = (struct topo_reassembly){
		.timeout_ms = 60000,
		.max_bytes = 4 << 20,
	};
	if (!reader_enter(r, "reassembly"))
		return;
	if (reader_object(r, keys)) {
		ret->timeout_ms =
		    (uint32_t)reader_number(r, &timeout, ret->timeout_ms);
		ret->max_bytes =
		    (uint32_t)reader_number(r, &max, ret->max_bytes);
	}
	reader_leave(r);
}

/* Processes first: rings and links name them.  Links next, for the routes. */
static void whole_read(struct reader *r, struct topology *t)
{
	if (!reader_object(r, KEYS))
		return;
	reader_name(r, "name", t->name);
	reader_array(r, "processes", true, TOPO_MAX_PROCS, proc_read, t);
	reader_array(r, "rings", true, TOPO_MAX_RINGS, ring_read, t);
	reader_array(r, "links", true, TOPO_MAX_LINKS, link_read, t);
	reader_array(r, "routes", false, TOPO_MAX_ROUTES, route_read, t);
	icmp_read(r, &t->icmp);
	reassembly_read(r, &t->reassembly);
	tcp_read(r, &t->tcp);
	t->hop_limit = (uint32_t)reader_number(r, &HOP_LIMIT, 64);
	t->forward = reader_bool(r, "forward", false);
	if (r->err == 0)
		topology_check(r, t);
}

/* jansson quotes what it stopped at; it may hold anything. */
static void say_syntax(
    char error[TOPO_ERROR_LEN], const char *name, const json_error_t *e)
{
	snprintf(error, TOPO_ERROR_LEN, "%s:%d:%d: %s", name,
	    e->line > 0 ? e->line : 1, e->column > 0 ? e->column : 1, e->text);
	for (char *p = error; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

int topology_parse(struct topology *ret, const char *text, size_t len,
    const char *name, char error[TOPO_ERROR_LEN])
{
	struct reader r = {
		.text = text,
		.len = len,
		.name = name,
		.error = error,
	};
	struct topology t;
	json_error_t e;

	r.values[0] = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!r.values[0]) {
		say_syntax(error, name, &e);
		return -EINVAL;
	}
	/* With its padding, for the copy that other processes map. */
	memset(&t, 0, sizeof(t));
	whole_read(&r, &t);
	json_decref(r.values[0]);
	if (r.err == 0)
		memcpy(ret, &t, sizeof(t));
	return r.err;
}

/* All that @fd gives, up to @size.  The number of bytes or a negative errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, buf + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static int load_fd(
    struct topology *ret, int fd, const char *name, char error[TOPO_ERROR_LEN])
{
	char *text = malloc(FILE_MAX + 1);
	ssize_t n = text ? read_all(fd, text, FILE_MAX + 1) : -ENOMEM;
	int r;

	if (n < 0) {
		r = (int)n;
		snprintf(error, TOPO_ERROR_LEN, "%s: cannot be read: %s", name,
		    strerror(-r));
	} else if (n > FILE_MAX) {
		r = -EFBIG;
		snprintf(error, TOPO_ERROR_LEN,
		    "%s: is larger than 1 MiB, so it is no topology", name);
	} else {
		r = topology_parse(ret, text, (size_t)n, name, error);
	}
	free(text);
	return r;
}

int topology_load(
    struct topology *ret, const char *path, char error[TOPO_ERROR_LEN])
{
	int fd, r;

	if (strcmp(path, "-") == 0)
		return load_fd(ret, STDIN_FILENO, "standard input", error);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		snprintf(error, TOPO_ERROR_LEN, "%s: cannot be opened: %s",
		    path, strerror(-r));
		return r;
	}
	r = load_fd(ret, fd, path, error);
	close(fd);
	return r;
}
