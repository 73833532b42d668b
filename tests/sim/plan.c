/*
 * plan.c - what a seed is about
 */
#include "tests/sim/plan.h"

#include <string.h>

#include "shm/layout.h"
#include "tests/sim/sim.h"

/* ---- The wire ---- */

static void draw_line(struct sim *s, struct plan *p)
{
	p->rate_mbit = (uint32_t)draw_log(s, 5, 10000);
	p->delay_ns = draw_log(s, 10 * NS_PER_US, 100 * NS_PER_MS);
	p->jitter_ns =
	    chance(s, 50) ? draw_log(s, 1000, p->delay_ns + 1000) : 0;
	p->queue_bytes = (uint32_t)draw_log(s, 200000, 2000000);
	p->queue_frames = 4096;
}

static void draw_trouble(struct sim *s, struct plan *p)
{
	if (chance(s, 60))
		p->loss = (uint32_t)draw_log(s, 1, 1500);
	if (chance(s, 40))
		p->duplicate = (uint32_t)draw_log(s, 1, 2000);
	if (chance(s, 40))
		p->reorder = (uint32_t)draw_log(s, 1, 3000);
	if (chance(s, 30) && !p->offload)
		p->corrupt = (uint32_t)draw_log(s, 1, 500);
	if (chance(s, 30))
		p->queue_frames = (uint32_t)draw_log(s, 8, 512);
}

static void draw_cuts(struct sim *s, struct plan *p)
{
	p->cuts = (uint32_t)draw(s, 1, PLAN_PARTITIONS);
	for (uint32_t i = 0; i < p->cuts; i++) {
		struct plan_partition *c = &p->cut[i];

		c->begin_ns = draw(s, 0, p->length_ns);
		c->end_ns =
		    c->begin_ns + draw_log(s, NS_PER_MS, (int64_t)4 * NS_PER_S);
		c->host = (uint8_t)draw(s, 0, p->hosts - 1);
	}
}

static void draw_narrow(struct sim *s, struct plan *p)
{
	p->narrow_mtu = (uint32_t)draw(s, 1280, p->mtu);
	p->narrow_told = chance(s, 60);
	p->narrow_begin_ns = draw(s, 0, p->length_ns);
	p->narrow_end_ns =
	    p->narrow_begin_ns + draw_log(s, NS_PER_MS, (int64_t)10 * NS_PER_S);
}

/* ---- Hosts ---- */

static const char *on(struct sim *s, uint32_t percent)
{
	return chance(s, percent) ? "true" : "false";
}

/*
 * A cookie is only in the segment that follows the SYN: if that is lost and the
 * next is not, the listener knows nothing of it and resets, as Linux does.
 */
static int draw_cookies(struct sim *s, const struct plan *p)
{
	return p->lossless && p->reorder == 0 ? (int)draw(s, 0, 2) : 0;
}

static void draw_tcp(struct sim *s, struct plan *p)
{
	snprintf(p->tcp, sizeof(p->tcp),
	    "\"congestion\":\"%s\",\"initial_window\":%d,\"sack\":%s,"
	    "\"dsack\":%s,\"timestamps\":%s,\"window_scaling\":%s,"
	    "\"ecn\":%d,\"hystart\":%s,\"pacing\":%s,\"frto\":%s,"
	    "\"tail_loss_probe\":%s,\"delayed_ack_ms\":%d,"
	    "\"moderate_rcvbuf\":%s,\"syn_cookies\":%d",
	    chance(s, 70) ? "cubic" : "reno", (int)draw(s, 1, 20), on(s, 80),
	    on(s, 80), on(s, 80), on(s, 85), (int)draw(s, 0, 2), on(s, 80),
	    on(s, 70), on(s, 80), on(s, 80), (int)draw(s, 0, 200), on(s, 80),
	    draw_cookies(s, p));
}

static void draw_hosts(struct sim *s, struct plan *p)
{
	static const uint32_t mtus[] = { 1280, 1500, 1500, 1500, 9000 };

	p->hosts = chance(s, 75) ? 2 : 3;
	p->offload = chance(s, 40);
	p->dad = chance(s, 20);
	p->mtu = mtus[draw(s, 0, 4)];
	p->ring_slots = 64U << draw(s, 0, 4);
	p->small_slots = (uint32_t)draw_log(s, 64, 1024);
	p->big_slots = (uint32_t)draw_log(s, 8, 64);
}

static void draw_apps(struct sim *s, struct plan *p)
{
	p->udp_flows = (uint32_t)draw(s, 0, 3);
	p->tcp_flows = (uint32_t)draw(s, p->udp_flows ? 0 : 1, 6);
	p->pings = chance(s, 40) ? (uint32_t)draw_log(s, 1, 64) : 0;
	p->rude = chance(s, 25);
	p->app_kills = chance(s, 15);
	p->tcp_bytes = draw_log(s, 1, 600000);
}

static void draw_kills(struct sim *s, struct plan *p)
{
	p->kill_every_ns = draw_log(s, NS_PER_MS, 200 * NS_PER_MS);
	/* One layer again and again, or all of them. */
	p->kill_layers =
	    chance(s, 50) ? 1U << draw(s, 0, NLAYERS - 1) : (1U << NLAYERS) - 1;
	p->down_ns = draw_log(s, 100 * NS_PER_US, 50 * NS_PER_MS);
}

void plan_draw(struct sim *s, uint64_t seed)
{
	struct plan *p = &s->plan;

	s->r.state = seed * 0x9e3779b97f4a7c15 + 1;
	*p = (struct plan){ .seed = seed };
	p->length_ns = draw_log(s, 50 * NS_PER_MS, (int64_t)5 * NS_PER_S);
	draw_hosts(s, p);
	draw_line(s, p);
	draw_apps(s, p);
	if (chance(s, 60))
		draw_kills(s, p);
	if (chance(s, 50))
		draw_trouble(s, p);
	if (chance(s, 15))
		draw_cuts(s, p);
	if (chance(s, 10))
		draw_narrow(s, p);
	p->lossless = p->loss == 0 && p->corrupt == 0 && p->cuts == 0 &&
	    p->narrow_mtu == 0 && p->queue_frames >= 4096;
	draw_tcp(s, p);
}

void plan_json(const struct plan *p, uint32_t i, char ret[PLAN_JSON])
{
	char pool[64], ring[32];

	snprintf(pool, sizeof(pool), "\"pool\":{\"small\":%u,\"big\":%u}",
	    p->small_slots, p->big_slots);
	snprintf(ring, sizeof(ring), "\"slots\":%u", p->ring_slots);
	snprintf(ret, PLAN_JSON,
	    "{\"name\":\"h%u\",\"links\":[{\"name\":\"e0\",\"device\":\"tap\","
	    "\"mac\":\"02:00:00:00:00:0%u\",\"mtu\":%u,\"offload\":%s,"
	    "\"dad_transmits\":%d,"
	    "\"addresses\":[\"192.0.2.%u/24\",\"2001:db8::%u/64\"]}],"
	    "\"tcp\":{%s},"
	    "\"processes\":["
	    "{\"name\":\"linkd\",\"layer\":\"linkd\",%s},"
	    "{\"name\":\"ipd\",\"layer\":\"ipd\",%s},"
	    "{\"name\":\"tcpd\",\"layer\":\"tcpd\",%s},"
	    "{\"name\":\"udpd\",\"layer\":\"udpd\",%s}],"
	    "\"rings\":["
	    "{\"from\":\"linkd\",\"to\":\"ipd\",%s},"
	    "{\"from\":\"ipd\",\"to\":\"linkd\",%s},"
	    "{\"from\":\"ipd\",\"to\":\"tcpd\",%s},"
	    "{\"from\":\"tcpd\",\"to\":\"ipd\",%s},"
	    "{\"from\":\"ipd\",\"to\":\"udpd\",%s},"
	    "{\"from\":\"udpd\",\"to\":\"ipd\",%s}]}",
	    i, i + 1, p->mtu, p->offload ? "true" : "false", p->dad, i + 1,
	    i + 1, p->tcp, pool, pool, pool, pool, ring, ring, ring, ring, ring,
	    ring);
}

void plan_say(struct sim *s)
{
	const struct plan *p = &s->plan;

	note(s,
	    "plan: seed %lu, %u hosts, %ld ms, offload=%d mtu=%u rings=%u "
	    "pools=%u+%u, %u Mbit/s, %ld+%ld us",
	    (unsigned long)p->seed, p->hosts, (long)(p->length_ns / NS_PER_MS),
	    p->offload, p->mtu, p->ring_slots, p->small_slots, p->big_slots,
	    p->rate_mbit, (long)(p->delay_ns / 1000),
	    (long)(p->jitter_ns / 1000));
	note(s,
	    "plan: loss=%u dup=%u reorder=%u corrupt=%u queue=%u cuts=%u "
	    "narrow=%u, kill every %ld us layers=%x down=%ld us, "
	    "udp=%u tcp=%u rude=%d app_kills=%d bytes=%ld",
	    p->loss, p->duplicate, p->reorder, p->corrupt, p->queue_frames,
	    p->cuts, p->narrow_mtu, (long)(p->kill_every_ns / 1000),
	    p->kill_layers, (long)(p->down_ns / 1000), p->udp_flows,
	    p->tcp_flows, p->rude, p->app_kills, (long)p->tcp_bytes);
	note(s, "plan: tcp %.170s", p->tcp);
	note(s, "plan: tcp %s", strlen(p->tcp) > 170 ? p->tcp + 170 : "");
}
