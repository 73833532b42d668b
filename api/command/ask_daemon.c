/*
 * ask_daemon.c - a question to the daemons of a stack, and their records
 *
 * ask.h says how it travels.  The answer lies in a file; what it says comes
 * from the daemons and is checked by whoever looks at it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/command/ask_daemon.h"
#include "shm/join.h"

static int read_all(int fd, struct answer *ret)
{
	struct stat st;
	size_t done = 0;
	ssize_t n;

	if (fstat(fd, &st) == -1 || st.st_size < (off_t)sizeof(ret->file))
		return -EPROTO;
	ret->len = (size_t)st.st_size - sizeof(ret->file);
	if (pread(fd, &ret->file, sizeof(ret->file), 0) !=
		(ssize_t)sizeof(ret->file) ||
	    ret->file.version != ASK_VERSION)
		return -EPROTO;
	ret->records = malloc(ret->len + 1);
	if (ret->records == NULL)
		return -ENOMEM;
	for (; done < ret->len; done += (size_t)n) {
		n = pread(fd, ret->records + done, ret->len - done,
		    (off_t)(sizeof(ret->file) + done));
		if (n <= 0)
			return -EIO;
	}
	return 0;
}

static int receive(int fd, struct answer *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctl_msg m;
	int fds[CTL_MAX_FDS];
	int r;

	if (poll(&p, 1, -1) != 1)
		return -errno;
	r = ctl_recv(fd, &m, fds);
	if (r < 0)
		return r;
	if (m.type != CTL_ANSWER)
		r = -EPROTO;
	else if (m.arg[0] != 0)
		r = -(int)(m.arg[0] & 0xffff);
	else
		r = m.nfds == 1 ? read_all(fds[0], ret) : -EPROTO;
	for (uint32_t i = 0; i < m.nfds; i++)
		close(fds[i]);
	return r;
}

int ask_daemon(const char *stack, const struct ask *q, struct answer *ret)
{
	struct ctl_msg m = { .type = CTL_ASK };
	struct ask ask = *q;
	int fd = join_connect(stack);
	int r;

	*ret = (struct answer){ .records = NULL };
	ask.version = ASK_VERSION;
	if (fd < 0)
		return fd == -ENOENT ? -ECONNREFUSED : fd;
	r = ctl_send_bytes(fd, &m, NULL, &ask, sizeof(ask));
	if (r == 0)
		r = receive(fd, ret);
	close(fd);
	if (r < 0)
		answer_free(ret);
	return r;
}

void answer_free(struct answer *a)
{
	free(a->records);
	a->records = NULL;
	a->len = 0;
}

const char *ask_error(int r, char text[ASK_ERROR_LEN])
{
	const char *why = strerror(-r);

	switch (-r) {
	case ECONNREFUSED:
		why = "no such stack is running; strata up FILE.json starts it";
		break;
	case EPIPE:
		why = "the supervisor has ended meanwhile; ask again";
		break;
	case ETIMEDOUT:
		why = "a daemon does not answer; see strata status and the log";
		break;
	case EPROTO:
		why = "the stack is of another version of strata";
		break;
	case EACCES:
		why = "it is another user's; see --mode in strata-up(1)";
		break;
	case EPERM:
		why = "only root and the user who runs the stack may do that";
		break;
	case ENODEV:
		why = "no such link; see strata status";
		break;
	case ENOTUNIQ:
		why = "there are several links; say which: dev LINK";
		break;
	case ENOSPC:
		why = "the table is full";
		break;
	}
	snprintf(text, ASK_ERROR_LEN, "%s", why);
	return text;
}
