/*
 * names.c - the words that people read and write for our enums
 */
#include "shm/names.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const layers[] = {
	[LAYER_LINK] = "linkd",
	[LAYER_IP] = "ipd",
	[LAYER_TCP] = "tcpd",
	[LAYER_UDP] = "udpd",
};

static const char *const devices[] = {
	[DEVICE_TAP] = "tap",
	[DEVICE_PACKET] = "packet",
	[DEVICE_LOOPBACK] = "loopback",
	[DEVICE_NULL] = "null",
};

static_assert(COUNT(layers) == NLAYERS, "a layer without a name");
static_assert(COUNT(devices) == NDEVICES, "a device without a name");

/* A value may come from another process's memory: never beyond the table. */
static const char *name_of(const char *const *table, size_t n, unsigned value)
{
	return value < n ? table[value] : "?";
}

static int value_of(const char *const *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i], word) == 0)
			return (int)i;
	return -ENOENT;
}

const char *layer_name(enum layer l)
{
	return name_of(layers, COUNT(layers), l);
}

const char *device_name(enum device d)
{
	return name_of(devices, COUNT(devices), d);
}

int layer_by_name(const char *word)
{
	return value_of(layers, COUNT(layers), word);
}

int device_by_name(const char *word)
{
	return value_of(devices, COUNT(devices), word);
}
