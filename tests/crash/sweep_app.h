/*
 * sweep_app.h - an app of a transport that is killed while it serves it
 *
 * App 0 with a socket or two; its segments lie in the rig's world, so a death
 * also strikes between any two of the words that the app sees.
 */
#ifndef TESTS_CRASH_SWEEP_APP_H
#define TESTS_CRASH_SWEEP_APP_H

#include "shm/apps.h"
#include "tests/harness/rig.h"

/* Of the app's segments only what its sockets have. */
enum {
	APP_SOCKETS = 2,
	APP_S2A_AT = A2S_TX_OFF + APP_SOCKETS * APP_TX_BYTES,
	APP_WORLD_USED = APP_S2A_AT + S2A_RX_OFF + APP_SOCKETS * APP_RX_BYTES,
};

static_assert((int)APP_WORLD_USED <= (int)RIG_WORLD_BYTES, "all have room");

/* A rig whose ipd has published addresses and routes. */
struct rig *app_rig(const char *json);

/* What an instance of the transport hears from the supervisor. */
void app_introduce(struct rig *r, struct apps *a, uint32_t sockets);

struct a2s_socket *app_a2s(const struct rig *r, uint32_t sub);
struct s2a_socket *app_s2a(const struct rig *r, uint32_t sub);

void app_post(struct rig *r, uint32_t sub);
void app_ask(struct rig *r, uint32_t sub, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len);
void app_ask_name(
    struct rig *r, uint32_t sub, uint32_t op, const char *ip, uint16_t port);

/* What the app can see in @killed must still be so in @later; NULL: it is. */
const char *app_early(
    const struct rig *killed, const struct rig *later, uint32_t sub);

/* In which way the app sees other things in @r than in @ref; NULL: in none. */
const char *app_differs(
    const struct rig *ref, const struct rig *r, uint32_t sub);

#endif /* TESTS_CRASH_SWEEP_APP_H */
