/* SPDX-License-Identifier: MIT */
/* HTTP answers; see api.h. */
#include "lab/t3/api.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lab/t3/crash.h"
#include "lab/t3/deflate.h"
#include "lab/t3/websocket.h"

#define JSON  "application/json"
#define HTML  "text/html; charset=utf-8"
#define INDEX "<!doctype html><html><head><title>T3 Code</title></head><body><div id=\"root\"></div></body></html>"
#define SCOPES                                                                                                       \
	"[\"orchestration:read\",\"orchestration:operate\",\"terminal:operate\",\"review:write\",\"relay:read\"]"
#define TICKET_SECONDS 300
#define MIGRATED_SIZE  (TOKEN_MAX + 200) /* the header line of a session that changes its cookie name */

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
static void answer_bytes(struct conn *c, const struct request *r, int status, const char *type, const char *extra,
                         const char *body, size_t len)
{
	char head[2048], what[160] = "Transfer-Encoding: chunked\r\n";
	bool is_head = strcmp(r->method, "HEAD") == 0, chunked = !type && status != 204;
	int n;

	if (status == 204)
		what[0] = '\0';
	else if (type)
		snprintf(what, sizeof what, "content-type: %s\r\ncontent-length: %zu\r\n", type, len);
	n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n%s%saccess-control-allow-origin: *\r\n%s%s\r\n", status,
	             reason_phrase(status), what, c->server->profile->compresses ? "vary: Accept-Encoding\r\n" : "",
	             extra,
	             r->keep_alive ? "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n" : "Connection: close\r\n");
	conn_send(c, head, (size_t)n);
	if (!is_head && type)
		conn_send(c, body, len);
	if (!is_head && chunked)
		conn_send(c, "0\r\n\r\n", 5);
	if (!r->keep_alive)
		conn_close_after(c);
}

static void answer(struct conn *c, const struct request *r, int status, const char *type, const char *extra,
                   const char *body)
{
	answer_bytes(c, r, status, type, extra, body, strlen(body));
}

/* A file of the page: gzip where the version and the client can (real ones prefer br). */
static void answer_file(struct conn *c, const struct request *r, const char *type, const char *body, size_t len)
{
	struct buffer packed = {0};
	char accepted[256];

	if (!c->server->profile->compresses || !request_header(r, "accept-encoding", 0, accepted, sizeof accepted) ||
	    !strstr(accepted, "gzip")) {
		answer_bytes(c, r, 200, type, "", body, len);
		return;
	}
	gzip_pack(body, len, &packed);
	answer_bytes(c, r, 200, type, "content-encoding: gzip\r\n", packed.data, packed.len);
	free(packed.data);
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

/* A token of the Authorization header with that scheme. */
static bool authorization(const struct request *r, const char *scheme, char *out, size_t size)
{
	char value[4096];
	size_t n = strlen(scheme);

	return request_header(r, "authorization", 0, value, sizeof value) && strncasecmp(value, scheme, n) == 0 &&
	       (size_t)snprintf(out, size, "%s", value + n) < size;
}

/* 0, -ENOENT (none or bogus), -EIO.  A cookie takes precedence over other tokens. */
static int session_of(struct conn *c, const struct request *r, struct session *out, const char **method)
{
	struct server *s = c->server;
	char token[4096], proof[4096];

	*method = "browser-session-cookie";
	if (request_cookie(r, s->cookie_name, token, sizeof token))
		return store_session_find(s->store, token, out);
	*method = s->profile->bearer_method;
	if (authorization(r, "Bearer ", token, sizeof token))
		return store_session_find(s->store, token, out);
	*method = "dpop-access-token";
	if (!s->profile->roles && authorization(r, "DPoP ", token, sizeof token) &&
	    request_header(r, "dpop", 0, proof, sizeof proof))
		return store_session_find(s->store, token, out);
	return -ENOENT;
}

/* A live session under the name of before is taken over: its Set-Cookie in extra. */
static int session_migrated(struct conn *c, const struct request *r, struct session *out, char extra[MIGRATED_SIZE])
{
	struct server *s = c->server;
	char token[TOKEN_MAX];

	if (s->profile->cookie_rule != COOKIE_ENVIRONMENT || !request_cookie(r, "t3_session", token, sizeof token) ||
	    store_session_find(s->store, token, out) != 0)
		return -ENOENT;
	snprintf(extra, MIGRATED_SIZE, "set-cookie: %s=%s; Path=/; HttpOnly; SameSite=Lax\r\n", s->cookie_name,
	         token);
	return 0;
}

static void rights(const struct server *s, const struct session *session, char *out, size_t size)
{
	if (s->profile->roles)
		snprintf(out, size, "\"role\":\"%s\"", session->administrator ? "owner" : "client");
	else
		snprintf(out, size, "\"scopes\":" SCOPES);
}

static void answer_session(struct conn *c, const struct request *r)
{
	struct server *s = c->server;
	struct session session = {0};
	char auth[400], body[1024], who[200], extra[MIGRATED_SIZE] = "";
	const char *method;
	int found = session_of(c, r, &session, &method);

	if (found == -EIO && !s->profile->roles) {
		answer_bare(c, r, 500);
		return;
	}
	if (found == -ENOENT)
		found = session_migrated(c, r, &session, extra);
	snprintf(auth, sizeof auth,
	         "{\"policy\":\"%s\",\"bootstrapMethods\":[\"one-time-token\"],\"sessionMethods\":[%s],"
	         "\"sessionCookieName\":\"%s\"}",
	         strcmp(s->host, "127.0.0.1") == 0 ? "loopback-browser" : "remote-reachable",
	         s->profile->session_methods, s->cookie_name);
	rights(s, &session, who, sizeof who);
	if (found == 0)
		snprintf(body, sizeof body,
		         "{\"authenticated\":true,\"auth\":%s,%s,\"sessionMethod\":\"%s\",\"expiresAt\":\"%s\"}",
		         auth, who, *extra ? "browser-session-cookie" : method, session.expires_at);
	else
		snprintf(body, sizeof body, "{\"authenticated\":false,\"auth\":%s}", auth);
	answer(c, r, 200, JSON, extra, body);
}

/* ---- pairing */

static void answer_paired(struct conn *c, const struct request *r, const char *subject)
{
	struct server *s = c->server;
	struct session session;
	char token[TOKEN_MAX], extra[TOKEN_MAX + 300], body[600], who[200], day[40];
	time_t expires = time(NULL) + 30L * 86400;
	struct tm tm;
	int n;

	if (store_session_create(s->store, subject, &session, token) != 0) {
		answer_bare(c, r, 500);
		return;
	}
	strftime(day, sizeof day, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&expires, &tm));
	n = snprintf(extra, sizeof extra, "%s",
	             s->profile->roles ? "" : "cache-control: no-store\r\npragma: no-cache\r\n");
	if (!s->profile->pairs_without_cookie)
		snprintf(extra + n, sizeof extra - (size_t)n,
		         "set-cookie: %s=%s; Path=/; Expires=%s; HttpOnly; SameSite=Lax\r\n", s->cookie_name, token,
		         day);
	rights(s, &session, who, sizeof who);
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
	char type[128] = "", subject[SUBJECT_SIZE];
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
	found = c->server->profile->cannot_pair ? -EIO : store_link_consume(c->server->store, credential, subject);
	json_decref(payload);
	if (found == 0)
		answer_paired(c, r, subject);
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

	if (session_of(c, r, &session, &method) != 0)
		answer_error(c, r, 401, "Authentication required.", "missing_credential");
	else if (session.administrator)
		answer(c, r, 200, JSON, "", "[]");
	else
		answer_error(c, r, 403, "Only owner sessions can manage access.", "insufficient_scope");
}

static void answer_shell(struct conn *c, const struct request *r)
{
	struct session session;
	const char *method;

	if (session_of(c, r, &session, &method) == 0)
		answer(c, r, 200, JSON, "", "{\"projects\":[],\"threads\":[]}");
	else
		answer_error(c, r, 401, "Authentication required.", "invalid_credential");
}

/* The main script: as large as the real one, and about as compressible. */
static void answer_script(struct conn *c, const struct request *r)
{
	size_t len = c->server->profile->script_bytes;
	char *text = malloc(len + 1);
	uint32_t x = 88675123;

	if (!text) {
		answer_bare(c, r, 500);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = "etaoinsh"[x >> 29];
	}
	memcpy(text, "/*", 2);
	memcpy(text + len - 3, "*/\n", 3);
	answer_file(c, r, "text/javascript; charset=utf-8", text, len);
	free(text);
}

static void answer_index(struct conn *c, const struct request *r)
{
	const char *page = c->server->page ? c->server->page : INDEX;

	answer_file(c, r, HTML, page, strlen(page));
}

/* The lab's own: POST /stub/websockets?answer=no, and yes. */
static void answer_lab(struct conn *c, const struct request *r)
{
	char value[8] = "";

	request_query(r, "answer", value, sizeof value);
	c->server->websockets_mute = strcmp(value, "no") == 0;
	answer(c, r, 204, NULL, "", "");
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

/* It says keep-alive, and closes all the same. */
static void upgrade_refuse(struct conn *c, const struct request *r, bool had_any)
{
	if (conn_peer_ended(c))
		crash_count(c, CRASH_CLOSED, "write");
	answer_error(c, r, 401, had_any ? "Unauthorized request." : "Authentication required.",
	             had_any ? "invalid_credential" : "missing_credential");
	conn_refused(c);
}

static void answer_websocket(struct conn *c, const struct request *r, bool upgrade)
{
	bool had_any, allowed = websocket_allowed(c, r, &had_any);

	if (!allowed && upgrade)
		upgrade_refuse(c, r, had_any);
	else if (!allowed)
		answer_error(c, r, 401, had_any ? "Unauthorized request." : "Authentication required.",
		             had_any ? "invalid_credential" : "missing_credential");
	else if (upgrade)
		websocket_accept(c, r);
	else
		answer_empty(c, r, 400);
}

struct route {
	const char *path;
	bool there; /* in this version */
	void (*answer)(struct conn *, const struct request *);
};

static void answer_manifest(struct conn *c, const struct request *r)
{
	answer(c, r, 200, "application/manifest+json", "", "{\"name\":\"T3 Code\",\"display\":\"standalone\"}");
}

/* Whatever has no route is the index page. */
static void answer_path(struct conn *c, const struct request *r)
{
	const struct route routes[] = {
	    {"/api/auth/session", true, answer_session},
	    {"/.well-known/t3/environment", true, answer_environment},
	    {"/api/auth/clients", true, answer_administrators},
	    {"/api/auth/pairing-links", true, answer_administrators},
	    {"/api/orchestration/shell", c->server->profile->shell, answer_shell},
	    {"/manifest.webmanifest", c->server->profile->manifest, answer_manifest},
	    {"/assets/index-stub.js", true, answer_script},
	};

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if (routes[i].there && strcmp(r->path, routes[i].path) == 0) {
			routes[i].answer(c, r);
			return;
		}
	answer_index(c, r);
}

static void answer_get(struct conn *c, const struct request *r)
{
	char upgrade[64] = "";
	bool up = request_header(r, "upgrade", 0, upgrade, sizeof upgrade) && strcasecmp(upgrade, "websocket") == 0;

	if (strcmp(r->path, "/ws") == 0)
		answer_websocket(c, r, up);
	else if (up)
		answer_index(c, r);
	else
		answer_path(c, r);
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
	else if (strcmp(r->method, "POST") == 0 && strcmp(r->path, "/stub/websockets") == 0)
		answer_lab(c, r);
	else
		answer_empty(c, r, 404);
}
