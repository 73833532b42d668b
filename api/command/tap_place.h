/*
 * tap_place.h - where packets can be seen, by name, and a packet as seen there
 *
 *	linkd>ipd	a ring (in a shell without quotes: linkd:ipd)
 *	tap0		a device: tap0:rx and tap0:tx
 *	drops		what any daemon refused, wherever it was
 */
#ifndef API_COMMAND_TAP_PLACE_H
#define API_COMMAND_TAP_PLACE_H

#include "api/command/pcapng.h"
#include "api/command/tap_reader.h"

enum {
	PLACE_NAME_LEN = 2 * TOPO_NAME_LEN + 4,
	PLACES_MAX = TAP_PLACES + 2,
	SHOWN_COMMENT = 96,
};

struct place {
	char name[PLACE_NAME_LEN];
	char what[64]; /* a description */
	uint16_t linktype;
	enum pcapng_direction direction;
	bool wanted;

	/* Whose record of which kind it is; not of drops. */
	uint32_t proc;
	uint16_t at; /* enum tap_place */
	uint8_t kind;

	uint32_t interface; /* in the file; if wanted */
	uint64_t written;
};

struct places {
	struct place p[PLACES_MAX];
	uint32_t n;
	const struct topology *topo;
	struct place *drops, *dropped_frames;
};

void places_make(struct places *ps, const struct topology *t);

/* Those in @list, with commas between; NULL: all.  -1 after a sentence. */
int places_want(struct places *ps, const char *list);

/* What the daemons have to record for those that are wanted. */
struct taps_wish places_wish(const struct places *ps);

/* Where @r belongs; NULL: to none that is wanted. */
struct place *places_of(struct places *ps, const struct tapped *r);

/* A record as a packet: between ipd and a transport with an IP header. */
struct shown {
	uint32_t caplen, len;
	const uint8_t *bytes;
	char comment[SHOWN_COMMENT];
	uint64_t id; /* of the packet at all places; 0: not known */
};

/* The header is written in front of the bytes of @r. */
void shown_from(struct shown *ret, const struct taps *t, const struct place *p,
    const struct tapped *r);

#endif /* API_COMMAND_TAP_PLACE_H */
