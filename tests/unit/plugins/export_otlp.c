/* SPDX-License-Identifier: MIT */
/* export_otlp: what answers mean, the queue, headers from a file, records, and incidents as traces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export_otlp/answer.h"
#include "export_otlp/header_file.h"
#include "export_otlp/incidents.h"
#include "export_otlp/otlp_json.h"
#include "export_otlp/queue.h"

#define HOUR_US  UINT64_C(3600000000)
#define EPOCH_US UINT64_C(1795764352000000) /* Fri, 27 Nov 2026 07:25:52 GMT */

/* ---- answers ----------------------------------------------------------------------------------------------- */

static void test_fates(void **state)
{
	static const struct {
		int error, status;
		enum answer_fate fate;
	} rows[] = {
	    {0, 200, ANSWER_TAKEN},         {0, 202, ANSWER_TAKEN},           {0, 204, ANSWER_TAKEN},
	    {0, 429, ANSWER_RETRY},         {0, 502, ANSWER_RETRY},           {0, 503, ANSWER_RETRY},
	    {0, 504, ANSWER_RETRY},         {0, 500, ANSWER_REFUSED},         {0, 501, ANSWER_REFUSED},
	    {0, 400, ANSWER_REFUSED},       {0, 401, ANSWER_REFUSED},         {0, 302, ANSWER_REFUSED},
	    {0, 413, ANSWER_SMALLER},       {-ECONNREFUSED, 0, ANSWER_RETRY}, {-ETIMEDOUT, 0, ANSWER_RETRY},
	    {-ECONNRESET, 0, ANSWER_RETRY}, {-EKEYREJECTED, 0, ANSWER_RETRY}, {-ENOENT, 0, ANSWER_RETRY},
	    {-EFBIG, 200, ANSWER_REFUSED},  {-EINVAL, 0, ANSWER_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(answer_judge(rows[i].error, rows[i].status), rows[i].fate);
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {
	    {NULL, 0},
	    {"", 0},
	    {"0", 0},
	    {"7", 7},
	    {"3600", 3600},
	    {"3601", 3600},
	    {"99999999999999999999999999", 3600},
	    {"-5", 0},
	    {"7s", 0},
	    {" 7", 0},
	    {"1e3", 0},
	    {"Fri, 27 Nov 2026 07:26:02 GMT", 10},
	    {"Fri, 27 Nov 2026 07:25:00 GMT", 0},
	    {"Fri, 27 Nov 2036 07:25:00 GMT", 3600},
	    {"Fri, 27 Vov 2026 07:26:02 GMT", 0},
	    {"Fri, 27 anF 2026 07:26:02 GMT", 0},
	    {"Fri, 27 Nov 2026 07:26:02 GMT and more", 0},
	    {"Fri, 27 Nov 2026 07:26:02", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(answer_retry_after_us(rows[i].text, EPOCH_US, HOUR_US), rows[i].seconds * 1000000);
}

static void test_partial_success(void **state)
{
	static const struct {
		const char *body;
		size_t rejected;
		const char *why;
	} rows[] = {
	    {"", 0, ""},
	    {"{}", 0, ""},
	    {"[1]", 0, ""},
	    {"{\"partialSuccess\":{}}", 0, ""},
	    {"{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"old\"}}", 3, "old"},
	    {"{\"partialSuccess\":{\"rejectedSpans\":4}}", 4, ""},
	    {"{\"partialSuccess\":{\"rejectedSpans\":400}}", 10, ""},
	    {"{\"partialSuccess\":{\"rejectedSpans\":-4}}", 0, ""},
	    {"{\"partialSuccess\":{\"rejectedSpans\":\"99999999999999999999\"}}", 0, ""},
	    {"{\"partialSuccess\":{\"errorMessage\":\"a warning\\n\\u001b[31m\\u00e4\"}}", 0, "a warning??[31m??"},
	    {"{\"partialSuccess\":{\"errorMessage\":[]}}", 0, ""},
	};
	char why[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(answer_rejected(rows[i].body, strlen(rows[i].body), 10, why, sizeof why),
		                 rows[i].rejected);
		assert_string_equal(why, rows[i].why);
	}
}

/* ---- the queue --------------------------------------------------------------------------------------------- */

static void test_queue(void **state)
{
	char text[8], *out[200];
	struct queue q;

	(void)state;
	queue_init(&q, 300);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "%03d", i);
		assert_int_equal(queue_add(&q, strdup(text)), 0);
	}
	assert_int_equal(queue_add(&q, strdup("abcdef")), 2); /* the two oldest give way */
	assert_int_equal(queue_add(&q, strndup(text, 0)), 0);
	assert_int_equal(q.bytes, 300);
	assert_int_equal(queue_take(&q, out, 200, 9), 3);
	assert_string_equal(out[0], "002");
	for (int i = 0; i < 3; i++)
		free(out[i]);
	assert_int_equal(queue_take(&q, out, 1, 1), 1); /* one goes, however large */
	assert_string_equal(out[0], "005");
	free(out[0]);
	queue_fini(&q);
}

static void test_record_larger_than_the_queue(void **state)
{
	struct queue q;

	(void)state;
	queue_init(&q, 4);
	assert_int_equal(queue_add(&q, strdup("123")), 0);
	assert_int_equal(queue_add(&q, strdup("12345")), 1);
	assert_int_equal(q.n, 1);
	queue_fini(&q);
}

/* ---- headers ----------------------------------------------------------------------------------------------- */

static void test_headers(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		size_t n;
	} rows[] = {
	    {"", 0, 0},
	    {"# nothing\n\n", 0, 0},
	    {"Authorization: Bearer x\r\n  X-Scope-OrgID: me  \n", 0, 2},
	    {"A:", 0, 1},
	    {"A: b\nnothing\n", 2, 0},
	    {": b", 1, 0},
	    {"A b: c", 1, 0},
	    {"A: b\x01", 1, 0},
	    {"A: b\xc3\xa4", 1, 0},
	    {"# one\nhost: other", 2, 0},
	    {"CONTENT-type: text/plain", 1, 0},
	};
	struct header_list h;
	const char *why;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		why = NULL;
		strcpy(text, rows[i].text);
		assert_int_equal(header_file_parse(&h, text, &why), rows[i].line);
		assert_int_equal(h.n, rows[i].n);
		assert_true((why != NULL) == (rows[i].line > 0));
		header_list_fini(&h);
	}
}

static void test_header_values(void **state)
{
	char text[] = "X-Scope-OrgID: me \t\r\nB:c";
	struct header_list h;
	const char *why;

	(void)state;
	assert_int_equal(header_file_parse(&h, text, &why), 0);
	assert_string_equal(h.items[0], "X-Scope-OrgID: me");
	assert_string_equal(h.items[1], "B:c");
	header_list_fini(&h);
}

static void test_too_many_headers(void **state)
{
	char text[200] = "";
	struct header_list h;
	const char *why;

	(void)state;
	for (int i = 0; i < HEADERS_MAX + 1; i++)
		strcat(text, "A: b\n");
	assert_int_equal(header_file_parse(&h, text, &why), HEADERS_MAX + 1);
	assert_int_equal(h.n, 0);
}

/* ---- records ----------------------------------------------------------------------------------------------- */

static void test_log_record(void **state)
{
	const struct t3ops_event e = {.struct_size = sizeof e,
	                              .time_us = EPOCH_US,
	                              .kind = "tunnel_dropped",
	                              .plugin = "",
	                              .user = "alice",
	                              .line = "event=tunnel_dropped user=alice",
	                              .segments = "",
	                              .level = T3OPS_NOTICE,
	                              .process = "proxy",
	                              .json = "{\"event\":\"tunnel_dropped\",\"user\":\"alice\",\"tunnel\":7,"
	                                      "\"duration_ms\":1.5,\"client\":\"192.0.2.1\"}"};
	char *text = otlp_log_record(&e, "", EPOCH_US + 1);

	(void)state;
	assert_string_equal(
	    text, "{\"timeUnixNano\":\"1795764352000000000\",\"observedTimeUnixNano\":\"1795764352000001000\","
	          "\"severityNumber\":10,\"severityText\":\"INFO2\",\"eventName\":\"tunnel_dropped\","
	          "\"body\":{\"stringValue\":\"event=tunnel_dropped user=alice\"},\"attributes\":["
	          "{\"key\":\"t3ops.process\",\"value\":{\"stringValue\":\"proxy\"}},"
	          "{\"key\":\"user.name\",\"value\":{\"stringValue\":\"alice\"}},"
	          "{\"key\":\"t3ops.tunnel\",\"value\":{\"intValue\":\"7\"}},"
	          "{\"key\":\"t3ops.duration_ms\",\"value\":{\"doubleValue\":1.5}},"
	          "{\"key\":\"client.address\",\"value\":{\"stringValue\":\"192.0.2.1\"}}]}");
	free(text);
}

/* ---- incidents --------------------------------------------------------------------------------------------- */

struct fixture {
	struct incidents *incidents;
	json_t *spans;
};

static void on_span(void *arg, char *span)
{
	struct fixture *f = arg;

	json_array_append_new(f->spans, json_loads(span, 0, NULL));
	free(span);
}

static int setup(void **state)
{
	static struct fixture f;

	f.spans = json_array();
	f.incidents = incidents_new("seed", on_span, &f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	incidents_free(f->incidents);
	json_decref(f->spans);
	return 0;
}

static const char *const alice[] = {"alice", NULL};

/* Of the incident 5, second: after EPOCH_US. */
static void happen(struct fixture *f, const char *kind, unsigned second, const char *plugin, const char *user,
                   const char *segments, uint64_t verdict)
{
	const struct t3ops_event e = {.struct_size = sizeof e,
	                              .time_us = EPOCH_US + second * UINT64_C(1000000),
	                              .kind = kind,
	                              .plugin = plugin,
	                              .user = user,
	                              .line = "",
	                              .segments = segments,
	                              .verdict = verdict,
	                              .level = T3OPS_NOTICE,
	                              .process = "monitor",
	                              .json = "{\"revision\":1,\"summary\":\"because\",\"duration_ms\":1000}",
	                              .incident = verdict != 0 ? 5 : 0,
	                              .since_us = verdict != 0 ? EPOCH_US : 0,
	                              .users = verdict != 0 ? alice : NULL};

	incidents_event(f->incidents, &e);
}

static const json_t *span(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < json_array_size(f->spans); i++) {
		const json_t *s = json_array_get(f->spans, i);

		if (strcmp(json_string_value(json_object_get(s, "name")), name) == 0)
			return s;
	}
	return NULL;
}

static const char *member(const json_t *s, const char *name)
{
	return json_string_value(json_object_get(s, name));
}

static void test_incident(void **state)
{
	struct fixture *f = *state;

	happen(f, "tunnel_dropped", 0, "", "alice", "", 0);
	happen(f, "tunnel_dropped", 0, "", "bob", "", 0); /* whom the verdict does not name */
	happen(f, "leg_down", 0, "cf", "", "wan cloudflare", 0);
	happen(f, "leg_down", 0, "t3", "alice", "serve", 0); /* another segment */
	happen(f, "verdict", 1, "", "", "cloudflare(FRA) tunnel", 9);
	happen(f, "tunnel_opened", 3, "", "alice", "", 0);
	happen(f, "leg_up", 4, "cf", "", "wan cloudflare", 0);
	assert_int_equal(json_array_size(f->spans), 0);
	happen(f, "verdict_healed", 5, "", "", "cloudflare(FRA) tunnel", 9);
	assert_int_equal(json_array_size(f->spans), 5);
	assert_string_equal(member(span(f, "incident"), "startTimeUnixNano"), "1795764352000000000");
	assert_string_equal(member(span(f, "incident"), "endTimeUnixNano"), "1795764357000000000");
	assert_string_equal(member(span(f, "drop"), "endTimeUnixNano"), "1795764355000000000");
	assert_string_equal(member(span(f, "leg_down"), "endTimeUnixNano"), "1795764356000000000");
	assert_string_equal(member(span(f, "heal"), "parentSpanId"), member(span(f, "verdict"), "spanId"));
	assert_null(member(span(f, "incident"), "parentSpanId"));
}

static void test_leg_of_a_user(void **state)
{
	struct fixture *f = *state;

	happen(f, "leg_down", 0, "t3", "alice", "serve", 0);
	happen(f, "leg_down", 0, "t3", "bob", "serve", 0);
	happen(f, "verdict", 1, "", "", "serve(alice)", 9);
	happen(f, "verdict_expired", 5, "", "", "serve(alice)", 9);
	assert_int_equal(json_array_size(f->spans), 4); /* bob's leg is not among them */
	assert_string_equal(member(span(f, "leg_down"), "endTimeUnixNano"), "1795764357000000000");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(span(f, "heal"), "status"), "code")), 0);
}

static void test_it_ends_with_the_last_verdict(void **state)
{
	struct fixture *f = *state;

	happen(f, "verdict", 1, "", "", "host", 9);
	happen(f, "verdict", 2, "", "", "tunnel", 10);
	happen(f, "verdict", 3, "", "", "tunnel", 10);
	happen(f, "verdict_healed", 4, "", "", "host", 9);
	assert_int_equal(json_array_size(f->spans), 0);
	happen(f, "verdict_healed", 5, "", "", "tunnel", 10);
	assert_int_equal(json_array_size(f->spans), 5);
	assert_int_equal(json_array_size(json_object_get(span(f, "verdict"), "events")), 2);
}

/* One that is back is one more incident in the same trace, from when it was back. */
static void test_again(void **state)
{
	struct fixture *f = *state;
	char trace[OTLP_TRACE_ID_SIZE];
	const json_t *first, *second;

	happen(f, "verdict", 1, "", "", "tunnel", 9);
	happen(f, "verdict_healed", 5, "", "", "tunnel", 9);
	first = json_array_get(f->spans, json_array_size(f->spans) - 1);
	happen(f, "verdict", 60, "", "", "tunnel", 9);
	happen(f, "verdict_healed", 70, "", "", "tunnel", 9);
	second = json_array_get(f->spans, json_array_size(f->spans) - 1);
	incidents_trace_id(f->incidents, 5, trace);
	assert_string_equal(member(first, "traceId"), trace);
	assert_string_equal(member(second, "traceId"), trace);
	assert_string_not_equal(member(first, "spanId"), member(second, "spanId"));
	assert_string_equal(member(second, "startTimeUnixNano"), "1795764411000000000");
}

static void test_ids(void **state)
{
	struct fixture *f = *state;
	struct incidents *other = incidents_new("another seed", on_span, f);
	char a[OTLP_TRACE_ID_SIZE], b[OTLP_TRACE_ID_SIZE];

	incidents_trace_id(f->incidents, 0, a);
	assert_string_equal(a, "");
	incidents_trace_id(f->incidents, 1, a);
	incidents_trace_id(f->incidents, 2, b);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	incidents_trace_id(other, 1, b);
	assert_string_not_equal(a, b);
	incidents_free(other);
}

/* Bounded, whatever happens: nothing of it is lost in silence. */
static void test_bounds(void **state)
{
	struct fixture *f = *state;
	char *text;

	for (unsigned i = 0; i < 2000; i++) {
		happen(f, "tunnel_dropped", i, "", "alice", "", 0);
		happen(f, "verdict", i, "", "", "tunnel", 9 + i);
	}
	for (unsigned i = 0; i < 2000; i++)
		happen(f, "verdict_healed", 2000, "", "", "tunnel", 9 + i);
	assert_in_range(json_array_size(f->spans), 64, 1000);
	text = json_dumps(span(f, "incident"), 0);
	assert_non_null(strstr(text, "t3ops.verdicts_omitted"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fates),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_partial_success),
	    cmocka_unit_test(test_queue),
	    cmocka_unit_test(test_record_larger_than_the_queue),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_header_values),
	    cmocka_unit_test(test_too_many_headers),
	    cmocka_unit_test(test_log_record),
	    cmocka_unit_test_setup_teardown(test_incident, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_leg_of_a_user, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_it_ends_with_the_last_verdict, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
