/*
 * fuzz_gro.c - whatever is merged can be cut again, and each piece is sound
 *
 * The input is packets, each after two bytes of length.  Checksums hardly ever
 * come out right by chance, so they are filled in where the packet is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "linkd/gro.h"
#include "linkd/l4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair(uint8_t *p, size_t len)
{
	size_t at = IP4_HDR +
	    (len > 9 && p[IP4_PROTO] == PROTO_TCP ? TCP_CSUM : UDP_CSUM);

	if (len < IP4_HDR + TCP_HDR || p[0] != 0x45)
		return;
	l3_set_len(p, false, IP4_HDR, len);
	if (p[IP4_PROTO] == PROTO_UDP)
		be16_put(p + IP4_HDR + UDP_LEN, (uint16_t)(len - IP4_HDR));
	be16_put(p + at, 0);
	be16_put(p + at,
	    csum_fold_udp(
		csum_add(l4_pseudo(p, false, p[IP4_PROTO], len - IP4_HDR),
		    p + IP4_HDR, len - IP4_HDR)));
}

static void cut_again(const uint8_t *p, const struct gro_done *d)
{
	struct span s = { p, d->len };
	uint8_t header[GSO_HEADER_MAX];
	struct gso_segment seg;
	struct gso g;
	size_t sum = 0;

	if (d->gso_size == 0)
		return;
	if (gso_begin(&g, &s, 1, d->csum_start, d->type, d->gso_size) < 0)
		abort();
	if (g.segments != d->segments)
		abort();
	for (uint32_t k = 0; k < g.segments; k++) {
		gso_segment(&g, k, header, &seg);
		sum += seg.len;
	}
	if (sum != d->len - g.header_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[L3_MAX + 1];
	struct gro_done done;
	struct gro g;
	bool held = false;

	while (size > 2) {
		size_t len = be16_get(data);
		uint8_t *p;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		p = malloc(len ? len : 1);
		if (!p)
			abort();
		memcpy(p, data, len);
		repair(p, len);
		if (held)
			gro_merge(&g, p, len, true);
		else
			held = gro_start(&g, buf, sizeof(buf), p, len, true) ==
			    GRO_HELD;
		free(p);
		data += len;
		size -= len;
	}
	if (held) {
		gro_finish(&g, &done);
		cut_again(buf, &done);
	}
	return 0;
}
