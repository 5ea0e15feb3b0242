/* SPDX-License-Identifier: MIT */
/* The monitor's HTTP pages; see pages.h. */
#include "monitor/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/http_answer.h"
#include "monitor/listing.h"
#include "monitor/metrics_page.h"
#include "monitor/page_sign_in.h"
#include "monitor/testimony.h"
#include "monitor/query.h"
#include "monitor/reading.h"
#include "monitor/site.h"
#include "monitor/site_assets.h"
#include "monitor/status.h"
#include "monitor/status_host.h"
#include "net/http_parse.h"
#include "sys/clock.h"

#define HEAD_MAX        (8 * 1024)
#define CONNECTIONS_MAX 64
#define OUTPUT_MAX      (64u << 20)
#define DEADLINE_S      10.0

static void listing_send(const struct listing_ask *ask, struct shared_text *text)
{
	struct http_answer p = {.status = 200, .type = "application/json", .text = text};

	http_answer_send(ask->conn, &p, !ask->head_only);
}

/* Whether that is a list, which takes its time. */
static bool listing_answer(struct monitor *d, struct local_conn *c, const char *path, bool html, bool head)
{
	struct listing_ask ask = {.of = LISTING_USERS, .conn = c, .head_only = head, .answer = listing_send};
	bool is_status = strcmp(path, "/status") == 0 && !html;

	if (!is_status && strcmp(path, "/users") != 0)
		return false;
	if (is_status)
		status_ask(d, &ask);
	listing_begin(d->listings, &ask);
	return true;
}

static void page_list(struct http_answer *p, json_t *list)
{
	if (list != NULL)
		http_answer_json(p, list);
	else
		http_answer_text(p, 503, "The journal cannot be read.\n");
}

static void page_verdicts(struct monitor *d, const char *query, struct http_answer *p)
{
	if (query_number(query, "standing", 0) != 0)
		http_answer_json(p, standing_json(d));
	else
		page_list(p, verdicts_json(d, query_number(query, "after", 0),
		                           (size_t)query_number(query, "limit", VERDICTS_KEPT)));
}

static void page_make(struct monitor *d, const char *path, const char *query, struct http_answer *p)
{
	if (strcmp(path, "/status") == 0) { /* a browser is shown the page, which has all of it */
		http_answer_text(p, 302, "The page is at /.\n");
		p->location = "/";
	} else if (strcmp(path, "/verdicts") == 0) {
		page_verdicts(d, query, p);
	} else if (strcmp(path, "/healthz") == 0) {
		http_answer_text(p, 200, "ok\n");
	} else {
		http_answer_text(p, 404, "There are /, /metrics, /status, /verdicts, /users and /healthz.\n");
	}
}

/* Whether t3ops lives is no secret. */
static bool is_for_us(const struct monitor *d, const struct http_head *h)
{
	return span_is(h->target, "/healthz") ||
	       status_host_known(h, &d->process->config->core.status_hosts, d->host_name);
}

/* Once a minute. */
static void host_refuse(struct monitor *d, const struct http_head *h, struct http_answer *p)
{
	const struct http_field *host = http_field_find(h, "Host", 0);
	uint64_t left_out = 0;

	series_add(d->host_refused_total, 1);
	if (throttle_passes(&d->throttle, "host", "host", clock_mono_us(), &left_out))
		log_write(
		    LOG_L_WARNING, "status_host_refused",
		    kv_host(host ? textf("%.*s", (int)(host->value.len < 200 ? host->value.len : 200), host->value.at)
		                 : NULL),
		    kv_suppressed((int64_t)left_out),
		    kv_hint("if that is a name of this machine, add it to status_hosts"));
	http_answer_text(p, 421,
	                 "These pages are not known by that name: add it to status_hosts, or use the address.\n");
}

static void metrics_send(struct local_conn *c, struct shared_text *text, bool with_body)
{
	struct http_answer p = {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8", .text = text};

	http_answer_send(c, &p, with_body);
}

static void on_metrics(struct local_conn *c, struct shared_text *text)
{
	metrics_send(c, text, true);
}

static void on_metrics_head(struct local_conn *c, struct shared_text *text)
{
	metrics_send(c, text, false);
}

/* Constants, and whether t3ops lives: they are no secret.  Who asks for testimony has a key of its own. */
static bool is_open(struct span target)
{
	static const char testimony[] = "/testimony?";
	char path[64];

	if (target.len > sizeof testimony && memcmp(target.at, testimony, sizeof testimony - 1) == 0)
		return true;
	if (target.len >= sizeof path)
		return false;
	memcpy(path, target.at, target.len);
	path[target.len] = '\0';
	return strcmp(path, "/healthz") == 0 || site_asset_find(path) != NULL;
}

static void request_answer(struct monitor *d, struct local_conn *c, const char *bytes, size_t len)
{
	struct http_head h;
	struct http_answer p = {.status = 400};
	bool head = false;
	char target[512], *query;

	if (http_request_parse(&h, bytes, len) != HTTP_SYNTAX_OK || h.target.len >= sizeof target) {
		http_answer_text(&p, 400, "Bad request.\n");
	} else if (!is_for_us(d, &h)) {
		host_refuse(d, &h, &p);
	} else if (!span_is(h.method, "GET") && !(head = span_is(h.method, "HEAD"))) {
		http_answer_text(&p, 405, "Only GET and HEAD.\n");
	} else if (!is_open(h.target) && !page_sign_in_ok(d, &h)) {
		page_sign_in_ask(d, c, &h, http_list_has(&h, "Accept", "text/html"), &p);
	} else {
		memcpy(target, h.target.at, h.target.len);
		target[h.target.len] = '\0';
		query = strchr(target, '?');
		if (query != NULL)
			*query++ = '\0';
		if (strcmp(target, "/testimony") == 0) {
			testimonies_ask(d->testimonies, c, query);
			return;
		}
		if (strcmp(target, "/metrics") == 0) {
			metrics_page_ask(d->metrics, c, head ? on_metrics_head : on_metrics);
			return;
		}
		if (site_answer(d, c, target, query, !head) ||
		    listing_answer(d, c, target, http_list_has(&h, "Accept", "text/html"), head))
			return;
		page_make(d, target, query, &p);
	}
	http_answer_send(c, &p, !head);
}

/* The form of the sign-in, which has a body; 0: more has to come. */
static size_t form_answer(struct monitor *d, struct local_conn *c, const char *bytes, size_t len, size_t n)
{
	struct http_answer a = {.status = 400};
	struct http_head h;
	int form;

	if (http_request_parse(&h, bytes, len) != HTTP_SYNTAX_OK || (form = page_sign_in_length(&h)) < 0) {
		http_answer_text(&a, 400, "Bad request.\n");
	} else if (!is_for_us(d, &h)) {
		host_refuse(d, &h, &a);
	} else if (len + (size_t)form > n) {
		return 0;
	} else {
		page_sign_in_answer(d, c, &h, bytes + len, (size_t)form, &a);
	}
	http_answer_send(c, &a, true);
	return n;
}

static bool is_form(const char *bytes, size_t len)
{
	static const char line[] = "POST " PAGE_SIGN_IN " ";

	return len > sizeof line && memcmp(bytes, line, sizeof line - 1) == 0;
}

static size_t on_input(struct local_conn *c, const char *bytes, size_t n, void *arg)
{
	struct http_answer bad = {.status = 400};
	size_t seen = 0, len = 0;

	switch (http_head_scan(bytes, n, &seen, &len)) {
	case HTTP_SCAN_MORE:
		return 0;
	case HTTP_SCAN_DONE:
		if (is_form(bytes, len))
			return form_answer(arg, c, bytes, len, n);
		request_answer(arg, c, bytes, len);
		break;
	case HTTP_SCAN_BAD:
		http_answer_text(&bad, 400, "Bad request.\n");
		http_answer_send(c, &bad, true);
		break;
	}
	return n;
}

static void on_end(struct local_conn *c, void *arg)
{
	struct monitor *d = arg;

	site_live_forget(&d->live, c);
	metrics_page_forget(d->metrics, c);
	listings_forget(d->listings, c);
	if (d->testimonies != NULL)
		testimonies_forget(d->testimonies, c);
	if (d->readings != NULL)
		readings_forget(d->readings, c);
}

static void on_evict(const char *peer, void *arg)
{
	struct monitor *d = arg;
	uint64_t left_out = 0;

	series_add(d->status_evicted_total, 1);
	if (throttle_passes(&d->throttle, peer, "evict", clock_mono_us(), &left_out))
		log_write(LOG_L_WARNING, "status_crowded", kv_peer(peer),
		          left_out > 0 ? kv_suppressed((int64_t)left_out) : kv_none(),
		          kv_effect("its oldest connection gives way, so that /metrics can be read"));
}

void pages_init(struct monitor *d)
{
	static const struct t3ops_metric host_refused = {
	    .name = "t3ops_status_host_refused_total",
	    .type = T3OPS_COUNTER,
	    .help = "Requests for the status pages under a name that is not known."};
	static const struct t3ops_metric evicted = {
	    .name = "t3ops_status_evicted_total",
	    .type = T3OPS_COUNTER,
	    .help = "Connections to the status pages that gave way to another one, for all places were taken."};

	page_sign_in_init(d);
	d->host_refused_total = metrics_series(d->process->metrics, &host_refused, NULL, NULL, NULL);
	d->status_evicted_total = metrics_series(d->process->metrics, &evicted, NULL, NULL, NULL);
}

const struct local_rules pages_rules = {
    .on_input = on_input,
    .on_end = on_end,
    .on_evict = on_evict,
    .max_connections = CONNECTIONS_MAX,
    .max_input = HEAD_MAX,
    .max_output = OUTPUT_MAX,
    .deadline_s = DEADLINE_S,
};
