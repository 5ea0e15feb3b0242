/* SPDX-License-Identifier: MIT */
/*
 * export_otlp: sends what happens to an OpenTelemetry receiver, as OTLP/HTTP with JSON.  In the monitor: every event
 * becomes a log record, every incident a trace (incidents.h), and two senders deliver them (sender.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include "export_otlp/header_file.h"
#include "export_otlp/incidents.h"
#include "export_otlp/otlp_json.h"
#include "export_otlp/sender.h"
#include "plugin.h"

#define SEED_FILE    "seed"
#define SEED_BYTES   16
#define BATCH_BYTES  1048576
#define LOOK_US      UINT64_C(5000000) /* for what the monitor before this one left */
#define LOOKS        12
#define CONTENT_TYPE "Content-Type: application/json"

struct export
{
	struct t3ops_ctx *ctx;
	uint32_t level; /* the least urgent that is sent */
	struct header_list secrets;
	const char *headers[HEADERS_MAX + 2];
	char *url, *resource;
	struct sender_rules rules;
	struct sender *senders[OTLP_SIGNALS]; /* NULL: not wanted */
	struct incidents *incidents;
	struct t3ops_timer *look;
	unsigned looks;
};

/* ---- options ------------------------------------------------------------------------------------------------- */

static int level_read(struct t3ops_ctx *ctx, uint32_t *out)
{
	static const char *const names[] = {[T3OPS_ERROR] = "error",
	                                    [T3OPS_WARNING] = "warning",
	                                    [T3OPS_NOTICE] = "notice",
	                                    [T3OPS_INFO] = "info",
	                                    [T3OPS_DEBUG] = "debug"};
	const char *level = ctx->host->opt_string(ctx, "level");

	for (uint32_t i = T3OPS_ERROR; i <= T3OPS_DEBUG; i++)
		if (strcmp(names[i], level) == 0) {
			*out = i;
			return 0;
		}
	ctx->host->option_fault(ctx, T3OPS_ERROR, "level", "must be error, warning, notice, info or debug");
	return -EINVAL;
}

static bool names_signal(const char *url, size_t len, const char *path)
{
	size_t n = strlen(path);

	return len > n && strncmp(url + len - n, path, n) == 0;
}

/* The signal's path comes behind it, and it stands in log lines. */
static int url_read(struct export *x)
{
	const char *url = x->ctx->host->opt_string(x->ctx, "url");
	size_t len = strlen(url);

	if (strpbrk(url, "?#") != NULL) {
		x->ctx->host->option_fault(x->ctx, T3OPS_ERROR, "url",
		                           "must be without query and fragment: credentials go into headers_file");
		return -EINVAL;
	}
	while (len > 0 && url[len - 1] == '/')
		len--;
	if (names_signal(url, len, "/v1/logs") || names_signal(url, len, "/v1/traces")) {
		x->ctx->host->option_fault(x->ctx, T3OPS_ERROR, "url",
		                           "must be without /v1/logs and /v1/traces, which are added to it");
		return -EINVAL;
	}
	x->url = strndup(url, len);
	return x->url != NULL ? 0 : -ENOMEM;
}

static int headers_read(struct export *x)
{
	const char *path = x->ctx->host->opt_string(x->ctx, "headers_file"), *why = NULL;
	int r = *path != '\0' ? header_file_load(&x->secrets, path, &why) : 0;

	if (r > 0)
		x->ctx->host->option_fault(x->ctx, T3OPS_ERROR, "headers_file", "its line %d %s", r, why);
	else if (r < 0)
		x->ctx->host->option_fault(x->ctx, T3OPS_ERROR, "headers_file", "cannot be read: %s", strerror(-r));
	if (r != 0)
		return -EINVAL;
	x->headers[0] = CONTENT_TYPE;
	for (size_t i = 0; i < x->secrets.n; i++)
		x->headers[1 + i] = x->secrets.items[i];
	return 0;
}

/* The attributes that the operator adds; NAME=VALUE each. */
static int resource_add(struct export *x, json_t *attributes)
{
	const struct t3ops_host *host = x->ctx->host;

	for (size_t i = 0; i < host->opt_count(x->ctx, "resource"); i++) {
		const char *item = host->opt_item(x->ctx, "resource", i), *equals = strchr(item, '=');
		char key[128];

		if (equals == NULL || equals == item || equals[1] == '\0' || equals - item >= (int)sizeof key) {
			host->option_fault(x->ctx, T3OPS_ERROR, "resource", "item %zu is not NAME=VALUE", i + 1);
			return -EINVAL;
		}
		snprintf(key, sizeof key, "%.*s", (int)(equals - item), item);
		otlp_attribute_text(attributes, key, equals + 1);
	}
	return 0;
}

static int resource_read(struct export *x)
{
	json_t *attributes = otlp_attributes_new();
	char host[HOST_NAME_MAX + 1] = "";
	int r;

	gethostname(host, sizeof host - 1);
	otlp_attribute_text(attributes, "service.name", x->ctx->host->opt_string(x->ctx, "service_name"));
	otlp_attribute_text(attributes, "service.version", PACKAGE_VERSION);
	otlp_attribute_text(attributes, "host.name", host);
	r = resource_add(x, attributes);
	x->resource = r == 0 ? otlp_resource(attributes) : NULL;
	json_decref(attributes);
	return r == 0 && x->resource == NULL ? -ENOMEM : r;
}

static void rules_read(struct export *x)
{
	const struct t3ops_host *host = x->ctx->host;

	x->rules = (struct sender_rules){
	    .url = x->url,
	    .headers = x->headers,
	    .resource = x->resource,
	    .ca_file = host->opt_string(x->ctx, "ca_file"),
	    .batch = (size_t)host->opt_int(x->ctx, "batch"),
	    .batch_bytes = BATCH_BYTES,
	    .queue_bytes = (size_t)host->opt_int(x->ctx, "queue"),
	    .batch_delay_us = (uint64_t)host->opt_int(x->ctx, "batch_delay"),
	    .timeout_us = (uint64_t)host->opt_int(x->ctx, "timeout"),
	    .max_backoff_us = (uint64_t)host->opt_int(x->ctx, "max_backoff"),
	};
}

/* ---- events -------------------------------------------------------------------------------------------------- */

static void on_span(void *arg, char *span)
{
	struct export *x = arg;

	sender_add(x->senders[OTLP_TRACES], span);
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	struct export *x = ctx->state;
	char trace_id[OTLP_TRACE_ID_SIZE];

	incidents_trace_id(x->incidents, e->incident, trace_id);
	if (x->senders[OTLP_LOGS] != NULL && e->level <= x->level)
		sender_add(x->senders[OTLP_LOGS], otlp_log_record(e, trace_id, ctx->host->wall_us(ctx)));
	if (x->senders[OTLP_TRACES] != NULL)
		incidents_event(x->incidents, e);
}

/* The verdicts that stand: their traces go on. */
static void on_earlier(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	struct export *x = ctx->state;

	if (e->verdict != 0 && x->senders[OTLP_TRACES] != NULL)
		incidents_event(x->incidents, e);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/* The monitor before this one ends a moment after this one has begun. */
static void on_look(struct t3ops_ctx *ctx, void *arg)
{
	struct export *x = ctx->state;

	(void)arg;
	for (unsigned i = 0; i < OTLP_SIGNALS; i++)
		if (x->senders[i] != NULL)
			sender_recall(x->senders[i]);
	if (++x->looks < LOOKS)
		return;
	ctx->host->timer_stop(ctx, x->look);
	x->look = NULL;
}

/* One of the installation, so that the trace of an incident is the same after a restart. */
static void seed_get(struct t3ops_ctx *ctx, char out[2 * SEED_BYTES + 1])
{
	unsigned char bytes[SEED_BYTES];
	int r = ctx->host->secret_load(ctx, SEED_FILE, out, 2 * SEED_BYTES + 1);

	if (r == 2 * SEED_BYTES)
		return;
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		abort(); /* it cannot fail for so few */
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	r = ctx->host->secret_save(ctx, SEED_FILE, out);
	if (r < 0)
		ctx->host->log(
		    ctx, T3OPS_WARNING, "seed_unsaved",
		    "incidents get other trace ids after a restart, for secrets of state_dir cannot be written: %s",
		    strerror(-r));
}

static int start(struct t3ops_ctx *ctx)
{
	static const char *const options[OTLP_SIGNALS] = {"logs", "traces"};
	struct export *x = ctx->state;
	char seed[2 * SEED_BYTES + 1];

	seed_get(ctx, seed);
	x->incidents = incidents_new(seed, on_span, x);
	if (x->incidents == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < OTLP_SIGNALS; i++)
		if (ctx->host->opt_bool(ctx, options[i]) &&
		    (x->senders[i] = sender_new(ctx, (enum otlp_signal)i, &x->rules)) == NULL)
			return -ENOMEM;
	x->look = ctx->host->timer_start(ctx, 0, LOOK_US, on_look, NULL);
	return x->look != NULL ? 0 : -ENOMEM;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct export *x = ctx->state;

	for (unsigned i = 0; i < OTLP_SIGNALS; i++)
		sender_free(x->senders[i]);
	incidents_free(x->incidents);
	header_list_fini(&x->secrets);
	free(x->url);
	free(x->resource);
	free(x);
}

static int init(struct t3ops_ctx *ctx)
{
	struct export *x = calloc(1, sizeof *x);
	int r;

	if (x == NULL)
		return -ENOMEM;
	x->ctx = ctx;
	ctx->state = x;
	r = level_read(ctx, &x->level);
	if (r == 0)
		r = url_read(x);
	if (r == 0)
		r = headers_read(x);
	if (r == 0)
		r = resource_read(x);
	if (r == 0)
		rules_read(x);
	else
		stop(ctx);
	return r;
}

static int check(struct t3ops_ctx *ctx)
{
	const struct export *x = ctx->state;

	if (!ctx->host->opt_bool(ctx, "logs") && !ctx->host->opt_bool(ctx, "traces"))
		ctx->host->option_fault(ctx, T3OPS_WARNING, NULL, "sends nothing: logs and traces are both false");
	if (x->secrets.n > 0 && strncasecmp(x->url, "https:", 6) != 0)
		ctx->host->option_fault(ctx, T3OPS_WARNING, "headers_file",
		                        "is sent without TLS: everybody on the way to the receiver can read it");
	return 0;
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0,
     "The receiver, without /v1/logs and /v1/traces: \"https://otel.example.com:4318\"."},
    {"logs", T3OPS_OPT_BOOL, "true", 0, 0, "Sends every event as a log record."},
    {"traces", T3OPS_OPT_BOOL, "true", 0, 0, "Sends every incident as a trace, when it is over."},
    {"level", T3OPS_OPT_STRING, "info", 0, 0,
     "Minimum severity of events that are sent as log records: error, warning, notice, info or debug."},
    {"headers_file", T3OPS_OPT_SECRET_FILE, "", 0, 0,
     "File that other accounts cannot read, and the monitor's can, of headers that each request carries, a line "
     "\"Name: value\" each."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificates that are trusted instead of the system's."},
    {"service_name", T3OPS_OPT_STRING, "t3ops", 0, 0, "The attribute service.name."},
    {"resource", T3OPS_OPT_LIST | T3OPS_OPT_STRING, "", 0, 0,
     "More attributes of the resource: \"deployment.environment.name=office\"."},
    {"batch", T3OPS_OPT_INT, "512", 1, 10000, "How many records one request carries at most; 1 MiB besides."},
    {"batch_delay", T3OPS_OPT_DURATION, "2s", 10000, INT64_C(3600000000),
     "How long a record waits for others at most."},
    {"queue", T3OPS_OPT_BYTES, "4M", 65536, INT64_C(1) << 30,
     "How much waits for a receiver that does not answer, of each signal; then the oldest records are dropped."},
    {"timeout", T3OPS_OPT_DURATION, "10s", 100000, INT64_C(600000000), "Limit of one request."},
    {"max_backoff", T3OPS_OPT_DURATION, "2m", 100000, INT64_C(3600000000),
     "How long is waited before the next request at most, while they fail; a receiver's Retry-After may make it "
     "longer, up to 1h."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_RECORDS] =
        {.name = "t3ops_export_otlp_records_total",
         .type = T3OPS_COUNTER,
         .labels = {"signal", "outcome"},
         .help = "Log records and spans: sent, rejected by the receiver one by one, refused with their "
                 "whole request, or dropped because the queue was full (overflow)."},
    [METRIC_REQUESTS] = {.name = "t3ops_export_otlp_requests_total",
                         .type = T3OPS_COUNTER,
                         .labels = {"signal", "outcome"},
                         .help = "Requests to the receiver: ok, retried later, or refused."},
    [METRIC_QUEUE_RECORDS] = {.name = "t3ops_export_otlp_queue_records",
                              .type = T3OPS_GAUGE,
                              .labels = {"signal"},
                              .help = "Records that wait to be sent, those of the request in progress included."},
    [METRIC_QUEUE_BYTES] = {.name = "t3ops_export_otlp_queue_bytes",
                            .type = T3OPS_GAUGE,
                            .labels = {"signal"},
                            .help = "Bytes that wait to be sent, without those of the request in progress."},
};

T3OPS_PLUGIN(export_otlp) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_WATCH,
    .name = "export_otlp",
    .version = PACKAGE_VERSION,
    .summary = "sends events and incidents to an OpenTelemetry receiver",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .check = check,
    .start = start,
    .stop = stop,
    .on_event = on_event,
    .on_earlier = on_earlier,
};
