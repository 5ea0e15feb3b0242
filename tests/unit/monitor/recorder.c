/* SPDX-License-Identifier: MIT */
/* The flight recorder: what it keeps, for how long, and what it says where it had to leave something out. */
#include "monitor/recorder.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "monitor/event_report.h"
#include "monitor/replay.h"
#include "sys/buf.h"

#define S(n) ((uint64_t)(n)*1000000)
#define T0   S(5000)
#define WALL S(1800000000)

struct world {
	struct ev_loop *loop;
	char dir[40], path[64];
	struct journal *journal;
	struct process_config config;
	struct plugin_section leg;
	struct recorder *recorder;
	struct diagnosis *diagnosis;
	uint64_t now_us;
	unsigned verdicts;
};

/* ---- a diagnosis that is recorded ---------------------------------------------------------------------- */

static void on_probe(void *arg, uint64_t incident, uint64_t since_us, const char *user)
{
	(void)arg, (void)incident, (void)since_us, (void)user;
}

static void on_dropped(void *arg, const struct drop *drop, bool late)
{
	(void)arg, (void)drop, (void)late;
}

static void on_verdict(void *arg, const struct verdict_basis *b)
{
	struct world *w = arg;

	(void)b;
	w->verdicts++;
}

static void on_ended(void *arg, const struct verdict *v)
{
	(void)arg, (void)v;
}

static void on_slow(void *arg, const struct slow_report *r)
{
	(void)arg, (void)r;
}

static void on_walled_off(void *arg, const char *leg)
{
	(void)arg, (void)leg;
}

static void on_host(void *arg, const struct host_event *e)
{
	(void)arg, (void)e;
}

static void on_browser(void *arg, const struct browser *b)
{
	(void)arg, (void)b;
}

static void on_look(void *arg, struct diagnosis *d)
{
	(void)arg, (void)d;
}

static const struct diagnosis_actions actions = {.probe = on_probe,
                                                 .dropped = on_dropped,
                                                 .verdict = on_verdict,
                                                 .ended = on_ended,
                                                 .slow = on_slow,
                                                 .walled_off = on_walled_off,
                                                 .host = on_host,
                                                 .browser = on_browser,
                                                 .look = on_look};

static void diagnosis_make(struct world *w)
{
	static const char *const serve[] = {"serve"}, *const path[] = {"last_mile", "dispatch", "serve"},
	                         *const own[] = {"last_mile", "serve"};
	static const struct leg_shape leg = {
	    .name = "srv", .segments = {serve, 1}, .edge = "serve", .per_user = true};
	struct diagnosis_setup setup = {
	    .shape = {.user_path = {path, 3}, .per_user = {own, 2}, .legs = &leg, .n_legs = 1},
	    .ping_timeout_us = S(2),
	    .process_watchdog_us = S(10),
	    .page_heartbeat_us = S(5),
	    .actions = &actions,
	    .arg = w};
	const char *which;

	assert_int_equal(diagnosis_new(&setup, &w->diagnosis, &which), 0);
	w->config.core.user_path = (struct text_list){(char **)(uintptr_t)path, 3};
	w->config.core.per_user = (struct text_list){(char **)(uintptr_t)own, 2};
	w->config.core.vantage = (char *)(uintptr_t) "vps";
	w->config.core.ping_timeout_us = S(2);
	w->config.core.process_watchdog_us = S(10);
	w->config.core.page_heartbeat_us = S(5);
	w->leg.name = (char *)(uintptr_t) "srv";
	w->leg.roles = T3OPS_ROLE_LEG;
	w->leg.per_user = true;
	w->leg.leg.segments = (struct text_list){(char **)(uintptr_t)serve, 1};
	w->leg.leg.edge = (char *)(uintptr_t) "serve";
	w->config.sections = &w->leg;
	w->config.n_sections = 1;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	strcpy(w->dir, "/tmp/t3ops-recorder.XXXXXX");
	w->loop = ev_loop_new(0);
	if (!mkdtemp(w->dir) || !w->loop)
		return -1;
	snprintf(w->path, sizeof w->path, "%s/j.sqlite", w->dir);
	w->journal = journal_new(w->loop, w->path, 0);
	w->recorder = recorder_new(&w->config);
	w->now_us = T0;
	diagnosis_make(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	static const char *const tails[] = {"", "-wal", "-shm"};
	char name[96];

	recorder_free(w->recorder);
	diagnosis_free(w->diagnosis);
	journal_free(w->journal);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", w->path, tails[i]);
		unlink(name);
	}
	rmdir(w->dir);
	ev_loop_destroy(w->loop);
	free(w);
	return 0;
}

/* ---- what happens -------------------------------------------------------------------------------------- */

static void tick(struct world *w)
{
	uint64_t next_us;

	recorder_tick(w->recorder, WALL + w->now_us, w->now_us);
	assert_int_equal(diagnosis_tick(w->diagnosis, w->now_us, &next_us), 0);
	recorder_tick_over(w->recorder);
	recorder_follow(w->recorder, w->diagnosis, 0, w->now_us);
}

static void happen(struct world *w, enum event_kind kind, const char *user, const char *text)
{
	struct event e = {.kind = (uint16_t)kind,
	                  .process = PROCESS_PROBER,
	                  .time_us = WALL + w->now_us,
	                  .mono_us = w->now_us,
	                  .plugin = "srv"};

	e.reason = kind == EVENT_LEG_DOWN ? T3OPS_R_EOF : T3OPS_R_NONE;
	event_set(e.user, user);
	event_set(e.text, text);
	recorder_event(w->recorder, &e, w->now_us);
	assert_int_equal(event_report(w->diagnosis, &e, w->now_us), 0);
	tick(w);
}

static void pass(struct world *w, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		w->now_us += S(1);
		tick(w);
	}
}

static char *text_take(struct buf *b)
{
	char *text = buf_len(b) > 0 ? strndup(buf_at(b), buf_len(b)) : NULL;

	buf_fini(b);
	return text;
}

/* All that the journal has of it; NULL: nothing. */
static char *recorded(struct world *w, uint64_t incident)
{
	struct buf text = {0};
	sqlite3_stmt *s;

	recorder_write_all(w->recorder, w->journal);
	s = journal_db_prepare(journal_written(w->journal),
	                       "SELECT text FROM recordings WHERE incident = ? ORDER BY piece");
	assert_non_null(s);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)incident);
	while (sqlite3_step(s) == SQLITE_ROW)
		buf_add_text(&text, (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return text_take(&text);
}

static size_t lines_with(const char *text, const char *words)
{
	size_t n = 0;

	for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words))
		n++;
	return n;
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static void from_before_to_its_end(void **state)
{
	struct world *w = *state;
	char *text, why[256];
	json_t *verdicts;

	happen(w, EVENT_LEG_UP, "alice", "");
	pass(w, 200);
	happen(w, EVENT_LEG_ALIVE, "alice", "within");
	pass(w, 100);
	happen(w, EVENT_LEG_DOWN, "alice", "");
	pass(w, 10);
	happen(w, EVENT_LEG_UP, "alice", "");
	pass(w, 200);
	assert_int_equal(w->verdicts, 1);
	text = recorded(w, 1);
	assert_int_equal(lines_with(text, "\nstory "), 2); /* what is older than 120 s is not in it */
	assert_int_equal(lines_with(text, "text=within"), 1);
	assert_int_equal(lines_with(text, "\nfact +10.000000 event kind=leg_up"), 1);
	assert_int_equal(lines_with(text, "\nend state=over"), 1);
	assert_null(strstr(text, "\nfact +90."));
	verdicts = replay_text(text, why, sizeof why);
	assert_int_equal(json_array_size(verdicts), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(verdicts, 0), "vantage")), "vps");
	json_decref(verdicts);
	free(text);
}

static void nothing_of_what_nobody_felt(void **state)
{
	struct world *w = *state;

	happen(w, EVENT_LEG_UP, "alice", "");
	pass(w, 10);
	happen(w, EVENT_LEG_LATE, "alice", "");
	happen(w, EVENT_LEG_ALIVE, "alice", "");
	pass(w, 200);
	assert_int_equal(w->verdicts, 0);
	assert_null(recorded(w, 1));
}

static void the_story_has_a_bound(void **state)
{
	struct world *w = *state;
	char long_text[300], *text;

	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	happen(w, EVENT_LEG_UP, "alice", "");
	for (int i = 0; i < 20000; i++)
		happen(w, EVENT_NOTE, "alice", long_text);
	happen(w, EVENT_LEG_DOWN, "alice", "");
	pass(w, 10);
	text = recorded(w, 1);
	assert_int_equal(lines_with(text, "\n# story: more than 2 MiB"), 1);
	assert_in_range(strlen(text), 1 << 20, 3 << 20);
	assert_null(strstr(text, "\nincomplete"));
	free(text);
}

static void a_recording_has_a_bound(void **state)
{
	struct world *w = *state;
	char long_text[300], *text, why[256];

	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	happen(w, EVENT_LEG_UP, "alice", "");
	happen(w, EVENT_LEG_DOWN, "alice", "");
	pass(w, 5);
	for (int i = 0; i < 60000; i++)
		happen(w, EVENT_NOTE, "alice", long_text);
	text = recorded(w, 1);
	assert_int_equal(lines_with(text, "\nincomplete why=\"it took more than 16 MiB"), 1);
	assert_in_range(strlen(text), 15 << 20, (16 << 20) + 1000);
	assert_null(replay_text(text, why, sizeof why));
	assert_non_null(strstr(why, "it took more than 16 MiB"));
	free(text);
}

/* What would keep the loop for too long is not written down, and the recording says so. */
static void a_state_has_a_bound(void **state)
{
	struct world *w = *state;
	char user[32], *text;

	for (int i = 0; i < RECORDER_STATE_LINES; i++) {
		struct event e = {
		    .kind = EVENT_LEG_UP, .process = PROCESS_PROBER, .time_us = WALL, .mono_us = w->now_us};

		snprintf(user, sizeof user, "user%d", i);
		event_set(e.plugin, "srv");
		event_set(e.user, user);
		assert_int_equal(event_report(w->diagnosis, &e, w->now_us), 0);
	}
	happen(w, EVENT_LEG_DOWN, "user7", "");
	pass(w, 5);
	text = recorded(w, 1);
	assert_int_equal(lines_with(text, "\nincomplete why=\"the state at its beginning has more than"), 1);
	assert_null(strstr(text, "\nstate "));
	free(text);
}

static void an_end_in_the_middle(void **state)
{
	struct world *w = *state;
	char *text;

	happen(w, EVENT_LEG_UP, "alice", "");
	happen(w, EVENT_LEG_DOWN, "alice", "");
	pass(w, 5);
	recorder_end(w->recorder, w->journal);
	text = recorded(w, 1);
	assert_int_equal(lines_with(text, "\nincomplete why=\"the monitor was replaced or stopped"), 1);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(from_before_to_its_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_of_what_nobody_felt, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_story_has_a_bound, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_recording_has_a_bound, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_state_has_a_bound, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_end_in_the_middle, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
