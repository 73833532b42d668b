/*
 * fuzz_eth.c - what eth_parse() takes, eth_emit() writes back byte for byte
 */
#include <stdlib.h>

#include "linkd/eth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_hdr h;
	uint8_t out[ETH_HDR_LEN];

	if (eth_parse(&h, data, size) != ETH_OK)
		return 0;
	eth_emit(out, &h);
	if (memcmp(out, data, sizeof(out)) != 0)
		abort();
	return 0;
}
