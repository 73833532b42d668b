/*
 * route_get.c - strata route get: where a packet would go
 */
#include "api/command/route_get.h"

#include <errno.h>

#include "api/command/ask_daemon.h"
#include "api/command/command.h"
#include "shm/fib.h"

enum {
	NKINDS = FIB_MULTICAST + 1,
};

static const char *const kinds[NKINDS] = {
	[FIB_UNICAST] = "unicast",
	[FIB_LOCAL] = "local",
	[FIB_BROADCAST] = "broadcast",
	[FIB_MULTICAST] = "multicast",
};

/* ---- An answer */

int way_read(struct ask_way *ret, const uint8_t *at, size_t len)
{
	struct ask_way w;

	if (len != sizeof(w))
		return -EPROTO;
	memcpy(&w, at, sizeof(w));
	if (w.kind >= NKINDS || w.link >= TOPO_MAX_LINKS || w.plen > 128)
		return -EPROTO;
	*ret = w;
	return 0;
}

static bool has_next_hop(const struct ask *q, const struct ask_way *way)
{
	return way->kind == FIB_UNICAST && !ip_equal(&way->next_hop, &q->ip);
}

static const char *link_name(const struct ask_file *f,
    const struct ask_way *way, char text[TOPO_NAME_LEN + 1])
{
	snprintf(
	    text, TOPO_NAME_LEN + 1, "%.*s", TOPO_NAME_LEN, f->link[way->link]);
	return text;
}

void way_print(FILE *to, const struct ask *q, const struct ask_file *f,
    const struct ask_way *way)
{
	char ip[IP_TEXT_LEN], link[TOPO_NAME_LEN + 1];

	if (way->kind != FIB_UNICAST)
		fprintf(to, "%s ", kinds[way->kind]);
	fprintf(to, "%s", ip_text(&q->ip, ip));
	if (has_next_hop(q, way))
		fprintf(to, " via %s", ip_text(&way->next_hop, ip));
	fprintf(to, " dev %s src %s mtu %u\n", link_name(f, way, link),
	    ip_text(&way->src, ip), way->mtu);
	if (way->has_route && way->plen == 0)
		fprintf(to, "    by the default route\n");
	else if (way->has_route)
		fprintf(to, "    by the route %s/%u\n", ip_text(&way->net, ip),
		    way->plen);
	if (way->path_mtu != 0)
		fprintf(to, "    cache expires %usec mtu %u\n",
		    way->path_ms / 1000, way->path_mtu);
}

json_t *way_json(
    const struct ask *q, const struct ask_file *f, const struct ask_way *way)
{
	char ip[IP_TEXT_LEN], link[TOPO_NAME_LEN + 1];
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "to", ip_text(&q->ip, ip),
	    "kind", kinds[way->kind], "link", link_name(f, way, link), "mtu",
	    (json_int_t)way->mtu);

	json_object_set_new(o, "source", json_string(ip_text(&way->src, ip)));
	if (has_next_hop(q, way))
		json_object_set_new(
		    o, "via", json_string(ip_text(&way->next_hop, ip)));
	if (way->has_route)
		json_object_set_new(o, "route",
		    json_pack("{s:s, s:i}", "to", ip_text(&way->net, ip),
			"prefix", (int)way->plen));
	if (way->path_mtu != 0)
		json_object_set_new(o, "path",
		    json_pack("{s:I, s:I}", "mtu", (json_int_t)way->path_mtu,
			"expires_ms", (json_int_t)way->path_ms));
	return o;
}

/* ---- The question */

static bool parse(struct words *w, struct ask *ret, bool *as_json)
{
	bool ok = word_address(w, ret, &ret->ip);

	while (ok && w->left > 0) {
		if (word_is(w, "from"))
			ret->has_via = ok = word_address(w, ret, &ret->via);
		else if (word_is(w, "dev") || word_is(w, "oif"))
			ok = word_link(w, ret);
		else if (word_is(w, "--json"))
			*as_json = true;
		else
			return words_end(w);
	}
	return ok;
}

/* @r of what was asked. */
static int failed(const struct ask *q, int r)
{
	char to[IP_TEXT_LEN], from[IP_TEXT_LEN], text[ASK_ERROR_LEN];

	ip_text(&q->ip, to);
	fprintf(stderr, "strata route get: ");
	if (r == -ENETUNREACH && ip_is_link_local(&q->ip) &&
	    q->link_name[0] == '\0')
		fprintf(stderr, "on which link is %s?  Say so: dev LINK\n", to);
	else if (r == -ENETUNREACH)
		fprintf(stderr, "no route to %s\n", to);
	else if (r == -EADDRNOTAVAIL && q->has_via)
		fprintf(stderr, "%s is no address of ours for packets to %s\n",
		    ip_text(&q->via, from), to);
	else if (r == -EADDRNOTAVAIL)
		fprintf(
		    stderr, "no address of ours is of use to reach %s\n", to);
	else if (r == -EINVAL)
		fprintf(stderr, "no packet can go there\n");
	else
		fprintf(stderr, "%s\n", ask_error(r, text));
	return STATUS_FAILED;
}

static int get(const char *stack, const struct ask *q, bool as_json)
{
	struct ask_way way;
	struct answer a;
	int r = ask_daemon(stack, q, &a);

	if (r == 0)
		r = way_read(&way, a.records, a.len);
	if (r == 0 && as_json) {
		json_t *o = way_json(q, &a.file, &way);

		print_json(o);
		json_decref(o);
	} else if (r == 0) {
		way_print(stdout, q, &a.file, &way);
	}
	answer_free(&a);
	if (r == -ENODEV && q->link_name[0] != '\0')
		return table_no_link("strata route get", stack, q->link_name);
	return r < 0 ? failed(q, r) : 0;
}

int route_get(const struct table_command *t, const char *stack, struct words *w)
{
	struct ask q = { .op = ASK_WAY };
	bool as_json = false;

	if (!parse(w, &q, &as_json))
		return table_wrong(t, w->wrong);
	stack = table_stack(t, stack);
	return stack != NULL ? get(stack, &q, as_json) : STATUS_FAILED;
}
