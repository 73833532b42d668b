/*
 * touch.h - how a persistent object says that it is about to change
 *
 * Objects in linkd.priv are changed only inside a turn, and before the first
 * change their old bytes go to the undo log (design.md, section 5).  The pure
 * modules know no log, only this call; saving the same bytes twice in a turn
 * is harmless, since the log is played back newest first.
 */
#ifndef LINKD_TOUCH_H
#define LINKD_TOUCH_H

#include <stddef.h>

struct touch {
	void (*before)(void *ctx, void *p, size_t len);
	void *ctx;
};

static inline void touch(const struct touch *t, void *p, size_t len)
{
	t->before(t->ctx, p, len);
}

#endif /* LINKD_TOUCH_H */
