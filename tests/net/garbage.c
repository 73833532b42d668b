/*
 * garbage.c - frames that nobody should send
 *
 *	garbage INTERFACE SEED COUNT
 *
 * Takes frames that are good (ARP, Neighbor Discovery, echo, UDP, TCP,
 * fragments), then changes a few bytes, cuts or lengthens them, and sends them.
 * The same seed gives the same frames.
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	LARGEST = 1514,
	ETH = 14,
	IP4 = ETH + 20,
	IP6 = ETH + 40,
};

/* To 02:00:00:00:00:02, as in configs/tap.json. */
static const uint8_t ETHERNET[ETH] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 9 };

static uint64_t state;

/* xorshift64*: Marsaglia, "Xorshift RNGs", 2003. */
static uint32_t draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717u) >> 33) % below;
}

static void eth(uint8_t *f, uint16_t type)
{
	memcpy(f, ETHERNET, ETH);
	if (draw(4) == 0)
		memset(f, 0xff, 6);
	be16_put(f + 12, type);
}

static size_t arp(uint8_t *f)
{
	static const uint8_t REQUEST[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0,
		0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2 };

	eth(f, ETHERTYPE_ARP);
	memcpy(f + ETH, REQUEST, sizeof(REQUEST));
	f[ETH + 7] = (uint8_t)(1 + draw(2));
	return ETH + sizeof(REQUEST);
}

/* A header of IPv4, with options now and then; where the payload begins. */
static size_t ipv4(uint8_t *f, uint8_t proto, size_t payload)
{
	size_t options = draw(4) == 0 ? 4 * draw(11) : 0;
	uint8_t *h = f + ETH;

	eth(f, ETHERTYPE_IP);
	h[0] = (uint8_t)(0x45 + options / 4);
	be16_put(h + 2, (uint16_t)(20 + options + payload));
	be16_put(h + 4, (uint16_t)draw(8));
	if (draw(2) == 0) /* a fragment */
		be16_put(h + 6, (uint16_t)(draw(2) << 13 | draw(300)));
	h[8] = (uint8_t)draw(256);
	h[9] = proto;
	be32_put(h + 12, 0xc0000209);
	be32_put(h + 16, draw(8) == 0 ? draw(UINT32_MAX) : 0xc0000202);
	for (size_t i = 0; i < options; i++)
		h[20 + i] = (uint8_t)draw(draw(2) ? 256 : 8);
	be16_put(h + 10, 0);
	be16_put(h + 10, csum_fold(csum_add(0, h, 20 + options)));
	return IP4 + options;
}

/* The same for IPv6, with a chain of extension headers now and then. */
static size_t ipv6(uint8_t *f, uint8_t proto, size_t payload)
{
	static const uint8_t KINDS[] = { 0, 43, 44, 60, 135, 59 };
	uint8_t *h = f + ETH, *next = h + 6;
	size_t len = 40;

	eth(f, ETHERTYPE_IPV6);
	h[0] = 0x60;
	h[7] = (uint8_t)(draw(2) ? 255 : draw(256));
	be32_put(h + 8, draw(2) ? 0xfe800000 : 0x20010db8);
	h[23] = 9;
	be32_put(h + 24, 0x20010db8);
	h[39] = 2;
	for (uint32_t n = draw(5); n > 0; n--) {
		*next = KINDS[draw(sizeof(KINDS))];
		next = h + len;
		h[len + 1] = draw(8) == 0 ? (uint8_t)draw(4) : 0;
		for (size_t i = 2; i < 8; i++)
			h[len + i] = (uint8_t)draw(draw(2) ? 256 : 3);
		len += 8;
	}
	*next = proto;
	be16_put(h + 4, (uint16_t)(len - 40 + payload));
	return ETH + len;
}

static size_t ip(uint8_t *f)
{
	static const uint8_t PROTOS[] = { 1, 2, 6, 17, 58, 50, 136 };
	uint8_t proto = PROTOS[draw(sizeof(PROTOS))];
	size_t payload = draw(draw(2) ? 64 : 1200);
	size_t at = draw(2) ? ipv4(f, proto, payload) : ipv6(f, proto, payload);

	for (size_t i = 0; i < payload; i++)
		f[at + i] = (uint8_t)draw(256);
	if (payload < 8)
		return at + payload;
	if (proto == 17) {
		be16_put(f + at + 2, (uint16_t)(draw(2) ? 7 : draw(65536)));
		be16_put(f + at + 4, (uint16_t)payload);
		be16_put(f + at + 6, 0);
	} else if (proto == 1) {
		f[at] = (uint8_t)draw(19);
	} else if (proto == 58) {
		f[at] = (uint8_t)(draw(2) ? 133 + draw(5) : draw(256));
		f[at + 1] = 0;
	}
	return at + payload;
}

static size_t spoil(uint8_t *f, size_t len)
{
	if (draw(3) == 0)
		for (uint32_t n = 1 + draw(4); n > 0; n--)
			f[draw(2) ? draw((uint32_t)len) : draw(64)] =
			    (uint8_t)draw(256);
	if (draw(4) == 0)
		len = draw((uint32_t)len + 1);
	else if (draw(8) == 0)
		len += draw((uint32_t)(LARGEST - len) + 1);
	/* What is shorter than its own header the device does not take. */
	return len < ETH ? ETH : len;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	static uint8_t f[LARGEST + 64];
	int fd, taken = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: garbage INTERFACE SEED COUNT\n");
		return 2;
	}
	state = strtoull(argv[2], NULL, 10) * 2654435761u + 1;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd == -1 || bind(fd, (void *)&to, sizeof(to)) == -1) {
		perror("garbage");
		return 1;
	}
	for (int i = 0; i < atoi(argv[3]); i++) {
		size_t len;

		memset(f, 0, sizeof(f));
		len = spoil(f, draw(6) == 0 ? arp(f) : ip(f));
		taken += send(fd, f, len, 0) == (ssize_t)len;
	}
	printf("sent=%d\n", taken);
	return 0;
}
