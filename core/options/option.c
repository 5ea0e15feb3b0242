/* SPDX-License-Identifier: MIT */
/*
 * Parsers and checks of option values.  Every refusal is one line that quotes the value and says
 * what was expected.  Owns no state.
 */
#include "options/option.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/utf8.h"
#include "obs/log.h"
#include "options/credential.h"
#include "options/option_text.h"

/* What a type is called, alone and in a list; NULL: there are no such lists. */
static const struct type_name {
	const char *one, *list;
} type_names[] = {
    [T3OPS_OPT_STRING] = {"string", "list"},
    [T3OPS_OPT_INT] = {"integer", NULL},
    [T3OPS_OPT_BOOL] = {"bool", NULL},
    [T3OPS_OPT_DURATION] = {"duration", NULL},
    [T3OPS_OPT_BYTES] = {"bytes", NULL},
    [T3OPS_OPT_TIME] = {"time", NULL},
    [T3OPS_OPT_ADDRESS] = {"address", "list of addresses"},
    [T3OPS_OPT_LISTEN] = {"address with port", "list of addresses with port"},
    [T3OPS_OPT_NETWORK] = {"network", "list of networks"},
    [T3OPS_OPT_INTERFACE] = {"interface", "list of interfaces"},
    [T3OPS_OPT_PATH] = {"path", "list of paths"},
    [T3OPS_OPT_CA_FILE] = {"file of certificates", "list of files of certificates"},
    [T3OPS_OPT_SECRET_FILE] = {"secret file", "list of secret files"},
    [T3OPS_OPT_USER_DIR] = {"directory for each user", NULL},
    [T3OPS_OPT_URL] = {"URL", "list of URLs"},
    [T3OPS_OPT_WS_URL] = {"WebSocket URL", "list of WebSocket URLs"},
    [T3OPS_OPT_URL_PATH] = {"URL path", "list of URL paths"},
    [T3OPS_OPT_ORIGIN] = {"origin", "list of origins"},
    [T3OPS_OPT_HEADER] = {"header name", "list of header names"},
    [T3OPS_OPT_SEGMENT] = {"segment", "list of segments"},
    [T3OPS_OPT_ACCOUNT] = {"account", "list of accounts"},
    [T3OPS_OPT_COMMAND] = {"command", NULL},
    [T3OPS_OPT_JOB] = {"job", NULL},
    [T3OPS_OPT_LOG_LEVEL] = {"word", NULL},
    [T3OPS_OPT_SANDBOX] = {"word", NULL},
    [T3OPS_OPT_ACCESS_LOG] = {"word", NULL},
    [T3OPS_OPT_LIMIT] = {"limit", NULL},
    [T3OPS_OPT_LOG_FORMAT] = {"word", NULL},
    [T3OPS_OPT_KEY_FILE] = {"path or credential", NULL},
};

/* The type of a list's items. */
static uint32_t item_type(uint32_t type)
{
	uint32_t item = type & ~(uint32_t)T3OPS_OPT_LIST;

	return item == 0 ? T3OPS_OPT_STRING : item;
}

const char *option_type_name(uint32_t type)
{
	uint32_t item = type & T3OPS_OPT_LIST ? item_type(type) : type;

	if (item >= sizeof type_names / sizeof type_names[0])
		return NULL;
	return type & T3OPS_OPT_LIST ? type_names[item].list : type_names[item].one;
}

bool option_type_is_public(uint32_t type)
{
	return option_type_name(type) && type != T3OPS_OPT_LOG_LEVEL && type != T3OPS_OPT_SANDBOX &&
	       type != T3OPS_OPT_ACCESS_LOG && type != T3OPS_OPT_LIMIT && type != T3OPS_OPT_LOG_FORMAT &&
	       type != T3OPS_OPT_KEY_FILE;
}

void option_number(const struct t3ops_option *o, int64_t value, char *out, size_t size)
{
	if (o->type == T3OPS_OPT_LIMIT && (value == INT64_MAX || value == 0))
		snprintf(out, size, "%s", value == 0 ? "none" : "all");
	else if (o->type == T3OPS_OPT_DURATION)
		duration_format(value, out, size);
	else if (o->type == T3OPS_OPT_BYTES)
		bytes_format(value, out, size);
	else
		snprintf(out, size, "%" PRId64, value);
}

/* ---- values ----------------------------------------------------------------------------------- */

enum option_kind option_kind(uint32_t type)
{
	if (type & T3OPS_OPT_LIST)
		return OPTION_LIST;
	switch (type) {
	case T3OPS_OPT_LOG_LEVEL:
	case T3OPS_OPT_SANDBOX:
	case T3OPS_OPT_ACCESS_LOG:
	case T3OPS_OPT_LIMIT:
	case T3OPS_OPT_LOG_FORMAT:
	case T3OPS_OPT_INT:
	case T3OPS_OPT_BOOL:
	case T3OPS_OPT_DURATION:
	case T3OPS_OPT_BYTES:
	case T3OPS_OPT_TIME:
		return OPTION_NUMBER;
	default:
		return OPTION_TEXT;
	}
}

/* Options are read at start, and in the child that checks them. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void text_list_add(struct text_list *l, const char *item)
{
	l->items = must(reallocarray(l->items, l->n + 1, sizeof *l->items));
	l->items[l->n++] = must(strdup(item));
}

bool text_list_has(const struct text_list *l, const char *item)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i], item) == 0)
			return true;
	return false;
}

bool text_list_equal(const struct text_list *a, const struct text_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

void option_value_fini(struct option_value *v)
{
	for (size_t i = 0; i < v->list.n; i++)
		free(v->list.items[i]);
	free(v->list.items);
	free(v->text);
	*v = (struct option_value){0};
}

bool option_value_equal(const struct option_value *a, const struct option_value *b)
{
	if (!a || !b)
		return a == b;
	return a->type == b->type && a->number == b->number && text_list_equal(&a->list, &b->list) &&
	       (a->text == b->text || (a->text && b->text && strcmp(a->text, b->text) == 0));
}

/* ---- from text to value -------------------------------------------------------------------- */

static bool refuse(const struct t3ops_option *o, const char *text, const char *expected, char *why, size_t size)
{
	snprintf(why, size, o->type & T3OPS_OPT_LIST ? "%s: \"%.100s\": expected %s" : "%s = \"%.100s\": expected %s",
	         o->name, text, expected);
	return false;
}

static const char *characters_check(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "no control characters";
	return utf8_valid(text) ? NULL : "UTF-8";
}

static const char *key_file_check(const char *text)
{
	return credential_is(text) ? credential_check(text) : text_check(T3OPS_OPT_PATH, text, NULL, 0);
}

/* may_be_empty: the operator may choose none. */
static const char *text_expected(uint32_t type, const char *text, bool may_be_empty, char *buf, size_t size)
{
	const char *expected = characters_check(text);

	if (!expected && *text == '\0')
		return may_be_empty ? NULL : "a value";
	if (expected)
		return expected;
	return type == T3OPS_OPT_KEY_FILE ? key_file_check(text) : text_check(type, text, buf, size);
}

static bool text_parse(const struct t3ops_option *o, const char *text, struct option_value *out, char *why,
                       size_t size)
{
	/* Where nothing is a choice (its default is ""), the operator may write that too. */
	bool may_be_empty = o->fallback && (o->type == T3OPS_OPT_STRING || *o->fallback == '\0');
	char buf[160];
	const char *expected = text_expected(o->type, text, may_be_empty, buf, sizeof buf);

	if (expected)
		return refuse(o, utf8_valid(text) ? text : "...", expected, why, size);
	out->text = must(o->type == T3OPS_OPT_KEY_FILE && credential_is(text) ? credential_path(text) : strdup(text));
	return true;
}

bool option_item_parse(const struct t3ops_option *o, const char *text, struct option_value *list, char *why,
                       size_t why_size)
{
	char buf[160];
	const char *expected = text_expected(item_type(o->type), text, false, buf, sizeof buf);

	if (expected)
		return refuse(o, utf8_valid(text) ? text : "...", expected, why, why_size);
	text_list_add(&list->list, text);
	return true;
}

/* An upper limit of 0 above a lower one means that there is none. */
static bool limits_check(const struct t3ops_option *o, int64_t value, char *why, size_t size)
{
	char low[32], high[32];

	if ((o->min == 0 && o->max == 0) || (value >= o->min && (value <= o->max || o->max < o->min)))
		return true;
	option_number(o, o->min, low, sizeof low);
	option_number(o, o->max, high, sizeof high);
	if (o->max < o->min)
		snprintf(why, size, "at least %s", low);
	else
		snprintf(why, size, "%s to %s", low, high);
	return false;
}

static const char *level_value(const char *text, int64_t *out)
{
	enum log_level level;

	if (!log_level_parse(text, &level))
		return "error, warning, notice, info or debug";
	*out = level;
	return NULL;
}

/* One of the words, whose numbers are their places. */
static bool word_find(const char *text, const char *const *words, size_t n, int64_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = (int64_t)i;
			return true;
		}
	return false;
}

static const char *sandbox_value(const char *text, int64_t *out)
{
	static const char *const words[] = {[SANDBOX_OFF] = "off", [SANDBOX_AUTO] = "auto", [SANDBOX_ON] = "on"};

	return word_find(text, words, sizeof words / sizeof words[0], out) ? NULL : "auto, on or off";
}

static const char *access_log_value(const char *text, int64_t *out)
{
	static const char *const words[] = {
	    [ACCESS_LOG_OFF] = "off", [ACCESS_LOG_LOGFMT] = "logfmt", [ACCESS_LOG_JSON] = "json"};

	return word_find(text, words, sizeof words / sizeof words[0], out) ? NULL : "off, logfmt or json";
}

static const char *log_format_value(const char *text, int64_t *out)
{
	static const char *const words[] = {[LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json"};

	return word_find(text, words, sizeof words / sizeof words[0], out) ? NULL : "logfmt or json";
}

static const char *limit_value(const char *text, int64_t *out)
{
	if (strcmp(text, "all") == 0)
		*out = INT64_MAX;
	else if (strcmp(text, "none") == 0)
		*out = 0;
	else if (!int_parse(text, out) || *out < 1)
		return "all, none or a number";
	return NULL;
}

static const char *number_value(uint32_t type, const char *text, int64_t *out)
{
	int minutes;

	switch (type) {
	case T3OPS_OPT_LOG_LEVEL:
		return level_value(text, out);
	case T3OPS_OPT_SANDBOX:
		return sandbox_value(text, out);
	case T3OPS_OPT_ACCESS_LOG:
		return access_log_value(text, out);
	case T3OPS_OPT_LOG_FORMAT:
		return log_format_value(text, out);
	case T3OPS_OPT_LIMIT:
		return limit_value(text, out);
	case T3OPS_OPT_INT:
		return int_parse(text, out) ? NULL : "a whole number";
	case T3OPS_OPT_DURATION:
		return duration_parse(text, out) ? NULL
		                                 : "a duration with its unit, such as \"500ms\", \"10s\", \"5m\"";
	case T3OPS_OPT_BYTES:
		return bytes_parse(text, out) ? NULL : "a size in bytes, such as \"512\", \"64K\", \"8M\"";
	default:
		if (!time_of_day_parse(text, &minutes))
			return "a time of day, such as \"03:30\"";
		*out = minutes;
		return NULL;
	}
}

static bool bool_parse(const struct t3ops_option *o, const char *text, struct option_value *out, char *why,
                       size_t size)
{
	static const char *const words[][3] = {{"false", "no", "off"}, {"true", "yes", "on"}};

	for (int is = 0; is < 2; is++)
		for (size_t i = 0; i < 3; i++)
			if (strcmp(text, words[is][i]) == 0) {
				out->number = is;
				return true;
			}
	return refuse(o, text, "true or false", why, size);
}

static bool number_option_parse(const struct t3ops_option *o, const char *text, struct option_value *out, char *why,
                                size_t size)
{
	char limits[80];
	const char *expected;

	if (o->type == T3OPS_OPT_TIME && *text == '\0' && o->fallback && *o->fallback == '\0') {
		out->number = -1; /* none, as by default */
		return true;
	}
	expected = number_value(o->type, text, &out->number);
	if (!expected && !limits_check(o, out->number, limits, sizeof limits))
		expected = limits;
	return expected ? refuse(o, text, expected, why, size) : true;
}

bool option_parse(const struct t3ops_option *o, const char *text, struct option_value *out, char *why,
                  size_t why_size)
{
	*out = (struct option_value){.type = o->type};
	switch (option_kind(o->type)) {
	case OPTION_LIST:
		return option_list_parse(o, &text, 1, out, why, why_size);
	case OPTION_TEXT:
		return text_parse(o, text, out, why, why_size);
	default:
		return o->type == T3OPS_OPT_BOOL ? bool_parse(o, text, out, why, why_size)
		                                 : number_option_parse(o, text, out, why, why_size);
	}
}

bool option_list_parse(const struct t3ops_option *o, const char *const *items, size_t n, struct option_value *out,
                       char *why, size_t why_size)
{
	*out = (struct option_value){.type = o->type};
	if (n == 0 && !o->fallback)
		return refuse(o, "", "at least one item", why, why_size);
	for (size_t i = 0; i < n; i++)
		if (!option_item_parse(o, items[i], out, why, why_size)) {
			option_value_fini(out);
			return false;
		}
	return true;
}

/* The default of a list is written with spaces between its items. */
static void fallback_list(const char *text, struct text_list *out)
{
	for (;;) {
		size_t len;
		char *item;

		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len == 0)
			return;
		item = must(strndup(text, len));
		text_list_add(out, item);
		free(item);
		text += len;
	}
}

bool option_fallback(const struct t3ops_option *o, struct option_value *out, char *why, size_t why_size)
{
	*out = (struct option_value){.type = o->type};
	if (!o->fallback) {
		snprintf(why, why_size, "%s is missing: it has no default, expected a %s", o->name,
		         option_type_name(o->type));
		return false;
	}
	if (option_kind(o->type) != OPTION_LIST)
		return option_parse(o, o->fallback, out, why, why_size);
	fallback_list(o->fallback, &out->list);
	return true;
}

const char *option_warning(const struct option_value *v)
{
	const char *warning = v->text ? text_warning(v->type, v->text) : NULL;

	for (size_t i = 0; !warning && i < v->list.n; i++)
		warning = text_warning(item_type(v->type), v->list.items[i]);
	return warning;
}
