/* SPDX-License-Identifier: MIT */
/* Heads as they leave; see rewrite.h. */
#include "proxy/rewrite.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "net/http_status.h"
#include "proxy/caching.h"
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

/* The trusted proxy's value, else ours; `otherwise` at NULL: nothing. */
static bool trusted_value_add(const struct request *r, struct buf *out, const char *name, struct span otherwise)
{
	const struct http_field *f = r->peer.trust == PEER_TRUSTED ? http_field_find(&r->head, name, 0) : NULL;
	struct span value = f ? f->value : otherwise;

	if (!value.at)
		return true;
	return buf_add_text(out, name) && buf_add(out, ": ", 2) && span_add(out, value) && buf_add(out, "\r\n", 2);
}

/* A chain grows by the peer; what an untrusted peer claims is forgotten. */
static bool forwarded_for_add(const struct request *r, struct buf *out)
{
	bool ok = buf_add_text(out, "x-forwarded-for: ");

	for (size_t i = 0; r->peer.trust == PEER_TRUSTED && i < r->head.n; i++)
		if (span_is_nocase(r->head.fields[i].name, "x-forwarded-for"))
			ok = ok && span_add(out, r->head.fields[i].value) && buf_add(out, ", ", 2);
	return ok && buf_add_text(out, r->peer.address) && buf_add(out, "\r\n", 2);
}

/* RFC 7239.  Only a chain that the trusted proxy began: one of ours alone would hide its X-Forwarded-For. */
static bool forwarded_add(const struct request *r, struct buf *out)
{
	bool v6 = strchr(r->peer.address, ':') != NULL;
	bool ok = true, begun = false;

	for (size_t i = 0; ok && r->peer.trust == PEER_TRUSTED && i < r->head.n; i++)
		if (span_is_nocase(r->head.fields[i].name, "forwarded")) {
			ok = buf_add_text(out, begun ? ", " : "forwarded: ") &&
			     span_add(out, r->head.fields[i].value);
			begun = true;
		}
	if (!begun)
		return ok;
	return ok && buf_printf(out, v6 ? ", for=\"[%s]\"\r\n" : ", for=%s\r\n", r->peer.address);
}

static bool real_ip_add(const struct request *r, struct buf *out)
{
	return buf_add_text(out, "x-real-ip: ") && buf_add_text(out, r->address) && buf_add(out, "\r\n", 2);
}

static bool via_add(const struct http_head *h, struct buf *out)
{
	bool ok = buf_add_text(out, "via: ");

	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, "via"))
			ok = ok && span_add(out, h->fields[i].value) && buf_add(out, ", ", 2);
	return ok && buf_add_text(out, h->minor == 0 ? "1.0 t3ops\r\n" : "1.1 t3ops\r\n");
}

static bool forwarding_add(const struct request *r, struct buf *out)
{
	const struct http_field *host = http_field_find(&r->head, "host", 0);

	return forwarded_for_add(r, out) &&
	       trusted_value_add(r, out, "x-forwarded-proto", (struct span)NAME("http")) &&
	       trusted_value_add(r, out, "x-forwarded-host", host ? host->value : (struct span)NAME("")) &&
	       real_ip_add(r, out) && forwarded_add(r, out) && via_add(&r->head, out);
}

/* ---- request ------------------------------------------------------------------------------------ */

static bool request_field_passes(const struct request *r, const struct proxy_conf *conf, const struct http_field *f,
                                 uint64_t forwards)
{
	return !is_hop(&r->head, f->name) &&
	       !is_one_of(f->name, forwarding, sizeof forwarding / sizeof forwarding[0]) &&
	       !identity_is_named(f->name, conf->identity.name) && !identity_is_named(f->name, conf->secret_header) &&
	       (r->n_edits == 0 || !request_edit_find(r, f->name)) &&
	       (forwards == FORWARDS_ANY || !span_is_nocase(f->name, "max-forwards"));
}

static bool request_line_add(const struct request *r, struct buf *out)
{
	struct span t = r->head.target;

	if (t.len > 0 && t.at[0] != '/' && t.at[0] != '*') /* absolute form: the t3 server gets a path */
		t = (struct span){r->path.at, (size_t)(t.at + t.len - r->path.at)};
	return span_add(out, r->head.method) && buf_add(out, " ", 1) && span_add(out, t) &&
	       buf_add_text(out, r->head.minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
}

static bool request_end_add(const struct request *r, struct buf *out)
{
	if (r->websocket) /* whatever else was offered: a tunnel carries nothing but a WebSocket */
		return buf_add_text(out, "upgrade: websocket\r\nconnection: Upgrade\r\n\r\n");
	return buf_add_text(out, r->head.minor == 0 ? "connection: close\r\n\r\n" : "connection: keep-alive\r\n\r\n");
}

bool rewrite_request(const struct request *r, const struct proxy_conf *conf, struct buf *out)
{
	uint64_t forwards = request_forwards_left(r);
	bool ok = request_line_add(r, out);

	for (size_t i = 0; ok && i < r->head.n; i++)
		if (request_field_passes(r, conf, &r->head.fields[i], forwards))
			ok = field_add(out, &r->head.fields[i]);
	if (ok && forwards != FORWARDS_ANY)
		ok = buf_printf(out, "max-forwards: %" PRIu64 "\r\n", forwards - 1);
	for (size_t i = 0; ok && i < r->n_edits; i++)
		if (r->edits[i].value)
			ok = buf_printf(out, "%s: %s\r\n", r->edits[i].name, r->edits[i].value);
	return ok && forwarding_add(r, out) && request_end_add(r, out);
}

/* ---- response ------------------------------------------------------------------------------------- */

static bool status_line_add(const struct http_head *h, struct buf *out)
{
	char code[] = {(char)('0' + h->status / 100 % 10), (char)('0' + h->status / 10 % 10),
	               (char)('0' + h->status % 10), ' '};

	return buf_add_text(out, "HTTP/1.1 ") && buf_add(out, code, sizeof code) &&
	       buf_add_text(out, http_status_text(h->status)) && buf_add(out, "\r\n", 2);
}

/* Says how long a body is; of no use in a response that never has one (RFC 9112 6.2). */
static bool is_framing(struct span name)
{
	return span_is_nocase(name, "content-length") || span_is_nocase(name, "transfer-encoding");
}

/* Of no use to a client that knows no chunks (RFC 9112 6.1). */
static bool is_of_chunks(struct span name)
{
	return span_is_nocase(name, "transfer-encoding") || span_is_nocase(name, "trailer");
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
static bool date_make_sure(const struct http_head *h, struct date *date, struct buf *out)
{
	return http_field_find(h, "date", 0) || date_add(date, out);
}

static bool response_field_passes(enum caching caching, const struct http_head *h, struct span name)
{
	if (h->status == 101)
		return !span_is_nocase(name, "connection");
	return !is_hop(h, name) && !span_is_nocase(name, "via") && (h->status != 204 || !is_framing(name)) &&
	       (caching == CACHING_AS_SENT || !caching_is_steering(name));
}

bool rewrite_response(const struct request *r, const struct http_head *h, bool keep_alive, struct date *date,
                      struct buf *out)
{
	enum caching caching = caching_of(h, r->shared, r->sets_cookie);
	bool upgrade = h->status == 101, ok = status_line_add(h, out);

	for (size_t i = 0; ok && i < h->n; i++)
		if (response_field_passes(caching, h, h->fields[i].name) &&
		    (r->head.minor == 1 || !is_of_chunks(h->fields[i].name)))
			ok = field_add(out, &h->fields[i]);
	ok = ok && buf_add(out, buf_len(&r->extra) > 0 ? buf_at(&r->extra) : "", buf_len(&r->extra));
	if (upgrade)
		return ok && buf_add_text(out, "connection: Upgrade\r\n\r\n");
	return ok && caching_add(h, caching, out) && date_make_sure(h, date, out) && via_add(h, out) &&
	       buf_add_text(out, keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n");
}
