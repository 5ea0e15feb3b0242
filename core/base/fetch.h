/* SPDX-License-Identifier: MIT */
/*
 * HTTP transfers on a libev loop: libcurl's multi interface.  One object a room.  Redirects are
 * never followed; the system resolver is used in a thread of libcurl's unless the URL holds a
 * numeric address or connect_to gives one.  Environment proxies are ignored.
 */
#ifndef T3OPS_BASE_FETCH_H
#define T3OPS_BASE_FETCH_H

#include <ev.h>
#include <stdint.h>

#include "plugin.h"

struct fetcher;
typedef void (*fetch_done_cb)(void *arg, const struct t3ops_fetched *f);

struct fetcher *fetcher_new(struct ev_loop *loop);
void fetcher_free(struct fetcher *f); /* cancels what runs */

/* Id, never 0; a transfer that cannot even start still answers through cb, later. */
uint64_t fetch_start(struct fetcher *f, const struct t3ops_fetch *what, fetch_done_cb cb, void *arg);
void fetch_cancel(struct fetcher *f, uint64_t id); /* a stale id is fine; cb will not come */

#endif
