/* SPDX-License-Identifier: MIT */
/* What one monitor keeps of a verdict and the next one reads. */
#include "monitor/verdict_memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "diagnosis/leg_news.h"

#define S(n)   (UINT64_C(1000000) * (n))
#define WALL   S(1800000000)
#define MONO   S(5000)
#define BOOTED S(20) /* the clock after a reboot */

static const char *const segments[] = {"wan", "cloudflare"};
static const struct leg_shape legs[] = {{.name = "cf", .segments = {segments, 2}}};
static const struct path_shape shape = {.legs = legs, .n_legs = 1};

static void on_ended(void *arg, const struct verdict *v)
{
	*(enum verdict_state *)arg = v->state;
}

static struct diagnosis *diagnosis_make(enum verdict_state *ended)
{
	static const struct diagnosis_actions actions = {.ended = on_ended};
	struct diagnosis_setup setup = {.shape = shape, .actions = &actions, .arg = ended};
	struct diagnosis *d;
	const char *which;

	assert_int_equal(diagnosis_new(&setup, &d, &which), 0);
	return d;
}

static struct verdict verdict_make(const char **users)
{
	struct verdict v = {.id = 7,
	                    .incident = 5,
	                    .revision = 2,
	                    .change = VERDICT_NARROWED,
	                    .times = 3,
	                    .by_legs = true,
	                    .failing = 4,
	                    .drop_wall_us = WALL,
	                    .first_us = MONO,
	                    .given_us = MONO + S(2),
	                    .users = {.names = users, .n = 2},
	                    .absent = {.names = users, .n = 1}};

	tomo_path_add(&v.conclusion.suspects, "cloudflare");
	v.was.kind = VERDICT_UNKNOWN;
	return v;
}

static char *text_make(const char *leg)
{
	static const char *users[] = {"alice \"a\"", "b\xc3\xb6"};
	struct recall_leg one = {leg, "", RECALL_OWN};
	struct recall r = {.verdict = verdict_make(users), .legs = &one, .n_legs = 1};
	char *text = verdict_memory_text(&r);

	assert_non_null(text);
	return text;
}

static const struct verdict *recalled(struct diagnosis *d, const char *text, uint64_t mono_us, uint64_t wall_us)
{
	assert_int_equal(verdict_memory_recall(d, text, mono_us, wall_us), 0);
	assert_int_equal(diagnosis_verdicts(d)->n, 1);
	return diagnosis_verdicts(d)->rows[0];
}

static void everything_comes_back(void **state)
{
	enum verdict_state ended = VERDICT_STANDING;
	struct diagnosis *d = diagnosis_make(&ended);
	char *text = text_make("cf"), *again;
	const struct verdict *v = recalled(d, text, MONO + S(60), WALL + S(60));
	struct recall r;

	(void)state;
	assert_int_equal(v->id, 7);
	assert_int_equal(v->incident, 5);
	assert_int_equal(v->state, VERDICT_STANDING);
	assert_int_equal(v->conclusion.kind, VERDICT_FAULT);
	assert_string_equal(v->conclusion.suspects.segments[0], "cloudflare");
	assert_int_equal(v->was.kind, VERDICT_UNKNOWN);
	assert_string_equal(v->users.names[1], "b\xc3\xb6");
	assert_int_equal(v->absent.n, 1);
	assert_int_equal(v->first_us, MONO);
	assert_int_equal(v->given_us, MONO + S(2));
	assert_int_equal(recall_init(&r, v, diagnosis_legs(d)), 0);
	again = verdict_memory_text(&r);
	assert_string_equal(again, text);
	recall_fini(&r);
	free(again);
	free(text);
	diagnosis_free(d);
}

/* What was before this boot is its beginning, and ends a minute later like any other. */
static void after_a_reboot(void **state)
{
	enum verdict_state ended = VERDICT_STANDING;
	struct diagnosis *d = diagnosis_make(&ended);
	char *text = text_make("cf");
	const struct verdict *v = recalled(d, text, BOOTED, WALL + S(86400));
	struct leg_report up = {.kind = LEG_UP, .name = "cf", .user = ""};
	uint64_t next;

	(void)state;
	assert_int_equal(v->first_us, 1);
	assert_int_equal(diagnosis_tick(d, BOOTED, &next), 0);
	assert_int_equal(ended, VERDICT_STANDING);
	assert_int_equal(leg_news_take(d, &up, BOOTED + S(1)), 0);
	assert_int_equal(diagnosis_tick(d, BOOTED + S(1), &next), 0);
	assert_int_equal(diagnosis_tick(d, BOOTED + S(61), &next), 0); /* it had come back before, so it is held */
	assert_int_equal(ended, VERDICT_HEALED);
	free(text);
	diagnosis_free(d);
}

/* Nothing is left that could say when it is over. */
static void a_leg_that_is_gone(void **state)
{
	enum verdict_state ended = VERDICT_STANDING;
	struct diagnosis *d = diagnosis_make(&ended);
	char *text = text_make("another");

	(void)state;
	assert_int_equal(recalled(d, text, MONO + S(60), WALL + S(60))->state, VERDICT_EXPIRED);
	free(text);
	diagnosis_free(d);
}

static void what_is_none(void **state)
{
	static const char *const texts[] = {"",
	                                    "{}",
	                                    "[]",
	                                    "{\"id\":0}",
	                                    "{\"id\":1,\"state\":9}",
	                                    "{\"id\":1,\"conclusion\":{\"kind\":-1}}",
	                                    "{\"id\":1,\"legs\":[{\"part\":9}]}"};
	enum verdict_state ended;
	struct diagnosis *d = diagnosis_make(&ended);

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(verdict_memory_recall(d, texts[i], MONO, WALL), -EINVAL);
	assert_int_equal(diagnosis_verdicts(d)->n, 0);
	diagnosis_free(d);
}

/* Through the file: written when it changed, gone when it is forgotten. */
static void through_the_journal(void **state)
{
	char dir[] = "/tmp/t3ops-memory.XXXXXX", path[64];
	struct ev_loop *loop = ev_loop_new(0);
	enum verdict_state ended = VERDICT_STANDING;
	struct diagnosis *d = diagnosis_make(&ended), *next = diagnosis_make(&ended);
	struct verdict_memory m = {.n = 0};
	struct journal *j;
	char *text = text_make("another");
	uint64_t due;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/j.sqlite", dir);
	j = journal_new(loop, path, 0);
	recalled(d, text, MONO + S(60), WALL + S(60));
	assert_int_equal(verdict_memory_write(&m, j, d), 0);
	assert_int_equal(verdict_memory_read(j, next, MONO + S(61), WALL + S(61)), 0);
	assert_int_equal(diagnosis_verdicts(next)->n, 1);
	assert_int_equal(diagnosis_tick(d, MONO + S(3600), &due), 0);
	assert_int_equal(diagnosis_verdicts(d)->n, 0);
	assert_int_equal(verdict_memory_write(&m, j, d), 0);
	assert_int_equal(m.n, 0);
	diagnosis_free(next);
	next = diagnosis_make(&ended);
	assert_int_equal(verdict_memory_read(j, next, MONO, WALL), 0);
	assert_int_equal(diagnosis_verdicts(next)->n, 0);
	verdict_memory_fini(&m);
	journal_free(j);
	diagnosis_free(d);
	diagnosis_free(next);
	free(text);
	ev_loop_destroy(loop);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_comes_back), cmocka_unit_test(after_a_reboot),
	    cmocka_unit_test(a_leg_that_is_gone),    cmocka_unit_test(what_is_none),
	    cmocka_unit_test(through_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
