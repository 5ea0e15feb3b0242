/* SPDX-License-Identifier: MIT */
/* The monitor's HTTP pages; see pages.h. */
#include "monitor/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/http_parse.h"
#include "net/http_status.h"
#include "sys/clock.h"
#include "monitor/status.h"
#include "monitor/status_host.h"
#include "monitor/status_page.h"

#define HEAD_MAX        (8 * 1024)
#define CONNECTIONS_MAX 64
#define OUTPUT_MAX      (64u << 20)
#define DEADLINE_S      10.0

struct page {
	int status;
	const char *type;
	char *body; /* owned */
	size_t len;
};

static void page_text(struct page *p, int status, const char *text)
{
	p->status = status;
	p->type = "text/plain; charset=utf-8";
	p->body = strdup(text);
	p->len = strlen(text);
}

static void page_json(struct page *p, json_t *value)
{
	p->status = 200;
	p->type = "application/json";
	p->body = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	p->len = p->body != NULL ? strlen(p->body) : 0;
	json_decref(value);
}

/* The number behind "name=" in a query; fallback if there is none. */
static unsigned long long query_number(const char *query, const char *name, unsigned long long fallback)
{
	size_t len = strlen(name);

	while (query != NULL && *query != '\0') {
		if (strncmp(query, name, len) == 0 && query[len] == '=')
			return strtoull(query + len + 1, NULL, 10);
		query = strchr(query, '&');
		query += query != NULL;
	}
	return fallback;
}

static void page_status(struct monitor *d, bool html, struct page *p)
{
	json_t *status = status_json(d);

	if (!html) {
		page_json(p, status);
		return;
	}
	p->status = 200;
	p->type = "text/html; charset=utf-8";
	p->body = status_html(status, &p->len);
	json_decref(status);
}

static void page_list(struct page *p, json_t *list)
{
	if (list != NULL)
		page_json(p, list);
	else
		page_text(p, 503, "The journal cannot be read.\n");
}

static void page_verdicts(struct monitor *d, const char *query, struct page *p)
{
	if (query_number(query, "standing", 0) != 0)
		page_json(p, standing_json(d));
	else
		page_list(p, verdicts_json(d, query_number(query, "after", 0),
		                           (size_t)query_number(query, "limit", VERDICTS_KEPT)));
}

static void page_make(struct monitor *d, const char *path, const char *query, bool html, struct page *p)
{
	if (strcmp(path, "/metrics") == 0) {
		p->status = 200;
		p->type = "text/plain; version=0.0.4; charset=utf-8";
		p->body = metrics_text(d->process->metrics, &p->len);
	} else if (strcmp(path, "/status") == 0) {
		page_status(d, html, p);
	} else if (strcmp(path, "/verdicts") == 0) {
		page_verdicts(d, query, p);
	} else if (strcmp(path, "/healthz") == 0) {
		page_text(p, 200, "ok\n");
	} else {
		page_text(p, 404, "There are /metrics, /status, /verdicts and /healthz.\n");
	}
}

static void page_send(struct local_conn *c, struct page *p, bool with_body)
{
	char head[480];
	int n;

	if (p->body == NULL) {
		p->status = 500;
		p->len = 0;
	}
	n = snprintf(
	    head, sizeof head,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%s"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n",
	    p->status, http_status_text(p->status), p->type, p->len, p->status == 405 ? "Allow: GET, HEAD\r\n" : "");
	local_send(c, head, (size_t)n);
	if (with_body && p->len > 0)
		local_send(c, p->body, p->len);
	local_finish(c);
	free(p->body);
}

/* Whether t3ops lives is no secret. */
static bool is_for_us(const struct monitor *d, const struct http_head *h)
{
	return span_is(h->target, "/healthz") ||
	       status_host_known(h, &d->process->config->core.status_hosts, d->host_name);
}

/* Once a minute. */
static void host_refuse(struct monitor *d, const struct http_head *h, struct page *p)
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
	page_text(p, 421, "These pages are not known by that name: add it to status_hosts, or use the address.\n");
}

static void request_answer(struct monitor *d, struct local_conn *c, const char *bytes, size_t len)
{
	struct http_head h;
	struct page p = {.status = 400};
	bool head = false;
	char target[512], *query;

	if (http_request_parse(&h, bytes, len) != HTTP_SYNTAX_OK || h.target.len >= sizeof target) {
		page_text(&p, 400, "Bad request.\n");
	} else if (!is_for_us(d, &h)) {
		host_refuse(d, &h, &p);
	} else if (!span_is(h.method, "GET") && !(head = span_is(h.method, "HEAD"))) {
		page_text(&p, 405, "Only GET and HEAD.\n");
	} else {
		memcpy(target, h.target.at, h.target.len);
		target[h.target.len] = '\0';
		query = strchr(target, '?');
		if (query != NULL)
			*query++ = '\0';
		page_make(d, target, query, http_list_has(&h, "Accept", "text/html"), &p);
	}
	page_send(c, &p, !head);
}

static size_t on_input(struct local_conn *c, const char *bytes, size_t n, void *arg)
{
	struct page bad = {.status = 400};
	size_t seen = 0, len = 0;

	switch (http_head_scan(bytes, n, &seen, &len)) {
	case HTTP_SCAN_MORE:
		return 0;
	case HTTP_SCAN_DONE:
		request_answer(arg, c, bytes, len);
		break;
	case HTTP_SCAN_BAD:
		page_text(&bad, 400, "Bad request.\n");
		page_send(c, &bad, true);
		break;
	}
	return n;
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

	d->host_refused_total = metrics_series(d->process->metrics, &host_refused, NULL, NULL, NULL);
	d->status_evicted_total = metrics_series(d->process->metrics, &evicted, NULL, NULL, NULL);
	if (gethostname(d->host_name, sizeof d->host_name - 1) < 0)
		d->host_name[0] = '\0';
}

const struct local_rules pages_rules = {
    .on_input = on_input,
    .on_evict = on_evict,
    .max_connections = CONNECTIONS_MAX,
    .max_input = HEAD_MAX,
    .max_output = OUTPUT_MAX,
    .deadline_s = DEADLINE_S,
};
