/*
 * test_tcp_info.c - TCP_INFO: what a socket tells of its connection is so
 */
#include <linux/tcp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "tcpd/send.h"
#include "tests/tcp/wire.h"

enum {
	RTT = 100,
};

static struct tcp_info info(struct wire *w)
{
	struct tcp_info i;

	conn_info(w->t, wire_tcb(w), &i);
	return i;
}

static void what_is_in_flight(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true, .ws = WS(3));
	struct tcp_info i;

	call_write(w, s, 3500);
	for (uint32_t at = 1; at < 3001; at += 1000)
		out(w, ACK, .seq = at, .ack = 1, .len = 1000);
	out(w, ACK, .seq = 3001, .ack = 1, .len = 500);
	call_write(w, s, 100); /* Nagle */
	i = info(w);
	must(w, i.tcpi_state == 1 && i.tcpi_snd_mss == 1000);
	must(w, i.tcpi_options == (TCPI_OPT_SACK | TCPI_OPT_WSCALE));
	must(w, i.tcpi_snd_wscale == 3 && i.tcpi_snd_cwnd == 10);
	must(w, i.tcpi_unacked == 4 && i.tcpi_notsent_bytes == 100);
	must(w, i.tcpi_bytes_sent == 3500 && i.tcpi_bytes_acked == 0);
	must(w, i.tcpi_data_segs_out == 4);
	must(w, i.tcpi_rtt == RTT * 1000 && i.tcpi_rto == 3 * RTT * 1000);
	must(w, i.tcpi_ca_state == TCP_CA_Open);
	pass(w, RTT);
	in(w, ACK, .seq = 1, .ack = 3001, .win = 4000);
	i = info(w);
	must(w, i.tcpi_unacked == 1 && i.tcpi_notsent_bytes == 100);
	must(w, i.tcpi_bytes_acked == 3000 && i.tcpi_delivered >= 3);
	must(w, i.tcpi_snd_wnd == 4000 << 3);
	must(w, i.tcpi_last_data_sent == RTT && i.tcpi_last_ack_recv == 0);
	must(w, i.tcpi_min_rtt == RTT * 1000);
	/* 3,000 bytes in a round trip. */
	must(w, i.tcpi_delivery_rate / 10 == 3000 * 100 / RTT);
	/* 13 segments a round trip, twice that in slow start. */
	must(w, i.tcpi_snd_cwnd == 13);
	must(w, i.tcpi_pacing_rate / 10 * 10 + 10 == 2 * 13000 * 1000 / RTT);
	in(w, ACK, .seq = 1, .ack = 3501);
	out(w, ACK, .seq = 3501, .ack = 1, .len = 100);
	in(w, ACK, .seq = 1, .ack = 3601);
	quiet(w, 250);
	must(w, info(w).tcpi_last_data_sent == 250);
}

static void what_was_lost(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);
	struct tcp_info i;

	call_write(w, s, 5000);
	wire_drain(w);
	pass(w, RTT);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	i = info(w);
	must(w, i.tcpi_ca_state == TCP_CA_Recovery);
	must(w, i.tcpi_sacked == 3 && i.tcpi_total_retrans == 1);
	must(w, i.tcpi_retrans == 1 && i.tcpi_bytes_retrans == 1000);
	must(w, i.tcpi_snd_ssthresh < 10);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 5001, .sack = { { 1, 1001 } });
	i = info(w);
	must(w, i.tcpi_ca_state == TCP_CA_Open && i.tcpi_lost == 0);
	must(w, i.tcpi_dsack_dups == 1 && i.tcpi_unacked == 0);
	wire_drain(w);
}

static void a_timeout_is_seen(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT);

	call_write(w, s, 10);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	after(w, 3 * RTT);
	out(w, ACK, .seq = 1, .ack = 1, .len = 10);
	must(w, info(w).tcpi_ca_state == TCP_CA_Loss);
	must(w, info(w).tcpi_retransmits == 1 && info(w).tcpi_backoff == 1);
	must(w, info(w).tcpi_rto == 6 * RTT * 1000);
}

static void what_came(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);
	struct tcp_info i;

	in(w, ACK, .seq = 1001, .ack = 1, .len = 1000);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	wire_drain(w);
	i = info(w);
	must(w, i.tcpi_rcv_ooopack == 1 && i.tcpi_bytes_received == 2000);
	must(w, i.tcpi_data_segs_in == 2 && i.tcpi_rcv_mss == 1000);
	quiet(w, 30);
	must(w, info(w).tcpi_last_data_recv == 30);
	call_read(w, s, 2000);
	wire_drain(w);
}

/* Of the path, not of the peer's MSS. */
static void the_paths_mtu(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .mss = 1460);
	uint32_t mtu = w->mss + (w->v6 ? 60 : 40);

	must(w, info(w).tcpi_pmtu == mtu);
	call_write(w, s, 1000);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1000);
	in_icmp(w, w->v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH,
	    w->v6 ? 0 : ICMP_FRAG_NEEDED, 1300, 1);
	must(w, info(w).tcpi_pmtu == 1300);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 1001);
}

static void ecn_is_told(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN | ECE | CWR, .seq = 0, .win = 65535, .mss = 1000);
	out(w, SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	call_accept(w, l);
	must(w, info(w).tcpi_options == TCPI_OPT_ECN);
	in(w, ACK, .seq = 1, .ack = 1, .len = 10, .ecn = 2);
	wire_drain(w);
	must(w, info(w).tcpi_options == (TCPI_OPT_ECN | TCPI_OPT_ECN_SEEN));
}

/* By so many segments was one late, and never by less than three. */
static void how_much_was_reordered(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);

	call_write(w, s, 10000);
	wire_drain(w);
	pass(w, RTT);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	must(w, info(w).tcpi_reord_seen == 0);
	in(w, ACK, .seq = 1, .ack = 2001);
	must(w, info(w).tcpi_reord_seen == 1);
	must(w, info(w).tcpi_reordering == 3);
	in(w, ACK, .seq = 1, .ack = 2001, .sack = { { 8001, 9001 } });
	in(w, ACK, .seq = 1, .ack = 3001, .sack = { { 8001, 9001 } });
	must(w, info(w).tcpi_reord_seen == 2);
	must(w, info(w).tcpi_reordering == 7);
	must(w, info(w).tcpi_retrans == 0);
	in(w, ACK, .seq = 1, .ack = 10001);
	must(w, info(w).tcpi_delivered == 11);
}

/* What is sent again is told only while it is on its way. */
static void nothing_is_sent_again_any_more(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);

	call_write(w, s, 3000);
	wire_drain(w);
	pass(w, RTT);
	in(w, ACK, .seq = 1, .ack = 1, .sack = { { 1001, 3001 } });
	pass(w, RTT);
	wire_drain(w);
	must(w, info(w).tcpi_retrans == 1 && info(w).tcpi_lost == 0);
	in(w, ACK, .seq = 1, .ack = 3001);
	must(w, info(w).tcpi_retrans == 0);
	must(w, info(w).tcpi_total_retrans == 1);
}

/* A sample says little of the path if the app has written little. */
static void who_limited_the_rate(struct wire *w)
{
	uint32_t s = established(w, .rtt = RTT, .sack = true);
	uint32_t next;

	call_write(w, s, 3000);
	wire_drain(w);
	pass(w, RTT);
	in(w, ACK, .seq = 1, .ack = 3001);
	must(w, info(w).tcpi_delivery_rate_app_limited == 1);
	must(w, info(w).tcpi_delivery_rate / 10 == 3000);
	/* Much: but its first window was sent when there was nothing. */
	call_write(w, s, 200000);
	for (next = 3001; next < 20000; next += 1000) {
		wire_drain(w);
		pass(w, RTT);
		in(w, ACK, .seq = 1, .ack = next + 1000);
	}
	must(w, info(w).tcpi_delivery_rate_app_limited == 0);
	must(w, info(w).tcpi_notsent_bytes > 100000);
	wire_drain(w);
}

static void a_window_that_was_reduced(struct wire *w)
{
	uint32_t l = call_listen(w, 80), s;

	in(w, SYN | ECE | CWR, .seq = 0, .win = 65535, .mss = 1000);
	out(w, SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = OUR_MSS);
	quiet(w, RTT);
	in(w, ACK, .seq = 1, .ack = 1);
	s = call_accept(w, l);
	must(w, info(w).tcpi_last_data_sent == 0);
	quiet(w, 10);
	must(w, info(w).tcpi_last_data_sent == 10);
	must(w, info(w).tcpi_last_data_recv == 10);
	call_write(w, s, 5000);
	wire_drain(w);
	pass(w, RTT);
	in(w, ACK | ECE, .seq = 1, .ack = 1001);
	must(w, info(w).tcpi_ca_state == TCP_CA_CWR);
	must(w, info(w).tcpi_delivered_ce == 1);
	in(w, ACK, .seq = 1, .ack = 5001);
	must(w, info(w).tcpi_ca_state == TCP_CA_Open);
	wire_drain(w);
}

static const struct script scripts[] = {
	SCRIPT(how_much_was_reordered),
	SCRIPT(nothing_is_sent_again_any_more),
	SCRIPT(who_limited_the_rate),
	SCRIPT(a_window_that_was_reduced),
	SCRIPT(what_is_in_flight),
	SCRIPT(what_was_lost),
	SCRIPT(a_timeout_is_seen),
	SCRIPT(what_came),
	SCRIPT(the_paths_mtu),
	SCRIPT(ecn_is_told),
};

WIRE_MAIN(scripts)
