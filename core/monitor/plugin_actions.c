/* SPDX-License-Identifier: MIT */
/* See plugin_actions.h. */
#include "monitor/plugin_actions.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "monitor/monitor_state.h"
#include "plugin_host/host_actions.h"

#define REQUEST_IDS                                                                                                  \
	(UINT64_C(1) << 61) /* apart from those of people's requests (control_wait.c), and of commands               \
	                     */

struct asked {
	LIST_ENTRY(asked) link;
	uint64_t id;
	struct t3ops_instance *instance;
	t3ops_acted_cb cb;
	void *arg;
};

struct plugin_actions {
	struct plugin_host *plugins;
	LIST_HEAD(, asked) asked;
	uint64_t given;
	json_t *arguments, *facts,
	    *rows; /* of what is being done for the installation as a whole; NULL: nothing is */
};

/* The services have only an instance to find it by. */
static struct plugin_actions *actions_of(struct t3ops_ctx *ctx)
{
	const struct monitor *d = plugin_host_process(ctx->instance->host)->state;

	return d->actions;
}

/* ---- what plugins ask of jobs ---------------------------------------------------------------------------- */

static bool is_job(const struct process_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_sections; i++)
		if ((config->sections[i].roles & T3OPS_ROLE_JOB) && strcmp(config->sections[i].name, name) == 0)
			return true;
	return false;
}

/* {"NAME":"VALUE",...} of NAME=VALUE; false: it does not fit. */
static bool arguments_write(const char *const *arguments, char *out, size_t size)
{
	json_t *o = json_object();
	size_t len;

	for (; arguments && *arguments; arguments++) {
		size_t name = strcspn(*arguments, "=");
		const char *value = (*arguments)[name] == '=' ? *arguments + name + 1 : "";

		json_object_setn_new(o, *arguments, name, json_string(value));
	}
	len = json_object_size(o) > 0 ? json_dumpb(o, out, size - 1, JSON_COMPACT) : 0;
	json_decref(o);
	return len < size;
}

static int asked_add(struct plugin_actions *a, struct t3ops_ctx *ctx, t3ops_acted_cb cb, void *arg)
{
	struct asked *asked = cb ? calloc(1, sizeof *asked) : NULL;

	if (!asked)
		return cb ? -ENOMEM : 0;
	*asked = (struct asked){.id = REQUEST_IDS + ++a->given, .instance = ctx->instance, .cb = cb, .arg = arg};
	LIST_INSERT_HEAD(&a->asked, asked, link);
	return 0;
}

static void asked_remove(struct asked *asked)
{
	LIST_REMOVE(asked, link);
	free(asked);
}

static int request_action(struct t3ops_ctx *ctx, const char *job, const char *action, const char *user,
                          const char *const *arguments, t3ops_acted_cb cb, void *arg)
{
	struct plugin_actions *a = actions_of(ctx);
	struct process *process = plugin_host_process(a->plugins);
	struct msg_run ask = {.job = 1};
	int r;

	if (!is_job(process->config, job))
		return -ENOENT;
	event_set(ask.name, job);
	event_set(ask.user, user);
	event_set(ask.action, action);
	if (!arguments_write(arguments, ask.arguments, sizeof ask.arguments))
		return -E2BIG;
	r = asked_add(a, ctx, cb, arg);
	if (r < 0)
		return r;
	if (channel_send(process->channel, MSG_JOB_NOW, PROCESS_JOBS, cb ? LIST_FIRST(&a->asked)->id : 0, &ask,
	                 sizeof ask) == 0)
		return 0;
	if (cb)
		asked_remove(LIST_FIRST(&a->asked));
	return -EHOSTDOWN;
}

/* text: a line, and rows behind it. */
static void asked_answer(struct asked *asked, int error, char *text)
{
	struct t3ops_acted acted = {.struct_size = sizeof acted, .error = error, .text = text, .rows = ""};
	struct t3ops_instance *i = asked->instance;
	t3ops_acted_cb cb = asked->cb;
	char *rows = strchr(text, '\n');
	void *arg = asked->arg;

	if (rows) {
		*rows = '\0';
		acted.rows = rows + 1;
	}
	asked_remove(asked); /* the plugin may ask for more */
	plugin_enter(i, "acted");
	cb(&i->ctx, &acted, arg);
	plugin_leave(i);
}

bool plugin_actions_message(struct plugin_actions *a, const struct msg_head *head, const void *payload)
{
	const struct msg_reply *reply = payload;
	bool answered = head->type == MSG_JOB_DONE && head->len >= sizeof *reply;
	struct asked *asked;
	char *text;

	LIST_FOREACH (asked, &a->asked, link)
		if (asked->id == head->id)
			break;
	if (!asked || (!answered && head->type != MSG_UNREACHABLE))
		return false;
	text = answered ? strndup(reply->text, head->len - sizeof *reply) : strdup("the jobs process is not running");
	asked_answer(asked, answered ? reply->error : -EHOSTDOWN, text ? text : (char[]){""});
	free(text);
	return true;
}

void plugin_actions_lost(struct plugin_actions *a)
{
	LIST_HEAD(, asked) lost = LIST_HEAD_INITIALIZER(lost);
	struct asked *asked;

	while ((asked = LIST_FIRST(&a->asked))) { /* those of before: an answered plugin may ask for more */
		LIST_REMOVE(asked, link);
		LIST_INSERT_HEAD(&lost, asked, link);
	}
	while ((asked = LIST_FIRST(&lost)))
		asked_answer(asked, -EHOSTDOWN, (char[]){"the jobs process ended before it was done"});
}

/* ---- what people ask of a plugin --------------------------------------------------------------------------- */

static const char *argument(struct t3ops_ctx *ctx, const char *name)
{
	return json_string_value(json_object_get(actions_of(ctx)->arguments, name));
}

static void T3OPS_PRINTF(3, 4) report(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap); /* a fact too long is cut */
	va_end(ap);
	if (actions_of(ctx)->facts)
		json_object_set_new(actions_of(ctx)->facts, key, json_stringn_nocheck(value, strlen(value)));
}

static void report_row(struct t3ops_ctx *ctx)
{
	struct plugin_actions *a = actions_of(ctx);

	if (!a->rows)
		return;
	json_array_append_new(a->rows, json_deep_copy(a->facts));
	json_object_clear(a->facts);
}

static bool does_whole(const struct t3ops_instance *i, const char *action)
{
	return i->plugin.act_whole && (i->plugin.roles & T3OPS_ROLE_WATCH) &&
	       host_word_is_in(i->plugin.whole_actions, action);
}

struct t3ops_instance *plugin_actions_find(struct plugin_actions *a, const char *section, const char *plugin,
                                           const char *action)
{
	for (size_t n = 0; n < plugin_host_count(a->plugins); n++) {
		struct t3ops_instance *i = plugin_host_at(a->plugins, n);
		const char *name = section ? i->ctx.name : i->plugin.name;

		if (strcmp(name, section ? section : plugin ? plugin : "") == 0 && does_whole(i, action))
			return i;
	}
	return NULL;
}

int plugin_actions_do(struct plugin_actions *a, struct t3ops_instance *i, const char *action, json_t *arguments,
                      json_t **rows, char *why, size_t size)
{
	const char *error;
	int r = host_action_check(&i->plugin, action, arguments, false, why, size);

	*rows = json_array();
	if (r < 0)
		return r;
	a->arguments = arguments;
	a->facts = json_object();
	a->rows = *rows;
	plugin_enter(i, "act_whole");
	r = i->plugin.act_whole(&i->ctx, action);
	plugin_leave(i);
	error = json_string_value(json_object_get(a->facts, "error"));
	snprintf(why, size, "%s", error ? error : r < 0 ? strerror(-r) : "");
	json_decref(a->facts);
	a->arguments = a->facts = a->rows = NULL;
	return r;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

struct plugin_actions *plugin_actions_new(struct plugin_host *plugins)
{
	struct plugin_actions *a = calloc(1, sizeof *a);
	struct t3ops_host *s = plugin_host_services(plugins);

	if (!a)
		return NULL;
	a->plugins = plugins;
	LIST_INIT(&a->asked);
	s->request_action = request_action;
	s->argument = argument;
	s->report = report;
	s->report_row = report_row;
	return a;
}

void plugin_actions_free(struct plugin_actions *a)
{
	while (a && LIST_FIRST(&a->asked))
		asked_remove(LIST_FIRST(&a->asked));
	free(a);
}
