/*
 * test_rundir.c - where a running stack is looked for, and which one is meant
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/rundir.h"
#include "tests/harness/temp_dir.h"

static char dir[TEMP_DIR_MAX];

static int open_dir(void **state)
{
	(void)state;
	temp_dir_make(dir);
	unsetenv("STRATA");
	return setenv("STRATA_RUN_DIR", dir, 1);
}

static int close_dir(void **state)
{
	(void)state;
	temp_dir_remove(dir);
	return 0;
}

/* A folder with a socket, as the supervisor of @stack would have it. */
static int supervisor(const char *stack)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(rundir_make(stack), 0);
	assert_int_equal(rundir_path(at.sun_path, stack, "ctl"), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void paths_lie_below_the_run_directory(void **state)
{
	char path[RUNDIR_PATH_LEN], want[RUNDIR_PATH_LEN];

	(void)state;
	assert_int_equal(rundir_path(path, NULL, NULL), 0);
	assert_string_equal(path, dir);
	snprintf(want, sizeof(want), "%s/tap", dir);
	assert_int_equal(rundir_path(path, "tap", NULL), 0);
	assert_string_equal(path, want);
	snprintf(want, sizeof(want), "%s/tap/ctl", dir);
	assert_int_equal(rundir_path(path, "tap", "ctl"), 0);
	assert_string_equal(path, want);
}

/* What fits into a sockaddr_un with its NUL, and not one more. */
static void a_path_that_no_socket_can_have_is_refused(void **state)
{
	char path[RUNDIR_PATH_LEN], base[RUNDIR_PATH_LEN + 1];

	(void)state;
	memset(base, 'x', sizeof(base));
	base[0] = '/';
	base[RUNDIR_PATH_LEN - 1 - 6] = '\0';
	setenv("STRATA_RUN_DIR", base, 1);
	assert_int_equal(rundir_path(path, "a", "ctl"), 0);
	assert_int_equal(strlen(path), RUNDIR_PATH_LEN - 1);
	assert_int_equal(rundir_path(path, "ab", "ctl"), -ENAMETOOLONG);
	setenv("STRATA_RUN_DIR", dir, 1);
}

static void making_a_folder_twice_is_no_error(void **state)
{
	char path[RUNDIR_PATH_LEN];
	struct stat st;

	(void)state;
	assert_int_equal(rundir_make("tap"), 0);
	assert_int_equal(rundir_make("tap"), 0);
	assert_int_equal(rundir_path(path, "tap", NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void the_only_stack_that_runs_is_meant(void **state)
{
	char name[TOPO_NAME_LEN] = "untouched";
	int fd;

	(void)state;
	assert_int_equal(rundir_stack(name), -ENOENT);
	fd = supervisor("tap");
	assert_int_equal(rundir_stack(name), 0);
	assert_string_equal(name, "tap");
	close(fd);
}

static void of_several_none_is_meant_unless_it_is_named(void **state)
{
	char name[TOPO_NAME_LEN];
	int a = supervisor("one");
	int b = supervisor("two");

	(void)state;
	assert_int_equal(rundir_stack(name), -ENOTUNIQ);
	setenv("STRATA", "two", 1);
	assert_int_equal(rundir_stack(name), 0);
	assert_string_equal(name, "two");
	setenv("STRATA", "a name of far too many letters", 1);
	assert_int_equal(rundir_stack(name), -ENOENT);
	close(a);
	close(b);
}

/* The folder and the socket are there, but nobody listens. */
static void what_a_killed_supervisor_left_is_passed_over(void **state)
{
	char name[TOPO_NAME_LEN];
	int fd = supervisor("alive");

	(void)state;
	close(supervisor("dead"));
	assert_int_equal(rundir_make("empty"), 0);
	assert_int_equal(rundir_stack(name), 0);
	assert_string_equal(name, "alive");
	close(fd);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, open_dir, close_dir)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_DIR(paths_lie_below_the_run_directory),
		WITH_DIR(a_path_that_no_socket_can_have_is_refused),
		WITH_DIR(making_a_folder_twice_is_no_error),
		WITH_DIR(the_only_stack_that_runs_is_meant),
		WITH_DIR(of_several_none_is_meant_unless_it_is_named),
		WITH_DIR(what_a_killed_supervisor_left_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
