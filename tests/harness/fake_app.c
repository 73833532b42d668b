/*
 * fake_app.c - an app without a process, for tests of udpd
 */
#include "tests/harness/fake_app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "udpd/udp_wire.h"

static const char JSON[] =
    "{\"name\":\"t\",\"links\":["
    "{\"name\":\"n0\",\"device\":\"null\",\"mac\":\"02:00:00:00:00:02\","
    "\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]},"
    "{\"name\":\"n1\",\"device\":\"null\",\"mac\":\"02:00:00:00:00:03\","
    "\"addresses\":[\"198.51.100.2/24\"]}],"
    "\"routes\":[{\"to\":\"203.0.113.0/24\",\"via\":\"192.0.2.1\"}],"
    "\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"
    "{\"name\":\"ipd\",\"layer\":\"ipd\"},"
    "{\"name\":\"udpd\",\"layer\":\"udpd\"}],"
    "\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"
    "{\"from\":\"ipd\",\"to\":\"linkd\"},"
    "{\"from\":\"ipd\",\"to\":\"udpd\",\"slots\":64},"
    "{\"from\":\"udpd\",\"to\":\"ipd\",\"slots\":64}]}";

static void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void attach(struct fake_apps *w)
{
	struct segments s = rig_segments(w->rig, "udpd");

	w->u = calloc(1, sizeof(*w->u));
	assert_non_null(w->u);
	w->u->seed[0] = 0x0706050403020100;
	w->u->seed[1] = 0x0f0e0d0c0b0a0908;
	for (uint32_t app = 0; app < APP_MAX; app++)
		if (w->a2s[app] != NULL)
			assert_int_equal(apps_app_opened(&w->u->apps, app,
					     w->a2s[app], w->s2a[app]),
			    0);
	for (uint32_t id = 0; id < MAX_SOCKETS; id++)
		if (w->family[id] != 0)
			assert_int_equal(
			    apps_socket_opened(&w->u->apps, app_of(id),
				sub_of(id), w->family[id]),
			    0);
	assert_int_equal(udpd_attach(w->u, &s, w->rig->now), 0);
	for (uint32_t id = 0; id < MAX_SOCKETS; id++)
		if (w->hung_up[id])
			apps_socket_closed(&w->u->apps, app_of(id), sub_of(id));
}

struct fake_apps *apps_open(void)
{
	struct fake_apps *w = calloc(1, sizeof(*w));
	struct fib *f;

	assert_non_null(w);
	w->rig = rig_open(JSON);
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
	for (uint32_t app = 0; app < APP_MAX; app++) {
		if (w->a2s[app] == NULL)
			continue;
		munmap(w->a2s[app], A2S_BYTES);
		munmap(w->s2a[app], S2A_BYTES);
	}
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
				w->family[id] = w->hung_up[id] = 0;
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
	w->a2s[app] = pages(A2S_BYTES);
	w->s2a[app] = pages(S2A_BYTES);
	assert_int_equal(
	    apps_app_opened(&w->u->apps, app, w->a2s[app], w->s2a[app]), 0);
}

struct a2s_socket *apps_a2s(struct fake_apps *w, uint32_t id)
{
	return (void *)(w->a2s[app_of(id)] + a2s_socket_off(sub_of(id)));
}

struct s2a_socket *apps_s2a(struct fake_apps *w, uint32_t id)
{
	return (void *)(w->s2a[app_of(id)] + s2a_socket_off(sub_of(id)));
}

uint32_t apps_socket_of(struct fake_apps *w, uint32_t app, uint8_t family)
{
	uint32_t id = app * APP_MAX_SOCKETS;
	const struct s2a_socket *s;
	struct a2s_socket *a;

	while (w->family[id] != 0)
		id++;
	assert_int_equal(app_of(id), app);
	w->family[id] = family;
	s = apps_s2a(w, id);
	a = apps_a2s(w, id);
	a->tx_written = s->tx_consumed;
	a->rx_read = s->rx_written;
	a->error_taken = s->error;
	a->cmd_seq = s->reply_seq;
	assert_int_equal(
	    apps_socket_opened(&w->u->apps, app, sub_of(id), family), 0);
	apps_run(w);
	return id;
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
	w->hung_up[id] = true;
	apps_socket_closed(&w->u->apps, app_of(id), sub_of(id));
}

void apps_post(struct fake_apps *w, uint32_t id)
{
	struct a2s_head *h = (void *)w->a2s[app_of(id)];

	h->event[h->posted % APP_EVENTS] = (uint16_t)sub_of(id);
	h->posted++;
}

struct app_name apps_name(const char *ip, uint16_t port)
{
	struct app_name n = { .port = port, .link = LINK_ANY };

	if (strcmp(ip, "*") == 0)
		n.ip = ip_any4;
	else if (strcmp(ip, "**") == 0)
		n.ip = ip_any6;
	else
		assert_true(ip_parse(&n.ip, ip));
	n.family = ip_is_v4(&n.ip) ? AF_INET : AF_INET6;
	return n;
}

int apps_command(struct fake_apps *w, uint32_t id, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len)
{
	struct a2s_socket *a = apps_a2s(w, id);
	const struct s2a_socket *s = apps_s2a(w, id);

	a->cmd_op = op;
	a->cmd_arg[0] = arg0;
	a->cmd_arg[1] = arg1;
	a->cmd_len = len;
	memcpy(a->cmd_data, data ? data : "", data ? len : 0);
	a->cmd_seq++;
	apps_post(w, id);
	apps_run(w);
	assert_int_equal(s->reply_seq, a->cmd_seq);
	return s->result;
}

int apps_bind(struct fake_apps *w, uint32_t id, const char *ip, uint16_t port)
{
	struct app_name n = apps_name(ip, port);

	return apps_command(w, id, APP_OP_BIND, 0, 0, &n, sizeof(n));
}

int apps_connect(
    struct fake_apps *w, uint32_t id, const char *ip, uint16_t port)
{
	struct app_name n = apps_name(ip ? ip : "*", port);

	if (ip == NULL)
		n.family = 0;
	return apps_command(w, id, APP_OP_CONNECT, 0, 0, &n, sizeof(n));
}

int apps_setopt(
    struct fake_apps *w, uint32_t id, int level, int name, int value)
{
	return apps_command(w, id, APP_OP_SETOPT, (uint32_t)level,
	    (uint32_t)name, &value, sizeof(value));
}

int apps_getopt(struct fake_apps *w, uint32_t id, int level, int name)
{
	int v;

	assert_int_equal(apps_command(w, id, APP_OP_GETOPT, (uint32_t)level,
			     (uint32_t)name, NULL, 0),
	    0);
	memcpy(&v, apps_s2a(w, id)->reply, sizeof(v));
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
	uint8_t *ring = w->a2s[app_of(id)] + a2s_tx_off(sub_of(id));

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
	const uint8_t *ring = w->s2a[app_of(id)] + s2a_rx_off(sub_of(id));

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
	uint64_t e = apps_s2a(w, id)->error;

	if (apps_a2s(w, id)->error_taken == e)
		return 0;
	apps_a2s(w, id)->error_taken = e;
	return (int)(uint32_t)e;
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

int apps_tx(struct fake_apps *w, struct desc *ret, uint8_t *bytes, size_t size)
{
	if (!rig_take(w->rig, "ipd", "udpd", ret, bytes, size))
		return -1;
	return (int)ret->len;
}
