/*
 * conn_table.h - how connections and lingers are found: conn.c, linger.c
 *
 * Both have a number each (conn.h: a linger's is MAX_CONNS + its index), and
 * stand in two tables by it: by their ends, for segments, and by their local
 * port if they have no socket, for bind.  Tables are private, and built anew
 * from the bits that survive.
 */
#ifndef TCPD_CONN_TABLE_H
#define TCPD_CONN_TABLE_H

#include "tcpd/conn.h"

/* By its ends. */
void conn_hash(struct tcpd *t, uint32_t id);
void conn_unhash(struct tcpd *t, uint32_t id);

/* By its local port, while it has no socket. */
void conn_lonely_add(struct tcpd *t, uint32_t id);
void conn_lonely_remove(struct tcpd *t, uint32_t id);

/* The bits of struct conns_state: TCBs or lingers that are in use. */
void conn_set_used(struct tcpd *t, uint64_t *words, uint32_t i, bool used);

/* The first from @i on, or @n. */
uint32_t conn_next_used(const uint64_t *words, uint32_t i, uint32_t n);

#endif /* TCPD_CONN_TABLE_H */
