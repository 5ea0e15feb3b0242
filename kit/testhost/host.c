/* SPDX-License-Identifier: MIT */
/* The life of the plugin, and the memory of the played host; see testhost.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host.h"

#define BEGIN_US UINT64_C(1000000000)

/* ---- memory ---------------------------------------------------------------------------------------------- */

static void *must(void *p)
{
	if (p == NULL)
		abort(); /* of a test */
	return p;
}

void *testhost_alloc(struct testhost *h, size_t size)
{
	struct testhost_memory *m = must(calloc(1, sizeof *m + size));

	SLIST_INSERT_HEAD(&h->memory, m, link);
	return m->bytes;
}

const char *testhost_keep_bytes(struct testhost *h, const void *bytes, size_t n)
{
	char *copy = testhost_alloc(h, n + 1);

	if (n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

const char *testhost_keep(struct testhost *h, const char *text)
{
	return text != NULL ? testhost_keep_bytes(h, text, strlen(text)) : "";
}

const char *const *testhost_keep_list(struct testhost *h, const char *const *list)
{
	const char **copy;
	size_t n = 0;

	if (list == NULL)
		return NULL;
	while (list[n] != NULL)
		n++;
	copy = testhost_alloc(h, (n + 1) * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = testhost_keep(h, list[i]);
	return copy;
}

void testhost_list_add(struct testhost_list *l, void *item)
{
	l->items = must(realloc(l->items, (l->n + 1) * sizeof *l->items));
	l->items[l->n++] = item;
}

void testhost_list_fini(struct testhost_list *l)
{
	free(l->items);
	*l = (struct testhost_list){.n = 0};
}

struct testhost *testhost_of(const struct t3ops_ctx *ctx)
{
	return ctx->instance->host;
}

struct t3ops_ctx *testhost_ctx(struct testhost *h)
{
	return &h->ctx;
}

const char *testhost_header_find(const char *const *headers, const char *name, size_t nth)
{
	size_t len = strlen(name);

	for (; headers != NULL && *headers != NULL; headers++)
		if (strncasecmp(*headers, name, len) == 0 && (*headers)[len] == ':' && nth-- == 0)
			return *headers + len + 1 + strspn(*headers + len + 1, " \t");
	return NULL;
}

/* ---- what is wrong --------------------------------------------------------------------------------------- */

void testhost_bug(struct testhost *h, const char *fmt, ...)
{
	size_t before = h->bugs != NULL ? strlen(h->bugs) : 0;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	h->bugs = must(realloc(h->bugs, before + strlen(text) + 2));
	sprintf(h->bugs + before, "%s\n", text);
}

void testhost_die(const struct testhost *h, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "testhost: %s: ", h->plugin->name != NULL ? h->plugin->name : "?");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

const char *testhost_bugs(const struct testhost *h)
{
	return h->bugs != NULL ? h->bugs : "";
}

/* ---- life ------------------------------------------------------------------------------------------------ */

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
	struct testhost *h = must(calloc(1, sizeof *h));

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
