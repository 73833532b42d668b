/*
 * packets.c - IP packets for layers that are killed while they handle them
 */
#include "tests/crash/packets.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipd/ipv6.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	UDP_HDR = 8,
	ICMP_HDR = 8,
};

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { { 0 } };

	assert_true(ip_parse(&a, text));
	return a;
}

struct ipv4_hdr packet_to_us(uint8_t proto)
{
	return (struct ipv4_hdr){
		.src = ip("192.0.2.1"),
		.dst = ip("192.0.2.2"),
		.hdr_len = IPV4_HDR_LEN,
		.id = 0x1234,
		.ttl = 64,
		.proto = proto,
	};
}

size_t packet4(uint8_t *out, struct ipv4_hdr h, const void *payload, size_t len)
{
	h.total_len = (uint16_t)(h.hdr_len + len);
	ipv4_emit(out, &h);
	memcpy(out + h.hdr_len, payload, len);
	return h.total_len;
}

size_t packet6(uint8_t *out, const char *src, const char *dst, uint8_t proto,
    const void *payload, size_t len)
{
	struct ipv6_hdr h = {
		.src = ip(src),
		.dst = ip(dst),
		.payload_len = (uint16_t)len,
		.next_header = proto,
		.hop_limit = 64,
	};

	ipv6_emit(out, &h);
	memcpy(out + IPV6_HDR_LEN, payload, len);
	return IPV6_HDR_LEN + len;
}

static void sum6(uint8_t *p, size_t len, uint8_t proto, size_t at)
{
	struct ip_addr a = ip("2001:db8::1");
	struct ip_addr b = ip("2001:db8::2");
	uint32_t sum = csum_pseudo(&a, &b, proto, (uint32_t)len);

	be16_put(p + at, 0);
	be16_put(p + at, csum_fold(csum_add(sum, p, len)));
}

/* Type, code, identifier, number, 24 bytes of data. */
static size_t echo(uint8_t *p, uint8_t type)
{
	memset(p, 0, ICMP_HDR);
	p[0] = type;
	be16_put(p + 4, 77);
	be16_put(p + 6, 1);
	memset(p + ICMP_HDR, 'e', 24);
	return ICMP_HDR + 24;
}

size_t packet_echo4(uint8_t *out)
{
	uint8_t p[64];
	size_t len = echo(p, 8);

	be16_put(p + 2, csum_fold(csum_add(0, p, len)));
	return packet4(out, packet_to_us(IPPROTO_ICMP), p, len);
}

size_t packet_echo6(uint8_t *out)
{
	uint8_t p[64];
	size_t len = echo(p, 128);

	sum6(p, len, IPPROTO_ICMPV6, 2);
	return packet6(
	    out, "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, p, len);
}

size_t packet_too_big(uint8_t *out, struct ipv4_hdr h, const void *quote,
    size_t len, uint16_t mtu)
{
	uint8_t p[256] = { 3, 4 };

	be16_put(p + 6, mtu);
	len = ICMP_HDR + packet4(p + ICMP_HDR, h, quote, len);
	/* The datagram was longer than what is quoted of it. */
	be16_put(p + ICMP_HDR + 2, 1500);
	be16_put(p + ICMP_HDR + 10, 0);
	be16_put(p + ICMP_HDR + 10,
	    csum_fold(csum_add(0, p + ICMP_HDR, IPV4_HDR_LEN)));
	be16_put(p + 2, csum_fold(csum_add(0, p, len)));
	return packet4(out, packet_to_us(IPPROTO_ICMP), p, len);
}

static size_t udp(uint8_t *p, uint16_t port, size_t len)
{
	be16_put(p, 40000);
	be16_put(p + 2, port);
	be16_put(p + 4, (uint16_t)(UDP_HDR + len));
	be16_put(p + 6, 0);
	memset(p + UDP_HDR, 'u', len);
	return UDP_HDR + len;
}

size_t packet_udp4(uint8_t *out, uint16_t port, size_t len)
{
	uint8_t p[PACKET_MAX];

	len = udp(p, port, len);
	return packet4(out, packet_to_us(IPPROTO_UDP), p, len);
}

size_t packet_udp6(uint8_t *out, uint16_t port, size_t len)
{
	uint8_t p[PACKET_MAX];

	len = udp(p, port, len);
	sum6(p, len, IPPROTO_UDP, 6);
	return packet6(out, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, p, len);
}
