/*
 * address.h - our own addresses on each link: may they be used, who asked
 *
 * At first they are those of the topology; then they are as changes at run time
 * made them (change.c), in the order in which they came.  dad.h decides about
 * each.  What it says is published for ipd, and ours alone are answered for.
 */
#ifndef LINKD_ADDRESS_H
#define LINKD_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/linkd.h"

#define ADDRESS_NONE UINT32_MAX

/* In a turn, at start: begin with what is new, keep what is known. */
void address_start(struct linkd *x, struct mono now);

/* In a turn.  A new one is asked about first; -ENOSPC: there is no room. */
int address_add(struct linkd *x, const struct topo_addr *a, struct mono now);
void address_set_plen(struct linkd *x, uint32_t i, uint8_t plen);
void address_remove(struct linkd *x, uint32_t i);

/* Whichever of our addresses on @link this is, in any state. */
uint32_t address_find(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip);
bool address_valid(const struct linkd *x, uint32_t i);

/*
 * What to ask with on @link for @target: @wish if it is valid there, else the
 * first valid address of the family; "any" if there is none.
 */
struct ip_addr address_source(const struct linkd *x, uint32_t link,
    const struct ip_addr *target, const struct ip_addr *wish);

/* True if @ip lies in a prefix of ours on @link. */
bool address_on_link(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip);
bool address_is_subnet_broadcast(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip);

/* What dad.h made of a message of @mac about address @i. */
void address_verdict(
    struct linkd *x, uint32_t i, enum dad_verdict v, const struct mac *mac);

/* Send the probes and announcements that are due. */
void address_tick(struct linkd *x, struct mono now);
struct mono address_deadline(const struct linkd *x);

/* Rebuild the filters if some transport's groups have changed. */
void address_groups(struct linkd *x, bool force);

#endif /* LINKD_ADDRESS_H */
