/*
 * topology_addr.c - addresses on links, and routes
 *
 * The checks of addresses are those of RFC 1122, 3.2.1.3 and RFC 4291, 2.4 to
 * 2.7: what a host can never have as its own is refused here, in words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/names.h"
#include "shm/topology_mac.h"
#include "shm/topology_parts.h"

static unsigned family_bits(const struct ip_addr *a)
{
	return ip_is_v4(a) ? 32 : 128;
}

static const char *family_name(const struct ip_addr *a)
{
	return ip_is_v4(a) ? "IPv4" : "IPv6";
}

/* @a with all bits beyond the first @plen cleared. */
static struct ip_addr network_of(const struct ip_addr *a, unsigned plen)
{
	struct ip_addr net = *a;
	unsigned bits = plen + (128 - family_bits(a));

	for (unsigned bit = bits; bit < 128; bit++)
		net.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return net;
}

/* An address alone; IPv4 in IPv6's clothes would be taken for IPv4. */
static bool address_parse(
    struct reader *r, const char *text, struct ip_addr *ret)
{
	if (!ip_parse(ret, text))
		reader_fail(
		    r, "\"%.60s\" is not an IPv4 or IPv6 address", text);
	else if (ip_is_v4(ret) && strchr(text, ':'))
		reader_fail(r,
		    "\"%s\" is an IPv4 address in IPv6 form; "
		    "write it as IPv4",
		    text);
	return r->err == 0;
}

/* The digits behind the slash: nothing else, and no longer than "128". */
static bool plen_parse(
    struct reader *r, const char *digits, const struct ip_addr *a, uint8_t *ret)
{
	size_t n = strlen(digits);
	unsigned long v;

	if (n == 0 || strspn(digits, "0123456789") != n) {
		reader_fail(
		    r, "\"/%.40s\" is not the length of a prefix", digits);
		return false;
	}
	v = strtoul(digits, NULL, 10); /* ULONG_MAX if there are too many */
	if (v > family_bits(a)) {
		reader_fail(r,
		    "a prefix of %.40s bits is too long, %s "
		    "addresses have %u",
		    digits, family_name(a), family_bits(a));
		return false;
	}
	*ret = (uint8_t)v;
	return true;
}

bool prefix_read(
    struct reader *r, struct prefix *ret, unsigned usual4, unsigned usual6)
{
	char address[64]; /* longer than any; what is cut off is none */
	const char *text = reader_text(r), *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p = { .plen = 0 };

	if (r->err < 0)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)n, text);
	if (!address_parse(r, address, &p.ip))
		return false;
	if (!slash) {
		reader_fail(r, "\"%s\" has no prefix; write it as \"%s/%u\"",
		    text, text, ip_is_v4(&p.ip) ? usual4 : usual6);
		return false;
	}
	if (!plen_parse(r, slash + 1, &p.ip, &p.plen))
		return false;
	*ret = p;
	return true;
}

static bool unicast_check(struct reader *r, const struct ip_addr *a)
{
	char text[IP_TEXT_LEN];

	ip_text(a, text);
	if (ip_is_any(a))
		reader_fail(r, "%s means no address, it can not be one", text);
	else if (ip_is_multicast(a))
		reader_fail(r, "%s is the address of a group", text);
	else if (ip_is_broadcast(a))
		reader_fail(r, "%s is the broadcast address", text);
	else if (ip_is_v4(a) && ip_v4(a)[0] == 0)
		reader_fail(r,
		    "%s lies in 0.0.0.0/8, which no host may use "
		    "(RFC 1122, 3.2.1.3)",
		    text);
	else if (ip_is_v4(a) && ip_v4(a)[0] >= 240)
		reader_fail(
		    r, "%s lies in 240.0.0.0/4, which is reserved", text);
	return r->err == 0;
}

bool unicast_read(struct reader *r, struct ip_addr *ret)
{
	const char *text = reader_text(r);
	struct ip_addr a;

	if (r->err < 0 || !address_parse(r, text, &a) || !unicast_check(r, &a))
		return false;
	*ret = a;
	return true;
}

/* The first and the last address of a subnet are not a host's. */
static void subnet_check(struct reader *r, const struct prefix *p)
{
	struct ip_addr net = network_of(&p->ip, p->plen);
	struct ip_addr last = ip_subnet_broadcast(&p->ip, p->plen);
	char text[IP_TEXT_LEN];

	if (family_bits(&p->ip) - p->plen < 2)
		return; /* RFC 3021, RFC 6164: both ends of a link */
	if (ip_equal(&p->ip, &net))
		reader_fail(r,
		    "%s/%u is the subnet's own address, not one in it",
		    ip_text(&p->ip, text), p->plen);
	else if (ip_is_v4(&p->ip) && ip_equal(&p->ip, &last))
		reader_fail(r, "%s/%u is the subnet's broadcast address",
		    ip_text(&p->ip, text), p->plen);
}

/* A host's address at the place of the reader. */
static bool host_prefix_read(struct reader *r, struct prefix *ret)
{
	struct prefix p;

	if (!prefix_read(r, &p, 24, 64) || !unicast_check(r, &p.ip))
		return false;
	subnet_check(r, &p);
	if (r->err < 0)
		return false;
	*ret = p;
	return true;
}

/* The host's side of an earlier link may have it. */
static void not_the_hosts(
    struct reader *r, const struct topology *t, const struct ip_addr *a)
{
	char text[IP_TEXT_LEN];

	for (unsigned i = 0; i < t->nlinks; i++)
		for (unsigned k = 0; k < t->links[i].nhost; k++)
			if (ip_equal(&t->links[i].host[k].ip, a))
				reader_fail(r,
				    "%s is the host's on the link \"%s\"",
				    ip_text(a, text), t->links[i].name);
}

/* Link-local addresses may come again on another link. */
static void ours_unique(
    struct reader *r, const struct topology *t, const struct ip_addr *a)
{
	char text[IP_TEXT_LEN];

	for (unsigned i = 0; i < t->naddrs; i++) {
		const struct topo_addr *o = &t->addrs[i];

		if (!ip_equal(&o->ip, a))
			continue;
		if (ip_is_link_local(a) && o->link != t->nlinks)
			continue;
		reader_fail(r, "%s is given twice", ip_text(a, text));
		return;
	}
}

static void address_add(
    struct reader *r, struct topology *t, struct ip_addr ip, unsigned plen)
{
	if (t->naddrs == TOPO_MAX_ADDRS) {
		reader_fail(
		    r, "makes more than %d addresses in all", TOPO_MAX_ADDRS);
		return;
	}
	t->addrs[t->naddrs++] = (struct topo_addr){
		.ip = ip,
		.plen = (uint8_t)plen,
		.link = t->nlinks,
	};
}

static void address_read(struct reader *r, struct topology *t)
{
	bool loopback = t->links[t->nlinks].device == DEVICE_LOOPBACK;
	struct prefix p;

	if (!host_prefix_read(r, &p))
		return;
	if (ip_is_loopback(&p.ip) && !loopback)
		reader_fail(r, "%s belongs on a loopback device",
		    ip_text(&p.ip, (char[IP_TEXT_LEN]){ 0 }));
	ours_unique(r, t, &p.ip);
	not_the_hosts(r, t, &p.ip);
	address_add(r, t, p.ip, p.plen);
}

static void host_read(struct reader *r, struct topology *t)
{
	struct topo_link *l = &t->links[t->nlinks];
	char text[IP_TEXT_LEN];
	struct prefix p;

	if (!host_prefix_read(r, &p))
		return;
	for (unsigned i = 0; i < t->naddrs; i++)
		if (ip_equal(&t->addrs[i].ip, &p.ip))
			reader_fail(r,
			    "%s is ours already, the host needs "
			    "another",
			    ip_text(&p.ip, text));
	for (unsigned i = 0; i < l->nhost; i++)
		if (ip_equal(&l->host[i].ip, &p.ip))
			reader_fail(
			    r, "%s is given twice", ip_text(&p.ip, text));
	l->host[l->nhost++] = (struct topo_addr){
		.ip = p.ip,
		.plen = p.plen,
		.link = t->nlinks,
	};
}

/* A link with IPv6 has a link-local address (RFC 4291, 2.8). */
static void link_local_add(struct reader *r, struct topology *t)
{
	const struct topo_link *l = &t->links[t->nlinks];
	bool v6 = false;

	for (unsigned i = 0; i < t->naddrs; i++) {
		const struct ip_addr *ip = &t->addrs[i].ip;

		if (t->addrs[i].link != t->nlinks || ip_is_v4(ip))
			continue;
		if (ip_is_link_local(ip))
			return;
		v6 = true;
	}
	if (v6 && l->device != DEVICE_LOOPBACK)
		address_add(r, t, mac_link_local(l->mac), 64);
}

void addresses_read(struct reader *r, struct topology *t)
{
	static const uint8_t one[4] = { 127, 0, 0, 1 };
	struct topo_link *l = &t->links[t->nlinks];
	unsigned before = t->naddrs;

	reader_array(r, "addresses", false, TOPO_MAX_ADDRS, address_read, t);
	if (t->naddrs == before && l->device == DEVICE_LOOPBACK) {
		address_add(r, t, ip_from_v4(one), 8);
		address_add(r, t, (struct ip_addr){ { [15] = 1 } }, 128);
	}
	link_local_add(r, t);
	if (l->device != DEVICE_TAP && reader_enter(r, "host")) {
		reader_fail(r, "only a tap has a host's side, not a %s device",
		    device_name(l->device));
		reader_leave(r);
	}
	reader_array(r, "host", false, TOPO_MAX_HOST, host_read, t);
}
