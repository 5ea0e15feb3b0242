/* SPDX-License-Identifier: MIT */
/*
 * A process's own way to fetch from t3 servers: over connections that it keeps to them (t3ops_fetch.user without
 * fresh).  Processes without one make a new connection for each fetch.
 */
#ifndef T3OPS_PLUGIN_HOST_USER_FETCHER_H
#define T3OPS_PLUGIN_HOST_USER_FETCHER_H

#include <stdint.h>

#include "net/fetch_callbacks.h"

struct user;

struct user_fetcher {
	/* As fetch_start; 0: it does not take this one. */
	uint64_t (*start)(void *arg, const struct user *user, const struct t3ops_fetch *what, fetch_done_cb cb,
	                  void *cb_arg);
	void (*cancel)(void *arg, uint64_t id);
	void *arg;
};

#endif
