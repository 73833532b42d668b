/*
 * netlink.h - the few things we ask of the kernel's own network, by rtnetlink
 *
 * Only on interfaces that a topology names: a TAP's host side is brought up
 * and given its addresses.  All functions return 0 or a negative errno.
 */
#ifndef SHM_NETLINK_H
#define SHM_NETLINK_H

#include <stdint.h>

#include "shm/addr.h"

int netlink_set_mtu(int ifindex, uint32_t mtu);
int netlink_set_up(int ifindex);

/*
 * Give the interface @ip with an on-link prefix of @plen bits, usable at once:
 * the kernel is told not to look for duplicates of it.
 */
int netlink_add_address(int ifindex, const struct ip_addr *ip, uint8_t plen);

/* Frames that the kernel wanted to send by the interface and had to drop. */
int netlink_dropped(int ifindex, uint64_t *ret);

#endif /* SHM_NETLINK_H */
