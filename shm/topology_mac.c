/*
 * topology_mac.c - MAC addresses, and the IPv6 addresses that follow from them
 */
#include "shm/topology_mac.h"

#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(uint8_t ret[6], const char *text)
{
	uint8_t mac[6];

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_value(text[3 * i]);
		int low = hex_value(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, mac, 6);
	return true;
}

/* FNV-1a. */
static uint64_t hash_more(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h;
}

void mac_derive(uint8_t ret[6], const char *stack, const char *link)
{
	uint64_t h = 0xcbf29ce484222325;

	h = hash_more(hash_more(hash_more(h, stack), "/"), link);
	for (int i = 0; i < 6; i++, h >>= 8)
		ret[i] = (uint8_t)h;
	/* Ours to give (bit 1), for one station (bit 0). */
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02);
}

struct ip_addr mac_link_local(const uint8_t mac[6])
{
	return (struct ip_addr){ {
	    0xfe,
	    0x80,
	    0,
	    0,
	    0,
	    0,
	    0,
	    0,
	    mac[0] ^ 0x02,
	    mac[1],
	    mac[2],
	    0xff,
	    0xfe,
	    mac[3],
	    mac[4],
	    mac[5],
	} };
}

void topology_set_mac(struct topology *t, unsigned link, const uint8_t mac[6])
{
	struct ip_addr old = mac_link_local(t->links[link].mac);

	memcpy(t->links[link].mac, mac, 6);
	for (unsigned i = 0; i < t->naddrs; i++)
		if (t->addrs[i].link == link && ip_equal(&t->addrs[i].ip, &old))
			t->addrs[i].ip = mac_link_local(mac);
}
