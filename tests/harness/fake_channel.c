/*
 * fake_channel.c - apps without processes: their channels to one transport
 */
#include "tests/harness/fake_channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

/* ---- The supervisor's part */

static void open_app(struct fake_channel *ch, uint32_t app)
{
	assert_int_equal(
	    apps_app_opened(ch->apps, app, ch->a2s[app], ch->s2a[app]), 0);
}

static void open_socket(struct fake_channel *ch, uint32_t id)
{
	assert_int_equal(apps_socket_opened(
			     ch->apps, app_of(id), sub_of(id), ch->family[id]),
	    0);
	apps_socket_kind(
	    ch->apps, app_of(id), sub_of(id), ch->type[id], ch->protocol[id]);
}

void channel_introduce(struct fake_channel *ch, struct apps *apps)
{
	ch->apps = apps;
	for (uint32_t app = 0; app < APP_MAX; app++) {
		uint32_t first = app * APP_MAX_SOCKETS;

		if (ch->a2s[app] == NULL)
			continue;
		open_app(ch, app);
		for (uint32_t i = 0; i < APP_MAX_SOCKETS; i++)
			if (ch->family[first + i] != 0)
				open_socket(ch, first + i);
		if (ch->gone[app])
			apps_app_gone(apps, app);
	}
}

void channel_repeat_hang_ups(struct fake_channel *ch)
{
	for (uint32_t id = 0; id < MAX_SOCKETS; id++)
		if (ch->hung_up[id])
			apps_socket_closed(ch->apps, app_of(id), sub_of(id));
}

static void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

void channel_add_app(struct fake_channel *ch, uint32_t app)
{
	ch->a2s[app] = pages(A2S_BYTES);
	ch->s2a[app] = pages(S2A_BYTES);
	open_app(ch, app);
}

void channel_unmap(struct fake_channel *ch)
{
	for (uint32_t app = 0; app < APP_MAX; app++) {
		if (ch->a2s[app] == NULL)
			continue;
		munmap(ch->a2s[app], A2S_BYTES);
		munmap(ch->s2a[app], S2A_BYTES);
	}
}

void channel_hang_up(struct fake_channel *ch, uint32_t id)
{
	ch->hung_up[id] = true;
	apps_socket_closed(ch->apps, app_of(id), sub_of(id));
}

void channel_renew(struct fake_channel *ch, uint32_t id)
{
	ch->hung_up[id] = false;
	apps_socket_renewed(ch->apps, app_of(id), sub_of(id));
}

void channel_forget(struct fake_channel *ch, uint32_t id)
{
	ch->family[id] = 0;
	ch->hung_up[id] = false;
}

/* ---- The library's */

struct a2s_socket *channel_a2s(const struct fake_channel *ch, uint32_t id)
{
	return (void *)(ch->a2s[app_of(id)] + a2s_socket_off(sub_of(id)));
}

struct s2a_socket *channel_s2a(const struct fake_channel *ch, uint32_t id)
{
	return (void *)(ch->s2a[app_of(id)] + s2a_socket_off(sub_of(id)));
}

uint32_t channel_socket(struct fake_channel *ch, uint32_t app, uint8_t family)
{
	return channel_socket_of_kind(ch, app, family, 0, 0);
}

uint32_t channel_socket_of_kind(struct fake_channel *ch, uint32_t app,
    uint8_t family, uint8_t type, uint8_t protocol)
{
	uint32_t id = app * APP_MAX_SOCKETS;
	const struct s2a_socket *s;
	struct a2s_socket *a;

	while (ch->family[id] != 0)
		id++;
	assert_int_equal(app_of(id), app);
	ch->family[id] = family;
	ch->type[id] = type;
	ch->protocol[id] = protocol;
	s = channel_s2a(ch, id);
	a = channel_a2s(ch, id);
	a->tx_written = s->tx_consumed;
	a->rx_read = s->rx_written;
	a->error_taken = s->error;
	a->err_read = s->err_written;
	a->cmd_seq = s->reply_seq;
	open_socket(ch, id);
	ch->run(ch->x);
	return id;
}

void channel_post(struct fake_channel *ch, uint32_t id)
{
	struct a2s_head *h = (void *)ch->a2s[app_of(id)];

	h->event[h->posted % APP_EVENTS] = (uint16_t)sub_of(id);
	h->posted++;
}

struct app_name channel_name(const char *ip, uint16_t port)
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

int channel_command(struct fake_channel *ch, uint32_t id, uint32_t op,
    uint32_t arg0, uint32_t arg1, const void *data, uint32_t len)
{
	struct a2s_socket *a = channel_a2s(ch, id);
	const struct s2a_socket *s = channel_s2a(ch, id);

	a->cmd_op = op;
	a->cmd_arg[0] = arg0;
	a->cmd_arg[1] = arg1;
	a->cmd_len = len;
	memcpy(a->cmd_data, data ? data : "", data ? len : 0);
	a->cmd_seq++;
	channel_post(ch, id);
	ch->run(ch->x);
	assert_int_equal(s->reply_seq, a->cmd_seq);
	return s->result;
}

int channel_bind(
    struct fake_channel *ch, uint32_t id, const char *ip, uint16_t port)
{
	struct app_name n = channel_name(ip, port);

	return channel_command(ch, id, APP_OP_BIND, 0, 0, &n, sizeof(n));
}

int channel_connect(
    struct fake_channel *ch, uint32_t id, const char *ip, uint16_t port)
{
	struct app_name n = channel_name(ip ? ip : "*", port);

	if (ip == NULL)
		n.family = 0;
	return channel_command(ch, id, APP_OP_CONNECT, 0, 0, &n, sizeof(n));
}

int channel_set(
    struct fake_channel *ch, uint32_t id, int level, int name, int value)
{
	return channel_command(ch, id, APP_OP_SETOPT, (uint32_t)level,
	    (uint32_t)name, &value, sizeof(value));
}

int channel_get(
    struct fake_channel *ch, uint32_t id, int level, int name, int *ret)
{
	int r = channel_command(
	    ch, id, APP_OP_GETOPT, (uint32_t)level, (uint32_t)name, NULL, 0);

	memcpy(ret, channel_s2a(ch, id)->reply, sizeof(*ret));
	return r;
}

int channel_error(struct fake_channel *ch, uint32_t id)
{
	uint64_t e = channel_s2a(ch, id)->error;

	if (channel_a2s(ch, id)->error_taken == e)
		return 0;
	channel_a2s(ch, id)->error_taken = e;
	return (int)(uint32_t)e;
}
