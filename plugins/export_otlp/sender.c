/* SPDX-License-Identifier: MIT */
/* Sending records; see sender.h. */
#include "export_otlp/sender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export_otlp/answer.h"
#include "export_otlp/queue.h"

#define FIRST_BACKOFF_US   UINT64_C(1000000)
#define RETRY_AFTER_MAX_US UINT64_C(3600000000)
#define SAID_EVERY_US      UINT64_C(60000000)
#define ANSWER_BYTES       65536
#define JITTER_PERCENT     20
#define GROWTH_STEPS       64 /* requests that are taken until batches have their whole size again */

enum outcome { SENT, REJECTED, REFUSED, OVERFLOWED, OUTCOMES };

static const char *const outcomes[OUTCOMES] = {"sent", "rejected", "refused", "overflow"};

struct sender {
	struct t3ops_ctx *ctx;
	const struct sender_rules *rules;
	enum otlp_signal signal;
	char url[2048];
	struct queue queue;
	char **batch; /* of the request in progress, or that is to be sent again */
	size_t n_batch, max_batch;
	struct t3ops_timer *timer; /* for the batch to fill, or for another try */
	uint64_t fetch;            /* 0: no request is in progress */
	uint64_t backoff_us;       /* 0: the last one was answered */
	bool failed;               /* and that was said */
	/* Since it was last said. */
	uint64_t lost, said_us;
	char lost_why[256];
};

/* ---- figures and events ------------------------------------------------------------------------------------ */

static void records_count(struct sender *s, enum outcome outcome, size_t n)
{
	const char *const labels[] = {otlp_signal_name(s->signal), outcomes[outcome]};

	s->ctx->host->count(s->ctx, METRIC_RECORDS, labels, n);
}

static void request_count(struct sender *s, const char *outcome)
{
	const char *const labels[] = {otlp_signal_name(s->signal), outcome};

	s->ctx->host->count(s->ctx, METRIC_REQUESTS, labels, 1);
}

static void queue_show(struct sender *s)
{
	const char *const labels[] = {otlp_signal_name(s->signal)};

	s->ctx->host->gauge(s->ctx, METRIC_QUEUE_RECORDS, labels, (double)(s->queue.n + s->n_batch));
	s->ctx->host->gauge(s->ctx, METRIC_QUEUE_BYTES, labels, (double)s->queue.bytes);
}

/* At most once a minute; what came meanwhile is in the next one. */
static void lost_say(struct sender *s)
{
	uint64_t now_us = s->ctx->host->now_us(s->ctx);
	char text[320];

	if (s->lost == 0 || (s->said_us != 0 && now_us - s->said_us < SAID_EVERY_US))
		return;
	snprintf(text, sizeof text, "%llu records of %s are lost to %s: %s", (unsigned long long)s->lost,
	         otlp_signal_name(s->signal), s->rules->url, s->lost_why);
	s->lost = 0;
	s->said_us = now_us;
	s->ctx->host->emit(s->ctx, "export_dropped", NULL, 0, text);
}

static void lose(struct sender *s, enum outcome outcome, size_t n, const char *why)
{
	if (n == 0)
		return;
	records_count(s, outcome, n);
	s->lost += n;
	snprintf(s->lost_why, sizeof s->lost_why, "%s", why);
	lost_say(s);
}

static void failure_say(struct sender *s, int status, const char *why)
{
	char text[320];

	request_count(s, "retried");
	if (s->failed)
		return;
	s->failed = true;
	snprintf(text, sizeof text, "%s wait for %s, and are sent again: %s", otlp_signal_name(s->signal),
	         s->rules->url, why);
	s->ctx->host->emit(s->ctx, "export_failed", NULL, status, text);
}

static void success_say(struct sender *s)
{
	char text[320];

	if (!s->failed)
		return;
	s->failed = false;
	snprintf(text, sizeof text, "%s answers again", s->rules->url);
	s->ctx->host->emit(s->ctx, "export_restored", NULL, 0, text);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static void batch_release(struct sender *s)
{
	for (size_t i = 0; i < s->n_batch; i++)
		free(s->batch[i]);
	s->n_batch = 0;
}

static void on_timer(struct t3ops_ctx *ctx, void *arg);

static void wait_for(struct sender *s, uint64_t delay_us)
{
	s->ctx->host->timer_stop(s->ctx, s->timer);
	s->timer = s->ctx->host->timer_start(s->ctx, delay_us, 0, on_timer, s);
}

/* A batch that is full goes at once, another one when it has waited. */
static void next_begin(struct sender *s)
{
	if (s->fetch != 0 || s->backoff_us != 0)
		return;
	if (s->queue.n >= s->max_batch || s->queue.bytes >= s->rules->batch_bytes)
		wait_for(s, 0);
	else if (s->queue.n > 0 && s->timer == NULL)
		wait_for(s, s->rules->batch_delay_us);
}

static void later(struct sender *s, uint64_t at_least_us)
{
	uint64_t now_us = s->ctx->host->now_us(s->ctx), spread_us;

	s->backoff_us = s->backoff_us == 0 ? FIRST_BACKOFF_US : 2 * s->backoff_us;
	if (s->backoff_us > s->rules->max_backoff_us)
		s->backoff_us = s->rules->max_backoff_us;
	spread_us = s->backoff_us * JITTER_PERCENT / 100; /* many daemons are not to come back at once */
	wait_for(s, (at_least_us > s->backoff_us ? at_least_us : s->backoff_us) + now_us % (spread_us + 1));
}

/* One record that was too large must not make batches small for ever. */
static void larger(struct sender *s)
{
	s->max_batch += s->rules->batch / GROWTH_STEPS + 1;
	if (s->max_batch > s->rules->batch)
		s->max_batch = s->rules->batch;
}

static void taken(struct sender *s, const struct t3ops_fetched *f)
{
	char said[160], why[224];
	size_t rejected = answer_rejected(f->body, f->body_len, s->n_batch, said, sizeof said);

	request_count(s, "ok");
	records_count(s, SENT, s->n_batch - rejected);
	snprintf(why, sizeof why, "the receiver rejected them%s%s", *said != '\0' ? ": " : "", said);
	lose(s, REJECTED, rejected, why);
	batch_release(s);
	larger(s);
	s->backoff_us = 0;
	success_say(s);
}

static void refused(struct sender *s, const char *why)
{
	request_count(s, "refused");
	lose(s, REFUSED, s->n_batch, why);
	batch_release(s);
	s->backoff_us = 0;
}

static void batch_send(struct sender *s);

/* The same again in halves, down to single records. */
static void smaller(struct sender *s, const char *why)
{
	size_t half = s->n_batch / 2;

	if (s->n_batch <= 1) {
		refused(s, why);
		return;
	}
	s->max_batch = half;
	while (s->n_batch > half) /* the newest ones: they would have to stand before the queue */
		lose(s, OVERFLOWED, queue_add(&s->queue, s->batch[--s->n_batch]), why);
	batch_send(s);
}

static void answered(struct sender *s, const struct t3ops_fetched *f)
{
	const char *retry_after = f->error == 0 ? f->header(f, "Retry-After", 0) : NULL;
	char why[256];

	if (f->error != 0)
		snprintf(why, sizeof why, "%s", f->error_text);
	else
		snprintf(why, sizeof why, "it answers with HTTP status %d", f->status);
	switch (answer_judge(f->error, f->status)) {
	case ANSWER_TAKEN:
		taken(s, f);
		break;
	case ANSWER_RETRY:
		failure_say(s, f->status, why);
		later(s, answer_retry_after_us(retry_after, s->ctx->host->wall_us(s->ctx), RETRY_AFTER_MAX_US));
		break;
	case ANSWER_SMALLER:
		smaller(s, why);
		break;
	case ANSWER_REFUSED:
		refused(s, why);
		break;
	}
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct sender *s = arg;

	(void)ctx;
	s->fetch = 0;
	answered(s, f);
	queue_show(s);
	next_begin(s);
}

static void batch_send(struct sender *s)
{
	char *body = otlp_request(s->signal, s->rules->resource, s->batch, s->n_batch);
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = "POST",
	                           .url = s->url,
	                           .headers = s->rules->headers,
	                           .body = body,
	                           .body_len = body != NULL ? strlen(body) : 0,
	                           .timeout_us = s->rules->timeout_us,
	                           .max_body = ANSWER_BYTES,
	                           .ca_file = s->rules->ca_file};

	if (body != NULL)
		s->fetch = s->ctx->host->fetch(s->ctx, &what, on_fetched, s);
	else
		later(s, 0);
	free(body);
}

static void on_timer(struct t3ops_ctx *ctx, void *arg)
{
	struct sender *s = arg;

	(void)ctx;
	s->timer = NULL; /* it was one that fires once */
	if (s->fetch != 0)
		return;
	if (s->n_batch == 0)
		s->n_batch = queue_take(&s->queue, s->batch, s->max_batch, s->rules->batch_bytes);
	if (s->n_batch > 0)
		batch_send(s);
}

void sender_add(struct sender *s, char *record)
{
	if (record == NULL)
		lose(s, OVERFLOWED, 1, "there is no memory");
	else
		lose(s, OVERFLOWED, queue_add(&s->queue, record), "the queue is full, and the oldest give way");
	queue_show(s);
	next_begin(s);
}

/* ---- from one monitor to the next ---------------------------------------------------------------------------- */

static const char *file_name(const struct sender *s)
{
	return s->signal == OTLP_LOGS ? "unsent-logs" : "unsent-traces";
}

/* The batch first: it is the oldest. */
static char *unsent_text(struct sender *s)
{
	char *record, *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (file == NULL)
		return NULL;
	for (size_t i = 0; i < s->n_batch; i++)
		fprintf(file, "%s\n", s->batch[i]);
	while (queue_take(&s->queue, &record, 1, 0) > 0) {
		fprintf(file, "%s\n", record);
		free(record);
	}
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static void unsent_keep(struct sender *s)
{
	size_t n = s->n_batch + s->queue.n;
	char *text = n > 0 ? unsent_text(s) : NULL;
	int r = text != NULL ? s->ctx->host->secret_save(s->ctx, file_name(s), text) : -ENOMEM;

	if (n > 0 && r < 0)
		s->ctx->host->log(s->ctx, T3OPS_WARNING, "records_lost",
		                  "%zu records of %s could not be kept in secrets of state_dir: %s", n,
		                  otlp_signal_name(s->signal), strerror(-r));
	free(text);
}

void sender_recall(struct sender *s)
{
	size_t size = 2 * s->rules->queue_bytes;
	char *text = malloc(size), *rest = text, *line;
	int r = text != NULL ? s->ctx->host->secret_load(s->ctx, file_name(s), text, size) : -ENOMEM;

	if (r >= 0)
		s->ctx->host->secret_save(s->ctx, file_name(s), NULL);
	else if (r != -ENOENT)
		s->ctx->host->log(s->ctx, T3OPS_WARNING, "records_lost",
		                  "records of %s that an earlier monitor had not sent cannot be read: %s",
		                  otlp_signal_name(s->signal), strerror(-r));
	while (r >= 0 && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			sender_add(s, strdup(line));
	free(text);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct sender *sender_new(struct t3ops_ctx *ctx, enum otlp_signal signal, const struct sender_rules *rules)
{
	struct sender *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->ctx = ctx;
	s->rules = rules;
	s->signal = signal;
	s->max_batch = rules->batch;
	s->batch = calloc(rules->batch, sizeof *s->batch);
	queue_init(&s->queue, rules->queue_bytes);
	if (s->batch == NULL ||
	    snprintf(s->url, sizeof s->url, "%s/v1/%s", rules->url, otlp_signal_name(signal)) >= (int)sizeof s->url) {
		free(s->batch);
		free(s);
		return NULL;
	}
	return s;
}

void sender_free(struct sender *s)
{
	if (s == NULL)
		return;
	unsent_keep(s);
	batch_release(s);
	queue_fini(&s->queue);
	free(s->batch);
	free(s);
}
