/*
 * multicast.c - telling routers which groups we hear (RFC 9776, RFC 9777)
 */
#include "ipd/multicast.h"

#include <assert.h>
#include <netinet/in.h>

#include "ipd/icmp6.h"
#include "ipd/igmp.h"
#include "ipd/mld.h"
#include "ipd/rx.h"
#include "shm/siphash.h"

enum {
	RECORDS_MAX = 60, /* in one report: fits into the smallest MTU */
	RETRY_MS = 100,   /* there was no room for a report */

	/* RFC 9776, 8.12: robustness times the interval, plus ten seconds. */
	OLD_ROUTER_MS = (2 * 125 + 10) * 1000,
};

static_assert(MLD_REPORT_HDR_LEN + RECORDS_MAX * MLD_RECORD_LEN <= 1280,
    "fits into what every IPv6 link takes");
static_assert(IGMP_REPORT_HDR_LEN + RECORDS_MAX * IGMP_RECORD_LEN <= 576,
    "fits into what every IPv4 host takes");

static struct membership *membership(struct ipd *ip)
{
	return &ip->s->membership;
}

static struct mono after_random(struct ipd *ip, uint32_t max_ms)
{
	uint64_t *drawn = &membership(ip)->drawn;
	uint64_t r;

	node_touch(&ip->n, drawn, sizeof(*drawn));
	(*drawn)++;
	r = siphash(ip->s->key, drawn, sizeof(*drawn));
	return mono_add(
	    ip->n.now, (int64_t)(r % ((uint64_t)max_ms * NS_PER_MS + 1)));
}

/* ---- Reports */

/* What is due in one report: of one link, one family, one kind. */
struct report {
	uint8_t link;
	bool v4;
	bool asked;
	uint8_t old; /* 1, 2: one group only, in the words of that version */
	struct member *member[RECORDS_MAX];
	uint32_t n;
};

static bool is_due(
    const struct report *r, const struct member *m, struct mono now)
{
	return m->used && m->link == r->link && ip_is_v4(&m->group) == r->v4 &&
	    mono_reached(r->asked ? m->answer_at : m->change_at, now);
}

static void gather(struct ipd *ip, struct report *r)
{
	uint32_t most = r->old ? 1 : RECORDS_MAX;

	r->n = 0;
	for (uint32_t i = 0; i < MEMBERS_MAX && r->n < most; i++) {
		struct member *m = &membership(ip)->member[i];

		if (is_due(r, m, ip->n.now))
			r->member[r->n++] = m;
	}
}

/* The address of the link that reports come from; else "any". */
static struct ip_addr report_source(
    const struct ipd *ip, const struct report *r)
{
	for (uint32_t i = 0; i < ip->fib.naddrs; i++) {
		const struct fib_addr *a = &ip->fib.addr[i];

		if (a->link == r->link && a->state == ADDR_VALID &&
		    ip_is_v4(&a->ip) == r->v4 &&
		    (r->v4 || ip_is_link_local(&a->ip)))
			return a->ip;
	}
	return r->v4 ? ip_any4 : ip_any6;
}

static size_t emit_old(
    uint8_t *out, const struct report *r, const struct ip_addr *src)
{
	const struct member *m = r->member[0];
	enum igmp_old type = r->old == 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT;

	if (!m->joined)
		type = IGMP_V2_LEAVE;
	igmp_old_emit(out, src, type, &m->group);
	return IGMP_OLD_PACKET_LEN;
}

static size_t emit4(
    uint8_t *out, const struct report *r, const struct ip_addr *src)
{
	struct igmp_record records[RECORDS_MAX];

	for (uint32_t i = 0; i < r->n; i++)
		records[i] = (struct igmp_record){
			.type = r->asked           ? IGMP_IS_EXCLUDE
			    : r->member[i]->joined ? IGMP_TO_EXCLUDE
						   : IGMP_TO_INCLUDE,
			.group = r->member[i]->group,
		};
	return igmp_report_emit(out, src, records, r->n);
}

static size_t emit6(
    uint8_t *out, const struct report *r, const struct ip_addr *src)
{
	struct mld_record records[RECORDS_MAX];

	for (uint32_t i = 0; i < r->n; i++)
		records[i] = (struct mld_record){
			.type = r->asked           ? MLD_IS_EXCLUDE
			    : r->member[i]->joined ? MLD_TO_EXCLUDE
						   : MLD_TO_INCLUDE,
			.group = r->member[i]->group,
		};
	return mld_report_emit(out, src, records, r->n);
}

/* Where a report goes: to all routers, or where old ones listen. */
static struct ip_addr report_destination(const struct report *r)
{
	static const struct ip_addr v3_routers = {
		{ [10] = 0xff, [11] = 0xff, 224, 0, 0, 22 }
	};
	static const struct ip_addr routers = {
		{ [10] = 0xff, [11] = 0xff, 224, 0, 0, 2 }
	};

	if (!r->v4)
		return mld_routers;
	if (r->old == 0)
		return v3_routers;
	return r->member[0]->joined ? r->member[0]->group : routers;
}

/* False: there is no room for it now. */
static bool send_report(struct ipd *ip, const struct report *r)
{
	struct ring_out *out = ip->down[r->link];
	struct ip_addr src = report_source(ip, r);
	struct desc d = {
		.kind = PKT_DATA,
		.off = SLOT_HEADROOM,
		.link = r->link,
		.proto = r->v4 ? IPPROTO_IGMP : IPPROTO_ICMPV6,
		.src = src,
		.dst = report_destination(r),
	};
	uint8_t *slot;

	if (!node_room(&ip->n, out, 1))
		return false;
	slot = node_alloc(&ip->n, SMALL_SLOT, &d);
	if (slot == NULL)
		return false;
	if (!r->v4)
		d.len = (uint32_t)emit6(slot + d.off, r, &src);
	else if (r->old != 0)
		d.len = (uint32_t)emit_old(slot + d.off, r, &src);
	else
		d.len = (uint32_t)emit4(slot + d.off, r, &src);
	d.l4 = r->v4 ? IGMP_IP_HDR_LEN : IPV6_HDR_LEN;
	node_put(&ip->n, out, &d);
	node_count(&ip->n, CNT_GROUP_REPORTS);
	return true;
}

/* It has been said. */
static void said(struct ipd *ip, struct member *m, bool asked)
{
	node_touch(&ip->n, m, sizeof(*m));
	if (asked) {
		m->answer_at = MONO_NEVER;
		return;
	}
	m->changes--;
	m->change_at = MONO_NEVER;
	if (m->changes > 0)
		m->change_at = after_random(ip, MEMBER_UNSOLICITED_MS);
	else if (!m->joined)
		*m = (struct member){ .used = false };
}

/* RFC 9776, 7.2.1: who speaks IGMPv1 knows no way to leave. */
static bool is_speechless(const struct report *r)
{
	return r->old == 1 && !r->member[0]->joined;
}

static bool send_due(struct ipd *ip, struct report *r)
{
	for (gather(ip, r); r->n > 0; gather(ip, r)) {
		if (!is_speechless(r) && !send_report(ip, r))
			return false;
		for (uint32_t i = 0; i < r->n; i++)
			said(ip, r->member[i], r->asked);
	}
	return true;
}

static uint8_t old_version(struct ipd *ip, uint8_t link)
{
	struct membership *s = membership(ip);

	return mono_reached(s->old_until[link], ip->n.now)
	    ? 0
	    : s->old_version[link];
}

static bool send_all_due(struct ipd *ip)
{
	for (uint8_t l = 0; l < ip->n.topo->nlinks; l++)
		for (int kind = 0; kind < 4; kind++) {
			struct report r = {
				.link = l,
				.v4 = kind & 1,
				.asked = kind & 2,
			};

			if (ip->down[l] == NULL)
				continue;
			if (r.v4)
				r.old = old_version(ip, l);
			if (!send_due(ip, &r))
				return false;
		}
	return true;
}

static struct mono next_due(struct ipd *ip)
{
	struct mono next = MONO_NEVER;

	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		const struct member *m = &membership(ip)->member[i];

		if (m->used)
			next = mono_min(
			    next, mono_min(m->change_at, m->answer_at));
	}
	return next;
}

void multicast_run(struct ipd *ip)
{
	if (!mono_reached(ip->members_due, ip->n.now))
		return;
	if (send_all_due(ip))
		ip->members_due = next_due(ip);
	else
		ip->members_due = mono_add_ms(ip->n.now, RETRY_MS);
}

void multicast_attach(struct ipd *ip)
{
	/* What was joined or left meanwhile is seen in the first turn. */
	ip->groups_dirty = true;
	ip->members_due = ip->n.now;
}

/* ---- Queries */

/* Answer for @group, or for all of the family if it is "any". */
static void ask(
    struct ipd *ip, uint8_t link, const struct ip_addr *group, uint32_t max_ms)
{
	/* One delay for all: so that they make one report. */
	struct mono at = after_random(ip, max_ms);
	bool v4 = ip_is_v4(group);

	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *m = &membership(ip)->member[i];

		if (!m->used || !m->joined || m->link != link ||
		    ip_is_v4(&m->group) != v4 ||
		    (!ip_is_any(group) && !ip_equal(group, &m->group)) ||
		    !mono_before(at, m->answer_at))
			continue;
		node_touch(&ip->n, m, sizeof(*m));
		m->answer_at = at;
	}
	ip->members_due = mono_min(ip->members_due, at);
}

static void heard_old(struct ipd *ip, uint8_t link, uint8_t version)
{
	struct membership *s = membership(ip);

	if (version == 3 || (old_version(ip, link) == 1 && version == 2))
		return;
	node_touch(&ip->n, &s->old_until[link], sizeof(s->old_until[link]));
	node_touch(&ip->n, &s->old_version[link], sizeof(s->old_version[link]));
	s->old_until[link] = mono_add_ms(ip->n.now, OLD_ROUTER_MS);
	s->old_version[link] = version;
}

static bool done_with(struct ipd *ip, struct received *r)
{
	node_count(&ip->n, CNT_GROUP_QUERIES);
	node_give_back(&ip->n, &r->d);
	return true;
}

bool multicast_rx4(struct ipd *ip, struct received *r)
{
	struct igmp_ip h = {
		.dst = r->dst,
		.router_alert = r->o4.router_alert != 0,
	};
	struct igmp_query q;
	enum igmp_parse why =
	    igmp_query_parse(&q, r->p + r->upper_at, r->len - r->upper_at, &h);

	/* What other hosts say matters to routers only. */
	if (why == IGMP_BAD_TYPE)
		return ipd_drop(ip, &r->d, CNT_ICMP_UNHANDLED);
	if (why != IGMP_OK)
		return ipd_drop(ip, &r->d, CNT_IGMP_BAD);
	igmp_query_log(&ip->n.log, &q);
	heard_old(ip, r->d.link, q.version);
	ask(ip, r->d.link, &q.group, q.max_resp_ms);
	return done_with(ip, r);
}

bool multicast_rx6(struct ipd *ip, struct received *r)
{
	struct mld_ip h = {
		.src = r->src,
		.dst = r->dst,
		.hop_limit = r->hops,
		.router_alert = r->router_alert,
	};
	struct mld_query q;
	enum mld_parse why =
	    mld_query_parse(&q, r->p + r->upper_at, r->len - r->upper_at, &h);

	if (why != MLD_OK)
		return ipd_drop(ip, &r->d, CNT_MLD_BAD);
	mld_query_log(&ip->n.log, &q);
	ask(ip, r->d.link, &q.group, q.max_resp_ms);
	return done_with(ip, r);
}
