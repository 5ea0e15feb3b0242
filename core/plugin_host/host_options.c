/* SPDX-License-Identifier: MIT */
/* Options of a section, typed and checked long before; see host_options.h. */
#include "plugin_host/host_options.h"

#include <stdlib.h>

#include "obs/log.h"
#include "plugin_host/instance.h"

/* A plugin that reads what its table does not declare, or as another type, is broken: the process ends. */
static const struct option_value *option(struct t3ops_ctx *ctx, const char *name, enum option_kind kind)
{
	const struct option_value *value = option_set_get(&ctx->instance->section->values, name);

	if (value && option_kind(value->type) == kind)
		return value;
	log_write(
	    LOG_L_ERROR, "plugin_bug", kv_plugin(ctx->name), kv_option(name),
	    kv_error(value ? "read as another type than declared" : "read but not declared in the option table"));
	abort();
}

static const char *opt_string(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_TEXT)->text;
}

static size_t opt_count(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_LIST)->list.n;
}

static const char *opt_item(struct t3ops_ctx *ctx, const char *name, size_t i)
{
	const struct text_list *list = &option(ctx, name, OPTION_LIST)->list;

	return i < list->n ? list->items[i] : NULL;
}

static int64_t opt_int(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_NUMBER)->number;
}

static bool opt_bool(struct t3ops_ctx *ctx, const char *name)
{
	return option(ctx, name, OPTION_NUMBER)->number != 0;
}

void host_options_fill(struct t3ops_host *services)
{
	services->opt_string = opt_string;
	services->opt_count = opt_count;
	services->opt_item = opt_item;
	services->opt_int = opt_int;
	services->opt_bool = opt_bool;
}
