/*
 * udpd.h - the UDP layer as a library
 *
 *	app.a2s   app.s2a
 *	   |         ^
 *	   v         |		shm/apps.c: commands and rings
 *	 tx.c      rx.c		port.c: whose datagram
 *	   |         ^		bind.c, option.c, group.c: what an app asks
 *	   v ring    | ring
 *	       ipd
 *
 * No system calls here, no clock and no globals: shm/app_links.c, which main.c
 * adds, maps the apps' segments, watches their sockets and rings their bells.
 */
#ifndef UDPD_UDPD_H
#define UDPD_UDPD_H

#include "shm/node.h"
#include "shm/published.h"
#include "udpd/counters.h"
#include "udpd/socket.h"

enum {
	PORT_BUCKETS = 1024,
};

enum {
	GROUP_BUCKETS = 256,
	NO_GROUP = 0xffff,
};

/*
 * Every group once, with how many sockets are in it: private, anew after a
 * restart.  As many as can be published, so that each that is joined is heard.
 */
struct groups_joined {
	struct {
		struct ip_addr ip;
		uint32_t sockets; /* 0: the place is free */
		uint16_t next;    /* in its bucket, or of the free places */
		uint8_t link;
	} group[GROUP_TABLE_MAX];
	uint16_t bucket[GROUP_BUCKETS];
	uint16_t free;
};

struct udpd {
	struct node n; /* first */
	struct udpd_state *state;
	struct fib fib;
	const struct fib *shared_fib; /* ipd's */
	struct ring_out *down;
	uint64_t seed[2]; /* random, for a fresh port_key */

	struct apps apps;
	uint16_t bucket[PORT_BUCKETS];
	uint16_t next[MAX_SOCKETS]; /* in its port's bucket */

	struct groups_joined groups;
	uint16_t raw_sockets[2][256]; /* of IPv4, IPv6: for each protocol */
	bool groups_changed;          /* publish the table anew */
};

/*
 * Join the segments and recover.  Apps and sockets that the supervisor told of
 * before are known by apps_app_opened() and apps_socket_opened(), which may
 * come before this; u->seed must be random.  *@u was zero at first.
 */
int udpd_attach(struct udpd *u, const struct segments *s, struct mono now);
bool udpd_turn(struct udpd *u, struct mono now);
struct mono udpd_deadline(const struct udpd *u);

/* look.c: between turns, a chunk of what there is (ask.h). */
struct ask;
struct ask_chunk;
int udpd_look(const struct udpd *u, const struct ask *q, struct ask_chunk *ret);

/* ---- Between the files of udpd/ */

/* Before a change: returns the object, saved and to be shown. */
struct usock *touch_sock(struct udpd *u, uint32_t id);
struct usock_flow *touch_flow(struct udpd *u, uint32_t id);

/* An error for the app to find: SO_ERROR. */
void udpd_error(struct udpd *u, uint32_t id, int err);

#endif /* UDPD_UDPD_H */
