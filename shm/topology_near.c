/*
 * topology_near.c - the word somebody may have meant
 */
#include "shm/topology_near.h"

#include <stddef.h>
#include <string.h>

enum {
	WORD_MAX = 32, /* longer ones are nobody's slip */
	NEAR = 2,
};

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits from @a to @b, a swap of neighbours counted as one. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			unsigned change = a[i - 1] != b[j - 1];

			d[i][j] = min2(d[i - 1][j - 1] + change,
			    min2(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = min2(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

bool has_word(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* "spin" for "spin_us", "reachable" for "reachable_ms". */
static bool begins(const char *word, const char *whole)
{
	size_t n = strlen(word);

	return n >= 3 && strncmp(word, whole, n) == 0;
}

const char *near_word(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t least = NEAR + 1;

	for (; *words; words++) {
		size_t d = begins(word, *words) ? 1 : distance(word, *words);

		/* Two letters of three are another word, not a slip. */
		if (d < least && d * 2 < strlen(*words)) {
			least = d;
			best = *words;
		}
	}
	return best;
}
