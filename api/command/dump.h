/*
 * dump.h - a packet as text, in tcpdump's manner
 *
 * Each decoder adds what it knows to one line, and with -v every field of its
 * header to a line of its own below; then it hands on what lies inside.  Bytes
 * that were not captured are never guessed: "[|tcp]".
 */
#ifndef API_COMMAND_DUMP_H
#define API_COMMAND_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DUMP_LINE = 1024,
	DUMP_FIELDS = 8192,
};

struct dump_text {
	char *p;
	size_t len, room;
};

struct dump {
	struct dump_text line;
	struct dump_text fields;
	bool verbose;
	char line_room[DUMP_LINE], fields_room[DUMP_FIELDS];
};

/* Bytes that were captured, and how many there were. */
struct dump_bytes {
	const uint8_t *p;
	uint32_t caplen;
	uint32_t len;
};

/* Empty, for the next packet. */
void dump_begin(struct dump *d, bool verbose);

void dump_add(struct dump *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* With -v: to the lines below; @fmt begins a line if it begins with a tab. */
void dump_field(struct dump *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* True if the first @need bytes are there; else says so. */
bool dump_has(struct dump *d, const struct dump_bytes *b, uint32_t need,
    const char *what);

/* @b without its first @n bytes. */
struct dump_bytes dump_rest(const struct dump_bytes *b, uint32_t n);

/* ---- Decoders.  A packet's addresses are texts, for what lies inside. */

struct dump_ends {
	char src[64], dst[64];
	const char *ip; /* "IP" or "IP6" */
};

void dump_frame(struct dump *d, struct dump_bytes b);
void dump_packet(struct dump *d, struct dump_bytes b);
void dump_tcp(struct dump *d, const struct dump_ends *e, struct dump_bytes b);
void dump_udp(struct dump *d, const struct dump_ends *e, struct dump_bytes b);
void dump_icmp(struct dump *d, const struct dump_ends *e, struct dump_bytes b);
void dump_icmp6(struct dump *d, const struct dump_ends *e, struct dump_bytes b);

#endif /* API_COMMAND_DUMP_H */
