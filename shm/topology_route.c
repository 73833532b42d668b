/*
 * topology_route.c - the routes of a topology
 *
 * A route leads to a gateway ("via"), or to a link on whose wire the
 * destinations themselves are ("link" alone).  The gateway's link is found by
 * its address; only a link-local gateway may need both keys.
 */
#include <string.h>

#include "shm/topology_parts.h"

static const char *const ROUTE_KEYS[] = {
	"to",
	"via",
	"link",
	"metric",
	"mtu",
	NULL,
};

static const struct limits METRIC = { .key = "metric", 0, UINT32_MAX };
static const struct limits MTU = {
	"mtu",
	TOPO_MTU_MIN,
	TOPO_MTU_MAX,
	.why_min = "the smallest an IPv4 path may have (RFC 791)",
};

enum {
	NO_LINK = -1,
	MANY_LINKS = -2,
};

/* The link with the longest prefix that holds @via; @want: only that link. */
static int link_of_gateway(
    const struct topology *t, const struct ip_addr *via, int want)
{
	int best = NO_LINK, plen = -1;

	for (unsigned i = 0; i < t->naddrs; i++) {
		const struct topo_addr *a = &t->addrs[i];

		if (!ip_in_prefix(via, &a->ip, a->plen))
			continue;
		if (want >= 0 && a->link != want)
			continue;
		if (a->plen > plen) {
			best = a->link;
			plen = a->plen;
		} else if (a->plen == plen && a->link != best) {
			best = MANY_LINKS;
		}
	}
	return best;
}

static void gateway_check(struct reader *r, const struct topology *t,
    const struct ip_addr *via, int want, int found)
{
	char text[IP_TEXT_LEN];

	ip_text(via, text);
	for (unsigned i = 0; i < t->naddrs; i++) {
		const struct topo_addr *a = &t->addrs[i];
		struct ip_addr last = ip_subnet_broadcast(&a->ip, a->plen);

		if (ip_equal(&a->ip, via))
			reader_fail(
			    r, "%s is our own address, no gateway", text);
		else if (ip_is_v4(&a->ip) && a->plen <= 30 &&
		    ip_equal(&last, via))
			reader_fail(r,
			    "%s is a subnet's broadcast address, "
			    "no gateway",
			    text);
	}
	if (found == NO_LINK && want >= 0)
		reader_fail(r, "%s is in no subnet of the link \"%s\"", text,
		    t->links[want].name);
	else if (found == NO_LINK)
		reader_fail(r, "%s is in no subnet of any link", text);
	else if (found == MANY_LINKS)
		reader_fail(r,
		    "%s could be on several links; say which with "
		    "\"link\"",
		    text);
}

static void via_read(struct reader *r, const struct topology *t,
    struct topo_route *route, int want)
{
	if (!reader_enter(r, "via"))
		return;
	if (unicast_read(r, &route->via)) {
		int found = link_of_gateway(t, &route->via, want);
		gateway_check(r, t, &route->via, want, found);
		route->link = found < 0 ? 0 : (uint8_t)found;
		route->has_via = true;
	}
	reader_leave(r);
}

/* The link that the key names, or NO_LINK. */
static int out_read(struct reader *r, const struct topology *t)
{
	int i = NO_LINK;

	if (!reader_enter(r, "link"))
		return NO_LINK;
	i = link_by_name(t, reader_text(r));
	if (i < 0)
		reader_fail(r, "there is no link \"%.40s\"", reader_text(r));
	reader_leave(r);
	return i;
}

static void net_check(struct reader *r, const struct topo_route *route)
{
	char text[IP_TEXT_LEN];

	for (unsigned bit = route->plen + (ip_is_v4(&route->net) ? 96 : 0);
	     bit < 128; bit++) {
		if (route->net.b[bit / 8] & 0x80 >> bit % 8) {
			reader_fail(r,
			    "%s has bits set beyond its prefix of %u",
			    ip_text(&route->net, text), route->plen);
			return;
		}
	}
	if (route->has_via && ip_is_v4(&route->via) != ip_is_v4(&route->net))
		reader_fail(r, "%s and its gateway are of different families",
		    ip_text(&route->net, text));
}

/* "default" is of its gateway's family. */
static void to_read(struct reader *r, struct topo_route *route)
{
	struct prefix p = { .plen = 0 };
	const char *text;

	if (!reader_need(r, "to"))
		return;
	text = reader_text(r);
	if (strcmp(text, "default") == 0 && !route->has_via)
		reader_fail(r,
		    "\"default\" without a gateway; write "
		    "\"0.0.0.0/0\" or \"::/0\"");
	else if (strcmp(text, "default") == 0)
		p.ip = ip_is_v4(&route->via) ? ip_any4 : ip_any6;
	else
		prefix_read(r, &p, 32, 128);
	route->net = p.ip;
	route->plen = p.plen;
	if (r->err == 0)
		net_check(r, route);
	reader_leave(r);
}

static void route_unique(
    struct reader *r, const struct topology *t, const struct topo_route *route)
{
	for (unsigned i = 0; i < t->nroutes; i++) {
		const struct topo_route *o = &t->routes[i];

		if (ip_equal(&o->net, &route->net) && o->plen == route->plen &&
		    o->metric == route->metric)
			reader_fail(r,
			    "routes[%u] leads there with the same "
			    "metric",
			    i);
	}
}

void route_read(struct reader *r, struct topology *t)
{
	struct topo_route *route = &t->routes[t->nroutes];
	int out;

	if (!reader_object(r, ROUTE_KEYS))
		return;
	out = out_read(r, t);
	via_read(r, t, route, out);
	if (!route->has_via && out < 0)
		reader_fail(r, "needs \"via\" or \"link\"");
	if (!route->has_via && out >= 0)
		route->link = (uint8_t)out;
	to_read(r, route);
	if (!route->has_via)
		route->via = ip_is_v4(&route->net) ? ip_any4 : ip_any6;
	route->metric = (uint32_t)reader_number(r, &METRIC, 0);
	route->mtu = (uint32_t)reader_number(r, &MTU, 0);
	if (r->err == 0)
		route_unique(r, t, route);
	t->nroutes++;
}
