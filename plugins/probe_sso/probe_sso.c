/* SPDX-License-Identifier: MIT */
/*
 * probe_sso: a leg through the way that users sign in on.  It asks a protected path without a session, expects the
 * redirect to the SSO, and then the SSO's own page.  So an SSO that is down is seen before somebody has to sign in,
 * and a path that answers without a sign-in is an event of its own.
 *
 *   heartbeat:  protected path --expected redirect--> page of the SSO, perhaps over more redirects --2xx--> answered
 *               --2xx: open--> the page that the last redirect led to, if there was one
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fetch_leg.h"
#include "plugin.h"
#include "probe_sso/redirect.h"

#define REDIRECTS_MAX 8
#define PAGE_MAX      ((size_t)1 << 20)

/* Rows of the metric table. */
enum { METRIC_REQUIRED };

/* The leg of one section. */
struct sso {
	struct fetch_leg leg;
	unsigned redirects;   /* since the protected path */
	char url[URL_SIZE];   /* that is asked now */
	char login[URL_SIZE]; /* where the protected path redirected to last; "": it has not yet */
	bool open;            /* the path answered without a sign-in the last time */
};

static void url_ask(struct sso *s);

/* ---- what the leg reports ------------------------------------------------------------------------------------- */

/* What the last request failed with.  Behind the protected path the leg's own connection has worked. */
static void failed(struct sso *s, uint32_t step, uint32_t reason, int code, const char *why)
{
	char where[256], text[512];

	url_without_query(s->url, where, sizeof where);
	snprintf(text, sizeof text, "%s %s: %s", s->redirects == 0 ? "the protected path" : "the page of the SSO",
	         where, why);
	fetch_leg_down(&s->leg, s->redirects == 0 ? step : T3OPS_STEP_HTTP, reason, code, text);
}

static void failed_status(struct sso *s, int status, const char *expected)
{
	char why[128];

	snprintf(why, sizeof why, "answered %d, expected %s", status, expected);
	failed(s, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, status, why);
}

/* ---- the sign-in ---------------------------------------------------------------------------------------------- */

static void wall_show(struct sso *s, bool open, int status)
{
	const struct t3ops_host *host = s->leg.ctx->host;
	char where[256], text[384];

	host->gauge(s->leg.ctx, METRIC_REQUIRED, NULL, !open);
	if (s->open == open)
		return;
	s->open = open;
	url_without_query(s->url, where, sizeof where);
	snprintf(text, sizeof text, open ? "%s answers without a sign-in" : "%s asks for a sign-in again", where);
	host->emit(s->leg.ctx, open ? "sign_in_skipped" : "note", NULL, status, text);
}

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static void page_ask(struct sso *s, const char *url)
{
	s->redirects++;
	if (s->url != url)
		snprintf(s->url, sizeof s->url, "%s", url);
	url_ask(s);
}

/* The protected path answered as it would answer somebody who has signed in. */
static void path_is_open(struct sso *s, int status)
{
	wall_show(s, true, status);
	if (s->login[0] != '\0')
		page_ask(s, s->login);
	else
		fetch_leg_answered(&s->leg);
}

static void path_redirects(struct sso *s, const struct t3ops_fetched *f)
{
	const char *location = f->header(f, "location", 0),
	           *pattern = s->leg.ctx->host->opt_string(s->leg.ctx, "location");
	char target[URL_SIZE], where[256], why[400];

	if (!location || !redirect_resolve(s->url, location, target)) {
		failed(s, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, "redirects to nowhere");
		return;
	}
	if (!redirect_fits(target, pattern)) {
		url_without_query(target, where, sizeof where);
		snprintf(why, sizeof why, "redirects to %s, expected %.100s", where, pattern);
		failed(s, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, why);
		return;
	}
	wall_show(s, false, f->status);
	snprintf(s->login, sizeof s->login, "%s", target);
	page_ask(s, s->login);
}

static void path_answered(struct sso *s, const struct t3ops_fetched *f)
{
	int expected = (int)s->leg.ctx->host->opt_int(s->leg.ctx, "status");
	char text[8];

	snprintf(text, sizeof text, "%d", expected);
	if (f->status >= 200 && f->status < 300) {
		path_is_open(s, f->status);
	} else if (f->status != expected) {
		failed_status(s, f->status, text);
	} else if (expected >= 400) {
		wall_show(s, false, f->status);
		fetch_leg_answered(&s->leg); /* such a sign-in has no page */
	} else {
		path_redirects(s, f);
	}
}

static void page_answered(struct sso *s, const struct t3ops_fetched *f)
{
	const char *location = f->header(f, "location", 0);
	char target[URL_SIZE];

	if (f->status >= 200 && f->status < 300)
		fetch_leg_answered(&s->leg);
	else if (f->status < 300 || f->status >= 400)
		failed_status(s, f->status, "a page");
	else if (s->redirects == REDIRECTS_MAX)
		failed(s, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, "redirects again and again");
	else if (!location || !redirect_resolve(s->url, location, target))
		failed(s, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, "redirects to nowhere");
	else
		page_ask(s, target);
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct sso *s = arg;

	s->leg.fetch = 0;
	if (s->redirects == 0) {
		ctx->host->leg_certificate(ctx, s->leg.leg, f->certificate_until_us);
		ctx->host->leg_location(ctx, s->leg.leg, f->header(f, "cf-ray", 0));
	}
	if (f->error == -EFBIG && s->redirects > 0) /* what a page is like is its own business */
		fetch_leg_answered(&s->leg);
	else if (f->error != 0)
		failed(s, f->step, ctx->host->fetch_reason(ctx, f->error, f->step), 0, f->error_text);
	else if (s->redirects == 0)
		path_answered(s, f);
	else
		page_answered(s, f);
}

/* ---- questions
 * ----------------------------------------------------------------------------------------------------- */

static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct sso *s = arg;

	if (s->redirects == 0 && !s->leg.up)
		ctx->host->leg_reached(ctx, s->leg.leg, step);
}

static void url_ask(struct sso *s)
{
	static const char *const headers[] = {"accept: text/html", NULL};
	const struct t3ops_host *host = s->leg.ctx->host;
	bool own = url_same_site(s->url, host->opt_string(s->leg.ctx, "url"));
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = s->url,
	                           .headers = headers,
	                           .fresh = s->redirects == 0,
	                           .on_step = on_step,
	                           .max_body = PAGE_MAX,
	                           .timeout_us = (uint64_t)host->opt_int(s->leg.ctx, "timeout"),
	                           .connect_to = host->opt_string(s->leg.ctx, own ? "address" : "sso_address"),
	                           .interface = host->opt_string(s->leg.ctx, "interface"),
	                           .ca_file = host->opt_string(s->leg.ctx, "ca_file")};

	s->leg.fetch = host->fetch(s->leg.ctx, &what, on_fetched, s);
}

static void path_ask(struct sso *s)
{
	s->leg.asked_us = s->leg.ctx->host->now_us(s->leg.ctx);
	s->redirects = 0;
	snprintf(s->url, sizeof s->url, "%s", s->leg.ctx->host->opt_string(s->leg.ctx, "url"));
	url_ask(s);
}

/* ---- the leg
 * ---------------------------------------------------------------------------------------------------------- */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct sso *s = ctx->state;

	fetch_leg_begin(&s->leg, leg);
	path_ask(s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct sso *s = ctx->state;

	(void)leg;
	if (s->leg.fetch == 0)
		path_ask(s);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct sso *s = ctx->state;

	(void)leg;
	fetch_leg_cancel(&s->leg);
}

static int init(struct t3ops_ctx *ctx)
{
	struct sso *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->leg.ctx = ctx;
	ctx->state = s;
	return 0;
}

static int check(struct t3ops_ctx *ctx)
{
	const struct t3ops_host *host = ctx->host;

	if (host->opt_string(ctx, "location")[0] == '\0' && host->opt_int(ctx, "status") < 400)
		host->option_fault(ctx, T3OPS_WARNING, "location",
		                   "empty: a redirect to anywhere is taken for the one to the SSO");
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0, "A path that asks for a sign-in, as https://HOST/."},
    {"status", T3OPS_OPT_INT, "302", 300, 499,
     "Status that it answers without one; from 400 on there is no page of the SSO to look at."},
    {"location", T3OPS_OPT_STRING, "", 0, 0,
     "Where it redirects to: a whole URL, in which * stands for anything; empty: anywhere."},
    {"address", T3OPS_OPT_ADDRESS, "", 0, 0,
     "Where to connect instead of the URL's host: ADDRESS or ADDRESS:PORT; empty: the name is looked up."},
    {"sso_address", T3OPS_OPT_ADDRESS, "", 0, 0,
     "The same for pages of other hosts, that of the SSO; empty: their names are looked up."},
    {"interface", T3OPS_OPT_INTERFACE, "", 0, 0, "Network device or source address to go out by; empty: any."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificate authorities to trust; empty: the system's."},
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, 600000000, "Limit of each request."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_REQUIRED] = {.name = "t3ops_probe_sign_in_required",
                         .type = T3OPS_GAUGE,
                         .help = "1 while the protected path asks for a sign-in, 0 while it answers without one."},
};

T3OPS_PLUGIN(probe_sso) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_sso",
    .version = PACKAGE_VERSION,
    .summary = "HTTP leg through the sign-in to the SSO's page",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .check = check,
    .stop = stop,
    .leg_segments = "",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
