/*
 * tap_filter.c - an expression in tcpdump's language
 */
#include "api/command/tap_filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/command/pcapng.h"

enum {
	SNAP = 262144,
};

struct program {
	struct bpf_program bpf;
	bool good; /* else nothing passes */
};

struct tap_filter {
	struct program frames, packets;
};

/* libpcap's word if it is none; "" if it is. */
static void compile(struct program *p, int dlt, const char *expression,
    char why[PCAP_ERRBUF_SIZE])
{
	pcap_t *handle = pcap_open_dead(dlt, SNAP);

	why[0] = '\0';
	p->good = handle != NULL &&
	    pcap_compile(
		handle, &p->bpf, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (handle == NULL)
		return;
	if (!p->good)
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(handle));
	pcap_close(handle);
}

struct tap_filter *tap_filter_compile(const char *expression)
{
	struct tap_filter *f = calloc(1, sizeof(*f));
	char of_frames[PCAP_ERRBUF_SIZE];
	char of_packets[PCAP_ERRBUF_SIZE];

	if (f == NULL)
		return NULL;
	compile(&f->frames, DLT_EN10MB, expression, of_frames);
	compile(&f->packets, DLT_RAW, expression, of_packets);
	if (f->frames.good || f->packets.good)
		return f;
	fprintf(stderr, "strata: filter \"%s\": %s\n", expression, of_frames);
	free(f);
	return NULL;
}

bool tap_filter_passes(const struct tap_filter *f, uint16_t linktype,
    const uint8_t *bytes, uint32_t caplen, uint32_t len)
{
	const struct program *p;
	struct pcap_pkthdr h = { .caplen = caplen, .len = len };

	if (f == NULL)
		return true;
	p = linktype == LINKTYPE_ETHERNET ? &f->frames : &f->packets;
	return p->good && pcap_offline_filter(&p->bpf, &h, bytes) != 0;
}

void tap_filter_free(struct tap_filter *f)
{
	if (f == NULL)
		return;
	if (f->frames.good)
		pcap_freecode(&f->frames.bpf);
	if (f->packets.good)
		pcap_freecode(&f->packets.bpf);
	free(f);
}
