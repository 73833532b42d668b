/*
 * ss_sum.c - how many sockets there are, as ss -s shows it
 */
#include <netinet/in.h>

#include "api/command/ss.h"

static const char *const names[SS_NPROTOCOLS] = {
	[SS_RAW] = "RAW",
	[SS_ICMP] = "ICMP",
	[SS_UDP] = "UDP",
	[SS_TCP] = "TCP",
};

static enum ss_row row_of(const struct ask_socket *k)
{
	switch (k->proto) {
	case IPPROTO_TCP:
		return SS_TCP;
	case IPPROTO_UDP:
		return SS_UDP;
	case IPPROTO_RAW:
		return SS_RAW;
	default: /* a daemon's word */
		return SS_ICMP;
	}
}

static void add_tcp(struct ss_sum *s, const struct ask_socket *k)
{
	bool passing =
	    k->state == SOCKET_SYN_RECV || k->state == SOCKET_TIME_WAIT;

	s->estab += k->state == SOCKET_ESTABLISHED;
	s->closed += k->state == SOCKET_CLOSE;
	s->timewait += k->state == SOCKET_TIME_WAIT;
	s->orphaned += k->app == ASK_NO_APP && !passing;
}

void ss_sum_add(struct ss_sum *s, const struct ask_socket *k)
{
	enum ss_row row = row_of(k);

	s->all++;
	s->v4[row] += k->family == AF_INET;
	s->v6[row] += k->family != AF_INET;
	if (row == SS_TCP)
		add_tcp(s, k);
}

static void print_row(FILE *to, const char *name, uint32_t v4, uint32_t v6)
{
	fprintf(to, "%-9s %-9u %-9u %u\n", name, v4 + v6, v4, v6);
}

void ss_sum_print(FILE *to, const struct ss_sum *s)
{
	uint32_t v4 = 0, v6 = 0;

	fprintf(to, "Total: %u\n", s->all);
	fprintf(to,
	    "TCP:   %u (estab %u, closed %u, orphaned %u, timewait %u)\n\n",
	    s->v4[SS_TCP] + s->v6[SS_TCP], s->estab, s->closed, s->orphaned,
	    s->timewait);
	fprintf(to, "Transport Total     IP        IPv6\n");
	for (int i = 0; i < SS_NPROTOCOLS; i++) {
		print_row(to, names[i], s->v4[i], s->v6[i]);
		v4 += s->v4[i];
		v6 += s->v6[i];
	}
	print_row(to, "INET", v4, v6);
}

json_t *ss_sum_json(const struct ss_sum *s)
{
	json_t *rows = json_object();

	for (int i = 0; i < SS_NPROTOCOLS; i++)
		json_object_set_new(rows, names[i],
		    json_pack("{s:I, s:I}", "ipv4", (json_int_t)s->v4[i],
			"ipv6", (json_int_t)s->v6[i]));
	return json_pack("{s:I, s:{s:I, s:I, s:I, s:I}, s:o}", "total",
	    (json_int_t)s->all, "tcp", "estab", (json_int_t)s->estab, "closed",
	    (json_int_t)s->closed, "orphaned", (json_int_t)s->orphaned,
	    "timewait", (json_int_t)s->timewait, "transports", rows);
}
