/*
 * sweep_app.c - an app of a transport that is killed while it serves it
 */
#include "tests/crash/sweep_app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct rig *app_rig(const char *json)
{
	struct rig *r = rig_open(json);
	struct fib *f = (void *)rig_node(r, "ipd")->table;

	publish_begin(&f->p);
	fib_build(f, &r->topo);
	publish_end(&f->p);
	return r;
}

void app_introduce(struct rig *r, struct apps *a, uint32_t sockets)
{
	apps_app_opened(a, 0, r->world, r->world + APP_S2A_AT);
	for (uint32_t sub = 0; sub < sockets; sub++)
		apps_socket_opened(a, 0, sub, AF_INET);
}

struct a2s_socket *app_a2s(const struct rig *r, uint32_t sub)
{
	return (void *)(r->world + a2s_socket_off(sub));
}

struct s2a_socket *app_s2a(const struct rig *r, uint32_t sub)
{
	return (void *)(r->world + APP_S2A_AT + s2a_socket_off(sub));
}

static const uint8_t *rx_ring(const struct rig *r, uint32_t sub)
{
	return r->world + APP_S2A_AT + s2a_rx_off(sub);
}

static const void *errors(const struct rig *r, uint32_t sub)
{
	return r->world + APP_S2A_AT + s2a_error_off(sub, 0);
}

static size_t error_bytes(const struct s2a_socket *s)
{
	return s->err_written * sizeof(struct app_error);
}

void app_post(struct rig *r, uint32_t sub)
{
	struct a2s_head *h = (void *)r->world;

	h->event[h->posted++ % APP_EVENTS] = (uint16_t)sub;
}

void app_ask(struct rig *r, uint32_t sub, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len)
{
	struct a2s_socket *a = app_a2s(r, sub);

	a->cmd_op = op;
	a->cmd_arg[0] = arg0;
	a->cmd_arg[1] = arg1;
	a->cmd_len = len;
	memcpy(a->cmd_data, data, len);
	a->cmd_seq++;
	app_post(r, sub);
}

void app_ask_name(
    struct rig *r, uint32_t sub, uint32_t op, const char *ip, uint16_t port)
{
	struct app_name n = {
		.port = port, .link = LINK_ANY, .family = AF_INET
	};

	assert_true(ip_parse(&n.ip, ip));
	app_ask(r, sub, op, 0, 0, &n, sizeof(n));
}

const char *app_early(
    const struct rig *killed, const struct rig *later, uint32_t sub)
{
	const struct s2a_socket *k = app_s2a(killed, sub);
	const struct s2a_socket *l = app_s2a(later, sub);

	if (k->rx_written > l->rx_written)
		return "bytes were shown before the commit";
	if (memcmp(rx_ring(killed, sub), rx_ring(later, sub), k->rx_written) !=
	    0)
		return "bytes that were shown have changed";
	if (k->tx_consumed > l->tx_consumed)
		return "room was given before the commit";
	if ((int32_t)(k->reply_seq - l->reply_seq) > 0)
		return "an answer was shown before the commit";
	if (k->error >> 32 > l->error >> 32)
		return "an error was shown before the commit";
	if (k->err_written > l->err_written)
		return "the queue of errors was shown before the commit";
	if (memcmp(errors(killed, sub), errors(later, sub), error_bytes(k)) !=
	    0)
		return "errors that were shown have changed";
	return NULL;
}

const char *app_differs(
    const struct rig *ref, const struct rig *r, uint32_t sub)
{
	const struct s2a_socket *a = app_s2a(ref, sub);
	const struct s2a_socket *b = app_s2a(r, sub);

	if (a->rx_written != b->rx_written ||
	    memcmp(rx_ring(ref, sub), rx_ring(r, sub), a->rx_written) != 0)
		return "the app received something else";
	if (a->tx_consumed != b->tx_consumed || a->error != b->error)
		return "the app's counts are others";
	if (a->err_written != b->err_written ||
	    memcmp(errors(ref, sub), errors(r, sub), error_bytes(a)) != 0)
		return "the errors are others";
	if (a->reply_seq != b->reply_seq || a->result != b->result)
		return "the answer is another";
	return NULL;
}
