/*
 * fuzz_icmp.c - ICMP and ICMPv6: bodies lie in the message, answers are good
 */
#include <stdlib.h>
#include <string.h>

#include "ipd/icmp.h"
#include "ipd/icmp6.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_icmp(uint8_t *p, size_t size)
{
	uint8_t out[ICMP_ERROR_MAX];
	struct icmp_hdr h, again;
	size_t len;

	be16_put(p + 2, 0);
	be16_put(p + 2, csum_fold(csum_add(0, p, size)));
	if (icmp_parse(&h, p, size) != ICMP_OK)
		return;
	if (h.body_at + (size_t)h.body_len > size)
		abort();
	if (!icmp_is_error(h.type))
		return;
	len = icmp_emit_error(out, &h, p, size);
	if (icmp_parse(&again, out, len) != ICMP_OK || again.type != h.type ||
	    again.mtu != h.mtu)
		abort();
}

static void try_icmp6(uint8_t *p, size_t size)
{
	static const struct ip_addr a = { { 0x20, 1, [15] = 1 } };
	uint8_t out[ICMP6_ERROR_MAX];
	struct icmp6_hdr h, again;
	uint32_t sum = csum_pseudo(&a, &a, 58, (uint32_t)size);
	size_t len;

	be16_put(p + 2, 0);
	be16_put(p + 2, csum_fold(csum_add(sum, p, size)));
	if (icmp6_parse(&h, &a, &a, p, size) != ICMP6_OK)
		return;
	if (h.body_at + (size_t)h.body_len > size)
		abort();
	len = icmp6_emit_error(out, &h, &a, &a, p, size);
	if (icmp6_parse(&again, &a, &a, out, len) != ICMP6_OK ||
	    again.mtu != h.mtu || again.pointer != h.pointer)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p;

	if (size < 4)
		return 0;
	p = malloc(size);
	if (!p)
		abort();
	memcpy(p, data, size);
	try_icmp(p, size);
	try_icmp6(p, size);
	free(p);
	return 0;
}
