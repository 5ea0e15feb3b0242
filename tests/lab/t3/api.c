/* SPDX-License-Identifier: MIT */
/* HTTP answers; see api.h. */
#include "lab/t3/api.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lab/t3/websocket.h"

#define JSON  "application/json"
#define HTML  "text/html; charset=utf-8"
#define INDEX "<!doctype html><html><head><title>T3 Code</title></head><body><div id=\"root\"></div></body></html>"
#define SCOPES                                                                                                       \
	"[\"orchestration:read\",\"orchestration:operate\",\"terminal:operate\",\"review:write\",\"relay:read\"]"
#define TICKET_SECONDS 300

/* ---- writing an answer */

static const char *reason_phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 415:
		return "Unsupported Media Type";
	default:
		return "Internal Server Error";
	}
}

/* extra: further header lines, each with its CRLF.  type NULL: no body, chunked as Node does it. */
static void answer(struct conn *c, const struct request *r, int status, const char *type, const char *extra,
                   const char *body)
{
	char head[2048], what[160] = "Transfer-Encoding: chunked\r\n";
	bool is_head = strcmp(r->method, "HEAD") == 0, chunked = !type && status != 204;
	int n;

	if (status == 204)
		what[0] = '\0';
	else if (type)
		snprintf(what, sizeof what, "content-type: %s\r\ncontent-length: %zu\r\n", type, strlen(body));
	n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n%s%saccess-control-allow-origin: *\r\n%s%s\r\n", status,
	             reason_phrase(status), what, c->server->profile->deflate ? "vary: Accept-Encoding\r\n" : "",
	             extra,
	             r->keep_alive ? "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n" : "Connection: close\r\n");
	conn_send(c, head, (size_t)n);
	if (!is_head && type)
		conn_send(c, body, strlen(body));
	if (!is_head && chunked)
		conn_send(c, "0\r\n\r\n", 5);
	if (!r->keep_alive)
		conn_close_after(c);
}

static void answer_empty(struct conn *c, const struct request *r, int status)
{
	answer(c, r, status, NULL, "", "");
}

/* 4xx and 5xx with content-length 0, as t3's own errors are. */
static void answer_bare(struct conn *c, const struct request *r, int status)
{
	answer(c, r, status, "text/plain", "", "");
}

static void answer_error(struct conn *c, const struct request *r, int status, const char *old_text,
                         const char *reason)
{
	char body[300], trace[UUID_SIZE];

	token_uuid(trace);
	if (c->server->profile->roles)
		snprintf(body, sizeof body, "{\"error\":\"%s\"}", old_text);
	else
		snprintf(body, sizeof body,
		         "{\"_tag\":\"EnvironmentAuthInvalidError\",\"code\":\"auth_invalid\",\"reason\":\"%s\","
		         "\"traceId\":\"%s\"}",
		         reason, trace);
	answer(c, r, status, JSON, "", body);
}

/* ---- sessions */

/* 0, -ENOENT (none or bogus), -EIO.  A cookie takes precedence over a bearer token. */
static int session_of(struct conn *c, const struct request *r, struct session *out, const char **method)
{
	char token[4096], bearer[4096];

	*method = "browser-session-cookie";
	if (request_cookie(r, c->server->cookie_name, token, sizeof token))
		return store_session_find(c->server->store, token, out);
	*method = c->server->profile->bearer_method;
	if (request_header(r, "authorization", 0, bearer, sizeof bearer) && strncasecmp(bearer, "Bearer ", 7) == 0)
		return store_session_find(c->server->store, bearer + 7, out);
	return -ENOENT;
}

static void rights(const struct server *s, char *out, size_t size)
{
	snprintf(out, size, "%s", s->profile->roles ? "\"role\":\"client\"" : "\"scopes\":" SCOPES);
}

static void answer_session(struct conn *c, const struct request *r)
{
	struct server *s = c->server;
	struct session session;
	char auth[400], body[1024], who[200];
	const char *method;
	int found = session_of(c, r, &session, &method);

	if (found == -EIO && !s->profile->roles) {
		answer_bare(c, r, 500);
		return;
	}
	snprintf(auth, sizeof auth,
	         "{\"policy\":\"%s\",\"bootstrapMethods\":[\"one-time-token\"],\"sessionMethods\":[%s],"
	         "\"sessionCookieName\":\"%s\"}",
	         strcmp(s->host, "127.0.0.1") == 0 ? "loopback-browser" : "remote-reachable",
	         s->profile->session_methods, s->cookie_name);
	rights(s, who, sizeof who);
	if (found == 0)
		snprintf(body, sizeof body,
		         "{\"authenticated\":true,\"auth\":%s,%s,\"sessionMethod\":\"%s\",\"expiresAt\":\"%s\"}",
		         auth, who, method, session.expires_at);
	else
		snprintf(body, sizeof body, "{\"authenticated\":false,\"auth\":%s}", auth);
	answer(c, r, 200, JSON, "", body);
}

/* ---- pairing */

static void answer_paired(struct conn *c, const struct request *r)
{
	struct server *s = c->server;
	struct session session;
	char token[TOKEN_MAX], extra[TOKEN_MAX + 300], body[600], who[200], day[40];
	time_t expires = time(NULL) + 30L * 86400;
	struct tm tm;

	if (store_session_create(s->store, &session, token) != 0) {
		answer_bare(c, r, 500);
		return;
	}
	strftime(day, sizeof day, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&expires, &tm));
	snprintf(extra, sizeof extra, "%sset-cookie: %s=%s; Path=/; Expires=%s; HttpOnly; SameSite=Lax\r\n",
	         s->profile->roles ? "" : "cache-control: no-store\r\npragma: no-cache\r\n", s->cookie_name, token,
	         day);
	rights(s, who, sizeof who);
	snprintf(body, sizeof body,
	         "{\"authenticated\":true,%s,\"sessionMethod\":\"browser-session-cookie\",\"expiresAt\":\"%s\"}", who,
	         session.expires_at);
	answer(c, r, 200, JSON, extra, body);
}

static void answer_bad_payload(struct conn *c, const struct request *r, bool malformed)
{
	if (c->server->profile->roles)
		answer(c, r, 400, JSON, "", "{\"error\":\"Invalid bootstrap payload.\"}");
	else
		answer_bare(c, r, malformed && c->server->profile->malformed_is_500 ? 500 : 400);
}

static void answer_pair(struct conn *c, const struct request *r)
{
	char type[128] = "";
	json_t *payload;
	const char *credential;
	int found;

	if (request_header(r, "content-type", 0, type, sizeof type) && !c->server->profile->roles &&
	    strncasecmp(type, JSON, strlen(JSON)) != 0) {
		answer(c, r, 415, "text/plain", "", "Unsupported Media Type");
		return;
	}
	payload = json_loadb(r->body, r->body_len, 0, NULL);
	credential = json_string_value(json_object_get(payload, "credential"));
	if (!credential) {
		answer_bad_payload(c, r, !payload && r->body_len > 0);
		json_decref(payload);
		return;
	}
	found = store_link_consume(c->server->store, credential);
	json_decref(payload);
	if (found == 0)
		answer_paired(c, r);
	else if (found == -ENOENT)
		answer_error(c, r, 401, "Invalid bootstrap credential.", "invalid_credential");
	else if (c->server->profile->roles)
		answer(c, r, 500, JSON, "", "{\"error\":\"Failed to validate bootstrap credential.\"}");
	else
		answer_bare(c, r, 500);
}

static void answer_ticket(struct conn *c, const struct request *r)
{
	struct server *s = c->server;
	struct ticket *t = &s->tickets[s->next_ticket++ % TICKETS];
	struct session session;
	const char *method;
	char body[200], expires[TIME_SIZE];

	if (session_of(c, r, &session, &method) != 0) {
		answer_error(c, r, 401, "Authentication required.", "missing_credential");
		return;
	}
	token_uuid(t->text);
	t->expires = ev_now(s->loop) + TICKET_SECONDS;
	store_time(TICKET_SECONDS, expires);
	snprintf(body, sizeof body, "{\"%s\":\"%s\",\"expiresAt\":\"%s\"}", s->profile->ticket_field, t->text,
	         expires);
	answer(c, r, 200, JSON, "", body);
}

static bool ticket_good(const struct server *s, const char *text)
{
	for (size_t i = 0; i < TICKETS; i++)
		if (*text && strcmp(s->tickets[i].text, text) == 0 && s->tickets[i].expires > ev_now(s->loop))
			return true;
	return false;
}

/* ---- the rest */

static void answer_environment(struct conn *c, const struct request *r)
{
	char body[500];

	snprintf(body, sizeof body,
	         "{\"environmentId\":\"%s\",\"label\":\"lab\",\"platform\":{\"os\":\"linux\",\"arch\":\"x64\"},"
	         "\"serverVersion\":\"%s\",\"capabilities\":{%s}}",
	         c->server->store->environment_id, c->server->profile->version, c->server->profile->capabilities);
	answer(c, r, 200, JSON, "", body);
}

static void answer_options(struct conn *c, const struct request *r)
{
	char extra[300];

	snprintf(extra, sizeof extra,
	         "access-control-allow-methods: GET, POST, OPTIONS\r\naccess-control-allow-headers: "
	         "authorization,b3,traceparent,content-type%s\r\naccess-control-max-age: 600\r\n",
	         c->server->profile->roles ? "" : ",dpop");
	answer(c, r, 204, NULL, extra, "");
}

/* Lists for administrators: a session that was minted is not one. */
static void answer_administrators(struct conn *c, const struct request *r)
{
	struct session session;
	const char *method;

	if (session_of(c, r, &session, &method) == 0)
		answer_error(c, r, 403, "Only owner sessions can manage access.", "insufficient_scope");
	else
		answer_error(c, r, 401, "Authentication required.", "missing_credential");
}

/* Whether /ws may be opened.  A token in the query counts alone. */
static bool websocket_allowed(struct conn *c, const struct request *r, bool *had_any)
{
	struct session session;
	char token[200], cookie[2];
	const char *method;

	*had_any = true;
	if (request_query(r, c->server->profile->ticket_query, token, sizeof token))
		return ticket_good(c->server, token);
	*had_any = request_cookie(r, c->server->cookie_name, cookie, sizeof cookie) ||
	           strcasestr(r->head, c->server->cookie_name);
	return session_of(c, r, &session, &method) == 0;
}

static void answer_websocket(struct conn *c, const struct request *r, bool upgrade)
{
	bool had_any;

	if (!websocket_allowed(c, r, &had_any)) {
		answer_error(c, r, 401, had_any ? "Unauthorized request." : "Authentication required.",
		             had_any ? "invalid_credential" : "missing_credential");
		if (upgrade) /* it says keep-alive, and closes all the same */
			conn_close_after(c);
	} else if (upgrade) {
		websocket_accept(c, r);
	} else {
		answer_empty(c, r, 400);
	}
}

static void answer_get(struct conn *c, const struct request *r)
{
	char upgrade[64] = "";
	bool up = request_header(r, "upgrade", 0, upgrade, sizeof upgrade) && strcasecmp(upgrade, "websocket") == 0;

	if (strcmp(r->path, "/ws") == 0)
		answer_websocket(c, r, up);
	else if (!up && strcmp(r->path, "/api/auth/session") == 0)
		answer_session(c, r);
	else if (!up && strcmp(r->path, "/.well-known/t3/environment") == 0)
		answer_environment(c, r);
	else if (!up &&
	         (strcmp(r->path, "/api/auth/clients") == 0 || strcmp(r->path, "/api/auth/pairing-links") == 0))
		answer_administrators(c, r);
	else
		answer(c, r, 200, HTML, "", INDEX); /* whatever the path is */
	if (up && c->state == CONN_HTTP)
		conn_close_after(c);
}

void api_answer(struct conn *c, const struct request *r)
{
	const struct profile *p = c->server->profile;

	if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)
		answer_get(c, r);
	else if (strcmp(r->method, "OPTIONS") == 0)
		answer_options(c, r);
	else if (strcmp(r->method, "POST") == 0 && strcmp(r->path, p->pair_path) == 0)
		answer_pair(c, r);
	else if (strcmp(r->method, "POST") == 0 && strcmp(r->path, p->ticket_path) == 0)
		answer_ticket(c, r);
	else
		answer_empty(c, r, 404);
}
