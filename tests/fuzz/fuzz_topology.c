/*
 * fuzz_topology.c - any text is a topology or gets a sentence with its place
 *
 * A topology that is taken must be one that wiring may trust: all its indices
 * lie within its counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_whole(const struct topology *t)
{
	must(t->nprocs >= 2 && t->nprocs <= TOPO_MAX_PROCS);
	must(t->nlinks >= 1 && t->nlinks <= TOPO_MAX_LINKS);
	must(t->nrings >= 2 && t->nrings <= TOPO_MAX_RINGS);
	must(t->naddrs <= TOPO_MAX_ADDRS && t->nroutes <= TOPO_MAX_ROUTES);
	for (unsigned i = 0; i < t->nlinks; i++) {
		must(t->links[i].proc < t->nprocs);
		must(t->procs[t->links[i].proc].layer == LAYER_LINK);
		must(t->links[i].nhost <= TOPO_MAX_HOST);
	}
	for (unsigned i = 0; i < t->naddrs; i++)
		must(t->addrs[i].link < t->nlinks);
	for (unsigned i = 0; i < t->nroutes; i++)
		must(t->routes[i].link < t->nlinks);
	for (unsigned i = 0; i < t->nrings; i++) {
		must(t->rings[i].from < t->nprocs);
		must(t->rings[i].to < t->nprocs);
		must((t->rings[i].slots & (t->rings[i].slots - 1)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topology t;
	char error[TOPO_ERROR_LEN] = "";
	unsigned line, column;

	if (topology_parse(&t, (const char *)data, size, "f", error) == 0) {
		must_be_whole(&t);
		return 0;
	}
	must(sscanf(error, "f:%u:%u: ", &line, &column) == 2);
	must(strlen(error) < TOPO_ERROR_LEN);
	must(strchr(error, '\n') == NULL);
	return 0;
}
