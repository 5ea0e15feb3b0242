/* SPDX-License-Identifier: MIT */
/* The prober: which legs there are; see prober.h. */
#include "prober/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_host/host_secrets.h"
#include "process/upstream_dialer.h"
#include "prober/leg.h"
#include "prober/leg_group.h"
#include "prober/leg_index.h"
#include "prober/leg_services.h"
#include "prober/leg_ws.h"
#include "prober/probe_round.h"

static const struct t3ops_metric leg_segment = {
    .name = "t3ops_leg_segment",
    .type = T3OPS_GAUGE,
    .labels = {"leg", "segment"},
    .help = "Always 1; the labels are an own leg that is no single user's, and a segment that it crosses."};

#define START_GAP_S 0.0005 /* between the first attempts of users' legs: nobody has thousands begin at once */

struct prober {
	struct process *process;
	struct users *users;
	struct upstream_dialer *dialer; /* NULL without users */
	struct plugin_host *plugins;
	LIST_HEAD(, t3ops_leg) list;
	struct leg_index index;
	struct leg_group *groups; /* one for each of the plugins */
	struct probe_round round; /* the monitor's question */
	bool started;             /* before that the table only fills */
};

/* Legs per user share a name with others', not the segment. */
static bool shares_path(const struct t3ops_leg *a, const struct t3ops_leg *b)
{
	const struct text_list *segments = &a->instance->section->leg.segments;

	if (a->per_user && b->per_user)
		return false;
	for (size_t i = 0; i < segments->n; i++)
		if (text_list_has(&b->instance->section->leg.segments, segments->items[i]))
			return true;
	return false;
}

/* What works for one leg may work for others. */
static void on_leg_up(const struct t3ops_leg *leg)
{
	struct prober *p = leg->process->state;
	struct t3ops_leg *other;

	if (leg->per_user) { /* of those of users none does */
		for (other = leg_index_first(&p->index, ""); other; other = leg_index_next(other))
			if (shares_path(leg, other))
				leg_retry(other);
		return;
	}
	LIST_FOREACH (other, &p->list, link)
		if (other != leg && shares_path(leg, other))
			leg_retry(other);
}

static void on_tunnel_works(struct prober *p, const char *user)
{
	struct t3ops_leg *leg;

	for (leg = leg_index_first(&p->index, ""); leg; leg = leg_index_next(leg))
		leg_retry(leg);
	for (leg = leg_index_first(&p->index, user); leg && user[0] != '\0'; leg = leg_index_next(leg))
		leg_retry(leg);
}

static struct leg_group *group_of(const struct prober *p, const struct t3ops_instance *i)
{
	size_t n = 0;

	while (plugin_host_at(p->plugins, n) != i)
		n++;
	return &p->groups[n];
}

static int leg_add(struct prober *p, struct t3ops_instance *i, const struct user *user, double after_s)
{
	struct t3ops_leg *leg = leg_new(p->process, i, user, group_of(p, i), after_s);

	if (!leg)
		return -ENOMEM;
	leg->on_up = on_leg_up;
	if (leg_index_add(&p->index, leg) < 0) {
		leg_free(leg, true);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&p->list, leg, link);
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

static struct t3ops_leg *leg_find(struct prober *p, const struct t3ops_instance *i, const struct user *user)
{
	struct t3ops_leg *leg;

	for (leg = leg_index_first(&p->index, user->name); leg; leg = leg_index_next(leg))
		if (leg->instance == i)
			return leg;
	return NULL;
}

/* A leg whose user is gone, or whose t3 server is at another address now, ends; new users get theirs. */
static void users_follow(struct prober *p, struct t3ops_instance *i, const struct user_list *now)
{
	struct t3ops_leg *leg, *next;
	unsigned made = 0;

	for (leg = LIST_FIRST(&p->list); leg; leg = next) {
		const struct user *user = leg->instance == i ? user_list_find(now, leg->user.name) : NULL;

		next = LIST_NEXT(leg, link);
		if (user)
			leg->user.is_absent = user->is_absent;
		if (leg->instance != i ||
		    (user && user->port == leg->user.port && strcmp(user->host, leg->user.host) == 0))
			continue;
		LIST_REMOVE(leg, link);
		leg_index_remove(&p->index, leg);
		probe_round_forget(&p->round, leg);
		leg_free(leg, true);
	}
	for (size_t n = 0; n < now->n; n++) {
		if (leg_find(p, i, &now->rows[n]))
			continue;
		if (leg_add(p, i, &now->rows[n], START_GAP_S * made++) < 0)
			log_write(LOG_L_ERROR, "leg_failed", kv_plugin(i->ctx.name), kv_user(now->rows[n].name),
			          kv_errno(ENOMEM));
	}
}

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	struct prober *p = arg;

	(void)before;
	for (size_t n = 0; p->started && n < plugin_host_count(p->plugins); n++)
		if (is_per_user(plugin_host_at(p->plugins, n)))
			users_follow(p, plugin_host_at(p->plugins, n), now);
}

/* What another t3ops holds is that one's to show. */
static void segments_show(struct prober *p, const struct t3ops_instance *i)
{
	const struct text_list *segments = &i->section->leg.segments;

	for (size_t n = 0; n < segments->n && !(i->plugin.leg_flags & T3OPS_LEG_ELSEWHERE); n++)
		series_set(metrics_series(p->process->metrics, &leg_segment, NULL, NULL,
		                          (const char *[]){i->ctx.name, segments->items[n]}),
		           1);
}

/* Those of users are limited. */
static int groups_make(struct prober *p)
{
	size_t count = plugin_host_count(p->plugins);

	p->groups = calloc(count > 0 ? count : 1, sizeof *p->groups);
	for (size_t n = 0; p->groups && n < count; n++) {
		struct t3ops_instance *i = plugin_host_at(p->plugins, n);

		if (!is_leg(i))
			continue;
		leg_group_init(&p->groups[n], p->process->metrics, i->ctx.name,
		               is_per_user(i) ? p->process->config->core.metrics_per_user : INT64_MAX);
		p->groups[n].config = leg_section_hash(i->section);
	}
	return p->groups ? 0 : -ENOMEM;
}

static int legs_add(struct prober *p)
{
	int r = groups_make(p);

	p->started = r == 0;
	for (size_t n = 0; r == 0 && n < plugin_host_count(p->plugins); n++) {
		struct t3ops_instance *i = plugin_host_at(p->plugins, n);

		if (is_per_user(i)) {
			users_follow(p, i, users_list(p->users));
		} else if (is_leg(i)) {
			segments_show(p, i);
			r = leg_add(p, i, NULL, 0.);
		}
	}
	return r;
}

static void prober_free(struct prober *p)
{
	struct t3ops_leg *leg;

	probe_round_fini(&p->round);
	while ((leg = LIST_FIRST(&p->list))) {
		LIST_REMOVE(leg, link);
		leg_free(leg, false);
	}
	leg_index_fini(&p->index);
	free(p->groups);
	if (p->plugins)
		plugin_host_free(p->plugins);
	upstream_dialer_free(p->dialer);
	if (p->users)
		users_free(p->users);
	free(p);
}

static int users_start(struct prober *p)
{
	const struct core_options *core = &p->process->config->core;

	p->users = users_new(p->process->users_reader, on_users_changed, users_state_log, p);
	p->dialer = p->users ? upstream_dialer_new(p->process, &core->trusted_upstreams) : NULL;
	return p->dialer ? 0 : -errno;
}

static int prober_build(struct prober *p)
{
	int r = process_needs_users(p->process->config, PROCESS_PROBER) ? users_start(p) : 0;

	if (r < 0)
		return r;
	p->plugins = plugin_host_new(p->process, p->users, p->dialer);
	if (!p->plugins)
		return -EINVAL;
	leg_services_fill(plugin_host_services(p->plugins));
	leg_ws_services_fill(plugin_host_services(p->plugins));
	host_secrets_fill(plugin_host_services(p->plugins));
	r = plugin_host_start(p->plugins);
	return r < 0 ? r : legs_add(p);
}

static int start(struct process *process)
{
	struct prober *p = calloc(1, sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	LIST_INIT(&p->list);
	p->process = process;
	probe_round_init(&p->round, process->loop);
	process->state = p;
	r = prober_build(p);
	if (r < 0)
		prober_free(p);
	return r;
}

static void stop(struct process *process)
{
	prober_free(process->state);
}

/* user "": of everything. */
static void on_probe(struct prober *p, const struct msg_probe *probe, uint64_t id)
{
	bool all = probe->user[0] == '\0';
	struct t3ops_leg *leg;

	if (!all) {
		for (leg = leg_index_first(&p->index, probe->user); leg; leg = leg_index_next(leg))
			probe_round_ask(&p->round, leg, probe, id, true);
		return;
	}
	LIST_FOREACH (leg, &p->list, link)
		probe_round_ask(&p->round, leg, probe, id, false);
}

static void on_absent(struct prober *p, const void *payload)
{
	struct msg_absent about;
	struct t3ops_leg *leg;

	memcpy(&about, payload, sizeof about);
	about.user[sizeof about.user - 1] = '\0';
	for (leg = leg_index_first(&p->index, about.user); leg; leg = leg_index_next(leg))
		if (leg->per_user)
			leg_set_absent(leg, about.is_absent != 0);
}

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct prober *p = process->state;
	struct msg_leg_retry retry;
	struct msg_probe probe;

	if (head->type == MSG_LEG_RETRY && head->len == sizeof retry) {
		memcpy(&retry, payload, sizeof retry);
		retry.user[sizeof retry.user - 1] = '\0';
		on_tunnel_works(p, retry.user);
		return;
	}
	if (head->type == MSG_ABSENT && head->len == sizeof(struct msg_absent)) {
		on_absent(p, payload);
		return;
	}
	if (head->type != MSG_PROBE || head->len != sizeof probe) {
		plugin_host_message(p->plugins, head, payload);
		return;
	}
	memcpy(&probe, payload, sizeof probe);
	probe.user[sizeof probe.user - 1] = '\0';
	on_probe(p, &probe, head->id);
}

/* Legs connect from the device or address that they are told, and keep secrets below state_dir, which may be made or
 * replaced later. */
static void confine(struct process *process, struct confinement *c)
{
	confinement_read_options(c, process->config);
	confinement_read_system(c);
	confinement_write_beside(c, process->config->core.state_dir);
	c->rules.binds = true;
}

/* Something was sent for a plugin that is no heartbeat of a leg: a look-up, a new connection, a large message. */
static bool plugins_ask(const struct prober *p)
{
	for (size_t n = 0; n < plugin_host_count(p->plugins); n++) {
		const struct t3ops_instance *i = plugin_host_at(p->plugins, n);

		if (!LIST_EMPTY(&i->fetches) || leg_ws_asks(i))
			return true;
	}
	return false;
}

/* Far ends may end a leg at any time. */
static enum awaited awaits(const struct process *process)
{
	const struct prober *p = process->state;
	const struct t3ops_leg *leg;

	if (p == NULL || LIST_EMPTY(&p->list))
		return AWAITED_NOTHING;
	LIST_FOREACH (leg, &p->list, link)
		if (leg_asks(leg))
			return AWAITED_ANSWER;
	return plugins_ask(p) ? AWAITED_ANSWER : AWAITED_NEWS;
}

const struct process_ops prober_ops = {
    .start = start, .stop = stop, .confine = confine, .awaits = awaits, .message = message};
