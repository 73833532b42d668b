/*
 * app_refs.c - the apps' rings, of which linkd reads what is to be sent
 */
#include "linkd/app_refs.h"

#include <string.h>
#include <unistd.h>

#include "shm/segment.h"

static void forget(struct app_refs *a, uint32_t id)
{
	if (a->a2s[id] != NULL)
		segment_unmap(a->a2s[id], A2S_BYTES);
	a->a2s[id] = NULL;
}

void app_refs_control(
    struct app_refs *a, const struct ctl_msg *m, const int *fds)
{
	bool mine = m->id < APP_MAX;

	if (mine && (m->type == CTL_APP || m->type == CTL_APP_GONE))
		forget(a, m->id);
	for (uint32_t i = 0; i < m->nfds; i++) {
		if (mine && m->type == CTL_APP && m->fd[i].role == FD_A2S &&
		    a->a2s[m->id] == NULL)
			segment_map(&a->a2s[m->id], fds[i], A2S_BYTES, false);
		close(fds[i]);
	}
}

const uint8_t *app_refs_bytes(const struct app_refs *a, const struct ref *ref)
{
	const uint8_t *base = ref->app < APP_MAX ? a->a2s[ref->app] : NULL;

	if (base == NULL || ref->len == 0 || ref->off > A2S_BYTES ||
	    ref->len > A2S_BYTES - ref->off)
		return NULL;
	return base + ref->off;
}

bool app_refs_read(const struct app_refs *a, const uint8_t *slot, size_t room,
    struct span ret[APP_REFS])
{
	struct ref ref[APP_REFS];

	if (room < sizeof(ref))
		return false;
	memcpy(ref, slot, sizeof(ref));
	for (int i = 0; i < APP_REFS; i++) {
		ret[i] = (struct span){ NULL, 0 };
		if (ref[i].len == 0)
			continue;
		ret[i].p = app_refs_bytes(a, &ref[i]);
		if (ret[i].p == NULL)
			return false;
		ret[i].len = ref[i].len;
	}
	return true;
}
