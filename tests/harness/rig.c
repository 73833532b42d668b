/*
 * rig.c - a stack's shared memory without its processes, for tests of a daemon
 */
#include "tests/harness/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/poison.h"
#include "shm/published.h"

void *rig_pages(size_t bytes, int *fd)
{
	void *p;

	*fd = memfd_create("rig", MFD_CLOEXEC);
	assert_int_not_equal(*fd, -1);
	bytes = bytes ? bytes : 1;
	assert_int_equal(ftruncate(*fd, (off_t)bytes), 0);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void drop_pages(void *p, size_t bytes, int fd)
{
	/* The free slots of a pool; the next test may get this place. */
	unpoison(p, bytes);
	munmap(p, bytes ? bytes : 1);
	close(fd);
}

struct rig *rig_open(const char *json)
{
	struct rig *r = calloc(1, sizeof(*r));
	char error[TOPO_ERROR_LEN] = "";

	assert_non_null(r);
	if (topology_parse(&r->topo, json, strlen(json), "rig", error) < 0)
		fail_msg("%s", error);
	assert_int_equal(wiring_compute(&r->wiring, &r->topo), 0);
	for (uint32_t p = 0; p < r->topo.nprocs; p++) {
		struct rig_fds *f = &r->fd[p];

		r->out[p] = rig_pages(r->wiring.out_bytes[p], &f->out);
		r->pool[p] = rig_pages(r->wiring.pool_bytes[p], &f->pool);
		r->priv[p] = rig_pages(PRIV_BYTES, &f->priv);
		r->tap[p] = rig_pages(TAP_SEGMENT_BYTES, &f->tap);
	}
	r->sup = rig_pages(sizeof(*r->sup), &r->sup_fd);
	r->world = rig_pages(RIG_WORLD_BYTES, &r->world_fd);
	for (uint32_t p = 0; p < r->topo.nprocs; p++)
		atomic_store(&r->sup->log_level[p], r->topo.procs[p].log);
	r->now = (struct mono){ (int64_t)1000 * NS_PER_S };
	r->log_fd = -1;
	return r;
}

void rig_close(struct rig *r)
{
	for (uint32_t p = 0; p < r->topo.nprocs; p++) {
		const struct rig_fds *f = &r->fd[p];

		if (r->fake[p])
			node_detach(&r->node[p]);
		drop_pages(r->out[p], r->wiring.out_bytes[p], f->out);
		drop_pages(r->pool[p], r->wiring.pool_bytes[p], f->pool);
		drop_pages(r->priv[p], PRIV_BYTES, f->priv);
		drop_pages(r->tap[p], TAP_SEGMENT_BYTES, f->tap);
	}
	drop_pages(r->sup, sizeof(*r->sup), r->sup_fd);
	drop_pages(r->world, RIG_WORLD_BYTES, r->world_fd);
	free(r);
}

uint32_t rig_proc(const struct rig *r, const char *name)
{
	for (uint32_t p = 0; p < r->topo.nprocs; p++)
		if (strcmp(r->topo.procs[p].name, name) == 0)
			return p;
	fail_msg("the rig has no process %s", name);
	return 0;
}

struct segments rig_segments(const struct rig *r, const char *name)
{
	uint32_t self = rig_proc(r, name);
	struct segments s = {
		.topo = &r->topo,
		.self = self,
		.sup = r->sup,
		.priv = r->priv[self],
		.tap = r->tap[self],
		.log_fd = r->log_fd,
	};

	for (uint32_t p = 0; p < r->topo.nprocs; p++) {
		if (p == self || wiring_neighbours(&r->wiring, self, p))
			s.out[p] = r->out[p];
		if (wiring_reads_pool(&r->wiring, self, p))
			s.pool[p] = r->pool[p];
	}
	return s;
}

void rig_links_valid(struct rig *r, const char *name)
{
	struct link_table *t = (void *)rig_node(r, name)->table;
	uint32_t p = rig_proc(r, name);

	publish_begin(&t->p);
	t->naddrs = 0;
	for (uint32_t i = 0; i < r->topo.naddrs; i++) {
		const struct topo_addr *a = &r->topo.addrs[i];

		if (r->topo.links[a->link].proc == p)
			t->addr[t->naddrs++] = (struct fib_addr){
				.ip = a->ip,
				.plen = a->plen,
				.link = a->link,
				.state = ADDR_VALID,
			};
	}
	publish_end(&t->p);
}

struct node *rig_node(struct rig *r, const char *name)
{
	uint32_t p = rig_proc(r, name);
	struct segments s = rig_segments(r, name);

	if (!r->fake[p]) {
		assert_int_equal(node_attach(&r->node[p], &s, NULL, 0), 0);
		node_recover(&r->node[p], NULL, NULL);
		r->fake[p] = true;
	}
	return &r->node[p];
}

struct ring_out *rig_ring_to(struct rig *r, const char *name, const char *peer)
{
	struct node *n = rig_node(r, name);
	uint32_t to = rig_proc(r, peer);

	for (uint32_t i = 0; i < n->ndata_out; i++)
		if (n->outs[i].to == to)
			return &n->outs[i];
	fail_msg("the rig has no ring %s -> %s", name, peer);
	return NULL;
}

struct ring_in *rig_ring_from(struct rig *r, const char *name, const char *peer)
{
	struct node *n = rig_node(r, name);
	uint32_t from = rig_proc(r, peer);

	for (uint32_t i = 0; i < n->ndata_in; i++)
		if (n->in[i].from == from)
			return &n->in[i];
	fail_msg("the rig has no ring %s -> %s", peer, name);
	return NULL;
}

void rig_put(struct rig *r, const char *from, const char *to, const void *bytes,
    size_t len, const struct desc *d)
{
	struct node *n = rig_node(r, from);
	struct ring_out *out = rig_ring_to(r, from, to);
	struct desc put = *d;
	uint8_t *slot;

	if (put.off == 0)
		put.off = len + SLOT_HEADROOM <= BIG_SLOT ? SLOT_HEADROOM : 0;
	put.len = (uint32_t)len;
	node_begin(n, r->now);
	if (!node_room(n, out, 1))
		fail_msg("ring %s -> %s is full", from, to);
	slot = node_alloc(n, put.off + put.len, &put);
	if (slot == NULL)
		fail_msg("%s has no free slot of %zu bytes", from, len);
	memcpy(slot + put.off, bytes, len);
	node_put(n, out, &put);
	node_commit(n);
}

void rig_put_desc(
    struct rig *r, const char *from, const char *to, const struct desc *d)
{
	struct node *n = rig_node(r, from);
	struct ring_out *out = rig_ring_to(r, from, to);

	node_begin(n, r->now);
	if (!node_room(n, out, 1))
		fail_msg("ring %s -> %s is full", from, to);
	node_put(n, out, d);
	node_commit(n);
}

bool rig_take_keep(struct rig *r, const char *at, const char *from,
    struct desc *ret, const uint8_t **bytes)
{
	struct node *n = rig_node(r, at);
	struct ring_in *in = rig_ring_from(r, at, from);
	const uint8_t *p;

	node_begin(n, r->now);
	p = node_take(n, in, ret);
	node_commit(n);
	if (bytes != NULL)
		*bytes = p;
	return p != NULL;
}

void rig_give_back(struct rig *r, const char *at, const struct desc *d)
{
	struct node *n = rig_node(r, at);

	node_begin(n, r->now);
	node_give_back(n, d);
	node_commit(n);
}

bool rig_take(struct rig *r, const char *at, const char *from, struct desc *ret,
    void *bytes, size_t size)
{
	const uint8_t *p;

	if (!rig_take_keep(r, at, from, ret, &p))
		return false;
	if (bytes != NULL) {
		if (ret->len > size)
			fail_msg("%u bytes, no room for them", ret->len);
		memcpy(bytes, p, ret->len);
	}
	rig_give_back(r, at, ret);
	return true;
}

uint32_t rig_waiting(struct rig *r, const char *from, const char *to)
{
	uint32_t f = rig_proc(r, from);
	uint32_t t = rig_proc(r, to);

	for (uint32_t i = 0; i < r->topo.nrings; i++) {
		const struct wire_ring *w = &r->wiring.ring[i];
		const struct ring_prod *p =
		    (const void *)(r->out[f] + w->prod_off);
		const struct ring_cons *c =
		    (const void *)(r->out[t] + w->cons_off);

		if (w->from == f && w->to == t)
			return atomic_load(&p->prod) - atomic_load(&c->cons);
	}
	fail_msg("the rig has no ring %s -> %s", from, to);
	return 0;
}

uint64_t rig_counter(const struct rig *r, const char *name, const char *counter)
{
	const struct out_head *h = (const void *)r->out[rig_proc(r, name)];

	for (uint32_t i = 0; i < atomic_load(&h->ncounters); i++)
		if (strcmp(h->counter_name[i].name, counter) == 0)
			return atomic_load(&h->counter[i]);
	fail_msg("%s has no counter %s", name, counter);
	return 0;
}

const void *rig_table(const struct rig *r, const char *name)
{
	return r->out[rig_proc(r, name)] + OUT_TABLE_OFF;
}

uint32_t rig_lent(struct rig *r, const char *name)
{
	struct node *n = rig_node(r, name);

	node_begin(n, r->now);
	node_commit(n);
	return pool_slots(&n->home.p) - n->home.small_free - n->home.big_free;
}
