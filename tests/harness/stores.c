/*
 * stores.c - run code and stop after each instruction that changed memory
 */
#include "tests/harness/stores.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	TRAP_FLAG = 0x100,
};

static_assert(sizeof(((struct stores *)0)->before[0]) == PAGE, "one page");

/* The innermost of those that run; signals are of the whole process. */
static struct stores *current;
static uint64_t *counting;

void stores_add(struct stores *s, void *start, size_t bytes)
{
	assert(s->nareas < STORES_MAX_AREAS);
	assert((uintptr_t)start % PAGE == 0);
	bytes = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
	s->area[s->nareas].start = start;
	s->area[s->nareas].bytes = bytes;
	s->nareas++;
	if (s->runs && bytes > 0 && mprotect(start, bytes, PROT_READ) == -1)
		abort();
}

static void protect(const struct stores *s, int prot)
{
	for (uint32_t i = 0; i < s->nareas; i++)
		if (s->area[i].bytes > 0 &&
		    mprotect(s->area[i].start, s->area[i].bytes, prot) == -1)
			abort();
}

static bool watched(const struct stores *s, const uint8_t *p)
{
	for (uint32_t i = 0; i < s->nareas; i++)
		if (p >= s->area[i].start &&
		    p < s->area[i].start + s->area[i].bytes)
			return true;
	return false;
}

static void trap_flag(void *context, bool on)
{
	ucontext_t *u = context;

	if (on)
		u->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	else
		u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

extern const char __executable_start, etext;

static bool in_program(uintptr_t p)
{
	return p >= (uintptr_t)&__executable_start && p < (uintptr_t)&etext;
}

/* A page may hold slots that are poisoned for ASan: a copy all the same. */
__attribute__((no_sanitize_address)) static void save_page(
    uint8_t *to, const uint8_t *page)
{
	const uint64_t *from = (const void *)page;
	uint64_t *words = (void *)to;

	for (size_t i = 0; i < PAGE / sizeof(*words); i++)
		words[i] = from[i];
}

__attribute__((no_sanitize_address)) static bool is_same(
    const uint8_t *a, const uint8_t *b)
{
	const uint64_t *x = (const void *)a;
	const uint64_t *y = (const void *)b;
	uint64_t differs = 0;

	for (size_t i = 0; i < PAGE / sizeof(*x); i++)
		differs |= x[i] ^ y[i];
	return differs == 0;
}

/*
 * Where in the program; within libc, who called it.  The stack's words may be
 * in no variable: ASan must not look.
 */
__attribute__((no_sanitize_address)) static void note_place(
    struct stores *s, const ucontext_t *u)
{
	const uintptr_t *stack =
	    (const uintptr_t *)u->uc_mcontext.gregs[REG_RSP];

	s->place = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
	for (int i = 0; i < 64 && !in_program(s->place); i++)
		s->place = stack[i];
	s->place = in_program(s->place)
	    ? s->place - (uintptr_t)&__executable_start
	    : 0;
}

/* A store into a page that is protected: let it happen, then stop. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	struct stores *s = current;
	uint8_t *at = info->si_addr;
	uint8_t *page = at - (uintptr_t)at % PAGE;

	if (s == NULL || !watched(s, at) || s->nopen == 8) {
		/* A fault of the code itself: once more, and for good. */
		signal(sig, SIG_DFL);
		return;
	}
	if (s->patience != 0 && s->stores >= s->patience && s->nopen == 0) {
		protect(s, PROT_READ | PROT_WRITE);
		return;
	}
	if (s->nopen == 0)
		note_place(s, context);
	save_page(s->before[s->nopen], page);
	s->open[s->nopen++] = page;
	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) == -1)
		abort();
	trap_flag(context, true);
}

static bool close_pages(struct stores *s)
{
	bool changed = false;

	while (s->nopen > 0) {
		uint8_t *page = s->open[--s->nopen];

		changed |= !is_same(page, s->before[s->nopen]);
		if (mprotect(page, PAGE, PROT_READ) == -1)
			abort();
	}
	return changed;
}

/* The store has happened. */
static void on_trap(int sig, siginfo_t *info, void *context)
{
	struct stores *s = current;

	(void)sig;
	(void)info;
	if (counting != NULL) {
		++*counting;
		return;
	}
	trap_flag(context, false);
	s->stores++;
	if (!close_pages(s))
		return;
	/* What is called may watch memory of its own, but not ours. */
	current = NULL;
	s->changed(s->ctx);
	current = s;
}

static void catch_signals(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault };
	struct sigaction trap = { .sa_sigaction = on_trap };

	/* Handlers interrupt one another when one run is within another. */
	fault.sa_flags = SA_SIGINFO | SA_NODEFER;
	trap.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGTRAP, &trap, NULL);
}

static void release_signals(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
}

/* Handlers of the outer one, which are the same, stay. */
static int depth;

bool stores_run(struct stores *s, void (*run)(void *arg), void *arg)
{
	struct stores *outer = current;
	volatile bool whole = false;

	if (depth++ == 0)
		catch_signals();
	protect(s, PROT_READ);
	s->runs = true;
	current = s;
	/* No signal is blocked in the handlers: there is no mask to restore. */
	if (_setjmp(s->stop) == 0) {
		run(arg);
		whole = true;
	}
	current = outer;
	s->runs = false;
	protect(s, PROT_READ | PROT_WRITE);
	if (--depth == 0)
		release_signals();
	return whole;
}

void stores_stop(struct stores *s)
{
	current = NULL;
	_longjmp(s->stop, 1);
}

void stores_forget(void)
{
	if (depth > 0)
		release_signals();
	depth = 0;
	current = NULL;
}

void stores_kernel_begin(void)
{
	if (current != NULL)
		protect(current, PROT_READ | PROT_WRITE);
}

void stores_kernel_end(void)
{
	struct stores *s = current;

	if (s == NULL)
		return;
	protect(s, PROT_READ);
	current = NULL;
	s->changed(s->ctx);
	current = s;
}

/* From the next instruction on: a trap after each.  Spares the red zone. */
static void set_trap_flag(bool on)
{
	uint64_t keep = on ? ~(uint64_t)0 : ~(uint64_t)TRAP_FLAG;
	uint64_t add = on ? TRAP_FLAG : 0;

	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "andq %0, (%%rsp)\n\t"
			 "orq %1, (%%rsp)\n\t"
			 "popfq\n\t"
			 "leaq 128(%%rsp), %%rsp"
			 :
			 : "r"(keep), "r"(add)
			 : "memory", "cc");
}

uint64_t stores_count_instructions(void (*run)(void *arg), void *arg)
{
	uint64_t n = 0;

	catch_signals();
	counting = &n;
	set_trap_flag(true);
	run(arg);
	set_trap_flag(false);
	counting = NULL;
	release_signals();
	return n;
}
