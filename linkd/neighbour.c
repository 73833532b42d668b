/*
 * neighbour.c - the state machine of RFC 4861, 7.2, 7.3 and appendix C
 *
 * Where appendix C and the text differ the text wins: a solicited advertisement
 * without a link-layer address confirms a known neighbour (7.2.5), although
 * the table in the appendix says "unchanged".  Hosts may leave the option out
 * of their answer to a unicast probe (4.4), and would be lost otherwise.
 */
#include "linkd/neighbour.h"

#include <assert.h>
#include <errno.h>

#include "linkd/neighbour_table.h"

enum {
	/* One link's INCOMPLETE entries: at most this part of the table. */
	INCOMPLETE_SHARE = 4,
};

#define TO(s) (1U << NEIGHBOUR_##s)
static const uint16_t arrows[NEIGHBOUR_NSTATES] = {
	[NEIGHBOUR_FREE] = TO(INCOMPLETE) | TO(STALE) | TO(PERMANENT),
	[NEIGHBOUR_INCOMPLETE] =
	    TO(REACHABLE) | TO(STALE) | TO(FAILED) | TO(PERMANENT) | TO(FREE),
	[NEIGHBOUR_REACHABLE] =
	    TO(REACHABLE) | TO(STALE) | TO(PERMANENT) | TO(FREE),
	[NEIGHBOUR_STALE] =
	    TO(REACHABLE) | TO(STALE) | TO(DELAY) | TO(PERMANENT) | TO(FREE),
	[NEIGHBOUR_DELAY] =
	    TO(REACHABLE) | TO(STALE) | TO(PROBE) | TO(PERMANENT) | TO(FREE),
	[NEIGHBOUR_PROBE] =
	    TO(REACHABLE) | TO(STALE) | TO(PERMANENT) | TO(FREE),
	/* Late answers and new packets rescue it. */
	[NEIGHBOUR_FAILED] = TO(INCOMPLETE) | TO(REACHABLE) | TO(STALE) |
	    TO(PERMANENT) | TO(FREE),
	[NEIGHBOUR_PERMANENT] = TO(STALE) | TO(PERMANENT) | TO(FREE),
};
#undef TO

static const char *const names[] = {
	[NEIGHBOUR_FREE] = "FREE",
	[NEIGHBOUR_INCOMPLETE] = "INCOMPLETE",
	[NEIGHBOUR_REACHABLE] = "REACHABLE",
	[NEIGHBOUR_STALE] = "STALE",
	[NEIGHBOUR_DELAY] = "DELAY",
	[NEIGHBOUR_PROBE] = "PROBE",
	[NEIGHBOUR_FAILED] = "FAILED",
	[NEIGHBOUR_PERMANENT] = "PERMANENT",
};
static_assert(sizeof(names) / sizeof(names[0]) == NEIGHBOUR_NSTATES, "names");

const char *neighbour_state_name(enum neighbour_state s)
{
	return s < NEIGHBOUR_NSTATES ? names[s] : "?";
}

static const struct topo_neighbour *conf_of(
    const struct neighbours *n, const struct neighbour *e)
{
	return n->conf[e->link];
}

/* REACHABLE_TIME times 0.5 to 1.5 (6.3.2), so that hosts don't fall in step. */
static int64_t reachable_ns(struct neighbours *n, const struct neighbour *e)
{
	uint64_t base_ms = conf_of(n, e)->reachable_ms;
	uint64_t x = n->table->random;

	touch(&n->touch, &n->table->random, sizeof(n->table->random));
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	n->table->random = x;
	x = (x * 0x2545f4914f6cdd1dULL) >> 32;
	return (int64_t)(base_ms / 2 + (base_ms * x >> 32)) * NS_PER_MS;
}

static struct mono deadline_in(
    struct neighbours *n, const struct neighbour *e, struct mono now)
{
	const struct topo_neighbour *c = conf_of(n, e);

	switch ((enum neighbour_state)e->state) {
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_PROBE:
		return now; /* the first solicitation goes out at once */
	case NEIGHBOUR_REACHABLE:
		return mono_add(now, reachable_ns(n, e));
	case NEIGHBOUR_STALE:
		return mono_add_ms(now, (int64_t)c->stale_s * 1000);
	case NEIGHBOUR_DELAY:
		return mono_add_ms(now, c->delay_ms);
	case NEIGHBOUR_FREE:
	case NEIGHBOUR_FAILED:
	case NEIGHBOUR_PERMANENT:
	case NEIGHBOUR_NSTATES:
		break;
	}
	return MONO_NEVER;
}

static bool has_mac(const struct neighbour *e)
{
	switch ((enum neighbour_state)e->state) {
	case NEIGHBOUR_REACHABLE:
	case NEIGHBOUR_STALE:
	case NEIGHBOUR_DELAY:
	case NEIGHBOUR_PROBE:
	case NEIGHBOUR_PERMANENT:
		return true;
	case NEIGHBOUR_FREE:
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_FAILED:
	case NEIGHBOUR_NSTATES:
		break;
	}
	return false;
}

/* The only place that changes a state; a wrong arrow is our own mistake. */
static void set_state(struct neighbours *n, uint32_t id,
    enum neighbour_state next, struct mono now)
{
	struct neighbour *e = entry_touch(n, id);

	assert(arrows[e->state] & 1U << next);

	if (e->state == NEIGHBOUR_INCOMPLETE)
		n->incomplete[e->link]--;
	if (next == NEIGHBOUR_INCOMPLETE)
		n->incomplete[e->link]++;

	e->state = (uint8_t)next;
	e->tries = 0;
	if (next == NEIGHBOUR_REACHABLE)
		e->confirmed = now;
	table_arm(n, id, deadline_in(n, e, now));

	/* Waiting packets can leave: to the MAC, or back to ipd. */
	if (next == NEIGHBOUR_INCOMPLETE || e->queue_head == NEIGHBOUR_NONE)
		ready_remove(n, id);
	else
		ready_add(n, id);
}

static uint32_t create(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, enum neighbour_state s, struct mono now)
{
	uint32_t id = table_take(n);
	struct neighbour *e;

	if (id == NEIGHBOUR_NONE)
		return id;
	e = entry_touch(n, id);
	*e = (struct neighbour){
		.ip = *ip,
		.link = link,
		.queue_head = NEIGHBOUR_NONE,
		.queue_tail = NEIGHBOUR_NONE,
	};
	table_hash(n, id);
	set_state(n, id, s, now);
	return id;
}

/* The entry becomes free and all zero again. */
static void discard(struct neighbours *n, uint32_t id)
{
	struct neighbour *e = entry_touch(n, id);

	queue_clear(n, id);
	table_unhash(n, id);
	set_state(n, id, NEIGHBOUR_FREE, (struct mono){ 0 });
	*e = (struct neighbour){
		.queue_head = NEIGHBOUR_NONE,
		.queue_tail = NEIGHBOUR_NONE,
		.deadline = MONO_NEVER,
	};
	n->free_entry[n->nfree_entry++] = id;
}

void neighbour_forget(struct neighbours *n, uint32_t id)
{
	if (neighbour_get(n, id))
		discard(n, id);
}

/* --- what happened --- */

static bool link_ok(const struct neighbours *n, uint8_t link)
{
	return link < n->nlinks && n->conf[link];
}

/* To the second is enough for eviction, and spares a touch a packet. */
static void mark_used(struct neighbours *n, uint32_t id, struct mono now)
{
	if (mono_since(now, n->entry[id].used) >= NS_PER_S ||
	    n->entry[id].used.ns == 0)
		entry_touch(n, id)->used = now;
}

static enum neighbour_answer wanted_new(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, struct mono now, struct neighbour_hop *ret)
{
	uint32_t id = NEIGHBOUR_NONE;

	/* An address scan fills its share, and no more. */
	if (n->incomplete[link] <
	    (n->entries + INCOMPLETE_SHARE - 1) / INCOMPLETE_SHARE)
		id = create(n, link, ip, NEIGHBOUR_INCOMPLETE, now);
	if (id == NEIGHBOUR_NONE) {
		n->count[NEIGHBOUR_DROP_FULL]++;
		return NEIGHBOUR_FULL;
	}
	mark_used(n, id, now);
	*ret = (struct neighbour_hop){ .id = id };
	return NEIGHBOUR_QUEUE;
}

enum neighbour_answer neighbour_wanted(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, struct mono now, struct neighbour_hop *ret)
{
	uint32_t id = neighbour_find(n, link, ip);
	const struct neighbour *e;

	if (!link_ok(n, link)) {
		n->count[NEIGHBOUR_DROP_FULL]++;
		return NEIGHBOUR_FULL;
	}
	if (id == NEIGHBOUR_NONE)
		return wanted_new(n, link, ip, now, ret);

	e = &n->entry[id];
	mark_used(n, id, now);
	if (e->state == NEIGHBOUR_FAILED)
		set_state(n, id, NEIGHBOUR_INCOMPLETE, now);

	ret->id = id;
	ret->mac = e->mac;
	if (!has_mac(e) || e->queue_head != NEIGHBOUR_NONE)
		return NEIGHBOUR_QUEUE;
	if (e->state == NEIGHBOUR_STALE)
		set_state(n, id, NEIGHBOUR_DELAY, now);
	return NEIGHBOUR_SEND;
}

static void set_mac(struct neighbours *n, uint32_t id, const struct mac *mac)
{
	entry_touch(n, id)->mac = *mac;
}

void neighbour_heard(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, const struct mac *mac, bool create_it,
    struct mono now)
{
	uint32_t id = neighbour_find(n, link, ip);

	if (id == NEIGHBOUR_NONE) {
		if (!create_it || !link_ok(n, link))
			return;
		id = create(n, link, ip, NEIGHBOUR_STALE, now);
		if (id != NEIGHBOUR_NONE)
			set_mac(n, id, mac);
		return;
	}
	if (n->entry[id].state == NEIGHBOUR_PERMANENT)
		return;
	/* What was only repeated proves nothing about our own direction. */
	if (has_mac(&n->entry[id]) && mac_equal(&n->entry[id].mac, mac))
		return;
	set_mac(n, id, mac);
	set_state(n, id, NEIGHBOUR_STALE, now);
}

/* RFC 4861, 7.2.5: there was no address yet. */
static void advert_incomplete(struct neighbours *n, uint32_t id,
    const struct neighbour_advert *na, struct mono now)
{
	entry_touch(n, id)->router = na->router;
	if (!na->mac)
		return;
	set_mac(n, id, na->mac);
	set_state(
	    n, id, na->solicited ? NEIGHBOUR_REACHABLE : NEIGHBOUR_STALE, now);
}

/* RFC 4861, 7.2.5, I and II: there is an address. */
static void advert_known(struct neighbours *n, uint32_t id,
    const struct neighbour_advert *na, struct mono now)
{
	const struct neighbour *e = &n->entry[id];
	bool differs = na->mac && !mac_equal(na->mac, &e->mac);

	if (differs && !na->override) {
		/* Do not believe it, but ask again soon. */
		if (e->state == NEIGHBOUR_REACHABLE)
			set_state(n, id, NEIGHBOUR_STALE, now);
		return;
	}
	entry_touch(n, id)->router = na->router;
	if (differs)
		set_mac(n, id, na->mac);
	if (na->solicited)
		set_state(n, id, NEIGHBOUR_REACHABLE, now);
	else if (differs)
		set_state(n, id, NEIGHBOUR_STALE, now);
}

void neighbour_advert(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, const struct neighbour_advert *na,
    struct mono now)
{
	uint32_t id = neighbour_find(n, link, ip);

	/* No entry: nobody here wants to talk to it (7.2.5). */
	if (id == NEIGHBOUR_NONE)
		return;
	if (n->entry[id].state == NEIGHBOUR_PERMANENT)
		return;
	if (has_mac(&n->entry[id]))
		advert_known(n, id, na, now);
	else
		advert_incomplete(n, id, na, now);
}

void neighbour_confirmed(struct neighbours *n, uint8_t link,
    const struct ip_addr *ip, struct mono now)
{
	uint32_t id = neighbour_find(n, link, ip);
	const struct neighbour *e;

	if (id == NEIGHBOUR_NONE)
		return;
	e = &n->entry[id];
	/* 7.3.1: without an address there is nothing to confirm. */
	if (!has_mac(e) || e->state == NEIGHBOUR_PERMANENT)
		return;
	/* Every ACK says so; once a second is enough. */
	if (e->state == NEIGHBOUR_REACHABLE &&
	    mono_since(now, e->confirmed) < NS_PER_S)
		return;
	set_state(n, id, NEIGHBOUR_REACHABLE, now);
}

int neighbour_set(struct neighbours *n, uint8_t link, const struct ip_addr *ip,
    const struct mac *mac, bool permanent, struct mono now)
{
	enum neighbour_state s =
	    permanent ? NEIGHBOUR_PERMANENT : NEIGHBOUR_STALE;
	uint32_t id = neighbour_find(n, link, ip);

	if (id == NEIGHBOUR_NONE && link_ok(n, link))
		id = create(n, link, ip, s, now);
	if (id == NEIGHBOUR_NONE)
		return -ENOSPC;
	set_mac(n, id, mac);
	set_state(n, id, s, now);
	return 0;
}

/* --- time --- */

static void solicit_again(struct neighbours *n, uint32_t id, struct mono now)
{
	struct neighbour *e = entry_touch(n, id);

	e->tries++;
	table_arm(n, id, mono_add_ms(now, conf_of(n, e)->retrans_ms));
}

static bool tried_enough(const struct neighbour *e, uint32_t tries)
{
	return e->tries >= tries || e->tries == UINT16_MAX;
}

static void due_incomplete(struct neighbours *n, uint32_t id, struct mono now,
    struct neighbour_action *a)
{
	const struct neighbour *e = &n->entry[id];

	if (!tried_enough(e, conf_of(n, e)->multicast_tries)) {
		a->what = NEIGHBOUR_SOLICIT_MULTICAST;
		solicit_again(n, id, now);
		return;
	}
	a->what = NEIGHBOUR_UNREACHABLE;
	set_state(n, id, NEIGHBOUR_FAILED, now);
	if (e->queue_head == NEIGHBOUR_NONE) {
		discard(n, id);
		a->id = NEIGHBOUR_NONE;
	}
}

static void due_probe(struct neighbours *n, uint32_t id, struct mono now,
    struct neighbour_action *a)
{
	const struct neighbour *e = &n->entry[id];

	if (!tried_enough(e, conf_of(n, e)->unicast_tries)) {
		a->what = NEIGHBOUR_SOLICIT_UNICAST;
		solicit_again(n, id, now);
		return;
	}
	a->what = NEIGHBOUR_LOST;
	a->id = NEIGHBOUR_NONE;
	discard(n, id);
}

/* The deadline of entry @id has come; false if nobody needs to act on it. */
static bool due(struct neighbours *n, uint32_t id, struct mono now,
    struct neighbour_action *a)
{
	switch ((enum neighbour_state)n->entry[id].state) {
	case NEIGHBOUR_INCOMPLETE:
		due_incomplete(n, id, now, a);
		return true;
	case NEIGHBOUR_REACHABLE:
		set_state(n, id, NEIGHBOUR_STALE, now);
		return false;
	case NEIGHBOUR_STALE:
		a->what = NEIGHBOUR_EXPIRED;
		a->id = NEIGHBOUR_NONE;
		discard(n, id);
		return true;
	case NEIGHBOUR_DELAY:
		set_state(n, id, NEIGHBOUR_PROBE, now);
		return false; /* and is due again at once */
	case NEIGHBOUR_PROBE:
		due_probe(n, id, now, a);
		return true;
	case NEIGHBOUR_FREE:
	case NEIGHBOUR_FAILED:
	case NEIGHBOUR_PERMANENT:
	case NEIGHBOUR_NSTATES:
		break;
	}
	assert(0 && "a state without a deadline has one");
	return false;
}

bool neighbour_tick(
    struct neighbours *n, struct mono now, struct neighbour_action *ret)
{
	while (n->heap_len > 0) {
		uint32_t id = n->heap[0];
		const struct neighbour *e = &n->entry[id];
		struct neighbour_action a = {
			.link = e->link, .mac = e->mac, .ip = e->ip, .id = id
		};

		if (!mono_reached(e->deadline, now))
			return false;
		if (due(n, id, now, &a)) {
			*ret = a;
			return true;
		}
	}
	return false;
}

struct mono neighbour_deadline(const struct neighbours *n)
{
	return n->heap_len > 0 ? n->entry[n->heap[0]].deadline : MONO_NEVER;
}

void neighbour_emptied(struct neighbours *n, uint32_t id)
{
	ready_remove(n, id);
	if (n->entry[id].state == NEIGHBOUR_FAILED)
		discard(n, id);
}

void neighbour_sent(struct neighbours *n, uint32_t id, struct mono now)
{
	if (n->entry[id].state == NEIGHBOUR_STALE)
		set_state(n, id, NEIGHBOUR_DELAY, now);
}
