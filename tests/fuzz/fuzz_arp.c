/*
 * fuzz_arp.c - what arp_parse() takes, arp_emit() writes back byte for byte
 */
#include <stdlib.h>

#include "linkd/arp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arp_hdr h;
	uint8_t out[ARP_LEN];

	if (arp_parse(&h, data, size) != ARP_OK)
		return 0;
	arp_emit(out, &h);
	if (memcmp(out, data, sizeof(out)) != 0)
		abort();
	return 0;
}
