/* SPDX-License-Identifier: MIT */
/* The check in a child: a plugin that does not return is ended in time and named, and the loop goes on meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/resolve_child.h"
#include "../plugin_dir.h"

struct lab {
	struct plugin_dir dir;
	char errors[2000];
	struct resolved_config *config;
	int done, ticks, forked;
};

static void on_report(void *arg, enum config_severity severity, const char *line)
{
	struct lab *lab = arg;

	if (severity != CONFIG_ERROR)
		return;
	assert_int_equal(lab->done, 0);
	snprintf(lab->errors + strlen(lab->errors), sizeof lab->errors - strlen(lab->errors), "%s\n", line);
}

static void on_done(void *arg, struct resolved_config *c)
{
	struct lab *lab = arg;

	lab->done++;
	lab->config = c;
}

/* Only the child sees what it does. */
static void on_fork(void *arg)
{
	struct lab *lab = arg;

	lab->forked++;
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct lab *lab = w->data;

	(void)revents;
	lab->ticks++;
	if (lab->done)
		ev_break(loop, EVBREAK_ALL);
}

static void check(struct lab *lab, const char *sections, uint64_t timeout_us)
{
	char bytes[400], path[] = "f";
	struct conf_text text = {.path = path, .bytes = bytes};
	struct resolve_child_start start = {.text = &text,
	                                    .timeout_us = timeout_us,
	                                    .on_fork = on_fork,
	                                    .on_report = on_report,
	                                    .on_done = on_done,
	                                    .arg = lab};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct ev_timer tick;

	text.len = (size_t)snprintf(bytes, sizeof bytes, "user = \"nobody\" plugin_dir = \"%s\"\n%s", lab->dir.path,
	                            sections);
	assert_non_null(resolve_child_start(loop, &start));
	assert_int_equal(lab->done, 0);
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	tick.data = lab;
	ev_timer_start(loop, &tick);
	ev_run(loop, 0);
	ev_timer_stop(loop, &tick);
	ev_loop_destroy(loop);
	assert_int_equal(lab->done, 1);
	assert_int_equal(lab->forked, 0);
}

static void test_a_plugin_that_hangs(void **state)
{
	struct lab lab = {0};

	(void)state;
	plugin_dir_init(&lab.dir);
	plugin_dir_add(&lab.dir, "sample_hang", "sample_hang");
	check(&lab, "plugin \"sample_hang\" {}\n", 300000);
	assert_null(lab.config);
	assert_non_null(strstr(lab.errors, "f:2: plugin sample_hang: loading "));
	assert_non_null(strstr(lab.errors, "/sample_hang.so took longer than 0.3 s and was killed\n"));
	assert_true(lab.ticks > 1);
	plugin_dir_fini(&lab.dir);
}

static void test_a_plugin_that_loads(void **state)
{
	struct lab lab = {0};

	(void)state;
	plugin_dir_init(&lab.dir);
	plugin_dir_add(&lab.dir, "sample_leg", "sample_leg");
	check(&lab, "plugin \"sample_leg\" {}\n", 30000000);
	assert_string_equal(lab.errors, "");
	assert_non_null(lab.config);
	assert_int_equal(lab.config->n_plugins, 1);
	resolved_config_free(lab.config);
	plugin_dir_fini(&lab.dir);
}

static void test_cancel(void **state)
{
	struct lab lab = {0};
	char bytes[] = "", path[] = "f";
	struct conf_text text = {.path = path, .bytes = bytes};
	struct resolve_child_start start = {
	    .text = &text, .timeout_us = 30000000, .on_report = on_report, .on_done = on_done, .arg = &lab};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	(void)state;
	resolve_child_cancel(resolve_child_start(loop, &start));
	resolve_child_cancel(NULL);
	ev_run(loop, 0);
	ev_loop_destroy(loop);
	assert_int_equal(lab.done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_plugin_that_hangs),
	    cmocka_unit_test(test_a_plugin_that_loads),
	    cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
