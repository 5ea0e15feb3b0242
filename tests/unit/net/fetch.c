/* SPDX-License-Identifier: MIT */
/* fetch against real sockets: answers, every way to fail, limits, cancelling inside callbacks. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/fetch.h"
#include "../tiny_server.h"

#define MS      UINT64_C(1000)
#define GIVE_UP 20. /* seconds; only a broken build ever waits so long */

static struct tiny_server server;
static struct ev_loop *loop;
static struct fetcher *fetcher;

/* What the last callback saw. */
struct seen {
	int calls;
	int error;
	unsigned step;
	int status;
	size_t len;
	char body[4096];
	char cookies[2][32];
	char text[256];
	uint64_t cancel; /* to cancel inside the callback */
	bool free_fetcher;
};

static void on_fetched(void *arg, const struct t3ops_fetched *f)
{
	struct seen *s = arg;

	s->calls++;
	s->error = f->error;
	s->step = f->step;
	s->status = f->status;
	s->len = f->body_len;
	snprintf(s->body, sizeof s->body, "%s", f->body);
	snprintf(s->text, sizeof s->text, "%s", f->error_text);
	for (size_t i = 0; i < 2; i++)
		snprintf(s->cookies[i], sizeof s->cookies[i], "%s", f->header(f, "Set-Cookie", i) ?: "-");
	assert_null(f->header(f, "Set-Cookie", 2));
	if (s->cancel)
		fetch_cancel(fetcher, s->cancel);
	if (s->free_fetcher) {
		fetcher_free(fetcher);
		fetcher = NULL;
	}
	ev_break(loop, EVBREAK_ONE);
}

static void on_late(struct ev_loop *l, struct ev_timer *w, int revents)
{
	(void)w, (void)revents;
	ev_break(l, EVBREAK_ONE);
}

/* Runs the loop until `calls` callbacks came. */
static void run_until(const struct seen *s, int calls)
{
	struct ev_timer late;

	ev_timer_init(&late, on_late, GIVE_UP, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &late);
	while (s->calls < calls && ev_is_active(&late))
		ev_run(loop, 0);
	ev_timer_stop(loop, &late);
	assert_int_equal(s->calls, calls);
}

static const char *url(const char *path)
{
	static char text[256];

	snprintf(text, sizeof text, "http://127.0.0.1:%u%s", server.port, path);
	return text;
}

static struct seen fetch_one(struct t3ops_fetch what)
{
	struct seen s = {0};

	what.struct_size = sizeof what;
	assert_true(fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s) != 0);
	assert_int_equal(s.calls, 0); /* never from inside fetch_start */
	run_until(&s, 1);
	return s;
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	fetcher = fetcher_new(loop);
	return loop && fetcher ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	ev_loop_destroy(loop);
	return 0;
}

static void test_answer(void **state)
{
	struct seen s = fetch_one((struct t3ops_fetch){.url = url("/ok")});

	(void)state;
	assert_int_equal(s.error, 0);
	assert_int_equal(s.step, T3OPS_STEP_OPEN);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.len, 2);
	assert_string_equal(s.body, "ok");
	assert_string_equal(s.cookies[0], "a=1; Path=/");
	assert_string_equal(s.cookies[1], "b=2");
	assert_string_equal(s.text, "");
}

static void test_status_is_no_error(void **state)
{
	static const int statuses[] = {302, 401, 404, 415, 500};

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		char path[32];
		struct seen s;

		snprintf(path, sizeof path, "/status/%d", statuses[i]);
		s = fetch_one((struct t3ops_fetch){.url = url(path)});
		assert_int_equal(s.error, 0);
		assert_int_equal(s.status, statuses[i]);
	}
}

static void test_request(void **state)
{
	static const char *const headers[] = {"Content-Type: application/json", "Cookie: c=1", NULL};
	struct seen s = fetch_one((struct t3ops_fetch){
	    .method = "POST", .url = url("/echo"), .headers = headers, .body = "{\"a\":1}", .body_len = 7});

	(void)state;
	assert_non_null(strstr(s.body, "POST /echo HTTP/1.1\r\n"));
	assert_non_null(strstr(s.body, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(s.body, "Cookie: c=1\r\n"));
	assert_non_null(strstr(s.body, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(s.body, "Expect"));

	s = fetch_one((struct t3ops_fetch){.method = "POST", .url = url("/echo"), .body = "x", .body_len = 1});
	assert_null(strstr(s.body, "Content-Type"));
	s = fetch_one((struct t3ops_fetch){.method = "DELETE", .url = url("/echo")});
	assert_non_null(strstr(s.body, "DELETE /echo"));
	s = fetch_one((struct t3ops_fetch){.method = "HEAD", .url = url("/status/200")});
	assert_int_equal(s.status, 200);
	assert_int_equal(s.len, 0);
}

static void test_no_proxy_from_the_environment(void **state)
{
	struct seen s;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	s = fetch_one((struct t3ops_fetch){.url = url("/ok")});
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(s.error, 0);
}

static void test_connect_to(void **state)
{
	char to[2][32];

	(void)state;
	snprintf(to[0], sizeof to[0], "127.0.0.1:%u", server.port);
	for (int i = 0; i < 2; i++) {
		char target[128];
		struct seen s;

		/* With and without a port: the URL's own port counts where none is given. */
		snprintf(to[1], sizeof to[1], "127.0.0.1");
		snprintf(target, sizeof target, "http://t3.example.com:%u/echo", i ? server.port : 80);
		s = fetch_one((struct t3ops_fetch){.url = target, .connect_to = to[i]});
		assert_int_equal(s.error, 0);
		assert_non_null(strstr(s.body, "Host: t3.example.com"));
	}
}

static void test_ipv6_connect_to(void **state)
{
	struct seen s;

	(void)state;
	/* Nobody listens there; what matters is that the address is understood, not looked up. */
	s = fetch_one((struct t3ops_fetch){.url = "http://t3.example.com:1/", .connect_to = "::1"});
	assert_int_not_equal(s.step, T3OPS_STEP_DNS);
	s = fetch_one((struct t3ops_fetch){.url = "http://t3.example.com/", .connect_to = "[::1]:1"});
	assert_int_not_equal(s.step, T3OPS_STEP_DNS);
}

static void test_failures(void **state)
{
	static const struct {
		const char *path;
		int error;
		int status;
	} cases[] = {
	    {"/close", -ENODATA, 0},  {"/reset", -ECONNRESET, 0}, {"/short", -ENODATA, 200},
	    {"/garbage", -EPROTO, 0}, {"/stall", -ETIMEDOUT, 0},  {"/drip", -ETIMEDOUT, 200},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen s = fetch_one(
		    (struct t3ops_fetch){.url = url(cases[i].path), .timeout_us = 300 * MS, .fresh = true});

		print_message("%s: %s\n", cases[i].path, s.text);
		assert_int_equal(s.error, cases[i].error);
		assert_int_equal(s.step, T3OPS_STEP_HTTP);
		assert_int_equal(s.status, cases[i].status);
		assert_string_not_equal(s.text, "");
		assert_null(strchr(s.text, '\n'));
	}
}

static void test_limits(void **state)
{
	struct seen s = fetch_one((struct t3ops_fetch){.url = url("/big/1000"), .max_body = 1000});

	(void)state;
	assert_int_equal(s.error, 0);
	assert_int_equal(s.len, 1000);
	s = fetch_one((struct t3ops_fetch){.url = url("/big/1001"), .max_body = 1000});
	assert_int_equal(s.error, -EFBIG);
	s = fetch_one((struct t3ops_fetch){.url = url("/big/262145")});
	assert_int_equal(s.error, -EFBIG);
	s = fetch_one((struct t3ops_fetch){.url = url("/headers/200000")});
	assert_int_equal(s.error, -EFBIG);
}

/* A port of 127.0.0.1 where nobody listens; or where nobody ever accepts, once it is full. */
static int bound_socket(uint16_t *port, bool listening)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	if (listening)
		assert_int_equal(listen(fd, 0), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void test_refused(void **state)
{
	uint16_t port;
	int fd = bound_socket(&port, false);
	char target[64];
	struct seen s;

	(void)state;
	snprintf(target, sizeof target, "http://127.0.0.1:%u/", port);
	s = fetch_one((struct t3ops_fetch){.url = target});
	assert_int_equal(s.error, -ECONNREFUSED);
	assert_int_equal(s.step, T3OPS_STEP_CONNECT);
	close(fd);
}

/* The steps of one transfer, as they were reported. */
struct steps {
	struct seen seen;
	unsigned n, step[8];
	uint64_t cancel_at; /* step at which it is cancelled */
	uint64_t id;
};

static void on_stepped(void *arg, uint32_t step)
{
	struct steps *s = arg;

	assert_int_equal(s->seen.calls, 0);
	assert_true(s->n < 8);
	s->step[s->n++] = step;
	if (step != s->cancel_at)
		return;
	fetch_cancel(fetcher, s->id);
	s->seen.calls++;
	ev_break(loop, EVBREAK_ONE);
}

static struct steps fetch_stepwise(const char *target, unsigned cancel_at)
{
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = target, .fresh = true, .timeout_us = 300 * MS};
	struct steps s = {.cancel_at = cancel_at};

	s.id = fetch_start(fetcher, &what, NULL, on_stepped, on_fetched, &s);
	run_until(&s.seen, 1);
	return s;
}

/* A number needs no look-up: the first step is the connection. */
static void test_steps(void **state)
{
	char target[64];
	uint16_t port;
	int fd = bound_socket(&port, false);
	struct steps s = fetch_stepwise(url("/ok"), 0);

	(void)state;
	assert_int_equal(s.seen.status, 200);
	assert_int_equal(s.step[0], T3OPS_STEP_CONNECT);
	assert_int_equal(s.step[s.n - 1], T3OPS_STEP_HTTP);
	snprintf(target, sizeof target, "http://127.0.0.1:%u/", port);
	s = fetch_stepwise(target, 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.step[0], T3OPS_STEP_CONNECT);
	snprintf(target, sizeof target, "https://127.0.0.1:%u/", server.port);
	s = fetch_stepwise(target, 0);
	assert_int_equal(s.step[s.n - 1], T3OPS_STEP_TLS);
	assert_int_equal(s.seen.step, T3OPS_STEP_TLS);
	s = fetch_stepwise(url("/never"), T3OPS_STEP_HTTP);
	assert_int_equal(s.seen.status, 0);
	assert_int_equal(s.step[s.n - 1], T3OPS_STEP_HTTP);
	close(fd);
}

static void test_numbers_need_no_lookup(void **state)
{
	static const struct t3ops_fetch cases[] = {
	    {.url = "http://127.0.0.1:1/", .interface = "nosuchdev0"},
	    {.url = "http://[::1]:1/", .interface = "nosuchdev0"},
	    {.url = "http://nowhere.invalid/", .connect_to = "127.0.0.1:1", .interface = "nosuchdev0"},
	    {.url = "http://127.0.0.1:1/", .ca_file = "/nonexistent"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(fetch_one(cases[i]).step, T3OPS_STEP_CONNECT);
}

static void test_connect_timeout(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint16_t port;
	int fd = bound_socket(&port, true);
	int fillers[4];
	char target[64];
	struct seen s;

	(void)state;
	a.sin_port = htons(port);
	for (size_t i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fillers[i], (struct sockaddr *)&a, sizeof a);
	}
	snprintf(target, sizeof target, "http://127.0.0.1:%u/", port);
	s = fetch_one((struct t3ops_fetch){.url = target, .timeout_us = 10000 * MS, .connect_timeout_us = 200 * MS});
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_int_equal(s.step, T3OPS_STEP_CONNECT);
	for (size_t i = 0; i < 4; i++)
		close(fillers[i]);
	close(fd);
}

static void test_tls_failures(void **state)
{
	char target[64];
	struct seen s;

	(void)state;
	/* The server takes a ClientHello for half a request: it waits for the rest. */
	snprintf(target, sizeof target, "https://127.0.0.1:%u/", server.port);
	s = fetch_one((struct t3ops_fetch){.url = target, .timeout_us = 300 * MS});
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_int_equal(s.step, T3OPS_STEP_TLS);
	s = fetch_one((struct t3ops_fetch){.url = target, .ca_file = "/nonexistent"});
	assert_int_equal(s.error, -EKEYREJECTED);
	assert_int_equal(s.step, T3OPS_STEP_TLS);
}

static void test_unsendable(void **state)
{
	static const char *const injected[] = {"Cookie: a\r\nX-Evil: 1", NULL};
	static const struct t3ops_fetch cases[] = {
	    {.url = NULL},
	    {.url = "ftp://127.0.0.1/"},
	    {.url = "file:///etc/passwd"},
	    {.url = "http://"},
	    {.url = "http://127.0.0.1:1/", .headers = injected},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen s = fetch_one(cases[i]);

		assert_int_equal(s.error, -EINVAL);
		assert_int_equal(s.status, 0);
		assert_string_not_equal(s.text, "");
	}
}

static void test_unknown_name(void **state)
{
	struct seen s = fetch_one((struct t3ops_fetch){.url = "http://nowhere.invalid/", .timeout_us = 5000 * MS});

	(void)state;
	assert_int_equal(s.step, T3OPS_STEP_DNS);
	assert_true(s.error == -ENOENT || s.error == -ETIMEDOUT);
}

static void test_unknown_interface(void **state)
{
	struct seen s = fetch_one((struct t3ops_fetch){.url = url("/ok"), .interface = "nosuchdev0"});

	(void)state;
	assert_int_not_equal(s.error, 0);
	assert_int_equal(s.step, T3OPS_STEP_CONNECT);
	s = fetch_one((struct t3ops_fetch){.url = url("/ok"), .interface = "127.0.0.1"});
	assert_int_equal(s.error, 0);
}

static void test_cancel(void **state)
{
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = url("/stall")};
	struct seen s = {0};
	struct seen never = {0};

	(void)state;
	/* One that runs, one that could not even start, one that does not exist. */
	uint64_t stalled = fetch_start(fetcher, &what, NULL, NULL, on_fetched, &never);
	what.url = "ftp://127.0.0.1/";
	uint64_t refused = fetch_start(fetcher, &what, NULL, NULL, on_fetched, &never);

	what.url = url("/ok");
	s.cancel = stalled;
	fetch_cancel(fetcher, refused);
	fetch_cancel(fetcher, 12345);
	s.cancel = stalled;
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s);
	run_until(&s, 1);
	fetch_cancel(fetcher, stalled);
	assert_int_equal(never.calls, 0);
}

/* The way to the server, or to a listener of ours that accepts nothing. */
static struct fetch_way way_make(struct dialer *dialer, uint16_t port, uid_t owner)
{
	struct fetch_way way = {
	    .dialer = dialer,
	    .target = {.user = "alice", .len = sizeof(struct sockaddr_in), .has_owner = true, .owner = owner}};
	struct sockaddr_in *v4 = (void *)&way.target.address;

	*v4 = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return way;
}

static uint16_t listen_only(int *fd)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(*fd, 16), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin_port);
}

static struct seen fetch_by(const struct fetch_way *way, struct t3ops_fetch what)
{
	struct seen s = {0};

	what.struct_size = sizeof what;
	assert_true(fetch_start(fetcher, &what, way, NULL, on_fetched, &s) != 0);
	assert_int_equal(s.calls, 0);
	run_until(&s, 1);
	return s;
}

/* The URL says what is asked for, the way where, and the owner whether. */
static void test_the_way_to_a_user(void **state)
{
	struct dialer dialer = {.loop = loop};
	struct fetch_way way, nowhere = {.target.user = "alice"};
	struct t3ops_fetch what = {.url = "http://192.0.2.1:9/echo", .timeout_us = 5000 * MS};
	struct seen s;
	int fd;

	(void)state;
	assert_int_equal(socket_owner_open(&dialer.owners), 0);
	way = way_make(&dialer, server.port, getuid());
	for (int i = 0; i < 3; i++) {
		s = fetch_by(&way, what);
		assert_int_equal(s.error, 0);
		assert_non_null(strstr(s.body, "Host: 192.0.2.1:9\r\n"));
	}
	way.target.owner++;
	s = fetch_by(&way, what);
	assert_int_equal(s.error, -EKEYREJECTED);
	assert_int_equal(s.step, T3OPS_STEP_CONNECT);
	assert_non_null(strstr(s.text, "a process of another account answers there"));
	s = fetch_by(&nowhere, what);
	assert_int_equal(s.error, -ENOKEY);
	way = way_make(&dialer, listen_only(&fd), getuid());
	what.timeout_us = 50 * MS;
	s = fetch_by(&way, what);
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_int_equal(s.step, T3OPS_STEP_CONNECT);
	close(fd);
	s = fetch_by(&way, what);
	assert_int_equal(s.error, -ECONNREFUSED);
	way = way_make(&dialer, server.port, getuid());
	what.url = url("/stall");
	s = fetch_by(&way, what);
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_int_equal(s.step, T3OPS_STEP_HTTP);
	socket_owner_close(&dialer.owners);
}

static void test_cancel_on_the_way(void **state)
{
	struct dialer dialer = {.loop = loop};
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = url("/ok")};
	struct seen s = {0}, never = {0};
	struct fetch_way way;
	int fd;

	(void)state;
	assert_int_equal(socket_owner_open(&dialer.owners), 0);
	way = way_make(&dialer, listen_only(&fd), getuid());
	s.cancel = fetch_start(fetcher, &what, &way, NULL, on_fetched, &never);
	fetch_start(fetcher, &what, &way, NULL, on_fetched, &never); /* left to fetcher_free */
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s);
	run_until(&s, 1);
	s.free_fetcher = true;
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s);
	run_until(&s, 2);
	assert_int_equal(never.calls, 0);
	close(fd);
	socket_owner_close(&dialer.owners);
}

static void test_cancel_of_a_finished_sibling(void **state)
{
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = "ftp://127.0.0.1/"};
	struct seen first = {0}, second = {0}, last = {0};

	(void)state;
	/* Three answers are due at once; the first cancels the second and, in vain, itself. */
	uint64_t self = fetch_start(fetcher, &what, NULL, NULL, on_fetched, &first);

	first.cancel = fetch_start(fetcher, &what, NULL, NULL, on_fetched, &second);
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &last);
	last.cancel = self;
	run_until(&last, 1);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
}

static void test_free_inside_a_callback(void **state)
{
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = url("/stall")};
	struct seen s = {.free_fetcher = true}, never = {0};

	(void)state;
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &never);
	what.url = url("/ok");
	fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s);
	run_until(&s, 1);
	assert_int_equal(never.calls, 0);
}

static void test_many_at_once(void **state)
{
	struct t3ops_fetch what = {.struct_size = sizeof what, .url = url("/ok")};
	struct seen s = {0};

	(void)state;
	for (int i = 0; i < 50; i++)
		fetch_start(fetcher, &what, NULL, NULL, on_fetched, &s);
	run_until(&s, 50);
	assert_int_equal(s.error, 0);
}

static int start_server(void **state)
{
	(void)state;
	tiny_server_start(&server);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	tiny_server_stop(&server);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_answer),
	    T(test_status_is_no_error),
	    T(test_request),
	    T(test_no_proxy_from_the_environment),
	    T(test_connect_to),
	    T(test_ipv6_connect_to),
	    T(test_failures),
	    T(test_limits),
	    T(test_refused),
	    T(test_steps),
	    T(test_numbers_need_no_lookup),
	    T(test_connect_timeout),
	    T(test_tls_failures),
	    T(test_unsendable),
	    T(test_unknown_name),
	    T(test_unknown_interface),
	    T(test_cancel),
	    T(test_the_way_to_a_user),
	    T(test_cancel_on_the_way),
	    T(test_cancel_of_a_finished_sibling),
	    T(test_free_inside_a_callback),
	    T(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
