/* SPDX-License-Identifier: MIT */
/* The plugins' turn; see filter_chain.h. */
#include "proxy/filter_chain.h"

static enum filter_result plugin_run(struct filter_chain *c, struct t3ops_instance *i)
{
	enum t3ops_next next;

	c->mark = FILTER_MARK_NONE;
	plugin_enter(i, "on_request");
	next = i->plugin.on_request(&i->ctx, c->request);
	plugin_leave(i);
	if (c->mark == FILTER_MARK_TAKEN)
		return FILTER_TAKEN;
	if (c->mark == FILTER_MARK_ANSWERED)
		return FILTER_ANSWERED;
	if (next == T3OPS_WAIT && c->mark != FILTER_MARK_RESUMED)
		return FILTER_WAITING;
	if (next == T3OPS_DONE) {
		log_write(LOG_L_ERROR, "plugin_bug", kv_plugin(i->ctx.name), kv_callback("on_request"),
		          kv_error("it returned done but sent no response"));
		return FILTER_UNANSWERED;
	}
	return FILTER_FORWARD;
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
