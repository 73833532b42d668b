/*
 * topology_link.c - the links of a topology
 */
#include <string.h>

#include "shm/names.h"
#include "shm/topology_mac.h"
#include "shm/topology_parts.h"

static const char *const LINK_KEYS[] = {
	"name",
	"device",
	"interface",
	"mac",
	"mtu",
	"offload",
	"acd",
	"dad_transmits",
	"proc",
	"addresses",
	"host",
	"neighbours",
	"impair",
	NULL,
};

static const char *const NEIGHBOUR_KEYS[] = {
	"reachable_ms",
	"retrans_ms",
	"delay_ms",
	"multicast_tries",
	"unicast_tries",
	"queue_bytes",
	"stale_s",
	NULL,
};

static const struct limits MTU = {
	"mtu",
	TOPO_MTU_MIN,
	TOPO_MTU_MAX,
	.why_min = "the smallest an IPv4 link may have (RFC 791)",
	.why_max = "what fits into a frame of 65,535 bytes",
};
static const struct limits DAD_TRANSMITS = { .key = "dad_transmits", 0, 10 };

static const struct limits REACHABLE_MS = {
	.key = "reachable_ms",
	100,
	3600000,
};
static const struct limits RETRANS_MS = { .key = "retrans_ms", 10, 60000 };
static const struct limits DELAY_MS = { .key = "delay_ms", 10, 60000 };
static const struct limits MULTICAST_TRIES = {
	.key = "multicast_tries",
	1,
	20,
};
static const struct limits UNICAST_TRIES = { .key = "unicast_tries", 1, 20 };
static const struct limits QUEUE_BYTES = {
	.key = "queue_bytes", 2048, 16 << 20
};
static const struct limits STALE_S = { .key = "stale_s", 1, 86400 };

int link_by_name(const struct topology *t, const char *name)
{
	for (int i = 0; i < t->nlinks; i++)
		if (strcmp(t->links[i].name, name) == 0)
			return i;
	return -1;
}

static void number_read(
    struct reader *r, const struct limits *l, uint32_t *value)
{
	*value = (uint32_t)reader_number(r, l, *value);
}

void neighbour_read(struct reader *r, struct topo_neighbour *n)
{
	*n = (struct topo_neighbour){
		.reachable_ms = 30000,
		.retrans_ms = 1000,
		.delay_ms = 5000,
		.multicast_tries = 3,
		.unicast_tries = 3,
		.queue_bytes = 212992,
		.stale_s = 600,
	};
	if (!reader_enter(r, "neighbours"))
		return;
	if (reader_object(r, NEIGHBOUR_KEYS)) {
		number_read(r, &REACHABLE_MS, &n->reachable_ms);
		number_read(r, &RETRANS_MS, &n->retrans_ms);
		number_read(r, &DELAY_MS, &n->delay_ms);
		number_read(r, &MULTICAST_TRIES, &n->multicast_tries);
		number_read(r, &UNICAST_TRIES, &n->unicast_tries);
		number_read(r, &QUEUE_BYTES, &n->queue_bytes);
		number_read(r, &STALE_S, &n->stale_s);
	}
	reader_leave(r);
}

/* The kernel's own rules for the name of an interface. */
static void interface_check(struct reader *r, const char *s)
{
	if (*s == '\0')
		reader_fail(r, "an interface's name must not be empty");
	else if (strlen(s) >= TOPO_NAME_LEN)
		reader_fail(r,
		    "\"%.40s\" is longer than %d characters, "
		    "which the kernel does not allow",
		    s, TOPO_NAME_LEN - 1);
	else if (strpbrk(s, "/: \t\r\n\v\f%") || strcmp(s, ".") == 0 ||
	    strcmp(s, "..") == 0)
		reader_fail(r, "\"%s\" can not name an interface", s);
}

static void interface_unique(
    struct reader *r, const struct topology *t, const char *ifname)
{
	for (int i = 0; i < t->nlinks; i++)
		if (strcmp(t->links[i].ifname, ifname) == 0)
			reader_fail(r, "links[%d] has the interface \"%s\" too",
			    i, ifname);
}

static void interface_read(
    struct reader *r, const struct topology *t, struct topo_link *l)
{
	const char *s = l->name;
	bool kernel = l->device == DEVICE_TAP || l->device == DEVICE_PACKET;
	bool given = l->device == DEVICE_PACKET ? reader_need(r, "interface")
						: reader_enter(r, "interface");

	if (given && !kernel)
		reader_fail(
		    r, "a %s device has no interface", device_name(l->device));
	if (given) {
		s = reader_text(r);
		interface_check(r, s);
	}
	if (kernel && r->err == 0) {
		memcpy(l->ifname, s, strlen(s) + 1);
		interface_unique(r, t, s);
	}
	if (given)
		reader_leave(r);
}

static void mac_read(
    struct reader *r, const struct topology *t, struct topo_link *l)
{
	static const uint8_t zero[6];

	mac_derive(l->mac, t->name, l->name);
	if (!reader_enter(r, "mac"))
		return;
	if (!mac_parse(l->mac, reader_text(r)))
		reader_fail(r,
		    "\"%.40s\" is not a MAC address such as "
		    "02:00:00:00:00:02",
		    reader_text(r));
	else if (memcmp(l->mac, zero, 6) == 0)
		reader_fail(r, "a MAC address must not be zero");
	else if (l->mac[0] & 1)
		reader_fail(r,
		    "\"%s\" is the address of a group; its first "
		    "byte must be even",
		    reader_text(r));
	l->mac_given = true;
	reader_leave(r);
}

/* The linkd that has the link; without the key, the only one there is. */
static uint8_t owner_read(struct reader *r, const struct topology *t)
{
	int owner = -1, n = 0;

	if (reader_enter(r, "proc")) {
		const char *s = reader_text(r);

		owner = proc_by_name(t, s);
		if (owner < 0)
			reader_fail(r, "there is no process \"%.40s\"", s);
		else if (t->procs[owner].layer != LAYER_LINK)
			reader_fail(r,
			    "\"%s\" is %s, but only a linkd can "
			    "have a link",
			    s, layer_name(t->procs[owner].layer));
		reader_leave(r);
		return owner < 0 ? 0 : (uint8_t)owner;
	}
	for (int i = 0; i < t->nprocs; i++) {
		if (t->procs[i].layer == LAYER_LINK) {
			owner = i;
			n++;
		}
	}
	if (n > 1)
		reader_fail(r,
		    "there are %d linkds; say which of them has "
		    "this link with \"proc\"",
		    n);
	return owner < 0 ? 0 : (uint8_t)owner;
}

static void device_read(
    struct reader *r, const struct topology *t, struct topo_link *l)
{
	bool loopback;

	l->device = (enum device)reader_choice(
	    r, "device", device_by_name, "tap, packet, loopback, null", -1);
	loopback = l->device == DEVICE_LOOPBACK;
	interface_read(r, t, l);
	mac_read(r, t, l);
	l->mtu =
	    (uint32_t)reader_number(r, &MTU, loopback ? TOPO_MTU_MAX : 1500);
	l->offload = reader_bool(r, "offload", true);
	l->acd = reader_bool(r, "acd", false);
	/* There is nobody else on a loopback link to ask. */
	l->dad_transmits =
	    (uint32_t)reader_number(r, &DAD_TRANSMITS, loopback ? 0 : 1);
}

/* Only a device has a wire. */
static void wire_read(struct reader *r, struct topo_link *l)
{
	bool wire = l->device == DEVICE_TAP || l->device == DEVICE_PACKET;

	impair_read(r, l->impair);
	if (!wire && reader_enter(r, "impair")) {
		reader_fail(r, "a %s device has no wire to impair",
		    device_name(l->device));
		reader_leave(r);
	}
}

void link_read(struct reader *r, struct topology *t)
{
	struct topo_link *l = &t->links[t->nlinks];

	if (!reader_object(r, LINK_KEYS))
		return;
	reader_name(r, "name", l->name);
	if (r->err == 0 && link_by_name(t, l->name) >= 0)
		reader_fail_at(r, "links", t->nlinks, "name",
		    "another link is named \"%s\" too", l->name);
	device_read(r, t, l);
	l->proc = owner_read(r, t);
	neighbour_read(r, &l->neighbour);
	wire_read(r, l);
	addresses_read(r, t);
	t->nlinks++;
}
