/*
 * fuzz_ipv4.c - what ipv4_parse() takes, ipv4_emit() writes back
 */
#include <stdlib.h>

#include "ipd/ipv4.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Options echoed and copied are options again. */
static void try_options(const struct ipv4_hdr *h)
{
	struct ipv4_hdr answer = *h;
	struct ipv4_options o, again;
	uint8_t pointer = 0;
	size_t len;

	len = ipv4_options_copied(answer.options, h);
	if (len % 4 != 0 || len > (size_t)h->hdr_len - IPV4_HDR_LEN)
		abort();
	if (ipv4_options_parse(&o, &pointer, h) != IPV4_OK) {
		if (pointer < IPV4_HDR_LEN || pointer >= h->hdr_len)
			abort();
		return;
	}
	len = ipv4_options_echo(answer.options, h, &o, &h->dst, 1);
	answer.hdr_len = (uint8_t)(IPV4_HDR_LEN + len);
	if (len > (size_t)h->hdr_len - IPV4_HDR_LEN)
		abort();
	/* A route with room for half an address is wrong only once full. */
	if (ipv4_options_parse(&again, &pointer, &answer) != IPV4_OK)
		return;
	if (!again.record_route != !o.record_route ||
	    !again.timestamp != !o.timestamp)
		abort();
}

/* Make the checksum right in half of the inputs: few would be otherwise. */
static void seal(uint8_t *p, size_t size)
{
	size_t hdr_len = (p[0] & 0xfU) * 4;

	if (size >= 20 && hdr_len >= 20 && hdr_len <= size && p[1] & 1) {
		be16_put(p + 10, 0);
		be16_put(p + 10, csum_fold(csum_add(0, p, hdr_len)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[IPV4_HDR_MAX];
	struct ipv4_hdr h, again;
	uint8_t *p;

	if (size == 0)
		return 0;
	p = malloc(size);
	if (!p)
		abort();
	memcpy(p, data, size);
	seal(p, size);
	if (ipv4_parse(&h, p, size) == IPV4_OK) {
		/* All but the reserved bit comes back. */
		ipv4_emit(out, &h);
		memcpy(p, out, h.hdr_len);
		if (ipv4_parse(&again, p, size) != IPV4_OK)
			abort();
		h.checksum = again.checksum;
		if (memcmp(&h, &again, sizeof(h)) != 0)
			abort();
		try_options(&h);
	}
	free(p);
	return 0;
}
