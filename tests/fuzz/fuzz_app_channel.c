/*
 * fuzz_app_channel.c - an app that writes anything, anywhere in its segment
 *
 * The input is a program: eight bytes say what to write where, what to ask for,
 * what comes in meanwhile, and when udpd dies.  Another app's socket must work
 * to the end, and no slot may be lost.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shm/bytes.h"
#include "tests/harness/fake_app.h"

enum {
	INSTRUCTION = 8,
	MAX_INSTRUCTIONS = 64,
};

static uint8_t buf[BIG_SLOT];

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Extremes are likelier to matter than what chance writes. */
static uint64_t value(const uint8_t *p)
{
	static const uint64_t extremes[] = { 0, 1, 48, 0xffff, 0x10000,
		APP_TX_BYTES, 0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX };

	if (p[0] & 0x80)
		return extremes[p[1] % 10];
	return (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static void drain(struct fake_apps *w)
{
	struct desc d;

	apps_run(w);
	while (apps_tx(w, &d, buf, sizeof(buf)) >= 0)
		apps_run(w);
}

/* An echo, or whatever it is, for ping and raw sockets. */
static void rx_raw(struct fake_apps *w, const uint8_t *p)
{
	struct desc d = {
		.kind = p[6] & 2 ? PKT_ERROR : PKT_RAW,
		.proto = p[6] & 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.src = apps_name(p[6] & 4 ? "192.0.2.1" : "2001:db8::1", 0).ip,
		.dst = apps_name(p[6] & 4 ? "192.0.2.2" : "2001:db8::2", 0).ip,
	};

	if (d.kind == PKT_ERROR) {
		d.icmp_type = p[7];
		d.icmp_from = be16_get(p + 4);
	} else {
		d.l4 = p[5] % 64;
	}
	rig_put(w->rig, "ipd", "udpd", p, p[7] % INSTRUCTION, &d);
}

/* UDP, ping or raw. */
static void open_one(struct fake_apps *w, const uint8_t *p)
{
	uint8_t family = p[2] & 1 ? AF_INET : AF_INET6;

	if (p[3] % 3 == 0)
		apps_socket(w, family);
	else if (p[3] % 3 == 1)
		channel_socket_of_kind(&w->ch, 0, family, SOCK_DGRAM,
		    family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	else
		channel_socket_of_kind(&w->ch, 0, family, SOCK_RAW,
		    p[4] & 1 ? p[5] : IPPROTO_ICMP);
}

static void execute(struct fake_apps *w, const uint8_t *p)
{
	static const char *const to[] = { "192.0.2.1", "192.0.2.255",
		"224.0.0.1", "203.0.113.9", "8.8.8.8", "2001:db8::9", "ff02::1",
		"127.0.0.1" };
	static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6,
		SOL_RAW, IPPROTO_ICMPV6 };
	uint32_t id = p[1] % 4;
	uint32_t at = (uint32_t)p[2] << 8 | p[3];
	uint64_t v = value(p + 4);

	switch (p[0] % 10) {
	case 0: /* a word of a socket's line */
		at %= sizeof(struct a2s_socket) - 8;
		memcpy((uint8_t *)apps_a2s(w, id) + at, &v, 8);
		break;
	case 1: /* a word of the head */
		at %= sizeof(struct a2s_head) - 8;
		memcpy(w->ch.a2s[0] + at, &v, 8);
		break;
	case 2: /* bytes of the tx ring */
		memcpy(w->ch.a2s[0] + a2s_tx_off(id) + at, p + 4, 4);
		break;
	case 3:
		apps_write(w, id, to[p[2] % 8], be16_get(p + 4), buf,
		    (uint32_t)v % 65508);
		break;
	case 4: { /* a command, in form at least */
		struct a2s_socket *a = apps_a2s(w, id);

		a->cmd_op = p[2] % (NAPP_OPS + 1);
		a->cmd_arg[0] = (uint32_t)levels[p[3] % 5];
		a->cmd_arg[1] = p[4];
		a->cmd_len = p[5];
		memset(a->cmd_data, p[6], sizeof(a->cmd_data));
		a->cmd_data[10] = a->cmd_data[11] = p[7];
		a->cmd_seq++;
		break;
	}
	case 5:
		apps_post(w, id);
		apps_run(w);
		break;
	case 6:
		if (rig_waiting(w->rig, "ipd", "udpd") >= 64)
			;
		else if (p[6] & 1)
			rx_raw(w, p);
		else
			apps_rx(w, "192.0.2.1", be16_get(p + 2), "192.0.2.2",
			    be16_get(p + 4), buf, at % 65508);
		drain(w);
		break;
	case 7:
		apps_restart(w);
		break;
	case 8:
		if (w->ch.family[id] != 0)
			apps_close_socket(w, id);
		drain(w);
		break;
	case 9:
		if (w->ch.family[id] == 0)
			open_one(w, p);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_apps *w = apps_open();
	struct dgram g;
	uint32_t good;

	apps_add_app(w, 1);
	good = apps_socket_of(w, 1, AF_INET);
	check(apps_bind(w, good, "192.0.2.2", 7) == 0);
	for (int i = 0; i < 3; i++)
		apps_socket(w, i & 1 ? AF_INET : AF_INET6);

	for (size_t i = 0; i < MAX_INSTRUCTIONS && size >= INSTRUCTION; i++) {
		execute(w, data);
		data += INSTRUCTION;
		size -= INSTRUCTION;
	}
	for (uint32_t id = 0; id < 4; id++)
		apps_post(w, id);
	drain(w);
	while (apps_read(w, good, &g, buf, sizeof(buf)))
		;
	apps_rx(w, "192.0.2.1", 4000, "192.0.2.2", 7, "well?", 5);
	apps_run(w);
	check(apps_read(w, good, &g, buf, sizeof(buf)) && g.len == 5);
	drain(w);
	check(rig_lent(w->rig, "ipd") == 0);
	apps_close(w);
	return 0;
}
