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
 *   -ENOBUFS        more than MAX_GROUPS
 */
int group_join(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link);
int group_leave(
    struct udpd *u, uint32_t id, const struct ip_addr *ip, uint8_t link);

/* Every group once, into udpd.out: linkd and ipd read it there. */
void group_publish(struct udpd *u);

#endif /* UDPD_GROUP_H */
