/*
 * rcv_buffer.c - how large a receive buffer should be
 */
#include "tcpd/rcv_buffer.h"

enum {
	SPARE_SEGS = 16, /* what a sender's burst may be ahead */
};

void rcv_buffer_begin(struct rcv_buffer *b, struct mono now)
{
	*b = (struct rcv_buffer){ .since = now };
}

uint32_t rcv_buffer_read(struct rcv_buffer *b, uint64_t copied, uint32_t rtt_us,
    uint32_t mss, uint32_t size, uint32_t max, struct mono now)
{
	uint64_t now_copied, want;

	if (rtt_us == 0 ||
	    mono_since(now, b->since) < (int64_t)rtt_us * NS_PER_US)
		return size;
	now_copied = copied - b->copied_before;
	b->copied_before = copied;
	b->since = now;
	if (now_copied <= b->most)
		return size;

	/*
	 * A step longer than the round trip counts as one: too much only if the
	 * application was away, and then the buffer was too small anyway.
	 */
	b->most = now_copied < max ? (uint32_t)now_copied : max;
	want = 2 * now_copied + (uint64_t)SPARE_SEGS * mss;
	if (want <= size)
		return size;
	return want < max ? (uint32_t)want : max > size ? max : size;
}
