/*
 * echo_ipd.c - in ipd's place: answers every ICMP echo request, nothing else
 *
 * So that linkd can be tried against the kernel, and killed, without the layers
 * above it.
 */
#include <netinet/in.h>
#include <string.h>

#include "shm/bytes.h"
#include "shm/checksum.h"
#include "shm/daemon.h"

enum {
	TURN = 64,
};

static int attach(void *x, const struct segments *s, struct mono now)
{
	int r = node_attach(x, s, NULL, 0);

	(void)now;
	if (r == 0)
		node_recover(x, NULL, NULL);
	return r;
}

/* Turn the request in @p into its answer; false if it is none. */
static bool answer(uint8_t *p, uint32_t len, struct desc *d)
{
	bool v4 = len >= 28 && p[0] == 0x45 && p[9] == IPPROTO_ICMP;
	bool v6 = len >= 48 && p[0] >> 4 == 6 && p[6] == IPPROTO_ICMPV6;
	uint32_t at = v4 ? 12 : 8;
	uint32_t n = v4 ? 4 : 16;
	uint32_t icmp = v4 ? 20 : 40;
	uint8_t src[16];
	uint8_t was;

	if ((!v4 || p[icmp] != 8) && (!v6 || p[icmp] != 128))
		return false;
	memcpy(src, p + at, n);
	memcpy(p + at, p + at + n, n);
	memcpy(p + at + n, src, n);
	was = p[icmp];
	p[icmp] = v4 ? 0 : 129;
	be16_put(p + icmp + 2,
	    csum_update16(be16_get(p + icmp + 2), (uint16_t)(was << 8),
		(uint16_t)(p[icmp] << 8)));
	d->dst = v4 ? ip_from_v4(src) : ip_from_v6(src);
	return true;
}

static void echo(struct node *n, struct ring_out *down, const struct desc *in,
    const uint8_t *bytes)
{
	struct desc d = {
		.kind = PKT_DATA,
		.off = SLOT_HEADROOM,
		.len = in->len,
		.link = in->link,
	};
	uint8_t *slot = node_alloc(n, d.off + d.len, &d);

	if (slot == NULL)
		return;
	memcpy(slot + d.off, bytes, in->len);
	if (answer(slot + d.off, d.len, &d))
		node_put(n, down, &d);
	else
		node_unalloc(n, &d);
}

static bool turn(void *x, struct mono now)
{
	struct node *n = x;
	struct ring_in *in = node_in(n, LAYER_LINK, 0);
	struct ring_out *down = node_out(n, LAYER_LINK, 0);
	const uint8_t *p;
	struct desc d;

	node_begin(n, now);
	for (int i = 0; i < TURN && node_room(n, down, 1); i++) {
		p = node_take(n, in, &d);
		if (p == NULL)
			break;
		if (d.kind == PKT_DATA)
			echo(n, down, &d, p);
		node_give_back(n, &d);
	}
	return node_commit(n);
}

static struct mono deadline(const void *x)
{
	(void)x;
	return MONO_NEVER;
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.layer = LAYER_IP,
		.size = sizeof(struct node),
		.attach = attach,
		.turn = turn,
		.deadline = deadline,
	};

	return daemon_main(argc, argv, &ops);
}
