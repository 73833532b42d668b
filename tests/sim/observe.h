/*
 * observe.h - what any host on the path can see a TCP do wrong
 *
 * Each frame that a host sends passes here, before anything befalls it.  For
 * both ways of each connection:
 *
 *	- the ACK field and the right edge of the window never go back (RFC
 *	  9293, 3.8.6: "shrinking the window"), over deaths as well;
 *	- nothing is sent beyond the farthest edge that the peer has announced,
 *	  nor in segments larger than its MSS;
 *	- the ACK field never claims what was not sent.
 *
 * A linkd that dies may send once more what was out; what is then seen again
 * is known by its bytes.
 */
#ifndef TESTS_SIM_OBSERVE_H
#define TESTS_SIM_OBSERVE_H

#include <stdint.h>

struct sim;

/* @len bytes of an IP packet of host @from; @gso_size: 0 or of each piece. */
void observe(struct sim *s, uint32_t from, const uint8_t *p, uint32_t len,
    uint32_t gso_size);

void observe_free(struct sim *s);

#endif /* TESTS_SIM_OBSERVE_H */
