/*
 * fuzz_reassembly.c - fragments as the input says, against the model
 *
 * Four bytes of input are one fragment: offset and length in units of eight,
 * whether more follow, whether the process dies over it.  With the highest bit
 * of the third they are time that passes, or damage to the records.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "ipd/reassembly.h"
#include "tests/harness/reassembly_model.h"

enum {
	MAX_BYTES = REASM_MIN_BYTES,
	UNDO_MAX = 64,
};

static struct {
	struct reassembly r;
	struct reassembly_model model;
	struct mono now;
	alignas(4096) uint8_t arena[160 * 1024];
	struct {
		void *at;
		uint8_t old[256];
	} undo[UNDO_MAX];
	unsigned undo_n;
} w;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(void *ctx, void *p, size_t len)
{
	(void)ctx;
	if (len != 256 || w.undo_n == UNDO_MAX)
		abort();
	w.undo[w.undo_n].at = p;
	memcpy(w.undo[w.undo_n++].old, p, len);
}

static void attach(void)
{
	static const struct reassembly_config cfg = {
		.max_bytes = MAX_BYTES,
		.max_fragments = REASM_FRAGMENTS,
		.timeout_ms = REASM_TIMEOUT_MS,
		.touch = touch,
	};

	if (reassembly_init(&w.r, w.arena, sizeof(w.arena), &cfg) < 0 ||
	    reassembly_check(&w.r, w.now) != 0)
		abort();
}

static void turn(void)
{
	w.undo_n = 0;
	reassembly_turn(&w.r);
}

/* The process dies and its turn is undone. */
static void die(void)
{
	while (w.undo_n > 0) {
		w.undo_n--;
		memcpy(w.undo[w.undo_n].at, w.undo[w.undo_n].old, 256);
	}
	attach();
}

static struct reassembly_fragment fragment(const uint8_t in[4])
{
	static const uint8_t hdr[20] = { 0x45 };
	static uint8_t bytes[4096];
	struct reassembly_fragment f = {
		.src = { { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 } },
		.dst = { { [10] = 0xff, [11] = 0xff, 192, 0, 2, 2 } },
		.offset = (uint16_t)(in[0] * 8),
		.len = (uint16_t)(8 * (1 + in[1] % 64)),
		.more = in[2] & 1,
		.hdr = hdr,
		.hdr_len = sizeof(hdr),
		.data = bytes,
	};

	memset(bytes, in[3], f.len);
	if (!f.more)
		f.len = (uint16_t)(f.len - (in[2] >> 1 & 7));
	return f;
}

static void complete(uint32_t done)
{
	static uint8_t out[65536];
	uint32_t len = model_len(&w.model);

	if (reassembly_take(&w.r, done, out) != 20 + len ||
	    memcmp(out + 20, w.model.data, len) != 0)
		abort();
	w.model.n = 0;
}

/* Once, then after a death once more: the answer is the model's both times. */
static void one(const uint8_t in[4])
{
	struct reassembly_fragment f = fragment(in);
	enum reassembly_result rc, want;
	uint32_t done = 0;

	turn();
	rc = reassembly_add(&w.r, &f, w.now, &done);
	if (in[2] & 0x40) {
		die();
		turn();
		if (reassembly_add(&w.r, &f, w.now, &done) != rc)
			abort();
	}
	if (rc == REASM_TOO_MANY) {
		w.model.n = 0;
		return;
	}
	want = model_add(&w.model, &f);
	if (rc != want)
		abort();
	if (rc == REASM_COMPLETE)
		complete(done);
}

/* Damage: whatever lies there, nothing is read or written outside. */
static void damage(const uint8_t *in)
{
	size_t at = (size_t)(in[1] << 8 | in[2]) % (16 * 256);

	w.arena[at] = in[3];
	if (reassembly_init(&w.r, w.arena, sizeof(w.arena), &w.r.cfg) < 0)
		abort();
	reassembly_check(&w.r, w.now);
	memset(w.arena, 0, 16 * 256);
	attach();
	w.model.n = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reassembly_expired e;

	memset(w.arena, 0, 16 * 256);
	w.now.ns = 1;
	w.model.n = 0;
	w.undo_n = 0;
	attach();
	/* So many pieces that the model's list can't overflow. */
	for (size_t i = 0; i + 4 <= size && i < 4000; i += 4) {
		const uint8_t *in = data + i;

		if (!(in[2] & 0x80)) {
			one(in);
			continue;
		}
		if (in[2] & 0x20) {
			damage(in);
			continue;
		}
		turn();
		w.now = mono_add_ms(w.now, in[3] * 1000);
		while (reassembly_expire(&w.r, w.now, &e)) {
			if (e.quote_len > REASM_QUOTE_MAX)
				abort();
			w.model.n = 0;
		}
	}
	return 0;
}
