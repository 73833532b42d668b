/*
 * eth.h - the Ethernet II header as bytes and as numbers (RFC 894, RFC 2464)
 *
 *     0           6           12    14
 *     +-----------+-----------+-----+---------------------
 *     |    dst    |    src    |type | payload, 46 bytes up
 *     +-----------+-----------+-----+---------------------
 *
 * A short frame is padded; how long the payload really is, only the protocol
 * inside can say.
 */
#ifndef LINKD_ETH_H
#define LINKD_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shm/addr.h"
#include "shm/log.h"

enum {
	ETH_HDR_LEN = 14,
	ETH_TYPE_MIN = 0x600, /* less than this: a length (IEEE 802.3, 3.2.6) */
	MAC_LEN = 6,
	MAC_TEXT_LEN = 18, /* "02:00:5e:10:00:00" and its NUL */
};

enum {
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_CVLAN = 0x8100, /* 802.1Q */
	ETH_TYPE_IPV6 = 0x86dd,
	ETH_TYPE_SVLAN = 0x88a8, /* 802.1ad */
};

/* An Ethernet address, in the order of transmission. */
struct mac {
	uint8_t b[MAC_LEN];
};

extern const struct mac mac_broadcast, mac_zero;

/* A header that has been checked.  The type is in host byte order. */
struct eth_hdr {
	struct mac dst;
	struct mac src; /* never a group's */
	uint16_t type;  /* ETH_TYPE_MIN or more, not a VLAN tag */
};

/* Why a frame was refused; each has a counter of the same name. */
enum eth_parse {
	ETH_OK,
	ETH_SHORT,   /* fewer bytes than a header */
	ETH_BAD_SRC, /* from a multicast or broadcast address */
	ETH_LLC,     /* 802.3: a length where the type should be */
	ETH_VLAN,    /* 802.1Q or 802.1ad tag: not for the untagged network */
};

/*
 * Read the header of the frame of @len bytes at @buf, each byte once.  On
 * ETH_OK *@ret is filled in and the payload begins at ETH_HDR_LEN; otherwise
 * *@ret is untouched.
 */
enum eth_parse eth_parse(struct eth_hdr *ret, const uint8_t *buf, size_t len);

/* Write @h at @buf, which has room for ETH_HDR_LEN bytes. */
void eth_emit(uint8_t buf[ETH_HDR_LEN], const struct eth_hdr *h);

/* Print @h field by field at level debug. */
void eth_log(struct log *log, const struct eth_hdr *h);

static inline struct mac mac_from(const uint8_t b[MAC_LEN])
{
	struct mac m;

	memcpy(m.b, b, MAC_LEN);
	return m;
}

static inline bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, MAC_LEN) == 0;
}

/* The group bit: true for every multicast address and for broadcast. */
static inline bool mac_is_multicast(const struct mac *m)
{
	return m->b[0] & 1;
}

static inline bool mac_is_broadcast(const struct mac *m)
{
	return mac_equal(m, &mac_broadcast);
}

/*
 * The Ethernet address of the IP group @group: 01:00:5e and the lower 23 bits
 * for IPv4 (RFC 1112, 6.4), 33:33 and the lower 32 for IPv6 (RFC 2464, 7).
 * 255.255.255.255 gives the broadcast address.
 */
struct mac mac_of_group(const struct ip_addr *group);

/* Text of @m, lower case with colons.  Returns @buf. */
const char *mac_text(const struct mac *m, char buf[MAC_TEXT_LEN]);

#endif /* LINKD_ETH_H */
