/* SPDX-License-Identifier: MIT */
/* Commands that plugins ask for; see host_commands.h. */
#include "plugin_host/host_commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_host/host_state.h"
#include "plugin_host/plugin_call.h"

#define GUARD_GRACE_US UINT64_C(3000000) /* beyond the deadline, which the helper enforces */

struct host_command {
	LIST_ENTRY(host_command) link;
	struct t3ops_instance *instance;
	uint64_t id;
	t3ops_ran_cb cb;
	void *arg;
	struct ev_timer guard; /* the helper may end before it answers */
	int guard_error;
	uint64_t started_us;
};

static void command_free(struct host_command *c)
{
	ev_timer_stop(c->instance->host->process->loop, &c->guard);
	LIST_REMOVE(c, link);
	free(c);
}

static void command_answer(struct host_command *c, const struct t3ops_ran *ran)
{
	struct t3ops_instance *i = c->instance;
	t3ops_ran_cb cb = c->cb;
	void *arg = c->arg;

	command_free(c);
	plugin_enter(i, "ran");
	cb(&i->ctx, ran, arg);
	plugin_leave(i);
}

static void on_guard(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct host_command *c = w->data;
	struct t3ops_ran ran = {.struct_size = sizeof ran,
	                        .error = c->guard_error,
	                        .out = "",
	                        .took_us = clock_mono_us() - c->started_us};

	(void)loop, (void)revents;
	command_answer(c, &ran);
}

/* 0, or why the helper cannot be asked. */
static int command_ask(struct host_command *c, bool known, const char *name, const char *user)
{
	struct msg_run ask = {0};

	if (!known || strlen(name) >= sizeof ask.name || strlen(user) >= sizeof ask.user)
		return -ENOENT;
	event_set(ask.name, name);
	event_set(ask.user, user);
	if (channel_send(c->instance->host->process->channel, MSG_RUN, PROCESS_HELPER, c->id, &ask, sizeof ask) < 0)
		return -EHOSTDOWN;
	return 0;
}

/* The answer comes from the loop, never from inside, even if the helper cannot be asked. */
static uint64_t command(struct t3ops_ctx *ctx, const char *name, const char *user, t3ops_ran_cb cb, void *arg)
{
	struct plugin_host *h = ctx->instance->host;
	const struct process_command *known = process_command_find(h->process->config, name);
	uint64_t wait_us = known ? known->options.timeout_us + GUARD_GRACE_US : 0;
	struct host_command *c = calloc(1, sizeof *c);
	int error;

	if (!c)
		abort(); /* the plugin is promised its answer */
	*c = (struct host_command){
	    .instance = ctx->instance, .id = ++h->last_id, .cb = cb, .arg = arg, .started_us = clock_mono_us()};
	error = command_ask(c, known != NULL, name, user);
	c->guard_error = error < 0 ? error : -EHOSTDOWN;
	ev_timer_init(&c->guard, on_guard, error < 0 ? 0. : (double)wait_us / 1e6, 0.);
	c->guard.data = c;
	ev_now_update(h->process->loop); /* it stood still while a job worked */
	ev_timer_start(h->process->loop, &c->guard);
	LIST_INSERT_HEAD(&ctx->instance->commands, c, link);
	return c->id;
}

static struct host_command *command_find(struct plugin_host *h, uint64_t id)
{
	struct host_command *c;

	for (size_t i = 0; i < h->n; i++)
		LIST_FOREACH (c, &h->instances[i].commands, link)
			if (c->id == id)
				return c;
	return NULL;
}

bool host_commands_message(struct plugin_host *h, const struct msg_head *head, const void *payload)
{
	struct t3ops_ran ran = {.struct_size = sizeof ran, .error = -EHOSTDOWN, .out = ""};
	struct host_command *c = command_find(h, head->id);
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
	command_answer(c, &ran);
	if (out)
		explicit_bzero(out, strlen(out)); /* it may have held a credential */
	free(out);
	return true;
}

void host_commands_fill(struct t3ops_host *services)
{
	services->command = command;
}

void host_commands_release(struct t3ops_instance *i)
{
	struct host_command *c;

	while ((c = LIST_FIRST(&i->commands)))
		command_free(c);
}
