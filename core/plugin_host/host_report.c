/* SPDX-License-Identifier: MIT */
/* Log lines, metrics and events of plugins; see host_report.h. */
#include "plugin_host/host_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin_host/host_state.h"
#include "plugin_host/plugin_struct.h"
#include "plugin_host/section_fault.h"

static void T3OPS_PRINTF(4, 5) plugin_log(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...)
{
	char message[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap); /* one too long is cut */
	va_end(ap);
	log_write((enum log_level)level, event, kv_plugin(ctx->name), kv_message(message));
}

static void T3OPS_PRINTF(4, 5)
    option_fault(struct t3ops_ctx *ctx, int level, const char *option, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (level <= T3OPS_ERROR)
		section_fault_error(&config_faults_log, ctx->instance->section, option, text);
}

static void browser_set(struct event *e, const struct t3ops_browser *browser)
{
	struct t3ops_browser known;

	if (!browser)
		return;
	plugin_struct_take(&known, sizeof known, browser);
	event_set(e->address, known.address);
	event_set(e->path, known.path);
	event_set(e->user_agent, known.user_agent);
}

static void emit_browser(struct t3ops_ctx *ctx, const char *kind, const char *user,
                         const struct t3ops_browser *browser, int code, const char *text)
{
	struct process *process = ctx->instance->host->process;
	enum event_kind k = event_kind_parse(kind ? kind : "note");
	struct event e;

	event_init(&e, k == EVENT_KINDS ? EVENT_NOTE : k, (uint8_t)process->id);
	e.code = (uint16_t)code;
	event_set(e.plugin, ctx->name);
	event_set(e.user, user ? user : "");
	event_set(e.text, text ? text : "");
	browser_set(&e, browser);
	process_emit(process, &e);
}

static void emit(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text)
{
	emit_browser(ctx, kind, user, NULL, code, text);
}

/* The process of one run of a job has no metrics: what it counts would end with it. */
static bool is_counted(const struct t3ops_ctx *ctx)
{
	return ctx->instance->host->process->metrics != NULL;
}

static struct series *series(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels)
{
	const struct t3ops_plugin *p = &ctx->instance->plugin;

	if (metric >= p->n_metrics) {
		log_write(LOG_L_ERROR, "plugin_bug", kv_plugin(ctx->name),
		          kv_error(textf("it uses metric %u, but its table has %u", metric, p->n_metrics)));
		abort();
	}
	return metrics_series(ctx->instance->host->process->metrics, &p->metrics[metric], "plugin", ctx->name,
	                      labels);
}

void host_report_begin(struct t3ops_instance *i)
{
	const struct t3ops_plugin *p = &i->plugin;

	for (uint32_t k = 0; is_counted(&i->ctx) && k < p->n_metrics; k++)
		if (p->metrics[k].type == T3OPS_COUNTER && !p->metrics[k].labels[0])
			series(&i->ctx, k, NULL);
}

static void count(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add)
{
	if (is_counted(ctx))
		series_add(series(ctx, metric, labels), add);
}

static void gauge(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	if (is_counted(ctx))
		series_set(series(ctx, metric, labels), value);
}

static void observe(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	if (is_counted(ctx))
		series_observe(series(ctx, metric, labels), value);
}

void host_report_fill(struct t3ops_host *services)
{
	services->log = plugin_log;
	services->option_fault = option_fault;
	services->count = count;
	services->gauge = gauge;
	services->observe = observe;
	services->emit = emit;
	services->emit_browser = emit_browser;
}
