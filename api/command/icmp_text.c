/*
 * icmp_text.c - what ICMP says, in words
 */
#include "api/command/icmp_text.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Wants struct timespec to be known. */
#include <linux/errqueue.h>

#include "api/strata.h"

/* ---- Out of the queue */

static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

static void read_error(struct icmp_told *t, const struct cmsghdr *c)
{
	size_t len = c->cmsg_len - CMSG_LEN(0);
	struct sock_extended_err e;

	memcpy(&e, CMSG_DATA(c), sizeof(e));
	t->v6 = e.ee_origin == SO_EE_ORIGIN_ICMP6;
	t->local = e.ee_origin == SO_EE_ORIGIN_LOCAL;
	t->err = (int)e.ee_errno;
	t->type = e.ee_type;
	t->code = e.ee_code;
	t->info = e.ee_info;
	t->from_len = (socklen_t)(len - sizeof(e));
	if (t->from_len > sizeof(t->from))
		t->from_len = sizeof(t->from);
	memcpy(&t->from, CMSG_DATA(c) + sizeof(e), t->from_len);
}

bool icmp_next_error(int fd, struct icmp_told *ret)
{
	struct icmp_told t = { .err = 0 };
	struct iovec iov = { t.data, sizeof(t.data) };
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_name = &t.to,
		.msg_namelen = sizeof(t.to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = strata_recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n == -1)
		return false;
	t.len = (size_t)n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c))
		if (is_error(c))
			read_error(&t, c);
	*ret = t;
	return true;
}

/* ---- In words */

static const char *unreachable4(const struct icmp_told *t)
{
	static char text[64];

	switch (t->code) {
	case ICMP_NET_UNREACH:
		return "Destination Net Unreachable";
	case ICMP_HOST_UNREACH:
		return "Destination Host Unreachable";
	case ICMP_PROT_UNREACH:
		return "Destination Protocol Unreachable";
	case ICMP_PORT_UNREACH:
		return "Destination Port Unreachable";
	case ICMP_FRAG_NEEDED:
		snprintf(text, sizeof(text),
		    "Frag needed and DF set (mtu = %u)", t->info);
		return text;
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
		return "Packet filtered";
	default: /* a router's word */
		snprintf(text, sizeof(text), "Destination Unreachable, code %u",
		    t->code);
		return text;
	}
}

static const char *unreachable6(const struct icmp_told *t)
{
	switch (t->code) {
	case ICMP6_DST_UNREACH_NOROUTE:
		return "Destination unreachable: No route";
	case ICMP6_DST_UNREACH_ADMIN:
		return "Destination unreachable: Administratively prohibited";
	case ICMP6_DST_UNREACH_ADDR:
		return "Destination unreachable: Address unreachable";
	case ICMP6_DST_UNREACH_NOPORT:
		return "Destination unreachable: Port unreachable";
	default: /* a router's word */
		return "Destination unreachable";
	}
}

const char *icmp_sentence(const struct icmp_told *t)
{
	static char text[64];

	if (t->local)
		return strerror(t->err);
	if (!t->v6 && t->type == ICMP_DEST_UNREACH)
		return unreachable4(t);
	if (!t->v6 && t->type == ICMP_TIME_EXCEEDED)
		return "Time to live exceeded";
	if (t->v6 && t->type == ICMP6_DST_UNREACH)
		return unreachable6(t);
	if (t->v6 && t->type == ICMP6_TIME_EXCEEDED)
		return "Time exceeded: Hop limit";
	snprintf(text, sizeof(text), t->v6 ? "Packet too big: mtu=%u" : "%u",
	    t->info);
	if (!t->v6 || t->type != ICMP6_PACKET_TOO_BIG)
		snprintf(text, sizeof(text), "ICMP type %u, code %u", t->type,
		    t->code);
	return text;
}

static const char *mark4(uint8_t code)
{
	switch (code) {
	case ICMP_NET_UNREACH:
		return " !N";
	case ICMP_HOST_UNREACH:
		return " !H";
	case ICMP_PROT_UNREACH:
		return " !P";
	case ICMP_FRAG_NEEDED:
		return " !F";
	case ICMP_PKT_FILTERED:
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
		return " !X";
	default: /* a router's word */
		return " !";
	}
}

static const char *mark6(uint8_t code)
{
	switch (code) {
	case ICMP6_DST_UNREACH_NOROUTE:
		return " !N";
	case ICMP6_DST_UNREACH_ADDR:
		return " !H";
	case ICMP6_DST_UNREACH_ADMIN:
		return " !X";
	default: /* a router's word */
		return " !";
	}
}

const char *icmp_mark(const struct icmp_told *t)
{
	if (icmp_is_hop(t) || icmp_is_port(t))
		return "";
	if (t->err == EMSGSIZE)
		return " !F";
	if (t->type == (t->v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH))
		return t->v6 ? mark6(t->code) : mark4(t->code);
	return " !";
}

bool icmp_is_hop(const struct icmp_told *t)
{
	return !t->local &&
	    t->type == (t->v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED);
}

bool icmp_is_port(const struct icmp_told *t)
{
	if (t->local)
		return false;
	return t->v6
	    ? t->type == ICMP6_DST_UNREACH &&
		t->code == ICMP6_DST_UNREACH_NOPORT
	    : t->type == ICMP_DEST_UNREACH && t->code == ICMP_PORT_UNREACH;
}
