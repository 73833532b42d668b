/*
 * rates.h - what moves in a stack, from two looks at it
 *
 * A look is the supervisor's answer to {"command": "pulse"} (sup_status.c):
 * counts since the stack began.  What people want to see is how fast they grow.
 */
#ifndef API_COMMAND_RATES_H
#define API_COMMAND_RATES_H

#include <jansson.h>

/*
 * From @before (NULL: there was none) to @now.  A new object:
 *
 *	name, uptime_us, supervisor_pid, interval_us, apps
 *	daemons	[{name, layer, pid, up, restarts, last_gap_us, rss,
 *		  cpu (percent), turns, wakeups}]
 *	links	[{name, device, interface, daemon,
 *		  rx_frames, rx_bytes, tx_frames, tx_bytes}]
 *	rings	[{from, to, kind, slots, fill, moved, full}]
 *	pools	[{daemon, slots, used}]: used is what its home has lent or
 *		what waits to be taken home
 *	drops, counters	[{daemon, name, count, rate}]
 *	events	[{daemon, at_us, gap_us}]: who took over in between, and the
 *		silence before it; of the supervisor it is not known (null)
 *
 * All but counts, fill and restarts is for a second; 0 without @before, and if
 * that was of another stack.  Nothing in the looks is trusted to be there.
 */
json_t *rates_between(const json_t *before, const json_t *now);

#endif /* API_COMMAND_RATES_H */
