/*
 * fuzz_ipv6.c - headers come back as they were; the walk stays in its packet
 */
#include <stdlib.h>

#include "ipd/ipv6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(const struct ipv6_chain *c, uint32_t end)
{
	if (c->upper_at < IPV6_HDR_LEN || c->upper_at > end)
		abort();
	if (c->proto_at >= c->upper_at || c->frag_named_at > c->frag_at)
		abort();
	if (c->is_fragment && (c->atomic || c->frag.offset % 8 != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[IPV6_HDR_LEN];
	struct ipv6_complaint complaint;
	struct ipv6_chain chain;
	struct ipv6_hdr h;
	uint32_t end;

	if (ipv6_parse(&h, data, size) != IPV6_OK)
		return 0;
	ipv6_emit(out, &h);
	if (memcmp(out, data, sizeof(out)) != 0)
		abort();

	end = IPV6_HDR_LEN + (uint32_t)h.payload_len;
	if (ipv6_walk(&chain, &complaint, data, &h) == IPV6_OK)
		check_chain(&chain, end);
	else if (complaint.due && complaint.pointer >= end)
		abort();
	if (ipv6_walk_forward(&chain, &complaint, data, &h) == IPV6_OK)
		check_chain(&chain, end);
	else if (complaint.due && complaint.pointer >= end)
		abort();
	return 0;
}
