/* SPDX-License-Identifier: MIT */
/* Values of the plugin's options, from its table and what the test says. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "options/parse.h"

enum kind { KIND_TEXT, KIND_LIST, KIND_NUMBER, KIND_BOOL };

struct value {
	const struct t3ops_option *row;
	enum kind kind;
	const char *text;
	struct testhost_list items;
	int64_t number;
};

static enum kind kind_of(uint32_t type)
{
	if (type & T3OPS_OPT_LIST)
		return KIND_LIST;
	switch (type) {
	case T3OPS_OPT_BOOL:
		return KIND_BOOL;
	case T3OPS_OPT_INT:
	case T3OPS_OPT_DURATION:
	case T3OPS_OPT_BYTES:
	case T3OPS_OPT_TIME:
		return KIND_NUMBER;
	default:
		return KIND_TEXT;
	}
}

static bool number_read(const struct t3ops_option *row, const char *text, int64_t *out)
{
	int minutes = -1;
	bool ok;

	switch (row->type) {
	case T3OPS_OPT_DURATION:
		ok = duration_parse(text, out);
		break;
	case T3OPS_OPT_BYTES:
		ok = bytes_parse(text, out);
		break;
	case T3OPS_OPT_TIME:
		ok = *text == '\0' || time_of_day_parse(text, &minutes);
		*out = minutes;
		break;
	default:
		ok = int_parse(text, out);
	}
	return ok &&
	       ((row->min == 0 && row->max == 0) || (*out >= row->min && (*out <= row->max || row->max < row->min)));
}

static bool bool_read(const char *text, int64_t *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i % 2;
			return true;
		}
	return false;
}

static void items_read(struct testhost *h, struct value *v, const char *text)
{
	for (size_t len; text += strspn(text, " "), (len = strcspn(text, " ")) > 0; text += len)
		testhost_list_add(&v->items, (void *)(uintptr_t)testhost_keep_bytes(h, text, len));
}

static void value_read(struct testhost *h, struct value *v, const char *text)
{
	bool ok = true;

	v->text = testhost_keep(h, text);
	if (v->kind == KIND_NUMBER)
		ok = number_read(v->row, text, &v->number);
	else if (v->kind == KIND_LIST)
		items_read(h, v, text);
	else if (v->kind == KIND_BOOL)
		ok = bool_read(text, &v->number);
	if (!ok)
		testhost_die(h, "option %s = \"%s\": not of its type, or beyond its limits", v->row->name, text);
}

/* What the test says of it; NULL: nothing. */
static const char *given(const char *const *options, const char *name)
{
	size_t len = strlen(name);

	for (; options != NULL && *options != NULL; options++)
		if (strncmp(*options, name, len) == 0 && (*options)[len] == '=')
			return *options + len + 1;
	return NULL;
}

static void unknown_refuse(const struct testhost *h, const char *option)
{
	size_t len = strcspn(option, "=");

	for (uint32_t i = 0; i < h->plugin->n_options; i++)
		if (strlen(h->plugin->options[i].name) == len &&
		    strncmp(h->plugin->options[i].name, option, len) == 0 && option[len] == '=')
			return;
	testhost_die(h, "its table has no option \"%s\": expected NAME=VALUE", option);
}

void testhost_options_read(struct testhost *h, const char *const *options)
{
	for (const char *const *o = options; o != NULL && *o != NULL; o++)
		unknown_refuse(h, *o);
	for (uint32_t i = 0; i < h->plugin->n_options; i++) {
		const struct t3ops_option *row = &h->plugin->options[i];
		struct value *v = testhost_alloc(h, sizeof *v);
		const char *text = given(options, row->name);

		v->row = row;
		v->kind = kind_of(row->type);
		if (text == NULL)
			text = row->fallback;
		if (text == NULL)
			testhost_die(h, "option %s has no default: give it one, \"%s=VALUE\"", row->name, row->name);
		value_read(h, v, text);
		testhost_list_add(&h->options, v);
	}
}

/* ---- services -------------------------------------------------------------------------------------------- */

static const struct value *value_get(struct t3ops_ctx *ctx, const char *name, enum kind kind)
{
	const struct testhost *h = testhost_of(ctx);

	for (size_t i = 0; i < h->options.n; i++) {
		const struct value *v = h->options.items[i];

		if (strcmp(v->row->name, name) != 0)
			continue;
		if (v->kind == kind || (kind == KIND_NUMBER && v->kind == KIND_BOOL))
			return v;
		testhost_die(h, "reads option %s as another type than it declares", name);
	}
	testhost_die(h, "reads option %s, which its table does not have", name);
}

static const char *opt_string(struct t3ops_ctx *ctx, const char *name)
{
	return value_get(ctx, name, KIND_TEXT)->text;
}

static size_t opt_count(struct t3ops_ctx *ctx, const char *name)
{
	return value_get(ctx, name, KIND_LIST)->items.n;
}

static const char *opt_item(struct t3ops_ctx *ctx, const char *name, size_t i)
{
	const struct value *v = value_get(ctx, name, KIND_LIST);

	return i < v->items.n ? v->items.items[i] : NULL;
}

static int64_t opt_int(struct t3ops_ctx *ctx, const char *name)
{
	return value_get(ctx, name, KIND_NUMBER)->number;
}

static bool opt_bool(struct t3ops_ctx *ctx, const char *name)
{
	return value_get(ctx, name, KIND_NUMBER)->number != 0;
}

void testhost_options_fill(struct t3ops_host *s)
{
	s->opt_string = opt_string;
	s->opt_count = opt_count;
	s->opt_item = opt_item;
	s->opt_int = opt_int;
	s->opt_bool = opt_bool;
}

void testhost_options_fini(struct testhost *h)
{
	for (size_t i = 0; i < h->options.n; i++)
		testhost_list_fini(&((struct value *)h->options.items[i])->items);
}
