/*
 * address.c - our own addresses on each link: may they be used, who asked
 */
#include "linkd/address.h"

#include <errno.h>

#include "linkd/discover.h"

static void start_one(struct linkd *x, uint32_t i, struct mono now)
{
	const struct topo_addr *a = &x->st->addr[i];
	const struct topo_link *l = &x->n.topo->links[a->link];
	struct dad_conf conf = {
		.transmits = l->dad_transmits,
		.retrans_ms = l->neighbour.retrans_ms,
		.acd = l->acd,
	};
	/* Another one when the address comes again. */
	uint64_t seed =
	    x->st->seed + 0x9e3779b97f4a7c15ULL * (x->st->done.number + i + 1);

	/* Nobody else can be there. */
	if (!link_is_ethernet(x, a->link)) {
		conf.transmits = 0;
		conf.acd = false;
	}
	dad_start(&x->st->dad[i], &x->touch, &a->ip, &conf, seed, now);
}

void address_start(struct linkd *x, struct mono now)
{
	/* Impossible, unless somebody has scribbled over it. */
	if (x->st->naddrs > TOPO_MAX_ADDRS) {
		touch(&x->touch, &x->st->naddrs, sizeof(x->st->naddrs));
		x->st->naddrs = 0;
	}
	for (uint32_t i = 0; i < TOPO_MAX_ADDRS; i++) {
		struct dad *d = &x->st->dad[i];
		bool wanted = i < x->st->naddrs;

		if (!wanted && d->state != DAD_NONE)
			dad_stop(d, &x->touch);
		if (!wanted)
			continue;
		if (d->state == DAD_NONE || !dad_makes_sense(d) ||
		    !ip_equal(&d->ip, &x->st->addr[i].ip))
			start_one(x, i, now);
	}
}

/* Before the number of addresses changes, or their order. */
static void touch_all(struct linkd *x)
{
	struct link_state *st = x->st;

	touch(&x->touch, &st->naddrs, sizeof(st->naddrs));
	touch(&x->touch, st->addr, sizeof(st->addr));
	touch(&x->touch, st->dad, sizeof(st->dad));
	x->addrs_dirty = true;
}

int address_add(struct linkd *x, const struct topo_addr *a, struct mono now)
{
	struct link_state *st = x->st;

	if (st->naddrs == TOPO_MAX_ADDRS)
		return -ENOSPC;
	touch_all(x);
	st->addr[st->naddrs] = *a;
	start_one(x, st->naddrs++, now);
	return 0;
}

void address_set_plen(struct linkd *x, uint32_t i, uint8_t plen)
{
	touch_all(x);
	x->st->addr[i].plen = plen;
}

/* Those behind it move up: their order is that of preference. */
void address_remove(struct linkd *x, uint32_t i)
{
	struct link_state *st = x->st;
	uint32_t behind;

	touch_all(x);
	behind = --st->naddrs - i;
	memmove(&st->addr[i], &st->addr[i + 1], behind * sizeof(*st->addr));
	memmove(&st->dad[i], &st->dad[i + 1], behind * sizeof(*st->dad));
	dad_stop(&st->dad[st->naddrs], &x->touch);
}

uint32_t address_find(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < x->st->naddrs; i++)
		if (x->st->addr[i].link == link &&
		    ip_equal(&x->st->addr[i].ip, ip))
			return i;
	return ADDRESS_NONE;
}

bool address_valid(const struct linkd *x, uint32_t i)
{
	return i != ADDRESS_NONE && x->st->dad[i].state == DAD_VALID;
}

struct ip_addr address_source(const struct linkd *x, uint32_t link,
    const struct ip_addr *target, const struct ip_addr *wish)
{
	bool v4 = ip_is_v4(target);

	if (wish != NULL && address_valid(x, address_find(x, link, wish)))
		return *wish;
	for (uint32_t i = 0; i < x->st->naddrs; i++) {
		const struct topo_addr *a = &x->st->addr[i];

		if (a->link == link && ip_is_v4(&a->ip) == v4 &&
		    address_valid(x, i))
			return a->ip;
	}
	return v4 ? ip_any4 : ip_any6;
}

bool address_on_link(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < x->st->naddrs; i++) {
		const struct topo_addr *a = &x->st->addr[i];

		if (a->link == link && ip_in_prefix(ip, &a->ip, a->plen))
			return true;
	}
	return false;
}

bool address_is_subnet_broadcast(
    const struct linkd *x, uint32_t link, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < x->st->naddrs; i++) {
		const struct topo_addr *a = &x->st->addr[i];
		struct ip_addr all;

		if (a->link != link || !ip_is_v4(&a->ip) || a->plen > 30)
			continue;
		all = ip_subnet_broadcast(&a->ip, a->plen);
		if (ip_equal(&all, ip))
			return true;
	}
	return false;
}

void address_verdict(
    struct linkd *x, uint32_t i, enum dad_verdict v, const struct mac *mac)
{
	char ip[IP_TEXT_LEN];
	char who[MAC_TEXT_LEN];

	ip_text(&x->st->addr[i].ip, ip);
	mac_text(mac, who);
	switch (v) {
	case DAD_FINE:
		return;
	case DAD_LOOPED:
		log_debug(&x->n.log, "own probe came back, address=%s", ip);
		return;
	case DAD_CONFLICT:
		node_count(&x->n, CNT_DAD_CONFLICT);
		log_warn(&x->n.log,
		    "address also claimed by another, "
		    "address=%s by=%s",
		    ip, who);
		return;
	case DAD_LOST:
		node_count(&x->n, CNT_DAD_LOST);
		log_error(&x->n.log,
		    "address is another's, not used, "
		    "address=%s by=%s",
		    ip, who);
		x->addrs_dirty = true;
		return;
	}
}

static void act(struct linkd *x, uint32_t i, const struct dad_action *a)
{
	const struct topo_addr *t = &x->st->addr[i];
	char ip[IP_TEXT_LEN];

	switch (a->what) {
	case DAD_SEND_PROBE:
		discover_probe(x, t->link, &t->ip, a->nonce);
		return;
	case DAD_NOW_VALID:
		log_info(&x->n.log, "address valid, address=%s link=%s",
		    ip_text(&t->ip, ip), x->n.topo->links[t->link].name);
		x->addrs_dirty = true;
		return;
	case DAD_SEND_ANNOUNCE:
		discover_announce(x, t->link, &t->ip);
		return;
	}
}

void address_tick(struct linkd *x, struct mono now)
{
	struct dad_action a;

	for (uint32_t i = 0; i < x->st->naddrs; i++)
		while (mono_reached(dad_deadline(&x->st->dad[i]), now) &&
		    dad_tick(&x->st->dad[i], &x->touch, now, &a))
			act(x, i, &a);
}

struct mono address_deadline(const struct linkd *x)
{
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < x->st->naddrs; i++)
		t = mono_min(t, dad_deadline(&x->st->dad[i]));
	return t;
}

static const struct group_table *group_table(const struct linkd *x, uint32_t p)
{
	enum layer l = x->n.topo->procs[p].layer;

	if (x->n.neighbour[p] == NULL || (l != LAYER_UDP && l != LAYER_TCP))
		return NULL;
	return (
	    const void *)((const uint8_t *)x->n.neighbour[p] + OUT_TABLE_OFF);
}

/* Those of the transport @p; false: its table can't be read now. */
static bool add_joined(struct linkd *x, uint32_t p)
{
	struct group_table *t = (void *)x->scratch;
	const struct group_table *from = group_table(x, p);

	if (from == NULL)
		return true;
	if (!published_copy(t, from, sizeof(*t)))
		return false;
	x->group_seq[p] = atomic_load_explicit(&t->p.seq, memory_order_relaxed);
	for (uint32_t i = 0; i < t->ngroups && i < GROUP_TABLE_MAX; i++)
		for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
			if (t->group[i].link == l ||
			    t->group[i].link == LINK_ANY)
				groups_add(&x->fresh[l], &t->group[i].ip);
	return true;
}

static void add_own(struct linkd *x, uint32_t l)
{
	/* 224.0.0.1, ff02::1 and, for routers, ff02::2. */
	static const uint8_t all4[4] = { 224, 0, 0, 1 };
	struct ip_addr all6 = { .b = { 0xff, 0x02, [15] = 1 } };
	struct ip_addr all = ip_from_v4(all4);

	groups_add(&x->fresh[l], &all);
	groups_add(&x->fresh[l], &all6);
	all6.b[15] = 2;
	if (x->n.topo->forward)
		groups_add(&x->fresh[l], &all6);
	for (uint32_t i = 0; i < x->st->naddrs; i++) {
		const struct topo_addr *a = &x->st->addr[i];
		struct ip_addr node = ip_solicited_node(&a->ip);

		if (a->link == l && !ip_is_v4(&a->ip))
			groups_add(&x->fresh[l], &node);
	}
}

static bool groups_changed(const struct linkd *x)
{
	for (uint32_t p = 0; p < x->n.topo->nprocs; p++) {
		const struct group_table *t = group_table(x, p);

		if (t != NULL && published_seq(&t->p) != x->group_seq[p])
			return true;
	}
	return false;
}

/*
 * A table that is being written, maybe by one who died over it, must wait:
 * until then the groups of all stay as they were, so that none is deaf
 * meanwhile.
 */
void address_groups(struct linkd *x, bool force)
{
	bool all = true;

	if (!force && !groups_changed(x))
		return;
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++) {
		groups_clear(&x->fresh[l]);
		add_own(x, l);
	}
	for (uint32_t p = 0; p < x->n.topo->nprocs; p++)
		all &= add_joined(x, p);
	if (!all && !force)
		return;
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++) {
		groups_done(&x->fresh[l]);
		x->groups[l] = x->fresh[l];
	}
}
