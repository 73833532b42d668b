/*
 * ipd.c - the IP layer: joining, the turn
 */
#include "ipd/ipd.h"

#include <errno.h>

#include "ipd/rx.h"
#include "ipd/tx.h"
#include "shm/siphash.h"

enum {
	ARENA_OFF = 64 * 1024, /* behind struct ipd_state */

	/* While an address is being probed: linkd rings, but may have died. */
	TENTATIVE_MS = 1000,
};

static_assert(sizeof(struct ipd_state) <= ARENA_OFF, "fits");

static void touch_for_reassembly(void *ctx, void *p, size_t len)
{
	struct ipd *ip = ctx;

	node_touch(&ip->n, p, len);
}

static int attach_arena(struct ipd *ip, struct mono now)
{
	const struct topo_reassembly *t = &ip->n.topo->reassembly;
	struct reassembly_config cfg = {
		.max_bytes = t->max_bytes,
		.max_fragments = REASM_FRAGMENTS,
		.timeout_ms = t->timeout_ms,
		.touch = touch_for_reassembly,
		.ctx = ip,
	};
	unsigned bad;
	int r;

	r = reassembly_init(&ip->reasm, ip->n.state + ARENA_OFF,
	    ip->n.state_size - ARENA_OFF, &cfg);
	if (r < 0)
		return log_errno(
		    &ip->n.log, -r, "reassembly of %u bytes", cfg.max_bytes);
	bad = reassembly_check(&ip->reasm, now);
	if (bad > 0)
		log_error(
		    &ip->n.log, "unfinished datagrams thrown away, n=%u", bad);
	return 0;
}

/* The first instance ever: secrets, and counters that begin anywhere. */
static void create_state(struct ipd *ip)
{
	struct ipd_state *s = ip->s;

	s->key[0] = ip->seed[0];
	s->key[1] = ip->seed[1];
	for (uint64_t i = 0; i < IDENT_COUNTERS; i++)
		s->ident.counter[i] = (uint32_t)siphash(s->key, &i, sizeof(i));
	s->nroutes = ip->n.topo->nroutes;
	memcpy(s->route, ip->n.topo->routes, sizeof(s->route));
	s->size = sizeof(*s);
	/* Last: without it the next instance begins anew. */
	atomic_signal_fence(memory_order_seq_cst);
	s->magic = IPD_STATE_MAGIC;
}

static int attach_state(struct ipd *ip)
{
	ip->s = (void *)ip->n.state;
	if (ip->s->magic == 0)
		create_state(ip);
	if (ip->s->magic == IPD_STATE_MAGIC && ip->s->size == sizeof(*ip->s) &&
	    ip->s->nroutes <= TOPO_MAX_ROUTES)
		return 0;
	return log_errno(&ip->n.log, EPROTO, "state of another version");
}

static void attach_rings(struct ipd *ip)
{
	struct node *n = &ip->n;
	struct ring_out *out;

	for (uint32_t l = 0; l < n->topo->nlinks; l++)
		for (uint32_t i = 0; (out = node_out(n, LAYER_LINK, i)) != NULL;
		     i++)
			if (out->to == n->topo->links[l].proc)
				ip->down[l] = out;
	for (enum layer layer = LAYER_TCP; layer < NLAYERS; layer++) {
		ip->ntransports[layer] = node_count_out(n, layer);
		for (uint32_t i = 0; i < ip->ntransports[layer]; i++) {
			out = node_out(n, layer, i);
			ip->transport[layer][i] = out;
			ip->up[out->to] = out;
		}
	}
}

/* Until linkd says which are ours, and whether they may be used. */
static void guess_addresses(struct ipd *ip)
{
	const struct topology *t = ip->n.topo;

	for (uint32_t i = 0; i < t->naddrs; i++) {
		const struct topo_addr *a = &t->addrs[i];
		struct own_addrs *own = &ip->own[t->links[a->link].proc];

		own->a[own->n++] = (struct fib_addr){
			.ip = a->ip,
			.plen = a->plen,
			.link = a->link,
			.state = ADDR_TENTATIVE,
		};
	}
}

int ipd_attach(struct ipd *ip, const struct segments *s, struct mono now)
{
	const uint64_t seed[2] = { ip->seed[0], ip->seed[1] };
	int r;

	memset(ip, 0, sizeof(*ip));
	ip->seed[0] = seed[0];
	ip->seed[1] = seed[1];
	r = node_attach(&ip->n, s, ipd_counters, CNT_IPD_END - CNT_NODE_END);
	if (r < 0)
		return log_errno(&ip->n.log, -r, "can't join the segments");
	attach_rings(ip);
	node_recover(&ip->n, NULL, NULL);
	r = attach_state(ip);
	if (r < 0)
		goto detach;
	r = attach_arena(ip, now);
	if (r < 0)
		goto detach;
	fib_begin(&ip->fib, s->topo);
	guess_addresses(ip);
	ipd_rebuild(ip);
	ip->n.now = now;
	ipd_refresh(ip);
	if (!ip->blind)
		ipd_publish(ip);
	multicast_attach(ip);
	ip->wake = now;
	return 0;

detach:
	node_detach(&ip->n);
	return r;
}

void ipd_detach(struct ipd *ip)
{
	node_detach(&ip->n);
}

bool ipd_drop(struct ipd *ip, const struct desc *d, uint32_t reason)
{
	node_count(&ip->n, reason);
	log_debug(&ip->n.log, "dropped, reason=%s, len=%u",
	    ipd_counters[reason - CNT_NODE_END].name, d->len);
	node_give_back(&ip->n, d);
	return true;
}

/* One packet of @in; false: none waits, or there is no room for more. */
static bool up_one(struct ipd *ip, struct ring_in *in)
{
	struct received r = { .whole = false };
	bool done = false;

	r.p = node_take(&ip->n, in, &r.d);
	if (r.p == NULL)
		return false;
	switch (r.d.kind) {
	case PKT_DATA:
		done = rx_packet(ip, &r);
		break;
	case PKT_ERROR:
		done = rx_unreachable(ip, r.p, &r.d);
		break;
	default: /* a neighbour's word, not our enum */
		done = ipd_drop(ip, &r.d, CNT_RX_KIND);
	}
	if (!done)
		node_untake(in);
	return done;
}

static bool down_one(struct ipd *ip, struct ring_in *in)
{
	struct desc d;
	const uint8_t *p = node_take(&ip->n, in, &d);
	bool done;

	if (p == NULL)
		return false;
	done = tx_from_transport(ip, in, p, &d);
	if (!done)
		node_untake(in);
	return done;
}

static void drain(struct ipd *ip, struct ring_in *in,
    bool (*one)(struct ipd *ip, struct ring_in *in))
{
	uint32_t limit = node_limit(&ip->n, IPD_TURN);

	while (limit-- > 0 && !turn_full(&ip->n.turn))
		if (!one(ip, in))
			return;
}

static bool any_tentative(const struct ipd *ip)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++)
		if (ip->fib.addr[i].state == ADDR_TENTATIVE)
			return true;
	return false;
}

static void drain_all(struct ipd *ip)
{
	struct node *n = &ip->n;
	struct ring_in *in;

	for (uint32_t i = 0; (in = node_in(n, LAYER_LINK, i)) != NULL; i++)
		drain(ip, in, up_one);
	for (enum layer layer = LAYER_TCP; layer < NLAYERS; layer++)
		for (uint32_t i = 0; (in = node_in(n, layer, i)) != NULL; i++)
			drain(ip, in, down_one);
}

bool ipd_turn(struct ipd *ip, struct mono now)
{
	struct node *n = &ip->n;

	node_begin(n, now);
	reassembly_turn(&ip->reasm);
	ipd_refresh(ip);
	rx_expire(ip);
	if (ip->groups_dirty && !ip->groups_torn) {
		multicast_groups_changed(ip);
		ip->groups_dirty = false;
	}
	multicast_run(ip);

	if (!ip->blind)
		drain_all(ip);

	ip->wake = mono_min(ip->members_due, reassembly_deadline(&ip->reasm));
	if (any_tentative(ip))
		ip->wake = mono_min(ip->wake, mono_add_ms(now, TENTATIVE_MS));
	return node_commit(n);
}

struct mono ipd_deadline(const struct ipd *ip)
{
	return ip->wake;
}
