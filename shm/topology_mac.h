/*
 * topology_mac.h - MAC addresses, and the IPv6 addresses that follow from them
 */
#ifndef SHM_TOPOLOGY_MAC_H
#define SHM_TOPOLOGY_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/topology.h"

/* Reads "02:00:00:00:00:02".  False and @ret untouched if it is not one. */
bool mac_parse(uint8_t ret[6], const char *text);

/* A locally administered one, always the same for these two names. */
void mac_derive(uint8_t ret[6], const char *stack, const char *link);

/* fe80:: with the modified EUI-64 of @mac (RFC 4291, appendix A). */
struct ip_addr mac_link_local(const uint8_t mac[6]);

/*
 * Give the link @link the MAC @mac, and change its link-local address if it
 * was made from the old one.  For a device that brings its own MAC.
 */
void topology_set_mac(struct topology *t, unsigned link, const uint8_t mac[6]);

#endif /* SHM_TOPOLOGY_MAC_H */
