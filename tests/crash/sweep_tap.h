/*
 * sweep_tap.h - what a daemon that is killed shows to who captures
 *
 * With the tap on, sweep_run() asks at each death: is each record that can be
 * seen one that the next instance stands by?  And at the end: is each packet
 * seen as often at each place as if nobody had died, and is each record that
 * was made there?
 */
#ifndef TESTS_CRASH_SWEEP_TAP_H
#define TESTS_CRASH_SWEEP_TAP_H

#include "tests/harness/rig.h"

/* From the next turn on all is recorded and measured. */
void sweep_tap_on(struct rig *r, const char *proc);

/*
 * Sentences, or NULL if all is well; also if the tap is off.
 *
 * _early: something can be seen in @killed that @later does not stand by.
 * _differs: what @r shows in the end is not what @ref does.
 */
const char *sweep_tap_early(
    const struct rig *killed, const struct rig *later, const char *proc);
const char *sweep_tap_differs(
    const struct rig *ref, const struct rig *r, const char *proc);

#endif /* TESTS_CRASH_SWEEP_TAP_H */
