/* SPDX-License-Identifier: MIT */
/* What is known of browsers outlives the monitor; of whom nothing is known, a cut alone says nothing. */
#include "monitor/browser_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "diagnosis/user_news.h"
#include "plugin.h"
#include "tbl/reason.h"

#define S(n) (UINT64_C(1000000) * (n))
#define MONO S(5000)

struct fixture {
	struct ev_loop *loop;
	struct journal *journal;
	char dir[32], path[64];
	unsigned drops;
};

static void on_probe(void *arg, uint64_t incident, uint64_t since_us, const char *user)
{
	(void)arg, (void)incident, (void)since_us, (void)user;
}

static void on_dropped(void *arg, const struct drop *drop, bool late)
{
	struct fixture *f = arg;

	(void)drop, (void)late;
	f->drops++;
}

static void on_browser(void *arg, const struct browser *b)
{
	struct fixture *f = arg;

	browser_memory_write(f->journal, b);
}

static struct diagnosis *diagnosis_make(struct fixture *f)
{
	static const struct diagnosis_actions actions = {
	    .probe = on_probe, .dropped = on_dropped, .browser = on_browser};
	struct diagnosis_setup setup = {.page_heartbeat_us = S(5), .actions = &actions, .arg = f};
	struct diagnosis *d;
	const char *which;

	assert_int_equal(diagnosis_new(&setup, &d, &which), 0);
	return d;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/t3ops-browsers.XXXXXX");
	f->loop = ev_loop_new(0);
	if (!mkdtemp(f->dir) || !f->loop)
		return -1;
	snprintf(f->path, sizeof f->path, "%s/j.sqlite", f->dir);
	f->journal = journal_new(f->loop, f->path, S(86400));
	*state = f;
	return f->journal ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	struct fixture *f = *state;
	char name[96];

	journal_free(f->journal);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", f->path, tails[i]);
		unlink(name);
	}
	rmdir(f->dir);
	ev_loop_destroy(f->loop);
	free(f);
	return 0;
}

static void tunnel_ends(struct diagnosis *d, const char *user, enum page_end end, uint16_t code, uint64_t now_us)
{
	const struct end_report r = {
	    .user = user,
	    .address = "",
	    .colo = "",
	    .why = "",
	    .reason = T3OPS_R_CLIENT_CLOSED,
	    .mono_us = now_us,
	    .age_us = S(600),
	    .page = {.end = end, .code = code, .heartbeat_known = true, .since_ping_us = S(2), .carried = true}};

	assert_int_equal(user_news_tunnel_end(d, &r, now_us), 0);
}

static void tunnel_opens(struct diagnosis *d, const char *user, uint64_t now_us)
{
	assert_int_equal(user_news_tunnel_open(d, &(struct open_report){user, "", "", now_us}, now_us), 0);
}

/* A document that replaces a page whose tunnel was cut. */
static void reload_without_goodbye(struct diagnosis *d, const char *user, uint64_t now_us)
{
	tunnel_ends(d, user, PAGE_END_CLIENT_CUT, 0, now_us);
	assert_int_equal(user_news_navigation(d, user, true, now_us + S(1)), 0);
	tunnel_opens(d, user, now_us + S(2));
}

/* Whether a cut, and back by itself at once, is a drop of this user. */
static bool is_drop(struct fixture *f, struct diagnosis *d, const char *user)
{
	unsigned before = f->drops;

	tunnel_ends(d, user, PAGE_END_CLIENT_CUT, 0, MONO + S(60));
	tunnel_opens(d, user, MONO + S(61));
	return f->drops > before;
}

static void learn(struct diagnosis *d)
{
	assert_int_equal(user_news_navigation(d, "http1", false, MONO), 0);
	assert_int_equal(user_news_navigation(d, "http2", true, MONO), 0);
	assert_int_equal(user_news_navigation(d, "polite", true, MONO), 0);
	tunnel_ends(d, "polite", PAGE_END_CLIENT_CLOSE, 1001, MONO + S(1));
	reload_without_goodbye(d, "silent", MONO + S(10));
}

static void check(struct fixture *f, struct diagnosis *d)
{
	assert_true(is_drop(f, d, "http1"));
	assert_false(is_drop(f, d, "http2"));
	assert_true(is_drop(f, d, "polite"));
	assert_false(is_drop(f, d, "silent"));
	assert_false(is_drop(f, d, "stranger"));
}

static void what_is_known_of_browsers(void **state)
{
	struct fixture *f = *state;
	struct diagnosis *d = diagnosis_make(f), *next = diagnosis_make(f), *new = diagnosis_make(f);

	learn(d);
	check(f, d);
	journal_free(f->journal);
	f->journal = journal_new(f->loop, f->path, S(86400));
	assert_int_equal(browser_memory_read(f->journal, next), 0);
	check(f, next);
	assert_false(is_drop(f, new, "http1"));
	diagnosis_free(d);
	diagnosis_free(next);
	diagnosis_free(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_known_of_browsers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
