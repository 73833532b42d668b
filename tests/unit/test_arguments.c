/*
 * test_arguments.c - numbers and times of the command line, and what is said of
 * those that will not do
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/command/arguments.h"
#include "shm/clock.h"

static char said[256];
static int was;
static FILE *heard;

static void listen_to_stderr(void)
{
	fflush(stderr);
	was = dup(STDERR_FILENO);
	heard = tmpfile();
	assert_non_null(heard);
	dup2(fileno(heard), STDERR_FILENO);
}

static void hear(void)
{
	size_t n;

	dup2(was, STDERR_FILENO);
	close(was);
	rewind(heard);
	n = fread(said, 1, sizeof(said) - 1, heard);
	said[n] = '\0';
	fclose(heard);
}

static bool number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	bool ok;

	listen_to_stderr();
	ok = argument_number("strata x", text, min, max, ret);
	hear();
	assert_true(ok == (said[0] == '\0'));
	return ok;
}

static bool seconds(const char *text, double min, double max, int64_t *ret)
{
	bool ok;

	listen_to_stderr();
	ok = argument_seconds("strata x", text, min, max, ret);
	hear();
	assert_true(ok == (said[0] == '\0'));
	return ok;
}

static void numbers_are_whole_and_in_their_range(void **state)
{
	static const char *const no[] = { "", "0", "11", "-1", "+5", " 5", "5 ",
		"5x", "x", "0x5", "5.0", "99999999999999999999" };
	int64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(number(no[i], 1, 10, &v));
	assert_int_equal(v, 77);
	assert_true(number("1", 1, 10, &v));
	assert_int_equal(v, 1);
	assert_true(number("010", 1, 10, &v));
	assert_int_equal(v, 10);
	assert_true(number("9223372036854775807", 1, INT64_MAX, &v));
	assert_true(v == INT64_MAX);
	assert_false(number("9223372036854775808", 1, INT64_MAX, &v));
}

static void seconds_may_have_fractions(void **state)
{
	static const char *const no[] = { "", ".", "0.009", "10.001", "-1",
		"+1", " 1", "1s", "1e1", "inf", "nan", "0x1", "1.2.3" };
	int64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(seconds(no[i], 0.01, 10, &v));
	assert_int_equal(v, 77);
	assert_true(seconds("0.5", 0.01, 10, &v));
	assert_int_equal(v, NS_PER_S / 2);
	assert_true(seconds(".01", 0.01, 10, &v));
	assert_int_equal(v, 10 * NS_PER_MS);
	assert_true(seconds("10", 0.01, 10, &v));
	assert_int_equal(v, (int64_t)10 * NS_PER_S);
	assert_true(seconds("0.0033", 0, 10, &v));
	assert_int_equal(v, 3300000);
}

static void what_is_wrong_is_named_with_what_would_be_right(void **state)
{
	int64_t v;

	(void)state;
	assert_false(number("abc", 1, 65535, &v));
	assert_string_equal(
	    said, "strata x: \"abc\" is not a number from 1 to 65535\n");
	assert_false(seconds("0", 0.05, 3600, &v));
	assert_string_equal(said,
	    "strata x: \"0\" is not a number of seconds from 0.05 to 3600\n");
}

static void the_first_signal_asks_and_the_second_ends(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction now;

	(void)state;
	assert_false(stop_wanted());
	stop_catch();
	assert_false(stop_wanted());
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		kill(getpid(), signals[i]);
		assert_true(stop_wanted());
		sigaction(signals[i], NULL, &now);
		assert_true(now.sa_handler == SIG_DFL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_and_in_their_range),
		cmocka_unit_test(seconds_may_have_fractions),
		cmocka_unit_test(
		    what_is_wrong_is_named_with_what_would_be_right),
		cmocka_unit_test(the_first_signal_asks_and_the_second_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
