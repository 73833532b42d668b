/*
 * sockopt.c - socket options that are a number or a bit
 */
#include "shm/sockopt.h"

#include <errno.h>
#include <string.h>

const struct sockopt *sockopt_find(
    const struct sockopt_table *t, int level, int name)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->option[i].level == level && t->option[i].name == name)
			return &t->option[i];
	return NULL;
}

static void put(uint8_t *at, const struct sockopt *o, int v)
{
	int16_t v16 = (int16_t)v;
	int32_t v32 = v;
	uint32_t word;

	switch (o->kind) {
	case SOCKOPT_FLAG:
		memcpy(&word, at, sizeof(word));
		word = v != 0 ? word | o->bit : word & ~o->bit;
		memcpy(at, &word, sizeof(word));
		return;
	case SOCKOPT_U8:
		*at = (uint8_t)v;
		return;
	case SOCKOPT_I16:
		memcpy(at, &v16, sizeof(v16));
		return;
	case SOCKOPT_I32:
		memcpy(at, &v32, sizeof(v32));
		return;
	}
}

int sockopt_store(void *options, const struct sockopt *o, int v)
{
	bool number = o->kind != SOCKOPT_FLAG;

	if (number && v == -1 && o->minus_one != SOCKOPT_PLAIN)
		v = o->minus_one;
	else if ((number || o->max > 0) && (v < o->min || v > o->max))
		return -EINVAL;
	put((uint8_t *)options + o->off, o, v);
	return 0;
}

int sockopt_load(const void *options, const struct sockopt *o)
{
	const uint8_t *at = (const uint8_t *)options + o->off;
	uint32_t word;
	int16_t v16;
	int32_t v32;

	switch (o->kind) {
	case SOCKOPT_FLAG:
		memcpy(&word, at, sizeof(word));
		return (word & o->bit) != 0;
	case SOCKOPT_U8:
		return *at;
	case SOCKOPT_I16:
		memcpy(&v16, at, sizeof(v16));
		return v16;
	case SOCKOPT_I32:
		memcpy(&v32, at, sizeof(v32));
		return v32;
	}
	return 0;
}

int sockopt_int(const struct command *c)
{
	int v = 0;

	memcpy(&v, c->data, sizeof(v));
	return v;
}

int sockopt_buffer(const struct command *c, int32_t *ret, int min, int max)
{
	int64_t v;

	if (c->len < sizeof(int))
		return -EINVAL;
	v = (int64_t)(uint32_t)sockopt_int(c) * 2;
	*ret = v < min ? min : v > max ? max : (int32_t)v;
	return 0;
}

int sockopt_device(
    const struct topology *t, const struct command *c, uint8_t *ret)
{
	char name[TOPO_NAME_LEN] = "";
	size_t len = c->len < sizeof(name) - 1 ? c->len : sizeof(name) - 1;

	memcpy(name, c->data, len);
	if (name[0] == '\0') {
		*ret = LINK_ANY;
		return 0;
	}
	for (uint8_t i = 0; i < t->nlinks; i++)
		if (strcmp(t->links[i].name, name) == 0) {
			*ret = i;
			return 0;
		}
	return -ENODEV;
}
