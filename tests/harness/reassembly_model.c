/*
 * reassembly_model.c - what reassembly has to answer, the obvious way
 */
#include "tests/harness/reassembly_model.h"

#include <string.h>

static bool same(const struct model_piece *a, const struct model_piece *b)
{
	return a->offset == b->offset && a->len == b->len && a->more == b->more;
}

static bool overlap(const struct model_piece *a, const struct model_piece *b)
{
	return a->offset < b->offset + b->len && b->offset < a->offset + a->len;
}

/* Does one that is the last lie before the end of the other? */
static bool end_broken(const struct model_piece *a, const struct model_piece *b)
{
	return (!a->more && b->offset + b->len > a->offset + a->len) ||
	    (!b->more && a->offset + a->len > b->offset + b->len) ||
	    (!a->more && !b->more);
}

uint32_t model_len(const struct reassembly_model *m)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		if (m->piece[i].offset + m->piece[i].len > end)
			end = m->piece[i].offset + m->piece[i].len;
	}
	return end;
}

/* Pieces never overlap: all is there if they add up to the last one's end. */
static bool complete(const struct reassembly_model *m)
{
	uint32_t sum = 0;
	bool has_last = false;

	for (uint32_t i = 0; i < m->n; i++) {
		sum += m->piece[i].len;
		has_last |= !m->piece[i].more;
	}
	return has_last && sum == model_len(m);
}

enum reassembly_result model_add(
    struct reassembly_model *m, const struct reassembly_fragment *f)
{
	struct model_piece p = { f->offset, f->len, f->more };

	for (uint32_t i = 0; i < m->n; i++) {
		if (same(&m->piece[i], &p))
			return complete(m) ? REASM_COMPLETE : REASM_DUPLICATE;
	}
	for (uint32_t i = 0; i < m->n; i++) {
		if (overlap(&m->piece[i], &p) || end_broken(&m->piece[i], &p)) {
			m->n = 0;
			return REASM_OVERLAP;
		}
	}
	m->piece[m->n++] = p;
	memcpy(m->data + f->offset, f->data, f->len);
	return complete(m) ? REASM_COMPLETE : REASM_HELD;
}
