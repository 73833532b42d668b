/*
 * fuzz_linkd.c - linkd between a wire and an ipd that say anything
 *
 * The input is a list of events: a frame that comes, a descriptor of ipd's with
 * bytes of the input in its slot, a while that passes, a death.  linkd may not
 * crash, hang, or lose a slot.
 */
#include <errno.h>
#include <stdlib.h>

#include "linkd/linkd.h"
#include "tests/harness/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char JSON[] =
    "{\"name\":\"f\",\"links\":["
    "{\"name\":\"a\",\"device\":\"tap\",\"mac\":\"02:00:00:00:00:02\","
    "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]},"
    "{\"name\":\"b\",\"device\":\"tap\",\"mac\":\"02:00:00:00:00:03\","
    "\"offload\":false,\"acd\":true,\"addresses\":[\"10.0.0.2/8\"]}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"}]}";

/* What is left of the input; reads zeros at its end. */
struct input {
	const uint8_t *p;
	size_t len;
};

static void take(struct input *in, void *to, size_t len)
{
	size_t n = len < in->len ? len : in->len;

	memset(to, 0, len);
	memcpy(to, in->p, n);
	in->p += n;
	in->len -= n;
}

/* The frame that waits at a device. */
struct wire {
	uint8_t b[2048];
	uint32_t len;
	bool tagged;
};

static void rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	struct wire *w = d->ctx;

	for (uint32_t i = 0; i < n; i++) {
		b[i].len = w->len > 0 ? (int32_t)w->len : -EAGAIN;
		b[i].tagged = w->tagged;
		memcpy(b[i].p, w->b, w->len);
		w->len = 0;
	}
}

/* Everything is read, for the sanitizers; some of it refused. */
static void tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	uint8_t sum = 0;

	(void)d;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < f[i].niov; k++) {
			const uint8_t *p = f[i].iov[k].iov_base;

			for (size_t at = 0; at < f[i].iov[k].iov_len; at++)
				sum ^= p[at];
		}
		f[i].result = sum == 0x5a ? -EIO : 0;
	}
}

struct world {
	struct rig *r;
	struct linkd x;
	struct wire wire[2];
};

static void attach(struct world *w)
{
	static const struct netdev_ops ops = { .rx = rx, .tx = tx };
	struct segments s = rig_segments(w->r, "linkd");

	memset(&w->x, 0, sizeof(w->x));
	w->x.seed = 42;
	for (int l = 0; l < 2; l++)
		w->x.dev[l] = (struct netdev){
			.ops = &ops,
			.ctx = &w->wire[l],
			.vnet_len = l == 0 ? VNET_MAX_LEN : 0,
			.batch = 4,
		};
	if (linkd_attach(&w->x, &s, w->r->now) < 0)
		abort();
}

static void turns(struct world *w)
{
	struct desc d;

	for (int i = 0; linkd_turn(&w->x, w->r->now); i++)
		if (i == 1000)
			abort();
	while (rig_take(w->r, "ipd", "linkd", &d, NULL, 0))
		continue;
}

static void frame(struct world *w, struct input *in)
{
	uint8_t how[3];
	struct wire *f;

	take(in, how, sizeof(how));
	f = &w->wire[how[0] & 1];
	f->tagged = (how[0] & 0xf0) == 0xf0;
	f->len = (how[1] | (uint32_t)how[2] << 8) % sizeof(f->b);
	take(in, f->b, f->len);
	w->x.dev[how[0] & 1].ready = true;
}

static void packet(struct world *w, struct input *in)
{
	uint8_t bytes[1500];
	struct desc d;
	uint16_t len;

	take(in, &d, sizeof(d));
	take(in, &len, sizeof(len));
	len %= sizeof(bytes);
	take(in, bytes, len);
	/* Of ipd's own descriptors only slot and length are true. */
	d.off = d.off % 256 + 1;
	rig_put(w->r, "ipd", "linkd", bytes, len, &d);
}

/* Every slot is at home but those that are armed. */
static void check_slots(struct world *w)
{
	turns(w);
	turns(w);
	linkd_turn(&w->x, w->r->now);
	if (rig_lent(w->r, "ipd") != 0)
		abort();
	if (w->x.n.home.small_free != w->x.n.home.p.nsmall ||
	    w->x.n.home.big_free + w->x.n.held != w->x.n.home.p.nbig)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, size };

	w.r = rig_open(JSON);
	attach(&w);
	while (in.len > 0) {
		uint8_t event;

		take(&in, &event, 1);
		if (event % 8 < 4) {
			frame(&w, &in);
		} else if (event % 8 < 6) {
			packet(&w, &in);
		} else if (event % 8 == 6) {
			w.r->now = mono_add_ms(w.r->now, event * 10);
		} else {
			linkd_detach(&w.x);
			attach(&w);
		}
		turns(&w);
	}
	check_slots(&w);
	linkd_detach(&w.x);
	rig_close(w.r);
	return 0;
}
