/* SPDX-License-Identifier: MIT */
/* The services that every process offers its plugins, for one instance without a plugin behind it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin_host/host_services.h"
#include "plugin_host/host_state.h"
#include "plugin_host/plugin_call.h"
#include "plugin_host/plugin_host.h"
#include "users/users_reader.h"

#define MS      1000
#define HELPER  77
#define GIVE_UP 20. /* seconds; only a broken build ever waits so long */

static char *words[] = {"a", "b c"};
static struct named_value values[] = {
    {"yes", {.type = T3OPS_OPT_BOOL, .number = 1}},
    {"no", {.type = T3OPS_OPT_BOOL}},
    {"pause", {.type = T3OPS_OPT_DURATION, .number = 1500 * MS}},
    {"word", {.type = T3OPS_OPT_STRING, .text = "hi"}},
    {"none", {.type = T3OPS_OPT_PATH, .text = ""}},
    {"list", {.type = T3OPS_OPT_LIST, .list = {.items = words, .n = 2}}},
};
static const struct plugin_section section = {.values = {.rows = values, .n = sizeof values / sizeof values[0]}};
static struct process_command commands[] = {{.name = "mint", .options.timeout_us = 60000 * MS},
                                            {.name = "quick", .options.timeout_us = 1}};
static const struct process_config config = {.commands = commands, .n_commands = 2};
static struct process process;
static struct plugin_host host;
static struct t3ops_instance instance;
static const struct t3ops_host *services;
static struct t3ops_ctx *ctx;
static int helper; /* the other end of the channel */

/* ---- the process around it ------------------------------------------------------------------------ */

static void nothing(void *arg, const struct msg_head *head, const void *payload)
{
	(void)arg, (void)head, (void)payload;
}

static void closed(void *arg)
{
	(void)arg;
}

static int setup(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(channel_pair(fds), 0);
	helper = fds[1];
	process = (struct process){.id = PROCESS_PROXY, .loop = ev_loop_new(EVFLAG_AUTO)};
	process.channel = channel_new(process.loop, fds[0], nothing, closed, NULL);
	process.config = &config;
	host = (struct plugin_host){.process = &process, .instances = &instance, .n = 1, .budget_us = UINT64_MAX};
	host.fetcher = fetcher_new(process.loop);
	host_services_fill(&host.services);
	instance = (struct t3ops_instance){.host = &host};
	instance.section = &section;
	instance.ctx = (struct t3ops_ctx){.host = &host.services, .instance = &instance, .name = "one"};
	services = &host.services;
	ctx = &instance.ctx;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_services_release(&instance);
	fetcher_free(host.fetcher);
	channel_free(process.channel);
	close(helper);
	ev_loop_destroy(process.loop);
	return 0;
}

static void on_give_up(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("nothing happened for %.0f s", GIVE_UP);
}

/* Runs the loop until the counter is there. */
static void until(const int *counter, int n)
{
	struct ev_timer limit;

	ev_timer_init(&limit, on_give_up, GIVE_UP, 0.);
	ev_now_update(process.loop);
	ev_timer_start(process.loop, &limit);
	while (*counter < n)
		ev_run(process.loop, EVRUN_ONCE);
	ev_timer_stop(process.loop, &limit);
	assert_int_equal(*counter, n);
}

/* Runs a function that must end its process by abort(). */
static void expect_abort(void (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		function();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- options ----------------------------------------------------------------------------------------- */

static void test_options(void **state)
{
	(void)state;
	assert_true(services->opt_bool(ctx, "yes"));
	assert_false(services->opt_bool(ctx, "no"));
	assert_int_equal(services->opt_int(ctx, "pause"), 1500 * MS);
	assert_string_equal(services->opt_string(ctx, "word"), "hi");
	assert_string_equal(services->opt_string(ctx, "none"), "");
	assert_int_equal(services->opt_count(ctx, "list"), 2);
	assert_string_equal(services->opt_item(ctx, "list", 1), "b c");
	assert_null(services->opt_item(ctx, "list", 2));
}

static void undeclared(void)
{
	services->opt_int(ctx, "paws");
}

static void other_type(void)
{
	services->opt_string(ctx, "pause");
}

static void no_bool(void)
{
	services->opt_bool(ctx, "word");
}

static void test_option_bugs(void **state)
{
	(void)state;
	expect_abort(undeclared);
	expect_abort(other_type);
	expect_abort(no_bool);
}

/* ---- timers ------------------------------------------------------------------------------------------- */

static char order[16];
static int ticks;
static struct t3ops_timer *ticking;

static void on_letter(struct t3ops_ctx *c, void *arg)
{
	assert_ptr_equal(c, ctx);
	strcat(order, arg);
	ticks++;
}

static void test_timers_come_in_order(void **state)
{
	(void)state;
	order[0] = '\0';
	ticks = 0;
	assert_non_null(services->timer_start(ctx, 30 * MS, 0, on_letter, "c"));
	assert_non_null(services->timer_start(ctx, 10 * MS, 0, on_letter, "a"));
	ticking = services->timer_start(ctx, 15 * MS, 0, on_letter, "never");
	assert_non_null(services->timer_start(ctx, 20 * MS, 0, on_letter, "b"));
	services->timer_stop(ctx, ticking);
	services->timer_stop(ctx, NULL);
	until(&ticks, 3);
	assert_string_equal(order, "abc");
	assert_true(LIST_EMPTY(&instance.timers)); /* a one-shot timer is gone after its callback */
}

static void on_tick(struct t3ops_ctx *c, void *arg)
{
	(void)arg;
	assert_int_equal(host.depth, 1); /* the watchdog can name it */
	assert_string_equal(host.calls[0].callback, "timer");
	if (++ticks == 3)
		c->host->timer_stop(c, ticking);
}

static void test_timer_repeats_until_stopped_inside(void **state)
{
	(void)state;
	ticks = 0;
	ticking = services->timer_start(ctx, MS, MS, on_tick, NULL);
	until(&ticks, 3);
	assert_true(LIST_EMPTY(&instance.timers));
	assert_int_equal(host.depth, 0);
	services->timer_start(ctx, 20 * MS, 0, on_letter, "");
	until(&ticks, 4); /* nothing else came meanwhile */
}

static void test_timers_end_with_the_instance(void **state)
{
	(void)state;
	ticks = 0;
	services->timer_start(ctx, 0, MS, on_letter, "");
	services->timer_start(ctx, 0, 0, on_letter, "");
	host_services_release(&instance);
	assert_true(LIST_EMPTY(&instance.timers));
	ev_run(process.loop, EVRUN_NOWAIT);
	assert_int_equal(ticks, 0);
}

/* ---- descriptors of a plugin's own ---------------------------------------------------------------------- */

static struct t3ops_fd_watch *watch;
static uint32_t ready_for;

static void on_ready(struct t3ops_ctx *c, uint32_t ready, void *arg)
{
	int fd = *(int *)arg;
	char byte;

	assert_string_equal(host.calls[0].callback, "fd_watch");
	ready_for |= ready;
	ticks++;
	if ((ready & T3OPS_FD_READABLE) && (read(fd, &byte, 1) != 1 || byte == 'x')) {
		c->host->fd_unwatch(c, watch); /* and close it at once */
		close(fd);
	}
}

static void test_watch_until_unwatched_inside(void **state)
{
	int ends[2];

	(void)state;
	ticks = 0;
	ready_for = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	watch = services->fd_watch(ctx, ends[0], T3OPS_FD_READABLE, on_ready, &ends[0]);
	assert_non_null(watch);
	assert_int_equal(write(ends[1], "a", 1), 1);
	until(&ticks, 1);
	assert_false(LIST_EMPTY(&instance.watches));
	assert_int_equal(write(ends[1], "x", 1), 1);
	until(&ticks, 2);
	assert_true(LIST_EMPTY(&instance.watches));
	assert_int_equal(ready_for, T3OPS_FD_READABLE);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	close(ends[1]);
}

static void test_watches_end_with_the_instance(void **state)
{
	int ends[2];

	(void)state;
	ticks = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	services->fd_watch(ctx, ends[0], T3OPS_FD_READABLE | T3OPS_FD_WRITABLE, on_ready, &ends[0]);
	services->fd_unwatch(ctx, NULL);
	host_services_release(&instance);
	assert_true(LIST_EMPTY(&instance.watches));
	ev_run(process.loop, EVRUN_NOWAIT);
	assert_int_equal(ticks, 0);
	close(ends[0]);
	close(ends[1]);
}

/* ---- commands ------------------------------------------------------------------------------------------ */

static int n_ran;
static struct t3ops_ran last;
static char output[32];

static void on_ran(struct t3ops_ctx *c, const struct t3ops_ran *ran, void *arg)
{
	assert_ptr_equal(c, ctx);
	assert_ptr_equal(arg, &n_ran);
	last = *ran;
	snprintf(output, sizeof output, "%s", ran->out);
	n_ran++;
}

/* What the helper was asked. */
static struct msg_head asked(struct msg_run *run)
{
	char bytes[sizeof(struct msg_head) + sizeof *run];
	struct msg_head head;

	assert_int_equal(recv(helper, bytes, sizeof bytes, 0), sizeof bytes);
	memcpy(&head, bytes, sizeof head);
	memcpy(run, bytes + sizeof head, sizeof *run);
	return head;
}

static void test_command(void **state)
{
	struct {
		struct msg_ran ran;
		char out[5];
	} answer = {.ran = {.exit_code = 3, .took_us = 7, .out_len = 5}, .out = {'h', 'e', 'l', 'l', 'o'}};
	struct msg_head head, reply = {.type = MSG_RAN, .from = HELPER, .len = sizeof answer.ran + 5};
	struct msg_run run;

	(void)state;
	n_ran = 0;
	assert_int_not_equal(services->command(ctx, "mint", "bob", on_ran, &n_ran), 0);
	head = asked(&run);
	assert_int_equal(head.type, MSG_RUN);
	assert_string_equal(run.name, "mint");
	assert_string_equal(run.user, "bob");
	reply.id = head.id + 1;
	assert_false(plugin_host_message(&host, &reply, &answer));
	assert_int_equal(n_ran, 0);
	reply.id = head.id;
	assert_true(plugin_host_message(&host, &reply, &answer));
	assert_int_equal(n_ran, 1);
	assert_int_equal(last.error, 0);
	assert_int_equal(last.exit_code, 3);
	assert_string_equal(output, "hello");
	assert_false(plugin_host_message(&host, &reply, &answer)); /* once */
}

static void test_command_without_helper(void **state)
{
	struct msg_head reply = {.type = MSG_UNREACHABLE};
	struct msg_run run;

	(void)state;
	n_ran = 0;
	services->command(ctx, "mint", "bob", on_ran, &n_ran);
	reply.id = asked(&run).id;
	assert_true(plugin_host_message(&host, &reply, NULL));
	assert_int_equal(n_ran, 1);
	assert_int_equal(last.error, -EHOSTDOWN);
	services->command(ctx, "brew", "bob", on_ran, &n_ran);
	assert_int_equal(n_ran, 1); /* never from inside */
	until(&n_ran, 2);
	assert_int_equal(last.error, -ENOENT);
}

/* A job that copied for minutes asks: the limit is that of the command, not of the loop's last look at the clock. */
static void test_command_after_long_work(void **state)
{
	struct msg_run run;

	(void)state;
	n_ran = 0;
	ev_run(process.loop, EVRUN_NOWAIT);
	usleep(3500 * 1000); /* longer than the helper is given beyond the timeout */
	services->command(ctx, "quick", "bob", on_ran, &n_ran);
	asked(&run);
	ev_run(process.loop, EVRUN_NOWAIT);
	ev_run(process.loop, EVRUN_NOWAIT);
	assert_int_equal(n_ran, 0);
}

static void test_commands_end_with_the_instance(void **state)
{
	struct msg_head reply = {.type = MSG_UNREACHABLE};
	struct msg_run run;

	(void)state;
	n_ran = 0;
	services->command(ctx, "mint", "bob", on_ran, &n_ran);
	reply.id = asked(&run).id;
	host_services_release(&instance);
	assert_false(plugin_host_message(&host, &reply, NULL));
	assert_int_equal(n_ran, 0);
}

/* ---- users, services between plugins, reasons ------------------------------------------------------------ */

static void test_user_find(void **state)
{
	char path[] = "/tmp/t3ops-users.XXXXXX";
	struct users_source source = {.path = path, .env_pattern = "/nonexistent/%u"};
	struct t3ops_user found = {.struct_size = sizeof found};
	struct users_reader *reader;
	int fd = mkstemp(path);

	(void)state;
	assert_false(services->user_find(ctx, "bob", &found)); /* a process without a table */
	assert_true(fd >= 0 && dprintf(fd, "bob=10.0.0.7:3773\n") > 0);
	reader = users_reader_start(process.loop, &source);
	assert_non_null(reader);
	while (!users_reader_has_result(reader))
		ev_run(process.loop, EVRUN_ONCE);
	host.users = users_new(reader, NULL, users_state_log, NULL);
	assert_non_null(host.users);
	assert_true(services->user_find(ctx, "bob", &found));
	assert_string_equal(found.name, "bob");
	assert_string_equal(found.host, "10.0.0.7");
	assert_int_equal(found.port, 3773);
	assert_false(services->user_find(ctx, "eve", &found));
	users_free(host.users);
	unlink(path);
	close(fd);
}

static void test_services_between_plugins(void **state)
{
	static const int table = 1, other = 2;

	(void)state;
	assert_null(services->service(ctx, "pairing"));
	assert_int_equal(services->provide(ctx, "pairing", &table), 0);
	assert_ptr_equal(services->service(ctx, "pairing"), &table);
	assert_ptr_equal(plugin_host_provided(&host, "pairing"), &table);
	assert_int_equal(services->provide(ctx, "pairing", &other), -EEXIST);
	assert_null(services->service(ctx, "pair"));
}

static void test_reasons(void **state)
{
	(void)state;
	assert_int_equal(services->fetch_reason(ctx, -ECONNREFUSED, T3OPS_STEP_CONNECT), T3OPS_R_REFUSED);
	assert_int_equal(services->fetch_reason(ctx, -ETIMEDOUT, T3OPS_STEP_HTTP), T3OPS_R_HTTP_TIMEOUT);
	assert_int_equal(services->status_reason(ctx, 302), T3OPS_R_WALLED_OFF);
	assert_int_equal(services->status_reason(ctx, 500), T3OPS_R_HTTP_STATUS);
}

/* What a leg reports of a transfer: error or status, step, reason and code. */
static void test_fetch_ends(void **state)
{
	static const struct {
		int error;
		uint32_t step;
		int status;
		const char *end; /* NULL: as expected */
	} rows[] = {
	    {0, T3OPS_STEP_OPEN, 200, NULL},
	    {0, T3OPS_STEP_OPEN, 204, "http http_status 204"},
	    {0, T3OPS_STEP_OPEN, 302, "http walled_off 302"},
	    {0, T3OPS_STEP_OPEN, 530, "http http_status 530"},
	    {-ENOENT, T3OPS_STEP_DNS, 0, "dns dns 0"},
	    {-ECONNREFUSED, T3OPS_STEP_CONNECT, 0, "connect refused 0"},
	    {-ETIMEDOUT, T3OPS_STEP_CONNECT, 0, "connect connect_timeout 0"},
	    {-EKEYREJECTED, T3OPS_STEP_TLS, 0, "tls tls 0"},
	    {-ETIMEDOUT, T3OPS_STEP_HTTP, 0, "http http_timeout 0"},
	    {-ENODATA, T3OPS_STEP_HTTP, 0, "http eof 0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct t3ops_fetched f = {
		    .error = rows[i].error, .step = rows[i].step, .status = rows[i].status, .error_text = "why"};
		struct t3ops_ws_end end = {.struct_size = sizeof end};
		char text[64];

		assert_int_equal(services->fetch_end(ctx, &f, 200, &end), rows[i].end != NULL);
		assert_int_equal(end.struct_size, sizeof end);
		if (!rows[i].end)
			continue;
		snprintf(text, sizeof text, "%s %s %d", services->step_name(ctx, end.step),
		         services->reason_name(ctx, end.reason), end.code);
		assert_string_equal(text, rows[i].end);
		assert_string_equal(end.text, rows[i].error ? "why" : "");
	}
}

static int n_fetched;

static void on_fetched(struct t3ops_ctx *c, const struct t3ops_fetched *f, void *arg)
{
	(void)arg;
	assert_ptr_equal(c, ctx);
	assert_int_equal(f->error, -EINVAL);
	n_fetched++;
}

/* The members beyond a plugin's struct_size are not there. */
static void test_fetch(void **state)
{
	struct t3ops_fetch what = {.struct_size = offsetof(struct t3ops_fetch, on_step),
	                           .url = "gopher://127.0.0.1/"};
	uint64_t id;

	(void)state;
	memset(&what.on_step, 0xff, sizeof what.on_step);
	n_fetched = 0;
	assert_int_not_equal(services->fetch(ctx, &what, on_fetched, NULL), 0);
	assert_int_equal(n_fetched, 0);
	until(&n_fetched, 1);
	id = services->fetch(ctx, &what, on_fetched, NULL);
	services->fetch_cancel(ctx, id);
	services->fetch_cancel(ctx, id); /* a stale id is fine */
	services->fetch(ctx, &what, on_fetched, NULL);
	host_services_release(&instance);
	ev_run(process.loop, EVRUN_NOWAIT);
	assert_int_equal(n_fetched, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_options),
	    T(test_option_bugs),
	    T(test_timers_come_in_order),
	    T(test_timer_repeats_until_stopped_inside),
	    T(test_timers_end_with_the_instance),
	    T(test_watch_until_unwatched_inside),
	    T(test_watches_end_with_the_instance),
	    T(test_command),
	    T(test_command_without_helper),
	    T(test_command_after_long_work),
	    T(test_commands_end_with_the_instance),
	    T(test_user_find),
	    T(test_services_between_plugins),
	    T(test_reasons),
	    T(test_fetch_ends),
	    T(test_fetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
