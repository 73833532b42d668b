/*
 * packet_id.h - is it the packet that was seen at another place?
 *
 *	device	->  linkd>ipd  ->  ipd>tcpd	the same bytes; then the slot
 *	tcpd>ipd  ->  ipd>linkd  ->  device	the slot; then the same bytes
 *
 * A packet that a daemon puts into a ring in a slot of its own pool is a new
 * one; who takes it and hands it on hands on the slot.  What linkd reads and
 * writes has none: there the addresses and numbers in the headers have to do,
 * and order.  Where records may have been lost, or a place on the way is not
 * watched, nothing is said rather than something false.
 */
#ifndef API_COMMAND_PACKET_ID_H
#define API_COMMAND_PACKET_ID_H

#include "api/command/tap_reader.h"
#include "api/command/walk.h"

enum {
	FRAMES_PENDING = 256,
	SLOTS = 1 << 16,
};

/* What lies in a slot, as far as it has been seen. */
struct slot_id {
	uint64_t id;     /* 0: not known */
	uint64_t passed; /* rings, a bit for each */
};

/* A frame read and not put, or a packet taken by linkd and not written. */
struct pending_id {
	uint64_t id; /* 0: none */
	int64_t time;
	bool tx;
	uint8_t link;
	uint16_t number; /* IPv4's identification */
	uint32_t len;
	struct identity is;
};

struct packet_ids {
	const struct taps *taps;
	uint64_t last;
	uint64_t lost; /* records, when the slots were last trusted */
	struct slot_id *slot[TOPO_MAX_PROCS];
	struct pending_id pending[FRAMES_PENDING];
	uint32_t next; /* in pending: the oldest */
};

/* Each record at a place that is watched, in order; 0: not known. */
uint64_t packet_id(struct packet_ids *s, const struct tapped *r);

void packet_ids_free(struct packet_ids *s);

#endif /* API_COMMAND_PACKET_ID_H */
