/* SPDX-License-Identifier: MIT */
/*
 * Every option is text for libconfuse (our own types say what it means), and every section is
 * parsed alone with the rest of the file blanked: an error in one hides none in another, and
 * line numbers stay those of the file.
 */
#include "conf/conf.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/core_options.h"
#include "options/suggest.h"
#include "options/option.h"

#define LABEL_SIZE 96
/* libconfuse hands its error function nothing of ours: an option with this name, which no file
 * can spell, has the address of the reading as its value. */
#define READING "\x01"

struct reading {
	const struct conf_scan *s;
	size_t section;
	const struct t3ops_option *rows;
	size_t n;
	struct config_errors *c;
	char label[LABEL_SIZE];
	bool failed;
};

const char *conf_label(const struct conf_scan *s, size_t section, char *out, size_t size)
{
	const struct conf_section *sec = &s->sections[section];

	if (sec->kind == CONF_CORE)
		*out = '\0';
	else if (sec->kind == CONF_LEG_DEFAULTS)
		snprintf(out, size, "%s: ", sec->title);
	else
		snprintf(out, size, "%s %.60s: ", conf_kind_word(sec->kind), sec->title);
	return out;
}

static const struct conf_option *option_find(const struct conf_scan *s, size_t section, const char *name)
{
	for (size_t i = 0; i < s->n_options; i++)
		if (s->options[i].section == section && strcmp(s->options[i].name, name) == 0)
			return &s->options[i];
	return NULL;
}

bool conf_has(const struct conf_scan *s, size_t section, const char *option)
{
	return option_find(s, section, option) != NULL;
}

unsigned conf_line(const struct conf_scan *s, size_t section, const char *option)
{
	const struct conf_option *o = option_find(s, section, option);

	return o ? o->line : s->sections[section].line;
}

static const struct t3ops_option *row_find(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->rows[i].name, name) == 0)
			return &r->rows[i];
	return NULL;
}

static bool is_core_option(const char *name)
{
	for (size_t i = 0; i < n_core_options; i++)
		if (strcmp(core_options[i].option.name, name) == 0)
			return true;
	return false;
}

static void unknown_report(struct reading *r, const struct conf_option *o)
{
	char hint[80];
	struct suggest near;

	suggest_init(&near, o->name);
	for (size_t i = 0; i < r->n; i++)
		suggest_consider(&near, r->rows[i].name);
	suggest_hint(&near, hint, sizeof hint);
	config_errors_add(r->c, o->line, "%sunknown option \"%.60s\"%s", r->label, o->name,
	                  r->section > 0 && is_core_option(o->name) ? "; it belongs outside sections" : hint);
}

/* Reports options without a row and duplicates, and takes them out of the text. */
static void names_check(struct reading *r, char *text)
{
	for (size_t i = 0; i < r->s->n_options; i++) {
		const struct conf_option *o = &r->s->options[i], *first;
		const struct t3ops_option *row;

		if (o->section != r->section)
			continue;
		first = option_find(r->s, r->section, o->name);
		if (first != o)
			config_errors_add(r->c, o->line, "%s%s is given twice, first on line %u", r->label, o->name,
			                  first->line);
		else if (!(row = row_find(r, o->name)) && o->bad)
			; /* its form is wrong, and perhaps it is no option at all */
		else if (!row)
			unknown_report(r, o);
		else if (!o->bad && o->is_list && option_kind(row->type) != OPTION_LIST)
			config_errors_add(r->c, o->line, "%s%s: expected one value, not a list", r->label, o->name);
		else
			continue;
		conf_blank(text, o->begin, o->end);
	}
}

/* The file with everything but one section (or the top level) blanked. */
static char *section_text(const struct conf_scan *s, size_t section)
{
	char *text = malloc(s->len + 1);

	if (!text)
		abort();
	memcpy(text, s->text, s->len + 1);
	if (section == 0) {
		for (size_t i = 1; i < s->n_sections; i++)
			conf_blank(text, s->sections[i].begin, s->sections[i].end);
	} else {
		conf_blank(text, 0, s->sections[section].begin);
		conf_blank(text, s->sections[section].end, s->len);
	}
	return text;
}

/* What the scan lets pass and libconfuse does not. */
__attribute__((format(printf, 2, 0))) static void on_confuse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct reading *r = (struct reading *)cfg_getint(cfg, READING);
	char text[256];

	r->failed = true;
	if (r->s->sections[r->section].broken)
		return; /* reported already */
	vsnprintf(text, sizeof text, fmt, ap);
	config_errors_add(r->c, (unsigned)cfg->line, "%s%s", r->label, text);
}

static cfg_opt_t *confuse_table(const struct reading *r)
{
	cfg_opt_t *table = calloc(r->n + 2, sizeof *table);

	if (!table)
		abort();
	for (size_t i = 0; i < r->n; i++)
		if (option_kind(r->rows[i].type) == OPTION_LIST)
			table[i] = (cfg_opt_t)CFG_STR_LIST(r->rows[i].name, NULL, CFGF_NODEFAULT);
		else
			table[i] = (cfg_opt_t)CFG_STR(r->rows[i].name, NULL, CFGF_NODEFAULT);
	table[r->n] = (cfg_opt_t)CFG_INT(READING, (long)r, CFGF_NONE);
	table[r->n + 1] = (cfg_opt_t)CFG_END();
	return table;
}

/* The list as written; every item that is wrong is reported. */
static bool list_read(struct reading *r, const struct t3ops_option *row, unsigned line, cfg_t *cfg,
                      struct option_value *out)
{
	unsigned n = cfg_size(cfg, row->name);
	bool ok = n > 0 || row->fallback;
	char why[320];

	*out = (struct option_value){.type = row->type};
	if (!ok)
		config_errors_add(r->c, line, "%s%s: expected at least one item", r->label, row->name);
	for (unsigned i = 0; i < n; i++)
		if (!option_item_parse(row, cfg_getnstr(cfg, row->name, i), out, why, sizeof why)) {
			config_errors_add(r->c, line, "%s%s", r->label, why);
			ok = false;
		}
	if (!ok)
		option_value_fini(out);
	return ok;
}

/* The value as written. */
static bool value_read(struct reading *r, const struct t3ops_option *row, unsigned line, cfg_t *cfg,
                       struct option_value *out)
{
	const char *text;
	char why[320];

	if (option_kind(row->type) == OPTION_LIST)
		return list_read(r, row, line, cfg, out);
	text = cfg_size(cfg, row->name) ? cfg_getstr(cfg, row->name) : NULL;
	if (option_parse(row, text ? text : "", out, why, sizeof why))
		return true;
	config_errors_add(r->c, line, "%s%s", r->label, why);
	return false;
}

static bool fallback_read(struct reading *r, const struct t3ops_option *row, struct option_value *out)
{
	const struct conf_section *sec = &r->s->sections[r->section];
	char why[320];

	if (option_fallback(row, out, why, sizeof why))
		return true;
	if (!sec->broken) /* else it may stand in what is missing */
		config_errors_add(r->c, sec->line, "%s%s", r->label, why);
	return false;
}

/* A value may be what it should be, and odd all the same. */
static void warning_report(struct reading *r, const char *name, unsigned line, const struct option_value *v)
{
	const char *warning = option_warning(v);

	if (warning)
		config_warnings_add(r->c, line, "%s%s = \"%.100s\": %s", r->label, name,
		                    v->text ? v->text : v->list.items[0], warning);
}

static void values_read(struct reading *r, cfg_t *cfg, struct option_set *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct t3ops_option *row = &r->rows[i];
		const struct conf_option *given = option_find(r->s, r->section, row->name);
		struct option_value value;

		if (given && (given->bad || (given->is_list && option_kind(row->type) != OPTION_LIST)))
			continue; /* reported */
		if (given && r->failed && (!cfg || cfg_size(cfg, row->name) == 0))
			continue; /* libconfuse stopped before it */
		if (given && cfg ? !value_read(r, row, given->line, cfg, &value) : !fallback_read(r, row, &value))
			continue;
		if (given)
			warning_report(r, row->name, given->line, &value);
		option_set_put(out, row->name, value);
	}
}

void conf_read(const struct conf_scan *s, size_t section, const struct t3ops_option *rows, size_t n,
               struct option_set *out, struct config_errors *c)
{
	struct reading r = {s, section, rows, n, c, "", false};
	cfg_opt_t *table = confuse_table(&r);
	const char *keyword = conf_kind_word(s->sections[section].kind);
	cfg_flag_t title = s->sections[section].kind == CONF_LEG_DEFAULTS ? CFGF_NONE : CFGF_TITLE;
	cfg_opt_t around[] = {CFG_SEC(keyword ? keyword : "", table, title | CFGF_MULTI),
	                      CFG_INT(READING, (long)&r, CFGF_NONE), CFG_END()};
	char *text = section_text(s, section);
	cfg_t *cfg = cfg_init(keyword ? around : table, CFGF_NONE), *inner = cfg;

	if (!cfg)
		abort();
	conf_label(s, section, r.label, sizeof r.label);
	names_check(&r, text);
	cfg_set_error_function(cfg, on_confuse_error);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		r.failed = true;
	if (keyword)
		inner = cfg_size(cfg, keyword) ? cfg_getnsec(cfg, keyword, 0) : NULL;
	*out = (struct option_set){0};
	values_read(&r, inner, out);
	cfg_free(cfg);
	free(text);
	free(table);
}
