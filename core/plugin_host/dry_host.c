/* SPDX-License-Identifier: MIT */
/* The table of services of a dry run; see dry_host.h.  Every member is there: a plugin may ask whether it is. */
#include "plugin_host/dry_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugin_host/host_services.h"
#include "plugin_host/section_fault.h"

struct dry_host {
	struct t3ops_instance instance; /* first: ctx->instance leads here */
	struct t3ops_host services;
	const struct config_faults *faults;
	bool failed;      /* an error was reported */
	char logged[512]; /* the last error that it logged instead */
	uint64_t last_call;
};

static struct dry_host *dry_of(struct t3ops_ctx *ctx)
{
	return (struct dry_host *)ctx->instance;
}

/* ---- what it reports ------------------------------------------------------------------------------- */

static void T3OPS_PRINTF(4, 5)
    dry_option_fault(struct t3ops_ctx *ctx, int level, const char *option, const char *fmt, ...)
{
	struct dry_host *d = dry_of(ctx);
	const struct plugin_section *section = d->instance.section;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->failed = d->failed || level <= T3OPS_ERROR;
	if (level <= T3OPS_ERROR)
		section_fault_error(d->faults, section, option, text);
	else
		section_fault_warn(d->faults, section, option, text);
}

static void T3OPS_PRINTF(4, 5) dry_log(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...)
{
	struct dry_host *d = dry_of(ctx);
	va_list ap;

	(void)event;
	if (level > T3OPS_ERROR)
		return;
	va_start(ap, fmt);
	vsnprintf(d->logged, sizeof d->logged, fmt, ap);
	va_end(ap);
}

/* ---- what it starts: nothing ------------------------------------------------------------------------- */

static void dry_count(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add)
{
	(void)ctx, (void)metric, (void)labels, (void)add;
}

static void dry_measure(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	(void)ctx, (void)metric, (void)labels, (void)value;
}

static void dry_emit(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text)
{
	(void)ctx, (void)kind, (void)user, (void)code, (void)text;
}

static void dry_emit_browser(struct t3ops_ctx *ctx, const char *kind, const char *user,
                             const struct t3ops_browser *browser, int code, const char *text)
{
	(void)ctx, (void)kind, (void)user, (void)browser, (void)code, (void)text;
}

static struct t3ops_timer *dry_timer_start(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
                                           void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg)
{
	(void)after_us, (void)every_us, (void)cb, (void)arg;
	return (struct t3ops_timer *)(void *)dry_of(ctx); /* some pointer that is not NULL */
}

static void dry_timer_stop(struct t3ops_ctx *ctx, struct t3ops_timer *t)
{
	(void)ctx, (void)t;
}

static struct t3ops_fd_watch *dry_fd_watch(struct t3ops_ctx *ctx, int fd, uint32_t events,
                                           void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg), void *arg)
{
	(void)fd, (void)events, (void)cb, (void)arg;
	return (struct t3ops_fd_watch *)(void *)dry_of(ctx); /* the same */
}

static void dry_fd_unwatch(struct t3ops_ctx *ctx, struct t3ops_fd_watch *w)
{
	(void)ctx, (void)w;
}

static uint64_t dry_fetch(struct t3ops_ctx *ctx, const struct t3ops_fetch *f, t3ops_fetch_cb cb, void *arg)
{
	(void)f, (void)cb, (void)arg;
	return ++dry_of(ctx)->last_call;
}

static uint32_t dry_fetch_reason(struct t3ops_ctx *ctx, int error, uint32_t at)
{
	(void)ctx, (void)error, (void)at;
	return T3OPS_R_NONE;
}

static bool dry_fetch_end(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, int expected,
                          struct t3ops_ws_end *out)
{
	(void)ctx, (void)f, (void)expected, (void)out;
	return false;
}

static uint32_t dry_status_reason(struct t3ops_ctx *ctx, int status)
{
	(void)ctx, (void)status;
	return T3OPS_R_NONE;
}

static void dry_fetch_cancel(struct t3ops_ctx *ctx, uint64_t id)
{
	(void)ctx, (void)id;
}

static uint64_t dry_command(struct t3ops_ctx *ctx, const char *command, const char *user, t3ops_ran_cb cb, void *arg)
{
	(void)command, (void)user, (void)cb, (void)arg;
	return ++dry_of(ctx)->last_call;
}

static bool dry_user_find(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out)
{
	(void)ctx, (void)name, (void)out;
	return false;
}

static int dry_provide(struct t3ops_ctx *ctx, const char *service, const void *table)
{
	(void)ctx, (void)service, (void)table;
	return 0;
}

static const void *dry_service(struct t3ops_ctx *ctx, const char *service)
{
	(void)ctx, (void)service;
	return NULL;
}

/* ---- what only a request, a leg or a run has: there is none ------------------------------------------- */

static const char *no_text(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return NULL;
}

static const char *no_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name)
{
	(void)ctx, (void)r, (void)name;
	return NULL;
}

static const char *no_header_nth(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, size_t nth)
{
	(void)ctx, (void)r, (void)name, (void)nth;
	return NULL;
}

static bool not_of(struct t3ops_ctx *ctx, t3ops_request_id r, const char *identity)
{
	(void)ctx, (void)r, (void)identity;
	return false;
}

static bool no_upgrade(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return false;
}

static bool no_user(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_user *out)
{
	(void)ctx, (void)r, (void)out;
	return false;
}

static int no_header_set(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	(void)ctx, (void)r, (void)name, (void)value;
	return -ENOENT;
}

static int no_respond(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
                      const void *body, size_t len)
{
	(void)ctx, (void)r, (void)status, (void)headers, (void)body, (void)len;
	return -ENOENT;
}

static int no_explain(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_page *page)
{
	(void)ctx, (void)r, (void)page;
	return -ENOENT;
}

static void no_resume(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
}

static struct t3ops_ws *no_accept(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_ws_handler *h,
                                  void *arg)
{
	(void)ctx, (void)r, (void)h, (void)arg;
	return NULL;
}

static bool no_address(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size)
{
	(void)ctx, (void)r;
	if (size > 0)
		*out = '\0';
	return false;
}

static uint32_t no_site(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return T3OPS_SITE_UNKNOWN;
}

static bool no_browser(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_browser *out)
{
	(void)ctx, (void)r, (void)out;
	return false;
}

static struct t3ops_ws *no_ws_open(struct t3ops_ctx *ctx, const struct t3ops_ws_open *o,
                                   const struct t3ops_ws_handler *h, void *arg)
{
	(void)ctx, (void)o, (void)h, (void)arg;
	return NULL;
}

static int no_ws_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	(void)ctx, (void)ws, (void)op, (void)data, (void)len;
	return -ENOTCONN;
}

static void no_ws_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	(void)ctx, (void)ws, (void)code;
}

static const struct t3ops_user *no_leg_user(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
	return NULL;
}

static void no_leg_set(struct t3ops_ctx *ctx, struct t3ops_leg *leg, void *state)
{
	(void)ctx, (void)leg, (void)state;
}

static void *no_leg_get(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
	return NULL;
}

static void no_leg_reached(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t step)
{
	(void)ctx, (void)leg, (void)step;
}

static void no_leg_up(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
}

static void no_leg_pong(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t rtt_us)
{
	(void)ctx, (void)leg, (void)rtt_us;
}

static void no_leg_down(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	(void)ctx, (void)leg, (void)end;
}

static void no_leg_resolver(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool ok, const char *text)
{
	(void)ctx, (void)leg, (void)ok, (void)text;
}

static int no_secret_load(struct t3ops_ctx *ctx, const char *user, char *out, size_t size)
{
	(void)ctx, (void)user, (void)out, (void)size;
	return -ENOENT;
}

static int no_secret_save(struct t3ops_ctx *ctx, const char *user, const char *text)
{
	(void)ctx, (void)user, (void)text;
	return -EROFS;
}

static const char *no_probe_key(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return "";
}

static void no_leg_number(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t number)
{
	(void)ctx, (void)leg, (void)number;
}

static void no_leg_large(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate, uint64_t took_us)
{
	(void)ctx, (void)leg, (void)fate, (void)took_us;
}

static void T3OPS_PRINTF(3, 4) no_report(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...)
{
	(void)ctx, (void)key, (void)fmt;
}

static int no_wait(struct t3ops_ctx *ctx, const bool *done, uint64_t timeout_us)
{
	(void)ctx, (void)done, (void)timeout_us;
	return -ETIMEDOUT;
}

static bool no_run_requested(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return false;
}

static const char *no_argument(struct t3ops_ctx *ctx, const char *name)
{
	(void)ctx, (void)name;
	return NULL;
}

static void no_report_row(struct t3ops_ctx *ctx)
{
	(void)ctx;
}

static int no_rehearse(struct t3ops_ctx *ctx, const struct t3ops_rehearsal *r)
{
	(void)ctx, (void)r;
	return -EPERM;
}

static int no_commands_hold(struct t3ops_ctx *ctx, uint64_t timeout_us)
{
	(void)ctx, (void)timeout_us;
	return -EHOSTDOWN;
}

static void no_commands_release(struct t3ops_ctx *ctx)
{
	(void)ctx;
}

static const char *const *no_argv(struct t3ops_ctx *ctx, const char *command)
{
	(void)ctx, (void)command;
	return NULL;
}

static uint64_t no_ws_waited(struct t3ops_ctx *ctx, struct t3ops_ws *ws)
{
	(void)ctx, (void)ws;
	return 0;
}

static void no_leg_carrier(struct t3ops_ctx *ctx, struct t3ops_leg *leg, struct t3ops_ws *ws)
{
	(void)ctx, (void)leg, (void)ws;
}

static void no_leg_beat(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate)
{
	(void)ctx, (void)leg, (void)fate;
}

static void no_leg_stamps(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us,
                          uint64_t answered_us)
{
	(void)ctx, (void)leg, (void)sent_us, (void)received_us, (void)answered_us;
}

static void services_fill(struct t3ops_host *s)
{
	host_services_fill(s); /* clocks and options are the real ones */
	s->log = dry_log;
	s->option_fault = dry_option_fault;
	s->count = dry_count;
	s->gauge = s->observe = dry_measure;
	s->emit = dry_emit;
	s->emit_browser = dry_emit_browser;
	s->fd_watch = dry_fd_watch;
	s->fd_unwatch = dry_fd_unwatch;
	s->timer_start = dry_timer_start;
	s->timer_stop = dry_timer_stop;
	s->fetch = dry_fetch;
	s->fetch_cancel = dry_fetch_cancel;
	s->fetch_reason = dry_fetch_reason;
	s->status_reason = dry_status_reason;
	s->fetch_end = dry_fetch_end;
	s->command = dry_command;
	s->user_find = dry_user_find;
	s->provide = dry_provide;
	s->service = dry_service;
	s->request_method = s->request_target = no_text;
	s->request_header = no_header;
	s->request_header_nth = no_header_nth;
	s->request_is_of = not_of;
	s->request_is_upgrade = no_upgrade;
	s->request_user = no_user;
	s->request_set_header = s->request_add_response_header = no_header_set;
	s->request_respond = no_respond;
	s->request_explain = no_explain;
	s->request_resume = no_resume;
	s->request_accept_ws = no_accept;
	s->request_address = no_address;
	s->request_site = no_site;
	s->request_browser = no_browser;
	s->ws_open = no_ws_open;
	s->ws_send = no_ws_send;
	s->ws_close = no_ws_close;
	s->leg_user = no_leg_user;
	s->leg_set = no_leg_set;
	s->leg_get = no_leg_get;
	s->leg_reached = no_leg_reached;
	s->leg_up = no_leg_up;
	s->leg_pong = no_leg_pong;
	s->leg_down = s->leg_fresh_down = no_leg_down;
	s->leg_resolver = no_leg_resolver;
	s->secret_load = no_secret_load;
	s->secret_save = no_secret_save;
	s->leg_fresh_up = s->leg_certificate = no_leg_number;
	s->ws_waited_us = no_ws_waited;
	s->leg_carrier = no_leg_carrier;
	s->leg_beat = no_leg_beat;
	s->leg_stamps = no_leg_stamps;
	s->leg_large = no_leg_large;
	s->probe_key = no_probe_key;
	s->report = no_report;
	s->wait = no_wait;
	s->run_requested = no_run_requested;
	s->argument = s->rehearsed = no_argument;
	s->report_row = no_report_row;
	s->rehearse = no_rehearse;
	s->command_argv = no_argv;
	s->commands_hold = no_commands_hold;
	s->commands_release = no_commands_release;
}

/* ---- the run --------------------------------------------------------------------------------------------- */

/* One callback; false: it failed. */
static bool step(struct dry_host *d, int (*callback)(struct t3ops_ctx *), const char *name)
{
	int r = callback ? callback(&d->instance.ctx) : 0;

	if (r == 0)
		return true;
	if (!d->failed)
		config_fault_error(d->faults, CONF_PLUGIN, d->instance.section->name, NULL, "its %s failed: %s%s%s",
		                   name, strerror(r < 0 ? -r : r), d->logged[0] ? ": " : "", d->logged);
	return false;
}

void plugin_dry_run(const struct plugin_section *section, const struct t3ops_plugin *plugin,
                    const struct config_faults *f)
{
	struct dry_host d = {.faults = f};
	struct t3ops_instance *i = &d.instance;

	services_fill(&d.services);
	i->plugin = *plugin;
	i->section = section;
	i->ctx = (struct t3ops_ctx){.host = &d.services, .instance = i, .name = section->name};
	LIST_INIT(&i->timers);
	LIST_INIT(&i->watches);
	LIST_INIT(&i->fetches);
	LIST_INIT(&i->commands);
	if (!step(&d, plugin->init, "init"))
		return;
	step(&d, plugin->check, "check");
	if (plugin->stop)
		plugin->stop(&i->ctx);
}
