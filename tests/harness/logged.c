/*
 * logged.c - a log of level debug that a test reads back
 */
#include "tests/harness/logged.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

void logged_open(struct logged *l)
{
	int fd[2];
	int rc = pipe2(fd, O_CLOEXEC | O_NONBLOCK);

	assert(rc == 0);
	(void)rc;
	l->fd = fd[0];
	atomic_init(&l->level, LOG_DEBUG);
	log_open(&l->log, fd[1], "test", &l->level);
}

const char *logged_close(struct logged *l)
{
	ssize_t n;

	close(l->log.fd);
	n = read(l->fd, l->text, sizeof(l->text) - 1);
	close(l->fd);
	l->text[n > 0 ? n : 0] = '\0';
	return l->text;
}
