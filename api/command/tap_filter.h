/*
 * tap_filter.h - an expression in tcpdump's language (pcap-filter(7))
 *
 * It is compiled for both kinds of places, frames and packets; where it can't
 * be true ("ether host ..." of a packet without a frame) nothing passes.
 */
#ifndef API_COMMAND_TAP_FILTER_H
#define API_COMMAND_TAP_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct tap_filter;

/* NULL after a sentence: it is no expression at all. */
struct tap_filter *tap_filter_compile(const char *expression);

/* A NULL filter lets everything through. */
bool tap_filter_passes(const struct tap_filter *f, uint16_t linktype,
    const uint8_t *bytes, uint32_t caplen, uint32_t len);

void tap_filter_free(struct tap_filter *f);

#endif /* API_COMMAND_TAP_FILTER_H */
