/* SPDX-License-Identifier: MIT */
/* The life of the plugin in the played host; see testhost.h. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "fetches.h"
#include "host.h"
#include "legs.h"
#include "options.h"
#include "records.h"
#include "requests.h"
#include "runs.h"
#include "sockets.h"
#include "table.h"

#define BEGIN_US UINT64_C(1000000000)

static void services_fill(struct t3ops_host *s)
{
	*s = (struct t3ops_host){.struct_size = sizeof *s};
	testhost_clock_fill(s);
	testhost_options_fill(s);
	testhost_records_fill(s);
	testhost_fetches_fill(s);
	testhost_sockets_fill(s);
	testhost_legs_fill(s);
	testhost_requests_fill(s);
	testhost_runs_fill(s);
	testhost_table_fill(s);
}

struct testhost *testhost_new(const struct t3ops_plugin *plugin, const char *const *options)
{
	struct testhost *h = calloc(1, sizeof *h);

	if (h == NULL)
		abort(); /* of a test */
	h->plugin = plugin;
	h->instance.host = h;
	h->now_us = BEGIN_US;
	SLIST_INIT(&h->memory);
	TAILQ_INIT(&h->due);
	services_fill(&h->services);
	h->ctx = (struct t3ops_ctx){.host = &h->services, .instance = &h->instance, .name = plugin->name};
	if (plugin->magic != T3OPS_MAGIC || plugin->abi_major != T3OPS_ABI_MAJOR ||
	    plugin->struct_size != sizeof *plugin)
		testhost_die(
		    h, "its descriptor is of another <t3ops/plugin.h> than this library: begin it with T3OPS_HEAD, "
		       "and build both anew");
	testhost_options_read(h, options);
	return h;
}

int testhost_init(struct testhost *h)
{
	int r = h->plugin->init != NULL ? h->plugin->init(&h->ctx) : 0;

	h->initialised = r == 0;
	if (r > 0)
		testhost_bug(h, "init returned %d: expected 0 or a negative errno", r);
	return r > 0 ? -EINVAL : r;
}

int testhost_check(struct testhost *h)
{
	if (!h->initialised)
		testhost_die(h, "testhost_check comes after testhost_init");
	return h->plugin->check != NULL ? h->plugin->check(&h->ctx) : 0;
}

int testhost_start(struct testhost *h)
{
	int r = h->initialised ? 0 : testhost_init(h);

	if (r == 0 && h->plugin->start != NULL)
		r = h->plugin->start(&h->ctx);
	h->running = r == 0;
	return r;
}

void testhost_stop(struct testhost *h)
{
	testhost_legs_release(h);
	if (h->initialised && h->plugin->stop != NULL)
		h->plugin->stop(&h->ctx);
	h->initialised = h->running = false;
	h->left = testhost_clock_release(h) + testhost_fetches_release(h) + testhost_sockets_release(h) +
	          testhost_runs_release(h);
}

size_t testhost_left(const struct testhost *h)
{
	return h->left;
}

static void lists_free(struct testhost *h)
{
	struct testhost_list *const lists[] = {
	    &h->options,  &h->users,     &h->own_services, &h->secrets, &h->timers,        &h->watches,
	    &h->answers,  &h->names,     &h->fetches,      &h->sockets, &h->sent,          &h->legs,
	    &h->requests, &h->rans,      &h->commands,     &h->actions, &h->asked_actions, &h->facts,
	    &h->rows,     &h->arguments, &h->logged,       &h->emitted, &h->faults,        &h->series};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		testhost_list_fini(lists[i]);
}

void testhost_free(struct testhost *h)
{
	struct testhost_memory *m;

	if (h == NULL)
		return;
	testhost_stop(h);
	testhost_requests_fini(h);
	testhost_options_fini(h);
	while ((m = SLIST_FIRST(&h->memory)) != NULL) {
		SLIST_REMOVE_HEAD(&h->memory, link);
		free(m);
	}
	lists_free(h);
	free(h->bugs);
	free(h);
}
