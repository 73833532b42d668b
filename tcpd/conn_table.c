/*
 * conn_table.c - finding connections and lingers: by ends, by port
 */
#include "tcpd/conn_table.h"

#include "tcpd/isn.h"
#include "tcpd/tcpd.h"

enum {
	USE_TABLE = 3, /* tuple_hash(): apart from isn.c's */
};

/* ---- Whose is a segment? */

static uint32_t *bucket_of(struct tcpd *t, const struct tcp_tuple *ends)
{
	uint64_t h = tuple_hash(t->hash_key, ends, USE_TABLE);

	return &t->conns.bucket[h % CONN_BUCKETS];
}

static const struct tcp_tuple *ends_of(const struct tcpd *t, uint32_t id)
{
	return id_is_linger(id) ? &linger_get(t, id)->ends
				: &conn_get(t, id)->ends;
}

void conn_hash(struct tcpd *t, uint32_t id)
{
	uint32_t *b = bucket_of(t, ends_of(t, id));

	t->conns.next[id] = *b;
	*b = id;
}

void conn_unhash(struct tcpd *t, uint32_t id)
{
	uint32_t *at = bucket_of(t, ends_of(t, id));

	while (*at != NO_ID && *at != id)
		at = &t->conns.next[*at];
	if (*at == id)
		*at = t->conns.next[id];
}

static bool same_ends(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint32_t conn_find(const struct tcpd *t, const struct tcp_tuple *ends)
{
	uint64_t h = tuple_hash(t->hash_key, ends, USE_TABLE);
	uint32_t id = t->conns.bucket[h % CONN_BUCKETS];

	while (id != NO_ID && !same_ends(ends_of(t, id), ends))
		id = t->conns.next[id];
	return id;
}

/* ---- Which numbers are in use */

void conn_set_used(struct tcpd *t, uint64_t *words, uint32_t i, bool used)
{
	uint64_t *word = &words[i / 64];
	uint64_t bit = (uint64_t)1 << (i % 64);

	node_touch(&t->n, word, sizeof(*word));
	*word = used ? *word | bit : *word & ~bit;
}

uint32_t conn_next_used(const uint64_t *words, uint32_t i, uint32_t n)
{
	while (i < n) {
		uint64_t word = words[i / 64] >> (i % 64);

		if (word != 0)
			return i + (uint32_t)__builtin_ctzll(word);
		i = (i / 64 + 1) * 64;
	}
	return n;
}

/* ---- Who is at a port without a socket? (bind) */

void conn_lonely_add(struct tcpd *t, uint32_t id)
{
	struct conns *p = &t->conns;
	uint32_t *first = &p->lonely[ends_of(t, id)->local_port];

	p->lonely_next[id] = *first;
	p->lonely_prev[id] = NO_ID;
	if (*first != NO_ID)
		p->lonely_prev[*first] = id;
	*first = id;
}

void conn_lonely_remove(struct tcpd *t, uint32_t id)
{
	struct conns *p = &t->conns;
	uint32_t next = p->lonely_next[id], prev = p->lonely_prev[id];

	if (prev != NO_ID)
		p->lonely_next[prev] = next;
	else
		p->lonely[ends_of(t, id)->local_port] = next;
	if (next != NO_ID)
		p->lonely_prev[next] = prev;
}

static bool is_in_the_way(
    const struct tcp_tuple *ends, const struct app_name *local)
{
	if (ip_is_any(&local->ip))
		return !ip_is_v4(&local->ip) || ip_is_v4(&ends->local);
	return ip_equal(&ends->local, &local->ip);
}

/* Had it an SO_REUSE* that is in @reuse, too? */
static bool may_share(const struct tcpd *t, uint32_t id, uint32_t reuse)
{
	const struct lingering *l;

	if (!id_is_linger(id))
		return (reuse & conn_get(t, id)->o.flags) != 0;
	l = linger_get(t, id);
	return ((reuse & TSOCK_REUSEADDR) && (l->flags & LINGER_REUSEADDR)) ||
	    ((reuse & TSOCK_REUSEPORT) && (l->flags & LINGER_REUSEPORT));
}

bool conn_lingers(
    const struct tcpd *t, const struct app_name *local, uint32_t reuse)
{
	uint32_t id = t->conns.lonely[local->port];

	for (; id != NO_ID; id = t->conns.lonely_next[id])
		if (is_in_the_way(ends_of(t, id), local) &&
		    !may_share(t, id, reuse))
			return true;
	return false;
}
