/*
 * packet_id.h - is it the packet that was seen at another place?
 *
 *	device	->  linkd>ipd  ->  ipd>tcpd	the same bytes; then the slot
 *	tcpd>ipd  ->  ipd>linkd  ->  device	the slot; then the same bytes
 *
 * A packet that a daemon puts into a ring in a slot of its own pool is a new
 * one; who takes it and hands it on hands on the slot.  At a ring before which
 * none is watched each is new.
 *
 * What linkd reads and writes has no slot: there the bytes have to do, but for
 * checksums, which may be made on the way, and as far as they are captured of
 * the frame, too.  Order does not: what waits for a neighbour may be dropped,
 * and a bad wire reorders and doubles.  So of two that are alike and under way
 * neither is known again.  Where records may have been lost, or a place between
 * is not watched, nothing is said rather than something false.
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

/* A frame read and not put, or a packet taken by linkd. */
struct pending_id {
	bool used;
	bool tx;
	bool written; /* all of it; the wire may double it */
	uint8_t link;
	uint16_t number; /* IPv4's identification */
	uint32_t len;    /* as IP has it, without padding */
	uint64_t id;     /* 0: not known, or not from one alike */
	int64_t time;
	uint64_t hash; /* of what is behind the IP header, and no checksum */
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
