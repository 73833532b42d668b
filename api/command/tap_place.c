/*
 * tap_place.c - where packets can be seen, by name, and a packet as seen there
 */
#include "api/command/tap_place.h"

#include <stdio.h>
#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"

enum {
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	IPV4_DF = 0x4000,
	IP_LEN_MAX = 65535,
	NO_NUMBER = 0xffff,
};

/* ---- What there is ---- */

static struct place *add(struct places *ps, const struct place *p)
{
	ps->p[ps->n] = *p;
	return &ps->p[ps->n++];
}

/* As node_tap.c has it: by who can see all bytes. */
static void add_ring(struct places *ps, uint16_t i)
{
	const struct topology *t = ps->topo;
	const struct topo_ring *r = &t->rings[i];
	bool by_producer = t->procs[r->from].layer > LAYER_IP;
	bool up = t->procs[r->from].layer < t->procs[r->to].layer;
	struct place *p = add(ps,
	    &(struct place){
		.linktype = LINKTYPE_RAW,
		.direction = up ? PCAPNG_INBOUND : PCAPNG_OUTBOUND,
		.proc = by_producer ? r->from : r->to,
		.at = TAP_PLACE_RING + i,
		.kind = by_producer ? TAP_PUT : TAP_TAKE,
	    });

	snprintf(p->name, sizeof(p->name), "%s>%s", t->procs[r->from].name,
	    t->procs[r->to].name);
	snprintf(p->what, sizeof(p->what), "ring, %s by %s",
	    by_producer ? "as put" : "as taken", t->procs[p->proc].name);
}

static void add_device(struct places *ps, uint16_t link, bool tx)
{
	const struct topo_link *l = &ps->topo->links[link];
	struct place *p = add(ps,
	    &(struct place){
		.linktype = LINKTYPE_ETHERNET,
		.direction = tx ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
		.proc = l->proc,
		.at = (uint16_t)(TAP_PLACE_DEVICE + 2 * link + tx),
		.kind = TAP_FRAME,
	    });

	snprintf(p->name, sizeof(p->name), "%s:%s", l->name, tx ? "tx" : "rx");
	snprintf(p->what, sizeof(p->what), "device, frames %s by %s",
	    tx ? "written" : "read", ps->topo->procs[l->proc].name);
}

static struct place *add_drops(
    struct places *ps, uint16_t linktype, const char *name, const char *what)
{
	struct place *p = add(ps,
	    &(struct place){
		.linktype = linktype, .at = NO_NUMBER, .kind = TAP_DROP });

	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->what, sizeof(p->what), "%s", what);
	return p;
}

void places_make(struct places *ps, const struct topology *t)
{
	*ps = (struct places){ .topo = t };
	for (uint8_t i = 0; i < t->nlinks; i++) {
		enum device d = t->links[i].device;

		if (d == DEVICE_LOOPBACK || d == DEVICE_NULL)
			continue;
		add_device(ps, i, false);
		add_device(ps, i, true);
	}
	for (uint8_t i = 0; i < t->nrings; i++)
		add_ring(ps, i);
	ps->drops =
	    add_drops(ps, LINKTYPE_RAW, "drops", "packets refused by a daemon");
	ps->dropped_frames = add_drops(ps, LINKTYPE_ETHERNET, "drops:frames",
	    "frames refused by a daemon");
}

/* ---- What is wanted ---- */

/* "tap0" is "tap0:rx" and "tap0:tx"; ':' will do for '>'. */
static bool is_called(const struct place *p, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] != p->name[i] &&
		    !(name[i] == ':' && p->name[i] == '>'))
			return false;
	return p->name[len] == '\0' || p->name[len] == ':';
}

static bool want_one(struct places *ps, const char *name, size_t len)
{
	bool any = false;

	for (uint32_t i = 0; i < ps->n; i++) {
		if (!is_called(&ps->p[i], name, len))
			continue;
		ps->p[i].wanted = true;
		any = true;
	}
	return any;
}

static void print_unknown(const struct places *ps, const char *name, size_t len)
{
	fprintf(stderr, "strata: no place \"%.*s\"; there are", (int)len, name);
	for (uint32_t i = 0; i < ps->n; i++)
		fprintf(stderr, " %s", ps->p[i].name);
	fputc('\n', stderr);
}

int places_want(struct places *ps, const char *list)
{
	for (uint32_t i = 0; list == NULL && i < ps->n; i++)
		ps->p[i].wanted = true;
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ",");

		if (len > 0 && !want_one(ps, list, len)) {
			print_unknown(ps, list, len);
			return -1;
		}
		list += len + (list[len] == ',');
	}
	return 0;
}

struct taps_wish places_wish(const struct places *ps)
{
	struct taps_wish w = { .snap = 0 };

	for (uint32_t i = 0; i < ps->n; i++) {
		const struct place *p = &ps->p[i];

		if (!p->wanted)
			continue;
		if (p->kind == TAP_DROP)
			w.flags |= TAP_DROPS;
		else if (p->kind == TAP_FRAME)
			w.devices |= 1U << (p->at - TAP_PLACE_DEVICE) / 2;
		else
			w.rings |= (uint64_t)1 << (p->at - TAP_PLACE_RING);
	}
	return w;
}

struct place *places_of(struct places *ps, const struct tapped *r)
{
	struct place *drops =
	    r->r.kind == TAP_FRAME ? ps->dropped_frames : ps->drops;

	for (uint32_t i = 0; i < ps->n; i++) {
		struct place *p = &ps->p[i];

		if (p->wanted && p->at == r->r.place && p->proc == r->proc &&
		    p->kind == r->r.kind)
			return p;
	}
	if (drops->wanted && r->r.reason != 0 &&
	    (r->r.kind != TAP_DROP || (r->r.flags & TAP_WAITED)))
		return drops;
	return NULL;
}

/* ---- A packet ---- */

/*
 * Between ipd and a transport there is no IP header, but all that is in it;
 * only what raw sockets hear has it, and what they say where they write it.
 */
static bool has_no_header(const struct topology *t, const struct tap_record *r)
{
	const struct topo_ring *ring;

	if (r->place >= t->nrings || r->d.kind == PKT_RAW ||
	    (r->d.flags & PKT_HDRINCL))
		return false;
	ring = &t->rings[r->place];
	return t->procs[ring->from].layer > LAYER_IP ||
	    t->procs[ring->to].layer > LAYER_IP;
}

static uint8_t hops_of(const struct topology *t, const struct desc *d)
{
	return d->hops != 0 ? d->hops : (uint8_t)t->hop_limit;
}

/* Of one that is too long for the field, a super-frame, 0. */
static uint16_t length_field(uint32_t len)
{
	return len <= IP_LEN_MAX ? (uint16_t)len : 0;
}

static void make_ipv4(uint8_t h[IPV4_LEN], const struct topology *t,
    const struct desc *d, uint32_t len)
{
	memset(h, 0, IPV4_LEN);
	h[0] = 0x45;
	h[1] = d->tclass;
	be16_put(h + 2, length_field(len + IPV4_LEN));
	be16_put(h + 6, d->flags & PKT_DONT_FRAGMENT ? IPV4_DF : 0);
	h[8] = hops_of(t, d);
	h[9] = d->proto;
	if (ip_is_v4(&d->src))
		memcpy(h + 12, ip_v4(&d->src), 4);
	memcpy(h + 16, ip_v4(&d->dst), 4);
	be16_put(h + 10, csum_fold(csum_add(0, h, IPV4_LEN)));
}

static void make_ipv6(uint8_t h[IPV6_LEN], const struct topology *t,
    const struct desc *d, uint32_t len)
{
	be32_put(h, 0x60000000U | (uint32_t)d->tclass << 20);
	be16_put(h + 4, length_field(len));
	h[6] = d->proto;
	h[7] = hops_of(t, d);
	memcpy(h + 8, d->src.b, 16);
	memcpy(h + 24, d->dst.b, 16);
}

static void make_header(
    struct shown *s, const struct topology *t, const struct tapped *r)
{
	const struct desc *d = &r->r.d;
	bool v4 = ip_is_v4(&d->dst);
	uint32_t len = v4 ? IPV4_LEN : IPV6_LEN;
	uint8_t *h = r->bytes - len;

	if (v4)
		make_ipv4(h, t, d, r->r.len);
	else
		make_ipv6(h, t, d, r->r.len);
	s->bytes = h;
	s->len += len;
	s->caplen += len;
}

static void comment(struct shown *s, const struct taps *t,
    const struct place *p, const struct tapped *r)
{
	char reason[COUNTER_NAME_LEN];
	const struct desc *d = &r->r.d;
	bool v4 = s->caplen > 0 && s->bytes[0] >> 4 == 4;

	s->comment[0] = '\0';
	if (r->r.reason != 0)
		snprintf(s->comment, sizeof(s->comment), "dropped by %s: %s",
		    t->topo->procs[r->proc].name, tapped_reason(t, r, reason));
	else if (p->kind != TAP_FRAME && d->kind == PKT_ERROR)
		snprintf(s->comment, sizeof(s->comment),
		    "about this packet: ICMP%s type %u code %u", v4 ? "" : "v6",
		    d->icmp_type, d->icmp_code);
}

void shown_from(struct shown *ret, const struct taps *t, const struct place *p,
    const struct tapped *r)
{
	static_assert(
	    (int)IPV6_LEN <= (int)TAPPED_HEADROOM, "room for a header");

	ret->len = r->r.len;
	ret->caplen = r->r.caplen;
	ret->bytes = r->bytes;
	ret->id = 0;
	if (r->r.kind != TAP_FRAME && has_no_header(t->topo, &r->r))
		make_header(ret, t->topo, r);
	comment(ret, t, p, r);
}
