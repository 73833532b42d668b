/*
 * temp_dir.c - a folder of the test's own, for sockets and files
 */
#include "tests/harness/temp_dir.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char NAME[] = "/strata-test-XXXXXX";

void temp_dir_make(char ret[TEMP_DIR_MAX])
{
	const char *below = getenv("TMPDIR");

	if (below == NULL || *below == '\0' ||
	    strlen(below) + sizeof(NAME) > TEMP_DIR_MAX)
		below = "/tmp";
	snprintf(ret, TEMP_DIR_MAX, "%s%s", below, NAME);
	assert_non_null(mkdtemp(ret));
}

static int drop(
    const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void temp_dir_remove(const char *path)
{
	assert_int_equal(nftw(path, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}
