/*
 * channel.h - udpd's end of the channel to each app (shm/app.h)
 *
 * All that is read from a2s is read here and in tx.c, each word once, and
 * checked; an app that lies is cut off.  All that is written to s2a is written
 * here, but for the bytes of datagrams that rx.c stages beyond rx_written.
 */
#ifndef UDPD_CHANNEL_H
#define UDPD_CHANNEL_H

#include "udpd/udpd.h"

/* A command, copied and checked for its form. */
struct command {
	uint32_t seq;
	uint32_t op; /* as the app wrote it: may be none that exists */
	uint32_t len;
	uint32_t arg[4];
	uint8_t data[APP_COMMAND_BYTES];
};

static inline const struct a2s_socket *a2s_of(const struct udpd *u, uint32_t id)
{
	return (
	    const void *)(u->app[app_of(id)].a2s + a2s_socket_off(sub_of(id)));
}

static inline struct s2a_socket *s2a_of(const struct udpd *u, uint32_t id)
{
	return (void *)(u->app[app_of(id)].s2a + s2a_socket_off(sub_of(id)));
}

/* A new app's segment: head and routes. */
void channel_open(struct udpd *u, uint32_t app);
void channel_publish_fib(struct udpd *u, uint32_t app);

void channel_asleep(struct udpd *u, uint32_t app);
void channel_awake(struct udpd *u, uint32_t app);

/* Has the app posted events that were not looked at? */
bool channel_news(struct udpd *u, uint32_t app);

/* Mark the sockets that the app has posted. */
void channel_events(struct udpd *u, uint32_t app);

/* A new socket's counts go on where those of its number's last one ended. */
void channel_resume(
    struct udpd *u, uint32_t id, struct usock *s, struct usock_flow *f);

/* After a restart: whoever waits on this socket is woken once. */
void channel_remind(struct udpd *u, uint32_t id);

/* Does the app want its fd made readable again? */
void channel_kicked(struct udpd *u, uint32_t id);

uint64_t channel_tx_written(const struct udpd *u, uint32_t id);

/* A command that has not been answered: true, and its copy in *@ret. */
bool channel_asked(struct udpd *u, uint32_t id, struct command *ret);

/* Do it, and answer; or try again at u->retry, the socket being patient. */
void channel_answer(struct udpd *u, uint32_t id, const struct command *c);

/* turn_show of udpd: s2a as the objects say. */
void channel_show(void *udpd, uint32_t id);

/* @app lied: believe it no more and close what it has. */
void channel_cut_off(struct udpd *u, uint32_t app, const char *why);

#endif /* UDPD_CHANNEL_H */
