/* SPDX-License-Identifier: MIT */
/* The callbacks that run now, and how long they took; see plugin_call.h. */
#include "plugin_host/plugin_call.h"

#include "plugin_host/host_state.h"

/* The watchdog sees the innermost callback. */
static void watchdog_page_show(struct plugin_host *h)
{
	const struct plugin_call *top = h->depth > 0 ? &h->calls[h->depth - 1] : NULL;
	struct watchdog_page *page = h->process->watchdog;

	if (!page)
		return;
	page->entered_us = top ? top->entered_us : 0;
	event_set(page->plugin, top ? top->instance->ctx.name : "");
	event_set(page->callback, top ? top->callback : "");
}

void plugin_enter(struct t3ops_instance *i, const char *callback)
{
	struct plugin_host *h = i->host;

	if (h->depth < CALLS_MAX)
		h->calls[h->depth++] = (struct plugin_call){i, callback, clock_mono_us()};
	else
		h->deeper++;
	watchdog_page_show(h);
}

static struct series *slow_of(const struct t3ops_instance *i, const char *callback)
{
	static const struct t3ops_metric family = {.name = "t3ops_callback_slow_total",
	                                           .type = T3OPS_COUNTER,
	                                           .labels = {"plugin", "callback"},
	                                           .help = "Plugin callbacks that took longer than plugin_budget."};

	return metrics_series(i->host->process->metrics, &family, NULL, NULL,
	                      (const char *[]){i->ctx.name, callback});
}

void plugin_calls_begin(const struct t3ops_instance *i)
{
	const struct t3ops_plugin *p = &i->plugin;
	const struct {
		const char *name;
		bool there;
	} callbacks[] = {
	    {"init", p->init},
	    {"start", p->start},
	    {"stop", p->stop},
	    {"on_request", p->on_request},
	    {"leg_open", p->leg_open},
	    {"leg_ping", p->leg_ping},
	    {"leg_close", p->leg_close},
	    {"on_event", p->on_event},
	    {"on_earlier", p->on_earlier},
	    {"leg_fresh", p->leg_fresh},
	    {"on_unauthorized", p->on_unauthorized},
	};

	for (size_t k = 0; i->host->process->metrics && k < sizeof callbacks / sizeof callbacks[0]; k++)
		if (callbacks[k].there)
			slow_of(i, callbacks[k].name);
}

static void overrun_report(struct plugin_host *h, const struct plugin_call *call, uint64_t took_us)
{
	const char *name = call->instance->ctx.name;
	struct event e;

	if (h->process->metrics)
		series_add(slow_of(call->instance, call->callback), 1);
	event_init(&e, EVENT_CALLBACK_SLOW, (uint8_t)h->process->id);
	e.age_us = took_us;
	event_set(e.plugin, name);
	event_set(e.callback, call->callback);
	process_emit(h->process, &e);
}

void plugin_leave(struct t3ops_instance *i)
{
	struct plugin_host *h = i->host;
	struct plugin_call call;
	uint64_t took_us;

	if (h->deeper > 0) {
		h->deeper--;
		return;
	}
	call = h->calls[--h->depth];
	took_us = clock_mono_us() - call.entered_us;
	watchdog_page_show(h);
	if (took_us > h->budget_us)
		overrun_report(h, &call, took_us);
}
