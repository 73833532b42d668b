/*
 * bind.h - the addresses of a socket: bind, connect, and neither
 */
#ifndef UDPD_BIND_H
#define UDPD_BIND_H

#include "udpd/udpd.h"

/*
 * bind(2).  The socket was touched.  0, or
 *   -EINVAL         it is bound already; or a link-local address without link
 *   -EADDRNOTAVAIL  the address is not ours
 *   -EADDRINUSE     port taken; or, for port 0, all are
 */
int bind_local(struct udpd *u, uint32_t id, const struct app_name *name);

/*
 * connect(2): fixes the peer, and local address and port where they are not
 * yet; name->family 0 undoes all that.  0, or
 *   -ENETUNREACH  no route
 *   -EINVAL       link-local, and by no link
 *   -EACCES       broadcast without SO_BROADCAST
 *   -EAGAIN       no free port
 */
int bind_peer(struct udpd *u, uint32_t id, const struct app_name *name);

/* A new raw socket: it has its protocol in place of a port. */
void bind_raw(struct udpd *u, uint32_t id);

/* A port for a socket that sends without one.  0 or -EAGAIN. */
int bind_auto(struct udpd *u, uint32_t id, const struct app_name *peer);

#endif /* UDPD_BIND_H */
