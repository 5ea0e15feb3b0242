/* SPDX-License-Identifier: MIT */
/* What is asked for, and by whom; see request.h. */
#include "proxy/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/caching.h"
#include "proxy/identity.h"
#include "proxy/path_timeout.h"
#include "proxy/proxy_secret.h"
#include "proxy/public_path.h"
#include "proxy/worker.h"

/* ---- reading ----------------------------------------------------------------------------------- */

/* The path begins the target, or follows the authority of an absolute form. */
static void path_find(struct request *r)
{
	struct span t = r->head.target;
	const char *end = t.at + t.len, *at = t.at, *query;

	if (t.len > 0 && t.at[0] != '/' && t.at[0] != '*') {
		at = memmem(t.at, t.len, "//", 2);
		at = at ? memchr(at + 2, '/', (size_t)(end - at - 2)) : end;
	}
	query = memchr(at, '?', (size_t)(end - at));
	r->path = (struct span){at, (size_t)((query ? query : end) - at)};
}

/* Of the first of client_address_headers that says one; an untrusted peer is the client itself. */
static void address_find(struct request *r, const struct proxy_conf *conf)
{
	const struct text_list *names = conf->client_address_headers;

	for (size_t i = 0; i < names->n && r->peer.trust == PEER_TRUSTED && r->address[0] == '\0'; i++) {
		if (strcasecmp(names->items[i], "x-forwarded-for") == 0)
			forwarded_for_find(&r->head, &conf->trusted, r->address);
		else if (strcasecmp(names->items[i], "forwarded") == 0)
			forwarded_find(&r->head, &conf->trusted, r->address);
		else
			forwarded_single_find(&r->head, names->items[i], r->address);
	}
	if (r->address[0] == '\0')
		event_set(r->address, r->peer.address);
}

static void identity_ignored(const struct request *r, struct worker *worker)
{
	struct event e;

	series_add(worker->metrics.identity_ignored, 1);
	event_init(&e, EVENT_IDENTITY_IGNORED, PROCESS_PROXY);
	if (!throttle_passes(&worker->throttle, r->peer.address, event_kind_name(EVENT_IDENTITY_IGNORED), e.mono_us,
	                     &e.count))
		return;
	event_set(e.address, r->peer.address);
	peer_hint(&r->peer, e.text, sizeof e.text);
	process_emit(worker->process, &e);
}

static const struct user *user_of(const struct worker *worker, const char *identity)
{
	return worker->conf.ignore_case ? user_list_find_folded(users_list(worker->users), identity)
	                                : users_find(worker->users, identity);
}

static enum reject_reason user_find(struct request *r, struct worker *worker)
{
	const struct proxy_conf *conf = &worker->conf;
	const struct user *user;

	if (path_is_public(r->path, conf->public_paths)) {
		r->identity[0] = '\0'; /* the client's own word */
		return REJECT_NONE;
	}
	if (conf->has_secret && !proxy_secret_is_shown(&r->head, conf->secret_header, conf->secret))
		return REJECT_PROXY_SECRET;
	user = user_of(worker, r->identity);
	r->has_user = user != NULL;
	if (user)
		r->user = *user;
	return REJECT_NONE;
}

static enum reject_reason identify(struct request *r, struct worker *worker)
{
	switch (identity_find(&r->head, &worker->conf.identity, r->peer.trust == PEER_TRUSTED, r->identity)) {
	case IDENTITY_NONE:
		return REJECT_NONE;
	case IDENTITY_FOUND:
		return user_find(r, worker);
	case IDENTITY_IGNORED:
		identity_ignored(r, worker);
		return REJECT_NONE;
	case IDENTITY_TWICE:
		return REJECT_IDENTITY_TWICE;
	case IDENTITY_ALIASED:
		return REJECT_IDENTITY_ALIASED;
	case IDENTITY_CONNECTION:
		return REJECT_IDENTITY_CONNECTION;
	case IDENTITY_LENGTH:
		return REJECT_IDENTITY_LENGTH;
	case IDENTITY_CONTROL:
		return REJECT_IDENTITY_CONTROL;
	case IDENTITY_ENCODING:
		return REJECT_IDENTITY_ENCODING;
	}
	return REJECT_IDENTITY_ENCODING;
}

/* Whose word about the host counts; NULL: nobody's. */
static const struct cidr_list *request_proxies(const struct request *r, const struct worker *worker)
{
	return r->peer.trust == PEER_TRUSTED ? &worker->conf.trusted : NULL;
}

enum reject_reason request_read(struct request *r, struct worker *worker, const struct peer *peer, struct span raw)
{
	enum http_syntax syntax = http_request_parse(&r->head, raw.at, raw.len);
	enum reject_reason why = request_validate(&r->head, syntax, raw, worker->conf.max_headers);

	r->peer = *peer;
	r->started_us = clock_mono_us();
	if (why != REJECT_NONE)
		return why;
	address_find(r, &worker->conf);
	path_find(r);
	r->limit_us = path_timeout_find(&worker->conf.path_timeouts, r->path);
	r->shared = caching_path_is_shared(r->path, worker->conf.shared_paths);
	why = identify(r, worker);
	if (why != REJECT_NONE)
		return why;
	r->websocket = http_is_websocket(&r->head);
	r->origin = r->websocket ? origin_check(&r->head, worker->conf.allowed_origins, request_proxies(r, worker))
	                         : ORIGIN_OURS;
	r->close_requested = http_list_has(&r->head, "connection", "close");
	r->keep_alive = r->head.minor == 1 && !r->close_requested;
	r->body.framing = http_request_framing(&r->head, &r->body.left);
	r->body.done = r->body.framing == HTTP_BODY_NONE;
	return REJECT_NONE;
}

/* ---- what of it moves to another process ---------------------------------------------------------- */

static int cut(size_t len, size_t most)
{
	return (int)(len < most ? len : most);
}

/* The path as long as the access log writes it, and no query. */
bool request_summarize(const struct request *r, struct buf *out)
{
	const struct http_field *agent = http_field_find(&r->head, "user-agent", 0);
	const struct span path = r->path.len > 0 ? r->path : span_of("/"), none = {"", 0};
	const struct span value = agent ? agent->value : none, method = r->head.method;

	return buf_printf(out, "%.*s %.*s HTTP/1.%u\r\n", cut(method.len, 32), method.at, cut(path.len, 1024),
	                  path.at, r->head.minor) &&
	       (!agent || buf_printf(out, "user-agent: %.*s\r\n", cut(value.len, 256), value.at)) &&
	       buf_add_text(out, "\r\n");
}

bool request_read_summary(struct request *r, const struct worker *worker, const struct peer *peer, struct span raw)
{
	if (http_request_parse(&r->head, raw.at, raw.len) != HTTP_SYNTAX_OK)
		return false;
	r->peer = *peer;
	path_find(r);
	r->limit_us = path_timeout_find(&worker->conf.path_timeouts, r->path);
	r->body.done = true;
	return true;
}

bool request_cookies_join(struct request *r)
{
	return http_fields_join(&r->head, "cookie", "; ", &r->cookie);
}

void request_fini(struct request *r)
{
	for (size_t i = 0; i < r->n_edits; i++) {
		free(r->edits[i].name);
		free(r->edits[i].value);
	}
	free(r->cookie);
	buf_fini(&r->extra);
}

/* ---- what it is ---------------------------------------------------------------------------------- */

bool request_is_safe(const struct request *r)
{
	return r->body.framing == HTTP_BODY_NONE &&
	       (span_is(r->head.method, "GET") || span_is(r->head.method, "HEAD") ||
	        span_is(r->head.method, "OPTIONS"));
}

bool request_is_repeatable(const struct request *r)
{
	return r->body.framing == HTTP_BODY_NONE;
}

bool request_is_navigation(const struct request *r)
{
	const struct http_field *dest = http_field_find(&r->head, "sec-fetch-dest", 0);
	const struct http_field *accept = http_field_find(&r->head, "accept", 0);

	if (!span_is(r->head.method, "GET") && !span_is(r->head.method, "HEAD"))
		return false;
	if (dest)
		return span_is_nocase(dest->value, "document");
	return accept && memmem(accept->value.at, accept->value.len, "text/html", 9);
}

bool request_is_over_http2(const struct request *r)
{
	return http_field_find(&r->head, "priority", 0) != NULL;
}

struct span request_cookie(const struct request *r)
{
	const struct header_edit *edit = request_edit_find(r, (struct span){"cookie", 6});
	const struct http_field *f = edit ? NULL : http_field_find(&r->head, "cookie", 0);

	if (edit && edit->value)
		return span_of(edit->value);
	return f ? f->value : (struct span){"", 0};
}

struct span request_target(const struct request *r)
{
	const struct span t = r->head.target;

	return (struct span){r->path.at, (size_t)(t.at + t.len - r->path.at)};
}

uint64_t request_forwards_left(const struct request *r)
{
	const struct http_field *f = span_is(r->head.method, "OPTIONS") ? http_field_find(&r->head, "max-forwards", 0)
	                                                                : NULL;
	uint64_t n;

	return f && http_length_parse(f->value, &n) ? n : FORWARDS_ANY;
}

static void span_copy(char *out, size_t size, struct span s)
{
	size_t len = s.len < size ? s.len : size - 1;

	memcpy(out, s.at, len);
	out[len] = '\0';
}

/* Of two names that no user has. */
static bool names_equal(const struct proxy_conf *conf, const char *a, const char *b)
{
	return conf->ignore_case ? user_name_is_same(a, b) : strcmp(a, b) == 0;
}

bool request_is_of(const struct request *r, const struct worker *worker, const char *identity)
{
	char name[T3OPS_USER_NAME_SIZE];
	const struct user *user;

	if (r->identity[0] == '\0' || !identity_read(identity, &worker->conf.identity, name))
		return false;
	user = user_of(worker, name);
	if (!r->has_user)
		return !user && names_equal(&worker->conf, name, r->identity);
	return user && strcmp(user->name, r->user.name) == 0;
}

uint32_t request_site(const struct request *r, const struct worker *worker)
{
	return origin_site(&r->head, request_proxies(r, worker));
}

void request_browser(const struct request *r, struct t3ops_browser *out)
{
	const struct http_field *f = http_field_find(&r->head, "user-agent", 0);

	*out = (struct t3ops_browser){.struct_size = sizeof *out};
	event_set(out->address, r->address);
	span_copy(out->user_agent, sizeof out->user_agent, f ? f->value : (struct span){"", 0});
	span_copy(out->path, sizeof out->path, r->path);
}

void request_colo(const struct request *r, char out[COLO_SIZE])
{
	const struct http_field *f = r->peer.trust == PEER_TRUSTED ? http_field_find(&r->head, "cf-ray", 0) : NULL;

	colo_read(f ? f->value.at : "", f ? f->value.len : 0, out);
}

/* ---- what plugins change ---------------------------------------------------------------------------- */

const struct header_edit *request_edit_find(const struct request *r, struct span name)
{
	for (size_t i = 0; i < r->n_edits; i++)
		if (span_is_nocase(name, r->edits[i].name))
			return &r->edits[i];
	return NULL;
}

int request_edit(struct request *r, const char *name, const char *value)
{
	struct header_edit *edit = NULL;

	for (size_t i = 0; i < r->n_edits; i++)
		if (strcasecmp(r->edits[i].name, name) == 0)
			edit = &r->edits[i];
	if (!edit && r->n_edits == HEADER_EDITS_MAX)
		return -ENOSPC;
	if (!edit)
		edit = &r->edits[r->n_edits++];
	free(edit->name);
	free(edit->value);
	edit->name = strdup(name);
	edit->value = value ? strdup(value) : NULL;
	if (!edit->name || (value && !edit->value))
		abort(); /* half an edit could send a stale cookie on */
	return 0;
}

int request_extra_add(struct request *r, const char *name, const char *value)
{
	if (!buf_printf(&r->extra, "%s: %s\r\n", name, value))
		return -ENOMEM;
	r->sets_cookie = r->sets_cookie || strcasecmp(name, "set-cookie") == 0;
	return 0;
}
