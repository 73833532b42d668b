/*
 * option.h - socket options that the stack keeps
 *
 * Those that concern only the calling side (time-outs, SO_ERROR, SO_TYPE ...)
 * never get here: api/options.c has them.  Errnos are those of Linux.
 */
#ifndef UDPD_OPTION_H
#define UDPD_OPTION_H

#include "udpd/udpd.h"

/* c->arg: level, name; c->data, c->len: the value.  The socket was touched. */
int option_set(struct udpd *u, uint32_t id, const struct command *c);

/* The value goes to @r. */
int option_get(
    struct udpd *u, uint32_t id, const struct command *c, struct app_answer *r);

#endif /* UDPD_OPTION_H */
