/*
 * span.h - bytes that lie in several places
 *
 * A packet on its way down is a slot with the headers and up to two pieces of
 * an app's ring; they are gathered only by the device.
 */
#ifndef LINKD_SPAN_H
#define LINKD_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t len;
};

static inline size_t spans_len(const struct span *s, unsigned n)
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += s[i].len;
	return len;
}

/* Copy [@off, @off + @len) of the spans to @dst; returns what there was. */
static inline size_t spans_copy(
    uint8_t *dst, const struct span *s, unsigned n, size_t off, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t part;

		if (off >= s[i].len) {
			off -= s[i].len;
			continue;
		}
		part = s[i].len - off;
		if (part > len - done)
			part = len - done;
		memcpy(dst + done, s[i].p + off, part);
		done += part;
		off = 0;
	}
	return done;
}

#endif /* LINKD_SPAN_H */
