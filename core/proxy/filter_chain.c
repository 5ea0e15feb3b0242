/* SPDX-License-Identifier: MIT */
/* The plugins' turn; see filter_chain.h. */
#include "proxy/filter_chain.h"

typedef enum t3ops_next (*filter_fn)(struct t3ops_ctx *ctx, t3ops_request_id r);

static const char *const hook_names[] = {[FILTER_ON_IDENTITY] = "on_identity",
                                         [FILTER_ON_REQUEST] = "on_request",
                                         [FILTER_ON_UNAUTHORIZED] = "on_unauthorized"};

static filter_fn hook_of(const struct t3ops_plugin *p, enum filter_hook hook)
{
	switch (hook) {
	case FILTER_ON_IDENTITY:
		return p->on_identity;
	case FILTER_ON_REQUEST:
		return p->on_request;
	case FILTER_ON_UNAUTHORIZED:
		return p->on_unauthorized;
	}
	return NULL;
}

static enum filter_result plugin_run(struct filter_chain *c, struct t3ops_instance *i)
{
	filter_fn hook = hook_of(&i->plugin, c->hook);
	enum t3ops_next next;

	if (!hook)
		return FILTER_FORWARD;
	c->mark = FILTER_MARK_NONE;
	plugin_enter(i, hook_names[c->hook]);
	next = hook(&i->ctx, c->request);
	plugin_leave(i);
	c->resumed = c->resumed || c->mark == FILTER_MARK_RESUMED;
	if (c->mark == FILTER_MARK_TAKEN)
		return FILTER_TAKEN;
	if (c->mark == FILTER_MARK_ANSWERED)
		return FILTER_ANSWERED;
	if (next == T3OPS_WAIT && c->mark != FILTER_MARK_RESUMED)
		return FILTER_WAITING;
	if (next == T3OPS_DONE) {
		log_write(LOG_L_ERROR, "plugin_bug", kv_plugin(i->ctx.name), kv_callback(hook_names[c->hook]),
		          kv_error("it returned done but sent no response"));
		return FILTER_UNANSWERED;
	}
	return FILTER_FORWARD;
}

void filter_chain_begin(struct filter_chain *c, enum filter_hook hook)
{
	c->hook = hook;
	c->next = 0;
	c->mark = FILTER_MARK_NONE;
	c->resumed = false;
}

enum filter_result filter_chain_run(struct filter_chain *c)
{
	enum filter_result result = FILTER_FORWARD;

	while (result == FILTER_FORWARD && c->next < plugin_host_count(c->plugins)) {
		struct t3ops_instance *i = plugin_host_at(c->plugins, c->next++);

		if (i->plugin.roles & T3OPS_ROLE_PROXY)
			result = plugin_run(c, i);
	}
	return result;
}

const char *filter_chain_waits_for(const struct filter_chain *c)
{
	return c->next > 0 ? plugin_host_at(c->plugins, c->next - 1)->ctx.name : "";
}
