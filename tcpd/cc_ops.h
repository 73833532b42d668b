/*
 * cc_ops.h - what makes one congestion control algorithm differ from another
 *
 * Between cc.c and the algorithms; nobody else includes it.
 */
#ifndef TCPD_CC_OPS_H
#define TCPD_CC_OPS_H

#include "tcpd/cc.h"

enum cc_config_bit {
	CC_HYSTART = 1,
	CC_FAST_CONVERGENCE = 2,
	CC_RESTART = 4,
};

enum cc_flag {
	CC_RECOVERY = 1,        /* between cc_lost() and cc_recovery_left() */
	CC_CUT = 2,             /* `recover` has not been acknowledged yet */
	CC_AFTER_TIMEOUT = 4,   /* ditto, and the cut was a timeout */
	CC_LIMITED = 8,         /* `limited_until` means something */
	CC_UNDO = 0x10,         /* `undo` holds a state to go back to */
	CC_UNDO_TIMEOUT = 0x20, /* and it was a timeout that led away */
	CC_ROUND = 0x40,        /* `round_end` and `round_una` mean something */
	CC_PIPE_KNOWN = 0x80,   /* pipeACK is defined */
	CC_UNUSED_LOSS = 0x100, /* loss in the non-validated phase */
	CC_INITIAL = 0x200,     /* the initial or restart window is out */
	CC_SMALL_RESTART = 0x400, /* it was lost once: restart with less */
	CC_HYSTART_ON = 0x800,    /* `hystart` has begun */
	CC_EPOCH = 0x1000,        /* CUBIC: congestion avoidance has begun */
	CC_UNDO_EPOCH = 0x2000,   /* and so it had in `undo` */
};

struct cc_ops {
	const char *name;

	/* The new ssthresh after congestion with @base in flight. */
	uint32_t (*cut)(uint32_t base);

	/* Congestion, before cwnd is touched. */
	void (*congestion)(struct cc *c, bool timeout);

	/* Congestion avoidance: an ACK of @bytes. */
	void (*avoid)(struct cc *c, const struct cc_view *v, uint32_t bytes,
	    bool limited);

	/* The time up to @now was idle and must not count. */
	void (*idle)(struct cc *c, struct mono now);
};

extern const struct cc_ops cc_cubic_ops, cc_reno_ops;

/* cwnd plus @bytes, within CC_MAX_WINDOW. */
void cc_grow(struct cc *c, uint64_t bytes);

#endif /* TCPD_CC_OPS_H */
