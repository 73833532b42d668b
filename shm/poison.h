/*
 * poison.h - lets AddressSanitizer see into our own allocators
 *
 * A free slot is poisoned in the process that is its home, so that a use after
 * free of a packet is reported there like one of malloc's.
 */
#ifndef SHM_POISON_H
#define SHM_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SHM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHM_ASAN 1
#endif
#endif

#ifdef SHM_ASAN
#include <sanitizer/asan_interface.h>

static inline void poison(const void *p, size_t len)
{
	__asan_poison_memory_region(p, len);
}

static inline void unpoison(const void *p, size_t len)
{
	__asan_unpoison_memory_region(p, len);
}
#else
static inline void poison(const void *p, size_t len)
{
	(void)p;
	(void)len;
}

static inline void unpoison(const void *p, size_t len)
{
	(void)p;
	(void)len;
}
#endif

#endif /* SHM_POISON_H */
