/* SPDX-License-Identifier: MIT */
/* The whole table, and the services between plugins; see host_services.h. */
#include "plugin_host/host_services.h"

#include <errno.h>
#include <string.h>

#include "plugin_host/host_commands.h"
#include "plugin_host/host_fetch.h"
#include "plugin_host/host_options.h"
#include "plugin_host/host_report.h"
#include "plugin_host/host_state.h"
#include "plugin_host/host_timers.h"
#include "plugin_host/host_users.h"
#include "plugin_host/host_watches.h"

static uint64_t now_us(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return clock_mono_us();
}

static uint64_t wall_us(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return clock_wall_us();
}

const void *host_services_find(const struct plugin_host *h, const char *service)
{
	for (size_t i = 0; i < h->n_provided; i++)
		if (strcmp(h->provided[i].name, service) == 0)
			return h->provided[i].table;
	return NULL;
}

static int provide(struct t3ops_ctx *ctx, const char *service, const void *table)
{
	struct plugin_host *h = ctx->instance->host;

	if (host_services_find(h, service))
		return -EEXIST;
	if (h->n_provided == SERVICES_MAX)
		return -ENOSPC;
	h->provided[h->n_provided++] = (struct provided){service, table};
	return 0;
}

static const void *service(struct t3ops_ctx *ctx, const char *name)
{
	return host_services_find(ctx->instance->host, name);
}

static const char *probe_key(struct t3ops_ctx *ctx)
{
	return ctx->instance->host->process->probe_key;
}

static int64_t whole_share(struct t3ops_ctx *ctx, int64_t limit)
{
	(void)ctx;
	return limit;
}

void host_services_fill(struct t3ops_host *s)
{
	*s = (struct t3ops_host){
	    .struct_size = sizeof *s,
	    .now_us = now_us,
	    .wall_us = wall_us,
	    .provide = provide,
	    .service = service,
	    .probe_key = probe_key,
	    .share_of = whole_share,
	};
	host_options_fill(s);
	host_report_fill(s);
	host_timers_fill(s);
	host_watches_fill(s);
	host_fetch_fill(s);
	host_commands_fill(s);
	host_users_fill(s);
}

void host_services_release(struct t3ops_instance *i)
{
	host_timers_release(i);
	host_watches_release(i);
	host_fetch_release(i);
	host_commands_release(i);
}
