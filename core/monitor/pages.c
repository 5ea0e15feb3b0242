/* SPDX-License-Identifier: MIT */
/* The monitor's HTTP pages; see pages.h. */
#include "monitor/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_parse.h"
#include "net/http_status.h"
#include "monitor/status.h"
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

static void request_answer(struct monitor *d, struct local_conn *c, const char *bytes, size_t len)
{
	struct http_head h;
	struct page p = {.status = 400};
	bool head = false;
	char target[512], *query;

	if (http_request_parse(&h, bytes, len) != HTTP_SYNTAX_OK || h.target.len >= sizeof target) {
		page_text(&p, 400, "Bad request.\n");
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

const struct local_rules pages_rules = {
    .on_input = on_input,
    .max_connections = CONNECTIONS_MAX,
    .max_input = HEAD_MAX,
    .max_output = OUTPUT_MAX,
    .deadline_s = DEADLINE_S,
};
