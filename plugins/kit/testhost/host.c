/* SPDX-License-Identifier: MIT */
/* Memory of the played host, and what it says of bugs; see host.h. */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
