/*
 * test_log.c - lines of the log, as read from the other end of a pipe
 */
#include "shm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static _Atomic uint32_t level;
static struct log logger;
static int out;
static char got[8192];

static int setup(void **state)
{
	int p[2];

	(void)state;
	if (pipe2(p, O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	out = p[0];
	atomic_store(&level, LOG_INFO);
	log_open(&logger, p[1], "ipd", &level);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(out);
	close(logger.fd);
	return 0;
}

/* All that was written so far. */
static const char *read_log(void)
{
	ssize_t n = read(out, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static const char *without_time(const char *line)
{
	int h, m, s, ms, used = 0;

	assert_int_equal(
	    sscanf(line, "%2d:%2d:%2d.%3d %n", &h, &m, &s, &ms, &used), 4);
	assert_int_equal(used, 13);
	return line + used;
}

static void a_line_has_level_daemon_text_and_place(void **state)
{
	char want[100];
	int line = __LINE__ + 3;

	(void)state;
	log_warn(&logger, "no route, dst=%s", "203.0.113.9");
	snprintf(want, sizeof(want),
	    "[warn] ipd: no route, dst=203.0.113.9 (%s:%d)\n", __FILE__, line);
	assert_string_equal(without_time(read_log()), want);
}

static int evaluated;

static int costly(void)
{
	return ++evaluated;
}

static void below_the_level_nothing_is_evaluated(void **state)
{
	(void)state;
	evaluated = 0;
	log_debug(&logger, "%d", costly());
	log_field(&logger, "ttl", "%d", costly());
	assert_int_equal(evaluated, 0);
	assert_string_equal(read_log(), "");
}

static void the_level_changes_at_run_time(void **state)
{
	(void)state;
	atomic_store(&level, LOG_ERROR);
	log_warn(&logger, "not shown");
	assert_string_equal(read_log(), "");
	atomic_store(&level, LOG_DEBUG);
	log_debug(&logger, "shown");
	assert_non_null(strstr(read_log(), "[debug] ipd: shown ("));
}

static void without_a_level_it_is_info(void **state)
{
	(void)state;
	logger.level = NULL;
	assert_true(log_shows(&logger, LOG_INFO));
	assert_false(log_shows(&logger, LOG_DEBUG));
}

static void no_log_is_silent(void **state)
{
	struct log *none = NULL;

	(void)state;
	evaluated = 0;
	log_error(none, "%d", costly());
	log_field(none, "ttl", "%d", costly());
	assert_int_equal(evaluated, 0);
	assert_int_equal(log_errno(none, ENOENT, "x"), -ENOENT);
}

static void errno_is_said_and_returned(void **state)
{
	(void)state;
	assert_int_equal(
	    log_errno(&logger, ENOENT, "can't open %s", "tap0"), -ENOENT);
	assert_non_null(strstr(read_log(),
	    "[error] ipd: can't open tap0: No such file or directory ("));
	assert_int_equal(log_errno(&logger, 9999, "odd"), -9999);
	assert_non_null(strstr(read_log(), "odd: error 9999 ("));
}

static void fields_stand_one_to_a_line(void **state)
{
	(void)state;
	atomic_store(&level, LOG_DEBUG);
	log_field(&logger, "ttl", "%u", 64u);
	log_field(&logger, "dst", "%s", "192.0.2.1");
	assert_string_equal(read_log(), "    ttl: 64\n    dst: 192.0.2.1\n");
}

static void text_cannot_fake_a_line(void **state)
{
	(void)state;
	log_info(&logger, "name=%s", "a\n12:00:00.000 [error] ipd: b\x1b[m");
	assert_non_null(
	    strstr(read_log(), "name=a?12:00:00.000 [error] ipd: b?[m ("));
}

static void a_long_text_is_cut_and_keeps_its_place(void **state)
{
	char text[3000];
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info(&logger, "%s", text);
	len = strlen(read_log());
	assert_true(len < 1400);
	assert_int_equal(got[len - 1], '\n');
	assert_non_null(strstr(got, "xxx... ("));
}

static void lost_lines_are_counted_and_told(void **state)
{
	unsigned lines = 0;

	(void)state;
	while (logger.lost == 0 && lines++ < 100000)
		log_info(&logger, "filling the pipe");
	log_info(&logger, "lost as well");
	log_info(&logger, "and this");
	assert_int_equal(logger.lost, 3);

	while (read(out, got, sizeof(got)) > 0)
		;
	log_info(&logger, "back again");
	assert_non_null(strstr(read_log(), "the log was too slow, lost=3\n"));
	assert_non_null(strstr(got, "[info] ipd: back again ("));
	assert_int_equal(logger.lost, 0);
	assert_int_equal(logger.lost_total, 3);
}

static void errno_survives_a_failing_write(void **state)
{
	(void)state;
	close(logger.fd);
	logger.fd = -1;
	errno = EXDEV;
	log_error(&logger, "to nowhere");
	assert_int_equal(errno, EXDEV);
	assert_int_equal(logger.lost, 1);
}

static void level_names_go_both_ways(void **state)
{
	enum log_level l = LOG_WARN;

	(void)state;
	for (unsigned i = 0; i < NLOG_LEVELS; i++) {
		assert_true(
		    log_level_parse(&l, log_level_name((enum log_level)i)));
		assert_int_equal(l, i);
	}
	assert_false(log_level_parse(&l, "loud"));
	assert_int_equal(l, LOG_DEBUG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_level_daemon_text_and_place),
		TEST(below_the_level_nothing_is_evaluated),
		TEST(the_level_changes_at_run_time),
		TEST(without_a_level_it_is_info),
		TEST(no_log_is_silent),
		TEST(errno_is_said_and_returned),
		TEST(fields_stand_one_to_a_line),
		TEST(text_cannot_fake_a_line),
		TEST(a_long_text_is_cut_and_keeps_its_place),
		TEST(lost_lines_are_counted_and_told),
		TEST(errno_survives_a_failing_write),
		TEST(level_names_go_both_ways),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
