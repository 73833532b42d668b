/*
 * arguments.h - what subcommands take: numbers, times, and signals
 *
 * A word that will not do is named in a sentence on standard error, behind the
 * name of @tool ("strata ping"), with what would have done.
 */
#ifndef API_COMMAND_ARGUMENTS_H
#define API_COMMAND_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number from @min to @max; false after a sentence. */
bool argument_number(
    const char *tool, const char *text, int64_t min, int64_t max, int64_t *ret);
bool argument_int(
    const char *tool, const char *text, int min, int max, int *ret);

/* Seconds, perhaps a fraction of them, as nanoseconds; the same. */
bool argument_seconds(const char *tool, const char *text, double min,
    double max, int64_t *ret_ns);

/*
 * From now on Ctrl-C and its like (SIGINT, SIGTERM, SIGHUP) do not end us but
 * make stop_wanted() true; a second one ends us, should we be stuck.
 */
void stop_catch(void);
bool stop_wanted(void);

#endif /* API_COMMAND_ARGUMENTS_H */
