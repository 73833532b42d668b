/*
 * sup_impair.c - strata impair: a link's bad wires, shown and changed
 *
 *	{"command": "impair", "link": "tap0"}               what it is like
 *	{"command": "impair"}                               all "links" so
 *	{..., "way": "tx", "set": {"loss": 1}}              these keys change
 *	{..., "off": true}                                  a good wire
 *
 * Without a way both are meant.  The answer has "rx" and "tx" as they are now,
 * what was "counted" of each, and "counters", of all links of the daemon.
 * Settings lie in sup.out, where every instance of linkd finds them, and every
 * supervisor too.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/names.h"
#include "shm/sup.h"

static const struct topo_impair *current(const struct sup *s, int link)
{
	const struct sup_impair *i = &s->estate.sup->impair;
	uint32_t turn = atomic_load_explicit(&i->turn, memory_order_relaxed);

	return turn == 0 ? s->estate.topo.links[link].impair
			 : i->set[turn & 1][link];
}

/* The copy that nobody reads becomes the one that all read. */
static void publish(
    struct sup *s, int link, const struct topo_impair c[NIMPAIR_WAYS])
{
	struct sup_impair *i = &s->estate.sup->impair;
	uint32_t turn = atomic_load_explicit(&i->turn, memory_order_relaxed);
	/* Never 0 again, that is the topology's. */
	uint32_t next = turn < UINT32_MAX ? turn + 1 : 2;

	for (int l = 0; l < s->estate.topo.nlinks; l++)
		memcpy(
		    i->set[next & 1][l], current(s, l), sizeof(i->set[0][0]));
	memcpy(i->set[next & 1][link], c, sizeof(i->set[0][0]));
	atomic_store_explicit(&i->turn, next, memory_order_release);
	/* Before the next change: who reads this one will see that. */
	atomic_thread_fence(memory_order_seq_cst);
}

static void wake(struct sup *s, uint32_t p)
{
	const uint64_t one = 1;

	if (write(s->estate.bell[p], &one, sizeof(one)) == -1)
		log_warn(&s->log, "bell of %s", s->estate.topo.procs[p].name);
}

static json_t *counted(const struct sup *s, uint32_t p)
{
	const struct out_head *h = s->estate.head[p];
	char name[COUNTER_NAME_LEN + 1];
	json_t *o = json_object();
	json_int_t v;

	for (uint32_t i = 0; sup_counter(h, i, name, &v); i++)
		if (strncmp(name, "impair_", 7) == 0)
			json_object_set_new(o, name, json_integer(v));
	return o;
}

static json_t *answer(const struct sup *s, int link)
{
	const struct topo_link *l = &s->estate.topo.links[link];
	const struct topo_impair *c = current(s, link);
	bool any;

	return json_pack("{s:b, s:s, s:s, s:o, s:o, s:o, s:o}", "ok", 1, "link",
	    l->name, "daemon", s->estate.topo.procs[l->proc].name, "rx",
	    impair_json(&c[IMPAIR_RX]), "tx", impair_json(&c[IMPAIR_TX]),
	    "counted", sup_net_impaired(s, (uint32_t)link, &any), "counters",
	    counted(s, l->proc));
}

bool sup_has_wire(const struct topo_link *l)
{
	return l->device == DEVICE_TAP || l->device == DEVICE_PACKET;
}

static json_t *answer_of_all(const struct sup *s)
{
	json_t *a = json_array();

	for (int l = 0; l < s->estate.topo.nlinks; l++)
		if (sup_has_wire(&s->estate.topo.links[l]))
			json_array_append_new(a, answer(s, l));
	return json_pack("{s:b, s:o}", "ok", 1, "links", a);
}

/* What "set" or "off" make of @c; false with a sentence in @error. */
static bool change(
    const json_t *q, struct topo_impair *c, char error[TOPO_ERROR_LEN])
{
	json_t *keys = json_object_get(q, "set");

	if (json_is_true(json_object_get(q, "off"))) {
		uint32_t seed = c->seed;

		*c = impair_none();
		c->seed = seed;
	}
	return keys == NULL || impair_parse(c, keys, error) == 0;
}

static bool change_all(
    struct sup *s, int link, const json_t *q, char error[TOPO_ERROR_LEN])
{
	const char *way = json_string_value(json_object_get(q, "way"));
	int only = way != NULL ? impair_way_by_name(way) : NIMPAIR_WAYS;
	struct topo_impair c[NIMPAIR_WAYS];

	memcpy(c, current(s, link), sizeof(c));
	if (only < 0) {
		snprintf(error, TOPO_ERROR_LEN,
		    "\"%.32s\" is no way; there are rx tx", way);
		return false;
	}
	for (int w = 0; w < NIMPAIR_WAYS; w++)
		if ((only == NIMPAIR_WAYS || only == w) &&
		    !change(q, &c[w], error))
			return false;
	if (memcmp(c, current(s, link), sizeof(c)) != 0) {
		publish(s, link, c);
		wake(s, s->estate.topo.links[link].proc);
	}
	return true;
}

/* The link's index, or -1 with a sentence. */
static int find_link(
    const struct sup *s, const char *name, char error[TOPO_ERROR_LEN])
{
	const struct topology *t = &s->estate.topo;
	int link = 0;

	while (link < t->nlinks &&
	    (name == NULL || strcmp(t->links[link].name, name) != 0))
		link++;
	if (link == t->nlinks) {
		int n = snprintf(error, TOPO_ERROR_LEN,
		    "no link \"%.32s\"; there are", name != NULL ? name : "");
		for (int l = 0; l < t->nlinks; l++)
			n += snprintf(error + n, TOPO_ERROR_LEN - (size_t)n,
			    " %s", t->links[l].name);
		return -1;
	}
	if (sup_has_wire(&t->links[link]))
		return link;
	snprintf(error, TOPO_ERROR_LEN, "a %s device has no wire to impair",
	    device_name(t->links[link].device));
	return -1;
}

void sup_impair(struct sup *s, struct client *c, const json_t *q)
{
	const char *name = json_string_value(json_object_get(q, "link"));
	bool changes = json_object_get(q, "set") != NULL ||
	    json_is_true(json_object_get(q, "off"));
	char error[TOPO_ERROR_LEN] = "";
	int link;
	json_t *a;

	if (changes && !sup_may_rule(c)) {
		sup_refuse(s, c);
		return;
	}
	if (name == NULL && !changes) {
		a = answer_of_all(s);
	} else {
		link = find_link(s, name, error);
		if (link < 0 || !change_all(s, link, q, error)) {
			sup_answer(s, c, error);
			return;
		}
		a = answer(s, link);
	}
	sup_answer_json(s, c, a);
	json_decref(a);
}
