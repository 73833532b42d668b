/*
 * fuzz_quote.c - a quote's transport header lies in the quote
 */
#include <stdlib.h>

#include "ipd/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct quote *q, size_t size)
{
	if (q->transport_len < QUOTE_TRANSPORT_MIN ||
	    (size_t)q->transport_at + q->transport_len > size ||
	    (uint32_t)q->transport_at + q->transport_len > q->packet_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quote q;

	if (quote_parse4(&q, data, size) == QUOTE_OK)
		check(&q, size);
	if (quote_parse6(&q, data, size) == QUOTE_OK)
		check(&q, size);
	return 0;
}
