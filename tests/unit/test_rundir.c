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

#include "shm/join.h"
#include "shm/rundir.h"
#include "tests/harness/temp_dir.h"

enum {
	OTHER = 65534, /* another user */
	WE = 65533,    /* us, without root's rights */
};

static char dir[TEMP_DIR_MAX];
static char why[TOPO_ERROR_LEN];

static int open_dir(void **state)
{
	(void)state;
	temp_dir_make(dir);
	unsetenv("STRATA");
	unsetenv("XDG_RUNTIME_DIR");
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

	assert_int_equal(rundir_make(stack, why), 0);
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
	assert_int_equal(rundir_make("tap", why), 0);
	assert_int_equal(rundir_make("tap", why), 0);
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
	assert_int_equal(rundir_make("empty", why), 0);
	assert_int_equal(rundir_stack(name), 0);
	assert_string_equal(name, "alive");
	close(fd);
}

/* ---- Folders that are there already ---- */

static void make_is_refused(const char *stack, const char *what)
{
	why[0] = '\0';
	assert_int_equal(rundir_make(stack, why), -EPERM);
	assert_non_null(strstr(why, what));
	assert_non_null(strstr(why, "STRATA_RUN_DIR"));
}

static const char *in_dir(const char *name)
{
	static char path[RUNDIR_PATH_LEN];

	snprintf(path, sizeof(path), "%.60s/%s", dir, name);
	return path;
}

static void what_others_may_write_is_not_used(void **state)
{
	(void)state;
	assert_int_equal(rundir_make("tap", why), 0);
	assert_int_equal(chmod(in_dir("tap"), 0775), 0);
	make_is_refused("tap", "/tap can be written by others");
	assert_int_equal(chmod(in_dir("tap"), 0757), 0);
	make_is_refused("tap", "/tap can be written by others");
	assert_int_equal(chmod(in_dir("tap"), 01777), 0);
	make_is_refused("tap", "/tap can be written by others");
	assert_int_equal(chmod(in_dir("tap"), 0755), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	make_is_refused("tap", "can be written by others");
	/* As /tmp is: nobody else replaces what is ours there. */
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(rundir_make("tap", why), 0);
}

static void what_is_no_folder_is_not_used(void **state)
{
	(void)state;
	assert_int_equal(symlink("/", in_dir("link")), 0);
	make_is_refused("link", "/link is no folder");
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	make_is_refused("pipe", "/pipe is no folder");
	setenv("STRATA_RUN_DIR", in_dir("link"), 1);
	make_is_refused("tap", "/link is no folder");
	setenv("STRATA_RUN_DIR", "/proc/no/such", 1);
	assert_int_equal(rundir_make("tap", why), -ENOENT);
	assert_non_null(strstr(why, "can't make the folder /proc/no/such"));
}

/* A stack runs in a folder that has been changed since. */
static void whom_others_could_have_replaced_is_not_asked(void **state)
{
	char name[TOPO_NAME_LEN];
	uid_t owner = OTHER;
	int fd = supervisor("tap");

	(void)state;
	assert_int_equal(rundir_check("tap", &owner, why), 0);
	assert_int_equal(owner, geteuid());
	assert_int_equal(rundir_check("none", &owner, why), -ENOENT);
	assert_int_equal(chmod(in_dir("tap"), 0777), 0);
	assert_int_equal(rundir_stack(name), -EACCES);
	assert_int_equal(join_connect("tap"), -EACCES);
	assert_int_equal(rundir_check("tap", &owner, why), -EPERM);
	assert_int_equal(chmod(in_dir("tap"), 0755), 0);
	assert_int_equal(rundir_stack(name), 0);
	close(fd);
}

static void need_root(void)
{
	if (geteuid() != 0 || seteuid(WE) == -1 || seteuid(0) == -1)
		skip();
}

/* Before we come, another makes the folder whose name we can't but take. */
static void a_squatter_s_folder_is_not_used(void **state)
{
	char name[TOPO_NAME_LEN];
	int fd;

	(void)state;
	need_root();
	assert_int_equal(chmod(dir, 01777), 0);
	setenv("STRATA_RUN_DIR", in_dir("strata"), 1);
	assert_int_equal(mkdir(in_dir("strata"), 0755), 0);
	fd = supervisor("tap");
	assert_int_equal(chown(in_dir("strata"), OTHER, OTHER), 0);
	make_is_refused("tap", "/strata belongs to user 65534");
	assert_int_equal(chown(in_dir("strata/tap"), OTHER, OTHER), 0);
	assert_int_equal(chmod(in_dir("strata/tap/ctl"), 0666), 0);

	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("STRATA_RUN_DIR");
	assert_int_equal(seteuid(WE), 0);
	make_is_refused("tap", "/strata belongs to user 65534");
	assert_int_equal(join_connect("tap"), -EACCES);
	assert_int_equal(rundir_stack(name), -EACCES);
	assert_int_equal(rundir_check(NULL, NULL, why), -EPERM);
	/* But who names it means it. */
	setenv("STRATA_RUN_DIR", in_dir("strata"), 1);
	make_is_refused("tap", "/strata belongs to user 65534");
	assert_int_equal(rundir_stack(name), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(in_dir("strata"), WE, WE), 0);
	assert_int_equal(seteuid(WE), 0);
	make_is_refused("tap", "/strata/tap belongs to user 65534");
	assert_int_equal(seteuid(0), 0);
	close(fd);
}

/* What counts is who said listen(). */
static void who_listens_is_who_has_the_folder(void **state)
{
	int fd;

	(void)state;
	need_root();
	fd = supervisor("tap");
	assert_int_equal(join_connect("none"), -ENOENT);
	assert_int_equal(seteuid(OTHER), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(join_connect("tap"), -EACCES);
	assert_int_equal(chown(in_dir("tap"), OTHER, OTHER), 0);
	assert_int_equal(close(join_connect("tap")), 0);
	/* Root is believed everywhere. */
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(close(join_connect("tap")), 0);
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
		WITH_DIR(what_others_may_write_is_not_used),
		WITH_DIR(what_is_no_folder_is_not_used),
		WITH_DIR(whom_others_could_have_replaced_is_not_asked),
		WITH_DIR(a_squatter_s_folder_is_not_used),
		WITH_DIR(who_listens_is_who_has_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
