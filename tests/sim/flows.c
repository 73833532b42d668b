/*
 * flows.c - the apps of a seed and what they do
 */
#include "tests/sim/flows.h"

#include "tests/sim/host.h"
#include "tests/sim/tcp_flow.h"

enum {
	APPS_OF_HOST = 2,
	PORT = 5000,
};

/* ---- Patterns ---- */

static uint8_t pattern_byte(uint64_t key, uint64_t at)
{
	return (uint8_t)(pattern_word(key, at / 8) >> (at % 8 * 8));
}

void pattern_fill(uint64_t key, uint64_t at, uint8_t *p, uint32_t len)
{
	uint32_t i = 0;

	for (; i < len && (at + i) % 8 != 0; i++)
		p[i] = pattern_byte(key, at + i);
	for (; i + 8 <= len; i += 8) {
		uint64_t w = pattern_word(key, (at + i) / 8);

		memcpy(p + i, &w, sizeof(w));
	}
	for (; i < len; i++)
		p[i] = pattern_byte(key, at + i);
}

bool pattern_is(uint64_t key, uint64_t at, const uint8_t *p, uint32_t len)
{
	static uint8_t want[APP_RX_BYTES];

	pattern_fill(key, at, want, len);
	return memcmp(want, p, len) == 0;
}

/* ---- Who and when ---- */

struct app *flows_app(struct sim *s, uint32_t host)
{
	struct host *h = s->host[host];
	struct app *live[HOST_APPS] = { NULL };
	uint32_t n = 0;

	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (h->app[i] != NULL && !h->app[i]->dead)
			live[n++] = h->app[i];
	return n == 0 ? app_open(h) : live[draw(s, 0, n - 1)];
}

struct mono flows_start(struct sim *s)
{
	return mono_add(s->now, draw(s, 0, s->plan.length_ns / 3));
}

static bool online(struct sim *s)
{
	for (uint32_t h = 0; h < s->plan.hosts; h++) {
		const struct app *a = flows_app(s, h);

		if (a == NULL || !app_online(a))
			return false;
	}
	return true;
}

bool flows_ready(struct sim *s)
{
	s->online = s->online || online(s);
	return s->online;
}

/* Mostly between hosts, and sometimes within one. */
static uint32_t other_host(struct sim *s, uint32_t from)
{
	if (s->plan.hosts < 2 || chance(s, 15))
		return from;
	return (from + (uint32_t)draw(s, 1, s->plan.hosts - 1)) % s->plan.hosts;
}

static void open_tcp(struct sim *s, uint16_t port)
{
	uint32_t from = (uint32_t)draw(s, 0, s->plan.hosts - 1);

	tcp_flow_open(s, from, other_host(s, from), port);
}

static void open_udp(struct sim *s, uint16_t port)
{
	uint32_t from = (uint32_t)draw(s, 0, s->plan.hosts - 1);

	udp_flow_open(s, from, other_host(s, from), port);
}

static void plan_app_kill(struct sim *s)
{
	s->next_app_kill = MONO_NEVER;
	if (s->plan.app_kills)
		s->next_app_kill = mono_add(
		    s->now, draw_log(s, NS_PER_MS, s->plan.length_ns / 2));
}

void flows_open(struct sim *s)
{
	const struct plan *p = &s->plan;

	for (uint32_t h = 0; h < p->hosts; h++)
		for (uint32_t i = 0; i < APPS_OF_HOST; i++)
			app_open(s->host[h]);
	for (uint32_t i = 0; i < p->udp_flows; i++)
		open_udp(s, (uint16_t)(PORT + s->flows++));
	for (uint32_t i = 0; i < p->tcp_flows; i++)
		open_tcp(s, (uint16_t)(PORT + s->flows++));
	if (chance(s, 25) && p->hosts > 1) {
		tcp_meet_open(s, 0, 1, (uint16_t)(PORT - 2));
		tcp_meet_open(s, 1, 0, (uint16_t)(PORT - 4));
	}
	plan_app_kill(s);
}

/* ---- Apps that die ---- */

struct mono flows_next(const struct sim *s)
{
	return s->ending ? MONO_NEVER : s->next_app_kill;
}

void flows_run(struct sim *s)
{
	struct host *h = s->host[draw(s, 0, s->plan.hosts - 1)];
	struct app *a = h->app[draw(s, 0, HOST_APPS - 1)];

	if (!mono_reached(flows_next(s), s->now))
		return;
	plan_app_kill(s);
	if (a == NULL || a->dead)
		return;
	app_kill(a);
	/* Its number may be another's soon. */
	if (chance(s, 70) && app_open(h) != NULL)
		open_tcp(s, (uint16_t)(PORT + s->flows++));
}

void flows_end(struct sim *s)
{
	for (uint32_t h = 0; h < s->plan.hosts; h++)
		for (uint32_t i = 0; i < HOST_APPS; i++) {
			struct app *a = s->host[h]->app[i];

			if (a != NULL && !a->dead)
				app_kill(a);
		}
}
