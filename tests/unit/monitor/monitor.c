/* SPDX-License-Identifier: MIT */
/* The monitor process over its two listeners, with the test as supervisor, jobs and clients. */
#include "monitor/monitor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#undef stop /* cmocka 2 has a macro of that name */

#define LIMIT_US UINT64_C(20000000)

struct fixture {
	struct process process;
	struct channel *supervisor; /* the other end */
	struct msg_head heads[8];   /* of what the monitor sent there, events left out */
	size_t n_heads;
	struct metrics *supervisors;
	char dir[32];
	struct plugin_section sections[3];
	struct process_config config;
	bool stopped;
};

static void to_monitor(void *arg, const struct msg_head *head, const void *payload)
{
	struct fixture *f = arg;

	monitor_ops.message(&f->process, head, payload);
}

static void to_supervisor(void *arg, const struct msg_head *head, const void *payload)
{
	struct fixture *f = arg;

	(void)payload;
	if (head->type != MSG_EVENT && f->n_heads < 8)
		f->heads[f->n_heads++] = *head;
}

static void on_closed(void *arg)
{
	(void)arg;
}

static struct sockaddr_un address(const struct fixture *f, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", f->dir, name);
	return a;
}

static void listener_add(struct fixture *f, const char *name)
{
	struct listener *l = &f->process.listeners[f->process.n_listeners++];
	struct sockaddr_un a = address(f, name);

	snprintf(l->name, sizeof l->name, "%s", name);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(l->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(l->fd, 8), 0);
}

static int setup(void **state)
{
	static const char *const path[] = {"last_mile", "serve"};
	struct fixture *f = calloc(1, sizeof *f);
	int fds[2];

	strcpy(f->dir, "/tmp/t3ops-monitor.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(channel_pair(fds), 0);
	f->sections[0] = (struct plugin_section){
	    .name = (char *)(uintptr_t) "here", .module = (char *)(uintptr_t) "backup", .roles = T3OPS_ROLE_JOB};
	f->sections[1] = (struct plugin_section){
	    .name = (char *)(uintptr_t) "there", .module = (char *)(uintptr_t) "backup", .roles = T3OPS_ROLE_JOB};
	f->sections[2] = (struct plugin_section){.name = (char *)(uintptr_t) "cf",
	                                         .module = (char *)(uintptr_t) "probe_cloudflare"};
	f->config = (struct process_config){.core = {.state_dir = f->dir,
	                                             .vantage = "",
	                                             .log_level = LOG_L_INFO,
	                                             .user_path = {(char **)(uintptr_t)path, 2},
	                                             .per_user = {(char **)(uintptr_t)&path[1], 1},
	                                             .ping_timeout_us = 500000,
	                                             .user = "nobody",
	                                             .user_proxy = ""},
	                                    .sections = f->sections,
	                                    .n_sections = 3};
	f->config.page_token = f->config.vantage_key = "";
	f->process = (struct process){
	    .id = PROCESS_MONITOR, .serial = 16, .loop = ev_loop_new(0), .config = &f->config, .ops = &monitor_ops};
	f->process.channel = channel_new(f->process.loop, fds[0], to_monitor, on_closed, f);
	f->supervisor = channel_new(f->process.loop, fds[1], to_supervisor, on_closed, f);
	f->supervisors = metrics_new();
	assert_non_null(f->supervisors);
	f->process.metrics = metrics_open(f->supervisors, PROCESS_MONITOR, true);
	loop_turn_start(&f->process.turn, f->process.loop, f->process.metrics, "monitor");
	listener_add(f, "status");
	listener_add(f, "control");
	assert_int_equal(monitor_ops.start(&f->process), 0);
	*state = f;
	return 0;
}

static void stop(struct fixture *f)
{
	if (!f->stopped)
		monitor_ops.stop(&f->process);
	f->stopped = true;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {"status", "control", "journal.sqlite", "journal.sqlite-wal",
	                                    "journal.sqlite-shm"};

	stop(f);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(address(f, files[i]).sun_path);
	rmdir(f->dir);
	for (size_t i = 0; i < f->process.n_listeners; i++)
		close(f->process.listeners[i].fd);
	channel_free(f->process.channel);
	channel_free(f->supervisor);
	metrics_free(f->process.metrics);
	metrics_free(f->supervisors);
	ev_loop_destroy(f->process.loop);
	free(f);
	return 0;
}

/* ---- clients --------------------------------------------------------------------------------- */

static int client(const struct fixture *f, const char *name)
{
	struct sockaddr_un a = address(f, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void turn(struct fixture *f)
{
	if (!f->stopped)
		ev_run(f->process.loop, EVRUN_NOWAIT);
}

/* Until a whole line is there, or with line false the end; NUL-terminated. */
static void receive(struct fixture *f, int fd, bool line, char *out, size_t size)
{
	uint64_t until = clock_mono_us() + LIMIT_US;
	size_t n = 0;

	while (clock_mono_us() < until) {
		ssize_t got = recv(fd, out + n, line ? 1 : size - 1 - n, 0);

		if (got == 0)
			break;
		if (got < 0) {
			turn(f);
			continue;
		}
		n += (size_t)got;
		assert_true(n < size - 1);
		if (line && out[n - 1] == '\n')
			break;
	}
	assert_true(clock_mono_us() < until);
	out[n] = '\0';
}

/* The n-th message that the monitor sent. */
static const struct msg_head *sent(struct fixture *f, size_t n)
{
	uint64_t until = clock_mono_us() + LIMIT_US;

	while (f->n_heads <= n && clock_mono_us() < until)
		turn(f);
	assert_true(f->n_heads > n);
	return &f->heads[n];
}

static void reply(struct fixture *f, enum msg_type type, uint64_t id, int error, const char *text)
{
	int r = type == MSG_UNREACHABLE ? channel_send(f->supervisor, type, f->process.serial, id, NULL, 0)
	                                : channel_reply(f->supervisor, type, f->process.serial, id, error, text);

	assert_int_equal(r, 0);
}

/* ---- the control socket ------------------------------------------------------------------------ */

static void requests(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
	    {"{\"command\":\"status\"}\n", "{\"ok\":true,\"result\":{\"version\":"},
	    {"{\"command\":\"legs\"}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"verdicts\"}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"verdicts\",\"limit\":500}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"events\",\"limit\":-1,\"since\":-1}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"events\",\"kind\":\"tunnel_dropped\"}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"events\",\"kind\":\"nonsense\"}\n", "{\"ok\":false,\"error\":\"no such kind of event"},
	    {"{\"command\":\"events\",\"kind\":7}\n", "{\"ok\":true,\"result\":[]}\n"},
	    {"{\"command\":\"metrics\"}\n", "{\"ok\":true,\"result\":\"# HELP "},
	    {"{\"command\":\"shutdown\"}\n", "{\"ok\":false,\"error\":\"no such command: \\\"shutdown\\\"\"}\n"},
	    {"{\"command\":{}}\n", "{\"ok\":false,\"error\":\"a request is one JSON object"},
	    {"[\"status\"]\n", "{\"ok\":false,\"error\":\"a request is one JSON object"},
	    {"\n", "{\"ok\":false,\"error\":\"a request is one JSON object"},
	    {"{\"command\":\"legs\"\n", "{\"ok\":false,\"error\":\"a request is one JSON object"},
	};
	struct fixture *f = *state;
	int fd = client(f, "control");
	char said[65536];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		say(fd, rows[i].line, strlen(rows[i].line));
		receive(f, fd, true, said, sizeof said);
		if (strncmp(said, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("%s answered %s", rows[i].line, said);
	}
	close(fd);
}

static void a_request_in_pieces_and_two_in_one(void **state)
{
	static const char one[] = "{\"command\":\"legs\"}\n";
	struct fixture *f = *state;
	int fd = client(f, "control");
	char said[256], two[2 * sizeof one];

	for (const char *at = one; *at != '\0'; at++) {
		say(fd, at, 1);
		turn(f);
	}
	receive(f, fd, true, said, sizeof said);
	assert_string_equal(said, "{\"ok\":true,\"result\":[]}\n");
	snprintf(two, sizeof two, "%s%s", one, one);
	say(fd, two, strlen(two));
	for (int i = 0; i < 2; i++) {
		receive(f, fd, true, said, sizeof said);
		assert_string_equal(said, "{\"ok\":true,\"result\":[]}\n");
	}
	close(fd);
}

static void a_reload_tells_its_outcome(void **state)
{
	static const struct {
		enum msg_type type;
		int error;
		const char *text, *want;
	} rows[] = {
	    {MSG_RELOADED, 0, "applied", "{\"ok\":true,\"result\":\"applied\"}\n"},
	    {MSG_RELOADED, -EINVAL, "t3ops.conf:3: wrong", "{\"ok\":false,\"error\":\"t3ops.conf:3: wrong\"}\n"},
	    {MSG_RELOADED, -EBUSY, "", "{\"ok\":false,\"error\":\"Device or resource busy\"}\n"},
	    {MSG_RELOADED, -EINVAL, "cut \xc3", "{\"ok\":false,\"error\":\"cut ?\"}\n"},
	    {MSG_UNREACHABLE, 0, "", "{\"ok\":false,\"error\":\"the process that does this is not running\"}\n"},
	};
	struct fixture *f = *state;
	char said[1024];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = client(f, "control");

		say(fd, "{\"command\":\"reload\"}\n", 21);
		assert_int_equal(sent(f, i)->type, MSG_RELOAD);
		assert_int_equal(sent(f, i)->to, PROCESS_SUPERVISOR);
		reply(f, rows[i].type, sent(f, i)->id, rows[i].error, rows[i].text);
		receive(f, fd, true, said, sizeof said);
		assert_string_equal(said, rows[i].want);
		close(fd);
	}
}

#define RUN_BACKUP "{\"command\":\"run\",\"plugin\":\"backup\""

static void a_monitor_that_ends_leaves_nobody_waiting(void **state)
{
	struct fixture *f = *state;
	int fd = client(f, "control");
	char said[256];

	say(fd, RUN_BACKUP "}\n", strlen(RUN_BACKUP "}\n"));
	assert_int_equal(sent(f, 1)->type, MSG_JOB_NOW);
	stop(f);
	receive(f, fd, false, said, sizeof said);
	assert_non_null(strstr(said, "{\"ok\":false,\"error\":\"this monitor ends before it knows"));
	close(fd);
}

/* Who was accepted and speaks only when the monitor ends. */
static void a_monitor_that_ends_refuses_what_it_cannot_do(void **state)
{
	static const char *const requests[] = {RUN_BACKUP "}\n", "{\"command\":\"reload\"}\n",
	                                       "{\"command\":\"why\"}\n", "{\"command\":\"verdicts\",\"since\":1}\n"};
	struct fixture *f = *state;
	int fds[4];
	char said[256];

	for (size_t i = 0; i < 4; i++)
		fds[i] = client(f, "control");
	for (int i = 0; i < 5; i++)
		turn(f);
	for (size_t i = 0; i < 4; i++)
		say(fds[i], requests[i], strlen(requests[i]));
	stop(f);
	for (size_t i = 0; i < 4; i++) {
		receive(f, fds[i], false, said, sizeof said);
		if (strncmp(said, "{\"ok\":false,\"error\":", 20) != 0)
			fail_msg("%s was answered %s", requests[i], said);
		close(fds[i]);
	}
}

static void a_run_ends_when_every_section_has(void **state)
{
	struct fixture *f = *state;
	int fd = client(f, "control");
	char said[256];

	say(fd, RUN_BACKUP ",\"user\":\"alice\"}\n", strlen(RUN_BACKUP ",\"user\":\"alice\"}\n"));
	assert_int_equal(sent(f, 1)->type, MSG_JOB_NOW);
	assert_int_equal(sent(f, 0)->to, PROCESS_JOBS);
	assert_true(sent(f, 0)->id == sent(f, 1)->id);
	reply(f, MSG_JOB_DONE, sent(f, 0)->id, -EIO, "here: failed");
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(recv(fd, said, sizeof said, 0), -1); /* nothing yet */
	reply(f, MSG_JOB_DONE, sent(f, 0)->id, 0, "there: done");
	receive(f, fd, true, said, sizeof said);
	assert_string_equal(said, "{\"ok\":false,\"error\":\"here: failed\\nthere: done\"}\n");
	close(fd);
}

static void a_run_names_a_section(void **state)
{
	static const char there[] = "{\"command\":\"run\",\"job\":\"there\"}\n";
	static const struct {
		const char *request, *answer;
	} refused[] = {
	    {"{\"command\":\"run\"}\n", "run needs \\\"job\\\" or \\\"plugin\\\""},
	    {"{\"command\":\"run\",\"job\":\"backup\"}\n", "no such job \\\"backup\\\"; there are: here, there"},
	    {"{\"command\":\"run\",\"job\":\"cf\"}\n", "no such job \\\"cf\\\""},
	};
	struct fixture *f = *state;
	int fd = client(f, "control");
	char said[256];

	say(fd, there, strlen(there));
	assert_int_equal(sent(f, 0)->type, MSG_JOB_NOW);
	reply(f, MSG_JOB_DONE, sent(f, 0)->id, 0, "3 of 3 done");
	receive(f, fd, true, said, sizeof said);
	assert_string_equal(said, "{\"ok\":true,\"result\":\"3 of 3 done\"}\n");
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		say(fd, refused[i].request, strlen(refused[i].request));
		receive(f, fd, true, said, sizeof said);
		if (strncmp(said, "{\"ok\":false", 11) != 0 || !strstr(said, refused[i].answer))
			fail_msg("%s", said);
	}
	close(fd);
}

static void who_left_gets_no_answer(void **state)
{
	struct fixture *f = *state;
	int fd = client(f, "control");

	say(fd, "{\"command\":\"reload\"}\n", 21);
	sent(f, 0);
	close(fd);
	for (int i = 0; i < 5; i++)
		turn(f);
	reply(f, MSG_RELOADED, sent(f, 0)->id, 0, "applied");
	for (int i = 0; i < 5; i++)
		turn(f);
	fd = client(f, "control");
	say(fd, "{\"command\":\"legs\"}\n", 19);
	receive(f, fd, true, (char[256]){0}, 256);
	close(fd);
}

/* ---- long lists ---------------------------------------------------------------------------------- */

#define MANY 3000

static void connected(struct fixture *f, unsigned user)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_CENSUS, PROCESS_PROXY);
	snprintf(e.user, sizeof e.user, "user%05u", user);
	e.count = 1;
	e.text[0] = '\0';
	assert_int_equal(channel_send_event(f->supervisor, &e, sizeof e), 0);
}

static int list_ask(struct fixture *f, const char *path)
{
	char request[128];
	int fd = client(f, "status");

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	say(fd, request, strlen(request));
	return fd;
}

/* The body of the answer, which takes many turns of the loop, none of which does much; something happens in each. */
static json_t *list_await(struct fixture *f, int fd, unsigned *turns)
{
	size_t n = 0, room = 4 << 20;
	char *text = calloc(1, room);
	ssize_t got;
	json_t *body;

	assert_non_null(text);
	for (*turns = 0; (got = recv(fd, text + n, room - 1 - n, 0)) != 0; ++*turns) {
		n += got > 0 ? (size_t)got : 0;
		connected(f, MANY + *turns);
		turn(f);
	}
	close(fd);
	assert_non_null(strstr(text, "\r\n\r\n"));
	body = json_loads(strstr(text, "\r\n\r\n") + 4, 0, NULL);
	assert_non_null(body);
	free(text);
	return body;
}

static void many_connect(struct fixture *f)
{
	for (unsigned i = MANY; i-- > 0;)
		connected(f, i);
	for (unsigned i = 0; i < 200; i++)
		turn(f);
	loop_turn_reset(&f->process.turn);
}

static void users_are_listed_in_slices(void **state)
{
	struct fixture *f = *state;
	unsigned turns;
	json_t *users;

	many_connect(f);
	users = list_await(f, list_ask(f, "/users"), &turns);
	for (unsigned i = 0; i < MANY; i++) {
		const json_t *row = json_array_get(users, i);
		char name[16];

		snprintf(name, sizeof name, "user%05u", i);
		assert_string_equal(json_string_value(json_object_get(row, "user")), name);
		assert_int_equal(json_integer_value(json_object_get(row, "tunnels")), 1);
	}
	json_decref(users);
	assert_true(turns > MANY / (4 * LOOP_SLICE));
	assert_in_range(f->process.turn.largest_slice, 1, LOOP_SLICE + 32);
}

/* One list after another is made; who leaves ends his, and takes nobody else's. */
static void who_leaves_ends_his_list(void **state)
{
	struct fixture *f = *state;
	int asked[3];
	unsigned turns;
	json_t *users;

	many_connect(f);
	for (size_t i = 0; i < 3; i++)
		asked[i] = list_ask(f, "/users");
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	close(asked[0]);
	close(asked[1]);
	users = list_await(f, asked[2], &turns);
	assert_true(json_array_size(users) >= MANY);
	json_decref(users);
	close(list_ask(f, "/users"));
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	assert_false(loop_turn_has_work(&f->process.turn));
}

static void the_status_is_whole(void **state)
{
	struct fixture *f = *state;
	unsigned turns;
	json_t *status = list_await(f, list_ask(f, "/status"), &turns);

	assert_int_equal(json_object_size(status), 8);
	assert_true(json_is_array(json_object_get(status, "legs")));
	assert_true(json_is_null(json_object_get(status, "last_verdict")));
	json_decref(status);
}

/* ---- the pages ----------------------------------------------------------------------------------- */

static void pages(void **state)
{
	static const struct {
		const char *request, *status, *has;
	} rows[] = {
	    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "\r\n\r\nok\n"},
	    {"GET /healthz HTTP/1.1\r\nHost: balancer\r\n\r\n", "200", "\r\n\r\nok\n"},
	    {"GET /healthz HTTP/1.0\r\n\r\n", "200", "\r\n\r\nok\n"},
	    {"GET /metrics HTTP/1.0\r\n\r\n", "200", "Content-Type: text/plain; version=0.0.4"},
	    {"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", "status_hosts"},
	    {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "421", "status_hosts"},
	    {"GET /healthz HTTP/1.0\r\n\r\n", "200", "\r\n\r\nok\n"},
	    {"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "Content-Length: 3\r\n"},
	    {"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "Content-Type: application/json\r\n"},
	    {"GET /status HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n", "200",
	     "\"processes\": []"},
	    {"GET /status HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,*/*;q=0.8\r\n\r\n", "302",
	     "Location: /\r\n"},
	    {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "<!doctype html>"},
	    {"GET /?range=90d&verdict=7 HTTP/1.1\r\nHost: localhost\r\n\r\n", "200",
	     "There is no verdict with that number."},
	    {"GET /site.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "Content-Type: text/javascript"},
	    {"GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "\r\n\r\n[]"},
	    {"GET /verdicts?limit=2&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "\r\n\r\n[]"},
	    {"GET /verdicts?limit=x&&&=after= HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "\r\n\r\n[]"},
	    {"GET /verdicts?standing=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "\r\n\r\n[]"},
	    {"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "200", "Content-Type: text/plain; version=0.0.4"},
	    {"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404",
	     "/metrics, /status, /verdicts, /users and /healthz"},
	    {"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "405", "Allow: GET, HEAD\r\n"},
	    {"nonsense\r\n\r\n", "400", "Connection: close\r\n"},
	    {"GET /status HTTP/1.1\n\n", "400", "Connection: close\r\n"},
	};
	struct fixture *f = *state;
	char said[65536];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = client(f, "status");

		say(fd, rows[i].request, strlen(rows[i].request));
		receive(f, fd, false, said, sizeof said);
		if (strncmp(said + 9, rows[i].status, 3) != 0 || !strstr(said, rows[i].has))
			fail_msg("%s answered %s", rows[i].request, said);
		close(fd);
	}
}

static void a_person_reads_rooms_as_text_not_markup(void **state)
{
	struct fixture *f = *state;
	struct msg_process r = {.process = PROCESS_PROXY, .state = PROCESS_READY, .serial = 17, .pid = 4711};
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int fd = client(f, "status");
	char said[65536];

	assert_int_equal(channel_send(f->supervisor, MSG_PROCESS_STATE, 16, 0, &r, sizeof r), 0);
	turn(f);
	say(fd, request, strlen(request));
	receive(f, fd, false, said, sizeof said);
	assert_non_null(strstr(said, "<th scope=row>proxy<td data-label=\"State\" class=\"ready\">ready"));
	assert_non_null(strstr(said, ">4711<td data-label=\"Restarts\" class=\"figure\">0"));
	assert_non_null(strstr(said, "Content-Security-Policy: default-src 'none'"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(requests, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_request_in_pieces_and_two_in_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_reload_tells_its_outcome, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_monitor_that_ends_leaves_nobody_waiting, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_monitor_that_ends_refuses_what_it_cannot_do, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_run_names_a_section, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_run_ends_when_every_section_has, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_left_gets_no_answer, setup, teardown),
	    cmocka_unit_test_setup_teardown(users_are_listed_in_slices, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_leaves_ends_his_list, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_status_is_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(pages, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_person_reads_rooms_as_text_not_markup, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
