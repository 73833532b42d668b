/*
 * pcap.h - all frames of a seed in a file that tshark reads
 */
#ifndef TESTS_SIM_PCAP_H
#define TESTS_SIM_PCAP_H

#include <stdint.h>
#include <stdio.h>

struct sim;

/* NULL: errno says why. */
FILE *pcap_open(const char *path);

/* A frame as it is sent; nothing if there is no file. */
void pcap_frame(struct sim *s, const uint8_t *p, uint32_t len);

#endif /* TESTS_SIM_PCAP_H */
