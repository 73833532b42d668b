/*
 * linkd.c - the link layer: taking over, and a turn
 */
#include "linkd/linkd.h"

#include <errno.h>
#include <stdlib.h>

#include "linkd/address.h"
#include "linkd/publish.h"
#include "linkd/rx.h"
#include "linkd/tapped.h"
#include "linkd/tx.h"
#include "linkd/wait.h"

static size_t table_size(void)
{
	return neighbour_table_size(NEIGHBOUR_ENTRIES, NEIGHBOUR_BLOCKS);
}

/* ---- Taking over ---- */

static void before_change(void *ctx, void *p, size_t len)
{
	struct linkd *x = ctx;

	node_touch(&x->n, p, len);
	x->dirty = true;
}

static void mark_armed(void *ctx)
{
	struct linkd *x = ctx;

	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++)
		armed_mark(&x->n, &x->st->armed[l]);
}

/* Nothing here is ours yet, or it is of another version. */
static void format(struct linkd *x)
{
	struct link_state *st = x->st;

	st->magic = 0;
	memset(st->armed, 0, sizeof(st->armed));
	memset(st->dad, 0, sizeof(st->dad));
	for (uint32_t i = 0; i < TOPO_MAX_ADDRS; i++)
		st->dad[i].deadline = MONO_NEVER;
	st->done = (struct ask_done){ .number = 0 };
	st->naddrs = 0;
	for (uint32_t i = 0; i < x->n.topo->naddrs; i++)
		if (link_is_ours(x, x->n.topo->addrs[i].link))
			st->addr[st->naddrs++] = x->n.topo->addrs[i];
	st->version = LINK_STATE_VERSION;
	st->seed = x->seed;
	impair_format(&st->impair);
	neighbour_format(
	    st->neighbours, NEIGHBOUR_ENTRIES, NEIGHBOUR_BLOCKS, x->seed);
	atomic_signal_fence(memory_order_seq_cst);
	st->magic = LINK_STATE_MAGIC;
}

static uint32_t count_links(const struct linkd *x)
{
	uint32_t n = 0;

	for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
		n += link_is_ethernet(x, l);
	return n;
}

static void start_links(struct linkd *x)
{
	uint32_t limit = armed_limit(x->n.home.p.nbig, count_links(x));

	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++) {
		struct armed_table *t = &x->st->armed[l];

		x->narmed[l] = link_is_ethernet(x, l) ? limit : 0;
		x->harvest[l] = x->narmed[l] > 0 ? 0 : ARMED_MAX;
		for (uint32_t i = 0; i < ARMED_MAX; i++) {
			if (armed_makes_sense(&t->a[i], &x->n))
				continue;
			node_touch(&x->n, &t->a[i], sizeof(t->a[i]));
			t->a[i] = (struct armed){ 0, ARMED_NONE };
		}
		armed_fill(&x->n, t, x->narmed[l]);
	}
}

/* Arm again what was taken, and say how many slots no ring shows. */
static void arm(struct linkd *x)
{
	x->n.held = 0;
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++) {
		if (x->narmed[l] == 0)
			continue;
		armed_again(&x->n, &x->st->armed[l], link_rx_off(x, l));
		x->n.held += x->narmed[l];
	}
}

static int open_neighbours(struct linkd *x)
{
	const struct topo_neighbour *conf[TOPO_MAX_LINKS] = { NULL };

	for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
		if (link_is_ours(x, l))
			conf[l] = &x->n.topo->links[l].neighbour;
	return neighbour_open(&x->nb, x->st->neighbours, table_size(), x->touch,
	    conf, x->n.topo->nlinks);
}

/* In which all that follows from our state is made. */
static int first_turn(
    struct linkd *x, const struct sup_out *sup, struct mono now)
{
	int r;

	node_begin(&x->n, now);
	memset(x->neighbour_seen, 0, sizeof(x->neighbour_seen));
	r = open_neighbours(x);
	if (r < 0)
		goto abandon;
	tapped_neighbours(x);
	r = impair_open(x, sup, &x->st->impair);
	if (r < 0)
		goto forget;
	address_start(x, now);
	start_links(x);
	node_commit(&x->n);
	return 0;

forget:
	neighbour_close(&x->nb);
abandon:
	node_commit(&x->n);
	return r;
}

int linkd_attach(struct linkd *x, const struct segments *s, struct mono now)
{
	/* Those of links that are come first. */
	uint32_t counters =
	    link_counter(s->topo->nlinks, LINK_RX_FRAMES) - CNT_NODE_END;
	int r = node_attach(&x->n, s, linkd_counters, counters);

	if (r < 0)
		return r;
	if (node_out(&x->n, LAYER_IP, 0) == NULL) {
		node_detach(&x->n);
		return -EINVAL;
	}
	x->st = (void *)x->n.state;
	x->touch = (struct touch){ before_change, x };
	tapped_attach(x);
	x->batch.n = 0;
	x->batch.rest.in = NULL;
	x->scratch = malloc(SCRATCH_BYTES);
	r = x->scratch == NULL ? -ENOMEM : merge_open(&x->merges);
	if (r < 0)
		goto release;
	if (sizeof(*x->st) + table_size() > x->n.state_size) {
		r = -E2BIG;
		goto close;
	}
	if (x->st->magic != LINK_STATE_MAGIC ||
	    x->st->version != LINK_STATE_VERSION)
		format(x);
	node_recover(&x->n, mark_armed, x);
	impair_recount(x, &x->st->impair);

	r = first_turn(x, s->sup, now);
	if (r < 0)
		goto close;
	arm(x);
	node_publish(&x->n);
	address_groups(x, true);
	publish(x, now, true);
	publish_impaired(x, x->impairs.ours);
	x->ask_lost = now; /* nobody read while we were away */
	return 0;

close:
	merge_close(&x->merges);
release:
	free(x->scratch);
	node_detach(&x->n);
	return r;
}

void linkd_detach(struct linkd *x)
{
	impair_close(x);
	neighbour_close(&x->nb);
	merge_close(&x->merges);
	free(x->scratch);
	node_detach(&x->n);
}

/* ---- A turn ---- */

/*
 * A small turn (turn.h) takes one packet in all, so devices and rings must take
 * turns: else a deadly packet could stay behind a device that is never quiet.
 */
static bool rx_steps_back(const struct linkd *x)
{
	const struct node *n = &x->n;

	return n->small && n->only != NULL &&
	    ((n->turn.b + n->passed_over) / n->ndata_in & 1) == 0;
}

static void rx_links(struct linkd *x)
{
	uint32_t links = x->n.topo->nlinks;

	if (rx_steps_back(x))
		return;
	for (uint32_t i = 0; i < links && !(x->n.small && x->n.took); i++) {
		uint8_t l = (uint8_t)((x->n.turn.b + i) % links);

		if (x->narmed[l] == 0)
			continue;
		if (rx_harvest(x, l) && x->dev[l].ready &&
		    !impair_behind(&x->impairs, l, IMPAIR_RX) &&
		    !(x->n.small && x->n.took))
			rx_read(x, l);
		if (impair_on(&x->impairs, l, IMPAIR_RX))
			rx_due(x, l);
	}
}

/* Packets that waited; all others of these were to wait, and are in hand. */
static bool is_of_waiting(uint32_t count)
{
	return count == NEIGHBOUR_DROP_OLDEST || count == NEIGHBOUR_DROP_GONE;
}

void count_neighbours(struct linkd *x)
{
	for (uint32_t i = 0; i < NEIGHBOUR_NCOUNTS; i++) {
		uint64_t count = x->nb.count[i] - x->neighbour_seen[i];

		x->neighbour_seen[i] = x->nb.count[i];
		if (count == 0)
			continue;
		if (is_of_waiting(i))
			node_count_other(
			    &x->n, CNT_NEIGHBOUR_DROP_OLDEST + i, count);
		else
			x->n.counter[CNT_NEIGHBOUR_DROP_OLDEST + i] += count;
	}
}

/* It counts by itself; asking costs a system call a device. */
static void count_lost(struct linkd *x, struct mono now)
{
	if (!mono_reached(x->ask_lost, now))
		return;
	x->ask_lost = MONO_NEVER;
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
		if (x->narmed[l] > 0 && x->dev[l].ops->lost != NULL)
			x->n.counter[CNT_RX_KERNEL_DROPPED] +=
			    x->dev[l].ops->lost(&x->dev[l]);
}

bool linkd_turn(struct linkd *x, struct mono now)
{
	bool worked;

	node_begin(&x->n, now);
	neighbour_turn(&x->nb);
	impair_turn(x);
	address_groups(x, false);
	rx_links(x);
	/* No frame is in hand any more. */
	if (node_tapping(&x->n))
		node_tap_done(&x->n);
	wait_drain(x, now);
	tx_rings(x);
	if (node_tapping(&x->n))
		node_tap_done(&x->n);
	address_tick(x, now);
	wait_tick(x, now);
	if (x->impairs.on != 0)
		impair_tx(x);
	count_neighbours(x);
	count_lost(x, now);
	worked = node_commit(&x->n);
	arm(x);
	publish(x, now, false);
	publish_impaired(x, impair_store_touched(&x->impairs.store));
	return worked;
}

struct mono linkd_deadline(const struct linkd *x)
{
	struct mono t = neighbour_deadline(&x->nb);

	t = mono_min(t, address_deadline(x));
	t = mono_min(t, x->ask_lost);
	t = mono_min(t, impair_deadline(x));
	return mono_min(t, publish_deadline(x));
}

bool linkd_may_sleep(const struct linkd *x)
{
	/* Whoever lacks room is woken when there is some. */
	if (x->n.starving)
		return true;
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
		if (x->narmed[l] > 0 &&
		    (x->dev[l].ready || x->harvest[l] < ARMED_MAX))
			return false;
	return true;
}
