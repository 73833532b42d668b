/*
 * topology_refused.c - a good topology, and what is refused of it
 */
#include "tests/unit/topology_refused.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char GOOD_TOPOLOGY[] =
    "{ \"name\": \"t\",\n"
    "  \"links\": [\n"
    "    { \"name\": \"a\", \"device\": \"tap\", \"mtu\": 1500,\n"
    "      \"mac\": \"02:00:00:00:00:02\", \"addresses\": [\"192.0.2.2/24\", "
    "\"2001:db8::2/64\"],\n"
    "      \"host\": [\"192.0.2.1/24\"] } ],\n"
    "  \"routes\": [\n"
    "    { \"to\": \"default\", \"via\": \"192.0.2.1\" } ],\n"
    "  \"processes\": [\n"
    "    { \"name\": \"linkd\", \"layer\": \"linkd\", \"spin_us\": 20 },\n"
    "    { \"name\": \"ipd\", \"layer\": \"ipd\" },\n"
    "    { \"name\": \"tcpd\", \"layer\": \"tcpd\" } ],\n"
    "  \"rings\": [\n"
    "    { \"from\": \"linkd\", \"to\": \"ipd\", \"slots\": 256 },\n"
    "    { \"from\": \"ipd\", \"to\": \"linkd\" },\n"
    "    { \"from\": \"ipd\", \"to\": \"tcpd\" },\n"
    "    { \"from\": \"tcpd\", \"to\": \"ipd\" } ],\n"
    "  \"hop_limit\": 64\n"
    "}\n";

char *edited(char *text, const struct edit *e)
{
	char *at = strstr(text, e->from), *ret;

	if (!at)
		fail_msg("the good text has no %s", e->from);
	if (asprintf(&ret, "%.*s%s%s", (int)(at - text), text, e->to,
		at + strlen(e->from)) < 0)
		fail();
	free(text);
	return ret;
}

void refuses(const char *text, const char *sentence)
{
	static struct topology t, before;
	char error[TOPO_ERROR_LEN] = "", want[TOPO_ERROR_LEN];

	memset(&t, 0x5a, sizeof(t));
	before = t;
	snprintf(want, sizeof(want), "t.json:%s", sentence);
	assert_int_equal(
	    topology_parse(&t, text, strlen(text), "t.json", error), -EINVAL);
	assert_string_equal(error, want);
	assert_memory_equal(&t, &before, sizeof(t));
}

void refuses_all(const struct bad *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = strdup(GOOD_TOPOLOGY);

		for (size_t k = 0; k < 3 && cases[i].edits[k].from; k++)
			text = edited(text, &cases[i].edits[k]);
		refuses(text, cases[i].sentence);
		free(text);
	}
}
