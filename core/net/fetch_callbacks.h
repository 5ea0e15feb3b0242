/* SPDX-License-Identifier: MIT */
/* Whom a transfer reports to: its steps as they come, and its end, once.  Types only. */
#ifndef T3OPS_NET_FETCH_CALLBACKS_H
#define T3OPS_NET_FETCH_CALLBACKS_H

#include <stdint.h>

#include "plugin.h"

typedef void (*fetch_done_cb)(void *arg, const struct t3ops_fetched *f);
typedef void (*fetch_step_cb)(void *arg, uint32_t step);

#endif
