/* SPDX-License-Identifier: MIT */
/* Jobs: runs and actions, what they report, the commands and actions that a plugin asks for. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "runs.h"
#include "table.h"

struct command {
	const char *name;
	struct testhost_ran ran;
	unsigned used;
};

struct asked_command {
	struct testhost_due due; /* first */
	const char *text;
	const struct testhost_ran *answer; /* NULL: no such command */
	uint64_t began_us;
	t3ops_ran_cb cb;
	void *arg;
};

struct action {
	const char *job;
	struct t3ops_acted answer;
};

struct asked_action {
	struct testhost_due due; /* first */
	const char *text;
	const struct t3ops_acted *answer;
	t3ops_acted_cb cb;
	void *arg;
};

/* ---- runs ------------------------------------------------------------------------------------------------ */

static void run_begin(struct testhost *h, const char *user, bool requested)
{
	if (!h->running)
		testhost_die(h, "the test runs a job before testhost_start");
	h->facts.n = h->rows.n = h->arguments.n = 0;
	h->requested = requested;
	h->run_for = user != NULL ? testhost_user_get(h, user) : NULL;
	if (user != NULL && h->run_for == NULL)
		testhost_die(h, "the test runs a job for user %s: testhost_user comes first", user);
}

static int run_end(struct testhost *h, int r)
{
	h->run_for = NULL;
	if (r > 0)
		testhost_bug(h, "a run returned %d: expected 0 or a negative errno", r);
	return r;
}

int testhost_run(struct testhost *h, const char *user, bool requested)
{
	run_begin(h, user, requested);
	if (user == NULL || h->plugin->run == NULL)
		testhost_die(h, "a run is for a user, and of a plugin with the callback run");
	return run_end(h, h->plugin->run(&h->ctx, h->run_for));
}

int testhost_act(struct testhost *h, const char *user, const char *action, const char *const *arguments)
{
	run_begin(h, user, true);
	for (const char *const *a = arguments; a != NULL && *a != NULL; a++)
		testhost_list_add(&h->arguments, (void *)(uintptr_t)testhost_keep(h, *a));
	if (user != NULL ? h->plugin->act == NULL : h->plugin->act_whole == NULL)
		testhost_die(h, "the plugin has no %s", user != NULL ? "act" : "act_whole");
	return run_end(h, user != NULL ? h->plugin->act(&h->ctx, h->run_for, action)
	                               : h->plugin->act_whole(&h->ctx, action));
}

/* ---- what they report ------------------------------------------------------------------------------------ */

static const char *fact_find(const struct testhost_list *facts, size_t from, size_t to, const char *key)
{
	for (size_t i = to; i-- > from;) {
		const struct testhost_pair *p = facts->items[i];

		if (strcmp(p->name, key) == 0)
			return p->value;
	}
	return NULL;
}

const char *testhost_reported(const struct testhost *h, const char *key)
{
	return fact_find(&h->facts, 0, h->facts.n, key);
}

/* Each row is the number of facts before its end. */
static size_t row_end(const struct testhost *h, size_t i)
{
	return *(const size_t *)h->rows.items[i];
}

size_t testhost_rows(const struct testhost *h)
{
	return h->rows.n;
}

const char *testhost_row(const struct testhost *h, size_t i, const char *key)
{
	if (i >= h->rows.n)
		return NULL;
	return fact_find(&h->facts, i > 0 ? row_end(h, i - 1) : 0, row_end(h, i), key);
}

static void T3OPS_PRINTF(3, 4) report(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...)
{
	struct testhost *h = testhost_of(ctx);
	struct testhost_pair *p = testhost_alloc(h, sizeof *p);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	*p = (struct testhost_pair){testhost_keep(h, key), testhost_keep(h, text)};
	testhost_list_add(&h->facts, p);
}

static void report_row(struct t3ops_ctx *ctx)
{
	struct testhost *h = testhost_of(ctx);
	size_t *end = testhost_alloc(h, sizeof *end);

	*end = h->facts.n;
	testhost_list_add(&h->rows, end);
}

static int wait_for(struct t3ops_ctx *ctx, const bool *done, uint64_t timeout_us)
{
	struct testhost *h = testhost_of(ctx);

	testhost_run_until(h, h->now_us + timeout_us, done);
	return *done ? 0 : -ETIMEDOUT;
}

static bool run_requested(struct t3ops_ctx *ctx)
{
	return testhost_of(ctx)->requested;
}

static const char *argument(struct t3ops_ctx *ctx, const char *name)
{
	const struct testhost *h = testhost_of(ctx);
	size_t len = strlen(name);

	for (size_t i = 0; i < h->arguments.n; i++) {
		const char *a = h->arguments.items[i];

		if (strncmp(a, name, len) == 0 && (a[len] == '=' || a[len] == '\0'))
			return a[len] == '=' ? a + len + 1 : "";
	}
	return NULL;
}

/* Nothing is at stake in a test: it runs right here. */
static int rehearse(struct t3ops_ctx *ctx, const struct t3ops_rehearsal *r)
{
	struct testhost *h = testhost_of(ctx);

	if (h->plugin->rehearse == NULL || h->run_for == NULL)
		testhost_die(h, "rehearse outside of a run, or without the callback rehearse");
	return h->plugin->rehearse(ctx, h->run_for, r->name);
}

static const char *rehearsed(struct t3ops_ctx *ctx, const char *key)
{
	return testhost_reported(testhost_of(ctx), key);
}

static const char *const *command_argv(struct t3ops_ctx *ctx, const char *command)
{
	struct testhost *h = testhost_of(ctx);
	const char **argv = testhost_alloc(h, 2 * sizeof *argv);

	argv[0] = testhost_keep(h, command);
	return argv;
}

/* ---- commands -------------------------------------------------------------------------------------------- */

void testhost_command(struct testhost *h, const char *name, const struct testhost_ran *ran)
{
	struct command *c = testhost_alloc(h, sizeof *c);

	*c = (struct command){.name = testhost_keep(h, name), .ran = *ran};
	c->ran.out = testhost_keep(h, ran->out);
	testhost_list_add(&h->rans, c);
}

static const struct testhost_ran *command_answer(struct testhost *h, const char *name, const char *user)
{
	if (testhost_user_get(h, user) == NULL)
		return NULL;
	for (size_t i = 0; i < h->rans.n; i++) {
		struct command *c = h->rans.items[i];

		if (strcmp(c->name, name) != 0 || (c->ran.times > 0 && c->used == c->ran.times))
			continue;
		c->used++;
		return &c->ran;
	}
	return NULL;
}

static void on_ran(struct testhost *h, struct testhost_due *d)
{
	struct asked_command *c = (struct asked_command *)d;
	struct t3ops_ran ran = {
	    .struct_size = sizeof ran, .error = -ENOENT, .out = "", .took_us = h->now_us - c->began_us};

	if (c->answer != NULL) {
		ran.error = c->answer->error;
		ran.exit_code = c->answer->exit_code;
		ran.out = c->answer->out;
		ran.out_len = strlen(ran.out);
	}
	c->cb(&h->ctx, &ran, c->arg);
}

static uint64_t command(struct t3ops_ctx *ctx, const char *name, const char *user, t3ops_ran_cb cb, void *arg)
{
	struct testhost *h = testhost_of(ctx);
	struct asked_command *c = testhost_alloc(h, sizeof *c);
	char text[300];

	snprintf(text, sizeof text, "%s %s", name, user);
	*c = (struct asked_command){.due = {.fire = on_ran},
	                            .text = testhost_keep(h, text),
	                            .answer = command_answer(h, name, user),
	                            .began_us = h->now_us,
	                            .cb = cb,
	                            .arg = arg};
	testhost_list_add(&h->commands, c);
	testhost_due_set(h, &c->due, c->answer != NULL ? c->answer->after_ms * 1000 : 0);
	return ++h->last_id;
}

/* Nobody else is there. */
static int commands_hold(struct t3ops_ctx *ctx, uint64_t timeout_us)
{
	(void)ctx, (void)timeout_us;
	return 0;
}

static void commands_release(struct t3ops_ctx *ctx)
{
	(void)ctx;
}

const char *testhost_command_at(const struct testhost *h, size_t i)
{
	return i < h->commands.n ? ((const struct asked_command *)h->commands.items[i])->text : NULL;
}

/* ---- actions of jobs ------------------------------------------------------------------------------------- */

void testhost_action(struct testhost *h, const char *job, int error, const char *text, const char *rows)
{
	struct action *a = testhost_alloc(h, sizeof *a);

	a->job = testhost_keep(h, job);
	a->answer = (struct t3ops_acted){.struct_size = sizeof a->answer,
	                                 .error = error,
	                                 .text = testhost_keep(h, text),
	                                 .rows = testhost_keep(h, rows)};
	testhost_list_add(&h->actions, a);
}

static const struct t3ops_acted *action_answer(const struct testhost *h, const char *job)
{
	for (size_t i = h->actions.n; i-- > 0;) {
		const struct action *a = h->actions.items[i];

		if (strcmp(a->job, job) == 0)
			return a->answer.error != -ENOENT ? &a->answer : NULL;
	}
	return NULL;
}

static void on_acted(struct testhost *h, struct testhost_due *d)
{
	struct asked_action *a = (struct asked_action *)d;

	a->cb(&h->ctx, a->answer, a->arg);
}

static int request_action(struct t3ops_ctx *ctx, const char *job, const char *action, const char *user,
                          const char *const *arguments, t3ops_acted_cb cb, void *arg)
{
	struct testhost *h = testhost_of(ctx);
	const struct t3ops_acted *answer = action_answer(h, job);
	struct asked_action *a = testhost_alloc(h, sizeof *a);
	char text[300];

	(void)arguments;
	if (answer == NULL)
		return -ENOENT;
	snprintf(text, sizeof text, "%s %s %s", job, action, user);
	*a = (struct asked_action){
	    .due = {.fire = on_acted}, .text = testhost_keep(h, text), .answer = answer, .cb = cb, .arg = arg};
	testhost_list_add(&h->asked_actions, a);
	if (cb != NULL)
		testhost_due_set(h, &a->due, 0);
	return 0;
}

const char *testhost_action_at(const struct testhost *h, size_t i)
{
	return i < h->asked_actions.n ? ((const struct asked_action *)h->asked_actions.items[i])->text : NULL;
}

void testhost_runs_fill(struct t3ops_host *s)
{
	s->report = report;
	s->report_row = report_row;
	s->wait = wait_for;
	s->run_requested = run_requested;
	s->argument = argument;
	s->rehearse = rehearse;
	s->rehearsed = rehearsed;
	s->command_argv = command_argv;
	s->command = command;
	s->commands_hold = commands_hold;
	s->commands_release = commands_release;
	s->request_action = request_action;
}

static size_t due_release(struct testhost *h, const struct testhost_list *l)
{
	size_t left = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct testhost_due *d = l->items[i];

		left += d->set;
		testhost_due_stop(h, d);
	}
	return left;
}

size_t testhost_runs_release(struct testhost *h)
{
	return due_release(h, &h->commands) + due_release(h, &h->asked_actions);
}
