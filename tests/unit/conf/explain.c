/* SPDX-License-Identifier: MIT */
/* t3ops --explain: every name that an operator can type finds its row, a wrong one a hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options/core_options.h"
#include "conf/explain.h"
#include "../plugin_dir.h"

static int setup(void **state)
{
	struct plugin_dir *f = calloc(1, sizeof *f);

	plugin_dir_init(f);
	plugin_dir_add(f, "sample_leg", "sample_leg");
	plugin_dir_add(f, "sample_job", "sample_job");
	plugin_dir_add(f, "wrong_major", "wrong_major");
	plugin_dir_add(f, "crash_on_load", "crash_on_load");
	plugin_dir_add(f, "sample_hang", "sample_hang");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	plugin_dir_fini(*state);
	free(*state);
	return 0;
}

/* What it prints; to be freed. */
static char *explained(const struct plugin_dir *f, const char *what, int *code)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	*code = explain_print(out, f->path, what);
	fclose(out);
	return text;
}

static void test_topics(void **state)
{
	static const struct {
		const char *what, *part; /* NULL: an error */
	} cases[] = {
	    {"listen", "listen: list of addresses with port, default {\"127.0.0.1:3780\"}\n    Addresses that the "
	               "proxy listens on"},
	    {"max_connections", "default 20000, 16 to 1000000"},
	    {"plugin_budget", "default \"50ms\", at least 1ms"},
	    {"command", "argv: list, required"},
	    {"command.timeout", "timeout: duration, default \"10s\", 100ms to 1h"},
	    {"leg.heartbeat", "heartbeat: duration"},
	    {"job", "deadline: duration"},
	    {"section.module", "module: string"},
	    {"sample_leg", "sample_leg: leg, version 1.0\n    A leg for tests."},
	    {"sample_leg.segments", "default {\"wan\", \"cloudflare\"}"}, /* the plugin's own default */
	    {"sample_leg.edge", "default \"cloudflare\""},
	    {"sample_leg.url", "url: WebSocket URL"},
	    {"sample_leg.module", "module: string"},
	    {"sample_job.at", "at: time"},
	    {"sample_job.heartbeat", NULL},
	    {"sample_leg.urk", NULL},
	    {"nothing", NULL},
	    {"wrong_major", NULL},
	    {"../x", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int code;
		char *text = explained(*state, cases[i].what, &code);

		if ((code == 0) != (cases[i].part != NULL) || (cases[i].part && !strcasestr(text, cases[i].part)))
			fail_msg("%s: %d\n%s", cases[i].what, code, text);
		if (!cases[i].part)
			assert_string_equal(text, "");
		free(text);
	}
}

/* Without a name: all of the core, and every plugin of the directory, refused ones with the reason. */
static void test_everything(void **state)
{
	int code;
	char *text = explained(*state, NULL, &code);

	assert_int_equal(code, 0);
	for (size_t i = 0; i < n_core_options; i++) {
		char row[80];

		snprintf(row, sizeof row, "%s: ", core_options[i].option.name);
		if (!strstr(text, row))
			fail_msg("no %s", row);
	}
	assert_non_null(strstr(text, "sample_job: job, version 1.2\n    A job for tests.\n"));
	assert_non_null(strstr(text, "wrong_major: refused: "));
	assert_non_null(strstr(text, "crash_on_load: refused: loading it ended with signal 6 (Aborted)"));
	assert_non_null(strstr(text, "sample_hang: refused: loading it took longer than 3 s"));
	free(text);
}

/* The core's own rows obey what plugins must obey. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_core_options; i++) {
		const struct t3ops_option *o = &core_options[i].option;
		size_t len = strlen(o->help);

		assert_true(core_options[i].readers != 0);
		if (len == 0 || o->help[len - 1] != '.')
			fail_msg("%s: the help is no sentence", o->name);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(core_options[k].option.name, o->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_topics),
	    cmocka_unit_test(test_everything),
	    cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
