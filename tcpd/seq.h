/*
 * seq.h - TCP sequence numbers, compared modulo 2^32 (RFC 9293, 3.4)
 *
 * A type of its own, so that the compiler refuses a plain '<'.  "Less" means
 * "earlier by less than 2^31"; numbers exactly 2^31 apart have no order, and
 * no window is that large (RFC 7323, 2.3: less than 2^30).
 */
#ifndef TCPD_SEQ_H
#define TCPD_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t n;
} tcp_seq;

static inline tcp_seq seq_of(uint32_t n)
{
	return (tcp_seq){ n };
}

/* @s plus @bytes, and minus. */
static inline tcp_seq seq_add(tcp_seq s, uint32_t bytes)
{
	return (tcp_seq){ s.n + bytes };
}

static inline tcp_seq seq_sub(tcp_seq s, uint32_t bytes)
{
	return (tcp_seq){ s.n - bytes };
}

/* How far @a is beyond @b, in bytes; negative if it is before. */
static inline int32_t seq_diff(tcp_seq a, tcp_seq b)
{
	return (int32_t)(a.n - b.n);
}

/* The bytes from @from up to @to, which is known not to be before it. */
static inline uint32_t seq_len(tcp_seq from, tcp_seq to)
{
	return to.n - from.n;
}

static inline bool seq_eq(tcp_seq a, tcp_seq b)
{
	return a.n == b.n;
}

static inline bool seq_lt(tcp_seq a, tcp_seq b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(tcp_seq a, tcp_seq b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(tcp_seq a, tcp_seq b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(tcp_seq a, tcp_seq b)
{
	return seq_diff(a, b) >= 0;
}

static inline tcp_seq seq_max(tcp_seq a, tcp_seq b)
{
	return seq_lt(a, b) ? b : a;
}

static inline tcp_seq seq_min(tcp_seq a, tcp_seq b)
{
	return seq_lt(b, a) ? b : a;
}

/* Is @s one of the @size numbers that begin with @first? */
static inline bool seq_in_window(tcp_seq s, tcp_seq first, uint32_t size)
{
	return s.n - first.n < size;
}

#endif /* TCPD_SEQ_H */
