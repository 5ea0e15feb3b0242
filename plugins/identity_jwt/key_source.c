/* SPDX-License-Identifier: MIT */
/* Fetching and reading keys; see key_source.h. */
#include "identity_jwt/key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity_jwt/key_file.h"
#include "identity_jwt/lifetime.h"
#include "identity_jwt/metrics.h"

#define SECOND_US   UINT64_C(1000000)
#define ASK_US      (5 * SECOND_US) /* from one fetch to the next that tokens can cause */
#define RETRY_US    (2 * SECOND_US) /* after a failure, then twice as long each time */
#define RETRY_MAX   (300 * SECOND_US)
#define REPORT_US   (600 * SECOND_US) /* from one report of a failure that lasts to the next */
#define LOOK_US     (60 * SECOND_US)  /* at the file */
#define FAULT_BYTES 320

struct key_source {
	struct t3ops_ctx *ctx;
	uint32_t algorithms;
	void (*changed)(struct t3ops_ctx *ctx);
	void (*tried)(struct t3ops_ctx *ctx);
	const char *url, *file; /* "": none */
	bool is_secret;         /* what the file holds */
	uint64_t usual_us;

	struct key_set *keys;
	char summary[KEY_SET_SUMMARY];
	bool from_url; /* the file does not count any more */
	struct key_file known;

	uint64_t fetch; /* in progress; 0: none */
	uint64_t tried_us, reported_us;
	unsigned failures; /* in a row */
	struct t3ops_timer *next, *look;
};

static void fetch_begin(struct key_source *s);

/* ---- other keys --------------------------------------------------------------------------------------------- */

/* Takes them.  Keys that are told apart by their ids alone may have changed: what was proven is proven anew. */
static void keys_take(struct key_source *s, struct key_set *keys, const char *from)
{
	char summary[KEY_SET_SUMMARY];
	char text[KEY_SET_SUMMARY + FAULT_BYTES];

	key_set_summarize(keys, summary);
	key_set_free(s->keys);
	s->keys = keys;
	s->ctx->host->gauge(s->ctx, METRIC_KEYS, NULL, (double)keys->n);
	s->changed(s->ctx);
	if (strcmp(summary, s->summary) == 0 && s->failures == 0)
		return;
	snprintf(s->summary, sizeof s->summary, "%s", summary);
	snprintf(text, sizeof text, "%s: %s", from, summary);
	s->ctx->host->emit(s->ctx, "signing_keys_loaded", NULL, 0, text);
}

static void keys_failed(struct key_source *s, int status, const char *from, const char *why)
{
	char text[2 * FAULT_BYTES];
	uint64_t now_us = s->ctx->host->now_us(s->ctx);

	if (s->reported_us != 0 && now_us - s->reported_us < REPORT_US)
		return;
	s->reported_us = now_us;
	snprintf(text, sizeof text, "%s: %s; %s", from, why,
	         s->keys != NULL ? "the keys of before stay" : "no keys are known, so nobody is let in");
	s->ctx->host->emit(s->ctx, "signing_keys_failed", NULL, status, text);
}

/* ---- from the issuer ---------------------------------------------------------------------------------------- */

static void on_next(struct t3ops_ctx *ctx, void *arg)
{
	struct key_source *s = arg;

	(void)ctx;
	s->next = NULL;
	fetch_begin(s);
}

static void next_after(struct key_source *s, uint64_t us)
{
	s->ctx->host->timer_stop(s->ctx, s->next);
	s->next = s->ctx->host->timer_start(s->ctx, us, 0, on_next, s);
}

static uint64_t retry_us(unsigned failures)
{
	uint64_t us = RETRY_US;

	while (failures-- > 1 && us < RETRY_MAX)
		us *= 2;
	return us < RETRY_MAX ? us : RETRY_MAX;
}

/* NULL, and why: there are none in it. */
static struct key_set *keys_of(const struct key_source *s, const struct t3ops_fetched *f, char why[FAULT_BYTES])
{
	char fault[KEY_SET_WHY];
	struct key_set *keys = NULL;

	if (f->error != 0)
		snprintf(why, FAULT_BYTES, "%s", f->error_text);
	else if (f->status != 200)
		snprintf(why, FAULT_BYTES, "status %d instead of a key set", f->status);
	else if ((keys = key_set_read(f->body, f->body_len, s->algorithms, fault)) == NULL)
		snprintf(why, FAULT_BYTES, "%s", fault);
	return keys;
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct key_source *s = arg;
	char why[FAULT_BYTES];
	struct key_set *keys = keys_of(s, f, why);

	s->fetch = 0;
	ctx->host->count(ctx, METRIC_FETCHES, (const char *[]){keys != NULL ? "ok" : "failed"}, 1);
	if (keys != NULL) {
		s->from_url = true;
		keys_take(s, keys, s->url);
		s->failures = 0;
		s->reported_us = 0;
		ctx->host->gauge(ctx, METRIC_FETCHED, NULL, (double)(ctx->host->wall_us(ctx) / SECOND_US));
		next_after(s, lifetime_us(f->header(f, "Cache-Control", 0), f->header(f, "Age", 0), s->usual_us));
	} else {
		s->failures++;
		keys_failed(s, f->status, s->url, why);
		next_after(s, retry_us(s->failures));
	}
	s->tried(ctx);
}

static void fetch_begin(struct key_source *s)
{
	static const char *const accept[] = {"Accept: application/json", NULL};
	const struct t3ops_host *host = s->ctx->host;
	const struct t3ops_fetch what = {.struct_size = sizeof what,
	                                 .url = s->url,
	                                 .headers = accept,
	                                 .timeout_us = (uint64_t)host->opt_int(s->ctx, "timeout"),
	                                 .max_body = KEY_SET_BYTES,
	                                 .connect_to = host->opt_string(s->ctx, "address"),
	                                 .ca_file = host->opt_string(s->ctx, "ca_file")};

	if (s->fetch != 0)
		return;
	s->tried_us = host->now_us(s->ctx);
	s->fetch = host->fetch(s->ctx, &what, on_fetched, s);
}

bool key_source_ask(struct key_source *s)
{
	if (s->url[0] == '\0')
		return false;
	if (s->fetch == 0 && s->ctx->host->now_us(s->ctx) - s->tried_us >= ASK_US)
		fetch_begin(s);
	return s->fetch != 0;
}

/* ---- from a file -------------------------------------------------------------------------------------------- */

/* NULL, and why. */
static struct key_set *file_load(struct key_source *s, char why[FAULT_BYTES])
{
	char fault[KEY_SET_WHY] = "";
	size_t len = 0;
	char *text = NULL;
	struct key_set *keys = NULL;
	int r = key_file_read(s->file, KEY_SET_BYTES, &s->known, &text, &len);

	if (r < 0)
		snprintf(why, FAULT_BYTES, "%s", strerror(-r));
	else if (s->is_secret)
		keys = key_set_of_secret(text, len, s->algorithms, fault);
	else
		keys = key_set_read(text, len, s->algorithms, fault);
	if (r == 0 && keys == NULL)
		snprintf(why, FAULT_BYTES, "%s", fault);
	key_file_forget(text, len);
	return keys;
}

/* A small local file, and read only if it is another one. */
static void on_look(struct t3ops_ctx *ctx, void *arg)
{
	struct key_source *s = arg;
	char why[FAULT_BYTES];
	struct key_set *keys;

	(void)ctx;
	if (s->from_url || !key_file_changed(s->file, &s->known))
		return;
	keys = file_load(s, why);
	if (keys != NULL)
		keys_take(s, keys, s->file);
	else
		keys_failed(s, 0, s->file, why);
}

/* ---- its life ----------------------------------------------------------------------------------------------- */

static bool file_begin(struct key_source *s)
{
	char why[FAULT_BYTES];

	s->keys = file_load(s, why);
	if (s->keys == NULL)
		s->ctx->host->option_fault(s->ctx, T3OPS_ERROR, s->is_secret ? "secret_file" : "jwks_file", "%s",
		                           why);
	else
		key_set_summarize(s->keys, s->summary);
	return s->keys != NULL;
}

struct key_source *key_source_new(struct t3ops_ctx *ctx, uint32_t algorithms, void (*changed)(struct t3ops_ctx *ctx),
                                  void (*tried)(struct t3ops_ctx *ctx))
{
	const struct t3ops_host *host = ctx->host;
	const char *secret = host->opt_string(ctx, "secret_file");
	struct key_source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	*s = (struct key_source){.ctx = ctx,
	                         .algorithms = algorithms,
	                         .changed = changed,
	                         .tried = tried,
	                         .url = host->opt_string(ctx, "jwks_url"),
	                         .file = secret[0] != '\0' ? secret : host->opt_string(ctx, "jwks_file"),
	                         .is_secret = secret[0] != '\0',
	                         .usual_us = (uint64_t)host->opt_int(ctx, "refresh")};
	if (s->file[0] != '\0' && !file_begin(s)) {
		free(s);
		return NULL;
	}
	return s;
}

void key_source_start(struct key_source *s)
{
	const struct t3ops_host *host = s->ctx->host;

	host->gauge(s->ctx, METRIC_KEYS, NULL, s->keys != NULL ? (double)s->keys->n : 0);
	if (s->url[0] != '\0')
		fetch_begin(s);
	if (s->file[0] != '\0')
		s->look = host->timer_start(s->ctx, LOOK_US, LOOK_US, on_look, s);
}

void key_source_free(struct key_source *s)
{
	if (s == NULL)
		return;
	s->ctx->host->timer_stop(s->ctx, s->next);
	s->ctx->host->timer_stop(s->ctx, s->look);
	s->ctx->host->fetch_cancel(s->ctx, s->fetch);
	key_set_free(s->keys);
	free(s);
}

const struct key_set *key_source_keys(const struct key_source *s)
{
	return s->keys;
}
