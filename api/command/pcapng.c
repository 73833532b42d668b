/*
 * pcapng.c - blocks of a pcapng file, as bytes
 */
#include "api/command/pcapng.h"

#include <stdlib.h>
#include <string.h>

enum {
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE_DESCRIPTION = 1,
	INTERFACE_STATISTICS = 5,
	ENHANCED_PACKET = 6,

	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	MAJOR = 1,
	MINOR = 0,

	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	EPB_PACKETID = 5,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
	ISB_FILTERACCEPT = 6,

	NANOSECONDS = 9, /* 10^-9 */
	FIRST_ROOM = 64 * 1024,
};

static bool make_room(struct pcapng *b, size_t more)
{
	size_t room = b->room > 0 ? b->room : FIRST_ROOM;
	uint8_t *grown;

	while (room - b->len < more)
		room *= 2;
	if (room == b->room)
		return true;
	grown = b->failed ? NULL : realloc(b->p, room);
	if (grown == NULL) {
		b->failed = true;
		return false;
	}
	b->p = grown;
	b->room = room;
	return true;
}

static void put(struct pcapng *b, const void *p, size_t len)
{
	if (len == 0 || !make_room(b, len))
		return;
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

static void put16(struct pcapng *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static void put32(struct pcapng *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

/* To a multiple of four bytes, counted from the body they belong to. */
static void pad(struct pcapng *b, size_t len)
{
	static const uint8_t zeroes[4];

	put(b, zeroes, (4 - len % 4) % 4);
}

static size_t begin(struct pcapng *b, uint32_t type)
{
	size_t at = b->len;

	put32(b, type);
	put32(b, 0); /* the length is known at the end */
	return at;
}

static void end(struct pcapng *b, size_t at)
{
	uint32_t total = (uint32_t)(b->len - at + 4);

	put32(b, total);
	if (!b->failed)
		memcpy(b->p + at + 4, &total, sizeof(total));
}

static void option(struct pcapng *b, uint16_t code, const void *p, size_t len)
{
	put16(b, code);
	put16(b, (uint16_t)len);
	put(b, p, len);
	pad(b, len);
}

static void text_option(struct pcapng *b, uint16_t code, const char *text)
{
	if (text != NULL && text[0] != '\0')
		option(b, code, text, strlen(text));
}

static void end_options(struct pcapng *b)
{
	option(b, OPT_END, NULL, 0);
}

/* The upper half goes first, whatever the byte order. */
static void put_time(struct pcapng *b, int64_t ns)
{
	put32(b, (uint32_t)((uint64_t)ns >> 32));
	put32(b, (uint32_t)(uint64_t)ns);
}

static void time_option(struct pcapng *b, uint16_t code, int64_t ns)
{
	put16(b, code);
	put16(b, 8);
	put_time(b, ns);
}

void pcapng_section(struct pcapng *b, const char *application)
{
	static const uint8_t unknown_length[8] = { 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff };
	size_t at = begin(b, SECTION_HEADER);

	put32(b, BYTE_ORDER_MAGIC);
	put16(b, MAJOR);
	put16(b, MINOR);
	put(b, unknown_length, sizeof(unknown_length));
	text_option(b, SHB_USERAPPL, application);
	end_options(b);
	end(b, at);
}

void pcapng_interface(struct pcapng *b, uint16_t linktype, uint32_t snaplen,
    const char *name, const char *description)
{
	static const uint8_t resolution = NANOSECONDS;
	size_t at = begin(b, INTERFACE_DESCRIPTION);

	put16(b, linktype);
	put16(b, 0); /* reserved */
	put32(b, snaplen);
	text_option(b, IF_NAME, name);
	text_option(b, IF_DESCRIPTION, description);
	option(b, IF_TSRESOL, &resolution, 1);
	end_options(b);
	end(b, at);
}

static void packet_options(struct pcapng *b, const struct pcapng_packet *p)
{
	uint32_t flags = p->direction;
	bool comment = p->comment != NULL && p->comment[0] != '\0';

	if (flags == 0 && !comment && p->id == 0)
		return;
	text_option(b, OPT_COMMENT, p->comment);
	if (flags != 0)
		option(b, EPB_FLAGS, &flags, sizeof(flags));
	if (p->id != 0)
		option(b, EPB_PACKETID, &p->id, sizeof(p->id));
	end_options(b);
}

void pcapng_packet(struct pcapng *b, const struct pcapng_packet *p)
{
	size_t at = begin(b, ENHANCED_PACKET);

	put32(b, p->interface);
	put_time(b, p->time_ns);
	put32(b, p->caplen);
	put32(b, p->len);
	put(b, p->bytes, p->caplen);
	pad(b, p->caplen);
	packet_options(b, p);
	end(b, at);
}

void pcapng_statistics(struct pcapng *b, const struct pcapng_statistics *s)
{
	size_t at = begin(b, INTERFACE_STATISTICS);

	put32(b, s->interface);
	put_time(b, s->end_ns);
	time_option(b, ISB_STARTTIME, s->start_ns);
	time_option(b, ISB_ENDTIME, s->end_ns);
	option(b, ISB_IFRECV, &s->received, 8);
	option(b, ISB_IFDROP, &s->dropped, 8);
	option(b, ISB_FILTERACCEPT, &s->accepted, 8);
	end_options(b);
	end(b, at);
}

void pcapng_free(struct pcapng *b)
{
	free(b->p);
	*b = (struct pcapng){ .len = 0 };
}
