/* SPDX-License-Identifier: MIT */
/*
 * Typed option values: how the text of an option becomes a checked value.  The one place that
 * knows "10s", "64K", "03:30" and addresses; used for core and plugin options alike.
 * Pure functions (secret_file and path look at the file system), any process.
 */
#ifndef T3OPS_OPTIONS_OPTION_H
#define T3OPS_OPTIONS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options/parse.h"
#include "plugin.h"

/* The core's own types; no plugin may use them.  Words of which one is to be chosen; LIMIT: or a number; "all" is
 * INT64_MAX, "none" 0.  KEY_FILE: a path, or a credential (credential.h), whose value is its path. */
enum core_option_type {
	T3OPS_OPT_LOG_LEVEL = 0x80,
	T3OPS_OPT_SANDBOX,
	T3OPS_OPT_ACCESS_LOG,
	T3OPS_OPT_LIMIT,
	T3OPS_OPT_LOG_FORMAT,
	T3OPS_OPT_KEY_FILE
};
enum sandbox_mode { SANDBOX_OFF, SANDBOX_AUTO, SANDBOX_ON };
enum access_log { ACCESS_LOG_OFF, ACCESS_LOG_LOGFMT, ACCESS_LOG_JSON };

struct text_list {
	char **items;
	size_t n;
};
void text_list_add(struct text_list *l, const char *item); /* copies it */
bool text_list_has(const struct text_list *l, const char *item);
bool text_list_equal(const struct text_list *a, const struct text_list *b);

/* A checked value.  What it holds depends on the kind of its type. */
struct option_value {
	uint32_t type; /* enum t3ops_option_type */
	char *text;    /* OPTION_TEXT; "" if the operator chose none */
	struct text_list list;
	int64_t number; /* int; bool, 0 or 1; duration in us; bytes; time in minutes; enum of a word */
};
enum option_kind { OPTION_TEXT, OPTION_LIST, OPTION_NUMBER };
enum option_kind option_kind(uint32_t type);
void option_value_fini(struct option_value *v);
/* NULL equals NULL only. */
bool option_value_equal(const struct option_value *a, const struct option_value *b);

/* text: as in the file.  False: *why is one line, without file and line, and *out holds nothing. */
bool option_parse(const struct t3ops_option *o, const char *text, struct option_value *out, char *why,
                  size_t why_size);
bool option_list_parse(const struct t3ops_option *o, const char *const *items, size_t n, struct option_value *out,
                       char *why, size_t why_size);
/* Adds one item to a list value; false with *why. */
bool option_item_parse(const struct t3ops_option *o, const char *text, struct option_value *list, char *why,
                       size_t why_size);
/* The default of the row; false with *why if it is required. */
bool option_fallback(const struct t3ops_option *o, struct option_value *out, char *why, size_t why_size);

/* What looks odd about a value that is well-formed, such as an interface that is not there; NULL: nothing does.
 * Static text that follows the value: "no such network device". */
const char *option_warning(const struct option_value *v);

/* "duration", "list of networks", ... for messages and manuals; NULL for a type that this version lacks. */
const char *option_type_name(uint32_t type);
/* Whether plugins may use it. */
bool option_type_is_public(uint32_t type);
/* A number of that option (a limit) as an operator would write it: "10s", "64K", "7". */
void option_number(const struct t3ops_option *o, int64_t value, char *out, size_t size);

#endif
