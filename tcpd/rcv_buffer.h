/*
 * rcv_buffer.h - how large a receive buffer should be (dynamic right-sizing)
 *
 * The sender can have at most one window in flight for each round trip.  What
 * the application took out of the buffer during one says how fast the path
 * could be used; a buffer of twice that lets the sender double its rate in the
 * next, as slow start does.  The buffer grows only: the window announced must
 * not shrink.
 *
 * Wu-chun Feng et al., "Dynamic Right-Sizing" (2001), is the idea.
 */
#ifndef TCPD_RCV_BUFFER_H
#define TCPD_RCV_BUFFER_H

#include <stdint.h>

#include "shm/clock.h"

struct rcv_buffer {
	struct mono since;      /* when this round trip began */
	uint64_t copied_before; /* bytes read by then, of all time */
	uint32_t most;          /* the largest number in a round trip */
};

void rcv_buffer_begin(struct rcv_buffer *b, struct mono now);

/*
 * The application has read @copied bytes in all.  Returns the size that the
 * buffer should have, @size to @max.  @rtt_us is the receiver's estimate of the
 * round trip (from TSecr, or the time that a window took), 0 if unknown; @mss
 * what a segment holds.
 */
uint32_t rcv_buffer_read(struct rcv_buffer *b, uint64_t copied, uint32_t rtt_us,
    uint32_t mss, uint32_t size, uint32_t max, struct mono now);

#endif /* TCPD_RCV_BUFFER_H */
