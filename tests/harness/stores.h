/*
 * stores.h - run code and stop after each instruction that changed memory
 *
 * A process killed between two instructions leaves its shared memory as it was
 * after the last one that stored there; the instructions in between are all the
 * same to who comes after it.  So instead of stopping at each instruction, the
 * memory is write-protected: a store faults, is let through alone (trap flag),
 * and then, if it changed anything, @changed is called, between this
 * instruction and the next.  It costs 5 us a store and nothing for the rest.
 *
 * All of it happens in one process.  @changed runs in a signal handler, but one
 * that only ever interrupts a store into the given memory: no lock of libc is
 * held there, and it may do what it likes, also watch other memory in the same
 * way.  x86-64 only.
 */
#ifndef TESTS_HARNESS_STORES_H
#define TESTS_HARNESS_STORES_H

#include <setjmp.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STORES_MAX_AREAS = 64,
};

struct stores {
	void (*changed)(void *ctx);
	void *ctx;
	uint64_t stores; /* let through, also those that changed nothing */

	uint64_t patience; /* watch so many stores at most; 0: all */

	/* Of the last store: where in the program's text. */
	uintptr_t place;

	/* Private. */
	struct {
		uint8_t *start;
		size_t bytes; /* whole pages */
	} area[STORES_MAX_AREAS];
	uint32_t nareas;
	bool runs;
	/* Pages that the instruction at hand writes, and how they were. */
	uint8_t *open[8];
	alignas(8) uint8_t before[8][4096];
	uint32_t nopen;
	jmp_buf stop;
};

/* Watch @bytes at @start, page-aligned, too; also from @changed. */
void stores_add(struct stores *s, void *start, size_t bytes);

/*
 * Run @run(@arg) to its end, calling s->changed as it goes.  False: it ended
 * before, by stores_stop().
 */
bool stores_run(struct stores *s, void (*run)(void *arg), void *arg);

/*
 * From @changed: the code that runs gets no further, as if its process had been
 * killed.
 */
void stores_stop(struct stores *s) __attribute__((noreturn));

/* After a longjmp of the caller's own out of a run: nobody runs any more. */
void stores_forget(void);

/*
 * Around what the kernel does for the code that runs, a read say: it happens
 * whole, and then @changed is called once.  Nothing if no memory is watched.
 */
void stores_kernel_begin(void);
void stores_kernel_end(void);

/* How many instructions @run(@arg) takes. */
uint64_t stores_count_instructions(void (*run)(void *arg), void *arg);

#endif /* TESTS_HARNESS_STORES_H */
