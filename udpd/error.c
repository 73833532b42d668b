/*
 * error.c - ICMP errors about what sockets have sent (RFC 1122, 4.1.3.3)
 *
 * A socket's error word holds the last one (SO_ERROR).  With IP_RECVERR each is
 * also put into its queue, with who said so and what of the packet came back.
 */
#include "udpd/error.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <time.h>

/* Wants struct timespec to be known. */
#include <linux/errqueue.h>

#include "shm/bytes.h"
#include "shm/icmp_error.h"
#include "udpd/port.h"
#include "udpd/raw.h"
#include "udpd/udp_wire.h"

/* An error, and how it looks to the kind of socket that it is for. */
struct told {
	const struct desc *d;
	const uint8_t *p;
	uint32_t header; /* of p: what the app did not write */
	uint16_t port;   /* the packet's destination */
};

/* The address in the slot of who says so; our own if it is us. */
static struct ip_addr offender(const struct told *t)
{
	const struct desc *d = t->d;
	bool v4 = ip_is_v4(&d->src);

	/* 0, that it was us, is too short for an address, too. */
	if (d->icmp_from < (v4 ? 4 : 16) || d->icmp_from > d->off)
		return d->src;
	return v4 ? ip_from_v4(t->p - d->icmp_from)
		  : ip_from_v6(t->p - d->icmp_from);
}

static uint8_t origin(const struct told *t, int err)
{
	if (t->d->icmp_from == 0 && err == EMSGSIZE)
		return SO_EE_ORIGIN_LOCAL;
	return ip_is_v4(&t->d->src) ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
}

static void queue(struct udpd *u, uint32_t id, const struct told *t, int err)
{
	const struct desc *d = t->d;
	struct usock_flow *f = touch_flow(u, id);
	struct app_error *e = apps_error_place(&u->apps, id, f->err_written);
	uint32_t len = d->len > t->header ? d->len - t->header : 0;

	if (e == NULL) {
		/* As the kernel's: in the socket's drops. */
		f->dropped++;
		node_count(&u->n, CNT_RX_ERROR_QUEUE_FULL);
		return;
	}
	if (len > APP_ERROR_DATA)
		len = APP_ERROR_DATA;
	*e = (struct app_error){
		.err = (uint32_t)err,
		.info = d->icmp_info,
		.origin = origin(t, err),
		.type = d->icmp_type,
		.code = d->icmp_code,
		.len = (uint16_t)len,
		.to = { .ip = d->dst,
		    .port = t->port,
		    .link = d->link,
		    .family = u->state->sock[id].family },
		.offender = offender(t),
	};
	memcpy(e->data, t->p + t->header, len);
	f->err_written++;
}

static void tell(struct udpd *u, uint32_t id, const struct told *t)
{
	const struct usock *s = &u->state->sock[id];
	const struct desc *d = t->d;
	bool recverr = s->flags & (SO_F_RECVERR | SO_F_RECVERR6);
	struct icmp_verdict v = ip_is_v4(&d->dst)
	    ? icmp_verdict4(d->icmp_type, d->icmp_code, s->mtu_discover)
	    : icmp_verdict6(d->icmp_type, d->icmp_code, s->mtu_discover6);

	log_debug(&u->n.log, "icmp error, type=%u code=%u socket=%u errno=%d",
	    d->icmp_type, d->icmp_code, id, v.err);
	if (v.err == 0 || (!recverr && !(v.hard && s->connected))) {
		node_note(&u->n,
		    "socket %u of app %u sent it, and is not told: no"
		    " IP_RECVERR, %s",
		    sub_of(id), app_of(id),
		    s->connected ? "nothing lasting" : "not connected");
		return;
	}
	node_note(&u->n, "socket %u of app %u is told: %s", sub_of(id),
	    app_of(id), strerrordesc_np(v.err));
	if (recverr && apps_is_live(&u->apps, id))
		queue(u, id, t, v.err);
	udpd_error(u, id, v.err);
}

static void udp_error(struct udpd *u, const struct told *t)
{
	const struct desc *d = t->d;
	struct flow f = { .local = d->src, .peer = d->dst, .link = d->link };
	struct told with_port = *t;
	uint32_t id;

	if (!udp_parse_ports(&f.local_port, &f.peer_port, t->p, d->len)) {
		node_count(&u->n, CNT_RX_BAD_ERROR);
		return;
	}
	id = port_sender(u, &f);
	with_port.header = UDP_HDR_LEN;
	with_port.port = f.peer_port;
	if (id != NO_SOCKET)
		tell(u, id, &with_port);
}

/* About an echo request: its id is the port of who sent it. */
static void ping_error(struct udpd *u, const struct told *t)
{
	const struct desc *d = t->d;
	uint8_t request =
	    d->proto == IPPROTO_ICMP ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	struct flow f = {
		.kind = USOCK_PING,
		.local = d->src,
		.peer = d->dst,
		.link = d->link,
	};
	uint32_t id;

	if (d->len < ICMP_HDR_LEN || t->p[0] != request)
		return;
	f.local_port = be16_get(t->p + ICMP_ID_AT);
	id = port_sender(u, &f);
	if (id != NO_SOCKET)
		tell(u, id, t);
}

static void raw_error(struct udpd *u, const struct told *t)
{
	const struct desc *d = t->d;
	struct flow f = {
		.kind = USOCK_RAW,
		.local = d->src,
		.peer = d->dst,
		.local_port = d->proto,
		.link = d->link,
	};

	for (uint32_t id = port_next_member(u, &f, NO_SOCKET);
	     id != NO_SOCKET && apps_can_touch(&u->apps);
	     id = port_next_member(u, &f, id))
		tell(u, id, t);
}

void error_rx(struct udpd *u, const struct desc *d, const uint8_t *p)
{
	struct told t = { .d = d, .p = p };

	node_note(&u->n, "an ICMP error, type %u, code %u, about what was sent",
	    d->icmp_type, d->icmp_code);
	node_count(&u->n, CNT_RX_ERRORS);
	if (d->proto == IPPROTO_UDP)
		udp_error(u, &t);
	else if (d->proto == IPPROTO_ICMP || d->proto == IPPROTO_ICMPV6)
		ping_error(u, &t);
	raw_error(u, &t);
}
