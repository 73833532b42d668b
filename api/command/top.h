/*
 * top.h - between the files of `strata top`
 *
 *	top.c       arguments, looks, keys
 *	top_draw.c  the picture (top_draw.h)
 *	top_sockets.c  a thread that counts sockets
 */
#ifndef API_COMMAND_TOP_H
#define API_COMMAND_TOP_H

#include <jansson.h>

#include "api/command/canvas.h"

struct top_view {
	const json_t *rates;  /* rates.h, and "sockets" */
	const json_t *events; /* of rates, the latest of all so far last */
	const char *trouble;  /* NULL: the stack answers */
};

/* 0 or a negative errno.  @stack stays where it is. */
int top_sockets_start(const char *stack);

/* {"tcp ESTAB": n, ...}, or JSON's null: not known.  To be given back. */
json_t *top_sockets(void);

void top_draw(struct canvas *c, const struct top_view *v);

#endif /* API_COMMAND_TOP_H */
