/*
 * web.h - between the files of `strata web`
 *
 *	web.c		arguments, which page
 *	web_page.html	the page, built into the command as it is
 *	web_live.c	a thread that looks at what moves, twenty times a second
 *	web_slow.c	a thread that asks for connections and latencies
 *
 * The threads look only while somebody watches (web_watched), so that a page
 * nobody has open costs nothing.
 */
#ifndef API_COMMAND_WEB_H
#define API_COMMAND_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 or a negative errno.  @stack stays where it is. */
int web_live_start(const char *stack);
int web_slow_start(const char *stack);

/*
 * What came after sample @since (0: all that is kept), as JSON, to be freed;
 * NULL: no memory.
 */
char *web_live(uint64_t since);
char *web_slow(void);

/* Somebody watches: now.  And: somebody has, a moment ago. */
void web_watch(void);
bool web_watched(void);

#endif /* API_COMMAND_WEB_H */
