/*
 * fake_channel.h - apps without processes: their channels to one transport
 *
 * Segments in the test's own memory, and what the supervisor and the library
 * would do with them.  The library's checks are missing, so that a test may
 * send what the library never would.
 *
 *	fake_app.c	to udpd		fake_streams.c	to tcpd/app.c
 */
#ifndef TESTS_HARNESS_FAKE_CHANNEL_H
#define TESTS_HARNESS_FAKE_CHANNEL_H

#include "shm/apps.h"

/* Two links, and a transport whose rings have @SLOTS more to say. */
#define FAKE_TOPOLOGY(TRANSPORT, SLOTS)                                       \
	"{\"name\":\"t\",\"links\":["                                         \
	"{\"name\":\"n0\",\"device\":\"null\",\"mac\":\"02:00:00:00:00:02\"," \
	"\"addresses\":[\"192.0.2.2/24\",\"2001:db8::2/64\"]},"               \
	"{\"name\":\"n1\",\"device\":\"null\",\"mac\":\"02:00:00:00:00:03\"," \
	"\"addresses\":[\"198.51.100.2/24\"]}],"                              \
	"\"routes\":[{\"to\":\"203.0.113.0/24\",\"via\":\"192.0.2.1\"}],"     \
	"\"processes\":[{\"name\":\"linkd\",\"layer\":\"linkd\"},"            \
	"{\"name\":\"ipd\",\"layer\":\"ipd\"},"                               \
	"{\"name\":\"" TRANSPORT "\",\"layer\":\"" TRANSPORT "\"}],"          \
	"\"rings\":[{\"from\":\"linkd\",\"to\":\"ipd\"},"                     \
	"{\"from\":\"ipd\",\"to\":\"linkd\"},"                                \
	"{\"from\":\"ipd\",\"to\":\"" TRANSPORT "\"" SLOTS "},"               \
	"{\"from\":\"" TRANSPORT "\",\"to\":\"ipd\"" SLOTS "}]}"

struct fake_channel {
	struct apps *apps;    /* of the transport's instance at the time */
	void (*run)(void *x); /* turns until nothing is left to do */
	void *x;
	uint8_t *a2s[APP_MAX];
	uint8_t *s2a[APP_MAX];
	uint8_t family[MAX_SOCKETS]; /* as the supervisor remembers; 0: none */
	uint8_t type[MAX_SOCKETS], protocol[MAX_SOCKETS];
	bool hung_up[MAX_SOCKETS]; /* the app's end is closed */
	bool gone[APP_MAX];
};

/* What each new instance of the transport hears, before and after attaching. */
void channel_introduce(struct fake_channel *ch, struct apps *apps);
void channel_repeat_hang_ups(struct fake_channel *ch);

void channel_add_app(struct fake_channel *ch, uint32_t app);
void channel_unmap(struct fake_channel *ch);

/* A new socket, its number. */
uint32_t channel_socket(struct fake_channel *ch, uint32_t app, uint8_t family);

/* Of another type and protocol than the transport's own. */
uint32_t channel_socket_of_kind(struct fake_channel *ch, uint32_t app,
    uint8_t family, uint8_t type, uint8_t protocol);

/* The app's end is closed; not run. */
void channel_hang_up(struct fake_channel *ch, uint32_t id);

/* Somebody has got another fd for it. */
void channel_renew(struct fake_channel *ch, uint32_t id);

/* The transport is done with the socket. */
void channel_forget(struct fake_channel *ch, uint32_t id);

struct a2s_socket *channel_a2s(const struct fake_channel *ch, uint32_t id);
struct s2a_socket *channel_s2a(const struct fake_channel *ch, uint32_t id);
void channel_post(struct fake_channel *ch, uint32_t id);

/* "192.0.2.1" and so on; "*" and "**" are any of IPv4 and IPv6. */
struct app_name channel_name(const char *ip, uint16_t port);

/* Commands, run to their answer.  A connect to NULL undoes one. */
int channel_command(struct fake_channel *ch, uint32_t id, uint32_t op,
    uint32_t arg0, uint32_t arg1, const void *data, uint32_t len);
int channel_bind(
    struct fake_channel *ch, uint32_t id, const char *ip, uint16_t port);
int channel_connect(
    struct fake_channel *ch, uint32_t id, const char *ip, uint16_t port);
int channel_set(
    struct fake_channel *ch, uint32_t id, int level, int name, int value);
int channel_get(
    struct fake_channel *ch, uint32_t id, int level, int name, int *ret);

/* SO_ERROR, taken. */
int channel_error(struct fake_channel *ch, uint32_t id);

#endif /* TESTS_HARNESS_FAKE_CHANNEL_H */
