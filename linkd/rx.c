/*
 * rx.c - frames from the devices: ARP, NDP, or up to ipd
 *
 * A frame lies in the armed slot into which it was read.  A short one is
 * copied to a small slot and its own armed again; a long one goes up as it is,
 * and a fresh slot is armed in its place.
 */
#include "linkd/rx.h"

#include <errno.h>
#include <netinet/in.h>

#include "linkd/arp.h"
#include "linkd/hear.h"
#include "linkd/show.h"
#include "linkd/soft.h"
#include "linkd/tapped.h"

enum {
	RX_DUE_TURN = 512, /* frames out of a bad wire in one turn */
};

/* One received frame and what is known about it. */
struct frame {
	struct armed *a;  /* NULL: it comes from a bad wire */
	const uint8_t *p; /* the Ethernet header */
	size_t len;
	struct eth_hdr eth;
	struct vnet vnet;
	uint8_t link;
};

static struct ring_out *up_ring(struct linkd *x)
{
	return node_out(&x->n, LAYER_IP, 0);
}

static void drop(struct linkd *x, enum linkd_counter why)
{
	node_count(&x->n, why);
}

/* ---- Up ---- */

static uint16_t up_flags(const struct frame *f)
{
	uint16_t flags = 0;

	if (f->vnet.csum_partial)
		flags |= PKT_CSUM_PARTIAL;
	if (f->vnet.csum_valid)
		flags |= PKT_CSUM_VALID;
	if (f->vnet.ecn)
		flags |= PKT_GSO_ECN;
	if (mac_is_multicast(&f->eth.dst))
		flags |= PKT_LINK_BROADCAST;
	return flags;
}

/* The armed slot itself goes up; a fresh one takes its place. */
static bool swap_slot(struct linkd *x, struct armed *a, struct desc *d)
{
	struct desc fresh;

	if (node_alloc(&x->n, BIG_SLOT, &fresh) == NULL)
		return false;
	d->pool = (uint8_t)x->n.self;
	d->slot = (uint16_t)a->slot;
	a->slot = fresh.slot;
	return true;
}

void rx_stage(struct linkd *x, const struct desc *d, const uint8_t *p)
{
	struct desc up = *d;
	uint8_t *slot;

	up.off = RX_IP_OFF;
	slot = node_alloc(&x->n, RX_IP_OFF + d->len, &up);
	if (slot == NULL) {
		drop(x, CNT_RX_NO_SLOT);
		return;
	}
	memcpy(slot + RX_IP_OFF, p, d->len);
	node_count(&x->n, CNT_RX_IP);
	node_put(&x->n, up_ring(x), &up);
}

static void rx_up(struct linkd *x, const struct frame *f)
{
	struct desc d = {
		.kind = PKT_DATA,
		.off = RX_IP_OFF,
		.len = (uint32_t)f->len - ETH_HDR_LEN,
		.link = f->link,
		.flags = up_flags(f),
		.gso_size = f->vnet.gso_size,
	};

	if (f->vnet.csum_partial) {
		d.csum_start = (uint16_t)(f->vnet.csum_start - ETH_HDR_LEN);
		d.csum_offset = f->vnet.csum_offset;
	}
	if (f->a == NULL || RX_IP_OFF + d.len <= SMALL_SLOT) {
		rx_stage(x, &d, f->p + ETH_HDR_LEN);
		return;
	}
	if (!swap_slot(x, f->a, &d)) {
		drop(x, CNT_RX_NO_SLOT);
		return;
	}
	node_count(&x->n, CNT_RX_IP);
	node_put(&x->n, up_ring(x), &d);
}

/* What comes without super-frames is joined to some here. */
static void rx_ip(struct linkd *x, const struct frame *f)
{
	if (f->vnet.csum_partial) {
		merge_flush(x);
		rx_up(x, f);
		return;
	}
	if ((x->dev[f->link].vnet_len > 0 && f->a != NULL) ||
	    !merge_add(x, f->link, up_flags(f), f->p + ETH_HDR_LEN,
		f->len - ETH_HDR_LEN))
		rx_up(x, f);
	else
		node_note(&x->n, "held for what else of it this turn brings");
}

bool rx_loop(struct linkd *x, const struct packet *p, const struct desc *d)
{
	const uint16_t keep = PKT_LOOP | PKT_CSUM_PARTIAL | PKT_CSUM_VALID |
	    PKT_GSO_ECN | PKT_LINK_BROADCAST;
	struct desc up = {
		.kind = PKT_DATA,
		.off = RX_IP_OFF,
		.len = p->len,
		.link = d->link,
		.flags = d->flags & keep,
		.gso_size = p->gso_size,
		.csum_start = p->csum_start,
		.csum_offset = p->csum_offset,
	};
	uint8_t *slot;

	if (RX_IP_OFF + p->len > BIG_SLOT) {
		drop(x, CNT_TX_OVER_MTU);
		return true;
	}
	if (turn_full(&x->n.turn))
		return false;
	/*
	 * Never wait here for room upwards: ipd may be waiting for room in the
	 * very ring that this packet came by, and the two for ever.  Like any
	 * device, this one has a queue, and drops what is too much for it.
	 */
	slot = node_room(&x->n, up_ring(x), 1)
	    ? node_alloc(&x->n, RX_IP_OFF + p->len, &up)
	    : NULL;
	if (slot == NULL) {
		drop(x, CNT_TX_LOOP_FULL);
		return true;
	}
	spans_copy(slot + RX_IP_OFF, p->s, p->ns, 0, p->len);
	node_put(&x->n, up_ring(x), &up);
	node_count(&x->n, CNT_TX_LOOP);
	return true;
}

/* ---- One frame ---- */

static void rx_ipv6(struct linkd *x, const struct frame *f)
{
	const uint8_t *p = f->p + ETH_HDR_LEN;
	size_t len = f->len - ETH_HDR_LEN;
	struct peek ip;

	if (peek_ip(&ip, p, len) && hear_is_ndp(&ip, p, len))
		hear_ndp(x, f->link, &f->eth, &ip, p);
	else
		rx_ip(x, f);
}

static bool is_for_us(const struct linkd *x, const struct frame *f)
{
	struct mac mine = link_mac(x, f->link);

	return mac_equal(&f->eth.dst, &mine) || mac_is_broadcast(&f->eth.dst) ||
	    (mac_is_multicast(&f->eth.dst) &&
		groups_has(&x->groups[f->link], &f->eth.dst));
}

static void rx_frame(struct linkd *x, const struct frame *f)
{
	if (!is_for_us(x, f)) {
		drop(x, CNT_RX_NOT_FOR_US);
		return;
	}
	switch (f->eth.type) {
	case ETH_TYPE_ARP:
		hear_arp(x, f->link, &f->eth, f->p + ETH_HDR_LEN,
		    f->len - ETH_HDR_LEN);
		return;
	case ETH_TYPE_IPV4:
		rx_ip(x, f);
		return;
	case ETH_TYPE_IPV6:
		rx_ipv6(x, f);
		return;
	}
	drop(x, CNT_RX_UNKNOWN_TYPE);
}

static bool rx_eth(struct linkd *x, struct frame *f)
{
	switch (eth_parse(&f->eth, f->p, f->len)) {
	case ETH_OK:
		return true;
	case ETH_SHORT:
		drop(x, CNT_RX_SHORT);
		return false;
	case ETH_BAD_SRC:
		drop(x, CNT_RX_BAD_SRC);
		return false;
	case ETH_LLC:
		drop(x, CNT_RX_LLC);
		return false;
	case ETH_VLAN:
		drop(x, CNT_RX_VLAN);
		return false;
	}
	return false;
}

/* What the kernel left undone must lie behind the Ethernet header. */
static bool rx_vnet(
    struct linkd *x, struct frame *f, const uint8_t *vnet, size_t vnet_len)
{
	if (vnet_len == 0 ||
	    (vnet_parse(&f->vnet, vnet, f->len) &&
		(!f->vnet.csum_partial || f->vnet.csum_start >= ETH_HDR_LEN)))
		return true;
	drop(x, CNT_RX_BAD_OFFLOAD);
	return false;
}

/*
 * What a packet socket says in a bit beside the frame.  A checksum left open
 * that is neither TCP's nor UDP's never left this machine: it can't be wrong.
 */
static void rx_unsaid(
    const struct linkd *x, struct frame *f, const struct rx_buf *b)
{
	if (b->csum_open && x->dev[f->link].vnet_len == 0)
		f->vnet.csum_valid = !soft_open(
		    &f->vnet, f->p, f->len, x->n.topo->links[f->link].mtu);
	else if (!f->vnet.csum_partial)
		f->vnet.csum_valid |= b->csum_valid;
}

/* On the bad wire first, as it would be on any. */
static void rx_impaired(struct linkd *x, const struct frame *f)
{
	struct packet p = {
		.s = { { f->p + ETH_HDR_LEN, f->len - ETH_HDR_LEN } },
		.ns = 1,
		.len = (uint32_t)f->len - ETH_HDR_LEN,
		.gso_size = f->vnet.gso_size,
		.version = f->eth.type == ETH_TYPE_IPV6 ? 6 : 4,
		.proto =
		    f->vnet.gso == VNET_GSO_UDP ? IPPROTO_UDP : IPPROTO_TCP,
	};

	if (f->vnet.csum_partial) {
		p.flags = PKT_CSUM_PARTIAL;
		p.csum_start = (uint16_t)(f->vnet.csum_start - ETH_HDR_LEN);
		p.csum_offset = f->vnet.csum_offset;
	}
	if (!soft_can(&p))
		drop(x, CNT_RX_BAD_OFFLOAD);
	else
		impair_packet(x, f->link, IMPAIR_RX, f->p, &p,
		    f->vnet.csum_valid ? IMPAIR_CSUM_VALID : 0);
}

/* Has this very frame killed us three times? */
static bool put_aside(struct linkd *x)
{
	if (node_tapping(&x->n))
		node_tap_done(&x->n);
	node_took(&x->n);
	if (!x->n.small || !turn_poisonous(&x->n.turn))
		return false;
	node_count(&x->n, CNT_ASIDE);
	log_error(&x->n.log, "frame put aside: %u deaths on it",
	    x->n.turn.mem->strikes);
	return true;
}

/* The frame read into @a: @b->len bytes with the virtio_net_hdr. */
static void rx_armed(
    struct linkd *x, uint8_t link, struct armed *a, const struct rx_buf *b)
{
	size_t vnet_len = x->dev[link].vnet_len;
	struct frame f = { .a = a, .link = link, .p = b->p + vnet_len };

	node_touch(&x->n, a, sizeof(*a));
	a->state = ARMED_TAKEN;
	if (put_aside(x))
		return;
	node_count(&x->n, CNT_RX_FRAMES);
	node_count(&x->n, link_counter(link, LINK_RX_FRAMES));
	if ((size_t)b->len < vnet_len) {
		drop(x, CNT_RX_SHORT);
		return;
	}
	f.len = (size_t)b->len - vnet_len;
	x->n.counter[CNT_RX_BYTES] += f.len;
	x->n.counter[link_counter(link, LINK_RX_BYTES)] += f.len;
	show_rx(x, link, f.p, f.len);
	if (node_tapping(&x->n))
		tapped_rx(x, link, f.p, f.len);
	if (b->tagged) {
		drop(x, CNT_RX_VLAN);
		return;
	}
	if (!rx_vnet(x, &f, b->p, vnet_len) || !rx_eth(x, &f))
		return;
	rx_unsaid(x, &f, b);
	if (impair_on(&x->impairs, link, IMPAIR_RX))
		rx_impaired(x, &f);
	else
		rx_frame(x, &f);
}

/* ---- Harvest: frames whose completions died with the last instance ---- */

/* How long is it?  Only the protocol inside can say. */
static int32_t length_of(const uint8_t *p, size_t room)
{
	struct eth_hdr eth;
	struct peek ip;

	if (eth_parse(&eth, p, room) != ETH_OK)
		return -EBADMSG;
	if (eth.type == ETH_TYPE_ARP)
		return ETH_HDR_LEN + ARP_LEN;
	if (!peek_ip(&ip, p + ETH_HDR_LEN, room - ETH_HDR_LEN) ||
	    ip.len > room - ETH_HDR_LEN)
		return -EBADMSG;
	return (int32_t)(ETH_HDR_LEN + ip.len);
}

static void harvest_one(struct linkd *x, uint8_t link, struct armed *a)
{
	uint32_t off = link_rx_off(x, link);
	uint32_t vnet_len = x->dev[link].vnet_len;
	struct rx_buf b = {
		.p = pool_slot(&x->n.home.p, a->slot) + off,
		.size = BIG_SLOT - off,
	};

	node_count(&x->n, CNT_RX_HARVESTED);
	b.len = length_of(b.p + vnet_len, b.size - vnet_len);
	if (b.len < 0) {
		node_touch(&x->n, a, sizeof(*a));
		a->state = ARMED_TAKEN;
		node_count_other(&x->n, CNT_RX_NO_HARVEST, 1);
		return;
	}
	b.len += (int32_t)vnet_len;
	rx_armed(x, link, a, &b);
}

/* Frames that there is room for, in ring and pools: at most @want. */
static uint32_t rx_room(struct linkd *x, uint32_t want)
{
	const struct pool_home *h = &x->n.home;

	want = node_limit(&x->n, want);
	if (want > h->small_free)
		want = h->small_free;
	if (want > h->big_free)
		want = h->big_free;
	if (want == 0) {
		node_count(&x->n, CNT_NO_SLOT);
		x->n.starving = true;
		return 0;
	}
	while (want > 0 && !node_room(&x->n, up_ring(x), want))
		want /= 2;
	return want;
}

bool rx_harvest(struct linkd *x, uint8_t link)
{
	struct armed_table *t = &x->st->armed[link];
	uint32_t off = link_rx_off(x, link);
	uint32_t limit = node_limit(&x->n, ARMED_MAX);

	while (x->harvest[link] < ARMED_MAX) {
		struct armed *a = &t->a[x->harvest[link]];

		if (armed_has_frame(&x->n, a, off)) {
			/* Those before it may be held: room for them too. */
			uint32_t want = x->merges.n + 1;

			if (limit-- == 0 || rx_room(x, want) < want)
				break;
			harvest_one(x, link, a);
		}
		x->harvest[link]++;
	}
	merge_flush(x);
	return x->harvest[link] == ARMED_MAX;
}

/* ---- A batch ---- */

/* Ask for more if all we asked for came, for less if little did. */
static void adapt(struct netdev *dev, uint32_t asked, uint32_t got)
{
	if (got == asked && dev->batch < DEVICE_BATCH)
		dev->batch *= 2;
	else if (got < dev->batch / 2)
		dev->batch /= 2;
}

static uint32_t prepare(
    struct linkd *x, uint8_t link, struct rx_buf *b, uint32_t want)
{
	struct armed_table *t = &x->st->armed[link];
	uint32_t off = link_rx_off(x, link);
	uint32_t n;

	for (n = 0; n < want && t->a[n].state == ARMED_READY; n++)
		b[n] = (struct rx_buf){
			.p = pool_slot(&x->n.home.p, t->a[n].slot) + off,
			.size = BIG_SLOT - off,
		};
	return n;
}

void rx_read(struct linkd *x, uint8_t link)
{
	struct netdev *dev = &x->dev[link];
	struct rx_buf b[DEVICE_BATCH];
	uint32_t want = dev->batch;
	uint32_t got = 0;
	uint32_t n;

	if (want > x->narmed[link])
		want = x->narmed[link];
	n = prepare(x, link, b, rx_room(x, want));
	if (n == 0)
		return;
	dev->ops->rx(dev, b, n);
	if (dev->ops->lost != NULL)
		x->ask_lost = mono_min(
		    x->ask_lost, mono_add_ms(x->n.now, LOST_INTERVAL_MS));
	for (uint32_t i = 0; i < n; i++) {
		if (b[i].len > 0) {
			rx_armed(x, link, &x->st->armed[link].a[i], &b[i]);
			got++;
		} else if (b[i].len != -EAGAIN) {
			node_count(&x->n, CNT_RX_ERROR);
		}
	}
	merge_flush(x);
	adapt(dev, n, got);
	/* Not one refused: there may be more.  Else its poll will tell. */
	dev->ready = got == n;
}

/* ---- Out of a bad wire ---- */

static void rx_one_due(struct linkd *x, uint8_t link)
{
	struct frame f = { .link = link, .p = x->scratch };
	uint8_t flags;

	f.len = impair_rx_take(x, link, x->scratch, &flags);
	if (put_aside(x))
		return;
	if (node_tapping(&x->n))
		tapped_rx(x, link, f.p, f.len);
	if (!rx_eth(x, &f))
		return;
	f.vnet.csum_valid = flags & IMPAIR_CSUM_VALID;
	rx_frame(x, &f);
}

void rx_due(struct linkd *x, uint8_t link)
{
	uint32_t limit = node_limit(&x->n, RX_DUE_TURN);

	while (limit-- > 0 && impair_rx_due(x, link) &&
	    !(x->n.small && x->n.took)) {
		/* Those before it may be held: room for them too. */
		uint32_t want = x->merges.n + 1;

		if (rx_room(x, want) < want)
			break;
		rx_one_due(x, link);
	}
	merge_flush(x);
	impair_rx_done(x, link);
}
