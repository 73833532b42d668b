/*
 * ident.c - identification fields and flow labels that nobody can predict
 */
#include "ipd/ident.h"

#include "shm/siphash.h"

static uint64_t hash_flow(const uint64_t key[2], const struct ip_addr *src,
    const struct ip_addr *dst, uint32_t proto, uint32_t ports)
{
	uint8_t text[2 * sizeof(*src) + 8];

	memcpy(text, src, sizeof(*src));
	memcpy(text + sizeof(*src), dst, sizeof(*dst));
	memcpy(text + 2 * sizeof(*src), &proto, 4);
	memcpy(text + 2 * sizeof(*src) + 4, &ports, 4);
	return siphash(key, text, sizeof(text));
}

uint32_t *ident_counter(struct ident *t, const uint64_t key[2],
    const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
    uint32_t *offset)
{
	uint64_t h = hash_flow(key, src, dst, proto, 0);

	/* Different bits of one keyed hash are as good as two keys. */
	*offset = (uint32_t)(h >> 32);
	return &t->counter[h % IDENT_COUNTERS];
}

uint32_t ident_flow_label(const uint64_t key[2], const struct ip_addr *src,
    const struct ip_addr *dst, uint8_t proto, uint32_t ports)
{
	/* Not the values that ident_counter() uses: 1 << 8 sets them apart. */
	return (uint32_t)hash_flow(key, src, dst, 1U << 8 | proto, ports) &
	    0xfffff;
}
