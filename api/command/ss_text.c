/*
 * ss_text.c - a socket as lines like those of ss(8)
 */
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "api/command/ss.h"

enum {
	END_LEN = IP_TEXT_LEN + TOPO_NAME_LEN + 40,
};

static const char *const states[SOCKET_NSTATES] = {
	[0] = "UNKNOWN",
	[SOCKET_ESTABLISHED] = "ESTAB",
	[SOCKET_SYN_SENT] = "SYN-SENT",
	[SOCKET_SYN_RECV] = "SYN-RECV",
	[SOCKET_FIN_WAIT1] = "FIN-WAIT-1",
	[SOCKET_FIN_WAIT2] = "FIN-WAIT-2",
	[SOCKET_TIME_WAIT] = "TIME-WAIT",
	[SOCKET_CLOSE] = "UNCONN",
	[SOCKET_CLOSE_WAIT] = "CLOSE-WAIT",
	[SOCKET_LAST_ACK] = "LAST-ACK",
	[SOCKET_LISTEN] = "LISTEN",
	[SOCKET_CLOSING] = "CLOSING",
};

const char *ss_state(const struct ask_socket *k)
{
	return states[k->state];
}

void ss_program(uint32_t pid, char name[32])
{
	char path[64];
	FILE *f;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(name, 32, f) == NULL)
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	fclose(f);
}

static const char *port_text(const struct ss_options *o,
    const struct ask_socket *k, uint16_t port, char text[32])
{
	const struct servent *s = NULL;

	if (port == 0)
		return "*";
	if (!o->numeric)
		s = getservbyport(htons(port), ss_protocol(k));
	if (s != NULL)
		snprintf(text, 32, "%.31s", s->s_name);
	else
		snprintf(text, 32, "%u", port);
	return text;
}

static void end_text(char text[END_LEN], const struct ss_options *o,
    const struct ask_file *f, const struct ask_socket *k,
    const struct app_name *n)
{
	char ip[IP_TEXT_LEN], port[32], zone[TOPO_NAME_LEN + 1] = "";
	bool v4 = ip_is_v4(&n->ip);

	if (n->link < TOPO_MAX_LINKS && f->link[n->link][0] != '\0')
		snprintf(zone, sizeof(zone), "%%%.15s", f->link[n->link]);
	snprintf(text, END_LEN, "%s%s%s%s:%s", v4 ? "" : "[",
	    ip_text(&n->ip, ip), zone, v4 ? "" : "]",
	    port_text(o, k, n->port, port));
}

static const char *const timers[ASK_NTIMERS] = {
	[ASK_TIMER_NONE] = "",
	[ASK_TIMER_ON] = "on",
	[ASK_TIMER_KEEPALIVE] = "keepalive",
	[ASK_TIMER_TIME_WAIT] = "timewait",
	[ASK_TIMER_PERSIST] = "persist",
};

/* As ss has it: 320ms, 4.8sec, 119min. */
static void print_timer(FILE *to, const struct ask_socket *k)
{
	uint32_t ms = k->timer_ms;

	if (k->timer == ASK_TIMER_NONE)
		return;
	fprintf(to, " timer:(%s,", timers[k->timer]);
	if (ms >= 60 * 1000)
		fprintf(to, "%umin", ms / 60000);
	else if (ms >= 10 * 1000)
		fprintf(to, "%usec", ms / 1000);
	else if (ms >= 1000)
		fprintf(to, "%u.%usec", ms / 1000, ms % 1000 / 100);
	else
		fprintf(to, "%ums", ms);
	fprintf(to, ",%u)", k->tries);
}

static void print_owner(
    FILE *to, const struct ask_file *f, const struct ask_socket *k)
{
	char name[32];

	if (k->app == ASK_NO_APP || f->app[k->app].pid == 0)
		return;
	ss_program(f->app[k->app].pid, name);
	fprintf(to, " users:((\"%s\",pid=%u,app=%u,socket=%u))", name,
	    f->app[k->app].pid, k->app, k->sub);
}

/* ---- -i */

static void print_options(FILE *to, const struct ask_socket *k)
{
	const struct tcp_info *i = &k->info;

	if (i->tcpi_options & TCPI_OPT_TIMESTAMPS)
		fprintf(to, " ts");
	if (i->tcpi_options & TCPI_OPT_SACK)
		fprintf(to, " sack");
	if (i->tcpi_options & TCPI_OPT_ECN)
		fprintf(to, " ecn");
	if (i->tcpi_options & TCPI_OPT_ECN_SEEN)
		fprintf(to, " ecnseen");
	if (k->congestion[0] != '\0')
		fprintf(to, " %s", k->congestion);
	if (i->tcpi_options & TCPI_OPT_WSCALE)
		fprintf(to, " wscale:%d,%d", i->tcpi_snd_wscale,
		    i->tcpi_rcv_wscale);
}

static void print_ms(FILE *to, const char *name, uint32_t us)
{
	fprintf(to, " %s:%g", name, (double)us / 1e3);
}

static void print_timing(FILE *to, const struct tcp_info *i)
{
	print_ms(to, "rto", i->tcpi_rto);
	if (i->tcpi_backoff != 0)
		fprintf(to, " backoff:%u", i->tcpi_backoff);
	if (i->tcpi_rtt != 0)
		fprintf(to, " rtt:%g/%g", (double)i->tcpi_rtt / 1e3,
		    (double)i->tcpi_rttvar / 1e3);
	if (i->tcpi_ato != 0)
		print_ms(to, "ato", i->tcpi_ato);
}

static void print_nonzero(FILE *to, const char *name, uint64_t v)
{
	if (v != 0)
		fprintf(to, " %s:%llu", name, (unsigned long long)v);
}

static void print_windows(FILE *to, const struct tcp_info *i)
{
	print_nonzero(to, "mss", i->tcpi_snd_mss);
	print_nonzero(to, "pmtu", i->tcpi_pmtu);
	print_nonzero(to, "rcvmss", i->tcpi_rcv_mss);
	print_nonzero(to, "advmss", i->tcpi_advmss);
	print_nonzero(to, "cwnd", i->tcpi_snd_cwnd);
	if (i->tcpi_snd_ssthresh < INT32_MAX)
		print_nonzero(to, "ssthresh", i->tcpi_snd_ssthresh);
}

static void print_counts(FILE *to, const struct tcp_info *i)
{
	print_nonzero(to, "bytes_sent", i->tcpi_bytes_sent);
	print_nonzero(to, "bytes_retrans", i->tcpi_bytes_retrans);
	print_nonzero(to, "bytes_acked", i->tcpi_bytes_acked);
	print_nonzero(to, "bytes_received", i->tcpi_bytes_received);
	print_nonzero(to, "segs_out", i->tcpi_segs_out);
	print_nonzero(to, "segs_in", i->tcpi_segs_in);
	print_nonzero(to, "data_segs_out", i->tcpi_data_segs_out);
	print_nonzero(to, "data_segs_in", i->tcpi_data_segs_in);
}

/* Bits a second, to three digits as ss has them. */
static void print_rate(FILE *to, const char *name, double bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	double bits = bytes * 8;
	size_t u = 0;

	for (; bits >= 1000 && u < sizeof(units) / sizeof(*units) - 1; u++)
		bits /= 1000;
	fprintf(to, " %s %.*f%sbps", name, u > 0 && bits < 100 ? 1 : 0, bits,
	    units[u]);
}

static void print_rates(FILE *to, const struct tcp_info *i)
{
	if (i->tcpi_rtt > 0 && i->tcpi_snd_cwnd > 0)
		print_rate(to, "send",
		    (double)i->tcpi_snd_cwnd * i->tcpi_snd_mss * 1e6 /
			i->tcpi_rtt);
	print_nonzero(to, "lastsnd", i->tcpi_last_data_sent);
	print_nonzero(to, "lastrcv", i->tcpi_last_data_recv);
	print_nonzero(to, "lastack", i->tcpi_last_ack_recv);
	if (i->tcpi_pacing_rate != UINT64_MAX)
		print_rate(to, "pacing_rate", (double)i->tcpi_pacing_rate);
	if (i->tcpi_delivery_rate != 0)
		print_rate(to, "delivery_rate", (double)i->tcpi_delivery_rate);
	print_nonzero(to, "delivered", i->tcpi_delivered);
	print_nonzero(to, "delivered_ce", i->tcpi_delivered_ce);
}

static void print_limits(FILE *to, const struct tcp_info *i)
{
	if (i->tcpi_busy_time == 0)
		return;
	fprintf(
	    to, " busy:%llums", (unsigned long long)i->tcpi_busy_time / 1000);
	if (i->tcpi_rwnd_limited != 0)
		fprintf(to, " rwnd_limited:%llums",
		    (unsigned long long)i->tcpi_rwnd_limited / 1000);
	if (i->tcpi_sndbuf_limited != 0)
		fprintf(to, " sndbuf_limited:%llums",
		    (unsigned long long)i->tcpi_sndbuf_limited / 1000);
}

static void print_trouble(FILE *to, const struct tcp_info *i)
{
	print_nonzero(to, "unacked", i->tcpi_unacked);
	if (i->tcpi_retrans != 0 || i->tcpi_total_retrans != 0)
		fprintf(to, " retrans:%u/%u", i->tcpi_retrans,
		    i->tcpi_total_retrans);
	print_nonzero(to, "lost", i->tcpi_lost);
	print_nonzero(to, "sacked", i->tcpi_sacked);
	print_nonzero(to, "dsack_dups", i->tcpi_dsack_dups);
	print_nonzero(to, "reord_seen", i->tcpi_reord_seen);
	print_nonzero(to, "rcv_ooopack", i->tcpi_rcv_ooopack);
	if (i->tcpi_rcv_rtt != 0)
		print_ms(to, "rcv_rtt", i->tcpi_rcv_rtt);
	print_nonzero(to, "rcv_space", i->tcpi_rcv_space);
	print_nonzero(to, "rcv_ssthresh", i->tcpi_rcv_ssthresh);
	print_nonzero(to, "notsent", i->tcpi_notsent_bytes);
	if (i->tcpi_min_rtt != 0)
		print_ms(to, "minrtt", i->tcpi_min_rtt);
	print_nonzero(to, "snd_wnd", i->tcpi_snd_wnd);
}

static void print_info(FILE *to, const struct ask_socket *k)
{
	const struct tcp_info *i = &k->info;

	if (k->bytes == sizeof(*k)) {
		print_options(to, k);
		print_timing(to, i);
		print_windows(to, i);
		print_counts(to, i);
		print_rates(to, i);
		print_limits(to, i);
		print_trouble(to, i);
	}
	fprintf(to, " rcvbuf:%u sndbuf:%u", k->rcvbuf, k->sndbuf);
	print_nonzero(to, "dropped", k->dropped);
}

/* ---- -m */

/* Only what there is here of ss's: read, written, and their limits. */
static void print_memory(FILE *to, const struct ask_socket *k)
{
	bool listens = k->state == SOCKET_LISTEN; /* it counts connections */

	fprintf(to, " skmem:(r%u,rb%u,w%u,tb%u,d%llu)", listens ? 0 : k->rxq,
	    k->rcvbuf, listens ? 0 : k->txq, k->sndbuf,
	    (unsigned long long)k->dropped);
}

/* ---- A line */

void ss_print_header(FILE *to, const struct ss_options *o)
{
	if (o->tcp == o->udp)
		fprintf(to, "%-5s ", "Netid");
	fprintf(to, "%-10s %6s %6s %28s %28s%s\n", "State", "Recv-Q", "Send-Q",
	    "Local Address:Port", "Peer Address:Port",
	    o->processes ? " Process" : "");
}

void ss_print(FILE *to, const struct ss_options *o, const struct ask_file *f,
    const struct ask_socket *k)
{
	char local[END_LEN], peer[END_LEN];

	end_text(local, o, f, k, &k->local);
	end_text(peer, o, f, k, &k->peer);
	if (o->tcp == o->udp)
		fprintf(to, "%-5s ", ss_protocol(k));
	fprintf(to, "%-10s %6u %6u %28s %28s", ss_state(k), k->rxq, k->txq,
	    local, peer);
	if (o->processes)
		print_owner(to, f, k);
	if (o->timers)
		print_timer(to, k);
	if (o->memory || o->info)
		fprintf(to, "\n\t");
	if (o->memory)
		print_memory(to, k);
	if (o->info)
		print_info(to, k);
	fputc('\n', to);
}
