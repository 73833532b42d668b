/*
 * tcp_wire.h - the TCP header as bytes and as numbers (RFC 9293, 3.1)
 *
 *     0               16              32
 *     +---------------+---------------+
 *     |  source port  |   dest port   |
 *     +---------------+---------------+
 *     |       sequence number         |
 *     +-------------------------------+
 *     |    acknowledgment number      |
 *     +----+---+------+---------------+
 *     |doff|rsv|flags |    window     |
 *     +----+---+------+---------------+
 *     |   checksum    | urgent pointer|
 *     +---------------+---------------+
 *     |  options, (doff - 5) * 4 bytes|
 *     +-------------------------------+
 *
 * Options: MSS (RFC 9293), window scale and timestamps (RFC 7323), SACK (RFC
 * 2018).  Any other is skipped by its length, and so is one of these whose
 * length is not the one it must have.
 */
#ifndef TCPD_TCP_WIRE_H
#define TCPD_TCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/log.h"
#include "tcpd/seq.h"

enum {
	TCP_HDR_LEN = 20,    /* without options */
	TCP_HDR_MAX = 60,    /* doff 15 */
	TCP_MAX_SACK = 4,    /* blocks that fit into 40 bytes of options */
	TCP_MAX_WSCALE = 14, /* RFC 7323, 2.3 */
	TCP_DEFAULT_MSS =
	    536, /* SendMSS without the option (RFC 9293, 3.7.1) */
	TCP_DEFAULT_MSS6 = 1220,
	TCP_FLAGS_TEXT = 40,
};

/* Control bits; AE is the one before CWR, in the other byte (RFC 9768). */
enum {
	TCP_FIN = 0x001,
	TCP_SYN = 0x002,
	TCP_RST = 0x004,
	TCP_PSH = 0x008,
	TCP_ACK = 0x010,
	TCP_URG = 0x020,
	TCP_ECE = 0x040,
	TCP_CWR = 0x080,
	TCP_AE = 0x100,
};

/* One SACK block: the bytes from @left up to, without, @right. */
struct tcp_sack {
	tcp_seq left;
	tcp_seq right;
};

/* A header that has been checked.  Every field is in host byte order. */
struct tcp_hdr {
	uint16_t src_port; /* never 0 */
	uint16_t dst_port; /* never 0 */
	tcp_seq seq;
	tcp_seq ack;     /* means something only with TCP_ACK */
	uint16_t flags;  /* TCP_FIN to TCP_AE */
	uint16_t window; /* as sent, not scaled */
	uint16_t checksum;
	uint16_t urgent; /* means something only with TCP_URG */
	uint8_t hdr_len; /* bytes, options included; set by tcp_parse() */

	bool has_mss;
	bool has_wscale;
	bool has_ts;
	bool sack_permitted;
	uint16_t mss;
	uint8_t wscale; /* 0 to TCP_MAX_WSCALE; more was sent as that */
	uint8_t nsack;  /* 0 to TCP_MAX_SACK */
	uint32_t ts_val;
	uint32_t ts_ecr;
	struct tcp_sack sack[TCP_MAX_SACK]; /* not checked against anything */
};

/* Why a segment was refused; each has a counter of the same name. */
enum tcp_parse {
	TCP_OK,
	TCP_SHORT,      /* fewer bytes than a header without options */
	TCP_BAD_DOFF,   /* data offset below 5 or beyond the buffer */
	TCP_BAD_PORT,   /* port 0 */
	TCP_BAD_OPTION, /* an option's length is 0, 1, missing or too large */
};

/*
 * Read one header from the segment of @len bytes at @buf, each byte once.  On
 * TCP_OK *@ret is filled in and the payload is buf[ret->hdr_len .. len);
 * otherwise *@ret is untouched.  The checksum is not verified.
 */
enum tcp_parse tcp_parse(struct tcp_hdr *ret, const uint8_t *buf, size_t len);

/*
 * The bytes that tcp_emit() will write for @h: 20 to 60, a multiple of 4.
 * h->hdr_len is not looked at.
 */
size_t tcp_emit_len(const struct tcp_hdr *h);

/*
 * Write @h with its options at @buf, which has room for tcp_emit_len(@h) bytes.
 * If not all SACK blocks fit beside the other options, the first ones are sent
 * (RFC 2018, 4: the most recent comes first).
 */
void tcp_emit(uint8_t *buf, const struct tcp_hdr *h);

/* Is the checksum of the segment of @len bytes at @buf right? */
bool tcp_checksum_ok(const uint8_t *buf, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst);

/* Compute and write the checksum of the segment of @len bytes at @buf. */
void tcp_checksum_seal(uint8_t *buf, size_t len, const struct ip_addr *src,
    const struct ip_addr *dst);

/* "SYN ACK", most significant last, as they are read aloud. */
const char *tcp_flags_text(uint16_t flags, char buf[TCP_FLAGS_TEXT]);

/* Print @h field by field at level debug. */
void tcp_log(struct log *log, const struct tcp_hdr *h);

#endif /* TCPD_TCP_WIRE_H */
