/*
 * route_get.h - strata route get: where a packet would go
 */
#ifndef API_COMMAND_ROUTE_GET_H
#define API_COMMAND_ROUTE_GET_H

#include "api/command/table.h"
#include "shm/ask_way.h"

/* struct table_command's run_other. */
int route_get(
    const struct table_command *t, const char *stack, struct words *w);

/* What ipd has answered to @q, as lines and as an object. */
void way_print(FILE *to, const struct ask *q, const struct ask_file *f,
    const struct ask_way *way);
json_t *way_json(
    const struct ask *q, const struct ask_file *f, const struct ask_way *way);

/* The @len bytes of an answer; 0, or -EPROTO: they are none. */
int way_read(struct ask_way *ret, const uint8_t *at, size_t len);

#endif /* API_COMMAND_ROUTE_GET_H */
