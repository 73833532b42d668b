/*
 * log.c - one line for each thing worth saying
 */
#include "shm/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT_LEN = 1000, /* of what happened; longer ones are cut */
	LINE_LEN = 1400, /* below PIPE_BUF, so a pipe takes all or nothing */
};

/* A line under construction; what does not fit is left out. */
struct line {
	char text[LINE_LEN];
	size_t len;
};

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static_assert(sizeof(level_names) / sizeof(level_names[0]) == NLOG_LEVELS,
    "a name for each level");

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < NLOG_LEVELS ? level_names[level] : "?";
}

bool log_level_parse(enum log_level *ret, const char *text)
{
	for (unsigned i = 0; i < NLOG_LEVELS; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_open(
    struct log *ret, int fd, const char *name, const _Atomic uint32_t *level)
{
	tzset();
	*ret = (struct log){ .fd = fd, .name = name, .level = level };
}

__attribute__((format(printf, 2, 0))) static void vappend(
    struct line *l, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->text) - l->len;
	int n = vsnprintf(l->text + l->len, room, fmt, ap);

	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void append(
    struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vappend(l, fmt, ap);
	va_end(ap);
}

/*
 * What happened, on one line whatever strings went in: a name that an app or
 * the network chose must not fake a line of its own.
 */
__attribute__((format(printf, 2, 0))) static void append_text(
    struct line *l, const char *fmt, va_list ap)
{
	size_t from = l->len;

	vappend(l, fmt, ap);
	if (l->len > from + TEXT_LEN) {
		l->len = from + TEXT_LEN - 3;
		append(l, "...");
	}
	for (size_t i = from; i < l->len; i++) {
		if ((unsigned char)l->text[i] < ' ' || l->text[i] == 0x7f)
			l->text[i] = '?';
	}
}

static void append_head(
    struct line *l, const struct log *log, enum log_level level)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	append(l, "%02d:%02d:%02d.%03ld [%s] %s: ", tm.tm_hour, tm.tm_min,
	    tm.tm_sec, now.tv_nsec / 1000000, log_level_name(level), log->name);
}

/* A line that begins by telling what came to nothing before it. */
static void begin(struct line *l, const struct log *log, enum log_level level)
{
	l->len = 0;
	if (log->lost > 0) {
		append_head(l, log, LOG_WARN);
		append(l, "the log was too slow, lost=%llu\n",
		    (unsigned long long)log->lost);
	}
	append_head(l, log, level);
}

static void emit(struct log *log, struct line *l)
{
	int saved = errno;
	ssize_t n;

	append(l, "\n");
	do
		n = write(log->fd, l->text, l->len);
	while (n == -1 && errno == EINTR);

	if (n == -1) {
		log->lost++;
		log->lost_total++;
	} else {
		log->lost = 0;
	}
	errno = saved;
}

void log_write(struct log *log, enum log_level level, const char *file,
    int line, const char *fmt, ...)
{
	struct line l;
	va_list ap;

	begin(&l, log, level);
	va_start(ap, fmt);
	append_text(&l, fmt, ap);
	va_end(ap);
	append(&l, " (%s:%d)", file, line);
	emit(log, &l);
}

int log_write_errno(
    struct log *log, int err, const char *file, int line, const char *fmt, ...)
{
	/* Not strerror(): that may open a file of translations. */
	const char *why = strerrordesc_np(err);
	struct line l;
	va_list ap;

	if (!log_shows(log, LOG_ERROR))
		return -err;

	begin(&l, log, LOG_ERROR);
	va_start(ap, fmt);
	append_text(&l, fmt, ap);
	va_end(ap);
	if (why)
		append(&l, ": %s (%s:%d)", why, file, line);
	else
		append(&l, ": error %d (%s:%d)", err, file, line);
	emit(log, &l);
	return -err;
}

void log_write_field(struct log *log, const char *field, const char *fmt, ...)
{
	struct line l = { .len = 0 };
	va_list ap;

	append(&l, "    %s: ", field);
	va_start(ap, fmt);
	append_text(&l, fmt, ap);
	va_end(ap);
	emit(log, &l);
}
