/*
 * ask.c - a question to a running stack's supervisor, and its answer
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/command/command.h"
#include "shm/control.h"
#include "shm/join.h"
#include "shm/rundir.h"

enum {
	PULSE_MS =
	    1000, /* a supervisor answers in less, or is being replaced */
};

/* The answer lies in a file whose descriptor comes; see sup_command.c. */
static json_t *receive(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	json_t *answer = NULL;

	if (poll(&p, 1, timeout_ms) != 1 || ctl_recv(fd, &m, fds) < 0)
		return NULL;
	if (m.nfds == 1 && lseek(fds[0], 0, SEEK_SET) == 0)
		answer = json_loadfd(fds[0], 0, NULL);
	for (uint32_t i = 0; i < m.nfds; i++)
		close(fds[i]);
	return answer;
}

int reach_stack(const char *name)
{
	char why[TOPO_ERROR_LEN];
	uid_t owner;
	int fd = join_connect(name);

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		fprintf(stderr, "strata: no stack \"%s\" is running\n", name);
	else if (fd == -EACCES && rundir_check(name, &owner, why) == -EPERM)
		fprintf(stderr, "strata: %s\n", why);
	else if (fd == -EACCES)
		fprintf(stderr,
		    "strata: stack \"%s\" is another user's;"
		    " see --mode in strata-up(1)\n",
		    name);
	else if (fd < 0)
		fprintf(stderr, "strata: can't ask stack \"%s\": %s\n", name,
		    strerror(-fd));
	return fd;
}

static json_t *exchange(const char *name, const char *text)
{
	int fd = reach_stack(name);
	json_t *answer = NULL;

	if (fd < 0)
		return NULL;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != -1)
		answer = receive(fd, -1);
	close(fd);
	if (answer == NULL)
		fprintf(stderr, "strata: stack \"%s\" did not answer\n", name);
	return answer;
}

json_t *ask_stack(const char *name, json_t *question)
{
	char *text = json_dumps(question, JSON_COMPACT);
	json_t *answer = text != NULL ? exchange(name, text) : NULL;
	const char *error;

	free(text);
	json_decref(question);
	if (answer == NULL || json_is_true(json_object_get(answer, "ok")))
		return answer;
	error = json_string_value(json_object_get(answer, "error"));
	fprintf(stderr, "strata: %s\n", error != NULL ? error : "refused");
	json_decref(answer);
	return NULL;
}

void print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
}

int ask_pulse(json_t **ret, const char *name)
{
	static const char question[] = "{\"command\": \"pulse\"}";
	json_t *answer = NULL;
	int fd = join_connect(name);

	if (fd < 0)
		return fd == -ECONNREFUSED ? -ENOENT : fd;
	if (send(fd, question, strlen(question), MSG_NOSIGNAL) != -1)
		answer = receive(fd, PULSE_MS);
	close(fd);
	if (answer == NULL)
		return -ETIMEDOUT;
	if (!json_is_true(json_object_get(answer, "ok"))) {
		json_decref(answer);
		return -EPROTO;
	}
	*ret = answer;
	return 0;
}
