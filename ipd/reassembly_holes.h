/*
 * reassembly_holes.h - what is missing of a datagram (RFC 815)
 *
 * The holes never overlap nor touch.  As long as the end of the datagram is
 * not known, exactly one reaches to HOLE_NO_END.
 */
#ifndef IPD_REASSEMBLY_HOLES_H
#define IPD_REASSEMBLY_HOLES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HOLES_MAX = 32,
	HOLE_NO_END = 65535,
};

/* Both bytes are in the hole. */
struct hole {
	uint16_t first, last;
};

struct holes {
	struct hole h[HOLES_MAX]; /* the first n count; in no order */
	uint32_t n;
};

enum hole_fit {
	HOLE_FITS,     /* all of it was missing */
	HOLE_HAVE_ALL, /* none of it was */
	HOLE_COLLIDES, /* some */
};

/* Nothing is there yet. */
void holes_init(struct holes *holes);

/* How do the bytes first..last lie?  On HOLE_FITS *@hole says in which. */
enum hole_fit holes_find(
    const struct holes *holes, uint32_t first, uint32_t last, uint32_t *hole);

/*
 * first..last, which lie in @hole, are there now.  If @is_end nothing comes
 * after them.  False, and nothing changed, if that makes too many holes.
 */
bool holes_fill(struct holes *holes, uint32_t hole, uint32_t first,
    uint32_t last, bool is_end);

/* Does a hole begin at @first? */
bool holes_begin_at(const struct holes *holes, uint32_t first);

/* Can these be the holes of a datagram of @total bytes (0: not known)? */
bool holes_are_sane(const struct holes *holes, uint32_t total);

#endif /* IPD_REASSEMBLY_HOLES_H */
