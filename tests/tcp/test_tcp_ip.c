/*
 * test_tcp_ip.c - what TCP asks of IP: RFC 9293, 3.9.2; what users give: 3.9.1
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

static void set_hops(struct wire *w, uint32_t s, int v)
{
	if (w->v6)
		call_setopt(w, s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, v);
	else
		call_setopt(w, s, IPPROTO_IP, IP_TTL, v);
}

static void set_tos(struct wire *w, uint32_t s, int v)
{
	if (w->v6)
		call_setopt(w, s, IPPROTO_IPV6, IPV6_TCLASS, v);
	else
		call_setopt(w, s, IPPROTO_IP, IP_TOS, v);
}

/* MUST-49: "The TTL value ... MUST be configurable." */
static void the_time_to_live_is_the_sockets(struct wire *w)
{
	uint32_t s = call_socket(w);

	set_hops(w, s, 9);
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0), .hops = 9);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1, .hops = 9);
	set_hops(w, s, 33);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10, .hops = 33);
	call_linger(w, s, 0);
	call_close(w, s);
	out(w, RST | ACK, .seq = 11, .ack = 1, .win = ZERO, .hops = 33);
}

/* MUST-48, SHLD-21, SHLD-22: Diffserv, unchanged, in every segment. */
static void the_diffserv_field_is_the_sockets(struct wire *w)
{
	uint32_t s = call_socket(w);

	set_tos(w, s, 0x28);
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0), .tos = 0x28);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1, .tos = 0x28);
	set_tos(w, s, 0x48);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10, .tos = 0x48);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 11, .ack = 1, .tos = 0x48);
}

/* What a listener has is its connections'. */
static void a_listeners_are_its_connections(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	set_hops(w, l, 7);
	set_tos(w, l, 0x10);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS, .hops = 7,
	    .tos = 0x10);
	in(w, ACK, .seq = 1, .ack = 1);
	call_write(w, call_accept(w, l), 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10, .hops = 7, .tos = 0x10);
}

/* MUST-46: "reject ... OPEN call for a broadcast or multicast address". */
static void nobody_calls_many(struct wire *w)
{
	static const char *const v4[] = { "192.0.2.255", "255.255.255.255",
		"224.0.0.1" };
	static const char *const v6[] = { "ff02::1", "ff0e::1", "ff05::2" };

	for (int i = 0; i < 3; i++) {
		uint32_t s = call_socket(w);
		struct app_name n = {
			.port = 80,
			.link = LINK_ANY,
			.family = w->v6 ? AF_INET6 : AF_INET,
		};

		must(w, ip_parse(&n.ip, w->v6 ? v6[i] : v4[i]));
		must(w,
		    wire_command(w, s, APP_OP_CONNECT, 0, 0, &n, sizeof(n)) ==
			-ENETUNREACH);
		none(w);
		call_close(w, s);
	}
}

/* MUST-43, 45: a local address and port that were asked for are used. */
static void a_bound_socket_calls_from_there(struct wire *w)
{
	uint32_t s = call_socket(w);

	must(w, call_bind(w, s, 5555) == 0);
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	must(w, w->c[0].our_port == 5555);
	after(w, 1000);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	must(w, w->c[0].our_port == 5555);
}

/* MUST-57, 63: nor is anybody answered who is many, or calls many. */
static void many_are_not_answered(struct wire *w)
{
	static const char *const v4[] = { "192.0.2.255", "255.255.255.255",
		"224.0.0.1", "0.0.0.0" };
	static const char *const v6[] = { "ff02::1", "ff0e::1", "ff05::2",
		"::" };
	struct ip_addr us = w->us, peer = w->peer;

	call_listen(w, 80);
	for (int i = 0; i < 4; i++) {
		must(w, ip_parse(&w->peer, w->v6 ? v6[i] : v4[i]));
		in(w, SYN, .seq = 0, .mss = 1000);
		w->peer = peer;
		none(w);
		if (i == 3)
			break;
		must(w, ip_parse(&w->us, w->v6 ? v6[i] : v4[i]));
		in(w, SYN, .seq = 0, .mss = 1000);
		w->us = us;
		none(w);
	}
	counted(w, CNT_TCP_TO_MANY, 7);
}

/* MUST-42: LISTEN while a call from the same port is in SYN-SENT. */
static void listening_where_somebody_calls_from(struct wire *w)
{
	uint32_t s = call_socket(w), l = call_socket(w);

	call_setopt(w, s, SOL_SOCKET, SO_REUSEADDR, 1);
	call_setopt(w, l, SOL_SOCKET, SO_REUSEADDR, 1);
	must(w, call_bind(w, s, 80) == 0);
	must(w, wire_connect_with(w, s) == 0);
	out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS, .sack_ok = true,
	    .ts = ECR(0));
	must(w, call_bind(w, l, 80) == 0);
	must(w, wire_command(w, l, APP_OP_LISTEN, 5, 0, NULL, 0) == 0);
	call_spares(w, l, 1);
	on(w, 1);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	on(w, 0);
	in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
	out(w, ACK, .seq = 1, .ack = 1);
}

/* A socket of IPv6 listens for both (RFC 3493, 3.7). */
static void a_socket_of_ipv6_takes_both(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	if (!w->v6)
		return;
	must(w, ip_parse(&w->us, "192.0.2.2"));
	must(w, ip_parse(&w->peer, "192.0.2.1"));
	w->mss = 1460;
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	s = call_accept(w, l);
	call_read(w, s, 10);
	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 11, .len = 10);
}

/* RFC 6056: ports are drawn from the range, and not one after the other. */
static void ephemeral_ports_are_not_in_a_row(struct wire *w)
{
	uint32_t neighbours = 0;

	for (uint32_t i = 0; i < 30; i++) {
		on(w, i);
		call_connect(w);
		out(w, SYN, .seq = 0, .mss = OUR_MSS, .ws = OUR_WS,
		    .sack_ok = true, .ts = ECR(0));
		must(w, w->c[i].our_port >= 32768 && w->c[i].our_port <= 60999);
		if (i > 0 && w->c[i].our_port == w->c[i - 1].our_port + 1)
			neighbours++;
	}
	must(w, neighbours < 5);
}

static const struct script scripts[] = {
	SCRIPT(the_time_to_live_is_the_sockets),
	SCRIPT(the_diffserv_field_is_the_sockets),
	SCRIPT(a_listeners_are_its_connections),
	SCRIPT(nobody_calls_many),
	SCRIPT(a_bound_socket_calls_from_there),
	SCRIPT(many_are_not_answered),
	SCRIPT(listening_where_somebody_calls_from),
	SCRIPT(a_socket_of_ipv6_takes_both),
	SCRIPT(ephemeral_ports_are_not_in_a_row),
};

WIRE_MAIN(scripts)
