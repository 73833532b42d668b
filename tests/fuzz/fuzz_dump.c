/*
 * fuzz_dump.c - any bytes as text
 */
#include "api/command/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dump d;
	struct dump_bytes b;

	if (size == 0)
		return 0;
	/* The first byte: how many of the others were not captured. */
	b = (struct dump_bytes){ data + 1, (uint32_t)size - 1,
		(uint32_t)size - 1 + data[0] };
	dump_begin(&d, true);
	dump_packet(&d, b);
	dump_begin(&d, true);
	dump_frame(&d, b);
	return 0;
}
