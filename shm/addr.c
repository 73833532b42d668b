/*
 * addr.c - an IP address of either family
 */
#include "shm/addr.h"

#include <arpa/inet.h>

const struct ip_addr ip_any6 = { { 0 } };
const struct ip_addr ip_any4 = { { [10] = 0xff, [11] = 0xff } };

bool ip_is_any(const struct ip_addr *a)
{
	return ip_equal(a, &ip_any6) || ip_equal(a, &ip_any4);
}

bool ip_is_multicast(const struct ip_addr *a)
{
	return ip_is_v4(a) ? (ip_v4(a)[0] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool ip_is_loopback(const struct ip_addr *a)
{
	static const struct ip_addr one = { { [15] = 1 } };

	return ip_is_v4(a) ? ip_v4(a)[0] == 127 : ip_equal(a, &one);
}

bool ip_is_link_local(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return ip_v4(a)[0] == 169 && ip_v4(a)[1] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ip_is_broadcast(const struct ip_addr *a)
{
	static const uint8_t ones[4] = { 255, 255, 255, 255 };

	return ip_is_v4(a) && memcmp(ip_v4(a), ones, 4) == 0;
}

bool ip_in_prefix(
    const struct ip_addr *a, const struct ip_addr *net, unsigned plen)
{
	bool v4 = ip_is_v4(a);
	unsigned bits = v4 ? plen + 96 : plen;
	unsigned rest = bits % 8;

	if (v4 != ip_is_v4(net) || bits > 128)
		return false;
	if (memcmp(a->b, net->b, bits / 8) != 0)
		return false;
	return rest == 0 ||
	    (a->b[bits / 8] ^ net->b[bits / 8]) >> (8 - rest) == 0;
}

struct ip_addr ip_subnet_broadcast(const struct ip_addr *a, unsigned plen)
{
	struct ip_addr r = *a;

	for (unsigned bit = plen; bit < 32; bit++)
		r.b[12 + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return r;
}

struct ip_addr ip_solicited_node(const struct ip_addr *a)
{
	struct ip_addr r = { { 0xff, 2, [11] = 1, [12] = 0xff } };

	memcpy(r.b + 13, a->b + 13, 3);
	return r;
}

const char *ip_text(const struct ip_addr *a, char buf[IP_TEXT_LEN])
{
	/* glibc writes IPv6 as RFC 5952 asks: lower case, longest run of 0. */
	if (ip_is_v4(a))
		return inet_ntop(AF_INET, ip_v4(a), buf, IP_TEXT_LEN);
	return inet_ntop(AF_INET6, a->b, buf, IP_TEXT_LEN);
}

bool ip_parse(struct ip_addr *ret, const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1) {
		*ret = ip_from_v4(b);
		return true;
	}
	if (inet_pton(AF_INET6, text, b) == 1) {
		*ret = ip_from_v6(b);
		return true;
	}
	return false;
}
