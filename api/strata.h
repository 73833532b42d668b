/*
 * strata.h - sockets of a strata stack, in the words of the BSD ones
 *
 *	int fd = strata_socket(AF_INET6, SOCK_DGRAM, 0);
 *	strata_bind(fd, (struct sockaddr *)&here, sizeof(here));
 *	n = strata_recvfrom(fd, buf, sizeof(buf), 0, ...);
 *
 * Arguments, results and errno are those of the calls without the prefix; only
 * what differs is said here.  A program finds its stack by STRATA=NAME in the
 * environment; without it, it is on the only one that runs.  With STRATA_DEBUG
 * set, one line on stderr says why a stack was not found.
 *
 * A socket is also an ordinary file descriptor of the kernel's, so it may be
 * polled, inherited over fork and kept for a child.  Its bytes are not in the
 * kernel, though: read(2), write(2), recv(2) and the like on it are errors of
 * the program.  poll(2) and select(2) on it tell truly when it is readable.
 *
 * All calls may be made from several threads at once, and after fork from both
 * processes, which then share the socket.
 *
 * Every call can also fail with
 *	EBADF		not a descriptor
 *	ENOTSOCK	not a socket of a strata stack
 *	ENETDOWN	the stack has been taken down
 * A restart or upgrade of the stack's daemons is no error: calls wait.
 */
#ifndef STRATA_H
#define STRATA_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A new socket.  @domain: AF_INET or AF_INET6; @type: SOCK_DGRAM or SOCK_STREAM,
 * which may be or'ed with SOCK_NONBLOCK and SOCK_CLOEXEC; @protocol: 0, or
 * IPPROTO_UDP or IPPROTO_TCP, whichever is the type's.
 *
 * Returns a descriptor, to be closed with strata_close(); or -1 with errno:
 *   EAFNOSUPPORT	another domain
 *   EINVAL		unknown flags or type
 *   ESOCKTNOSUPPORT	a type that the stack has not, as SOCK_RAW
 *   EPROTONOSUPPORT	the type has no such protocol
 *   ENFILE, ENOMEM	no more descriptors or memory
 *   EMFILE		the stack has no more sockets for this program
 *   ENETDOWN		no stack runs, or STRATA names none that does
 *   ENOTUNIQ		several run and STRATA is not set
 */
int strata_socket(int domain, int type, int protocol);

/*
 * Close the descriptor.  The last one of a socket closes that: what was sent
 * before still goes out, what was not read is lost.
 */
int strata_close(int fd);

/*
 * Give the socket an address of the stack's and a port; port 0 draws one as
 * RFC 6056 advises.  sin6_scope_id is the number of the link in the topology,
 * counted from 1.
 *   EINVAL		bound already, or @len too short
 *   EADDRNOTAVAIL	not an address of the stack, or not yet valid
 *   EADDRINUSE		taken, and not both with SO_REUSEADDR
 */
int strata_bind(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * A datagram socket: fix the peer.  Only its datagrams are received, and ICMP
 * errors about those to it are reported.  AF_UNSPEC undoes it.
 *
 * A stream: open a connection (RFC 9293, 3.10.1), and wait until it is there;
 * AF_UNSPEC resets one.
 *   EINPROGRESS	non-blocking: poll says POLLOUT, then SO_ERROR tells
 *   EALREADY		an earlier call has not come to an end
 *   EISCONN		there is a connection
 *   ECONNREFUSED	nobody listens there
 *   ETIMEDOUT		no answer
 *   EHOSTUNREACH ...	what ICMP said
 *   EADDRNOTAVAIL	there is such a connection, or no port is free
 *   ENETUNREACH	no route, or no address to send from
 *   EACCES		a broadcast address without SO_BROADCAST
 *   EAGAIN		every port is taken
 */
int strata_connect(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * Take connections on the address that the socket is bound to (else any, port
 * drawn).  @backlog: how many may wait to be accepted, at most 4,096; again:
 * another one.
 *   EINVAL		there is a connection
 *   EADDRINUSE		somebody listens there
 *   EMFILE		no sockets are left for those that will come
 */
int strata_listen(int fd, int backlog);

/*
 * The next connection, as a new descriptor; @flags: SOCK_NONBLOCK, SOCK_CLOEXEC.
 * It has the listener's options.
 *   EAGAIN		non-blocking, and none is there
 *   EINVAL		not listening (any more)
 *   ECONNABORTED	it was there, and its socket is gone
 */
int strata_accept(int fd, struct sockaddr *addr, socklen_t *len);
int strata_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

/*
 * Streams: as many bytes as there is room for, all of them unless non-blocking,
 * MSG_DONTWAIT, a signal or SO_SNDTIMEO.  MSG_MORE: more follows, wait for it;
 * MSG_NOSIGNAL: EPIPE without SIGPIPE.  There is no MSG_OOB (RFC 6093):
 * EOPNOTSUPP.
 *   EPIPE		shut down, or the connection is over
 *   ECONNRESET		the peer reset it
 *   ETIMEDOUT		the peer is silent
 *   ENOTCONN		never connected
 *
 * Datagrams: send one.  Returns @len, which means that it is the stack's to send
 * and survives this program, not that it arrived; or -1 with errno:
 *   EDESTADDRREQ	no address given and not connected
 *   EMSGSIZE		more than 65,507 bytes (IPv6: 65,527), or more than
 *			fits unfragmented where IP_PMTUDISC_DO is set
 *   ENETUNREACH	no route
 *   EACCES		broadcast without SO_BROADCAST
 *   EAGAIN		the send buffer is full: non-blocking, or time is up
 *   EPIPE		shut down for sending
 *   ECONNREFUSED ...	what ICMP said about an earlier one (SO_ERROR)
 */
ssize_t strata_send(int fd, const void *buf, size_t len, int flags);
ssize_t strata_sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len);

/* Understood beside it: IP_PKTINFO, IPV6_PKTINFO, IP_TTL, IP_TOS,
 * IPV6_HOPLIMIT, IPV6_TCLASS. */
ssize_t strata_sendmsg(int fd, const struct msghdr *msg, int flags);

/*
 * Streams: what is there, at least a byte, at most @len; 0: the peer has sent
 * all.  MSG_WAITALL: all of @len, unless the end, an error or a signal comes
 * first; MSG_PEEK; MSG_TRUNC: thrown away.  Urgent data is in line with the rest.
 *   ECONNRESET, ETIMEDOUT, ENOTCONN as above
 *
 * Datagrams: receive one; its length, which may be 0, or -1 with errno.  Bytes
 * beyond @len are lost.  MSG_PEEK, MSG_TRUNC and MSG_DONTWAIT are understood.
 *   EAGAIN		none is there: non-blocking, or time is up
 *   EINTR		a signal came first
 *   ECONNREFUSED ...	what ICMP said about one that was sent (SO_ERROR)
 */
ssize_t strata_recv(int fd, void *buf, size_t len, int flags);
ssize_t strata_recvfrom(int fd, void *buf, size_t len, int flags,
    struct sockaddr *from, socklen_t *from_len);

/* Beside it, where asked for: the packet's destination, TTL and TOS. */
ssize_t strata_recvmsg(int fd, struct msghdr *msg, int flags);

ssize_t strata_read(int fd, void *buf, size_t len);
ssize_t strata_write(int fd, const void *buf, size_t len);
ssize_t strata_readv(int fd, const struct iovec *iov, int n);
ssize_t strata_writev(int fd, const struct iovec *iov, int n);

/*
 * A stream without a copy.  _reserve: up to @len bytes of room in @iov, one or
 * two pieces, returns how many; _commit: the first @len of them are written and
 * belong to the stack until they are acknowledged.  _peek: the bytes that are
 * there, returns how many, 0: the end; _consume: the first @len of them are
 * done with.  Between the two calls nobody else may write (read) the socket.
 * They never wait.
 *   EAGAIN		no room, or nothing is there
 *   EINVAL		more than was given
 *   EOPNOTSUPP		not a stream
 *   EPIPE, ECONNRESET ... as above
 */
ssize_t strata_send_reserve(int fd, size_t len, struct iovec iov[2]);
int strata_send_commit(int fd, size_t len);
ssize_t strata_recv_peek(int fd, struct iovec iov[2]);
int strata_recv_consume(int fd, size_t len);

int strata_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int strata_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/*
 * Options of SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP.  SO_BINDTODEVICE takes
 * the name of a link.  There is no error queue: IP_RECVERR makes unconnected
 * sockets see errors, and MSG_ERRQUEUE finds nothing.
 */
int strata_setsockopt(
    int fd, int level, int name, const void *value, socklen_t len);
int strata_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

int strata_shutdown(int fd, int how);

/*
 * As poll(2), over sockets of the stack and any other descriptors together.
 */
int strata_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

/*
 * As epoll(7), over sockets of the stack and any other descriptors together,
 * level- and edge-triggered.  A set is the process's own: a child of fork makes
 * its own.  It is closed with strata_close().
 *   EMFILE		64 sets are open
 */
int strata_epoll_create1(int flags);
int strata_epoll_ctl(int ep, int op, int fd, struct epoll_event *event);
int strata_epoll_wait(
    int ep, struct epoll_event *events, int max, int timeout_ms);
int strata_epoll_pwait(int ep, struct epoll_event *events, int max,
    int timeout_ms, const sigset_t *mask);

/* F_GETFL, F_SETFL for O_NONBLOCK, F_GETFD, F_SETFD; the rest is EINVAL. */
int strata_fcntl(int fd, int cmd, ...);

/* FIONREAD (bytes unread; of the next datagram), SIOCOUTQ, FIONBIO. */
int strata_ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

#endif /* STRATA_H */
