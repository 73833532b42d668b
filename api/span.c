/*
 * span.c - a stream's rings without a copy: what the program writes or reads is
 * where the stack sends it from, or has put it
 */
#include "api/lib.h"
#include "api/strata.h"

static int find_stream(struct sock *k, int fd)
{
	int r = lib_find(k, fd);

	return r == 0 && k->l->type != SOCK_STREAM ? -EOPNOTSUPP : r;
}

/* @len bytes of a ring from count @at: one or two pieces. */
static void pieces(struct iovec ret[2], const uint8_t *ring, uint32_t size,
    uint64_t at, uint32_t len)
{
	uint32_t off = (uint32_t)at & (size - 1);
	uint32_t first = len < size - off ? len : size - off;
	uint8_t *base = (uint8_t *)(uintptr_t)ring;

	ret[0] = (struct iovec){ base + off, first };
	ret[1] = (struct iovec){ base, len - first };
}

ssize_t strata_send_reserve(int fd, struct iovec span[2], size_t len)
{
	struct sock k;
	int r = find_stream(&k, fd);
	uint32_t room = 0;

	if (r == 0 && len == 0)
		r = -EINVAL;
	if (r == 0)
		r = stream_wait_room(&k, &room);
	if (r < 0)
		return lib_result(r);
	room = len < room ? (uint32_t)len : room;
	pieces(span, k.tx, APP_TX_BYTES, atomic_load(&k.a->tx_written), room);
	return room;
}

int strata_send_commit(int fd, size_t len)
{
	struct sock k;
	names n;
	int r = find_stream(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	sock_names(&k, &n);
	lib_lock(&k.l->tx);
	if (!(stream_word(&k) & STREAM_TX_OPEN))
		r = -EPIPE;
	else if (len > stream_room(&k, &n))
		r = -EINVAL;
	else if (len > 0)
		stream_wrote(&k, atomic_load(&k.a->tx_written) + len, false);
	lib_unlock(&k.l->tx);
	return (int)lib_result(r);
}

ssize_t strata_recv_peek(int fd, struct iovec span[2])
{
	char byte;
	struct iovec one = { &byte, 1 };
	struct sock k;
	ssize_t r = find_stream(&k, fd);
	uint32_t have;

	if (r < 0)
		return lib_result(r);
	/* The end, an error, or nothing yet: as recv says. */
	do {
		r = stream_receive(&k, &one, 1, MSG_PEEK);
		if (r <= 0)
			return lib_result(r);
		/* 0 is no end: another thread was faster. */
		have = (uint32_t)stream_unread(&k);
	} while (have == 0);
	pieces(span, k.rx, APP_RX_BYTES, atomic_load(&k.a->rx_read), have);
	return have;
}

int strata_recv_consume(int fd, size_t len)
{
	struct sock k;
	names n;
	int r = find_stream(&k, fd);

	if (r < 0)
		return (int)lib_result(r);
	sock_names(&k, &n);
	lib_lock(&k.l->rx);
	if (len > stream_unread(&k))
		r = -EINVAL;
	else if (len > 0) {
		uint64_t at = atomic_load(&k.a->rx_read);

		sock_measure_read(&k, at, at + len);
		stream_did_read(&k, at + len, n.rcvbuf);
	}
	lib_unlock(&k.l->rx);
	return (int)lib_result(r);
}
