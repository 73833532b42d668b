/*
 * sockopt.h - socket options that are a number or a bit
 *
 * A transport lists them in a table: where each lies in its own struct of
 * options, and what may stand there.  What is more than that the transport
 * does itself, with the functions at the end for what it is handed.
 */
#ifndef SHM_SOCKOPT_H
#define SHM_SOCKOPT_H

#include "shm/apps.h"

enum sockopt_kind {
	SOCKOPT_FLAG, /* a bit of the uint32_t at off */
	SOCKOPT_U8,
	SOCKOPT_I16,
	SOCKOPT_I32,
};

enum {
	SOCKOPT_PLAIN = INT32_MIN, /* minus_one: it is a number like others */
};

struct sockopt {
	int level, name;
	enum sockopt_kind kind;
	uint32_t off;
	uint32_t bit;
	int min, max;  /* outside is EINVAL; of a flag max 0: any number */
	int minus_one; /* numbers: what -1 stands for */
};

struct sockopt_table {
	const struct sockopt *option;
	size_t n;
};

/* NULL: not in the table. */
const struct sockopt *sockopt_find(
    const struct sockopt_table *t, int level, int name);

/* Of the struct at @options, which the table is of.  0 or -EINVAL. */
int sockopt_store(void *options, const struct sockopt *o, int v);
int sockopt_load(const void *options, const struct sockopt *o);

/* ---- What a command brings */

/* The int in it; what is missing is 0. */
int sockopt_int(const struct command *c);

/*
 * SO_RCVBUF, SO_SNDBUF: doubled for the bookkeeping, as Linux does, and held
 * within the bounds.  0 or -EINVAL.
 */
int sockopt_buffer(const struct command *c, int32_t *ret, int min, int max);

/* SO_BINDTODEVICE: the link of that name, LINK_ANY for none.  0 or -ENODEV. */
int sockopt_device(
    const struct topology *t, const struct command *c, uint8_t *ret);

#endif /* SHM_SOCKOPT_H */
