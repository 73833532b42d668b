/*
 * strata.h - sockets of a strata stack, in the words of the BSD ones
 *
 *	int fd = strata_socket(AF_INET6, SOCK_STREAM, 0);
 *	strata_connect(fd, (struct sockaddr *)&there, sizeof(there));
 *	n = strata_recv(fd, buf, sizeof(buf), 0);
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
 * processes, which then share the socket.  A call that waits sleeps in the
 * kernel.  Signals end it as they end the kernel's calls (signal(7)); but who
 * waits to send or to connect is not taken up again if any handler of the
 * program is without SA_RESTART.
 *
 * Every call can also fail with
 *	EBADF		not a descriptor
 *	ENOTSOCK	not a socket of a strata stack
 *	ENETDOWN	the stack has been taken down
 * A restart or upgrade of the stack's daemons is no error: calls wait.
 */
#ifndef STRATA_H
#define STRATA_H

/* What `strata --version` says, too. */
#define STRATA_VERSION "0.1"

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

/* ---- Sockets */

/*
 * A new socket.  @domain: AF_INET or AF_INET6, which serves both families
 * unless IPV6_V6ONLY is set; @type: SOCK_STREAM, SOCK_DGRAM or SOCK_RAW, which
 * may be or'ed with SOCK_NONBLOCK and SOCK_CLOEXEC; @protocol: 0, IPPROTO_TCP
 * or IPPROTO_UDP.
 *
 * SOCK_DGRAM with IPPROTO_ICMP, or of AF_INET6 with IPPROTO_ICMPV6, sends echo
 * requests and receives the replies to them (icmp(7)).  SOCK_RAW is for packets
 * of any protocol from 1 to 255 (raw(7)), and for root alone.
 *
 * Returns a descriptor, to be closed with strata_close(); or -1 with errno:
 *   EAFNOSUPPORT	another domain
 *   EINVAL		unknown flags or type
 *   ESOCKTNOSUPPORT	a type that the stack has not, as SOCK_RDM
 *   EPERM		SOCK_RAW, and not root
 *   EPROTONOSUPPORT	the type has no such protocol, or the stack no process
 *			for it
 *   ENFILE, ENOMEM	no more descriptors or memory
 *   EMFILE		no more descriptors, or the stack has no more sockets
 *   ENETDOWN		no stack runs, or STRATA names none that does
 *   ENOTUNIQ		several run and STRATA is not set
 */
int strata_socket(int domain, int type, int protocol);

/*
 * Close the descriptor of a socket or of an epoll set.  The last one of a
 * socket closes that.  What was sent before still goes out; a stream ends with
 * a FIN after it, but with a reset if something that came was not read, or if
 * SO_LINGER is on with 0 seconds.  With more it waits so long for all that was
 * sent and the FIN to be acknowledged, also on a non-blocking socket; for the
 * FIN not once the program has forked since the socket was made, as another
 * process may have it still.
 */
int strata_close(int fd);

/*
 * Give the socket an address of the stack's and a port; port 0 draws one as
 * RFC 6056 advises.  sin6_scope_id is the number of a link of the stack's, not
 * of an interface of the kernel's: strata_if_nametoindex().
 *   EINVAL		bound already, or @len too short
 *   EADDRNOTAVAIL	not an address of the stack, or not yet valid
 *   EADDRINUSE		taken, and not both with SO_REUSEADDR or SO_REUSEPORT
 */
int strata_bind(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * Of a stream: open a connection (RFC 9293, 3.9.1.1), and wait until it is
 * there.  AF_UNSPEC resets it.
 *   ECONNREFUSED	the peer answered with a reset
 *   EHOSTUNREACH	no way there: ICMP, or nobody answers on the link
 *   ETIMEDOUT		all SYNs were used up (TCP_SYNCNT), without an answer
 *   ENETUNREACH	no route, or no address to send from
 *   EADDRNOTAVAIL	every port towards @addr is in use, or the one bound is
 *   EINVAL		a link-local address, whose sin6_scope_id is no link's,
 *			of a socket that is bound to none
 *   EINPROGRESS	non-blocking, or SO_SNDTIMEO is over: it goes on; poll
 *			for writing, then ask SO_ERROR
 *   EALREADY		non-blocking: an earlier call's goes on
 *   EISCONN		there is one
 *   EINTR		a signal came first; it goes on
 *   ENOBUFS		no room for one more connection
 *
 * Of datagrams: fix the peer.  Only its datagrams are received, and ICMP errors
 * about those to it are reported.  AF_UNSPEC undoes it.
 *   ENETUNREACH	no route, or no address to send from
 *   EACCES		a broadcast address without SO_BROADCAST
 *   EAGAIN		every port is taken
 */
int strata_connect(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * Take connections; may be called again for another @backlog: so many more
 * than one may be established and not yet accepted, at most 4,096.  When that
 * is full, handshakes wait for their last step and the peer tries again.
 *
 * The library keeps descriptors in stock for connections to come: up to
 * @backlog + 1, 512, and a quarter of RLIMIT_NOFILE.
 *   EOPNOTSUPP		not a stream
 *   EINVAL		it is connected
 *   EADDRINUSE		the port is another listener's, or none is free
 *   EMFILE		no descriptor for a connection to come
 */
int strata_listen(int fd, int backlog);

/*
 * The next connection's descriptor, to be closed with strata_close(); @addr and
 * *@len, if not NULL, get the peer's name.  It has the listener's options and
 * timeouts, but not its O_NONBLOCK: @flags may be SOCK_NONBLOCK, SOCK_CLOEXEC.
 * The connection may have ended meanwhile, which reading from it tells.
 *   EAGAIN		there is none: non-blocking, or SO_RCVTIMEO is over
 *   EINVAL		not listening, or unknown flags
 *   EOPNOTSUPP		not a stream
 *   EINTR		a signal came first
 */
int strata_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int strata_accept(int fd, struct sockaddr *addr, socklen_t *len);

/*
 * SHUT_WR of a stream: a FIN after all that was written.  SHUT_RD: reading
 * finds the end after what is there; a listener listens no more.
 *   EINVAL		unknown @how
 *   ENOTCONN		not connected
 */
int strata_shutdown(int fd, int how);

int strata_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int strata_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/*
 * Options of SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP and IPPROTO_IPV6; which, says
 * strata_socket(3).  SO_BINDTODEVICE takes the name of a link.
 *   ENOPROTOOPT	the stack has no such option
 *   EINVAL		@len or the value is not possible
 */
int strata_setsockopt(
    int fd, int level, int name, const void *value, socklen_t len);
int strata_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

/* F_GETFL, F_SETFL for O_NONBLOCK, F_GETFD, F_SETFD; the rest is EINVAL. */
int strata_fcntl(int fd, int cmd, ...);

/*
 * FIONREAD (SIOCINQ): bytes of a stream that may be read, or of the next
 * datagram; SIOCOUTQ: bytes of a stream not acknowledged, or of datagrams not
 * sent; SIOCOUTQNSD: bytes of a stream not sent; FIONBIO.
 *   EINVAL		of a listener
 *   ENOTTY		another request
 */
int strata_ioctl(int fd, unsigned long request, ...);

/* ---- Sending and receiving */

/*
 * Into a stream: wait for room until all @len bytes are written, or at least
 * some if time (SO_SNDTIMEO) is up, a signal comes or the call is not to wait.
 * Returns how many, which means that they are the stack's to send and survive
 * this program, not that they arrived; or -1 with errno:
 *   EPIPE		shut down for writing, or not connected; and SIGPIPE
 *			unless MSG_NOSIGNAL
 *   ECONNRESET, ETIMEDOUT, ...  why the connection ended; said once
 *   EAGAIN		the send buffer is full: non-blocking (O_NONBLOCK,
 *			MSG_DONTWAIT), or time is up
 *   EINTR		a signal came before anything was written
 *   EOPNOTSUPP		MSG_OOB: there is no urgent data for new programs (RFC
 *			6093)
 * MSG_MORE: bytes that do not fill a segment may wait for the next ones.  An
 * address beside it is not looked at.
 *
 * One datagram: returns @len; or -1 with errno:
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
ssize_t strata_write(int fd, const void *buf, size_t len);
ssize_t strata_writev(int fd, const struct iovec *iov, int n);

/* Understood beside a datagram: IP_PKTINFO, IPV6_PKTINFO, IP_TTL, IP_TOS,
 * IPV6_HOPLIMIT, IPV6_TCLASS. */
ssize_t strata_sendmsg(int fd, const struct msghdr *msg, int flags);

/*
 * From a stream: what is there, at least one byte or SO_RCVLOWAT; with
 * MSG_WAITALL all of @len unless the stream ends, time (SO_RCVTIMEO) is up or a
 * signal comes.  Returns how many; 0 at the end of the stream; or -1 with
 * errno:
 *   ECONNRESET, ETIMEDOUT, ...  why the connection ended, after all that had
 *			come was read; said once, then 0
 *   ENOTCONN		never connected
 *   EAGAIN		nothing is there: non-blocking, or time is up
 *   EINTR		a signal came first
 *   EINVAL		MSG_OOB: urgent data is read where it stands
 * MSG_PEEK leaves it there, MSG_TRUNC throws it away (@buf is not used).
 *
 * One datagram: its length, which may be 0, or -1 with errno.  Bytes beyond
 * @len are lost.  MSG_PEEK, MSG_TRUNC and MSG_DONTWAIT are understood.
 *   EAGAIN		none is there: non-blocking, or time is up
 *   EINTR		a signal came first
 *   ECONNREFUSED ...	what ICMP said about one that was sent (SO_ERROR)
 */
ssize_t strata_recv(int fd, void *buf, size_t len, int flags);
ssize_t strata_recvfrom(int fd, void *buf, size_t len, int flags,
    struct sockaddr *from, socklen_t *from_len);
ssize_t strata_read(int fd, void *buf, size_t len);
ssize_t strata_readv(int fd, const struct iovec *iov, int n);

/*
 * Beside a datagram, where asked for: the packet's destination, TTL and TOS.
 * MSG_ERRQUEUE takes the oldest of up to 8 errors, where IP_RECVERR or
 * IPV6_RECVERR asks for them; EAGAIN: there is none.
 */
ssize_t strata_recvmsg(int fd, struct msghdr *msg, int flags);

/* ---- Without a copy: a stream's bytes where the stack has them */

/*
 * Borrow up to @len bytes of the send buffer, to be filled in place.
 *
 * Fills @span (two pieces where the buffer's end comes between, else the second
 * is empty) and returns their sum in bytes, 0 < n <= @len, waiting for it if
 * the socket's calls wait; or -1 with errno as send.  strata_send_commit()
 * sends the first @len of them, which may be fewer or none; until then nothing
 * is.  Between the two no other thread may write to the socket.
 *   EINVAL		@len is 0, or more than was borrowed
 */
ssize_t strata_send_reserve(int fd, struct iovec span[2], size_t len);
int strata_send_commit(int fd, size_t len);

/*
 * Borrow all bytes that may be read, to be read in place, but not written.
 *
 * Fills @span as above and returns their sum, waiting for it if the socket's
 * calls wait; 0 at the end of the stream, or -1 with errno as recv.  They stay
 * valid until strata_recv_consume(), which gives the first @len of them back.
 * Between the two no other thread may read from the socket.
 *   EINVAL		@len is more than may be read
 */
ssize_t strata_recv_peek(int fd, struct iovec span[2]);
int strata_recv_consume(int fd, size_t len);

/* ---- Links */

/*
 * The number of the link that the topology calls @name, as it stands in
 * sin6_scope_id, in IP_PKTINFO and wherever else the index of an interface is
 * meant: its place in the topology, counted from 1.  What if_nametoindex(3) and
 * getaddrinfo(3) make of "fe80::1%NAME" is the kernel's number, which is
 * another one: a program looks up the address without its zone and sets
 * sin6_scope_id to what this says.
 *
 * Returns 0 with errno:
 *   ENODEV		the stack has no such link
 */
unsigned int strata_if_nametoindex(const char *name);

/*
 * The name of link @index into @name, of IF_NAMESIZE (16) bytes.  From 1 on up
 * to the first failure these are all.  Returns @name, or NULL with errno:
 *   ENXIO		the stack has no such link
 */
char *strata_if_indextoname(unsigned int index, char *name);

/* ---- Waiting */

/*
 * As poll(2), over sockets of the stack and any other descriptors together.
 * Events mean what they mean for the kernel's sockets; POLLPRI never comes.
 */
int strata_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

/*
 * As epoll(7), over sockets of the stack and any other descriptors together,
 * level- and edge-triggered, EPOLLONESHOT; EPOLLEXCLUSIVE has no effect on
 * sockets of the stack.  @timeout_ms: -1 is for ever.
 *
 * The set is to be closed with strata_close().  It can't be in another set, and
 * poll(2) on it does not know of our sockets.  After fork it may be used in the
 * parent or in the child, but not in both.
 *   EBADF, EEXIST, ENOENT, EPERM, ENOMEM, EFAULT  as epoll_ctl(2)
 *   EINVAL		@epfd is not of strata_epoll_create1(), or @fd is
 */
int strata_epoll_create1(int flags);
int strata_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int strata_epoll_wait(
    int epfd, struct epoll_event *events, int max, int timeout_ms);
int strata_epoll_pwait(int epfd, struct epoll_event *events, int max,
    int timeout_ms, const sigset_t *mask);

#ifdef __cplusplus
}
#endif

#endif /* STRATA_H */
