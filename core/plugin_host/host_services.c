/* SPDX-License-Identifier: MIT */
/* The services that every process offers its plugins; see host_services.h. */
#include "plugin_host/host_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_GRACE_US UINT64_C(3000000) /* beyond the helper's own deadline */

struct t3ops_timer {
	LIST_ENTRY(t3ops_timer) link;
	struct t3ops_instance *instance;
	struct ev_timer ev;
	void (*cb)(struct t3ops_ctx *ctx, void *arg);
	void *arg;
	bool running, dead; /* stopped inside its own callback */
};

/* A fetch or a command under way. */
struct call {
	LIST_ENTRY(call) link;
	struct t3ops_instance *instance;
	uint64_t id;
	uint64_t fetch; /* fetch.h's id; 0 for a command */
	t3ops_fetch_cb on_fetched;
	t3ops_ran_cb on_ran;
	void *arg;
	struct ev_timer guard; /* of a command: the helper may die with our question */
	int guard_error;
	uint64_t started_us;
};

/* ---- options -------------------------------------------------------------------------- */

static _Noreturn void option_bug(struct t3ops_ctx *ctx, const char *name, const char *what)
{
	log_line(LOG_L_ERROR, "plugin_mistake", "plugin=%s reason=\"it reads option %s, which %s\"", ctx->name, name,
	         what);
	abort();
}

static const struct option_value *option(struct t3ops_ctx *ctx, const char *name, enum option_kind kind)
{
	const struct option_value *value = option_set_get(&ctx->instance->section->values, name);

	if (!value)
		option_bug(ctx, name, "its table lacks");
	if (option_kind(value->type) != kind)
		option_bug(ctx, name, "is of another type in its table");
	return value;
}

static const char *opt_string(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_TEXT)->text;
}

static size_t opt_count(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_LIST)->list.n;
}

static const char *opt_item(struct t3ops_ctx *ctx, const char *name, size_t i)
{
	const struct text_list *list = &option(ctx, name, OPTION_LIST)->list;

	return i < list->n ? list->items[i] : NULL;
}

static int64_t opt_int(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_NUMBER)->number;
}

static bool opt_bool(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_NUMBER)->number != 0;
}

/* ---- clocks, log, events, metrics ------------------------------------------------------- */

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

static void T3OPS_PRINTF(4, 5) plugin_log(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...)
{
	char pairs[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(pairs, sizeof pairs, fmt, ap); /* a line too long is cut */
	va_end(ap);
	log_line((enum log_level)level, event, "plugin=%s%s%s", ctx->name, pairs[0] != '\0' ? " " : "", pairs);
}

static void emit(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text)
{
	struct process *process = ctx->instance->host->process;
	enum event_kind k = event_kind_parse(kind ? kind : "note");
	struct event e;

	event_init(&e, k == EVENT_KINDS ? EVENT_NOTE : k, (uint8_t)process->id);
	e.code = (uint16_t)code;
	event_set(e.plugin, ctx->name);
	event_set(e.user, user ? user : "");
	event_set(e.text, text ? text : "");
	process_emit(process, &e);
}

static struct series *series(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels)
{
	const struct t3ops_plugin *p = &ctx->instance->plugin;

	if (metric >= p->n_metrics) {
		log_line(LOG_L_ERROR, "plugin_mistake", "plugin=%s reason=\"it uses metric %u of %u\"", ctx->name,
		         metric, p->n_metrics);
		abort();
	}
	return metrics_series(ctx->instance->host->process->metrics, &p->metrics[metric], "plugin", ctx->name,
	                      labels);
}

static void count(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add)
{
	series_add(series(ctx, metric, labels), add);
}

static void gauge(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	series_set(series(ctx, metric, labels), value);
}

static void observe(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	series_observe(series(ctx, metric, labels), value);
}

/* ---- timers -------------------------------------------------------------------------------- */

static void timer_free(struct t3ops_timer *t)
{
	ev_timer_stop(t->instance->host->process->loop, &t->ev);
	LIST_REMOVE(t, link);
	free(t);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_timer *t = w->data;
	struct t3ops_instance *i = t->instance;

	(void)loop, (void)revents;
	t->running = true;
	plugin_enter(i, "timer");
	t->cb(&i->ctx, t->arg);
	plugin_leave(i);
	t->running = false;
	if (t->dead || t->ev.repeat <= 0.)
		timer_free(t);
}

static struct t3ops_timer *timer_start(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
                                       void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg)
{
	struct t3ops_timer *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->instance = ctx->instance;
	t->cb = cb;
	t->arg = arg;
	ev_timer_init(&t->ev, on_timer, (double)after_us / 1e6, (double)every_us / 1e6);
	t->ev.data = t;
	ev_timer_start(ctx->instance->host->process->loop, &t->ev);
	LIST_INSERT_HEAD(&ctx->instance->timers, t, link);
	return t;
}

static void timer_stop(struct t3ops_ctx *ctx, struct t3ops_timer *t)
{
	(void)ctx;
	if (!t)
		return;
	if (t->running)
		t->dead = true;
	else
		timer_free(t);
}

/* ---- fetches and commands ---------------------------------------------------------------------- */

static void call_free(struct call *c)
{
	ev_timer_stop(c->instance->host->process->loop, &c->guard);
	LIST_REMOVE(c, link);
	free(c);
}

static struct call *call_new(struct t3ops_ctx *ctx, void *arg)
{
	struct call *c = calloc(1, sizeof *c);

	if (!c)
		abort(); /* a plugin is promised its answer */
	c->instance = ctx->instance;
	c->id = ++ctx->instance->host->last_call;
	c->arg = arg;
	c->started_us = clock_mono_us();
	ev_init(&c->guard, NULL);
	LIST_INSERT_HEAD(&ctx->instance->calls, c, link);
	return c;
}

static void on_fetched(void *arg, const struct t3ops_fetched *f)
{
	struct call *c = arg;
	struct t3ops_instance *i = c->instance;

	LIST_REMOVE(c, link);
	plugin_enter(i, "fetched");
	c->on_fetched(&i->ctx, f, c->arg);
	plugin_leave(i);
	free(c);
}

static uint64_t fetch(struct t3ops_ctx *ctx, const struct t3ops_fetch *f, t3ops_fetch_cb cb, void *arg)
{
	struct call *c = call_new(ctx, arg);

	c->on_fetched = cb;
	c->fetch = fetch_start(ctx->instance->host->fetcher, f, on_fetched, c);
	return c->id;
}

static void plugin_fetch_cancel(struct t3ops_ctx *ctx, uint64_t id)
{
	struct call *c;

	LIST_FOREACH (c, &ctx->instance->calls, link)
		if (c->id == id && c->fetch > 0)
			break;
	if (!c)
		return;
	fetch_cancel(ctx->instance->host->fetcher, c->fetch);
	call_free(c);
}

static void call_answer(struct call *c, const struct t3ops_ran *ran)
{
	struct t3ops_instance *i = c->instance;

	LIST_REMOVE(c, link);
	ev_timer_stop(i->host->process->loop, &c->guard);
	plugin_enter(i, "ran");
	c->on_ran(&i->ctx, ran, c->arg);
	plugin_leave(i);
	free(c);
}

static void on_guard(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct call *c = w->data;
	struct t3ops_ran ran = {.struct_size = sizeof ran,
	                        .error = c->guard_error,
	                        .out = "",
	                        .took_us = clock_mono_us() - c->started_us};

	(void)loop, (void)revents;
	call_answer(c, &ran);
}

/* Asks the helper; what cannot be asked is answered from the loop, never from inside. */
static uint64_t command(struct t3ops_ctx *ctx, const char *name, const char *user, t3ops_ran_cb cb, void *arg)
{
	struct process *process = ctx->instance->host->process;
	const struct process_command *known = process_command_find(process->config, name);
	uint64_t wait_us = known ? known->options.timeout_us + COMMAND_GRACE_US : 0;
	struct call *c = call_new(ctx, arg);
	struct msg_run ask = {0};

	c->on_ran = cb;
	c->guard_error = -EHOSTDOWN;
	if (!known || strlen(name) >= sizeof ask.name || strlen(user) >= sizeof ask.user) {
		c->guard_error = -ENOENT;
		wait_us = 0;
	} else {
		event_set(ask.name, name);
		event_set(ask.user, user);
		if (channel_send(process->channel, MSG_RUN, PROCESS_HELPER, c->id, &ask, sizeof ask) < 0)
			wait_us = 0;
	}
	ev_timer_init(&c->guard, on_guard, (double)wait_us / 1e6, 0.);
	c->guard.data = c;
	ev_timer_start(process->loop, &c->guard);
	return c->id;
}

static struct call *command_find(struct plugin_host *h, uint64_t id)
{
	struct call *c;

	for (size_t i = 0; i < h->n; i++)
		LIST_FOREACH (c, &h->instances[i].calls, link)
			if (c->id == id && c->fetch == 0)
				return c;
	return NULL;
}

bool plugin_host_message(struct plugin_host *h, const struct msg_head *head, const void *payload)
{
	struct t3ops_ran ran = {.struct_size = sizeof ran, .error = -EHOSTDOWN, .out = ""};
	struct call *c = command_find(h, head->id);
	struct msg_ran answer;
	char *out = NULL;

	if (!c || (head->type != MSG_RAN && head->type != MSG_UNREACHABLE))
		return false;
	if (head->type == MSG_RAN && head->len >= sizeof answer) {
		memcpy(&answer, payload, sizeof answer);
		out = strndup((const char *)payload + sizeof answer, head->len - sizeof answer);
		ran.error = answer.error;
		ran.exit_code = answer.exit_code;
		ran.took_us = answer.took_us;
		ran.out = out ? out : "";
		ran.out_len = strlen(ran.out);
	}
	call_answer(c, &ran);
	if (out)
		explicit_bzero(out, strlen(out)); /* it may have held a credential */
	free(out);
	return true;
}

/* ---- users, services between plugins ---------------------------------------------------------------- */

static bool user_find(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out)
{
	const struct users *users = ctx->instance->host->users;
	const struct user *u = users ? users_find(users, name) : NULL;

	if (u)
		plugin_user(u, out);
	return u != NULL;
}

static int provide(struct t3ops_ctx *ctx, const char *service, const void *table)
{
	struct plugin_host *h = ctx->instance->host;

	for (size_t i = 0; i < h->n_provided; i++)
		if (strcmp(h->provided[i].name, service) == 0)
			return -EEXIST;
	if (h->n_provided == SERVICES_MAX)
		return -ENOSPC;
	h->provided[h->n_provided++] = (struct provided){service, table};
	return 0;
}

const void *plugin_host_provided(const struct plugin_host *h, const char *service)
{
	for (size_t i = 0; i < h->n_provided; i++)
		if (strcmp(h->provided[i].name, service) == 0)
			return h->provided[i].table;
	return NULL;
}

static const void *service(struct t3ops_ctx *ctx, const char *name)
{
	return plugin_host_provided(ctx->instance->host, name);
}

void host_services_fill(struct t3ops_host *s)
{
	*s = (struct t3ops_host){
	    .struct_size = sizeof *s,
	    .now_us = now_us,
	    .wall_us = wall_us,
	    .opt_string = opt_string,
	    .opt_count = opt_count,
	    .opt_item = opt_item,
	    .opt_int = opt_int,
	    .opt_bool = opt_bool,
	    .log = plugin_log,
	    .count = count,
	    .gauge = gauge,
	    .observe = observe,
	    .emit = emit,
	    .timer_start = timer_start,
	    .timer_stop = timer_stop,
	    .fetch = fetch,
	    .fetch_cancel = plugin_fetch_cancel,
	    .command = command,
	    .user_find = user_find,
	    .provide = provide,
	    .service = service,
	};
}

void host_services_release(struct t3ops_instance *i)
{
	struct t3ops_timer *t;
	struct call *c;

	while ((t = LIST_FIRST(&i->timers)))
		timer_free(t);
	while ((c = LIST_FIRST(&i->calls))) {
		if (c->fetch > 0)
			fetch_cancel(i->host->fetcher, c->fetch);
		call_free(c);
	}
}
