/* SPDX-License-Identifier: MIT */
/* Heads and bodies; see http_answer.h. */
#include "monitor/http_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_status.h"

/* Only what comes from here is loaded, and nothing of what is written in the page is run. */
#define POLICY                                                                                                       \
	"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "              \
	"base-uri 'none'; frame-ancestors 'none'; form-action "

void http_answer_text(struct http_answer *a, int status, const char *text)
{
	*a = (struct http_answer){
	    .status = status, .type = "text/plain; charset=utf-8", .body = strdup(text), .len = strlen(text)};
}

void http_answer_json(struct http_answer *a, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	*a = (struct http_answer){
	    .status = 200, .type = "application/json", .body = text, .len = text != NULL ? strlen(text) : 0};
	json_decref(value);
}

void http_answer_send(struct local_conn *c, struct http_answer *a, bool with_body)
{
	char head[1200];
	int n;

	if (a->text != NULL)
		a->len = buf_len(&a->text->bytes);
	else if (a->body == NULL) {
		a->status = 500;
		a->len = 0;
	}
	n = snprintf(
	    head, sizeof head,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%s%s%s%s%s%s%s"
	    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
	    "Content-Security-Policy: " POLICY "%s\r\nConnection: close\r\n\r\n",
	    a->status, http_status_text(a->status), a->type, a->len,
	    a->status == 405   ? "Allow: GET, HEAD\r\n"
	    : a->status == 401 ? "WWW-Authenticate: Bearer\r\n"
	                       : "",
	    a->location != NULL ? "Location: " : "", a->location != NULL ? a->location : "",
	    a->location != NULL ? "\r\n" : "", a->cookie != NULL ? "Set-Cookie: " : "",
	    a->cookie != NULL ? a->cookie : "", a->cookie != NULL ? "\r\n" : "", a->takes_form ? "'self'" : "'none'");
	local_send(c, head, (size_t)n);
	if (with_body && a->text != NULL)
		local_send_text(c, a->text);
	else if (with_body && a->len > 0)
		local_send(c, a->body, a->len);
	local_finish(c);
	free(a->body);
	a->body = NULL;
	free(a->cookie);
	a->cookie = NULL;
}
