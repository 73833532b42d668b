/*
 * top.h - between the files of `strata top`
 *
 *	top.c       arguments, looks, keys
 *	top_draw.c  the picture
 */
#ifndef API_COMMAND_TOP_H
#define API_COMMAND_TOP_H

#include <jansson.h>

#include "api/command/canvas.h"

struct top_view {
	const json_t *rates;  /* rates.h */
	const json_t *events; /* of rates, the latest of all so far last */
	const char *trouble;  /* NULL: the stack answers */
};

void top_draw(struct canvas *c, const struct top_view *v);

#endif /* API_COMMAND_TOP_H */
