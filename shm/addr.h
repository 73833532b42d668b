/*
 * addr.h - an IP address of either family
 *
 * Sixteen bytes in network order.  An IPv4 address is held as its IPv4-mapped
 * form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so one type, one comparison and one
 * hash serve both families, and a dual-stack socket needs no second case.
 */
#ifndef SHM_ADDR_H
#define SHM_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ip_addr {
	uint8_t b[16];
};

enum {
	IP_TEXT_LEN = 46, /* the longest text of an address, with its NUL */
};

/* :: and, as "any", 0.0.0.0 in its mapped form. */
extern const struct ip_addr ip_any6, ip_any4;

static inline struct ip_addr ip_from_v4(const uint8_t b[4])
{
	struct ip_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, b, 4);
	return a;
}

static inline struct ip_addr ip_from_v6(const uint8_t b[16])
{
	struct ip_addr a;

	memcpy(a.b, b, 16);
	return a;
}

static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

static inline bool ip_is_v4(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, 12) == 0;
}

/* The four bytes of an IPv4 address. */
static inline const uint8_t *ip_v4(const struct ip_addr *a)
{
	return a->b + 12;
}

bool ip_is_any(const struct ip_addr *a);        /* 0.0.0.0 or :: */
bool ip_is_multicast(const struct ip_addr *a);  /* 224/4 or ff00::/8 */
bool ip_is_loopback(const struct ip_addr *a);   /* 127/8 or ::1 */
bool ip_is_link_local(const struct ip_addr *a); /* 169.254/16 or fe80::/10 */
bool ip_is_broadcast(const struct ip_addr *a);  /* 255.255.255.255 only */

/*
 * True if the first @plen bits agree.  @plen counts within the family: 0 to 32
 * for two IPv4 addresses, 0 to 128 for IPv6; different families never match.
 */
bool ip_in_prefix(
    const struct ip_addr *a, const struct ip_addr *net, unsigned plen);

/* The subnet's broadcast address (IPv4 only, plen <= 30), as 192.0.2.255. */
struct ip_addr ip_subnet_broadcast(const struct ip_addr *a, unsigned plen);

/* ff02::1:ffXX:XXXX for @a (RFC 4291, 2.7.1). */
struct ip_addr ip_solicited_node(const struct ip_addr *a);

/* Text of @a; IPv6 as RFC 5952 wants it. Returns @buf. */
const char *ip_text(const struct ip_addr *a, char buf[IP_TEXT_LEN]);

/* Reads "192.0.2.1" or "2001:db8::1".  False and *@ret untouched if neither. */
bool ip_parse(struct ip_addr *ret, const char *text);

#endif /* SHM_ADDR_H */
