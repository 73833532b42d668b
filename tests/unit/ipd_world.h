/*
 * ipd_world.h - an ipd between a fake linkd and fake transports
 *
 *	  tcpd   udpd		fakes of the rig
 *	     \   /
 *	      ipd		192.0.2.2/24, 2001:db8::2/64, fe80::2/64 on a
 *	       |		198.51.100.2/24, fd00::2/64 on b
 *	     linkd		a fake: two links of 1500, its table published
 *	     /   \
 *	    a     b		default routes by a: 192.0.2.1, 2001:db8::1
 */
#ifndef TESTS_UNIT_IPD_WORLD_H
#define TESTS_UNIT_IPD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipd.h"
#include "shm/bytes.h"
#include "shm/checksum.h"
#include "tests/harness/rig.h"

enum {
	LINK_A,
	LINK_B,
	PACKET_MAX = 66000,
};

struct world {
	struct rig *r;
	struct ipd *ip;
	struct mono now;
	struct link_table *links;
	uint8_t got[PACKET_MAX]; /* of the last world_take() */
	struct desc d;
};

struct world *world_open(const char *extra);
void world_close(struct world *w);

/* An address in writing. */
struct ip_addr world_ip(const char *text);

/* Fake linkd receives @len bytes by link @link; ipd takes its turn. */
void world_rx(struct world *w, const void *packet, size_t len, struct desc d);

/* Fake @from ("udpd", "tcpd") hands down @len bytes; ipd takes its turn. */
void world_tx(struct world *w, const char *from, const void *bytes, size_t len,
    struct desc d);

/* A socket of fake udpd joins a group; the last one joined is left. */
void world_join(struct world *w, const char *group, uint8_t link);
void world_leave(struct world *w);

/* What ipd has for @at, into w->got and w->d; false: nothing. */
bool world_take(struct world *w, const char *at);

/* Turns until nothing is left to do. */
void world_turns(struct world *w);

/* Let all that is due by itself happen, and forget what comes of it. */
void world_settle(struct world *w);

/* The process dies and another is attached to what it left. */
void world_restart(struct world *w);

/* Fails unless fake @at has got exactly these bytes, and no more packets. */
void world_expect(
    struct world *w, const char *at, const void *bytes, size_t len);

/* Fails unless there is nothing for @at. */
void world_expect_nothing(struct world *w, const char *at);

uint64_t world_counter(const struct world *w, const char *name);

/* Fails if a slot of any fake has been kept. */
void world_no_leaks(struct world *w);

/*
 * Build packets: an IP header with right lengths and checksum before @len
 * bytes at @payload.  Return the length of the whole at @out.
 */
size_t make4(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len);
size_t make6(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len);

/* ICMP of either family: type, code, 4 bytes of @rest, then @len bytes. */
size_t make_icmp(uint8_t *out, const char *src, const char *dst, uint8_t type,
    uint8_t code, uint32_t rest, const void *body, size_t len);

#endif /* TESTS_UNIT_IPD_WORLD_H */
