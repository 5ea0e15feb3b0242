/* SPDX-License-Identifier: MIT */
/* The jobs process between a fake monitor and a fake helper: who is started, how often, and who is reported. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#undef stop /* cmocka 2 has a macro of that name */

#include "jobs/jobs.h"
#include "users/users_reader.h"

#define REQUESTER 77 /* serial of the process that asks */
#define HELPER    78
#define LIMIT_US  UINT64_C(30000000)

struct bench {
	struct process process;
	struct process_config config;
	struct plugin_section section, other;
	const struct plugin_section *sections[2];
	char users[64];
	int peer;
	uint32_t type; /* of the message below */
	struct msg_head head;
	struct msg_run run;
	int32_t answer_error;
	char answer_text[512];
	struct event event; /* the last one that passed */
	size_t n_events;
	bool running; /* between start and stop */
};

static void nothing(void *arg, const struct msg_head *head, const void *payload)
{
	(void)arg, (void)head, (void)payload;
}

static void closed(void *arg)
{
	(void)arg;
}

/* ---- what the process says ----------------------------------------------------------------------- */

static void answer_take(struct bench *b, const char *payload)
{
	size_t len = b->head.len - sizeof(struct msg_reply);

	memcpy(&b->answer_error, payload, sizeof b->answer_error);
	assert_true(len < sizeof b->answer_text);
	memcpy(b->answer_text, payload + sizeof(struct msg_reply), len);
	b->answer_text[len] = '\0';
}

/* The next message but events, which are only remembered; its type, or 0. */
static uint32_t received(struct bench *b)
{
	static _Alignas(8) char bytes[MSG_MAX + sizeof(struct msg_head)];
	const char *payload = bytes + sizeof b->head;
	ssize_t n;

	b->type = 0;
	while (b->type == 0 && (n = recv(b->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		memcpy(&b->head, bytes, sizeof b->head);
		assert_int_equal(b->head.len + sizeof b->head, n);
		if (b->head.type == MSG_EVENT) {
			memcpy(&b->event, payload, sizeof b->event);
			b->n_events++;
			continue;
		}
		b->type = b->head.type;
		if (b->type == MSG_RUN)
			memcpy(&b->run, payload, sizeof b->run);
		else if (b->type == MSG_JOB_DONE)
			answer_take(b, payload);
	}
	return b->type;
}

/* Lets time pass until it says something or emits an event. */
static uint32_t await(struct bench *b)
{
	uint64_t end = clock_mono_us() + LIMIT_US;
	size_t before = b->n_events;

	while (received(b) == 0 && b->n_events == before) {
		assert_true(clock_mono_us() < end);
		ev_run(b->process.loop, EVRUN_ONCE);
	}
	return b->type;
}

static void expect_run(struct bench *b, const char *user)
{
	assert_int_equal(received(b), MSG_RUN);
	assert_int_equal(b->head.to, PROCESS_HELPER);
	assert_int_equal(b->run.job, 1);
	assert_string_equal(b->run.name, "backup");
	if (user)
		assert_string_equal(b->run.user, user);
}

static void expect_done(struct bench *b, uint64_t id, int error, const char *text)
{
	assert_int_equal(received(b), MSG_JOB_DONE);
	assert_int_equal(b->head.to, REQUESTER);
	assert_int_equal(b->head.id, id);
	assert_int_equal(b->answer_error, error);
	if (!strstr(b->answer_text, text))
		fail_msg("\"%s\" lacks \"%s\"", b->answer_text, text);
}

/* ---- what the others say -------------------------------------------------------------------------- */

static void request(struct bench *b, uint64_t id, const char *job, const char *user)
{
	struct msg_run ask = {.job = 1};
	struct msg_head head = {.type = MSG_JOB_NOW, .from = REQUESTER, .len = sizeof ask, .id = id};

	event_set(ask.name, job);
	event_set(ask.user, user);
	jobs_ops.message(&b->process, &head, &ask);
}

static void ran(struct bench *b, uint64_t id, int error, const char *out)
{
	struct {
		struct msg_ran ran;
		char out[256];
	} answer = {.ran = {.error = error, .exit_code = error || !strstr(out, ":0,") ? 1 : 0}};
	struct msg_head head = {.type = MSG_RAN, .from = HELPER, .id = id};

	head.len = (uint32_t)(sizeof answer.ran + strlen(out));
	memcpy((char *)&answer + sizeof answer.ran, out, strlen(out));
	jobs_ops.message(&b->process, &head, &answer);
}

#define GOOD "{\"result\":0,\"facts\":{\"bytes\":\"12\"}}"
#define BAD  "{\"result\":-28,\"facts\":{\"error\":\"disk full\"}}"

static void unreachable(struct bench *b, uint64_t id)
{
	struct msg_head head = {.type = MSG_UNREACHABLE, .id = id};

	jobs_ops.message(&b->process, &head, NULL);
}

/* ---- fixtures --------------------------------------------------------------------------------------- */

static void process_start(struct bench *b, uint64_t every_us)
{
	int fds[2];

	b->section = (struct plugin_section){
	    .name = (char *)(uintptr_t) "backup",
	    .roles = T3OPS_ROLE_JOB,
	    .job = {.at_minutes = -1, .every_us = every_us, .deadline_us = 60000000}};
	b->other = b->section;
	b->other.name = (char *)(uintptr_t) "watchdog";
	b->other.job.every_us = 0;
	b->sections[0] = &b->section;
	b->sections[1] = &b->other;
	b->config = (struct process_config){
	    .core = {.users = b->users, .upstream_env = "/nowhere/%u"}, .plugins = b->sections, .n_plugins = 2};
	assert_int_equal(channel_pair(fds), 0);
	b->peer = fds[1];
	b->process.id = PROCESS_JOBS;
	b->process.ops = &jobs_ops;
	b->process.loop = ev_loop_new(0);
	b->process.metrics = metrics_new();
	b->process.channel = channel_new(b->process.loop, fds[0], nothing, closed, b);
	b->process.config = &b->config;
	b->process.users_reader = users_reader_start(
	    b->process.loop,
	    &(struct users_source){.path = b->config.core.users, .env_pattern = b->config.core.upstream_env});
	assert_non_null(b->process.users_reader);
	while (!users_reader_has_result(b->process.users_reader))
		ev_run(b->process.loop, EVRUN_ONCE);
	assert_int_equal(jobs_ops.start(&b->process), 0);
	b->running = true;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	int fd;
	FILE *f;

	snprintf(b->users, sizeof b->users, "/tmp/jobs.users.XXXXXX");
	fd = mkstemp(b->users);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs("{\"alice\":{\"os_user\":\"nobody\",\"port\":1},\"bob\":{\"os_user\":\"nobody\",\"port\":2},"
	      "\"carol\":{\"os_user\":\"nobody\",\"port\":3}}",
	      f);
	fclose(f);
	*state = b;
	return 0;
}

static void process_stop(struct bench *b)
{
	if (b->running)
		jobs_ops.stop(&b->process);
	b->running = false;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	process_stop(b);
	channel_free(b->process.channel);
	metrics_free(b->process.metrics);
	ev_loop_destroy(b->process.loop);
	close(b->peer);
	unlink(b->users);
	free(b);
	return 0;
}

/* ---- cases --------------------------------------------------------------------------------------------- */

static void test_everybody_two_at_a_time(void **state)
{
	struct bench *b = *state;
	uint64_t first, second;

	process_start(b, 0);
	request(b, 5, "backup", "");
	expect_run(b, "alice");
	first = b->head.id;
	expect_run(b, "bob");
	second = b->head.id;
	assert_int_not_equal(first, second);
	assert_int_equal(received(b), 0);
	ran(b, first, 0, GOOD);
	expect_run(b, "carol");
	assert_int_equal(b->event.kind, EVENT_JOB_DONE);
	assert_string_equal(b->event.user, "alice");
	assert_string_equal(b->event.text, "bytes=12");
	ran(b, second, 0, BAD);
	assert_int_equal(received(b), 0);
	assert_int_equal(b->event.kind, EVENT_JOB_FAILED);
	assert_string_equal(b->event.user, "bob");
	assert_string_equal(b->event.text, "disk full");
	ran(b, second, 0, GOOD); /* again: nobody waits for it */
	assert_int_equal(received(b), 0);
	ran(b, second + 1, 0, GOOD);
	expect_done(b, 5, -EIO, "1 of 3 failed; bob: disk full");
	assert_int_equal(b->n_events, 3);
}

/* A restart does not wait until everybody's backup is made. */
static void test_named_first(void **state)
{
	struct bench *b = *state;
	uint64_t first;

	process_start(b, 0);
	request(b, 5, "backup", "");
	expect_run(b, "alice");
	first = b->head.id;
	expect_run(b, "bob");
	request(b, 6, "watchdog", "carol");
	request(b, 7, "watchdog", "alice");
	assert_int_equal(received(b), 0);
	ran(b, first, 0, GOOD);
	assert_int_equal(received(b), MSG_RUN);
	assert_string_equal(b->run.name, "watchdog");
	assert_string_equal(b->run.user, "carol");
	ran(b, first + 1, 0, GOOD);
	assert_int_equal(received(b), MSG_RUN);
	assert_string_equal(b->run.name, "watchdog");
	assert_string_equal(b->run.user, "alice");
	ran(b, first + 2, 0, GOOD);
	expect_done(b, 6, 0, "1 of 1 done");
	expect_run(b, "carol");
}

static void test_one_user(void **state)
{
	struct bench *b = *state;

	process_start(b, 0);
	request(b, 6, "backup", "bob");
	expect_run(b, "bob");
	ran(b, b->head.id, 0, GOOD);
	expect_done(b, 6, 0, "1 of 1 done");
}

static void test_overlap(void **state)
{
	struct bench *b = *state;
	uint64_t run;

	process_start(b, 0);
	request(b, 1, "backup", "alice");
	expect_run(b, "alice");
	run = b->head.id;
	request(b, 2, "backup", "alice");
	expect_done(b, 2, -EIO, "still in progress (backup now, for 0 s, at most ");
	assert_int_equal(received(b), 0);
	ran(b, run, 0, GOOD);
	expect_done(b, 1, 0, "1 of 1 done");
	request(b, 3, "backup", "alice");
	expect_run(b, "alice");
}

static void test_refused(void **state)
{
	struct bench *b = *state;

	process_start(b, 0);
	request(b, 1, "backup", "mallory");
	expect_done(b, 1, -ENOENT, "no such user");
	request(b, 2, "restore", "alice");
	expect_done(b, 2, -ENOENT, "no such job");
}

static void test_late(void **state)
{
	struct bench *b = *state;

	process_start(b, 0);
	request(b, 1, "backup", "alice");
	expect_run(b, "alice");
	ran(b, b->head.id, -ETIMEDOUT, "");
	expect_done(b, 1, -EIO, "deadline of 60 s");
}

/* No helper, or a busy one: the question comes again. */
static void test_asks_again(void **state)
{
	struct bench *b = *state;
	uint64_t first;

	process_start(b, 0);
	request(b, 1, "backup", "alice");
	expect_run(b, "alice");
	first = b->head.id;
	unreachable(b, first);
	assert_int_equal(received(b), 0);
	assert_int_equal(await(b), MSG_RUN);
	assert_int_not_equal(b->head.id, first);
	ran(b, b->head.id, -EAGAIN, "");
	assert_int_equal(await(b), MSG_RUN);
	assert_int_equal(b->n_events, 0);
	ran(b, first, 0, BAD); /* too late, and to a question that is no more */
	assert_int_equal(received(b), 0);
	ran(b, b->head.id, 0, GOOD);
	expect_done(b, 1, 0, "1 of 1 done");
}

/* Due again while it goes on: said, not started. */
static void test_schedule(void **state)
{
	struct bench *b = *state;

	process_start(b, 300000);
	assert_int_equal(received(b), 0);
	assert_int_equal(await(b), MSG_RUN);
	expect_run(b, "bob");
	while (b->n_events < 3) /* carol waits; all three are due again */
		assert_int_equal(await(b), 0);
	assert_int_equal(b->event.kind, EVENT_JOB_FAILED);
	assert_string_equal(b->event.user, "carol");
	assert_non_null(strstr(b->event.text, "already waiting"));
}

static void test_stop(void **state)
{
	struct bench *b = *state;

	process_start(b, 0);
	request(b, 9, "backup", "");
	expect_run(b, "alice");
	expect_run(b, "bob");
	process_stop(b);
	expect_done(b, 9, -EIO, "3 of 3 failed; alice: t3ops stopped or was reloaded");
	assert_int_equal(b->n_events, 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_everybody_two_at_a_time),
	    CASE(test_named_first),
	    CASE(test_one_user),
	    CASE(test_overlap),
	    CASE(test_refused),
	    CASE(test_late),
	    CASE(test_asks_again),
	    CASE(test_schedule),
	    CASE(test_stop),
	};

	log_open("test", LOG_L_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
