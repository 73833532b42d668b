/*
 * sup_command.c - what `strata` asks of a running stack
 *
 * A request is one JSON object, {"command": "status"}; the answer is one too,
 * with "ok" and, if that is false, "error".  An answer may be large, so it goes
 * into a memfd whose descriptor is sent: no client, however slow, can make the
 * supervisor wait.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/sup.h"

/* One write: json_dumpfd() makes one of each word and comma. */
static void send_json(struct client *c, json_t *answer)
{
	struct ctl_msg m = { .nfds = 1 };
	char *text = json_dumps(answer, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;
	int fd = memfd_create("strata answer", MFD_CLOEXEC);

	if (fd != -1 && len > 0 && write(fd, text, len) == (ssize_t)len)
		ctl_send(c->src.fd, &m, &fd);
	if (fd != -1)
		close(fd);
	free(text);
}

void sup_answer(struct sup *s, struct client *c, const char *error)
{
	/* Which process is the last of a stack. */
	pid_t last = s->keeper != -1 ? getppid() : getpid();
	json_t *a = error != NULL
	    ? json_pack("{s:b, s:s}", "ok", 0, "error", error)
	    : json_pack("{s:b, s:i}", "ok", 1, "last_pid", (int)last);

	c->waits = false;
	send_json(c, a);
	json_decref(a);
	sup_client_close(s, c);
}

void sup_answer_json(struct sup *s, struct client *c, json_t *answer)
{
	send_json(c, answer);
	sup_client_close(s, c);
}

static int find_process(const struct sup *s, const char *name)
{
	for (int p = 0; name != NULL && p < s->estate.topo.nprocs; p++)
		if (strcmp(s->estate.topo.procs[p].name, name) == 0)
			return p;
	return -1;
}

static void no_process(struct sup *s, struct client *c, const char *name)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "no daemon \"%.32s\"; there are",
	    name != NULL ? name : "");

	for (uint32_t p = 0; p < s->estate.topo.nprocs; p++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %s",
		    s->estate.topo.procs[p].name);
	sup_answer(s, c, text);
}

void sup_refuse(struct sup *s, struct client *c)
{
	sup_answer(
	    s, c, "only root and the user who runs the stack may do that");
}

/* ---- The commands ---- */

static void status(struct sup *s, struct client *c, const json_t *q)
{
	bool zeros = json_is_true(json_object_get(q, "zeros"));
	json_t *a = sup_status(s, zeros);

	sup_answer_json(s, c, a);
	json_decref(a);
}

static void pulse(struct sup *s, struct client *c, const json_t *q)
{
	json_t *a = sup_pulse(s);

	(void)q;
	sup_answer_json(s, c, a);
	json_decref(a);
}

static void restart(struct sup *s, struct client *c, const json_t *q)
{
	const char *name = json_string_value(json_object_get(q, "daemon"));
	int p = find_process(s, name);
	int r;

	if (p < 0) {
		no_process(s, c, name);
		return;
	}
	c->waits = true;
	r = sup_restart(s, (uint32_t)p, c->src.fd);
	if (r == -EBUSY)
		sup_answer(s, c, "it is being restarted already");
	else if (r < 0)
		sup_answer(s, c, strerror(-r));
}

static void set_level(struct sup *s, struct client *c, const json_t *q)
{
	const char *name = json_string_value(json_object_get(q, "daemon"));
	const char *word = json_string_value(json_object_get(q, "level"));
	int p = find_process(s, name);
	enum log_level level;

	if (p < 0) {
		no_process(s, c, name);
		return;
	}
	if (word == NULL || !log_level_parse(&level, word)) {
		sup_answer(
		    s, c, "no such level; there are error warn info debug");
		return;
	}
	atomic_store_explicit(&s->estate.sup->log_level[p], (uint32_t)level,
	    memory_order_relaxed);
	sup_answer(s, c, NULL);
}

static void down(struct sup *s, struct client *c, const json_t *q)
{
	(void)q;
	c->waits = true; /* answered when all is down */
	s->ending = true;
}

/* Who may (sup_rights.c): all who are connected, or who rules the stack. */
static const struct command {
	const char *name;
	void (*run)(struct sup *s, struct client *c, const json_t *q);
	bool for_all;
} commands[] = {
	{ "status", status, true },
	{ "pulse", pulse, true },
	{ "impair", sup_impair, true }, /* to look; it asks who changes */
	{ "tap", sup_tap_command, false },
	{ "restart", restart, false },
	{ "log", set_level, false },
	{ "down", down, false },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

void sup_command(struct sup *s, struct client *c, const char *text, size_t len)
{
	json_t *q = json_loadb(text, len, 0, NULL);
	const char *name = json_string_value(json_object_get(q, "command"));
	const struct command *k = name != NULL ? find_command(name) : NULL;

	if (name == NULL)
		sup_answer(s, c, "not a command");
	else if (k == NULL)
		sup_answer(s, c, "this supervisor knows no such command");
	else if (!k->for_all && !sup_may_rule(c))
		sup_refuse(s, c);
	else
		k->run(s, c, q);
	json_decref(q);
}
