/* SPDX-License-Identifier: MIT */
/*
 * The mark on a page's URL that says: this browser was redirected here with a new cookie.  If it comes without the
 * cookie it keeps none, which is a loop; nothing else is.  The mark carries its time and is taken off again.  Pure.
 */
#ifndef T3OPS_PLUGINS_COMMON_MARKER_H
#define T3OPS_PLUGINS_COMMON_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKER_FRESH_US UINT64_C(30000000)

enum marker { MARKER_NONE, MARKER_FRESH, MARKER_OLD };

/* What the target (path and query) carries; wall_us: now, since 1970. */
enum marker marker_read(const char *target, uint64_t wall_us);
/* The target with a mark of now, and without one; false: it does not fit. */
bool marker_add(const char *target, uint64_t wall_us, char *out, size_t size);
bool marker_remove(const char *target, char *out, size_t size);

#endif
