/*
 * fake_app.h - an app without a process, for tests of udpd
 *
 *	fake app: a2s and s2a in memory of the test
 *	   |   ^
 *	 +-v---|-+
 *	 | udpd  |	real, moved by udpd_turn()
 *	 +-|---^-+
 *	   v   |
 *	fake ipd (rig.h)
 *
 * It does what the library does, without its checks, so that a test may send
 * what the library never would; and its words lie open for worse.
 */
#ifndef TESTS_HARNESS_FAKE_APP_H
#define TESTS_HARNESS_FAKE_APP_H

#include "tests/harness/fake_channel.h"
#include "tests/harness/rig.h"
#include "udpd/udpd.h"

struct fake_apps {
	struct rig *rig;
	struct udpd *u;
	struct fake_channel ch;
};

/*
 * A stack of ipd and udpd with two links (n0: 192.0.2.2/24 and 2001:db8::2/64;
 * n1: 198.51.100.2/24), whose ipd has published that.  One app, number 0.
 */
struct fake_apps *apps_open(void);
void apps_close(struct fake_apps *w);

/* Turns until there is nothing left to do; WAKE_CLOSED sockets are forgotten.
 */
void apps_run(struct fake_apps *w);

/* udpd dies between two turns, or in one that stays open, and is back. */
void apps_restart(struct fake_apps *w);

void apps_add_app(struct fake_apps *w, uint32_t app);

/* A new socket of app 0, or of @app; its number. */
uint32_t apps_socket(struct fake_apps *w, uint8_t family);
uint32_t apps_socket_of(struct fake_apps *w, uint32_t app, uint8_t family);
void apps_close_socket(struct fake_apps *w, uint32_t id);

/* The app's end is closed, which each instance of udpd sees; not run. */
void apps_hang_up(struct fake_apps *w, uint32_t id);

struct a2s_socket *apps_a2s(struct fake_apps *w, uint32_t id);
struct s2a_socket *apps_s2a(struct fake_apps *w, uint32_t id);
void apps_post(struct fake_apps *w, uint32_t id);

/* "192.0.2.1" and so on; "*" and "**" are any of IPv4 and IPv6. */
struct app_name apps_name(const char *ip, uint16_t port);

/* Commands, run to their answer. */
int apps_command(struct fake_apps *w, uint32_t id, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len);
int apps_bind(struct fake_apps *w, uint32_t id, const char *ip, uint16_t port);
int apps_connect(
    struct fake_apps *w, uint32_t id, const char *ip, uint16_t port);
int apps_setopt(
    struct fake_apps *w, uint32_t id, int level, int name, int value);
int apps_getopt(struct fake_apps *w, uint32_t id, int level, int name);
uint16_t apps_port(struct fake_apps *w, uint32_t id);

/* A datagram into the tx ring, posted but not run. */
void apps_write(struct fake_apps *w, uint32_t id, const char *ip, uint16_t port,
    const void *bytes, uint32_t len);

/* The next received one; false: none.  At most @size bytes are copied. */
bool apps_read(struct fake_apps *w, uint32_t id, struct dgram *ret, void *bytes,
    size_t size);

/* SO_ERROR, taken. */
int apps_error(struct fake_apps *w, uint32_t id);

/* A datagram from ipd; not run. */
void apps_rx(struct fake_apps *w, const char *from, uint16_t from_port,
    const char *to, uint16_t to_port, const void *bytes, uint32_t len);

/* An ICMP error about one that was sent from @from to @to. */
void apps_rx_error(struct fake_apps *w, const char *from, uint16_t from_port,
    const char *to, uint16_t to_port, uint8_t type, uint8_t code);

/*
 * The same as ipd makes it of a message of @len bytes at @bytes: @d begins at
 * byte @at of it, and says where before that the message names its source.
 */
void apps_rx_inside(struct fake_apps *w, const void *bytes, uint32_t len,
    uint32_t at, struct desc d);

/* The next one of a socket's error queue; false: none. */
bool apps_queued(struct fake_apps *w, uint32_t id, struct app_error *ret);

/* What ipd finds next: its bytes' number, or -1. */
int apps_tx(struct fake_apps *w, struct desc *ret, uint8_t *bytes, size_t size);

#endif /* TESTS_HARNESS_FAKE_APP_H */
