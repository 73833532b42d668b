/*
 * pair.c - the connections of a seed, by the names of their ends
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/tcp_flow.h"

struct pair *pair_new(struct sim *s, const struct app_name *client,
    const struct app_name *server, uint32_t server_host)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	*p = (struct pair){
		.next = s->pairs,
		.id = s->npairs++,
		.client = *client,
		.server = *server,
		.server_host = server_host,
	};
	p->way[0].key = random_next(&s->r);
	p->way[1].key = random_next(&s->r);
	s->pairs = p;
	return p;
}

static bool same(const struct app_name *a, const struct app_name *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

struct pair *pair_find(
    struct sim *s, const struct app_name *client, const struct app_name *server)
{
	for (struct pair *p = s->pairs; p != NULL; p = p->next)
		if (!p->accepted && same(&p->client, client) &&
		    same(&p->server, server))
			return p;
	return NULL;
}

void pair_release(struct sim *s, struct pair *p)
{
	(void)s;
	p->refs--;
}

void pair_excuse(struct sim *s, struct pair *p, const char *why)
{
	if (p->excuse == NULL)
		note(s, "tcp %u: from now on excused: %s", p->id, why);
	if (p->excuse == NULL)
		p->excuse = why;
}

void pairs_excuse(struct sim *s, uint32_t host, uint16_t port, const char *why)
{
	for (struct pair *p = s->pairs; p != NULL; p = p->next)
		if (p->server_host == host && p->server.port == port)
			pair_excuse(s, p, why);
}

void pairs_free(struct sim *s)
{
	while (s->pairs != NULL) {
		struct pair *p = s->pairs;

		s->pairs = p->next;
		free(p);
	}
}
