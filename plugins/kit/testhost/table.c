/* SPDX-License-Identifier: MIT */
/* The user table, services between plugins, secrets, and events for a watcher. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "plugin_host/plugin_struct.h"

struct own_service {
	const char *name;
	const void *table;
};

/* ---- users ----------------------------------------------------------------------------------------------- */

void testhost_user(struct testhost *h, const struct t3ops_user *user)
{
	struct t3ops_user *kept = testhost_alloc(h, sizeof *kept);

	*kept = *user;
	kept->struct_size = sizeof *kept;
	kept->name = testhost_keep(h, user->name);
	kept->os_user = testhost_keep(h, user->os_user);
	kept->home = testhost_keep(h, user->home);
	kept->host = user->host != NULL ? testhost_keep(h, user->host) : "127.0.0.1";
	testhost_list_add(&h->users, kept);
}

const struct t3ops_user *testhost_user_get(const struct testhost *h, const char *name)
{
	for (size_t i = h->users.n; i-- > 0;) {
		const struct t3ops_user *u = h->users.items[i];

		if (strcmp(u->name, name) == 0)
			return u;
	}
	return NULL;
}

/* In a run only the user that it is for. */
static bool user_find(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out)
{
	const struct testhost *h = testhost_of(ctx);
	const struct t3ops_user *u = testhost_user_get(h, name);

	if (u == NULL || (h->run_for != NULL && u != h->run_for))
		return false;
	plugin_struct_give(out, u, sizeof *u);
	return true;
}

/* ---- services -------------------------------------------------------------------------------------------- */

static const void *service_find(const struct testhost *h, const char *name)
{
	for (size_t i = 0; i < h->own_services.n; i++) {
		const struct own_service *s = h->own_services.items[i];

		if (strcmp(s->name, name) == 0)
			return s->table;
	}
	return NULL;
}

void testhost_service(struct testhost *h, const char *service, const void *table)
{
	struct own_service *s = testhost_alloc(h, sizeof *s);

	*s = (struct own_service){testhost_keep(h, service), table};
	testhost_list_add(&h->own_services, s);
}

static int provide(struct t3ops_ctx *ctx, const char *service, const void *table)
{
	if (service_find(testhost_of(ctx), service) != NULL)
		return -EEXIST;
	testhost_service(testhost_of(ctx), service, table);
	return 0;
}

static const void *service(struct t3ops_ctx *ctx, const char *name)
{
	return service_find(testhost_of(ctx), name);
}

static int64_t share_of(struct t3ops_ctx *ctx, int64_t limit)
{
	(void)ctx;
	return limit;
}

/* ---- secrets --------------------------------------------------------------------------------------------- */

void testhost_secret(struct testhost *h, const char *user, const char *text)
{
	struct testhost_pair *p = testhost_alloc(h, sizeof *p);

	*p = (struct testhost_pair){testhost_keep(h, user), text != NULL ? testhost_keep(h, text) : NULL};
	testhost_list_add(&h->secrets, p);
}

static int secret_load(struct t3ops_ctx *ctx, const char *user, char *out, size_t size)
{
	const struct testhost *h = testhost_of(ctx);

	for (size_t i = h->secrets.n; i-- > 0;) {
		const struct testhost_pair *p = h->secrets.items[i];

		if (strcmp(p->name, user) != 0)
			continue;
		if (p->value == NULL)
			return -ENOENT;
		if (strlen(p->value) >= size)
			return -EFBIG;
		strcpy(out, p->value);
		return (int)strlen(out);
	}
	return -ENOENT;
}

static int secret_save(struct t3ops_ctx *ctx, const char *user, const char *text)
{
	testhost_secret(testhost_of(ctx), user, text);
	return 0;
}

/* ---- events ---------------------------------------------------------------------------------------------- */

static struct t3ops_event event_whole(struct testhost *h, const struct t3ops_event *e)
{
	struct t3ops_event all = *e;

	all.struct_size = sizeof all;
	all.time_us = e->time_us != 0 ? e->time_us : h->services.wall_us(&h->ctx);
	all.kind = testhost_keep(h, e->kind);
	all.plugin = testhost_keep(h, e->plugin);
	all.user = testhost_keep(h, e->user);
	all.line = testhost_keep(h, e->line);
	all.segments = testhost_keep(h, e->segments);
	all.process = testhost_keep(h, e->process);
	all.json = e->json != NULL ? testhost_keep(h, e->json) : "{}";
	all.level = e->level != 0 ? e->level : T3OPS_NOTICE;
	return all;
}

void testhost_event(struct testhost *h, const struct t3ops_event *e)
{
	struct t3ops_event all = event_whole(h, e);

	if (!h->running || h->plugin->on_event == NULL)
		testhost_die(h, "the test sends an event before testhost_start, or to a plugin without on_event");
	h->plugin->on_event(&h->ctx, &all);
}

void testhost_earlier(struct testhost *h, const struct t3ops_event *e)
{
	struct t3ops_event all = event_whole(h, e);

	if (!h->running || h->plugin->on_earlier == NULL)
		testhost_die(h, "the test sends an event before testhost_start, or to a plugin without on_earlier");
	h->plugin->on_earlier(&h->ctx, &all);
}

void testhost_table_fill(struct t3ops_host *s)
{
	s->user_find = user_find;
	s->provide = provide;
	s->service = service;
	s->share_of = share_of;
	s->secret_load = secret_load;
	s->secret_save = secret_save;
}
