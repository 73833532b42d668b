/*
 * log.h - one line for each thing worth saying
 *
 *	12:34:56.789 [warn] ipd: no route, dst=203.0.113.9 (ipd/tx.c:88)
 *
 * A line is what happened and then key=value; file and line come by
 * themselves.  The level lies in memory that the supervisor writes, so it
 * changes while the daemon runs.  Below it nothing is formatted and no argument
 * is evaluated: a log_debug() on the packet path costs one relaxed load.
 *
 * Each line is one write(2) to a descriptor that should not block.  If it would
 * block the line is lost and counted, and the next one that gets through says
 * how many were: a slow reader of the log never slows the packets.
 */
#ifndef SHM_LOG_H
#define SHM_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/topology.h"

struct log {
	int fd;
	const char *name;              /* the daemon's; not copied */
	const _Atomic uint32_t *level; /* an enum log_level; NULL: LOG_INFO */
	uint64_t lost; /* lines since the last that was written */
	uint64_t lost_total;
};

/*
 * Fill in @ret.  To be called before the sandbox closes: it makes the C library
 * read the time zone, which the first line would otherwise do.
 */
void log_open(
    struct log *ret, int fd, const char *name, const _Atomic uint32_t *level);

/* True if @log shows @level.  A NULL @log is silent. */
static inline bool log_shows(const struct log *log, enum log_level level)
{
	if (!log)
		return false;
	if (!log->level)
		return level <= LOG_INFO;
	return level <= atomic_load_explicit(log->level, memory_order_relaxed);
}

#define log_error(log, ...) LOG_LINE_(log, LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...)  LOG_LINE_(log, LOG_WARN, __VA_ARGS__)
#define log_info(log, ...)  LOG_LINE_(log, LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) LOG_LINE_(log, LOG_DEBUG, __VA_ARGS__)

/*
 * log_errno(log, err, fmt, ...): an error line that ends in what errno @err
 * means.  Returns -@err, so that the sentence and the code can't part:
 *
 *	if (fd == -1)
 *		return log_errno(log, errno, "can't open %s", path);
 */
#define log_errno(log, err, ...) \
	log_write_errno(log, err, __FILE__, __LINE__, __VA_ARGS__)

/*
 * log_field(log, "ttl", "%u", h->ttl): one line "    ttl: 64", of level debug,
 * under the line that says whose header it is.
 */
#define log_field(log, field, ...)                                \
	do {                                                      \
		if (log_shows(log, LOG_DEBUG))                    \
			log_write_field(log, field, __VA_ARGS__); \
	} while (0)

#define LOG_LINE_(log, lv, ...)                                              \
	do {                                                                 \
		if (log_shows(log, lv))                                      \
			log_write(log, lv, __FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);

/* The reverse; false and *@ret untouched if @text names none. */
bool log_level_parse(enum log_level *ret, const char *text);

/* What the macros call; @file and @line are the caller's. */
void log_write(struct log *log, enum log_level level, const char *file,
    int line, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int log_write_errno(struct log *log, int err, const char *file, int line,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void log_write_field(struct log *log, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* SHM_LOG_H */
