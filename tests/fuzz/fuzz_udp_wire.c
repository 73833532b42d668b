/*
 * fuzz_udp_wire.c - what udp_parse() takes, udp_emit() writes back
 */
#include <stdlib.h>
#include <string.h>

#include "udpd/udp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct udp_hdr h;
	uint8_t out[UDP_HDR_LEN];

	if (udp_parse(&h, data, size) != UDP_OK)
		return 0;
	udp_emit(out, &h);
	if (memcmp(out, data, sizeof(out)) != 0)
		abort();

	/* Sealed by us, it is right for us; and no byte beyond is summed. */
	udp_checksum_seal(&h, data + UDP_HDR_LEN, &ip_any6, &ip_any6);
	if (!udp_checksum_ok(&h, data + UDP_HDR_LEN, &ip_any6, &ip_any6))
		abort();
	return 0;
}
