/* SPDX-License-Identifier: MIT */
/* The example plugins that are installed: each does what its first lines say. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <t3ops/testhost.h>

#define SOON_MS 5000 /* only a broken build ever waits so long */

extern const struct t3ops_plugin t3ops_plugin_dns_leg, t3ops_plugin_home_space, t3ops_plugin_maintenance,
    t3ops_plugin_verdict_webhook;

static void end(struct testhost *h)
{
	testhost_stop(h);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

/* ---- dns_leg ----------------------------------------------------------------------------------------------- */

struct server {
	int fd;
	char option[48];
};

static struct server server_start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct server s = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	socklen_t len = sizeof a;

	assert_return_code(s.fd, errno);
	assert_return_code(bind(s.fd, (const struct sockaddr *)&a, sizeof a), errno);
	assert_return_code(getsockname(s.fd, (struct sockaddr *)&a, &len), errno);
	snprintf(s.option, sizeof s.option, "address=127.0.0.1:%u", ntohs(a.sin_port));
	return s;
}

/* With that id, or the one that was asked with. */
static void server_answer(const struct server *s, int wrong_id)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	unsigned char query[512];
	ssize_t n = recvfrom(s->fd, query, sizeof query, 0, (struct sockaddr *)&from, &len);

	assert_in_range(n, 12, sizeof query);
	query[1] = (unsigned char)(query[1] + wrong_id);
	query[2] |= 0x80;
	assert_int_equal(sendto(s->fd, query, (size_t)n, 0, (const struct sockaddr *)&from, len), n);
}

static struct t3ops_leg *leg_begin(const char *option, struct testhost **h)
{
	struct t3ops_leg *leg;

	*h = testhost_new(&t3ops_plugin_dns_leg, (const char *const[]){option, NULL});
	assert_int_equal(testhost_start(*h), 0);
	leg = testhost_leg(*h, NULL);
	testhost_leg_open(*h, leg);
	return leg;
}

static void dns_leg_is_answered(void **state)
{
	struct server s = server_start();
	struct testhost *h;
	struct t3ops_leg *leg = leg_begin(s.option, &h);

	(void)state;
	server_answer(&s, 0);
	assert_true(testhost_poll(h, SOON_MS));
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_UP);
	testhost_leg_ping(h, leg);
	server_answer(&s, 1);
	assert_true(testhost_poll(h, SOON_MS));
	assert_int_equal(testhost_leg_seen(leg)->pongs, 0); /* an answer to something else */
	testhost_advance(h, 2000);
	assert_int_equal(testhost_leg_seen(leg)->reason, T3OPS_R_CONNECT_TIMEOUT);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_PAUSED);
	testhost_leg_open(h, leg);
	testhost_stop(h);
	assert_int_equal(testhost_left(h), 0);
	end(h);
	close(s.fd);
}

static void dns_leg_is_refused(void **state)
{
	struct server s = server_start();
	struct testhost *h;
	struct t3ops_leg *leg;

	(void)state;
	close(s.fd);
	leg = leg_begin(s.option, &h);
	assert_true(testhost_poll(h, SOON_MS));
	assert_int_equal(testhost_leg_seen(leg)->reason, T3OPS_R_REFUSED);
	end(h);
}

static void dns_leg_addresses(void **state)
{
	static const struct {
		const char *option;
		int r;
	} rows[] = {{"address=192.0.2.1", 0},
	            {"address=2001:db8::1", 0},
	            {"address=[2001:db8::1]:5353", 0},
	            {"address=nonsense", -EINVAL}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct testhost *h = testhost_new(&t3ops_plugin_dns_leg, (const char *const[]){rows[i].option, NULL});

		assert_int_equal(testhost_start(h), rows[i].r);
		assert_true((testhost_fault(h, "address", 0) != NULL) == (rows[i].r < 0));
		end(h);
	}
}

/* ---- maintenance ------------------------------------------------------------------------------------------- */

static void maintenance_comes_and_goes(void **state)
{
	const struct testhost_request alice = {.user = "alice"}, bob = {.user = "bob"};
	char path[] = "/tmp/t3ops-maintenance.XXXXXX", option[64];
	int fd = mkstemp(path);
	struct testhost *h;
	t3ops_request_id r;

	(void)state;
	assert_return_code(fd, errno);
	close(fd);
	snprintf(option, sizeof option, "flag=%s", path);
	h = testhost_new(&t3ops_plugin_maintenance,
	                 (const char *const[]){option, "except=bob carol", "text=later", NULL});
	testhost_user(h, &(const struct t3ops_user){.name = "alice"});
	testhost_user(h, &(const struct t3ops_user){.name = "bob"});
	assert_int_equal(testhost_start(h), 0);
	r = testhost_request(h, &alice);
	assert_int_equal(testhost_response_status(h, r), 503);
	assert_string_equal(testhost_response_body(h, r), "later");
	assert_int_equal(testhost_request_fate(h, testhost_request(h, &bob)), TESTHOST_PASSED);
	assert_int_equal(
	    testhost_request_fate(h, testhost_request(h, &(const struct testhost_request){.target = "/"})),
	    TESTHOST_RESPONDED);
	unlink(path);
	testhost_advance(h, 1000);
	assert_non_null(testhost_logged(h, "maintenance_ended", 0));
	assert_int_equal(testhost_request_fate(h, testhost_request(h, &alice)), TESTHOST_PASSED);
	assert_true(testhost_metric(h, "t3ops_maintenance_refused_total", NULL) == 2);
	assert_true(testhost_metric(h, "t3ops_maintenance_active", NULL) == 0);
	end(h);
}

/* ---- verdict_webhook --------------------------------------------------------------------------------------- */

static struct testhost *webhook(void)
{
	struct testhost *h = testhost_new(&t3ops_plugin_verdict_webhook,
	                                  (const char *const[]){"url=http://hook.example/", NULL});

	assert_int_equal(testhost_start(h), 0);
	return h;
}

static void verdict(struct testhost *h, const char *json)
{
	testhost_event(h, &(const struct t3ops_event){.kind = "verdict", .verdict = 1, .json = json});
}

static void webhook_sends_in_order(void **state)
{
	struct testhost *h = webhook();

	(void)state;
	testhost_answer(h, NULL, &(const struct testhost_answer){.status = 500, .times = 1});
	testhost_answer(h, NULL, &(const struct testhost_answer){.status = 204, .after_ms = 10});
	testhost_event(h, &(const struct t3ops_event){.kind = "leg_down"});
	verdict(h, "{1}");
	verdict(h, "{2}");
	testhost_advance(h, 5);
	assert_int_equal(testhost_fetches(h), 1);
	testhost_advance(h, 995);
	assert_int_equal(testhost_fetches(h), 2);
	testhost_advance(h, 1000);
	assert_int_equal(testhost_fetches(h), 3);
	assert_string_equal(testhost_fetch_at(h, 1)->body, "{1}");
	assert_string_equal(testhost_fetch_at(h, 2)->body, "{2}");
	assert_string_equal(testhost_fetch_at(h, 2)->method, "POST");
	assert_true(testhost_metric(h, "t3ops_webhook_sent_total", NULL) == 2);
	assert_true(testhost_metric(h, "t3ops_webhook_failed_total", NULL) == 1);
	end(h);
}

static void webhook_drops_the_oldest(void **state)
{
	struct testhost *h = webhook();
	char json[16];

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(json, sizeof json, "{%d}", i);
		verdict(h, json);
	}
	assert_true(testhost_metric(h, "t3ops_webhook_dropped_total", NULL) == 6);
	testhost_answer(h, NULL, &(const struct testhost_answer){.status = 200});
	testhost_advance(h, 60000);
	assert_true(testhost_metric(h, "t3ops_webhook_sent_total", NULL) == 64);
	assert_string_equal(testhost_fetch_at(h, 2)->body, "{7}"); /* after {0}, twice */
	end(h);
}

static void home_space_reports(void **state)
{
	struct testhost *h = testhost_new(&t3ops_plugin_home_space, NULL);

	(void)state;
	testhost_user(h, &(const struct t3ops_user){.name = "alice", .home = "/"});
	assert_int_equal(testhost_start(h), 0);
	assert_int_equal(testhost_run(h, "alice", true), 0);
	assert_non_null(testhost_reported(h, "free_blocks"));
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dns_leg_is_answered),    cmocka_unit_test(dns_leg_is_refused),
	    cmocka_unit_test(dns_leg_addresses),      cmocka_unit_test(maintenance_comes_and_goes),
	    cmocka_unit_test(webhook_sends_in_order), cmocka_unit_test(webhook_drops_the_oldest),
	    cmocka_unit_test(home_space_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
