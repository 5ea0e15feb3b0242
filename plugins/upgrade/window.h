/* SPDX-License-Identifier: MIT */
/* The hours in which users are moved (window_from, window_to), in this machine's time zone. */
#ifndef T3OPS_PLUGINS_UPGRADE_WINDOW_H
#define T3OPS_PLUGINS_UPGRADE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin.h"

/* Pure: minutes of the day; from is inside, to is not; a window may pass midnight; equal ones are the whole day. */
bool window_contains(int from, int to, int minute);

/* Whether now is inside; without the options it always is.  text: "02:00 to 05:00 CET, now closed". */
bool window_is_open(struct t3ops_ctx *ctx, char *text, size_t size);

#endif
