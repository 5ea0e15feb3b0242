/* SPDX-License-Identifier: MIT */
/* What t3ops responds itself; see local_response.h. */
#include "proxy/local_response.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "net/html.h"
#include "net/http_status.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define PAGE_POLICY                                                                                                  \
	"content-security-policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "                  \
	"form-action 'none'; frame-ancestors 'none'"

bool header_is_safe(const char *name, const char *value)
{
	if (name[0] == '\0')
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name <= ' ' || *name == ':' || *name == 0x7f)
			return false;
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

/* "Name: value" is safe, and says nothing that is ours to say. */
static bool line_is_safe(const char *line)
{
	const char *colon = strchr(line, ':');
	char name[64];

	if (!colon || (size_t)(colon - line) >= sizeof name)
		return false;
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	return header_is_safe(name, colon + 1) && strcasecmp(name, "content-length") != 0 &&
	       strcasecmp(name, "transfer-encoding") != 0 && strcasecmp(name, "connection") != 0;
}

/* An Upgrade is for the next hop only, and Connection has to say so (RFC 9110 7.8). */
static bool line_is_upgrade(const char *line)
{
	return strncasecmp(line, "upgrade:", 8) == 0;
}

static bool line_is_caching(const char *line)
{
	return strncasecmp(line, "cache-control:", 14) == 0;
}

static void status_line_add(struct buf *out, int status, struct date *date)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
	date_add(date, out);
}

int local_response_make(struct local_response *l, const struct request *r, struct date *date, bool keep_alive,
                        int status, const char *const *headers, const void *body, size_t len)
{
	bool bodyless = status == 204 || status == 304 || span_is(r->head.method, "HEAD");
	struct buf *out = &l->bytes;
	bool upgrade = false, caching = false;

	for (size_t i = 0; headers && headers[i]; i++) {
		if (!line_is_safe(headers[i]))
			return -EINVAL;
		upgrade = upgrade || line_is_upgrade(headers[i]);
		caching = caching || line_is_caching(headers[i]);
	}
	local_response_fini(l);
	l->status = status;
	l->keep_alive = keep_alive;
	status_line_add(out, status, date);
	for (size_t i = 0; headers && headers[i]; i++)
		buf_printf(out, "%s\r\n", headers[i]);
	if (buf_len(&r->extra) > 0)
		buf_add(out, buf_at(&r->extra), buf_len(&r->extra));
	if (!caching)
		buf_add_text(out, "cache-control: no-store\r\n");
	if (status != 204 && status != 304)
		buf_printf(out, "content-length: %zu\r\n", len);
	buf_printf(out, "connection: %s%s\r\n\r\n", keep_alive ? "keep-alive" : "close", upgrade ? ", Upgrade" : "");
	if (!bodyless)
		buf_add(out, body, len);
	return 0;
}

void local_response_fini(struct local_response *l)
{
	buf_fini(&l->bytes);
	*l = (struct local_response){0};
}

/* "40 s", "12 min", "3 h 5 min", "2 days". */
static void span_text(uint64_t us, char out[48])
{
	uint64_t s = us / 1000000;

	if (s < 120)
		snprintf(out, 48, "%" PRIu64 " s", s);
	else if (s < 7200)
		snprintf(out, 48, "%" PRIu64 " min", s / 60);
	else if (s < 172800)
		snprintf(out, 48, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(out, 48, "%" PRIu64 " days", s / 86400);
}

static void since_add(struct buf *out, uint64_t since_us)
{
	uint64_t now_us = clock_wall_us();
	char when[TIME_TEXT_SIZE], span[48];

	time_text(since_us, when);
	span_text(now_us > since_us ? now_us - since_us : 0, span);
	buf_printf(out, "<p>First failed request at <time datetime=\"%s\">%.8s UTC</time>, %s ago.</p>", when,
	           when + 11, span);
}

/* A path of this site, whatever it begins with. */
static void link_add(struct buf *out, const struct explanation *why)
{
	buf_add_text(out, "<p><a href=\"/");
	html_add(out, why->link_target + strspn(why->link_target, "/\\"));
	buf_add_text(out, "\">");
	html_add(out, why->link_text ? why->link_text : why->link_target);
	buf_add_text(out, "</a></p>");
}

static void page_make(struct buf *out, const struct explanation *why)
{
	buf_add_text(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
	                  "<meta name=\"viewport\" content=\"width=device-width\">");
	if (why->retry_seconds > 0)
		buf_printf(out, "<meta http-equiv=\"refresh\" content=\"%u\">", why->retry_seconds);
	buf_add_text(out, "<title>");
	html_add(out, why->title);
	buf_add_text(out, "</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;"
	                  "padding:0 1em;color:#222;background:#fafafa}h1{font-size:1.4em}small{color:#777}"
	                  "</style></head><body><h1>");
	html_add(out, why->title);
	buf_add_text(out, "</h1><p>");
	html_add(out, why->text);
	buf_add_text(out, "</p>");
	if (why->verdict) {
		buf_add_text(out, "<p><b>What t3ops has found:</b> ");
		html_add(out, why->verdict);
		buf_add_text(out, "</p>");
	}
	if (why->since_us > 0)
		since_add(out, why->since_us);
	if (why->retry_seconds > 0)
		buf_printf(out, "<p>This page tries again by itself every %u seconds.</p>", why->retry_seconds);
	if (why->link_target)
		link_add(out, why);
	buf_printf(out, "<small>t3ops, status %d</small></body></html>\n", why->status);
}

static char *json_make(const struct explanation *why)
{
	json_t *object = json_pack("{s:s, s:s, s:i}", "error", why->title, "detail", why->text, "status",
	                           why->status);
	char *dump, when[TIME_TEXT_SIZE];

	if (why->verdict)
		json_object_set_new(object, "verdict", json_string(why->verdict));
	if (why->since_us > 0) {
		time_text(why->since_us, when);
		json_object_set_new(object, "since", json_string(when));
	}
	dump = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return dump;
}

int local_response_explain(struct local_response *l, const struct request *r, struct date *date, bool keep_alive,
                           const struct explanation *why)
{
	const char *headers[6] = {"cache-control: no-store", "x-content-type-options: nosniff"};
	struct buf page = {0};
	char *json = NULL, retry[32];
	size_t n = 2;
	int error;

	if (why->retry_seconds > 0) {
		snprintf(retry, sizeof retry, "retry-after: %u", why->retry_seconds);
		headers[n++] = retry;
	}
	if (request_is_navigation(r)) {
		headers[n++] = "content-type: text/html; charset=utf-8";
		headers[n] = PAGE_POLICY;
		page_make(&page, why);
		error = local_response_make(l, r, date, keep_alive, why->status, headers, buf_at(&page),
		                            buf_len(&page));
	} else {
		headers[n] = "content-type: application/json";
		json = json_make(why);
		error = local_response_make(l, r, date, keep_alive, why->status, headers, json ? json : "",
		                            json ? strlen(json) : 0);
	}
	free(json);
	buf_fini(&page);
	return error;
}

static void reject_page_make(struct buf *page, enum reject_reason why)
{
	struct explanation known = explanation_too_large;
	char text[EXPLANATION_TEXT_SIZE];

	snprintf(text, sizeof text, "%s %s", reject_sentence(why), explanation_too_large.text);
	known.text = text;
	page_make(page, &known);
}

void local_response_reject(struct buf *out, struct date *date, enum reject_reason why, bool with_body, bool browser)
{
	bool is_page = browser && reject_status(why) == 431;
	struct buf body = {0};

	if (is_page)
		reject_page_make(&body, why);
	else
		buf_printf(&body, "%s\n", reject_sentence(why));
	status_line_add(out, reject_status(why), date);
	buf_printf(out,
	           "content-type: text/%s; charset=utf-8\r\n%scache-control: no-store\r\ncontent-length: %zu\r\n",
	           is_page ? "html" : "plain", is_page ? PAGE_POLICY "\r\n" : "", buf_len(&body));
	buf_add_text(out, "connection: close\r\n\r\n");
	if (with_body)
		buf_add(out, buf_at(&body), buf_len(&body));
	buf_fini(&body);
}
