/*
 * topology.h - what is to run and how it is joined, as one flat struct
 *
 * topology_load() reads the JSON file, checks it as a whole and fills in every
 * default; nothing is created before that succeeds.  The struct has no
 * pointers: the supervisor puts a copy into a sealed memfd, and every daemon
 * finds its own line and its neighbours in it.  It is the contract from which
 * wiring.h computes where everything lies in shared memory.
 *
 * Numbers that a user may set have their unit in their name.
 */
#ifndef SHM_TOPOLOGY_H
#define SHM_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/addr.h"
#include "shm/topology_impair.h"
#include "shm/topology_tcp.h"

enum {
	TOPO_NAME_LEN = 16, /* with its NUL; IFNAMSIZ too */
	TOPO_MAX_PROCS = 16,
	TOPO_MAX_LINKS = 8,
	TOPO_MAX_ADDRS = 64,
	TOPO_MAX_ROUTES = 64,
	TOPO_MAX_RINGS = 64,
	TOPO_MAX_HOST = 8,
	TOPO_ERROR_LEN = 1024,

	TOPO_MTU_MIN = 68,    /* RFC 791; 1280 where the link has IPv6 */
	TOPO_MTU_MAX = 65521, /* the largest frame of 65,535 bytes, less 14 */
};

/* From the wire upwards: a ring "up" goes from a smaller to a larger one. */
enum layer {
	LAYER_LINK,
	LAYER_IP,
	LAYER_TCP,
	LAYER_UDP,
	NLAYERS,
};

enum device {
	DEVICE_TAP,
	DEVICE_PACKET,
	DEVICE_LOOPBACK,
	DEVICE_NULL,
	NDEVICES,
};

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	NLOG_LEVELS,
};

/* RFC 4861, section 10, for ARP and NDP alike. */
struct topo_neighbour {
	uint32_t reachable_ms; /* REACHABLE_TIME, 30,000; drawn x 0.5 to 1.5 */
	uint32_t retrans_ms;   /* RETRANS_TIMER, 1,000 */
	uint32_t delay_ms;     /* DELAY_FIRST_PROBE_TIME, 5,000 */
	uint32_t multicast_tries; /* MAX_MULTICAST_SOLICIT, 3 */
	uint32_t unicast_tries;   /* MAX_UNICAST_SOLICIT, 3 */
	uint32_t queue_bytes; /* packets waiting for one neighbour: 212,992 */
	uint32_t stale_s;     /* a STALE entry unused so long is dropped: 600 */
};

/* An address with the length of its on-link prefix. */
struct topo_addr {
	struct ip_addr ip;
	uint8_t plen; /* 0 to 32 for IPv4, 0 to 128 for IPv6 */
	uint8_t link; /* index into links[] */
};

struct topo_link {
	char name[TOPO_NAME_LEN];
	enum device device;
	char ifname[TOPO_NAME_LEN]; /* tap, packet: the kernel's interface */
	uint8_t mac[6];             /* ours; made from name+link if not given */
	bool mac_given;             /* else packet takes the interface's */
	uint32_t mtu;               /* bytes of IP in one frame */
	bool offload;               /* virtio_net_hdr with checksum, TSO, USO */
	bool acd;                   /* RFC 5227 probes before an IPv4 address */
	uint32_t
	    dad_transmits; /* RFC 4862 DupAddrDetectTransmits, 1; 0: no DAD */
	uint8_t proc;      /* index into procs[]: the linkd that owns it */
	struct topo_neighbour neighbour;
	struct topo_impair impair[NIMPAIR_WAYS];
	struct topo_addr host[TOPO_MAX_HOST]; /* tap: put on the host's side */
	uint8_t nhost;
};

struct topo_route {
	struct ip_addr net;
	struct ip_addr via; /* ip_any6 or ip_any4: on-link */
	uint32_t metric;    /* smaller wins among equal prefixes */
	uint32_t mtu;       /* 0: the link's */
	uint8_t plen;
	uint8_t link;
	bool has_via;
};

struct topo_proc {
	char name[TOPO_NAME_LEN];
	enum layer layer;
	enum log_level log;
	int32_t cpu;          /* -1: anywhere */
	uint32_t spin_us;     /* how long to look before sleeping */
	uint32_t small_slots; /* of 2 KiB */
	uint32_t big_slots;   /* of 68 KiB */
};

/* One way, one producer, one consumer; indices into procs[]. */
struct topo_ring {
	uint8_t from;
	uint8_t to;
	uint32_t slots; /* a power of two, 64 to 65,536 */
};

struct topo_icmp {
	uint32_t rate;  /* errors a second, 1,000 */
	uint32_t burst; /* 50 */
};

struct topo_reassembly {
	uint32_t timeout_ms; /* 60,000 (RFC 8200, 4.5; RFC 1122, 3.3.2) */
	uint32_t
	    max_bytes; /* memory cap of all datagrams in the making: 4 MiB */
};

struct topology {
	char name[TOPO_NAME_LEN];
	struct topo_proc procs[TOPO_MAX_PROCS];
	struct topo_link links[TOPO_MAX_LINKS];
	struct topo_addr addrs[TOPO_MAX_ADDRS]; /* ours */
	struct topo_route routes[TOPO_MAX_ROUTES];
	struct topo_ring rings[TOPO_MAX_RINGS];
	struct topo_icmp icmp;
	struct topo_reassembly reassembly;
	struct topo_tcp tcp;
	uint32_t hop_limit; /* default TTL and hop limit, 64 */
	bool forward;       /* between links */
	uint8_t nprocs, nlinks, naddrs, nroutes, nrings;
};

/*
 * Read and check @path ("-": standard input).
 *
 * Returns 0 and fills *@ret; or a negative errno and one sentence in @error
 * that names the place ("tap.json:12:17: links[0].mtu: ..."), with *@ret
 * untouched.  Creates nothing and opens nothing but the file.
 */
int topology_load(
    struct topology *ret, const char *path, char error[TOPO_ERROR_LEN]);

/* The same from @len bytes of text; @name stands for the file in sentences. */
int topology_parse(struct topology *ret, const char *text, size_t len,
    const char *name, char error[TOPO_ERROR_LEN]);

#endif /* SHM_TOPOLOGY_H */
