/*
 * dump.c - strata dump: packets at any place, as text
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/command/command.h"
#include "api/command/dump.h"
#include "api/command/tap_watch.h"
#include "shm/addr.h"

static const char help[] =
    "usage: strata dump NAME [--at PLACE,...] [-c COUNT] [-s SNAPLEN]\n"
    "                   [-v] [-x] [FILTER]\n"
    "\n"
    "The packets at any place of the running stack NAME, a line for each.\n"
    "\n"
    "  --at PLACE,...  where; else everywhere.  A ring: \"linkd>ipd\" or\n"
    "                  linkd:ipd; a device: tap0, tap0:rx, tap0:tx; drops\n"
    "  -c COUNT        end after so many packets\n"
    "  -s SNAPLEN      look at so many bytes of each packet\n"
    "  -v              every field of every header, and of the descriptor\n"
    "  -x              the bytes\n"
    "  FILTER          as tcpdump's, pcap-filter(7)\n";

enum {
	HEX_WIDTH = 16,
	TIME_TEXT = 32,
};

struct dump_command {
	struct tap_watch w; /* first */
	struct dump d;
	int name_width;
};

static void print_time(const struct tap_watch *w, const struct tapped *r)
{
	int64_t ns = tap_watch_time(w, r);
	time_t s = (time_t)(ns / NS_PER_S);
	char text[TIME_TEXT];
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%09lld ", text, (long long)(ns % NS_PER_S));
}

static void print_hex_line(uint32_t at, const uint8_t *p, uint32_t n)
{
	printf("\n\t0x%04x: ", at);
	for (uint32_t i = 0; i < HEX_WIDTH; i++) {
		if (i % 2 == 0)
			putchar(' ');
		if (i < n)
			printf("%02x", p[i]);
		else
			printf("  ");
	}
	printf("  ");
	for (uint32_t i = 0; i < n; i++)
		putchar(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.');
}

static void print_hex(const uint8_t *p, uint32_t len)
{
	uint32_t at = 0;

	for (; at + HEX_WIDTH < len; at += HEX_WIDTH)
		print_hex_line(at, p + at, HEX_WIDTH);
	if (at < len)
		print_hex_line(at, p + at, len - at);
}

static void add_descriptor_flags(struct dump *d, uint16_t flags)
{
	static const char *const names[] = { "csum_partial", "csum_valid",
		"dont_fragment", "loop", "link_broadcast", "broadcast_ok",
		"multicast_loop", "confirm", "refs", "gso_ecn", "no_route" };
	const char *between = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags >> i & 1))
			continue;
		dump_field(d, "%s%s", between, names[i]);
		between = ",";
	}
	if (between[0] == '\0')
		dump_field(d, "-");
}

/* What only a stack of rings has: where it lies, and how long it waited. */
static void add_descriptor(
    struct dump *d, const struct topology *t, const struct tap_record *r)
{
	const struct desc *desc = &r->d;

	dump_field(d,
	    "\tdescriptor index=%u pool=%s slot=%u off=%u len=%u "
	    "link=%s gso_size=%u",
	    r->index, desc->pool < t->nprocs ? t->procs[desc->pool].name : "?",
	    desc->slot, desc->off, desc->len,
	    desc->link < t->nlinks ? t->links[desc->link].name : "any",
	    desc->kind == PKT_DATA ? desc->gso_size : 0);
	if (r->kind == TAP_TAKE)
		dump_field(d, " waited_us=%.1f",
		    (double)(r->time - (int64_t)desc->stamp) / 1e3);
	dump_field(d, " flags=");
	add_descriptor_flags(d, desc->flags);
}

static bool packet(struct tap_watch *w, struct place *p, const struct tapped *r,
    const struct shown *s)
{
	struct dump_command *c = (struct dump_command *)w;
	struct dump *d = &c->d;
	struct dump_bytes b = { s->bytes, s->caplen, s->len };

	dump_begin(d, w->verbose);
	if (r->r.kind != TAP_FRAME)
		add_descriptor(d, w->taps.topo, &r->r);
	if (p->linktype == LINKTYPE_ETHERNET)
		dump_frame(d, b);
	else
		dump_packet(d, b);
	print_time(w, r);
	printf("%-*s %s", c->name_width, p->name, d->line.p);
	if (s->comment[0] != '\0')
		printf(" [%s]", s->comment);
	printf("%s", d->fields.p);
	if (w->hex)
		print_hex(s->bytes, s->caplen);
	putchar('\n');
	return tap_watch_printed(w, false);
}

static void drops(struct tap_watch *w, const struct tapped *r)
{
	struct dump_command *c = (struct dump_command *)w;
	char reason[COUNTER_NAME_LEN];

	print_time(w, r);
	printf("%-*s %u not seen [dropped by %s: %s]\n", c->name_width, "drops",
	    r->r.len, w->taps.topo->procs[r->proc].name,
	    tapped_reason(&w->taps, r, reason));
}

static bool flush(struct tap_watch *w)
{
	return tap_watch_printed(w, true);
}

static int width_of(const struct places *ps)
{
	size_t width = 0;

	for (uint32_t i = 0; i < ps->n; i++)
		if (ps->p[i].wanted && strlen(ps->p[i].name) > width)
			width = strlen(ps->p[i].name);
	return (int)width;
}

int command_dump(int argc, char **argv)
{
	static struct dump_command c;
	int r = tap_watch_arguments(&c.w, argc, argv, "c:s:vx", true, help);

	if (r != 0)
		return r - 1;
	c.w.packet = packet;
	c.w.drops = drops;
	c.w.flush = flush;
	r = tap_watch_open(&c.w);
	if (r == 0) {
		c.name_width = width_of(&c.w.places);
		r = tap_watch_run(&c.w);
		tap_watch_figures(&c.w);
	}
	tap_watch_close(&c.w);
	return r;
}
