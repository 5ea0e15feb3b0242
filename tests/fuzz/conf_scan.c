/* SPDX-License-Identifier: MIT */
/* The scan and the strict parse over any bytes: never a crash, and the text keeps its shape. */
#include <string.h>

#include "conf/conf.h"
#include "fuzz.h"

static const struct t3ops_option rows[] = {
    {"listen", T3OPS_OPT_LIST, "a b", 0, 0, "Help."},   {"text", T3OPS_OPT_STRING, "", 0, 0, "Help."},
    {"keep", T3OPS_OPT_INT, "1", 1, 10, "Help."},       {"brave", T3OPS_OPT_BOOL, "false", 0, 0, "Help."},
    {"pause", T3OPS_OPT_DURATION, "1s", 0, 0, "Help."}, {"module", T3OPS_OPT_STRING, "", 0, 0, "Help."},
    {"url", T3OPS_OPT_URL, "", 0, 0, "Help."},
};

static void report(void *arg, enum config_severity severity, const char *line)
{
	(void)severity;
	(void)arg;
	PROMISE(strchr(line, '\n') == NULL);
}

/* Same length, newlines where they were, and no byte that libconfuse would stop at. */
static void shape_check(const struct conf_scan *s, const char *bytes, size_t size)
{
	PROMISE(s->len == size && strlen(s->text) == size);
	for (size_t i = 0; i < size; i++)
		PROMISE((s->text[i] == '\n') == (bytes[i] == '\n'));
}

static void places_check(const struct conf_scan *s)
{
	PROMISE(s->n_sections >= 1 && s->sections[0].kind == CONF_CORE);
	for (size_t i = 0; i < s->n_sections; i++)
		PROMISE(s->sections[i].begin <= s->sections[i].end && s->sections[i].end <= s->len);
	for (size_t i = 0; i < s->n_options; i++) {
		PROMISE(s->options[i].section < s->n_sections);
		PROMISE(s->options[i].begin < s->options[i].end && s->options[i].end <= s->len);
		PROMISE(s->options[i].line >= 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors c;
	struct conf_scan s;

	if (size > 4096)
		return 0;
	config_errors_init(&c, "f");
	conf_scan(&s, (const char *)data, size, &c);
	shape_check(&s, (const char *)data, size);
	places_check(&s);
	for (size_t i = 0; i < s.n_sections && i < 4; i++) {
		struct option_set values, again;
		json_t *doc;

		conf_read(&s, i, rows, sizeof rows / sizeof rows[0], &values, &c);
		doc = option_set_json(&values);
		PROMISE(option_set_read(&again, doc) && option_set_equal(&values, &again));
		json_decref(doc);
		option_set_fini(&values);
		option_set_fini(&again);
	}
	config_errors_report(&c, report, NULL);
	config_errors_fini(&c);
	conf_scan_fini(&s);
	return 0;
}
