/* SPDX-License-Identifier: MIT */
/* Forms and refusals; see page_sign_in.h. */
#include "monitor/page_sign_in.h"

#include <errno.h>
#include <stdlib.h>

#include "monitor/page_token.h"
#include "sys/clock.h"

#define FORM_MAX 2048

static const char form[] =
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
    "<title>t3ops: sign in</title><link rel=stylesheet href=/site.css><link rel=icon href=/site.svg>"
    "<main class=sign-in><h1>t3ops</h1><form method=post action=" PAGE_SIGN_IN ">"
    "<label for=token>Token</label>"
    "<input id=token name=token type=password required autofocus autocomplete=current-password>"
    "<button>Show the page</button></form>"
    "<p class=note>%s</p></main>\n";

static uint64_t now_s(void)
{
	return clock_wall_us() / 1000000;
}

/* False: no token is set. */
static bool digest_of(const struct monitor *d, unsigned char digest[SECRET_DIGEST_BYTES])
{
	return secret_digest_parse(d->process->config->page_token, digest);
}

bool page_sign_in_ok(const struct monitor *d, const struct http_head *h)
{
	unsigned char digest[SECRET_DIGEST_BYTES];

	if (d->process->config->page_token[0] == '\0')
		return true;
	return digest_of(d, digest) && page_token_is_shown(h, digest, now_s());
}

static void form_make(struct http_answer *a, int status, const char *note)
{
	int n;

	*a = (struct http_answer){.status = status, .type = "text/html; charset=utf-8", .takes_form = true};
	n = asprintf(&a->body, form, note);
	if (n < 0)
		a->body = NULL;
	a->len = n > 0 ? (size_t)n : 0;
}

/* Something was shown, and was wrong: logged once a minute for each peer. */
static void refusal_report(struct monitor *d, const struct local_conn *c)
{
	const char *peer = local_peer(c);
	uint64_t left_out = 0;

	series_add(d->sign_in_refused_total, 1);
	if (throttle_passes(&d->throttle, peer, "sign_in", clock_mono_us(), &left_out))
		log_write(LOG_L_WARNING, "status_sign_in_refused", kv_peer(peer), kv_suppressed((int64_t)left_out));
}

void page_sign_in_ask(struct monitor *d, const struct local_conn *c, const struct http_head *h, bool html,
                      struct http_answer *a)
{
	if (http_field_count(h, "Authorization") > 0)
		refusal_report(d, c);
	if (html)
		form_make(a, 401, "It is the first line of the file that page_token_file names in t3ops.conf.");
	else
		http_answer_text(a, 401,
		                 "Sign-in required: send Authorization: Bearer and the token of page_token_file.\n");
}

int page_sign_in_length(const struct http_head *h)
{
	const struct http_field *length = http_field_find(h, "Content-Length", 0);
	uint64_t n;

	if (http_field_count(h, "Content-Length") != 1 || http_field_count(h, "Transfer-Encoding") > 0 ||
	    !http_field_length(length, &n) || n > FORM_MAX)
		return -EINVAL;
	return (int)n;
}

/* A proxy that ended TLS says so; who lies about it harms only the own cookie. */
static bool is_https(const struct http_head *h)
{
	const struct http_field *f = http_field_find(h, "X-Forwarded-Proto", 0);

	return f != NULL && span_is_nocase(f->value, "https");
}

void page_sign_in_answer(struct monitor *d, const struct local_conn *c, const struct http_head *h, const char *body,
                         size_t len, struct http_answer *a)
{
	unsigned char digest[SECRET_DIGEST_BYTES];
	char cookie[PAGE_COOKIE_SIZE];

	if (!digest_of(d, digest)) {
		http_answer_text(a, 404, "There is no sign-in: page_token_file is not set.\n");
		return;
	}
	if (!page_token_form_ok(body, len, digest)) {
		refusal_report(d, c);
		form_make(a, 403, "That is not the token.");
		return;
	}
	page_cookie_make(digest, now_s(), cookie);
	http_answer_text(a, 303, "The page is at /.\n");
	a->location = "/";
	if (asprintf(&a->cookie, PAGE_COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", cookie,
	             PAGE_COOKIE_DAYS * 86400, is_https(h) ? "; Secure" : "") < 0)
		a->cookie = NULL;
}

void page_sign_in_init(struct monitor *d)
{
	static const struct t3ops_metric refused = {
	    .name = "t3ops_status_sign_in_refused_total",
	    .type = T3OPS_COUNTER,
	    .help = "Tokens that were shown to the status pages and were not that of page_token_file."};

	d->sign_in_refused_total = metrics_series(d->process->metrics, &refused, NULL, NULL, NULL);
}
