/* SPDX-License-Identifier: MIT */
/* The played host that authors of plugins test with: it behaves as the daemon does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/testhost/testhost.h"

/* ---- a plugin that does what the test says ------------------------------------------------------------- */

static char noted[1024];

static void note(const char *fmt, ...) T3OPS_PRINTF(1, 2);
static void note(const char *fmt, ...)
{
	size_t at = strlen(noted);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(noted + at, sizeof noted - at, fmt, ap);
	va_end(ap);
}

#define NOTED(text)                                                                                                  \
	do {                                                                                                         \
		assert_string_equal(noted, text);                                                                    \
		noted[0] = '\0';                                                                                     \
	} while (0)

static enum t3ops_next next;

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	note("%s %s;", ctx->host->request_method(ctx, r), ctx->host->request_target(ctx, r));
	return next;
}

static enum t3ops_next on_identity(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct t3ops_user user = {.struct_size = sizeof user};
	bool known = ctx->host->request_user(ctx, r, &user);

	note("%s %d;", known ? user.name : "-", ctx->host->request_is_of(ctx, r, "alice"));
	return T3OPS_NEXT;
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	ctx->state = leg;
	note("open;");
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
	note("ping;");
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
	note("close;");
}

static void on_ran(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg)
{
	(void)ctx;
	note("ran %d %d %s;", ran->error, ran->exit_code, ran->out);
	*(bool *)arg = true;
}

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	bool done = false;

	ctx->host->command(ctx, "tool", user->name, on_ran, &done);
	ctx->host->report(ctx, "asked", "%s", user->name);
	return ctx->host->wait(ctx, &done, 2000000);
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	(void)ctx;
	note("%s '%s' %s;", e->kind, e->user, e->json);
}

static void stop(struct t3ops_ctx *ctx)
{
	(void)ctx;
	note("stop;");
}

static const struct t3ops_option options[] = {
    {"word", T3OPS_OPT_STRING, "hello", 0, 0, "A word."},
    {"words", T3OPS_OPT_LIST, "a  b", 0, 0, "Words."},
    {"pause", T3OPS_OPT_DURATION, "2s", 0, 0, "How long."},
    {"size", T3OPS_OPT_BYTES, "4K", 0, 0, "How much."},
    {"at", T3OPS_OPT_TIME, "", 0, 0, "When."},
    {"number", T3OPS_OPT_INT, "7", 1, 9, "A number."},
    {"yes", T3OPS_OPT_BOOL, "yes", 0, 0, "Whether."},
};

static const double bounds[] = {1, 2};

static const struct t3ops_metric metrics[] = {
    {.name = "t3ops_test_total", .type = T3OPS_COUNTER, .labels = {"kind"}, .help = "Counted."},
    {.name = "t3ops_test_level", .type = T3OPS_GAUGE, .help = "Level."},
    {.name = "t3ops_test_seconds", .type = T3OPS_HISTOGRAM, .buckets = bounds, .n_buckets = 2, .help = "Time."},
};

static const struct t3ops_plugin plugin = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY | T3OPS_ROLE_LEG | T3OPS_ROLE_JOB | T3OPS_ROLE_WATCH,
    .name = "played",
    .version = "1.0",
    .summary = "does what the test says",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .stop = stop,
    .on_request = on_request,
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
    .run = run,
    .on_event = on_event,
};

static struct testhost *h;
static const struct t3ops_host *host;
static struct t3ops_ctx *ctx;

static int setup(void **state)
{
	(void)state;
	h = testhost_new(&plugin, NULL);
	testhost_user(h, &(const struct t3ops_user){.name = "alice", .port = 3773});
	ctx = testhost_ctx(h);
	host = ctx->host;
	noted[0] = '\0';
	next = T3OPS_NEXT;
	return testhost_start(h);
}

static int teardown(void **state)
{
	(void)state;
	testhost_free(h);
	return 0;
}

/* ---- tests ------------------------------------------------------------------------------------------------ */

/* A plugin may ask for any of them. */
static void every_service_is_there(void **state)
{
	const unsigned char *at = (const unsigned char *)host + offsetof(struct t3ops_host, now_us);
	void (*member)(void);

	(void)state;
	for (size_t i = 0; i < (sizeof *host - offsetof(struct t3ops_host, now_us)) / sizeof member; i++) {
		memcpy(&member, at + i * sizeof member, sizeof member);
		if (member == NULL)
			fail_msg("member %zu of struct t3ops_host is NULL", i);
	}
}

static void options_are_typed(void **state)
{
	static const char *const given[] = {"word=", "words=x", "at=03:30", "yes=false", NULL};
	struct testhost *other = testhost_new(&plugin, given);
	struct t3ops_ctx *c = testhost_ctx(other);

	(void)state;
	assert_string_equal(host->opt_string(ctx, "word"), "hello");
	assert_int_equal(host->opt_count(ctx, "words"), 2);
	assert_string_equal(host->opt_item(ctx, "words", 1), "b");
	assert_null(host->opt_item(ctx, "words", 2));
	assert_int_equal(host->opt_int(ctx, "pause"), 2000000);
	assert_int_equal(host->opt_int(ctx, "size"), 4096);
	assert_int_equal(host->opt_int(ctx, "at"), -1);
	assert_int_equal(host->opt_int(ctx, "number"), 7);
	assert_true(host->opt_bool(ctx, "yes"));
	assert_string_equal(c->host->opt_string(c, "word"), "");
	assert_int_equal(c->host->opt_count(c, "words"), 1);
	assert_int_equal(c->host->opt_int(c, "at"), 210);
	assert_false(c->host->opt_bool(c, "yes"));
	testhost_free(other);
}

static void on_timer(struct t3ops_ctx *c, void *arg)
{
	note("%s at %u;", (const char *)arg, (unsigned)((c->host->now_us(c) - 1000000000) / 1000));
}

static void time_stands_still(void **state)
{
	static char once[] = "once", every[] = "every", soon[] = "soon", stopped[] = "stopped";
	struct t3ops_timer *t;

	(void)state;
	host->timer_start(ctx, 5000, 0, on_timer, once);
	t = host->timer_start(ctx, 3000, 2000, on_timer, every);
	host->timer_start(ctx, 0, 0, on_timer, soon);
	host->timer_stop(ctx, host->timer_start(ctx, 1000, 0, on_timer, stopped));
	NOTED("");
	testhost_advance(h, 0);
	NOTED("soon at 0;");
	testhost_advance(h, 7);
	NOTED("every at 3;once at 5;every at 5;every at 7;");
	host->timer_stop(ctx, t);
	testhost_advance(h, 100);
	NOTED("");
	assert_int_equal(testhost_now_us(h), 1000107000);
	assert_string_equal(testhost_bugs(h), "");
	host->timer_stop(ctx, t);
	assert_non_null(strstr(testhost_bugs(h), "timer_stop"));
}

static void on_ready(struct t3ops_ctx *c, uint32_t ready, void *arg)
{
	(void)c;
	note("ready %u %d;", ready, *(int *)arg);
}

static void descriptors_are_real(void **state)
{
	struct t3ops_fd_watch *w;
	int fds[2];

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), errno);
	w = host->fd_watch(ctx, fds[0], T3OPS_FD_READABLE, on_ready, &fds[0]);
	assert_false(testhost_poll(h, 0));
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(testhost_poll(h, 1000));
	assert_non_null(strstr(noted, "ready 1 "));
	host->fd_unwatch(ctx, w);
	assert_false(testhost_poll(h, 0));
	host->fd_watch(ctx, fds[0], T3OPS_FD_WRITABLE, on_ready, &fds[0]);
	testhost_stop(h);
	assert_int_equal(testhost_left(h), 1);
	assert_int_equal(write(fds[0], "x", 1), 1); /* not closed */
	close(fds[0]);
	close(fds[1]);
}

static void on_step(struct t3ops_ctx *c, uint32_t step, void *arg)
{
	(void)arg;
	note("%s ", c->host->step_name(c, step));
}

static void on_fetched(struct t3ops_ctx *c, const struct t3ops_fetched *f, void *arg)
{
	const char *x = f->header(f, "x", 0);

	(void)arg;
	note("%d %s %d '%s' %s %s;", f->error, c->host->step_name(c, f->step), f->status, f->body, x ? x : "-",
	     f->error ? c->host->reason_name(c, c->host->fetch_reason(c, f->error, f->step)) : "");
}

static uint64_t ask(const char *url)
{
	const struct t3ops_fetch f = {
	    .struct_size = sizeof f, .url = url, .on_step = on_step, .timeout_us = 1000000, .max_body = 8};

	return host->fetch(ctx, &f, on_fetched, NULL);
}

static void fetches_are_answered(void **state)
{
	const struct testhost_answer page = {
	    .body = "hi", .headers = (const char *const[]){"X:  y", NULL}, .after_ms = 5, .times = 1};
	const struct testhost_answer large = {.body = "123456789", .times = 1}, late = {.after_ms = 1000, .times = 1};
	const struct testhost_answer refused = {.error = -ECONNREFUSED, .step = T3OPS_STEP_CONNECT};

	(void)state;
	testhost_answer(h, "http://a/", &page);
	testhost_answer(h, "http://a/", &large);
	testhost_answer(h, "http://a/", &late);
	testhost_answer(h, NULL, &refused);
	testhost_resolves(h, "gone.example", false);
	assert_int_not_equal(ask("http://a/1"), 0);
	testhost_advance(h, 4);
	NOTED("");
	testhost_advance(h, 1);
	NOTED("http 0 open 200 'hi' y ;");
	ask("http://a/2");
	testhost_advance(h, 0);
	assert_non_null(strstr(noted, "-27 http 0 '' -"));
	noted[0] = '\0';
	ask("http://a/3");
	testhost_advance(h, 999);
	NOTED("");
	testhost_advance(h, 1);
	NOTED("http -110 http 0 '' - http_timeout;");
	ask("http://b/");
	testhost_advance(h, 0);
	NOTED("connect -111 connect 0 '' - refused;");
	ask("http://gone.example:80/");
	testhost_advance(h, 0);
	NOTED("-2 dns 0 '' - dns;");
	assert_int_equal(testhost_fetches(h), 5);
	assert_string_equal(testhost_fetch_at(h, 4)->url, "http://gone.example:80/");
	host->fetch_cancel(ctx, ask("http://b/"));
	ask("http://b/");
	assert_int_equal(testhost_fetching(h), 1);
	testhost_stop(h);
	testhost_advance(h, 10);
	NOTED("stop;");
	assert_int_equal(testhost_left(h), 1);
}

static void ws_on_step(struct t3ops_ctx *c, struct t3ops_ws *ws, uint32_t step, void *arg)
{
	(void)ws, (void)arg;
	note("%s;", c->host->step_name(c, step));
}

static void ws_on_open(struct t3ops_ctx *c, struct t3ops_ws *ws, void *arg)
{
	(void)arg;
	note("open;");
	c->host->ws_send(c, ws, T3OPS_WS_TEXT, "hello", 5);
}

static void ws_on_message(struct t3ops_ctx *c, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	(void)c, (void)ws, (void)arg;
	note("%d:%.*s;", op, (int)len, (const char *)data);
}

static void ws_on_end(struct t3ops_ctx *c, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	(void)ws, (void)arg;
	note("end %s %s %d;", c->host->step_name(c, end->step), c->host->reason_name(c, end->reason), end->code);
}

static struct t3ops_ws *ws_open(const char *url)
{
	static const struct t3ops_ws_handler handler = {.struct_size = sizeof handler,
	                                                .on_step = ws_on_step,
	                                                .on_open = ws_on_open,
	                                                .on_message = ws_on_message,
	                                                .on_end = ws_on_end,
	                                                .max_message = 8};
	const struct t3ops_ws_open o = {.struct_size = sizeof o, .url = url};

	return host->ws_open(ctx, &o, &handler, NULL);
}

static void websockets_have_another_end(void **state)
{
	struct t3ops_ws *ws = ws_open("wss://a/");

	(void)state;
	assert_ptr_equal(testhost_ws(h), ws);
	assert_string_equal(testhost_ws_asked(ws)->url, "wss://a/");
	assert_int_equal(host->ws_send(ctx, ws, T3OPS_WS_TEXT, "x", 1), -ENOTCONN);
	testhost_ws_step(ws, T3OPS_STEP_TLS);
	testhost_ws_accept(ws);
	NOTED("tls;http;open;");
	assert_string_equal(testhost_ws_sent_at(h, 0)->data, "hello");
	testhost_ws_receive(ws, T3OPS_WS_PONG, "abc", 3);
	NOTED("10:abc;");
	testhost_ws_receive(ws, T3OPS_WS_TEXT, "123456789", 9);
	NOTED("end open protocol 1009;");
	ws_open("wss://b/");
	testhost_advance(h, 10000);
	NOTED("end dns connect_timeout 0;");
	testhost_resolves(h, "c", false);
	ws_open("wss://c/");
	testhost_advance(h, 0);
	NOTED("end dns dns 0;");
	ws = ws_open("wss://d/");
	testhost_ws_accept(ws);
	host->ws_close(ctx, ws, 1000);
	assert_int_equal(testhost_ws_close_code(h), 1000);
	assert_null(testhost_ws(h));
	assert_string_equal(testhost_bugs(h), "");
}

static void legs_live_as_in_the_prober(void **state)
{
	const struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_TLS, .reason = T3OPS_R_TLS, .text = "no"};
	struct t3ops_leg *leg = testhost_leg(h, "alice");
	const struct testhost_leg_seen *seen = testhost_leg_seen(leg);

	(void)state;
	assert_string_equal(host->leg_user(ctx, leg)->name, "alice");
	testhost_leg_open(h, leg);
	host->leg_reached(ctx, leg, T3OPS_STEP_TLS);
	assert_int_equal(seen->step, T3OPS_STEP_TLS);
	host->leg_down(ctx, leg, &end);
	NOTED("open;"); /* leg_close never comes inside */
	testhost_advance(h, 0);
	NOTED("close;");
	assert_int_equal(seen->reason, T3OPS_R_TLS);
	testhost_leg_open(h, leg);
	host->leg_up(ctx, leg);
	testhost_leg_ping(h, leg);
	testhost_leg_ping(h, leg);
	NOTED("open;ping;");
	host->leg_pong(ctx, leg, 5);
	assert_int_equal(seen->pongs, 1);
	assert_string_equal(testhost_bugs(h), "");
	host->leg_pong(ctx, leg, 5);
	host->leg_up(ctx, leg);
	assert_string_equal(testhost_bugs(h),
	                    "leg_pong without a heartbeat that is out\nleg_up of a leg that is not opening\n");
	testhost_stop(h);
	NOTED("close;stop;");
}

static void requests_go_on_or_not(void **state)
{
	const struct testhost_request asked = {.target = "/x", .user = "alice"}, upgrade = {.upgrade = true};
	t3ops_request_id r = testhost_request(h, &asked);

	(void)state;
	NOTED("GET /x;");
	assert_int_equal(testhost_request_fate(h, r), TESTHOST_PASSED);
	next = T3OPS_WAIT;
	r = testhost_request(h, &asked);
	assert_int_equal(testhost_request_fate(h, r), TESTHOST_WAITING);
	host->request_respond(ctx, r, 200, NULL, "ok", 2);
	assert_string_equal(testhost_response_body(h, r), "ok");
	assert_int_equal(host->request_respond(ctx, r, 200, NULL, "ok", 2), -ESTALE);
	r = testhost_request(h, &asked);
	testhost_advance(h, 30000);
	assert_int_equal(testhost_request_fate(h, r), TESTHOST_DEADLINE);
	assert_int_equal(testhost_response_status(h, r), 503);
	testhost_request_end(h, r);
	assert_null(host->request_target(ctx, r));
	r = testhost_request(h, &upgrade);
	assert_non_null(host->request_accept_ws(
	    ctx, r,
	    &(const struct t3ops_ws_handler){
	        .struct_size = sizeof(struct t3ops_ws_handler), .on_message = ws_on_message, .on_end = ws_on_end},
	    NULL));
	noted[0] = '\0';
	testhost_ws_receive(testhost_ws(h), T3OPS_WS_TEXT, "hi", 2);
	testhost_ws_end(testhost_ws(h), T3OPS_R_EOF, 0);
	NOTED("1:hi;end open eof 0;");
	assert_string_equal(testhost_bugs(h), "");
	next = T3OPS_DONE;
	testhost_request(h, &asked);
	assert_non_null(strstr(testhost_bugs(h), "T3OPS_DONE"));
}

static void identities_are_asked_for(void **state)
{
	struct t3ops_plugin proving = plugin;
	struct testhost *other;

	(void)state;
	proving.on_identity = on_identity;
	other = testhost_new(&proving, NULL);
	testhost_user(other, &(const struct t3ops_user){.name = "alice", .port = 3773});
	assert_int_equal(testhost_start(other), 0);
	testhost_request(other, &(const struct testhost_request){.user = "alice"});
	NOTED("alice 1;GET /;");
	testhost_request(other, &(const struct testhost_request){.identity = "bob"});
	NOTED("- 0;GET /;");
	testhost_request(other, &(const struct testhost_request){.identity = NULL});
	NOTED("GET /;");
	testhost_free(other);
	noted[0] = '\0';
}

static void jobs_wait_by_the_clock(void **state)
{
	const struct testhost_ran good = {.exit_code = 3, .out = "out", .after_ms = 1500, .times = 1};
	const struct testhost_ran slow = {.after_ms = 2001};

	(void)state;
	assert_int_equal(testhost_run(h, "alice", false), 0);
	NOTED("ran -2 0 ;");
	testhost_command(h, "tool", &good);
	testhost_command(h, "tool", &slow);
	assert_int_equal(testhost_run(h, "alice", false), 0);
	NOTED("ran 0 3 out;");
	assert_int_equal(testhost_now_us(h), 1001500000);
	assert_string_equal(testhost_reported(h, "asked"), "alice");
	assert_string_equal(testhost_command_at(h, 1), "tool alice");
	assert_int_equal(testhost_run(h, "alice", false), -ETIMEDOUT);
	testhost_stop(h);
	NOTED("stop;");
	assert_int_equal(testhost_left(h), 1);
}

static void what_it_says_is_kept(void **state)
{
	(void)state;
	host->count(ctx, 0, (const char *const[]){"a"}, 2);
	host->count(ctx, 0, (const char *const[]){"a"}, 1);
	host->gauge(ctx, 1, NULL, 4.5);
	host->observe(ctx, 2, NULL, 1.5);
	assert_true(testhost_metric(h, "t3ops_test_total", (const char *const[]){"a"}) == 3);
	assert_true(testhost_metric(h, "t3ops_test_total", (const char *const[]){"b"}) == 0);
	assert_true(testhost_metric(h, "t3ops_test_level", NULL) == 4.5);
	assert_true(testhost_metric(h, "t3ops_test_seconds", NULL) == 1);
	assert_true(testhost_metric_sum(h, "t3ops_test_seconds", NULL) == 1.5);
	host->log(ctx, T3OPS_INFO, "thing_done", "%d", 5);
	host->emit(ctx, "note", "alice", 3, "text");
	host->option_fault(ctx, T3OPS_WARNING, "word", "odd");
	assert_string_equal(testhost_logged(h, "thing_done", 0)->text, "5");
	assert_string_equal(testhost_emitted(h, NULL, 0)->user, "alice");
	assert_int_equal(testhost_fault(h, "word", 0)->level, T3OPS_WARNING);
	assert_null(testhost_emitted(h, "note", 1));
	testhost_event(h, &(const struct t3ops_event){.kind = "verdict"});
	NOTED("verdict '' {};");
}

static void secrets_outlive(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(host->secret_load(ctx, "alice", out, sizeof out), -ENOENT);
	host->secret_save(ctx, "alice", "abc");
	assert_int_equal(host->secret_load(ctx, "alice", out, sizeof out), 3);
	assert_int_equal(host->secret_load(ctx, "alice", out, 3), -EFBIG);
	host->secret_save(ctx, "alice", NULL);
	assert_int_equal(host->secret_load(ctx, "alice", out, sizeof out), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_service_is_there),     TEST(options_are_typed),        TEST(time_stands_still),
	    TEST(descriptors_are_real),       TEST(fetches_are_answered),     TEST(websockets_have_another_end),
	    TEST(legs_live_as_in_the_prober), TEST(requests_go_on_or_not),    TEST(jobs_wait_by_the_clock),
	    TEST(what_it_says_is_kept),       TEST(identities_are_asked_for), TEST(secrets_outlive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
