/*
 * toy.h - the smallest layer that does all that a turn can
 *
 * It stands where ipd does, between linkd and udpd, and keeps three objects.  A
 * packet's first byte says which of them it is for, its second what becomes of
 * it.  Each packet changes its object, and the object is shown, as an app's
 * socket would be, by words in the toy's published table.
 */
#ifndef TESTS_CRASH_TOY_H
#define TESTS_CRASH_TOY_H

#include "tests/crash/sweep.h"

enum {
	TOY_OBJECTS = 3,
	TOY_TURN = 3, /* packets in one turn */
};

enum toy_kind {
	TOY_UP,     /* the packet goes on, as it is */
	TOY_ANSWER, /* it goes home, and its object's numbers go down */
	TOY_BOTH,
	TOY_QUIET, /* it goes home */
};

struct toy_object {
	uint64_t packets;
	uint64_t sum; /* of all their bytes, in order */
	uint8_t last[48];
};

/* What the world may know of an object: never more than is committed. */
struct toy_word {
	_Atomic uint64_t packets;
	_Atomic uint64_t sum;
};

/* Mistakes, to see that they are found. */
enum toy_mistake {
	TOY_NO_MISTAKE,
	TOY_CHANGE_BEFORE_TOUCH,
	TOY_FORGET_TOUCH,
	TOY_SHOW_AT_ONCE,
	TOY_GIVE_BACK_TWICE_AFTER_DEATH,
	TOY_RECORD_AT_ONCE,
};
extern enum toy_mistake toy_mistake;

extern const struct sweep_daemon toy_daemon;

/* A rig for it. */
struct rig *toy_rig(void);

/* The same, and somebody traces it. */
struct rig *toy_rig_tapped(void);

/* linkd puts a packet into the toy's ring. */
void toy_put(struct rig *r, uint8_t object, enum toy_kind kind, const char *s);

#endif /* TESTS_CRASH_TOY_H */
