/* SPDX-License-Identifier: MIT */
/*
 * probe_vantage: a leg that another t3ops holds, at another place.  This one asks it what its leg sees, again and
 * again; each answer is the first thing that happens to that leg after the question, by a key that both have.  So the
 * leg is one with another first segment, for the diagnosis as for everything else.  Where nothing is heard, or it
 * cannot be believed, nothing is known of the leg: it accuses nobody and acquits nobody.
 *
 *   question --held there until something happens--> up, alive: up here, and its heartbeat is answered
 *                                                    down, a failed attempt: down here, as it was there
 *                                                    nothing, or up long ago: asked again
 *   no answer, or one that is not believed --> ended by t3ops itself, and asked again after a pause
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "plugin.h"
#include "probe_vantage/testimony.h"
#include "probe_vantage/vantage_key.h"

#define ANSWER_MAX    1024
#define PACE_US       UINT64_C(100000)
#define DEAF_PAUSE_US UINT64_C(2000000)
#define WAY_MAX_US                                                                                                   \
	UINT64_C(1000000) /* of the answer with which the leg comes up: it is no heartbeat, which has an age */

/* Rows of the metric table. */
enum { METRIC_HEARD, METRIC_UNHEARD };

/* The leg of one section. */
struct vantage {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg; /* NULL: the host has none open */
	uint64_t fetch;        /* 0: nothing is asked */
	struct t3ops_timer *next;
	unsigned char key[TESTIMONY_KEY_BYTES];
	char challenge[TESTIMONY_CHALLENGE_HEX + 1];
	bool up, pinged; /* a heartbeat waits for its answer */
	bool deaf;       /* the last question was not answered, or not believed */
};

static void ask(struct vantage *v);

/* ---- what the leg reports ------------------------------------------------------------------------------------ */

static void leg_ends(struct vantage *v, uint32_t step, uint32_t reason, int code, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = text};
	struct t3ops_leg *leg = v->leg;

	v->up = v->pinged = false;
	v->leg = NULL; /* until the host opens it again */
	v->ctx->host->leg_down(v->ctx, leg, &end);
}

static void on_next(struct t3ops_ctx *ctx, void *arg)
{
	struct vantage *v = arg;

	(void)ctx;
	v->next = NULL;
	ask(v);
}

static void ask_after(struct vantage *v, uint64_t pause_us)
{
	v->next = v->ctx->host->timer_start(v->ctx, pause_us, 0, on_next, v);
}

static void hearing_set(struct vantage *v, bool deaf, const char *text)
{
	const struct t3ops_host *host = v->ctx->host;

	host->gauge(v->ctx, METRIC_HEARD, NULL, !deaf);
	if (deaf != v->deaf)
		host->emit(v->ctx, "note", NULL, 0, text);
	v->deaf = deaf;
}

/* why: a label of the metric. */
static void unheard(struct vantage *v, const char *why, const char *detail)
{
	char text[384];

	snprintf(text, sizeof text, "nothing is known from the vantage %.100s: %.200s",
	         v->ctx->host->opt_string(v->ctx, "url"), detail);
	v->ctx->host->count(v->ctx, METRIC_UNHEARD, (const char *[]){why}, 1);
	hearing_set(v, true, text);
	if (v->up)
		leg_ends(v, T3OPS_STEP_OPEN, T3OPS_R_LOCAL, 0, text);
	else
		ask_after(v, DEAF_PAUSE_US);
}

/* waited_us: at least since the answered heartbeat was sent there. */
static void answered(struct vantage *v, const struct testimony *t, uint64_t waited_us)
{
	const struct t3ops_host *host = v->ctx->host;
	char ray[16];

	snprintf(ray, sizeof ray, "0-%s", t->colo);
	if (t->colo[0] != '\0')
		host->leg_location(v->ctx, v->leg, ray);
	if (!v->up)
		host->leg_up(v->ctx, v->leg);
	else if (v->pinged)
		host->leg_pong(v->ctx, v->leg, waited_us);
	v->up = true;
	v->pinged = false;
}

static void heard(struct vantage *v, const struct testimony *t, uint64_t took_us)
{
	uint64_t way_us = took_us - t->held_us;
	char text[160];

	switch (t->kind) {
	case TESTIMONY_UP:
	case TESTIMONY_ALIVE:
		if (v->up || way_us <= WAY_MAX_US)
			answered(v, t, way_us + t->waited_us);
		break;
	case TESTIMONY_DOWN:
	case TESTIMONY_ATTEMPT:
		snprintf(text, sizeof text, "as seen there: %s at %s", v->ctx->host->reason_name(v->ctx, t->reason),
		         v->ctx->host->step_name(v->ctx, t->step));
		leg_ends(v, t->step, t->reason, (int)t->code, text);
		return;
	case TESTIMONY_NONE:
		break;
	}
	ask_after(v, PACE_US);
}

/* ---- questions and answers ----------------------------------------------------------------------------------- */

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct vantage *v = arg;
	struct testimony t;
	const char *fault;
	char status[32];

	v->fetch = 0;
	if (f->error != 0) {
		unheard(v, "unreachable", f->error_text);
		return;
	}
	if (f->status != 200) {
		snprintf(status, sizeof status, "it answers %d", f->status);
		unheard(v, "refused", status);
		return;
	}
	fault = testimony_read(f->body, f->body_len, v->key, v->challenge, ctx->host->opt_string(ctx, "leg"), &t);
	if (fault == NULL && t.held_us > f->total_us)
		fault = "it says that it held the question longer than that took";
	if (fault != NULL) {
		unheard(v, "not_believed", fault);
		return;
	}
	hearing_set(v, false, "the vantage is heard again");
	heard(v, &t, f->total_us);
}

static bool challenge_make(char out[TESTIMONY_CHALLENGE_HEX + 1])
{
	unsigned char random[TESTIMONY_CHALLENGE_HEX / 2];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return false;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	return true;
}

/* The URL of a question by the key. */
static void question_make(struct vantage *v, char *url, size_t size)
{
	const char *base = v->ctx->host->opt_string(v->ctx, "url"), *leg = v->ctx->host->opt_string(v->ctx, "leg");
	char text[128], mac[TESTIMONY_MAC_HEX + 1];
	int n = snprintf(text, sizeof text, "t3ops-question 1\n%s\n%.40s\n", v->challenge, leg);
	size_t len = strlen(base);

	testimony_mac(v->key, text, (size_t)n, mac);
	while (len > 0 && base[len - 1] == '/')
		len--;
	snprintf(url, size, "%.*s/testimony?leg=%.40s&challenge=%s&mac=%s", (int)len, base, leg, v->challenge, mac);
}

static void ask(struct vantage *v)
{
	const struct t3ops_host *host = v->ctx->host;
	char url[1024];
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = url,
	                           .max_body = ANSWER_MAX,
	                           .timeout_us = (uint64_t)host->opt_int(v->ctx, "timeout"),
	                           .connect_to = host->opt_string(v->ctx, "address"),
	                           .interface = host->opt_string(v->ctx, "interface"),
	                           .ca_file = host->opt_string(v->ctx, "ca_file")};

	if (!challenge_make(v->challenge)) {
		unheard(v, "unreachable", "this machine gives no random bytes");
		return;
	}
	question_make(v, url, sizeof url);
	v->fetch = host->fetch(v->ctx, &what, on_fetched, v);
}

/* ---- the leg ------------------------------------------------------------------------------------------------- */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct vantage *v = ctx->state;

	v->leg = leg;
	v->up = v->pinged = false;
	ask(v);
}

/* The next answer is the heartbeat's: a question is always on its way. */
static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct vantage *v = ctx->state;

	(void)leg;
	v->pinged = true;
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct vantage *v = ctx->state;

	(void)leg;
	if (v->fetch != 0)
		ctx->host->fetch_cancel(ctx, v->fetch);
	ctx->host->timer_stop(ctx, v->next);
	v->fetch = 0;
	v->next = NULL;
	v->leg = NULL;
}

static bool leg_is_named(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 31 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

/* The host fails the start, and says which option it is. */
static bool options_are_good(struct t3ops_ctx *ctx, struct vantage *v)
{
	const struct t3ops_host *host = ctx->host;
	const char *fault = vantage_key_read(host->opt_string(ctx, "key_file"), v->key),
	           *url = host->opt_string(ctx, "url");
	bool named = leg_is_named(host->opt_string(ctx, "leg")),
	     plain = strpbrk(url, "?#") == NULL && strlen(url) <= 512;

	if (fault != NULL)
		host->option_fault(ctx, T3OPS_ERROR, "key_file", "%s", fault);
	if (!named)
		host->option_fault(ctx, T3OPS_ERROR, "leg", "expected the name of a leg's section there");
	if (!plain)
		host->option_fault(ctx, T3OPS_ERROR, "url", "expected http://HOST:PORT, without a query");
	return fault == NULL && named && plain;
}

static int init(struct t3ops_ctx *ctx)
{
	struct vantage *v = calloc(1, sizeof *v);

	if (v == NULL)
		return -ENOMEM;
	if (!options_are_good(ctx, v)) {
		free(v);
		return -EINVAL;
	}
	v->ctx = ctx;
	ctx->state = v;
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct vantage *v = ctx->state;

	OPENSSL_cleanse(v->key, sizeof v->key);
	free(v);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0,
     "The status_listen of the other t3ops, as http://10.8.0.2:9108, by a name or address that it knows itself by."},
    {"leg", T3OPS_OPT_STRING, "probe_cloudflare", 0, 0, "Name of the leg there that is asked about."},
    {"key_file", T3OPS_OPT_PATH, T3OPS_REQUIRED, 0, 0,
     "File that other accounts cannot read, and the prober's can, whose first line is that of vantage_key_file "
     "there."},
    {"address", T3OPS_OPT_ADDRESS, "", 0, 0,
     "Where to connect instead of the URL's host: ADDRESS or ADDRESS:PORT; empty: the name is looked up."},
    {"interface", T3OPS_OPT_INTERFACE, "", 0, 0, "Network device or source address to go out by; empty: any."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0,
     "Certificate authorities to trust, of an https URL; empty: the system's."},
    {"timeout", T3OPS_OPT_DURATION, "10s", 6000000, 600000000,
     "Limit of a question, which the other one holds for up to 5 s."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_HEARD] = {.name = "t3ops_vantage_heard",
                      .type = T3OPS_GAUGE,
                      .help = "1 while the other t3ops answers, and is believed; 0: nothing is known from there."},
    [METRIC_UNHEARD] =
        {.name = "t3ops_vantage_unheard_total",
         .type = T3OPS_COUNTER,
         .labels = {"why"},
         .help = "Questions without an answer that is believed: unreachable, refused or not_believed."},
};

T3OPS_PLUGIN(probe_vantage) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_vantage",
    .version = PACKAGE_VERSION,
    .summary = "leg of another t3ops, at another place",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .leg_flags = T3OPS_LEG_ELSEWHERE,
    .leg_segments = "",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
