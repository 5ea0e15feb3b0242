/*
 * @NAME@: a request plugin of t3ops.  Answers /@NAME@ itself, tells the t3 server of everybody else's requests with a
 * header, and counts both.
 */
#include <stdio.h>
#include <string.h>

#include <t3ops/plugin.h>

#define PATH "/@NAME@"

enum { METRIC_REQUESTS };

static bool is_ours(const char *target)
{
	size_t len = strlen(PATH);

	return strncmp(target, PATH, len) == 0 && (target[len] == '\0' || target[len] == '?');
}

static enum t3ops_next answer(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	static const char *const headers[] = {"Content-Type: text/plain", NULL};
	struct t3ops_user user = {.struct_size = sizeof user};
	char text[512];
	int len;

	len = snprintf(text, sizeof text, "%s, %s\n", ctx->host->opt_string(ctx, "greeting"),
	               ctx->host->request_user(ctx, r, &user) ? user.name : "whoever you are");
	ctx->host->request_respond(ctx, r, 200, headers, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
	return T3OPS_DONE;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);
	bool ours = target != NULL && is_ours(target);

	ctx->host->count(ctx, METRIC_REQUESTS, (const char *const[]){ours ? "answered" : "passed"}, 1);
	if (ours)
		return answer(ctx, r);
	ctx->host->request_set_header(ctx, r, "X-Greeting", ctx->host->opt_string(ctx, "greeting"));
	return T3OPS_NEXT;
}

static const struct t3ops_option options[] = {
    {"greeting", T3OPS_OPT_STRING, "hello", 0, 0, "What it says."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_REQUESTS] = {.name = "t3ops_@NAME@_requests_total",
                         .type = T3OPS_COUNTER,
                         .labels = {"fate"},
                         .help = "Requests that were answered here, and those that were passed on."},
};

T3OPS_PLUGIN(@NAME@) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "@NAME@",
    .version = "0.1",
    .summary = "greets",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .on_request = on_request,
    .answers = PATH,
};
