/* SPDX-License-Identifier: MIT */
/* Heads as they leave; see rewrite.h. */
#include "proxy/rewrite.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "net/http_status.h"
#include "proxy/client.h"
#include "proxy/identity.h"

/* clang-format off */
#define NAME(text) {text, sizeof text - 1}
/* clang-format on */

static const struct span hop_by_hop[] = {
    NAME("connection"), NAME("keep-alive"),         NAME("proxy-connection"),   NAME("te"),
    NAME("upgrade"),    NAME("proxy-authenticate"), NAME("proxy-authorization")};
/* Made anew, see forwarding_add. */
static const struct span forwarding[] = {NAME("x-forwarded-for"), NAME("x-forwarded-proto"), NAME("x-forwarded-host"),
                                         NAME("x-real-ip"),       NAME("forwarded"),         NAME("via")};

static bool is_one_of(struct span name, const struct span *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].len == name.len && strncasecmp(name.at, names[i].at, name.len) == 0)
			return true;
	return false;
}

/* Ends at this hop: by its name, or because Connection names it. */
static bool is_hop(const struct http_head *h, struct span name)
{
	char text[64];

	if (is_one_of(name, hop_by_hop, sizeof hop_by_hop / sizeof hop_by_hop[0]))
		return true;
	if (name.len >= sizeof text || !http_field_find(h, "connection", 0))
		return false;
	memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	/* what frames the message is ours to say, whatever Connection claims */
	return !span_is_nocase(name, "content-length") && !span_is_nocase(name, "transfer-encoding") &&
	       !span_is_nocase(name, "host") && http_list_has(h, "connection", text);
}

static bool span_add(struct buf *out, struct span s)
{
	return buf_add(out, s.at, s.len);
}

static bool field_add(struct buf *out, const struct http_field *f)
{
	return span_add(out, f->name) && buf_add(out, ": ", 2) && span_add(out, f->value) && buf_add(out, "\r\n", 2);
}

/* ---- who it comes from ------------------------------------------------------------------------ */

static void span_copy(char *out, size_t size, struct span s)
{
	size_t len = s.len < size ? s.len : size - 1;

	memcpy(out, s.at, len);
	out[len] = '\0';
}

void client_address(const struct exchange *x, char *out, size_t size)
{
	const struct http_field *f = x->client->trusted ? http_field_find(&x->head, "cf-connecting-ip", 0) : NULL;

	if (!f && x->client->trusted)
		f = http_field_find(&x->head, "x-real-ip", 0);
	if (f)
		span_copy(out, size, f->value);
	else
		event_copy(out, size, x->client->peer);
}

void client_colo(const struct exchange *x, char *out, size_t size)
{
	const struct http_field *f = x->client->trusted ? http_field_find(&x->head, "cf-ray", 0) : NULL;
	const char *dash = f ? memrchr(f->value.at, '-', f->value.len) : NULL;

	out[0] = '\0';
	if (dash)
		span_copy(out, size, (struct span){dash + 1, (size_t)(f->value.at + f->value.len - dash - 1)});
}

static bool trusted_value_add(const struct exchange *x, struct buf *out, const char *name, const char *otherwise)
{
	const struct http_field *f = x->client->trusted ? http_field_find(&x->head, name, 0) : NULL;

	if (!f && !otherwise)
		return true;
	return buf_add_text(out, name) && buf_add(out, ": ", 2) &&
	       (f ? span_add(out, f->value) : buf_add_text(out, otherwise)) && buf_add(out, "\r\n", 2);
}

/* A chain grows by the peer; what an untrusted peer claims is forgotten. */
static bool forwarded_for_add(const struct exchange *x, struct buf *out)
{
	bool ok = buf_add_text(out, "x-forwarded-for: ");

	for (size_t i = 0; x->client->trusted && i < x->head.n; i++)
		if (span_is_nocase(x->head.fields[i].name, "x-forwarded-for"))
			ok = ok && span_add(out, x->head.fields[i].value) && buf_add(out, ", ", 2);
	return ok && buf_add_text(out, x->client->peer) && buf_add(out, "\r\n", 2);
}

/* RFC 7239.  Only a chain that the trusted proxy began: one of ours alone would hide its X-Forwarded-For. */
static bool forwarded_add(const struct exchange *x, struct buf *out)
{
	bool v6 = strchr(x->client->peer, ':') != NULL;
	bool ok = true, begun = false;

	for (size_t i = 0; ok && x->client->trusted && i < x->head.n; i++)
		if (span_is_nocase(x->head.fields[i].name, "forwarded")) {
			ok = buf_add_text(out, begun ? ", " : "forwarded: ") &&
			     span_add(out, x->head.fields[i].value);
			begun = true;
		}
	if (!begun)
		return ok;
	return ok && buf_printf(out, v6 ? ", for=\"[%s]\"\r\n" : ", for=%s\r\n", x->client->peer);
}

static bool via_add(const struct http_head *h, struct buf *out)
{
	bool ok = buf_add_text(out, "via: ");

	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, "via"))
			ok = ok && span_add(out, h->fields[i].value) && buf_add(out, ", ", 2);
	return ok && buf_add_text(out, h->minor == 0 ? "1.0 t3ops\r\n" : "1.1 t3ops\r\n");
}

static bool forwarding_add(const struct exchange *x, struct buf *out)
{
	const struct http_field *host = http_field_find(&x->head, "host", 0);
	char own_host[256];

	span_copy(own_host, sizeof own_host, host ? host->value : (struct span){"", 0});
	return forwarded_for_add(x, out) && trusted_value_add(x, out, "x-forwarded-proto", "http") &&
	       trusted_value_add(x, out, "x-forwarded-host", own_host) &&
	       trusted_value_add(x, out, "x-real-ip", x->client->peer) && forwarded_add(x, out) &&
	       via_add(&x->head, out);
}

/* ---- request ------------------------------------------------------------------------------------ */

static const struct header_edit *edit_find(const struct exchange *x, struct span name)
{
	for (size_t i = 0; i < x->n_edits; i++)
		if (span_is_nocase(name, x->edits[i].name))
			return &x->edits[i];
	return NULL;
}

static bool request_field_passes(const struct exchange *x, const struct http_field *f, uint64_t forwards)
{
	return !is_hop(&x->head, f->name) &&
	       !is_one_of(f->name, forwarding, sizeof forwarding / sizeof forwarding[0]) &&
	       !identity_is_named(f->name, x->proxy->conf.identity_header) &&
	       !identity_is_named(f->name, x->proxy->conf.secret_header) && !edit_find(x, f->name) &&
	       (forwards == FORWARDS_ANY || !span_is_nocase(f->name, "max-forwards"));
}

uint64_t forwards_left(const struct http_head *h)
{
	const struct http_field *f = span_is(h->method, "OPTIONS") ? http_field_find(h, "max-forwards", 0) : NULL;
	uint64_t n;

	return f && http_length_parse(f->value, &n) ? n : FORWARDS_ANY;
}

static bool request_line_add(const struct exchange *x, struct buf *out)
{
	struct span t = x->head.target;

	if (t.len > 0 && t.at[0] != '/' && t.at[0] != '*') /* absolute form: the instance gets a path */
		t = (struct span){x->path.at, (size_t)(t.at + t.len - x->path.at)};
	return span_add(out, x->head.method) && buf_add(out, " ", 1) && span_add(out, t) &&
	       buf_add_text(out, x->head.minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
}

static bool request_end_add(const struct exchange *x, struct buf *out)
{
	if (x->websocket) /* whatever else was offered: a tunnel carries nothing but a WebSocket */
		return buf_add_text(out, "upgrade: websocket\r\nconnection: Upgrade\r\n\r\n");
	return buf_add_text(out, x->head.minor == 0 ? "connection: close\r\n\r\n" : "connection: keep-alive\r\n\r\n");
}

bool rewrite_request(const struct exchange *x, struct buf *out)
{
	uint64_t forwards = forwards_left(&x->head);
	bool ok = request_line_add(x, out);

	for (size_t i = 0; ok && i < x->head.n; i++)
		if (request_field_passes(x, &x->head.fields[i], forwards))
			ok = field_add(out, &x->head.fields[i]);
	if (ok && forwards != FORWARDS_ANY)
		ok = buf_printf(out, "max-forwards: %" PRIu64 "\r\n", forwards - 1);
	for (size_t i = 0; ok && i < x->n_edits; i++)
		if (x->edits[i].value)
			ok = buf_printf(out, "%s: %s\r\n", x->edits[i].name, x->edits[i].value);
	return ok && forwarding_add(x, out) && request_end_add(x, out);
}

/* ---- response ------------------------------------------------------------------------------------- */

static bool status_line_add(const struct http_head *h, struct buf *out)
{
	char code[] = {(char)('0' + h->status / 100 % 10), (char)('0' + h->status / 10 % 10),
	               (char)('0' + h->status % 10), ' '};

	return buf_add_text(out, "HTTP/1.1 ") && buf_add(out, code, sizeof code) &&
	       buf_add_text(out, http_status_text(h->status)) && buf_add(out, "\r\n", 2);
}

/* Says how long a body is; of an answer that never has one that is no use (RFC 9112 6.2). */
static bool is_framing(struct span name)
{
	return span_is_nocase(name, "content-length") || span_is_nocase(name, "transfer-encoding");
}

bool rewrite_interim(const struct http_head *h, struct buf *out)
{
	bool ok = status_line_add(h, out);

	for (size_t i = 0; ok && i < h->n; i++)
		if (!is_hop(h, h->fields[i].name) && !is_framing(h->fields[i].name))
			ok = field_add(out, &h->fields[i]);
	return ok && buf_add(out, "\r\n", 2);
}

/* A recipient with a clock dates what came without (RFC 9110 6.6.1). */
static bool date_make_sure(const struct exchange *x, const struct http_head *h, struct buf *out)
{
	return http_field_find(h, "date", 0) || date_add(&x->proxy->date, out);
}

static bool response_field_passes(const struct exchange *x, const struct http_head *h, struct span name)
{
	if (h->status == 101)
		return !span_is_nocase(name, "connection");
	if (is_hop(h, name) || span_is_nocase(name, "via") || (h->status == 204 && is_framing(name)))
		return false;
	return !x->sets_cookie || !span_is_nocase(name, "cache-control");
}

/* A cookie that we add is one user's: no cache between may keep an answer that the instance calls public. */
static bool caching_add(const struct exchange *x, struct buf *out)
{
	return !x->sets_cookie || buf_add_text(out, "cache-control: no-store\r\n");
}

bool rewrite_response(const struct exchange *x, const struct http_head *h, bool keep_alive, struct buf *out)
{
	bool upgrade = h->status == 101, ok = status_line_add(h, out);

	for (size_t i = 0; ok && i < h->n; i++)
		if (response_field_passes(x, h, h->fields[i].name))
			ok = field_add(out, &h->fields[i]);
	ok = ok && buf_add(out, x->extra.bytes ? buf_at(&x->extra) : "", buf_len(&x->extra));
	if (upgrade)
		return ok && buf_add_text(out, "connection: Upgrade\r\n\r\n");
	return ok && caching_add(x, out) && date_make_sure(x, h, out) && via_add(h, out) &&
	       buf_add_text(out, keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n");
}
