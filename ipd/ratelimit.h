/*
 * ratelimit.h - so many a second, and so many at once
 *
 * A token bucket (RFC 4443, 2.4 (f)) kept as one time instead of a count of
 * tokens: full_at, when the bucket will be full again.  Each token taken puts
 * that off by one interval; the bucket is empty when it is a whole burst away.
 * Nothing has to be refilled, so no timer and no remainder are needed, and
 * eight bytes of state outlive the process.
 */
#ifndef IPD_RATELIMIT_H
#define IPD_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/clock.h"

/* Flat: may lie in shared memory.  All zero is a full bucket. */
struct ratelimit {
	struct mono full_at;
};

/*
 * Take a token if there is one.  At most @rate a second are given in the
 * long run and @burst at once; with either 0, none.  *@r changes only when
 * this returns true.
 */
bool ratelimit_take(
    struct ratelimit *r, uint32_t rate, uint32_t burst, struct mono now);

/* True if ratelimit_take() would succeed: to know before touching *@r. */
bool ratelimit_ready(
    const struct ratelimit *r, uint32_t rate, uint32_t burst, struct mono now);

/* Take so many, after ratelimit_ready(); one more than there are is a debt. */
void ratelimit_take_some(
    struct ratelimit *r, uint32_t rate, uint32_t tokens, struct mono now);

#endif /* IPD_RATELIMIT_H */
