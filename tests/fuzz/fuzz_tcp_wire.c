/*
 * fuzz_tcp_wire.c - what tcp_parse() takes, tcp_emit() writes so that parsing
 * and writing it again changes no byte
 */
#include <stdlib.h>
#include <string.h>

#include "tcpd/tcp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of @h, in an allocation of just that size for ASan's red zone. */
static uint8_t *emit(const struct tcp_hdr *h)
{
	size_t len = tcp_emit_len(h);
	uint8_t *out = malloc(len);

	if (!out || len > TCP_HDR_MAX || len % 4 != 0)
		abort();
	tcp_emit(out, h);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_hdr h, back;
	uint8_t *once, *twice;

	if (tcp_parse(&h, data, size) != TCP_OK)
		return 0;
	once = emit(&h);
	if (tcp_parse(&back, once, tcp_emit_len(&h)) != TCP_OK)
		abort();
	twice = emit(&back);
	if (tcp_emit_len(&h) != tcp_emit_len(&back) ||
	    memcmp(once, twice, tcp_emit_len(&h)) != 0)
		abort();
	/* The fixed part is as received, but for doff and reserved bits. */
	if (memcmp(once, data, 12) != 0 || memcmp(once + 14, data + 14, 6) != 0)
		abort();
	free(once);
	free(twice);
	return 0;
}
