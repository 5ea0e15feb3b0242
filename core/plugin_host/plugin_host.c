/* SPDX-License-Identifier: MIT */
/* The plugins of one process; see plugin_host.h. */
#include "plugin_host/plugin_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/loader.h"
#include "plugin_host/host_commands.h"
#include "plugin_host/host_report.h"
#include "plugin_host/host_services.h"
#include "plugin_host/host_state.h"

static int instance_load(struct plugin_host *h, const struct plugin_section *section, struct t3ops_instance *i)
{
	char why[512];
	int r;

	r = loader_open_file(section->file.path, section->module, &i->plugin, why, sizeof why);
	if (r < 0) {
		log_write(LOG_L_ERROR, "plugin_refused", kv_plugin(section->name), kv_error(why));
		return r;
	}
	i->host = h;
	i->section = section;
	i->ctx = (struct t3ops_ctx){.host = &h->services, .instance = i, .name = section->name};
	LIST_INIT(&i->timers);
	LIST_INIT(&i->watches);
	LIST_INIT(&i->fetches);
	LIST_INIT(&i->commands);
	LIST_INIT(&i->websockets);
	plugin_calls_begin(i);
	host_report_begin(i);
	return 0;
}

struct plugin_host *plugin_host_new(struct process *process, struct users *users, struct upstream_dialer *dialer)
{
	const struct process_config *config = process->config;
	struct plugin_host *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->process = process;
	h->users = users;
	h->dialer = dialer;
	h->budget_us = config->core.plugin_budget_us;
	h->instances = calloc(config->n_plugins + 1, sizeof *h->instances);
	h->fetcher = fetcher_new(process->loop);
	if (!h->instances || !h->fetcher) {
		log_write(LOG_L_ERROR, "start_failed",
		          kv_error(textf("no memory for %zu plugins", config->n_plugins)));
		plugin_host_free(h);
		return NULL;
	}
	host_services_fill(&h->services);
	for (; h->n < config->n_plugins; h->n++)
		if (instance_load(h, config->plugins[h->n], &h->instances[h->n]) < 0) {
			plugin_host_free(h);
			return NULL;
		}
	return h;
}

void plugin_host_set_user(struct plugin_host *h, const struct user *user)
{
	h->user = user;
}

struct t3ops_host *plugin_host_services(struct plugin_host *h)
{
	return &h->services;
}

/* Calls init or start of one instance; NULL callbacks succeed. */
static int instance_call(struct t3ops_instance *i, int (*callback)(struct t3ops_ctx *), const char *name)
{
	int r;

	if (!callback)
		return 0;
	plugin_enter(i, name);
	r = callback(&i->ctx);
	plugin_leave(i);
	if (r != 0)
		log_write(LOG_L_ERROR, "plugin_failed", kv_plugin(i->ctx.name), kv_callback(name), kv_errno(r));
	return r > 0 ? -EINVAL : r;
}

int plugin_host_start(struct plugin_host *h)
{
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++) {
		r = instance_call(&h->instances[i], h->instances[i].plugin.init, "init");
		h->initialised += r == 0;
	}
	for (size_t i = 0; i < h->n && r == 0; i++)
		r = instance_call(&h->instances[i], h->instances[i].plugin.start, "start");
	if (r < 0)
		plugin_host_stop(h);
	return r;
}

void plugin_host_stop(struct plugin_host *h)
{
	while (h->initialised > 0) {
		struct t3ops_instance *i = &h->instances[--h->initialised];

		if (i->plugin.stop) {
			plugin_enter(i, "stop");
			i->plugin.stop(&i->ctx);
			plugin_leave(i);
		}
	}
	for (size_t i = 0; i < h->n; i++)
		host_services_release(&h->instances[i]);
}

void plugin_host_free(struct plugin_host *h)
{
	if (!h)
		return;
	plugin_host_stop(h);
	fetcher_free(h->fetcher);
	free(h->instances);
	free(h);
}

size_t plugin_host_count(const struct plugin_host *h)
{
	return h->n;
}

void plugin_host_set_user_fetcher(struct plugin_host *h, const struct user_fetcher *fetcher)
{
	h->user_fetcher = *fetcher;
}

struct t3ops_instance *plugin_host_at(struct plugin_host *h, size_t i)
{
	return &h->instances[i];
}

const void *plugin_host_provided(const struct plugin_host *h, const char *service)
{
	return host_services_find(h, service);
}

struct process *plugin_host_process(const struct plugin_host *h)
{
	return h->process;
}

bool plugin_host_message(struct plugin_host *h, const struct msg_head *head, const void *payload)
{
	return host_commands_message(h, head, payload);
}
