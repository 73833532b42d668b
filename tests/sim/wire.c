/*
 * wire.c - a switch with long, slow, bad cables, and the devices on its ports
 */
#include "tests/sim/wire.h"

#include <stdlib.h>
#include <string.h>

#include "linkd/eth.h"
#include "linkd/vnet.h"
#include "shm/bytes.h"
#include "tests/sim/host.h"
#include "tests/sim/observe.h"
#include "tests/sim/pcap.h"
#include "tests/sim/sim.h"
#include "tests/sim/stranger.h"

enum {
	ETH_OFF_TYPE = 12,
	MAC_LAST = 5, /* the byte of a host's MAC that says which it is */
};

uint32_t wire_vnet(const struct sim *s)
{
	return s->plan.offload ? VNET_MAX_LEN : 0;
}

void wire_open(struct sim *s)
{
	struct wire *w = &s->wire;

	memset(w, 0, sizeof(*w));
	for (uint32_t i = 0; i < WIRE_PORTS; i++)
		w->port[i].tail = &w->port[i].head;
}

void wire_close(struct sim *s)
{
	struct wire *w = &s->wire;

	for (uint32_t i = 0; i < SIM_HOSTS; i++)
		for (struct frame *f = w->port[i].head; f != NULL;) {
			struct frame *next = f->next;

			free(f);
			f = next;
		}
	for (uint32_t i = 0; i < w->n; i++)
		free(w->heap[i]);
	free(w->heap);
	memset(w, 0, sizeof(*w));
}

/* ---- Frames on their way: a heap by time ---- */

static bool sooner(const struct frame *a, const struct frame *b)
{
	if (a->due.ns != b->due.ns)
		return a->due.ns < b->due.ns;
	return a->order < b->order;
}

static void push(struct wire *w, struct frame *f)
{
	uint32_t i = w->n++;

	if (w->n > w->room) {
		w->room = w->room ? 2 * w->room : 256;
		w->heap = realloc(w->heap, w->room * sizeof(struct frame *));
		if (w->heap == NULL)
			abort();
	}
	for (; i > 0 && sooner(f, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = f;
}

static struct frame *pop(struct wire *w)
{
	struct frame *first = w->heap[0];
	struct frame *last = w->heap[--w->n];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= w->n)
			break;
		if (child + 1 < w->n &&
		    sooner(w->heap[child + 1], w->heap[child]))
			child++;
		if (!sooner(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

/* ---- What befalls them ---- */

static int64_t since_start(const struct sim *s)
{
	return mono_since(s->now, s->start);
}

static bool is_cut(const struct sim *s, uint32_t host)
{
	int64_t t = since_start(s);

	for (uint32_t i = 0; i < s->plan.cuts; i++) {
		const struct plan_partition *c = &s->plan.cut[i];

		if (c->host == host && t >= c->begin_ns && t < c->end_ns)
			return true;
	}
	return false;
}

bool wire_whole(const struct sim *s)
{
	for (uint32_t i = 0; i < s->plan.hosts; i++)
		if (is_cut(s, i))
			return false;
	return true;
}

static bool too_large(const struct sim *s, const struct frame *f)
{
	const struct plan *p = &s->plan;
	uint32_t vnet = wire_vnet(s);
	uint32_t len = f->len - vnet - ETH_HDR_LEN;
	struct vnet v;

	if (p->narrow_mtu == 0 || since_start(s) < p->narrow_begin_ns ||
	    since_start(s) >= p->narrow_end_ns)
		return false;
	if (vnet > 0 && vnet_parse(&v, f->b, f->len - vnet) &&
	    v.gso != VNET_GSO_NONE)
		len = (uint32_t)v.gso_size + 40;
	return len > p->narrow_mtu;
}

static bool happens(struct sim *s, uint32_t of_10000)
{
	return of_10000 > 0 && random_below(&s->r, 10000) < of_10000;
}

/*
 * One bit: no checksum of ours misses that.  Ethernet's own headers and ARP
 * have none, and are left alone: a real frame has its FCS.
 */
static void spoil(struct sim *s, struct frame *f)
{
	uint32_t at = wire_vnet(s) + ETH_HDR_LEN;
	uint16_t type = be16_get(f->b + wire_vnet(s) + ETH_OFF_TYPE);

	if (type == ETH_TYPE_ARP || f->len <= at)
		return;
	at += random_below(&s->r, f->len - at);
	f->b[at] ^= (uint8_t)(1U << random_below(&s->r, 8));
	s->wire.corrupted++;
	note(s, "wire: h%u -> h%u: bit of byte %u flipped", f->from, f->to,
	    at - wire_vnet(s));
}

static bool is_lost(struct sim *s, const struct frame *f)
{
	const char *why = NULL;

	if (is_cut(s, f->from) || is_cut(s, f->to))
		why = "cut off";
	else if (f->from != STRANGER && too_large(s, f))
		why = "too large";
	else if (!s->ending && happens(s, s->plan.loss))
		why = "lost";
	if (why == NULL)
		return false;
	s->wire.lost++;
	note(s, "wire: h%u -> h%u: %u bytes %s", f->from, f->to, f->len, why);
	if (s->plan.narrow_told && f->from != STRANGER && too_large(s, f))
		stranger_complains(s, f);
	return true;
}

static void set_due(struct sim *s, struct frame *f, struct mono leaves)
{
	const struct plan *p = &s->plan;
	struct port *port = &s->wire.port[f->from];
	int64_t delay = p->delay_ns;

	if (p->jitter_ns > 0)
		delay += draw(s, 0, p->jitter_ns);
	f->due = mono_add(leaves, delay);
	if (!s->ending && happens(s, p->reorder)) {
		f->due = mono_add(f->due, draw_log(s, 1000, 20 * NS_PER_MS));
		return;
	}
	/* Cables keep the order. */
	if (mono_before(f->due, port->last_due[f->to]))
		f->due = port->last_due[f->to];
	port->last_due[f->to] = f->due;
}

/* A copy of the frame goes to @to. */
static void emit(
    struct sim *s, const struct frame *from, uint32_t to, struct mono leaves)
{
	struct frame *f = malloc(sizeof(*f) + from->len);

	if (f == NULL)
		abort();
	memcpy(f, from, sizeof(*f) + from->len);
	f->to = (uint8_t)to;
	f->order = s->wire.order++;
	if (is_lost(s, f)) {
		free(f);
		return;
	}
	if (!s->ending && happens(s, s->plan.corrupt))
		spoil(s, f);
	set_due(s, f, leaves);
	push(&s->wire, f);
}

static void emit_some(
    struct sim *s, const struct frame *f, uint32_t to, struct mono leaves)
{
	emit(s, f, to, leaves);
	if (!s->ending && happens(s, s->plan.duplicate)) {
		s->wire.doubled++;
		emit(s, f, to, leaves);
	}
}

static void to_its_hosts(struct sim *s, const struct frame *f, struct mono t)
{
	const uint8_t *mac = f->b + wire_vnet(s);

	for (uint32_t i = 0; i < WIRE_PORTS; i++)
		if (i != f->from && (i < s->plan.hosts || i == STRANGER) &&
		    ((mac[0] & 1) || mac[MAC_LAST] == i + 1))
			emit_some(s, f, i, t);
}

/* ---- A device sends ---- */

static int64_t wire_time(const struct sim *s, uint32_t bytes)
{
	return (int64_t)bytes * 8 * 1000 / s->plan.rate_mbit;
}

static uint32_t total(const struct iovec *iov, uint32_t niov)
{
	size_t len = 0;

	for (uint32_t i = 0; i < niov; i++)
		len += iov[i].iov_len;
	return (uint32_t)len;
}

static struct frame *gather(const struct iovec *iov, uint32_t niov)
{
	struct frame *f = malloc(sizeof(*f) + total(iov, niov));

	if (f == NULL)
		abort();
	memset(f, 0, sizeof(*f));
	for (uint32_t i = 0; i < niov; i++) {
		memcpy(f->b + f->len, iov[i].iov_base, iov[i].iov_len);
		f->len += (uint32_t)iov[i].iov_len;
	}
	return f;
}

static void look_at(struct sim *s, const struct frame *f)
{
	uint32_t at = wire_vnet(s) + ETH_HDR_LEN;
	const uint8_t *eth = f->b + wire_vnet(s);
	uint16_t type = be16_get(eth + ETH_OFF_TYPE);
	struct vnet v = { .gso_size = 0 };

	if (type != ETH_TYPE_IPV4 && type != ETH_TYPE_IPV6)
		return;
	if (wire_vnet(s) > 0 && !vnet_parse(&v, f->b, f->len - wire_vnet(s)))
		fail(s, "h%u: a bad virtio_net_hdr", f->from);
	observe(s, f->from, f->b + at, f->len - at, v.gso_size);
}

bool wire_send(
    struct sim *s, uint32_t from, const struct iovec *iov, uint32_t niov)
{
	struct port *p = &s->wire.port[from];
	uint32_t len = total(iov, niov);
	int64_t backlog = mono_since(p->free_at, s->now);
	struct frame *f;

	if (backlog > wire_time(s, s->plan.queue_bytes)) {
		p->refused = true;
		return false;
	}
	if (len < wire_vnet(s) + ETH_HDR_LEN)
		fail(s, "h%u sends a frame of %u bytes", from, len);
	f = gather(iov, niov);
	f->from = (uint8_t)from;
	if (backlog < 0)
		p->free_at = s->now;
	p->free_at = mono_add(p->free_at, wire_time(s, len));
	s->wire.sent++;
	trace(s, "wire: h%u sends %u bytes", from, len);
	pcap_frame(s, f->b + wire_vnet(s), f->len - wire_vnet(s));
	look_at(s, f);
	to_its_hosts(s, f, p->free_at);
	free(f);
	return true;
}

void wire_inject(
    struct sim *s, uint32_t from, uint32_t to, const uint8_t *p, uint32_t len)
{
	uint32_t vnet = wire_vnet(s);
	struct frame *f = malloc(sizeof(*f) + vnet + len);

	if (f == NULL)
		abort();
	memset(f, 0, sizeof(*f) + vnet);
	memcpy(f->b + vnet, p, len);
	f->len = vnet + len;
	f->from = (uint8_t)from;
	pcap_frame(s, p, len);
	emit_some(s, f, to, s->now);
	free(f);
}

/* ---- And receives ---- */

struct frame *wire_take(struct sim *s, uint32_t host)
{
	struct port *p = &s->wire.port[host];
	struct frame *f = p->head;

	if (f == NULL)
		return NULL;
	p->head = f->next;
	if (p->head == NULL)
		p->tail = &p->head;
	p->waiting--;
	return f;
}

static void arrive(struct sim *s, struct frame *f)
{
	struct port *p = &s->wire.port[f->to];

	if (f->to == STRANGER) {
		stranger_hears(s, f);
		free(f);
		return;
	}
	if (p->waiting >= s->plan.queue_frames) {
		s->wire.lost++;
		note(s, "wire: h%u's queue is full", f->to);
		free(f);
		return;
	}
	f->next = NULL;
	*p->tail = f;
	p->tail = &f->next;
	p->waiting++;
	host_readable(s->host[f->to]);
}

/* When the refused may try again. */
static struct mono room_at(const struct sim *s, const struct port *p)
{
	return mono_add(p->free_at, -wire_time(s, s->plan.queue_bytes / 2));
}

struct mono wire_next(const struct sim *s)
{
	struct mono t = s->wire.n > 0 ? s->wire.heap[0]->due : MONO_NEVER;

	for (uint32_t i = 0; i < s->plan.hosts; i++)
		if (s->wire.port[i].refused)
			t = mono_min(t, room_at(s, &s->wire.port[i]));
	return t;
}

void wire_run(struct sim *s)
{
	struct wire *w = &s->wire;

	while (w->n > 0 && mono_reached(w->heap[0]->due, s->now))
		arrive(s, pop(w));
	for (uint32_t i = 0; i < s->plan.hosts; i++) {
		struct port *p = &w->port[i];

		if (!p->refused || !mono_reached(room_at(s, p), s->now))
			continue;
		p->refused = false;
		host_writable(s->host[i]);
	}
}
