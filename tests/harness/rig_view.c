/*
 * rig_view.c - copies of a rig's memory: what a crash leaves, to be looked at
 */
#include "tests/harness/rig_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The same file again; writes go to pages of our own. */
static uint8_t *look(int fd, size_t bytes, int *ret_fd)
{
	void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_NORESERVE, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	*ret_fd = dup(fd);
	assert_int_not_equal(*ret_fd, -1);
	return p;
}

struct rig *rig_view(const struct rig *of)
{
	struct rig *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	v->topo = of->topo;
	v->wiring = of->wiring;
	v->now = of->now;
	v->log_fd = of->log_fd;
	for (uint32_t p = 0; p < of->topo.nprocs; p++) {
		const struct rig_fds *f = &of->fd[p];
		struct rig_fds *to = &v->fd[p];

		v->out[p] = look(f->out, of->wiring.out_bytes[p], &to->out);
		v->pool[p] = look(f->pool, of->wiring.pool_bytes[p], &to->pool);
		v->priv[p] = look(f->priv, PRIV_BYTES, &to->priv);
		v->tap[p] = look(f->tap, TAP_SEGMENT_BYTES, &to->tap);
	}
	v->sup = (void *)look(of->sup_fd, sizeof(*v->sup), &v->sup_fd);
	v->world = look(of->world_fd, RIG_WORLD_BYTES, &v->world_fd);
	return v;
}

/* A private page that is dropped is the file's again. */
static void renew(void *p, size_t bytes)
{
	if (bytes > 0)
		assert_int_equal(madvise(p, bytes, MADV_DONTNEED), 0);
}

void rig_view_renew(struct rig *v)
{
	for (uint32_t p = 0; p < v->topo.nprocs; p++) {
		if (v->fake[p])
			node_detach(&v->node[p]);
		v->fake[p] = false;
		renew(v->out[p], v->wiring.out_bytes[p]);
		renew(v->pool[p], v->wiring.pool_bytes[p]);
		renew(v->priv[p], PRIV_BYTES);
		renew(v->tap[p], TAP_SEGMENT_BYTES);
	}
	renew(v->world, RIG_WORLD_BYTES);
}

/* The next stretch of @fd from @at on that was ever written. */
static bool next_data(int fd, size_t bytes, size_t *at, size_t *end)
{
	off_t data = lseek(fd, (off_t)*at, SEEK_DATA);
	off_t hole;

	if (data == -1 || (size_t)data >= bytes)
		return false;
	hole = lseek(fd, data, SEEK_HOLE);
	*at = (size_t)data;
	*end = hole == -1 || (size_t)hole > bytes ? bytes : (size_t)hole;
	return true;
}

static void copy_pages(int fd, uint8_t *to, const uint8_t *from, size_t bytes)
{
	size_t end = 0;

	for (size_t at = 0; next_data(fd, bytes, &at, &end); at = end)
		memcpy(to + at, from + at, end - at);
}

static uint8_t *clone(int fd, const uint8_t *from, size_t bytes, int *ret_fd)
{
	uint8_t *p = rig_pages(bytes, ret_fd);

	copy_pages(fd, p, from, bytes);
	return p;
}

struct rig *rig_clone(const struct rig *of)
{
	struct rig *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->topo = of->topo;
	c->wiring = of->wiring;
	c->now = of->now;
	c->log_fd = of->log_fd;
	for (uint32_t p = 0; p < of->topo.nprocs; p++) {
		const struct rig_fds *f = &of->fd[p];
		struct rig_fds *to = &c->fd[p];

		c->out[p] = clone(
		    f->out, of->out[p], of->wiring.out_bytes[p], &to->out);
		c->pool[p] = clone(
		    f->pool, of->pool[p], of->wiring.pool_bytes[p], &to->pool);
		c->priv[p] = clone(f->priv, of->priv[p], PRIV_BYTES, &to->priv);
		c->tap[p] =
		    clone(f->tap, of->tap[p], TAP_SEGMENT_BYTES, &to->tap);
	}
	c->sup = (void *)clone(
	    of->sup_fd, (const void *)of->sup, sizeof(*c->sup), &c->sup_fd);
	c->world =
	    clone(of->world_fd, of->world, RIG_WORLD_BYTES, &c->world_fd);
	return c;
}

static size_t first_difference(
    const uint8_t *a, const uint8_t *b, size_t at, size_t end)
{
	if (memcmp(a + at, b + at, end - at) == 0)
		return end;
	while (a[at] == b[at])
		at++;
	return at;
}

size_t rig_differs(
    int fd, const uint8_t *a, const uint8_t *b, size_t from, size_t bytes)
{
	size_t end = 0;

	for (size_t at = from; next_data(fd, bytes, &at, &end); at = end) {
		size_t i = first_difference(a, b, at, end);

		if (i < end)
			return i;
	}
	return bytes;
}
