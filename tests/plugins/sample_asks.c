/* SPDX-License-Identifier: MIT */
/* A request plugin that has the command of a request's path run, /ask/COMMAND/USER, and answers with what came of it,
 * whether an option of it names the command or not. */
#include "plugin.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void on_ran(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg)
{
	t3ops_request_id r = (t3ops_request_id)(uintptr_t)arg;
	char text[64];

	snprintf(text, sizeof text, "%s %d", ran->error < 0 ? strerrorname_np(-ran->error) : "ran", ran->exit_code);
	ctx->host->request_respond(ctx, r, 200, NULL, text, strlen(text));
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	char command[64], user[64];

	if (sscanf(ctx->host->request_target(ctx, r), "/ask/%63[^/]/%63s", command, user) != 2)
		return T3OPS_NEXT;
	ctx->host->command(ctx, command, user, on_ran, (void *)(uintptr_t)r);
	return T3OPS_WAIT;
}

/* Only the commands of such a plugin are the proxy's. */
static int init(struct t3ops_ctx *ctx)
{
	static const struct t3ops_pairing none = {.struct_size = sizeof none};

	return ctx->host->provide(ctx, T3OPS_SERVICE_PAIRING, &none);
}

static const struct t3ops_option options[] = {
    {"command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that it may ask for."},
};

T3OPS_PLUGIN(sample_asks) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_asks",
    .version = "1.0",
    .summary = "Has commands run, for tests.",
    .options = options,
    .n_options = 1,
    .provides = T3OPS_SERVICE_PAIRING,
    .init = init,
    .on_request = on_request,
};
