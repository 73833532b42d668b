/*
 * pcap.c - all frames of a seed in a file that tshark reads
 */
#include "tests/sim/pcap.h"

#include "tests/sim/sim.h"

enum {
	SNAPLEN = 262144,
	LINKTYPE_ETHERNET = 1,
};

FILE *pcap_open(const char *path)
{
	/* Nanoseconds; version 2.4. */
	const uint32_t head[] = { 0xa1b23c4d, 4U << 16 | 2, 0, 0, SNAPLEN,
		LINKTYPE_ETHERNET };
	FILE *f = fopen(path, "wb");

	if (f != NULL)
		fwrite(head, sizeof(head), 1, f);
	return f;
}

void pcap_frame(struct sim *s, const uint8_t *p, uint32_t len)
{
	int64_t ns = s->now.ns;
	const uint32_t head[] = { (uint32_t)(ns / NS_PER_S),
		(uint32_t)(ns % NS_PER_S), len, len };

	if (s->pcap == NULL)
		return;
	fwrite(head, sizeof(head), 1, s->pcap);
	fwrite(p, len, 1, s->pcap);
}
