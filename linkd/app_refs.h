/*
 * app_refs.h - the apps' rings, of which linkd reads what is to be sent
 *
 * Bulk payload is not copied on its way down: the slot begins with two
 * references into an app's a2s segment (layout.h), and the device gathers it
 * from there.  The app may write it all the while; linkd reads nothing twice
 * and believes nothing.
 */
#ifndef LINKD_APP_REFS_H
#define LINKD_APP_REFS_H

#include <stdbool.h>
#include <stdint.h>

#include "linkd/span.h"
#include "shm/app.h"
#include "shm/control.h"

enum {
	APP_REFS = 2, /* of one packet */
};

struct app_refs {
	void *a2s[APP_MAX]; /* A2S_BYTES each, read-only; NULL: none */
};

/* Keep or forget an app's segment; the descriptors in @fds are closed. */
void app_refs_control(
    struct app_refs *a, const struct ctl_msg *m, const int *fds);

/* The bytes that @ref means; NULL: it lies, or is empty. */
const uint8_t *app_refs_bytes(const struct app_refs *a, const struct ref *ref);

/* The pieces that the @room bytes at @slot refer to; false: they lie. */
bool app_refs_read(const struct app_refs *a, const uint8_t *slot, size_t room,
    struct span ret[APP_REFS]);

#endif /* LINKD_APP_REFS_H */
