/*
 * publish.c - what ipd and the command line may know of links and neighbours
 */
#include "linkd/publish.h"

#include <stdio.h>

static_assert(sizeof(struct link_out) <= OUT_TABLE_BYTES, "fits");
static_assert((int)NEIGHBOUR_ENTRIES <= (int)LINK_TABLE_NEIGHBOURS, "all");

static enum addr_state state_of(const struct linkd *x, uint32_t i)
{
	switch ((enum dad_state)x->st->dad[i].state) {
	case DAD_VALID:
		return ADDR_VALID;
	case DAD_DUPLICATE:
		return ADDR_DUPLICATE;
	case DAD_NONE:
	case DAD_TENTATIVE:
	case DAD_NSTATES:
		break;
	}
	return ADDR_TENTATIVE;
}

static void fill_links(struct link_table *t, const struct linkd *x)
{
	t->naddrs = x->st->naddrs;
	for (uint32_t i = 0; i < t->naddrs; i++)
		t->addr[i] = (struct fib_addr){
			.ip = x->st->addr[i].ip,
			.plen = x->st->addr[i].plen,
			.link = x->st->addr[i].link,
			.state = (uint8_t)state_of(x, i),
		};
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++) {
		memcpy(t->link_mac[l], x->n.topo->links[l].mac, MAC_LEN);
		t->link_mtu[l] = x->n.topo->links[l].mtu;
		t->link_offload[l] = x->dev[l].vnet_len > 0;
	}
}

static void fill_neighbours(struct link_table *t, const struct linkd *x)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < NEIGHBOUR_ENTRIES; i++) {
		const struct neighbour *e = neighbour_get(&x->nb, i);
		struct link_neighbour *to = &t->neighbour[n];

		if (e == NULL)
			continue;
		to->ip = e->ip;
		memcpy(to->mac, e->mac.b, MAC_LEN);
		to->link = e->link;
		to->state = e->state;
		snprintf(to->state_name, sizeof(to->state_name), "%s",
		    neighbour_state_name((enum neighbour_state)e->state));
		n++;
	}
	t->nneighbours = n;
}

/* ipd chooses source addresses by their state: let it look. */
static void wake_ipd(struct linkd *x)
{
	for (uint32_t p = 0; p < x->n.topo->nprocs; p++)
		if (x->n.topo->procs[p].layer == LAYER_IP &&
		    x->n.neighbour[p] != NULL)
			x->n.bells |= 1U << p;
}

void publish(struct linkd *x, struct mono now, bool force)
{
	struct link_table *t = (void *)x->n.table;

	if (!force && !x->addrs_dirty &&
	    !(x->dirty && mono_reached(publish_deadline(x), now)))
		return;
	publish_begin(&t->p);
	fill_links(t, x);
	fill_neighbours(t, x);
	publish_end(&t->p);
	if (x->addrs_dirty || force)
		wake_ipd(x);
	x->published = now;
	x->dirty = false;
	x->addrs_dirty = false;
}

struct mono publish_deadline(const struct linkd *x)
{
	if (!x->dirty)
		return MONO_NEVER;
	return mono_add_ms(x->published, PUBLISH_INTERVAL_MS);
}

void publish_impaired(struct linkd *x, uint32_t lines)
{
	const struct impair_line *from = x->st->impair.line;
	struct link_out *o = (void *)x->n.table;

	for (; lines != 0; lines &= lines - 1) {
		uint32_t line = (uint32_t)__builtin_ctz(lines);
		_Atomic uint64_t *to =
		    o->impaired[line / NIMPAIR_WAYS][line % NIMPAIR_WAYS];

		for (uint32_t i = 0; i < NIMPAIRED; i++)
			atomic_store_explicit(
			    &to[i], from[line].count[i], memory_order_relaxed);
	}
}
