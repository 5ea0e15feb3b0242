/* SPDX-License-Identifier: MIT */
/*
 * Which navigations the diagnosis has to hear of: one within NAVIGATION_AGAIN_US of the user's last tells it nothing,
 * since a document counts for seconds there.  Without this a client that only loads documents would keep supervisor
 * and monitor as busy as the proxy.  Pure, the clock is the caller's.  Proxy.
 */
#ifndef T3OPS_PROXY_NAVIGATIONS_H
#define T3OPS_PROXY_NAVIGATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin.h"

#define NAVIGATION_AGAIN_US UINT64_C(100000)
#define NAVIGATION_ROWS     64

/* Zeroed is empty and valid.  Users who share a row push each other out, and are heard more often for it. */
struct navigations {
	struct {
		char user[T3OPS_USER_NAME_SIZE];
		uint64_t heard_us;
	} rows[NAVIGATION_ROWS];
};

/* Whether to report that the user, whose name is shorter than T3OPS_USER_NAME_SIZE, loads a document. */
bool navigation_is_news(struct navigations *n, const char *user, uint64_t now_us);

#endif
