/*
 * temp_dir.h - a folder of the test's own, for sockets and files
 */
#ifndef TESTS_HARNESS_TEMP_DIR_H
#define TESTS_HARNESS_TEMP_DIR_H

enum {
	/* So that NAME/ctl in it fits into a unix socket's address. */
	TEMP_DIR_MAX = 80,
};

/* Below $TMPDIR, or /tmp if that is not set or too long. */
void temp_dir_make(char ret[TEMP_DIR_MAX]);

/* With all that is in it. */
void temp_dir_remove(const char *path);

#endif /* TESTS_HARNESS_TEMP_DIR_H */
