/* SPDX-License-Identifier: MIT */
/* Answers of the status listener: one a connection, never cached, with the headers that a browser needs to be told.
 * Monitor process. */
#ifndef T3OPS_MONITOR_HTTP_ANSWER_H
#define T3OPS_MONITOR_HTTP_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor/local_server.h"

struct http_answer {
	int status;
	const char *type;
	const char *location; /* of a redirect; NULL */
	bool takes_form;      /* the page has a form that is sent to here */
	char *cookie;         /* to be set; owned; NULL */
	char *body;           /* owned; NULL: without memory, and 500 is sent */
	size_t len;
	struct shared_text *text; /* in place of both: borrowed; NULL */
};

void http_answer_text(struct http_answer *a, int status, const char *text);
void http_answer_json(struct http_answer *a, json_t *value); /* taken */
/* Frees body and cookie. */
void http_answer_send(struct local_conn *c, struct http_answer *a, bool with_body);

#endif
