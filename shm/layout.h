/*
 * layout.h - what lies in memory that two processes share
 *
 * The whole contract between the daemons is this file, with ring halves placed
 * by wiring.h.  Every word here has one writer, named beside it; whoever else
 * reads it copies it once, checks the copy, and never asserts on it.
 *
 *	X.out    written by X: head, published table, ring halves of X
 *	X.priv   written and read by X alone: turn.h, then the layer's own state
 *	X.pool   packet slots; written by X and by the layers below it on the
 *	         way to the wire
 *	X.tap    written by X: what it shows of its packets (tap.h), how long
 *	         they take (measure.h)
 *	sup.out  written by the supervisor: log levels, what taps record, bad
 *	         wires
 *
 * Nothing in shared memory is a pointer.  All processes of a stack are built
 * from one tree; LAYOUT_VERSION changes with every change of meaning here, and
 * a daemon refuses segments of another version.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/topology.h"

enum {
	LAYOUT_VERSION = 8,
	LAYOUT_MAGIC = 0x73747261, /* "stra" */

	CACHE_LINE = 64,

	SMALL_SLOT = 2048,    /* bytes */
	BIG_SLOT = 68 * 1024, /* a super-frame of 65,535 and its headers */

	/*
	 * Bytes that a transport leaves free in front of its header, for IP
	 * with an extension header, Ethernet and virtio_net_hdr.
	 */
	SLOT_HEADROOM = 128,

	MAX_COUNTERS = 160,
	COUNTER_NAME_LEN = 32,

	LINK_ANY = 0xff,
};

/* What a descriptor carries. */
enum pkt_kind {
	PKT_DATA,   /* a packet, as the ring's direction says */
	PKT_ERROR,  /* an ICMP error: that came up, or is to be sent */
	PKT_RETURN, /* return rings only: a slot goes home */
	PKT_RAW,    /* a whole IP packet, copied for ping and raw sockets */
	NPKT_KINDS,
};

enum pkt_flag {
	/*
	 * The transport checksum field holds only the pseudo header's sum (not
	 * complemented); csum_start and csum_offset say where to finish it.
	 * From a transport to ipd, before the addresses are final, the field's
	 * content does not matter and csum_start is 0.
	 */
	PKT_CSUM_PARTIAL = 1 << 0,
	PKT_CSUM_VALID = 1 << 1,     /* rx: already verified below */
	PKT_DONT_FRAGMENT = 1 << 2,  /* tx: DF (RFC 1191), no IPv6 fragments */
	PKT_LOOP = 1 << 3,           /* tx: to ourselves; rx: from ourselves */
	PKT_LINK_BROADCAST = 1 << 4, /* rx: to a broadcast or multicast MAC */
	PKT_BROADCAST_OK = 1 << 5,   /* tx: the sender may broadcast */
	PKT_MULTICAST_LOOP = 1 << 6, /* tx: our own members get a copy */
	PKT_CONFIRM = 1 << 7,   /* tx: the next hop was heard (4861 7.3.1) */
	PKT_REFS = 1 << 8,      /* tx: payload follows in the app's ring */
	PKT_GSO_ECN = 1 << 9,   /* super-frame with CWR in its first piece */
	PKT_NO_ROUTE = 1 << 10, /* tx: on-link only (SO_DONTROUTE) */
	PKT_HDRINCL = 1 << 11,  /* tx: begins with the app's IPv4 header */
};

/*
 * A packet's descriptor: where it lies and what is known about it.
 *
 *	ring                 the slot holds              src, dst
 *	linkd -> ipd
 *	  PKT_DATA           an IP packet                not set
 *	  PKT_ERROR          an IP packet for which      not set
 *	                     no neighbour was found
 *	ipd -> transport
 *	  PKT_DATA           transport header, data      of the IP header
 *	  PKT_ERROR          transport header, data of   of that packet:
 *	                     the packet it is about,     src is ours, or
 *	                     as far as quoted            "any" as it was
 *	  PKT_RAW            an IP packet; l4 says       of the IP header
 *	                     where proto's header is
 *	transport -> ipd
 *	  PKT_DATA           transport header, data      to be sent; src may
 *	                                                 be "any"
 *	  PKT_ERROR          transport header, data      as received: src is
 *	                     as received                 the peer, dst ours
 *	ipd -> linkd
 *	  PKT_DATA           an IP packet                dst is the next hop
 *
 * A transport's PKT_ERROR asks for an ICMP error about what it received, with
 * icmp_type and icmp_code of the packet's family; flags, link, proto, hops and
 * tclass are those that came up with it, from which ipd makes the quoted IP
 * header again.  Whether it is sent is for the rules and the rate limit.
 */
struct desc {
	uint16_t slot; /* in the home's pool */
	uint8_t pool;  /* home: index into procs[] */
	uint8_t kind;  /* enum pkt_kind */
	uint32_t len;  /* bytes in the slot, from off */
	uint16_t off;  /* first byte in the slot */
	uint16_t flags;
	uint8_t link;   /* rx: came in by; tx: goes out by, or LINK_ANY */
	uint8_t proto;  /* IP protocol number */
	uint8_t hops;   /* TTL or hop limit; tx: 0 for the default */
	uint8_t tclass; /* TOS or traffic class, with ECN */
	union {
		struct {
			uint16_t
			    gso_size; /* payload of each piece; 0: no GSO */
			uint16_t l4;  /* IP header's length with options */
			uint16_t csum_start;  /* from off */
			uint16_t csum_offset; /* from csum_start */
		};
		struct {
			uint8_t icmp_type; /* PKT_ERROR */
			uint8_t icmp_code;
			/*
			 * From off back to the address, in the slot, of who
			 * says so (of src's family); 0: we ourselves.
			 */
			uint16_t icmp_from;
			uint32_t icmp_info; /* next-hop MTU or pointer */
		};
	};
	uint64_t stamp; /* ns, CLOCK_MONOTONIC: put into this ring */
	struct ip_addr src;
	struct ip_addr dst;
};

static_assert(sizeof(struct desc) == 64, "one cache line");

/*
 * Payload that is not in the slot: bytes of an app's a2s segment.  With
 * PKT_REFS two of these stand at the very start of the slot.
 */
struct ref {
	uint32_t off;
	uint16_t len;
	uint16_t app;
};

static_assert(sizeof(struct ref) == 8, "shared layout");

/* The halves of a ring; which segment and where: wiring.h. */
struct ring_prod {
	alignas(CACHE_LINE) _Atomic uint32_t prod; /* producer */
	_Atomic uint32_t full; /* producer: how often it found no room */
	alignas(CACHE_LINE) struct desc entry[]; /* producer */
};

struct ring_cons {
	alignas(CACHE_LINE) _Atomic uint32_t cons; /* consumer */
};

static_assert(offsetof(struct ring_prod, entry) == CACHE_LINE, "layout");
static_assert(sizeof(struct ring_cons) == CACHE_LINE, "layout");

/* Why a daemon must be woken although it sleeps. */
enum asleep {
	ASLEEP = 1 << 0,    /* for a new entry in a ring it drains */
	WANT_ROOM = 1 << 1, /* also for room in a ring it feeds, or a slot */
};

struct counter_name {
	char name[COUNTER_NAME_LEN]; /* "rx_vlan"; empty: not used */
	uint8_t drop;                /* 1: each count is a packet refused */
	uint8_t pad[7];
};

/* The first thing in every X.out; X writes all of it. */
struct out_head {
	uint32_t magic;
	uint32_t version;
	uint32_t layer;
	_Atomic uint32_t pid;
	alignas(CACHE_LINE) _Atomic uint32_t asleep; /* enum asleep */
	alignas(CACHE_LINE) _Atomic uint64_t turns;  /* committed; heartbeat */
	_Atomic uint64_t wakeups;
	_Atomic uint64_t recoveries; /* attaches that found state */
	_Atomic int64_t up_since;    /* ns, CLOCK_MONOTONIC: took over */
	_Atomic uint32_t small_free; /* of its own pool */
	_Atomic uint32_t big_free;
	_Atomic uint32_t held; /* slots in use outside rings */
	_Atomic uint32_t ncounters;
	alignas(CACHE_LINE) _Atomic uint64_t counter[MAX_COUNTERS];
	struct counter_name counter_name[MAX_COUNTERS];
};

/*
 * Are the hooks compiled in?  All that daemons and library do for who looks at
 * packets asks this first, so that `make HOOKLESS=1` leaves nothing of it in
 * their way: by that build one sees what the hooks cost.
 */
enum {
#ifdef STRATA_NO_TAP
	TAP_HOOKS = 0,
#else
	TAP_HOOKS = 1,
#endif
};

enum tap_flag {
	TAP_DROPS = 1 << 0, /* packets that are dropped, wherever */
	/* All that comes and goes by rings, notes, ends of turns. */
	TAP_TRACE = 1 << 1,
	TAP_MEASURE = 1 << 2, /* no records by itself */
};

/*
 * What all connections that capture want together.  A daemon looks once a turn,
 * at `on` first.  The words need not fit together: each is only a wish.
 */
struct tap_switch {
	_Atomic uint32_t on;      /* 0: nobody wants anything */
	_Atomic uint32_t flags;   /* enum tap_flag */
	_Atomic uint32_t snap;    /* bytes of each packet */
	_Atomic uint32_t devices; /* a bit for each link */
	_Atomic uint64_t rings;   /* a bit for each of the topology's rings */
	/* TAP_MEASURE since then: what was stamped before means nothing. */
	_Atomic int64_t measured; /* ns, CLOCK_MONOTONIC */
};

/*
 * Bad wires, as they were last changed by a command.  set[turn & 1] holds; the
 * other is written, and then the turn: a reader never sees half a change, nor
 * does one that a dead supervisor began.
 */
struct sup_impair {
	_Atomic uint32_t turn; /* 0: as in the topology */
	struct topo_impair set[2][TOPO_MAX_LINKS][NIMPAIR_WAYS];
};

/* The only segment that the supervisor writes while daemons run. */
struct sup_out {
	uint32_t magic;
	uint32_t version;
	int64_t started; /* ns, CLOCK_MONOTONIC: the stack's first moment */
	_Atomic uint32_t log_level[TOPO_MAX_PROCS]; /* enum log_level */
	/* ns from the death of the last process to its successor's CTL_UP. */
	_Atomic int64_t gap[TOPO_MAX_PROCS];
	struct tap_switch tap;
	struct sup_impair impair;
};

#endif /* SHM_LAYOUT_H */
