/*
 * group.h - the multicast groups that sockets have joined
 */
#ifndef UDPD_GROUP_H
#define UDPD_GROUP_H

#include "udpd/udpd.h"

/*
 * Join or leave @ip on @link (LINK_ANY: where a route or the only link leads).
 * 0, or
 *   -EINVAL         not a multicast address
 *   -ENODEV         no such link
 *   -EADDRINUSE     joined already
 *   -EADDRNOTAVAIL  leave: not joined
 *   -ENOBUFS        more than MAX_GROUPS, or than GROUP_TABLE_MAX of all
 */
int group_join(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link);
int group_leave(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link);

/* A socket is closed, or found after a restart that began with _clear. */
void group_leave_all(struct udpd *u, uint32_t id);
void group_take_over(struct udpd *u, uint32_t id);
void group_clear(struct udpd *u);

/*
 * Every group once, and of which protocols there are ping and raw sockets, into
 * udpd.out: linkd and ipd read it there.
 */
void group_publish(struct udpd *u);

#endif /* UDPD_GROUP_H */
