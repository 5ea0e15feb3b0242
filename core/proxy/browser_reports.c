/* SPDX-License-Identifier: MIT */
/* What browsers report; see browser_reports.h. */
#include "proxy/browser_reports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/nel_report.h"
#include "obs/event.h"
#include "proxy/access_log.h"
#include "proxy/exchange_local.h"
#include "proxy/worker.h"
#include "sys/clock.h"
#include "users/users.h"

#define PREFIX_LEN   (sizeof BROWSER_REPORTS_PATH - 1)
#define CONTENT_TYPE "application/reports+json"
#define POLICY       "{\"report_to\":\"t3ops\",\"max_age\":86400,\"failure_fraction\":1.0}"
#define GROUP        "{\"group\":\"t3ops\",\"max_age\":86400,\"endpoints\":[{\"url\":\"" BROWSER_REPORTS_PATH "%s\"}]}"

void browser_reports_offer(struct exchange *x)
{
	struct request *r = &x->request;
	char token[REPORT_TOKEN_SIZE], group[sizeof GROUP + REPORT_TOKEN_SIZE];

	if (!x->worker->reports.on || !r->has_user || !request_is_navigation(r))
		return;
	report_token_make(&x->worker->reports.tokens, r->user.name, clock_wall_us(), token);
	snprintf(group, sizeof group, GROUP, token);
	if (request_extra_add(r, "report-to", group) == 0)
		request_extra_add(r, "nel", POLICY);
}

/* ---- a request with reports ------------------------------------------------------------------------------ */

bool browser_reports_is_asked(const struct exchange *x)
{
	struct span path = x->request.path;

	return x->worker->reports.on && path.len > PREFIX_LEN &&
	       memcmp(path.at, BROWSER_REPORTS_PATH, PREFIX_LEN) == 0;
}

static void respond(struct exchange *x, int status)
{
	exchange_local_make(x, status, (const char *const[]){NULL}, "", 0);
	exchange_blame(x, BLAME_LOCAL);
	exchange_local_send(x);
}

static void refuse(struct exchange *x, enum report_outcome outcome, int status)
{
	report_intake_count(&x->worker->reports, outcome, 1);
	respond(x, status);
}

static void report_emit(const struct exchange *x, const struct nel_report *r)
{
	struct event e;
	char text[160];

	event_init(&e, EVENT_BROWSER_REPORT, PROCESS_PROXY);
	e.time_us -= r->age_us;
	e.code = (uint16_t)r->status;
	e.age_us = r->elapsed_us;
	event_set(e.user, x->report->user);
	event_set(e.address, x->request.address);
	event_set(e.path, r->path);
	snprintf(text, sizeof text, "%s failed: %s (%s)", r->method, r->type, r->phase);
	event_set(e.text, text);
	process_emit(x->worker->process, &e);
}

static void collected(struct exchange *x)
{
	struct nel_report reports[NEL_REPORTS_MAX];
	size_t left_out = 0;
	int n = nel_reports_read(buf_at(&x->report->body), buf_len(&x->report->body), reports, &left_out);

	if (n < 0) {
		refuse(x, REPORT_MALFORMED, 400);
		return;
	}
	for (int i = 0; i < n; i++)
		report_emit(x, &reports[i]);
	report_intake_count(&x->worker->reports, REPORT_TAKEN, (size_t)n);
	report_intake_count(&x->worker->reports, REPORT_LEFT_OUT, left_out);
	respond(x, 204);
}

/* What belongs to it; how much that was. */
static size_t body_add(struct exchange *x, const char *bytes, size_t n)
{
	size_t take = body_take(&x->request.body, bytes, n);

	x->bytes_up += take;
	buf_add(&x->report->body, bytes, take);
	return take;
}

void browser_reports_readable(struct exchange *x)
{
	char *scratch = x->worker->scratch;
	ssize_t n = client_read(x->client, scratch, (size_t)x->request.body.left);

	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* the rest will never come */
		exchange_cut(x);
		return;
	}
	body_add(x, scratch, (size_t)n);
	if (x->request.body.done)
		collected(x);
	else
		exchange_watch(x);
}

void browser_reports_timeout(struct exchange *x)
{
	refuse(x, REPORT_MALFORMED, 408);
}

static bool is_of_the_type(const struct request *r)
{
	const struct http_field *f = http_field_find(&r->head, "content-type", 0);
	struct span type = f != NULL ? f->value : (struct span){0};

	return type.len >= sizeof CONTENT_TYPE - 1 &&
	       strncasecmp(type.at, CONTENT_TYPE, sizeof CONTENT_TYPE - 1) == 0 &&
	       (type.len == sizeof CONTENT_TYPE - 1 || strchr("; \t", type.at[sizeof CONTENT_TYPE - 1]) != NULL);
}

/* The status of what cannot be taken, whoever sends it; 0: it can. */
static int status_of(const struct request *r)
{
	if (!span_is(r->head.method, "POST"))
		return 405;
	if (!is_of_the_type(r))
		return 415;
	if (r->body.framing != HTTP_BODY_LENGTH)
		return 411;
	return r->body.left > NEL_BODY_MAX ? 413 : 0;
}

static void collect(struct exchange *x)
{
	struct span early = exchange_early_bytes(x);

	if (early.len > 0 && !x->request.body.done)
		x->in_used += body_add(x, early.at, early.len);
	if (x->request.body.done)
		collected(x);
	else
		exchange_set_state(x, EXCHANGE_WAITING);
}

void browser_reports_begin(struct exchange *x)
{
	struct request *r = &x->request;
	struct span token = {r->path.at + PREFIX_LEN, r->path.len - PREFIX_LEN};
	const char *user = report_token_user(&x->worker->reports.tokens, users_list(x->worker->users), token,
	                                     clock_wall_us());
	int status = status_of(r);

	r->path.len = PREFIX_LEN; /* the token stands in no log */
	if (user == NULL) {
		refuse(x, REPORT_UNKNOWN_TOKEN, 404);
	} else if (report_intake_is_full(&x->worker->reports, user, clock_mono_us())) {
		refuse(x, REPORT_LIMITED, 429);
	} else if (status != 0) {
		refuse(x, REPORT_MALFORMED, status);
	} else if ((x->report = browser_report_new(user)) == NULL) {
		refuse(x, REPORT_LIMITED, 503);
	} else {
		collect(x);
	}
}
