/*
 * sup_rights.c - who may do what to a stack
 *
 *	connect	whom the mode of the socket "ctl" lets: the stack's user,
 *		unless `strata up --mode` or `--group` has said more
 *	use	who is connected: sockets of an app; what `strata status` and
 *		`strata ss` show, numbers and addresses
 *	rule	root and the stack's user: whatever changes it for others, and
 *		others' packets
 *	join	as a daemon, started by hand: the stack's user alone, since the
 *		supervisor has to be able to kill whom it lets write its memory
 *	raw	sockets are root's, as with the kernel
 *
 * A connection is inherited by fork and may be passed on, so two are asked: who
 * connected, and who sends (SCM_CREDENTIALS, filled in by the kernel).  The
 * first alone would let a program of root's rule that has since become somebody
 * else; the second alone would let whoever can make a program of root's write
 * to a descriptor that he has opened.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/sup.h"

static const uint32_t NOBODY = UINT32_MAX;

int sup_rights_listener(int fd)
{
	int on = 1;

	/* Every connection that is accepted inherits it. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1)
		return -errno;
	return 0;
}

int sup_rights_path(const struct supervisor_options *o, const char *path)
{
	if (o->group != (gid_t)-1 && chown(path, (uid_t)-1, o->group) == -1)
		return -errno;
	return chmod(path, o->mode) == -1 ? -errno : 0;
}

void sup_rights_connected(struct client *c)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	c->connected = c->sender = NOBODY;
	if (getsockopt(c->src.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		c->connected = who.uid;
}

ssize_t sup_rights_peek(struct client *c, char *first)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} room;
	struct iovec iov = { .iov_len = 1 };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	const struct cmsghdr *m;
	struct ucred who;
	ssize_t n;

	iov.iov_base = first;
	/* Descriptors, for which there is no room, stay where they are. */
	n = recvmsg(c->src.fd, &h, MSG_PEEK | MSG_DONTWAIT);
	m = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;
	c->sender = NOBODY;
	if (m != NULL && m->cmsg_level == SOL_SOCKET &&
	    m->cmsg_type == SCM_CREDENTIALS &&
	    m->cmsg_len == CMSG_LEN(sizeof(who))) {
		memcpy(&who, CMSG_DATA(m), sizeof(who));
		c->sender = who.uid;
	}
	return n;
}

static bool rules(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool sup_may_crowd(const struct client *c)
{
	return rules(c->connected);
}

bool sup_may_rule(const struct client *c)
{
	return rules(c->connected) && rules(c->sender);
}

bool sup_may_join(const struct client *c)
{
	return c->connected == geteuid() && c->sender == geteuid();
}

bool sup_may_raw(const struct client *c)
{
	return c->connected == 0 && c->sender == 0;
}
