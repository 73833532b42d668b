/*
 * dump_frame.c - Ethernet, VLAN tags (IEEE 802.1Q) and ARP (RFC 826) as text
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "api/command/dump.h"
#include "shm/bytes.h"

enum {
	ETH_LEN = 14,
	TAG_LEN = 4,
	TAGS_MAX = 2, /* one in another (802.1ad) */
	ETH_IPV4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ETH_SERVICE_VLAN = 0x88a8,
	MAC_TEXT = 18,

	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

static const char *mac_text(const uint8_t *p, char text[MAC_TEXT])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1],
	    p[2], p[3], p[4], p[5]);
	return text;
}

static void dump_arp(struct dump *d, struct dump_bytes b)
{
	char sender[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];
	char sender_mac[MAC_TEXT], target_mac[MAC_TEXT];
	uint16_t op;

	dump_add(d, "ARP, ");
	if (!dump_has(d, &b, ARP_LEN, "arp"))
		return;
	op = be16_get(b.p + 6);
	inet_ntop(AF_INET, b.p + 14, sender, sizeof(sender));
	inet_ntop(AF_INET, b.p + 24, target, sizeof(target));
	mac_text(b.p + 8, sender_mac);
	if (op == ARP_REQUEST)
		dump_add(d, "Request who-has %s tell %s", target, sender);
	else if (op == ARP_REPLY)
		dump_add(d, "Reply %s is-at %s", sender, sender_mac);
	else
		dump_add(d, "operation %u", op);
	dump_add(d, ", length %u", b.len);
	dump_field(d,
	    "\tARP hardware=%u protocol=0x%04x hardware_len=%u "
	    "protocol_len=%u operation=%u sender=%s,%s target=%s,%s",
	    be16_get(b.p), be16_get(b.p + 2), b.p[4], b.p[5], op, sender_mac,
	    sender, mac_text(b.p + 18, target_mac), target);
}

/* Step over the tags; false if one is cut off. */
static bool dump_tags(struct dump *d, struct dump_bytes *b, uint16_t *type)
{
	for (int i = 0;
	     i < TAGS_MAX && (*type == ETH_VLAN || *type == ETH_SERVICE_VLAN);
	     i++) {
		if (!dump_has(d, b, TAG_LEN, "vlan"))
			return false;
		dump_add(
		    d, "vlan %u, p %u, ", be16_get(b->p) & 0xfff, b->p[0] >> 5);
		*type = be16_get(b->p + 2);
		*b = dump_rest(b, TAG_LEN);
	}
	return true;
}

void dump_frame(struct dump *d, struct dump_bytes b)
{
	char src[MAC_TEXT], dst[MAC_TEXT];
	struct dump_bytes inside;
	uint16_t type;

	if (!dump_has(d, &b, ETH_LEN, "ether"))
		return;
	type = be16_get(b.p + 12);
	mac_text(b.p, dst);
	mac_text(b.p + 6, src);
	dump_field(d, "\tEthernet dst=%s src=%s type=0x%04x", dst, src, type);
	inside = dump_rest(&b, ETH_LEN);
	if (!dump_tags(d, &inside, &type))
		return;
	if (type == ETH_ARP)
		dump_arp(d, inside);
	else if (type == ETH_IPV4 || type == ETH_IPV6)
		dump_packet(d, inside);
	else
		dump_add(d, "%s > %s, ethertype 0x%04x, length %u", src, dst,
		    type, b.len);
}
