/* SPDX-License-Identifier: MIT */
/* Counting and ending old proxies; see drains.h. */
#include "supervisor/drains.h"

#include <stdio.h>

static struct series *cut_series(const struct supervisor *s)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_drains_cut_total",
	    .type = T3OPS_COUNTER,
	    .help =
	        "Old proxies that were stopped with the requests that they still had, for max_draining was reached."};

	return metrics_series(s->processes.host.metrics, &family, NULL, NULL, NULL);
}

static size_t draining_count(const struct supervisor *s)
{
	const struct child *c;
	size_t n = 0;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		n += c->process == PROCESS_PROXY && c->state == PROCESS_DRAINING;
	return n;
}

void drains_show(const struct supervisor *s)
{
	static const struct t3ops_metric family = {.name = "t3ops_proxies_draining",
	                                           .type = T3OPS_GAUGE,
	                                           .help = "Old proxies that finish what they have, after a reload."};

	series_set(metrics_series(s->processes.host.metrics, &family, NULL, NULL, NULL), (double)draining_count(s));
	cut_series(s);
}

/* The one that was started first; NULL: none drains. */
static struct child *oldest_find(const struct supervisor *s)
{
	struct child *c, *oldest = NULL;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		if (c->process == PROCESS_PROXY && c->state == PROCESS_DRAINING &&
		    (!oldest || c->serial < oldest->serial))
			oldest = c;
	return oldest;
}

static void oldest_cut(struct supervisor *s, struct child *c, size_t most)
{
	struct event e;

	event_init(&e, EVENT_DRAIN_CUT, PROCESS_SUPERVISOR);
	e.id = (uint64_t)c->pid;
	snprintf(
	    e.text, sizeof e.text,
	    "option max_draining: %zu old proxies drain already; this one, the oldest, is stopped with the requests "
	    "that it still has",
	    most);
	series_add(cut_series(s), 1);
	monitor_link_emit(&s->monitor, &e);
	child_stop(c);
}

void drains_bound(struct supervisor *s)
{
	const struct core_options *options = &s->setup.config->options;
	size_t most = (size_t)(options->max_draining * options->workers);

	for (size_t n = draining_count(s); n > most; n--)
		oldest_cut(s, oldest_find(s), most);
	drains_show(s);
}
