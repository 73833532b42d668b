/*
 * test_sweep_mistakes.c - that the sweep finds what it is there to find
 *
 * turn.c is compiled a second time, in here, and stands in for the library's:
 * with the functions that a mistake changes under other names, so that they can
 * be written again with the mistake.  toy.c has mistakes of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define turn_begin   right_turn_begin
#define turn_commit  right_turn_commit
#define turn_recover right_turn_recover
#include "shm/turn.c"
#undef turn_begin
#undef turn_commit
#undef turn_recover

#include "tests/crash/toy.h"

void turn_begin(struct turn *t);
bool turn_commit(struct turn *t);
bool turn_recover(struct turn *t);

static enum {
	NONE,
	NUMBER_BEFORE_COUNT,
	PUBLISH_BEFORE_COMMIT,
	INPUT_GONE_BEFORE_COMMIT,
	INPUTS_BEFORE_OUTPUTS,
	DONE_BEFORE_APPLIED,
	NO_UNDO,
	UNDO_OLDEST_FIRST,
	RECOVERY_SAYS_UNDONE_FIRST,
} mistake;

/* The log's number says that it is this turn's before it has been emptied. */
void turn_begin(struct turn *t)
{
	if (mistake != NUMBER_BEFORE_COUNT) {
		right_turn_begin(t);
		return;
	}
	t->b = get(&t->mem->committed) + 1;
	t->log_used = 0;
	t->log_entries = 0;
	t->nobject = 0;
	t->open = true;
	set(&t->mem->log_turn, t->b);
	t->mem->log_count = 0;
}

static bool commit_inputs_first(struct turn *t)
{
	for (uint32_t i = 0; i < t->nin; i++)
		ring_in_publish(&t->in[i], t->in[i].mine);
	return right_turn_commit(t);
}

static bool commit_done_first(struct turn *t)
{
	struct turn_record *r = &t->mem->rec[t->b & 1];

	if (!record(t, r))
		return right_turn_commit(t);
	t->open = false;
	set(&t->mem->committed, t->b);
	set(&t->mem->applied, t->b);
	apply(t, r);
	return true;
}

/* A neighbour that restarts in between finds the slots in no ring at all. */
static bool commit_inputs_before_outputs(struct turn *t)
{
	struct turn_record *r = &t->mem->rec[t->b & 1];

	if (!record(t, r))
		return right_turn_commit(t);
	t->open = false;
	set(&t->mem->committed, t->b);
	for (uint32_t i = 0; i < t->nin; i++)
		ring_in_publish(&t->in[i], r->cons[i]);
	apply(t, r);
	set(&t->mem->applied, t->b);
	return true;
}

bool turn_commit(struct turn *t)
{
	if (mistake == PUBLISH_BEFORE_COMMIT)
		for (uint32_t i = 0; i < t->nout; i++)
			ring_out_publish(&t->out[i], t->out[i].mine);
	if (mistake == INPUT_GONE_BEFORE_COMMIT)
		return commit_inputs_first(t);
	if (mistake == INPUTS_BEFORE_OUTPUTS)
		return commit_inputs_before_outputs(t);
	if (mistake == DONE_BEFORE_APPLIED)
		return commit_done_first(t);
	return right_turn_commit(t);
}

static void undo_oldest_first(struct turn *t)
{
	struct turn_mem *m = t->mem;

	for (uint32_t n = 0; n < m->log_count; n++) {
		struct turn_undo u;
		const uint8_t *entry = m->log + m->log_at[n];

		memcpy(&u, entry, sizeof(u));
		memcpy(t->base + u.off, entry + sizeof(u), u.len);
	}
}

bool turn_recover(struct turn *t)
{
	struct turn_mem *m = t->mem;
	bool half = m->log_turn == m->committed + 1;

	if (half && mistake == NO_UNDO)
		m->log_turn = m->committed;
	if (half && mistake == UNDO_OLDEST_FIRST) {
		undo_oldest_first(t);
		m->log_turn = m->committed;
	}
	if (half && mistake == RECOVERY_SAYS_UNDONE_FIRST) {
		set(&m->log_turn, m->committed);
		undo(t);
	}
	return right_turn_recover(t);
}

/* Enough for a second turn, and for one object twice in a turn. */
static void sweep_with(struct sweep *s, const char *what)
{
	*s = (struct sweep){
		.daemon = &toy_daemon,
		.rig = toy_mistake == TOY_RECORD_AT_ONCE ? toy_rig_tapped()
							 : toy_rig(),
		.again = 3,
	};
	for (uint32_t i = 0; i < 9; i++)
		toy_put(s->rig, (uint8_t)(i / 2), TOY_BOTH, "some bytes");
	sweep_run(s);
	sweep_print(s, what);
	rig_close(s->rig);
	mistake = NONE;
	toy_mistake = TOY_NO_MISTAKE;
}

static void finds_nothing_where_nothing_is_wrong(void **state)
{
	struct sweep s;

	(void)state;
	sweep_with(&s, "no mistake");
	assert_int_equal(s.violations, 0);
}

static void finds_each_mistake_in_the_turn(void **state)
{
	static const char *const name[] = {
		[NUMBER_BEFORE_COUNT] = "number before count",
		[PUBLISH_BEFORE_COMMIT] = "published before commit",
		[INPUT_GONE_BEFORE_COMMIT] = "input gone before commit",
		[INPUTS_BEFORE_OUTPUTS] = "inputs before outputs",
		[DONE_BEFORE_APPLIED] = "done before applied",
		[NO_UNDO] = "nothing undone",
		[UNDO_OLDEST_FIRST] = "undone oldest first",
		[RECOVERY_SAYS_UNDONE_FIRST] = "undone, it says, too early",
	};
	struct sweep s;

	(void)state;
	for (int i = NUMBER_BEFORE_COUNT; i <= RECOVERY_SAYS_UNDONE_FIRST;
	     i++) {
		mistake = i;
		sweep_with(&s, name[i]);
		if (s.violations == 0)
			fail_msg("not found: %s", name[i]);
	}
}

static void finds_each_mistake_in_a_layer(void **state)
{
	static const char *const name[] = {
		[TOY_CHANGE_BEFORE_TOUCH] = "changed before touched",
		[TOY_FORGET_TOUCH] = "never touched",
		[TOY_SHOW_AT_ONCE] = "shown at once",
		[TOY_GIVE_BACK_TWICE_AFTER_DEATH] = "slot given back twice",
		[TOY_RECORD_AT_ONCE] = "recorded at once",
	};
	struct sweep s;

	(void)state;
	for (int i = TOY_CHANGE_BEFORE_TOUCH; i <= TOY_RECORD_AT_ONCE; i++) {
		toy_mistake = i;
		sweep_with(&s, name[i]);
		if (s.violations == 0)
			fail_msg("not found: %s", name[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_nothing_where_nothing_is_wrong),
		cmocka_unit_test(finds_each_mistake_in_the_turn),
		cmocka_unit_test(finds_each_mistake_in_a_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
