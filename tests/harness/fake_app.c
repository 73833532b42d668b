/*
 * fake_app.c - an app without a process, for tests of udpd
 */
#include "tests/harness/fake_app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "udpd/udp_wire.h"

static const char JSON[] = FAKE_TOPOLOGY("udpd", ",\"slots\":64");

static void attach(struct fake_apps *w)
{
	struct segments s = rig_segments(w->rig, "udpd");

	w->u = calloc(1, sizeof(*w->u));
	assert_non_null(w->u);
	w->u->seed[0] = 0x0706050403020100;
	w->u->seed[1] = 0x0f0e0d0c0b0a0908;
	channel_introduce(&w->ch, &w->u->apps);
	assert_int_equal(udpd_attach(w->u, &s, w->rig->now), 0);
	channel_repeat_hang_ups(&w->ch);
}

static void run(void *w)
{
	apps_run(w);
}

struct fake_apps *apps_open(void)
{
	struct fake_apps *w = calloc(1, sizeof(*w));
	struct fib *f;

	assert_non_null(w);
	w->rig = rig_open(JSON);
	w->ch.run = run;
	w->ch.x = w;
	f = (void *)rig_node(w->rig, "ipd")->table;
	publish_begin(&f->p);
	fib_build(f, &w->rig->topo);
	publish_end(&f->p);
	attach(w);
	apps_add_app(w, 0);
	apps_run(w);
	return w;
}

void apps_close(struct fake_apps *w)
{
	channel_unmap(&w->ch);
	node_detach(&w->u->n);
	free(w->u);
	rig_close(w->rig);
	free(w);
}

void apps_run(struct fake_apps *w)
{
	/* Bounded: a ring that is full stays so until the test takes. */
	for (int turns = 0; turns < 1000; turns++) {
		uint32_t id;
		uint8_t wake;

		w->rig->now = mono_add(w->rig->now, NS_PER_US);
		if (!udpd_turn(w->u, w->rig->now) &&
		    apps_may_sleep(&w->u->apps)) {
			if (udpd_deadline(w->u).ns == MONO_NEVER.ns)
				return;
			w->rig->now = udpd_deadline(w->u);
		}
		while (apps_next_wake(&w->u->apps, &id, &wake))
			if (wake & WAKE_CLOSED)
				channel_forget(&w->ch, id);
	}
}

void apps_restart(struct fake_apps *w)
{
	node_detach(&w->u->n);
	free(w->u);
	attach(w);
}

void apps_add_app(struct fake_apps *w, uint32_t app)
{
	channel_add_app(&w->ch, app);
}

struct a2s_socket *apps_a2s(struct fake_apps *w, uint32_t id)
{
	return channel_a2s(&w->ch, id);
}

struct s2a_socket *apps_s2a(struct fake_apps *w, uint32_t id)
{
	return channel_s2a(&w->ch, id);
}

uint32_t apps_socket_of(struct fake_apps *w, uint32_t app, uint8_t family)
{
	return channel_socket(&w->ch, app, family);
}

uint32_t apps_socket(struct fake_apps *w, uint8_t family)
{
	return apps_socket_of(w, 0, family);
}

void apps_close_socket(struct fake_apps *w, uint32_t id)
{
	apps_hang_up(w, id);
	apps_run(w);
}

void apps_hang_up(struct fake_apps *w, uint32_t id)
{
	channel_hang_up(&w->ch, id);
}

void apps_post(struct fake_apps *w, uint32_t id)
{
	channel_post(&w->ch, id);
}

struct app_name apps_name(const char *ip, uint16_t port)
{
	return channel_name(ip, port);
}

int apps_command(struct fake_apps *w, uint32_t id, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len)
{
	return channel_command(&w->ch, id, op, arg0, arg1, data, len);
}

int apps_bind(struct fake_apps *w, uint32_t id, const char *ip, uint16_t port)
{
	return channel_bind(&w->ch, id, ip, port);
}

int apps_connect(
    struct fake_apps *w, uint32_t id, const char *ip, uint16_t port)
{
	return channel_connect(&w->ch, id, ip, port);
}

int apps_setopt(
    struct fake_apps *w, uint32_t id, int level, int name, int value)
{
	return channel_set(&w->ch, id, level, name, value);
}

int apps_getopt(struct fake_apps *w, uint32_t id, int level, int name)
{
	int v;

	assert_int_equal(channel_get(&w->ch, id, level, name, &v), 0);
	return v;
}

uint16_t apps_port(struct fake_apps *w, uint32_t id)
{
	return apps_s2a(w, id)->names.local.port;
}

void apps_write(struct fake_apps *w, uint32_t id, const char *ip, uint16_t port,
    const void *bytes, uint32_t len)
{
	struct app_name to = apps_name(ip, port);
	struct dgram g = {
		.len = len,
		.port = port,
		.link = LINK_ANY,
		.peer = to.ip,
		.local = ip_any6,
	};
	struct a2s_socket *a = apps_a2s(w, id);
	uint8_t *ring = w->ch.a2s[app_of(id)] + a2s_tx_off(sub_of(id));

	app_ring_write(ring, APP_TX_BYTES, a->tx_written, &g, sizeof(g));
	app_ring_write(
	    ring, APP_TX_BYTES, a->tx_written + sizeof(g), bytes, len);
	a->tx_written += dgram_room(len);
	apps_post(w, id);
}

bool apps_read(struct fake_apps *w, uint32_t id, struct dgram *ret, void *bytes,
    size_t size)
{
	struct a2s_socket *a = apps_a2s(w, id);
	const uint8_t *ring = w->ch.s2a[app_of(id)] + s2a_rx_off(sub_of(id));

	if (a->rx_read == apps_s2a(w, id)->rx_written)
		return false;
	app_ring_read(ret, ring, APP_RX_BYTES, a->rx_read, sizeof(*ret));
	app_ring_read(bytes, ring, APP_RX_BYTES, a->rx_read + sizeof(*ret),
	    ret->len < size ? ret->len : (uint32_t)size);
	a->rx_read += dgram_room(ret->len);
	return true;
}

int apps_error(struct fake_apps *w, uint32_t id)
{
	return channel_error(&w->ch, id);
}

void apps_rx(struct fake_apps *w, const char *from, uint16_t from_port,
    const char *to, uint16_t to_port, const void *bytes, uint32_t len)
{
	struct app_name src = apps_name(from, from_port);
	struct app_name dst = apps_name(to, to_port);
	struct desc d = {
		.proto = 17, .hops = 64, .src = src.ip, .dst = dst.ip
	};
	struct udp_hdr h = {
		.src_port = from_port,
		.dst_port = to_port,
		.length = (uint16_t)(UDP_HDR_LEN + len),
	};
	uint8_t *p = malloc(UDP_HDR_LEN + len);

	assert_non_null(p);
	udp_checksum_seal(&h, bytes, &src.ip, &dst.ip);
	udp_emit(p, &h);
	memcpy(p + UDP_HDR_LEN, bytes, len);
	rig_put(w->rig, "ipd", "udpd", p, UDP_HDR_LEN + len, &d);
	free(p);
}

void apps_rx_error(struct fake_apps *w, const char *from, uint16_t from_port,
    const char *to, uint16_t to_port, uint8_t type, uint8_t code)
{
	struct udp_hdr h = {
		.src_port = from_port,
		.dst_port = to_port,
		.length = 100,
	};
	struct desc d = {
		.kind = PKT_ERROR,
		.proto = 17,
		.icmp_type = type,
		.icmp_code = code,
		.src = apps_name(from, 0).ip,
		.dst = apps_name(to, 0).ip,
	};
	uint8_t p[UDP_HDR_LEN];

	udp_emit(p, &h);
	rig_put(w->rig, "ipd", "udpd", p, sizeof(p), &d);
}

void apps_rx_inside(struct fake_apps *w, const void *bytes, uint32_t len,
    uint32_t at, struct desc d)
{
	struct node *n = rig_node(w->rig, "ipd");
	struct ring_out *out = rig_ring_to(w->rig, "ipd", "udpd");
	uint8_t *slot;

	node_begin(n, w->rig->now);
	slot = node_alloc(n, SLOT_HEADROOM + len, &d);
	assert_non_null(slot);
	memcpy(slot + SLOT_HEADROOM, bytes, len);
	d.off = (uint16_t)(SLOT_HEADROOM + at);
	d.len = len - at;
	node_put(n, out, &d);
	node_commit(n);
}

bool apps_queued(struct fake_apps *w, uint32_t id, struct app_error *ret)
{
	struct a2s_socket *a = apps_a2s(w, id);

	if (a->err_read == apps_s2a(w, id)->err_written)
		return false;
	memcpy(ret,
	    w->ch.s2a[app_of(id)] + s2a_error_off(sub_of(id), a->err_read),
	    sizeof(*ret));
	a->err_read++;
	return true;
}

int apps_tx(struct fake_apps *w, struct desc *ret, uint8_t *bytes, size_t size)
{
	if (!rig_take(w->rig, "ipd", "udpd", ret, bytes, size))
		return -1;
	return (int)ret->len;
}
