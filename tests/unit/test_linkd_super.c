/*
 * test_linkd_super.c - super-frames for a device that cuts them itself
 */
#include <netinet/in.h>

#include "tests/unit/linkd_world.h"

static struct world *quiet(void)
{
	return world_quiet(
	    WORLD_JSON("\"dad_transmits\":0,\"mtu\":1500,"), VNET_MAX_LEN);
}

enum {
	TCP_FLAGS_AT = 13,
	SUPER = 3000, /* bytes of transport header and data */
};

/* A TCP segment, as ipd hands it down to be cut by the device. */
static size_t super_frame(uint8_t *p, struct desc *d, bool v6)
{
	size_t l4 = v6 ? 40 : 20;

	memset(p, 0, l4 + SUPER);
	p[0] = v6 ? 0x60 : 0x45;
	be16_put(p + (v6 ? 4 : 2), (uint16_t)(v6 ? SUPER : l4 + SUPER));
	p[v6 ? 6 : 9] = IPPROTO_TCP;
	p[l4 + 12] = 8 << 4; /* 12 bytes of options */
	d->proto = IPPROTO_TCP;
	d->flags = PKT_CSUM_PARTIAL;
	d->gso_size = 1420;
	d->csum_start = (uint16_t)l4;
	d->csum_offset = 16;
	return l4 + SUPER;
}

static void tells_the_device_how_to_cut(void **state)
{
	struct world *w = quiet();
	uint8_t p[40 + SUPER];
	struct vnet v;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct desc d = down(v6 ? "ff02::99" : "224.1.2.3");
		size_t len = super_frame(p, &d, v6);
		const struct wire_frame *f;

		rig_put(w->r, "ipd", "linkd", p, (uint32_t)len, &d);
		/* CWR is the first piece's, whether or not ipd says so. */
		p[d.csum_start + TCP_FLAGS_AT] = 0x80;
		rig_put(w->r, "ipd", "linkd", p, (uint32_t)len, &d);
		world_run(w, 1);
		f = wire_take(w);
		assert_true(vnet_parse(&v, f->vnet, f->len));
		assert_int_equal(v.gso, v6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4);
		assert_int_equal(v.gso_size, 1420);
		assert_int_equal(v.hdr_len, ETH_HDR_LEN + len - SUPER + 32);
		assert_true(v.csum_partial);
		assert_int_equal(v.csum_start, ETH_HDR_LEN + len - SUPER);
		assert_int_equal(v.csum_offset, 16);
		assert_false(v.ecn);
		f = wire_take(w);
		assert_true(vnet_parse(&v, f->vnet, f->len));
		assert_int_equal(v.gso, v6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4);
		assert_true(v.ecn);
	}
	world_close(w);
}

/* "ECN" of what is no super-frame: the kernel would refuse the frame. */
static void says_nothing_of_cutting_what_is_whole(void **state)
{
	struct world *w = quiet();
	struct desc d = down("224.1.2.3");
	uint8_t p[40 + SUPER];
	struct vnet v;

	(void)state;
	super_frame(p, &d, false);
	be16_put(p + 2, 60);
	d.flags |= PKT_GSO_ECN;
	d.gso_size = 0;
	rig_put(w->r, "ipd", "linkd", p, 60, &d);
	world_run(w, 1);
	assert_true(vnet_parse(&v, wire_take(w)->vnet, 74));
	assert_int_equal(v.gso, VNET_GSO_NONE);
	assert_false(v.ecn);
	world_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_device_how_to_cut),
		cmocka_unit_test(says_nothing_of_cutting_what_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
