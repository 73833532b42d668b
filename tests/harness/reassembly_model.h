/*
 * reassembly_model.h - what reassembly has to answer, the obvious way
 *
 * One datagram as the list of its fragments, compared each with each.  Too
 * slow to use and too simple to be wrong: test_reassembly and fuzz_reassembly
 * ask it for the right answer.
 */
#ifndef TESTS_HARNESS_REASSEMBLY_MODEL_H
#define TESTS_HARNESS_REASSEMBLY_MODEL_H

#include "ipd/reassembly.h"

enum {
	MODEL_MAX = 512,
};

struct model_piece {
	uint32_t offset, len;
	bool more;
};

struct reassembly_model {
	struct model_piece piece[MODEL_MAX];
	uint32_t n;
	uint8_t data[65536];
};

/*
 * REASM_HELD, REASM_COMPLETE, REASM_DUPLICATE, or REASM_OVERLAP (then the model
 * is empty again).  The caller has refused what is malformed by itself.
 */
enum reassembly_result model_add(
    struct reassembly_model *m, const struct reassembly_fragment *f);

/* Bytes of the datagram up to the last that is there. */
uint32_t model_len(const struct reassembly_model *m);

#endif /* TESTS_HARNESS_REASSEMBLY_MODEL_H */
