/*
 * fuzz_ndp.c - what ndp_parse() takes, ndp_emit() writes so that parsing and
 * writing it again changes no byte
 *
 * The input: source, destination, hop limit, then the ICMPv6 message.
 */
#include <stdlib.h>
#include <string.h>

#include "linkd/ndp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IP_LEN = 33,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ndp_hdr h, back;
	struct ndp_ip ip;
	uint8_t once[NDP_MAX_LEN], twice[NDP_MAX_LEN];
	size_t len;

	if (size < IP_LEN)
		return 0;
	ip.src = ip_from_v6(data);
	ip.dst = ip_from_v6(data + 16);
	ip.hop_limit = data[32];

	if (ndp_parse(&h, data + IP_LEN, size - IP_LEN, &ip) != NDP_OK)
		return 0;
	len = ndp_emit(once, &h, &ip);
	if (len > sizeof(once) || !ndp_checksum_ok(once, len, &ip))
		abort();
	if (ndp_parse(&back, once, len, &ip) != NDP_OK)
		abort();
	if (ndp_emit(twice, &back, &ip) != len || memcmp(once, twice, len) != 0)
		abort();
	return 0;
}
