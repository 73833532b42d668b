/*
 * capture.c - strata capture: packets at any place, as a pcapng file
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/command/command.h"
#include "api/command/packet_id.h"
#include "api/command/tap_watch.h"

enum {
	WRITE_AT = 256 * 1024, /* bytes */
};

static const char help[] =
    "usage: strata capture NAME [--at PLACE,...] [-w FILE|-] [-c COUNT]\n"
    "                      [-s SNAPLEN] [FILTER]\n"
    "\n"
    "The packets at any place of the running stack NAME, as a pcapng file.\n"
    "\n"
    "  --at PLACE,...  where; else everywhere.  A ring: \"linkd>ipd\" or\n"
    "                  linkd:ipd; a device: tap0, tap0:rx, tap0:tx; drops\n"
    "  -w FILE         a pcapng file; -, or nothing: standard output\n"
    "  -c COUNT        end after so many packets\n"
    "  -s SNAPLEN      so many bytes of each packet\n"
    "  FILTER          as tcpdump's, pcap-filter(7)\n"
    "\n"
    "Live: strata capture demo -w - | wireshark -k -i -\n";

struct capture {
	struct tap_watch w; /* first */
	struct pcapng out;
	struct packet_ids ids;
	int64_t began;
	int fd;
};

/* Now, as the records have it. */
static int64_t time_now(const struct capture *c)
{
	return mono_now().ns + c->w.taps.real_ns;
}

static bool write_out(struct capture *c)
{
	size_t done = 0;

	if (c->out.failed) {
		fprintf(stderr, "strata: out of memory\n");
		return false;
	}
	while (done < c->out.len) {
		ssize_t n = write(c->fd, c->out.p + done, c->out.len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return tap_watch_unwritable(&c->w, c->w.file, errno);
		done += (size_t)n;
	}
	c->out.len = 0;
	return true;
}

static bool flush(struct tap_watch *w)
{
	return write_out((struct capture *)w);
}

static bool packet(struct tap_watch *w, struct place *p, const struct tapped *r,
    const struct shown *s)
{
	struct capture *c = (struct capture *)w;

	pcapng_packet(&c->out,
	    &(struct pcapng_packet){
		.interface = p->interface,
		.time_ns = tap_watch_time(w, r),
		.caplen = s->caplen,
		.len = s->len,
		.bytes = s->bytes,
		.direction = p->direction,
		.comment = s->comment,
		.id = s->id,
	    });
	return c->out.len < WRITE_AT || write_out(c);
}

static void describe(struct capture *c)
{
	struct places *ps = &c->w.places;
	uint32_t n = 0;

	pcapng_section(&c->out, "strata capture");
	for (uint32_t i = 0; i < ps->n; i++) {
		struct place *p = &ps->p[i];

		if (!p->wanted)
			continue;
		p->interface = n++;
		pcapng_interface(
		    &c->out, p->linktype, c->w.snap, p->name, p->what);
	}
}

/* Of drops it is not known how many there would have been. */
static void add_statistics(struct capture *c)
{
	const struct places *ps = &c->w.places;

	for (uint32_t i = 0; i < ps->n; i++) {
		const struct place *p = &ps->p[i];
		const struct tap_reader *r = &c->w.taps.reader[p->proc];
		struct pcapng_statistics s = {
			.interface = p->interface,
			.start_ns = c->began,
			.end_ns = time_now(c),
			.received = p->written,
			.accepted = p->written,
		};

		if (!p->wanted)
			continue;
		if (p->kind != TAP_DROP) {
			s.dropped = r->lost_at[p->at];
			s.received = r->seen_at[p->at] + s.dropped;
		}
		pcapng_statistics(&c->out, &s);
	}
}

static int open_file(struct capture *c)
{
	c->fd = STDOUT_FILENO;
	if (c->w.file != NULL && strcmp(c->w.file, "-") != 0) {
		c->fd = open(
		    c->w.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (c->fd == -1) {
			fprintf(stderr, "strata: %s: %s\n", c->w.file,
			    strerror(errno));
			return STATUS_FAILED;
		}
	} else if (isatty(c->fd)) {
		fprintf(stderr,
		    "strata: no bytes to a terminal: -w FILE, or "
		    "\"strata dump\"\n");
		return STATUS_USAGE;
	}
	if (c->w.file == NULL)
		c->w.file = "standard output";
	return 0;
}

static int run(struct capture *c)
{
	int r = tap_watch_open(&c->w);

	if (r == 0)
		r = open_file(c);
	if (r != 0)
		return r;
	c->began = time_now(c);
	describe(c);
	r = tap_watch_status(&c->w, write_out(c));
	if (r == 0 && !c->w.gone)
		r = tap_watch_run(&c->w);
	add_statistics(c);
	if (r == 0 && !c->w.gone)
		r = tap_watch_status(&c->w, write_out(c));
	tap_watch_figures(&c->w);
	if (c->fd != STDOUT_FILENO && close(c->fd) == -1 && r == 0) {
		fprintf(stderr, "strata: %s: %s\n", c->w.file, strerror(errno));
		r = STATUS_FAILED;
	}
	return r;
}

int command_capture(int argc, char **argv)
{
	static struct capture c;
	int r = tap_watch_arguments(&c.w, argc, argv, "w:c:s:", true, help);

	if (r != 0)
		return r - 1;
	c.w.packet = packet;
	c.w.flush = flush;
	c.ids.taps = &c.w.taps;
	c.w.ids = &c.ids;
	r = run(&c);
	tap_watch_close(&c.w);
	packet_ids_free(&c.ids);
	pcapng_free(&c.out);
	return r;
}
