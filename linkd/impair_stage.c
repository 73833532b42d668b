/*
 * impair_stage.c - between linkd and its devices: the bad wires of its links
 */
#include "linkd/impair_stage.h"

#include <errno.h>

#include "linkd/linkd.h"
#include "linkd/soft.h"
#include "linkd/tapped.h"
#include "shm/bytes.h"

enum {
	TX_DUE_TURN = 1024, /* frames of one link in one turn */
	ETH_OFF_TYPE = 12,
};

static_assert((int)(CNT_IMPAIR_RX_CORRUPTED - CNT_IMPAIR_RX_LOST) ==
	(int)IMPAIRED_CORRUPTED,
    "as of each line");
static_assert((int)(CNT_IMPAIR_TX_CORRUPTED - CNT_IMPAIR_TX_LOST) ==
	(int)IMPAIRED_CORRUPTED,
    "as of each line");

static uint32_t bit(uint32_t line)
{
	return (uint32_t)1 << line;
}

static bool is_tx(uint32_t line)
{
	return line % NIMPAIR_WAYS == IMPAIR_TX;
}

/* ---- Counts: of each line, and of all lines of a way ---- */

static uint32_t counter_of(uint32_t line, enum impair_count what)
{
	return (is_tx(line) ? CNT_IMPAIR_TX_LOST : CNT_IMPAIR_RX_LOST) + what;
}

static void count(struct linkd *x, uint32_t line, enum impair_count what)
{
	impair_store_line(&x->impairs.store, line)->count[what]++;
	node_count(&x->n, counter_of(line, what));
}

void impair_recount(struct linkd *x, const struct impair_memory *mem)
{
	uint64_t sum[NIMPAIR_WAYS][NIMPAIRED] = { { 0 } };

	for (uint32_t i = 0; i < IMPAIR_LINES; i++)
		for (uint32_t k = 0; k < NIMPAIRED; k++)
			sum[i % NIMPAIR_WAYS][k] += mem->line[i].count[k];
	for (uint32_t w = 0; w < NIMPAIR_WAYS; w++) {
		for (uint32_t k = 0; k < NIMPAIRED; k++) {
			uint64_t *total = &x->n.counter[counter_of(w, k)];

			if (*total < sum[w][k])
				*total = sum[w][k];
		}
	}
}

/* ---- Settings ---- */

/* Off only when the last has come out: frames keep their order. */
static void note_on(struct impairs *m, uint32_t line)
{
	if (impair_is_set(&m->store.mem->conf[line]) || m->store.n[line] > 0)
		m->on |= bit(line);
	else
		m->on &= ~bit(line);
}

/* What is on the wire came there by other rules: it goes at once. */
static void change(struct linkd *x, uint32_t line, const struct topo_impair *c)
{
	struct impair_store *s = &x->impairs.store;
	struct topo_impair *conf = &s->mem->conf[line];

	if (memcmp(conf, c, sizeof(*c)) != 0) {
		node_touch(&x->n, conf, sizeof(*conf));
		*conf = *c;
		impair_reset(impair_store_line(s, line), conf, x->n.now);
		impair_store_let_go(s, line);
	}
	note_on(&x->impairs, line);
}

static bool read_settings(struct linkd *x,
    struct topo_impair ret[TOPO_MAX_LINKS][NIMPAIR_WAYS], uint32_t turn)
{
	const struct sup_out *sup = x->impairs.sup;

	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++)
		memcpy(ret[l], x->n.topo->links[l].impair, sizeof(ret[l]));
	if (turn == 0)
		return true;
	memcpy(ret, sup->impair.set[turn & 1], sizeof(sup->impair.set[0]));
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&sup->impair.turn, memory_order_relaxed) ==
	    turn;
}

/* Being written: it is read in a later turn, for which a bell rings. */
static void settings(struct linkd *x, uint32_t turn)
{
	struct topo_impair now[TOPO_MAX_LINKS][NIMPAIR_WAYS];
	struct impairs *m = &x->impairs;

	if (!read_settings(x, now, turn))
		return;
	m->read = true;
	m->turn = turn;
	for (uint32_t l = 0; l < TOPO_MAX_LINKS; l++)
		for (uint32_t w = 0; w < NIMPAIR_WAYS; w++)
			if (m->ours & bit(impair_line_of(l, w)))
				change(x, impair_line_of(l, w), &now[l][w]);
}

void impair_turn(struct linkd *x)
{
	struct impairs *m = &x->impairs;
	uint32_t turn = m->sup == NULL
	    ? 0
	    : atomic_load_explicit(&m->sup->impair.turn, memory_order_acquire);

	impair_store_turn(&m->store);
	if (!m->read || turn != m->turn)
		settings(x, turn);
}

static void before_change(void *ctx, void *p, size_t len)
{
	struct linkd *x = ctx;

	node_touch(&x->n, p, len);
}

int impair_open(
    struct linkd *x, const struct sup_out *sup, struct impair_memory *mem)
{
	struct impairs *m = &x->impairs;
	struct touch before = { before_change, x };
	int r;

	*m = (struct impairs){ .sup = sup };
	for (uint32_t l = 0; l < x->n.topo->nlinks; l++)
		if (link_is_ethernet(x, l))
			m->ours |= bit(impair_line_of(l, IMPAIR_RX)) |
			    bit(impair_line_of(l, IMPAIR_TX));
	r = impair_store_open(&m->store, mem, before, m->ours);
	if (r < 0)
		return r;
	x->n.counter[CNT_IMPAIR_MENDED] += (uint32_t)r;
	for (uint32_t i = 0; i < IMPAIR_LINES; i++)
		if (m->ours & bit(i))
			note_on(m, i);
	impair_turn(x);
	return 0;
}

void impair_close(struct linkd *x)
{
	impair_store_close(&x->impairs.store);
}

/* ---- Onto the wire ---- */

/* A frame on its way: header, what was made anew, the rest. */
struct on_wire {
	uint32_t line;
	uint8_t flags;
	struct span s[IMPAIR_SPANS];
	uint32_t ns;
};

/* It came to the wire, and no further. */
static void lose(
    struct linkd *x, const struct on_wire *f, enum impair_count what)
{
	if (is_tx(f->line))
		node_note(&x->n, "the bad wire loses a frame of it");
	if (node_tapping(&x->n))
		tapped_lost(x, (uint8_t)(f->line / NIMPAIR_WAYS),
		    is_tx(f->line), f->s, f->ns, counter_of(f->line, what));
	count(x, f->line, what);
}

/* False: there is no room. */
static bool keep(struct linkd *x, const struct on_wire *f,
    const struct impair_verdict *v, uint32_t copy)
{
	uint32_t flip = v->flip[copy];
	uint8_t flags = f->flags;

	/* ARP has no checksum of its own: a real frame's is behind it. */
	if (be16_get(f->s[0].p + ETH_OFF_TYPE) == ETH_TYPE_ARP)
		flip = 0;
	if (flip != 0)
		flags &= (uint8_t)~IMPAIR_CSUM_VALID;
	if (impair_store_add(&x->impairs.store, f->line, f->s, f->ns, v->due,
		flags, flip) < 0)
		return false;
	if (flip != 0)
		count(x, f->line, IMPAIRED_CORRUPTED);
	return true;
}

/* Each frame counts once: as passed, or why it has not. */
static void pass(
    struct linkd *x, const struct on_wire *f, const struct impair_verdict *v)
{
	if (!keep(x, f, v, 0)) {
		lose(x, f, IMPAIRED_NO_ROOM);
		return;
	}
	count(x, f->line, IMPAIRED_PASSED);
	if (v->reordered)
		count(x, f->line, IMPAIRED_REORDERED);
	if (v->copies == 2 && keep(x, f, v, 1))
		count(x, f->line, IMPAIRED_DOUBLED);
}

static void one_frame(struct linkd *x, const struct on_wire *f)
{
	struct impair_store *s = &x->impairs.store;
	uint32_t len = (uint32_t)spans_len(f->s, f->ns);
	struct impair_verdict v;

	switch (impair_judge(impair_store_line(s, f->line),
	    &s->mem->conf[f->line], len, x->n.now, &v)) {
	case IMPAIR_LOST:
		lose(x, f, IMPAIRED_LOST);
		break;
	case IMPAIR_NO_QUEUE:
		lose(x, f, IMPAIRED_NO_QUEUE);
		break;
	case IMPAIR_PASSES:
		pass(x, f, &v);
		break;
	}
}

/* @f with @len bytes of header at @hdr, and the spans of @p behind it. */
static void add_rest(
    struct on_wire *f, const uint8_t *hdr, size_t len, const struct packet *p)
{
	f->ns = 1;
	f->s[f->ns++] = (struct span){ hdr, len };
	for (uint32_t i = 0; i < p->ns; i++)
		f->s[f->ns++] = p->s[i];
}

static void cut(
    struct linkd *x, const struct on_wire *whole, const struct gso *g)
{
	struct on_wire f = *whole;
	uint8_t hdr[GSO_HEADER_MAX];
	struct packet part;

	for (uint32_t k = 0; k < g->segments; k++) {
		size_t len = soft_segment(g, k, hdr, &part);

		add_rest(&f, hdr, len, &part);
		one_frame(x, &f);
	}
}

/* Blocks that it may take, each frame of it twice. */
static uint32_t blocks_of(const struct packet *p, const struct gso *g)
{
	if (p->gso_size == 0)
		return 2 * impair_store_need(ETH_HDR_LEN + p->len);
	return 2 * g->segments *
	    impair_store_need(ETH_HDR_LEN + g->header_len + g->size);
}

bool impair_packet(struct linkd *x, uint32_t link, enum impair_way way,
    const uint8_t eth[ETH_HDR_LEN], const struct packet *p, uint8_t flags)
{
	const struct impair_store *s = &x->impairs.store;
	struct on_wire f = {
		.line = impair_line_of(link, way),
		.flags = flags,
		.s = { { eth, ETH_HDR_LEN } },
	};
	uint8_t hdr[GSO_HEADER_MAX];
	struct packet rest = *p;
	size_t len = 0;
	struct gso g;
	uint32_t need;

	/* It has been tried before (soft_can), but another may have written. */
	if (p->gso_size > 0 && !soft_cut(&g, p)) {
		node_count(&x->n, CNT_TX_BAD_OFFLOAD);
		return true;
	}
	need = blocks_of(p, &g);
	/* What came by a wire can't wait: it is judged, and finds no room. */
	if (way == IMPAIR_TX && need > impair_store_room(s) &&
	    need <= impair_store_room_soon(s))
		return false;
	if (node_tapping(&x->n) && way == IMPAIR_RX)
		node_tap_forget(&x->n); /* it has not come here yet */
	if (p->gso_size > 0) {
		cut(x, &f, &g);
		return true;
	}
	if (p->flags & PKT_CSUM_PARTIAL)
		len = soft_checksum(hdr, &rest);
	add_rest(&f, hdr, len, &rest);
	one_frame(x, &f);
	return true;
}

/* ---- Out of the wire ---- */

static void settle(struct linkd *x, uint32_t line)
{
	struct impairs *m = &x->impairs;

	if (mono_reached(impair_store_due(&m->store, line), x->n.now))
		m->behind |= bit(line);
	else
		m->behind &= ~bit(line);
	note_on(m, line);
}

/* As many as fit: their bytes to x->scratch, their places to @h. */
static uint32_t gather(
    struct linkd *x, uint8_t link, struct tx_frame *f, struct impair_held *h)
{
	static const uint8_t no_vnet[VNET_MAX_LEN] = { 0 };
	const uint32_t line = impair_line_of(link, IMPAIR_TX);
	struct impair_store *s = &x->impairs.store;
	uint8_t *to = x->scratch;
	uint32_t n = 0;

	while (n < DEVICE_BATCH &&
	    to + IMPAIR_FRAME_MAX <= x->scratch + SCRATCH_BYTES &&
	    impair_store_take(s, line, x->n.now, &h[n])) {
		uint32_t len = impair_store_len(s, &h[n]);

		impair_store_copy(s, &h[n], to);
		f[n] = (struct tx_frame){ .result = -EAGAIN };
		if (x->dev[link].vnet_len > 0)
			f[n].iov[f[n].niov++] =
			    (struct iovec){ (void *)(uintptr_t)no_vnet,
				    x->dev[link].vnet_len };
		f[n].iov[f[n].niov++] = (struct iovec){ to, len };
		to += len;
		n++;
	}
	return n;
}

/* False if no more can go now. */
static bool some_out(struct linkd *x, uint8_t link)
{
	struct impair_store *s = &x->impairs.store;
	struct tx_frame f[DEVICE_BATCH];
	struct impair_held h[DEVICE_BATCH];
	uint32_t n = gather(x, link, f, h);
	uint32_t done = n > 0 ? frames_out(x, link, f, n) : 0;

	for (uint32_t i = 0; i < done; i++)
		impair_store_drop(s, &h[i]);
	for (uint32_t i = done; i < n; i++)
		impair_store_put_back(
		    s, impair_line_of(link, IMPAIR_TX), &h[i]);
	return done > 0;
}

void impair_tx(struct linkd *x)
{
	for (uint8_t l = 0; l < x->n.topo->nlinks; l++) {
		if (!impair_on(&x->impairs, l, IMPAIR_TX))
			continue;
		for (uint32_t i = 0; i < TX_DUE_TURN / DEVICE_BATCH; i++)
			if (x->dev[l].blocked || turn_full(&x->n.turn) ||
			    !some_out(x, l))
				break;
		settle(x, impair_line_of(l, IMPAIR_TX));
	}
}

bool impair_rx_due(const struct linkd *x, uint32_t link)
{
	return mono_reached(impair_store_due(&x->impairs.store,
				impair_line_of(link, IMPAIR_RX)),
	    x->n.now);
}

uint32_t impair_rx_take(
    struct linkd *x, uint32_t link, uint8_t *buf, uint8_t *flags)
{
	struct impair_store *s = &x->impairs.store;
	struct impair_held h;

	if (!impair_store_take(
		s, impair_line_of(link, IMPAIR_RX), x->n.now, &h))
		return 0;
	impair_store_copy(s, &h, buf);
	*flags = impair_store_flags(s, &h);
	impair_store_drop(s, &h);
	return impair_store_len(s, &h);
}

void impair_rx_done(struct linkd *x, uint32_t link)
{
	settle(x, impair_line_of(link, IMPAIR_RX));
}

/* Those that are behind wait for something else than time. */
struct mono impair_deadline(const struct linkd *x)
{
	const struct impairs *m = &x->impairs;
	struct mono t = MONO_NEVER;

	for (uint32_t on = m->on & ~m->behind; on != 0; on &= on - 1)
		t = mono_min(t,
		    impair_store_due(&m->store, (uint32_t)__builtin_ctz(on)));
	return t;
}
