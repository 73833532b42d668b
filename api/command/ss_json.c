/*
 * ss_json.c - a socket as a JSON object
 */
#include <netinet/in.h>
#include <string.h>

#include "api/command/ss.h"

#define FIELD(f)                                             \
	{                                                    \
#f, offsetof(struct tcp_info, tcpi_##f),     \
		    sizeof(((struct tcp_info *)0)->tcpi_##f) \
	}

/* struct tcp_info, without its bit fields; units as in tcp(7). */
static const struct field {
	const char *name;
	size_t off, bytes;
} fields[] = {
	FIELD(ca_state),
	FIELD(retransmits),
	FIELD(probes),
	FIELD(backoff),
	FIELD(rto),
	FIELD(ato),
	FIELD(snd_mss),
	FIELD(rcv_mss),
	FIELD(unacked),
	FIELD(sacked),
	FIELD(lost),
	FIELD(retrans),
	FIELD(last_data_sent),
	FIELD(last_data_recv),
	FIELD(last_ack_recv),
	FIELD(pmtu),
	FIELD(rcv_ssthresh),
	FIELD(rtt),
	FIELD(rttvar),
	FIELD(snd_ssthresh),
	FIELD(snd_cwnd),
	FIELD(advmss),
	FIELD(rcv_rtt),
	FIELD(rcv_space),
	FIELD(total_retrans),
	FIELD(bytes_acked),
	FIELD(bytes_received),
	FIELD(segs_out),
	FIELD(segs_in),
	FIELD(notsent_bytes),
	FIELD(min_rtt),
	FIELD(data_segs_in),
	FIELD(data_segs_out),
	FIELD(delivery_rate),
	FIELD(busy_time),
	FIELD(rwnd_limited),
	FIELD(sndbuf_limited),
	FIELD(delivered),
	FIELD(delivered_ce),
	FIELD(bytes_sent),
	FIELD(bytes_retrans),
	FIELD(dsack_dups),
	FIELD(reord_seen),
	FIELD(rcv_ooopack),
	FIELD(snd_wnd),
};

static json_t *field_json(const struct tcp_info *i, const struct field *f)
{
	const uint8_t *at = (const uint8_t *)i + f->off;
	uint64_t v64;
	uint32_t v32;

	if (f->bytes == sizeof(v64)) {
		memcpy(&v64, at, sizeof(v64));
		return json_integer((json_int_t)v64);
	}
	if (f->bytes == sizeof(v32)) {
		memcpy(&v32, at, sizeof(v32));
		return json_integer(v32);
	}
	return json_integer(*at);
}

static json_t *options_json(const struct tcp_info *i)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {
		{ TCPI_OPT_TIMESTAMPS, "ts" },
		{ TCPI_OPT_SACK, "sack" },
		{ TCPI_OPT_WSCALE, "wscale" },
		{ TCPI_OPT_ECN, "ecn" },
		{ TCPI_OPT_ECN_SEEN, "ecnseen" },
	};
	json_t *a = json_array();

	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
		if (i->tcpi_options & names[k].bit)
			json_array_append_new(a, json_string(names[k].name));
	return a;
}

static json_t *info_json(const struct ask_socket *k)
{
	const struct tcp_info *i = &k->info;
	json_t *o = json_object();

	for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++)
		json_object_set_new(
		    o, fields[f].name, field_json(i, &fields[f]));
	json_object_set_new(o, "snd_wscale", json_integer(i->tcpi_snd_wscale));
	json_object_set_new(o, "rcv_wscale", json_integer(i->tcpi_rcv_wscale));
	json_object_set_new(o, "options", options_json(i));
	json_object_set_new(o, "congestion", json_string(k->congestion));
	/* Not paced: null. */
	json_object_set_new(o, "pacing_rate",
	    i->tcpi_pacing_rate == UINT64_MAX
		? json_null()
		: json_integer((json_int_t)i->tcpi_pacing_rate));
	return o;
}

static json_t *end_json(const struct ask_file *f, const struct app_name *n)
{
	char ip[IP_TEXT_LEN];
	json_t *o = json_pack(
	    "{s:s, s:i}", "address", ip_text(&n->ip, ip), "port", (int)n->port);

	if (n->link < TOPO_MAX_LINKS && f->link[n->link][0] != '\0')
		json_object_set_new(o, "link",
		    json_stringn(f->link[n->link],
			strnlen(f->link[n->link], TOPO_NAME_LEN)));
	return o;
}

static json_t *owner_json(const struct ask_file *f, const struct ask_socket *k)
{
	char name[32];

	if (k->app == ASK_NO_APP || f->app[k->app].pid == 0)
		return json_null();
	ss_program(f->app[k->app].pid, name);
	return json_pack("{s:s, s:i, s:i, s:i, s:i}", "program", name, "pid",
	    (int)f->app[k->app].pid, "uid", (int)f->app[k->app].uid, "app",
	    (int)k->app, "socket", (int)k->sub);
}

static json_t *timer_json(const struct ask_socket *k)
{
	static const char *const names[ASK_NTIMERS] = {
		[ASK_TIMER_NONE] = "none",
		[ASK_TIMER_ON] = "on",
		[ASK_TIMER_KEEPALIVE] = "keepalive",
		[ASK_TIMER_TIME_WAIT] = "timewait",
		[ASK_TIMER_PERSIST] = "persist",
	};

	if (k->timer == ASK_TIMER_NONE)
		return json_null();
	return json_pack("{s:s, s:I, s:I}", "kind", names[k->timer], "ms",
	    (json_int_t)k->timer_ms, "tries", (json_int_t)k->tries);
}

json_t *ss_json(const struct ask_file *f, const struct ask_socket *k)
{
	json_t *o =
	    json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I}",
		"protocol", ss_protocol(k), "state", ss_state(k), "recv_q",
		(json_int_t)k->rxq, "send_q", (json_int_t)k->txq, "local",
		end_json(f, &k->local), "peer", end_json(f, &k->peer), "owner",
		owner_json(f, k), "timer", timer_json(k), "rcvbuf",
		(json_int_t)k->rcvbuf, "sndbuf", (json_int_t)k->sndbuf,
		"dropped", (json_int_t)k->dropped);

	if (k->bytes == sizeof(*k))
		json_object_set_new(o, "info", info_json(k));
	return o;
}

json_t *ss_summary(const struct answer *a, size_t rows)
{
	json_t *counts = json_object();
	json_t *first = json_array();
	struct ask_socket k;
	char what[32];

	for (size_t at = 0; at < a->len; at += k.bytes) {
		json_int_t n;

		if (ss_read(&k, a->records + at, a->len - at) < 0)
			break;
		snprintf(what, sizeof(what), "%s %s",
		    k.proto == IPPROTO_TCP ? "tcp" : "udp", ss_state(&k));
		n = json_integer_value(json_object_get(counts, what));
		json_object_set_new(counts, what, json_integer(n + 1));
		if (json_array_size(first) < rows)
			json_array_append_new(first, ss_json(&a->file, &k));
	}
	return json_pack("{s:o, s:o}", "counts", counts, "rows", first);
}
