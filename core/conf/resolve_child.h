/* SPDX-License-Identifier: MIT */
/*
 * resolve in a process of its own, since it loads plugins: one that crashes, hangs or scribbles harms a throwaway
 * child, and whoever asked goes on with its loop meanwhile.  Supervisor, and t3ops -t.
 */
#ifndef T3OPS_CONF_RESOLVE_CHILD_H
#define T3OPS_CONF_RESOLVE_CHILD_H

#include <ev.h>

#include "conf/resolve.h"

#define RESOLVE_TIMEOUT_US UINT64_C(20000000)

struct resolve_child;

struct resolve_child_start {
	const struct conf_text *text;       /* used until resolve_child_start returns */
	const struct config_checks *checks; /* the same; NULL: none */
	uint64_t timeout_us;
	/* In the child, before anything else: unmaps memory that it shares and plugins must not write.  May be NULL.
	 */
	void (*on_fork)(void *arg);
	/* One config error or warning; all of them come just before on_done. */
	config_report_cb on_report;
	/* It is over, and freed when this returns.  The config, which is the callee's, or NULL after at least one
	 * config error.  Called from the loop, never from inside resolve_child_start. */
	void (*on_done)(void *arg, struct resolved_config *c);
	void *arg;
};

/* NULL with errno. */
struct resolve_child *resolve_child_start(struct ev_loop *loop, const struct resolve_child_start *start);
/* Kills it; no callback follows.  NULL is fine. */
void resolve_child_cancel(struct resolve_child *r);

/* The same for a caller that has nothing else to do: waits.  NULL with errno: EINVAL after at least one config error,
 * or why there is no child. */
struct resolved_config *resolve_in_child(const struct conf_text *text, const struct config_checks *checks,
                                         config_report_cb on_report, void *arg);

#endif
