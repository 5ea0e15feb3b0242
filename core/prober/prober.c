/* SPDX-License-Identifier: MIT */
/* The legs as a process: one leg a section, or one a user of the table; see legs.h. */
#include "prober/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prober/leg.h"
#include "prober/leg_ws.h"

struct legs {
	struct process *process;
	struct users *users;
	struct plugin_host *plugins;
	LIST_HEAD(, t3ops_leg) list;
	bool started; /* before that the table only fills */
};

static int leg_add(struct legs *l, struct t3ops_instance *i, const struct user *user)
{
	struct t3ops_leg *leg = leg_new(l->process, i, user);

	if (!leg)
		return -ENOMEM;
	LIST_INSERT_HEAD(&l->list, leg, link);
	return 0;
}

/* Others are here for a service that they provide. */
static bool is_leg(const struct t3ops_instance *i)
{
	return i->plugin.roles & T3OPS_ROLE_LEG;
}

static bool is_per_user(const struct t3ops_instance *i)
{
	return is_leg(i) && (i->plugin.leg_flags & T3OPS_LEG_PER_USER);
}

static struct t3ops_leg *leg_find(struct legs *l, const struct t3ops_instance *i, const struct user *user)
{
	struct t3ops_leg *leg;

	LIST_FOREACH (leg, &l->list, link)
		if (leg->instance == i && strcmp(leg->user.name, user->name) == 0)
			return leg;
	return NULL;
}

/* A leg whose user is gone, or whose instance is elsewhere now, ends; new users get theirs. */
static void users_follow(struct legs *l, struct t3ops_instance *i, const struct user_list *now)
{
	struct t3ops_leg *leg, *next;

	for (leg = LIST_FIRST(&l->list); leg; leg = next) {
		const struct user *user = leg->instance == i ? user_list_find(now, leg->user.name) : NULL;

		next = LIST_NEXT(leg, link);
		if (leg->instance != i ||
		    (user && user->port == leg->user.port && strcmp(user->host, leg->user.host) == 0))
			continue;
		LIST_REMOVE(leg, link);
		leg_free(leg, true);
	}
	for (size_t n = 0; n < now->n; n++)
		if (!leg_find(l, i, &now->rows[n]) && leg_add(l, i, &now->rows[n]) < 0)
			log_write(LOG_L_ERROR, "leg_failed", kv_plugin(i->ctx.name), kv_user(now->rows[n].name),
			          kv_errno(ENOMEM));
}

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	struct legs *l = arg;

	(void)before;
	for (size_t n = 0; l->started && n < plugin_host_count(l->plugins); n++)
		if (is_per_user(plugin_host_at(l->plugins, n)))
			users_follow(l, plugin_host_at(l->plugins, n), now);
}

static int legs_add(struct legs *l)
{
	int r = 0;

	l->started = true;
	for (size_t n = 0; r == 0 && n < plugin_host_count(l->plugins); n++) {
		struct t3ops_instance *i = plugin_host_at(l->plugins, n);

		if (is_per_user(i))
			users_follow(l, i, users_list(l->users));
		else if (is_leg(i))
			r = leg_add(l, i, NULL);
	}
	return r;
}

static void legs_free(struct legs *l)
{
	struct t3ops_leg *leg;

	while ((leg = LIST_FIRST(&l->list))) {
		LIST_REMOVE(leg, link);
		leg_free(leg, false);
	}
	if (l->plugins)
		plugin_host_free(l->plugins);
	if (l->users)
		users_free(l->users);
	free(l);
}

static int legs_build(struct legs *l)
{
	const struct core_options *core = &l->process->config->core;
	struct users_source source = {.path = core->users,
	                              .env_pattern = core->instance_env,
	                              .snapshot = l->process->snapshot,
	                              .must_read = l->process->succeeds};
	int r;

	l->users = users_new(l->process->loop, &source, on_users_changed, users_state_log, l);
	if (!l->users)
		return -errno;
	l->plugins = plugin_host_new(l->process, l->users);
	if (!l->plugins)
		return -EINVAL;
	leg_services_fill(plugin_host_services(l->plugins));
	leg_ws_services_fill(plugin_host_services(l->plugins));
	r = plugin_host_start(l->plugins);
	return r < 0 ? r : legs_add(l);
}

static int start(struct process *process)
{
	struct legs *l = calloc(1, sizeof *l);
	int r;

	if (!l)
		return -ENOMEM;
	LIST_INIT(&l->list);
	l->process = process;
	process->state = l;
	r = legs_build(l);
	if (r < 0)
		legs_free(l);
	return r;
}

static void stop(struct process *process)
{
	legs_free(process->state);
}

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct legs *l = process->state;
	struct t3ops_leg *leg;
	struct msg_probe probe;

	if (head->type != MSG_PROBE || head->len != sizeof probe) {
		plugin_host_message(l->plugins, head, payload);
		return;
	}
	memcpy(&probe, payload, sizeof probe);
	LIST_FOREACH (leg, &l->list, link)
		leg_probe(leg, head->id, probe.since_us);
}

const struct process_ops prober_ops = {.start = start, .stop = stop, .message = message};
