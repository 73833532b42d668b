/*
 * ipv4_options.c - what may follow the IPv4 header (RFC 791, 3.1)
 *
 *	+------+--------+---------+- - - -
 *	| type | length | pointer | data ...
 *	+------+--------+---------+- - - -
 *
 * Types 0 and 1 are one byte; the pointer is only in those that routers fill.
 * length counts the whole option; pointer the first free byte of it, from 1.
 */
#include "ipd/ipv4.h"

#include <string.h>

#include "shm/bytes.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_RECORD_ROUTE = 7,
	OPT_TIMESTAMP = 68,
	OPT_LOOSE_ROUTE = 131,
	OPT_ROUTER_ALERT = 148,
	OPT_STRICT_ROUTE = 137,

	OPT_COPIED = 0x80, /* in the type: every fragment carries it */

	/* Where things stand in an option. */
	OFF_LENGTH = 1,
	OFF_POINTER = 2,
	OFF_FLAGS = 3, /* of a timestamp: overflow << 4 | form */

	/* The least pointer: right behind what comes before the data. */
	ROUTE_FIRST = 4,
	TIMESTAMP_FIRST = 5,

	/* Forms of a timestamp option. */
	TS_ONLY = 0,
	TS_AND_ADDRESS = 1,
	TS_PRESPECIFIED = 3,

	OVERFLOW_MAX = 15,
};

/* One option of a list of @len bytes. */
struct option {
	uint8_t at; /* in the list */
	uint8_t type;
	uint8_t len; /* all of it */
};

/*
 * The option at @at, which is within the list.  False, with *@wrong the byte
 * that is to blame, if its length can't be.
 */
static bool option_read(struct option *ret, const uint8_t *list, uint8_t len,
    uint8_t at, uint8_t *wrong)
{
	uint8_t type = list[at];
	uint8_t left = (uint8_t)(len - at);

	*ret = (struct option){ .at = at, .type = type, .len = 1 };
	if (type == OPT_END || type == OPT_NOP)
		return true;

	/* The pointer of the error names the length if there is one. */
	*wrong = at;
	if (left < 2)
		return false;
	*wrong = (uint8_t)(at + OFF_LENGTH);
	ret->len = list[at + OFF_LENGTH];
	return ret->len >= 2 && ret->len <= left;
}

/* Record route: whole addresses, and room for none or for a whole one. */
static bool route_is_sane(const uint8_t *opt, uint8_t len, uint8_t *wrong)
{
	*wrong = OFF_LENGTH;
	if (len < ROUTE_FIRST - 1)
		return false;
	*wrong = OFF_POINTER;
	if (opt[OFF_POINTER] < ROUTE_FIRST)
		return false;
	return opt[OFF_POINTER] > len || opt[OFF_POINTER] + 3 <= len;
}

/* Bytes that one entry of a timestamp option takes; 0 for an unknown form. */
static uint8_t timestamp_entry(const uint8_t *opt)
{
	switch (opt[OFF_FLAGS] & 0xf) {
	case TS_ONLY:
		return 4;
	case TS_AND_ADDRESS:
	case TS_PRESPECIFIED:
		return 8;
	default:
		return 0;
	}
}

static bool timestamp_is_sane(const uint8_t *opt, uint8_t len, uint8_t *wrong)
{
	uint8_t entry;

	*wrong = OFF_LENGTH;
	if (len < TIMESTAMP_FIRST - 1)
		return false;
	*wrong = OFF_FLAGS;
	entry = timestamp_entry(opt);
	if (entry == 0)
		return false;
	*wrong = OFF_POINTER;
	if (opt[OFF_POINTER] < TIMESTAMP_FIRST)
		return false;
	if (opt[OFF_POINTER] <= len)
		return opt[OFF_POINTER] + entry - 1 <= len;
	/* Full, and the count of those who found it so is full as well.  With
	 * prespecified addresses nobody is counted who is not named. */
	*wrong = OFF_FLAGS;
	return (opt[OFF_FLAGS] & 0xf) == TS_PRESPECIFIED ||
	    opt[OFF_FLAGS] >> 4 < OVERFLOW_MAX;
}

/* Router alert is two bytes of value, and 0 is the only one (RFC 2113). */
static bool alert_is_sane(uint8_t len, uint8_t *wrong)
{
	*wrong = OFF_LENGTH;
	return len == 4;
}

/*
 * Check one option and note where it is.  False with *@wrong, in the option,
 * if it is malformed; an option that may come once and comes again is wrong
 * in its type.
 */
static bool option_note(struct ipv4_options *o, const uint8_t *opt,
    const struct option *op, uint8_t *wrong)
{
	uint8_t *place;
	bool sane;

	switch (op->type) {
	case OPT_LOOSE_ROUTE:
	case OPT_STRICT_ROUTE:
		place = &o->source_route;
		sane = route_is_sane(opt, op->len, wrong);
		break;
	case OPT_RECORD_ROUTE:
		place = &o->record_route;
		sane = route_is_sane(opt, op->len, wrong);
		break;
	case OPT_TIMESTAMP:
		place = &o->timestamp;
		sane = timestamp_is_sane(opt, op->len, wrong);
		break;
	case OPT_ROUTER_ALERT:
		place = &o->router_alert;
		sane = alert_is_sane(op->len, wrong);
		break;
	default:
		return true; /* RFC 1122, 3.2.1.8: ignore what we don't know */
	}
	if (!sane)
		return false;
	*wrong = 0;
	if (*place != 0)
		return false;
	*place = (uint8_t)(IPV4_HDR_LEN + op->at);
	return true;
}

enum ipv4_parse ipv4_options_parse(
    struct ipv4_options *ret, uint8_t *pointer, const struct ipv4_hdr *h)
{
	struct ipv4_options o = { 0 };
	uint8_t len = (uint8_t)(h->hdr_len - IPV4_HDR_LEN);
	struct option op;
	uint8_t wrong;

	for (uint8_t at = 0; at < len; at = (uint8_t)(at + op.len)) {
		if (!option_read(&op, h->options, len, at, &wrong)) {
			*pointer = (uint8_t)(IPV4_HDR_LEN + wrong);
			return IPV4_BAD_OPTION;
		}
		if (op.type == OPT_END)
			break;
		if (!option_note(&o, h->options + at, &op, &wrong)) {
			*pointer = (uint8_t)(IPV4_HDR_LEN + at + wrong);
			return IPV4_BAD_OPTION;
		}
	}
	*ret = o;
	return IPV4_OK;
}

static void record_route_add(uint8_t *opt, const struct ip_addr *self)
{
	uint8_t pointer = opt[OFF_POINTER];

	if (pointer > opt[OFF_LENGTH])
		return; /* full: goes on as it is (RFC 791) */
	memcpy(opt + pointer - 1, ip_v4(self), 4);
	opt[OFF_POINTER] = (uint8_t)(pointer + 4);
}

static void timestamp_add(
    uint8_t *opt, const struct ip_addr *self, uint32_t ms_of_day)
{
	uint8_t form = opt[OFF_FLAGS] & 0xf;
	uint8_t pointer = opt[OFF_POINTER];
	uint8_t *entry = opt + pointer - 1;

	if (pointer > opt[OFF_LENGTH]) {
		if (form != TS_PRESPECIFIED)
			opt[OFF_FLAGS] = (uint8_t)(opt[OFF_FLAGS] + 0x10);
		return;
	}
	if (form == TS_PRESPECIFIED && memcmp(entry, ip_v4(self), 4) != 0)
		return;
	if (form != TS_ONLY) {
		memcpy(entry, ip_v4(self), 4);
		entry += 4;
	}
	be32_put(entry, ms_of_day);
	opt[OFF_POINTER] = (uint8_t)(pointer + timestamp_entry(opt));
}

/* The option that begins @at bytes into the header. */
static const uint8_t *option_at(const struct ipv4_hdr *h, uint8_t at)
{
	return h->options + (at - IPV4_HDR_LEN);
}

/* Fill up to a multiple of 4 with ends of list. */
static size_t pad(uint8_t out[IPV4_OPTIONS_MAX], size_t len)
{
	while (len % 4 != 0)
		out[len++] = OPT_END;
	return len;
}

size_t ipv4_options_echo(uint8_t out[IPV4_OPTIONS_MAX],
    const struct ipv4_hdr *h, const struct ipv4_options *o,
    const struct ip_addr *self, uint32_t ms_of_day)
{
	size_t len = 0;

	if (o->record_route != 0) {
		const uint8_t *opt = option_at(h, o->record_route);

		memcpy(out, opt, opt[OFF_LENGTH]);
		record_route_add(out, self);
		len = opt[OFF_LENGTH];
	}
	if (o->timestamp != 0) {
		const uint8_t *opt = option_at(h, o->timestamp);

		memcpy(out + len, opt, opt[OFF_LENGTH]);
		timestamp_add(out + len, self, ms_of_day);
		len += opt[OFF_LENGTH];
	}
	return pad(out, len);
}

size_t ipv4_options_copied(
    uint8_t out[IPV4_OPTIONS_MAX], const struct ipv4_hdr *h)
{
	uint8_t len = (uint8_t)(h->hdr_len - IPV4_HDR_LEN);
	struct option op;
	size_t n = 0;
	uint8_t wrong;

	for (uint8_t at = 0; at < len; at = (uint8_t)(at + op.len)) {
		if (!option_read(&op, h->options, len, at, &wrong) ||
		    op.type == OPT_END)
			break;
		if (!(op.type & OPT_COPIED))
			continue;
		memcpy(out + n, h->options + at, op.len);
		n += op.len;
	}
	return pad(out, n);
}
