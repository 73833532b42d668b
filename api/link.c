/*
 * link.c - names and numbers of the stack's links
 *
 * The kernel's of the same names are others: programs that know the zone of an
 * address by its name must not ask the kernel for its number.
 */
#include <stdio.h>

#include "api/lib.h"
#include "api/strata.h"

/* The plan of the stack, attached to if need be. */
static const struct topology *plan(void)
{
	struct lib *l;
	int r = lib_attach(&l, 0);

	if (r == 0)
		return l->plan;
	errno = -r;
	return NULL;
}

unsigned int strata_if_nametoindex(const char *name)
{
	const struct topology *t = plan();

	if (t == NULL)
		return 0;
	for (unsigned int i = 0; i < t->nlinks; i++)
		if (strcmp(t->links[i].name, name) == 0)
			return i + 1;
	errno = ENODEV;
	return 0;
}

char *strata_if_indextoname(unsigned int index, char *name)
{
	const struct topology *t = plan();

	if (t == NULL)
		return NULL;
	if (index == 0 || index > t->nlinks) {
		errno = ENXIO;
		return NULL;
	}
	snprintf(name, TOPO_NAME_LEN, "%s", t->links[index - 1].name);
	return name;
}
