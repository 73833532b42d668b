/*
 * dad.h - may we use this address? (RFC 4862, 5.4; RFC 7527; RFC 5227)
 *
 *	start        probes sent, nobody objected
 *	-----> TENTATIVE ------------------> VALID: announced twice
 *	           |                           |
 *	           | someone has it            | IPv4: someone insists
 *	           +--------> DUPLICATE <------+
 *
 * IPv6 asks DupAddrDetectTransmits times, a RetransTimer apart, the first time
 * at once; each probe has a nonce, so that our own probe coming back is known
 * (RFC 7527).  IPv4 asks only where the link wants it ("acd"), three times
 * within some seconds (RFC 5227, 2.1.1); without it it is valid at once.
 *
 * A valid IPv4 address is defended against whoever announces it too: with acd
 * once in ten seconds, and given up at the second conflict (RFC 5227, 2.4 b);
 * without acd it is held at any price (2.4 c), since such a link was not asked
 * to listen to anybody.  What to do about a conflict over a valid IPv6 address
 * RFC 4862 leaves open (5.4.4); it is only reported.
 *
 * One struct an address, flat, in memory that survives linkd; each change is
 * announced by touch().
 */
#ifndef LINKD_DAD_H
#define LINKD_DAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linkd/arp.h"
#include "linkd/eth.h"
#include "linkd/touch.h"
#include "shm/addr.h"
#include "shm/clock.h"

enum {
	DAD_NONCE_LEN = 6, /* the least that RFC 3971, 5.3.2 allows */

	/* RFC 5227, 1.1. */
	ACD_PROBE_WAIT_MS = 1000,
	ACD_PROBE_NUM = 3,
	ACD_PROBE_MIN_MS = 1000,
	ACD_PROBE_MAX_MS = 2000,
	ACD_ANNOUNCE_WAIT_MS = 2000,
	ACD_ANNOUNCE_NUM = 2,
	ACD_ANNOUNCE_INTERVAL_MS = 2000,
	ACD_DEFEND_INTERVAL_MS = 10000,
};

enum dad_state {
	DAD_NONE,      /* no address here */
	DAD_TENTATIVE, /* asking; may be neither used nor answered for */
	DAD_VALID,
	DAD_DUPLICATE, /* somebody else's */
	DAD_NSTATES,
};

/* Persistent. */
struct dad {
	struct ip_addr ip;
	struct mono deadline; /* of the next probe or announcement */
	struct mono conflict; /* the last one while VALID; 0: none */
	uint64_t random;      /* for delays; moves with each draw */
	uint64_t nonce_key;   /* the nonce of probe k follows from it */
	uint32_t retrans_ms;
	uint8_t state;       /* enum dad_state */
	uint8_t acd;         /* RFC 5227 was asked for */
	uint8_t sent;        /* probes sent */
	uint8_t probes;      /* probes to send */
	uint8_t to_announce; /* announcements to send */
	uint8_t looped;      /* a probe came back: more were added */
	struct mac rival;    /* who has it, if DUPLICATE or in conflict */
};

struct dad_conf {
	uint32_t transmits;  /* DupAddrDetectTransmits; IPv6 */
	uint32_t retrans_ms; /* RetransTimer; IPv6 */
	bool acd;            /* IPv4 */
};

/* Begin with @ip, whatever was there.  @seed is random and used once. */
void dad_start(struct dad *d, const struct touch *t, const struct ip_addr *ip,
    const struct dad_conf *conf, uint64_t seed, struct mono now);

/* The address is taken away. */
void dad_stop(struct dad *d, const struct touch *t);

/* False if a record found after a restart can't be one of ours. */
bool dad_makes_sense(const struct dad *d);

/* --- what happened --- */

enum dad_verdict {
	DAD_FINE,     /* nothing that concerns this address */
	DAD_LOOPED,   /* our own probe, sent back by the link; log it */
	DAD_CONFLICT, /* someone else claims it, we keep it; log it */
	DAD_LOST,     /* it is DUPLICATE now; stop using it, log it */
};

/*
 * A valid neighbour solicitation for our address.  @from_any: its source is
 * "::", so it is a probe.  @nonce is NULL if it has none; @mac is the sender.
 */
enum dad_verdict dad_heard_ns(struct dad *d, const struct touch *t,
    bool from_any, const uint8_t *nonce, size_t nonce_len,
    const struct mac *mac);

/* A valid neighbour advertisement for our address, not sent by ourselves. */
enum dad_verdict dad_heard_na(
    struct dad *d, const struct touch *t, const struct mac *mac);

/*
 * Any ARP message of the link.  @ours: its sender hardware address is one of
 * our interfaces' (hubs send our own back, RFC 5227, 2.1.1).
 */
enum dad_verdict dad_heard_arp(struct dad *d, const struct touch *t,
    const struct arp_hdr *arp, bool ours, struct mono now);

/* --- time --- */

enum dad_do {
	DAD_SEND_PROBE,    /* NS from "::" with nonce, or ARP probe */
	DAD_NOW_VALID,     /* may be used from now on */
	DAD_SEND_ANNOUNCE, /* NA to all nodes, or gratuitous ARP */
};

struct dad_action {
	enum dad_do what;
	uint8_t nonce[DAD_NONCE_LEN];
};

/* The next thing due at @now; false if there is none. */
bool dad_tick(struct dad *d, const struct touch *t, struct mono now,
    struct dad_action *ret);
struct mono dad_deadline(const struct dad *d);

const char *dad_state_name(enum dad_state s); /* "tentative", ... */

#endif /* LINKD_DAD_H */
