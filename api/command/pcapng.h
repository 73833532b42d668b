/*
 * pcapng.h - blocks of a pcapng file, as bytes
 *
 * Of draft-ietf-opsawg-pcapng: one section, in our own byte order, with one
 * interface for each place, all times in nanoseconds.
 *
 *	+--------+-------------+--------+---------------+-------------+
 *	| type 4 | total len 4 | body   | options       | total len 4 |
 *	+--------+-------------+--------+---------------+-------------+
 *
 * Each function appends one block.  Memory that could not be had is remembered
 * in b->failed, and nothing is appended from then on.
 */
#ifndef API_COMMAND_PCAPNG_H
#define API_COMMAND_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW = 101, /* begins with an IPv4 or IPv6 header */
};

enum pcapng_direction {
	PCAPNG_UNKNOWN,
	PCAPNG_INBOUND,
	PCAPNG_OUTBOUND,
};

struct pcapng {
	uint8_t *p;
	size_t len, room;
	bool failed;
};

struct pcapng_packet {
	uint32_t interface; /* in the order in which they were described */
	int64_t time_ns;    /* since 1970 */
	uint32_t caplen, len;
	const uint8_t *bytes;
	enum pcapng_direction direction;
	const char *comment; /* "" or NULL: none */
	uint64_t id;         /* the same at each interface; 0: not known */
};

struct pcapng_statistics {
	uint32_t interface;
	int64_t start_ns, end_ns; /* since 1970 */
	uint64_t received;        /* all that there was */
	uint64_t dropped;         /* of those, lost by the capture */
	uint64_t accepted;        /* of those, let through by the filter */
};

void pcapng_section(struct pcapng *b, const char *application);
void pcapng_interface(struct pcapng *b, uint16_t linktype, uint32_t snaplen,
    const char *name, const char *description);
void pcapng_packet(struct pcapng *b, const struct pcapng_packet *p);
void pcapng_statistics(struct pcapng *b, const struct pcapng_statistics *s);
void pcapng_free(struct pcapng *b);

#endif /* API_COMMAND_PCAPNG_H */
