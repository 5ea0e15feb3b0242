/* SPDX-License-Identifier: MIT */
/* See trial.h. */
#include "common/trial.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/due.h"
#include "common/user_path.h"

#define HIDDEN_MAX 64

struct hidden {
	char text[HIDDEN_MAX][PATH_MAX];
	const char *paths[HIDDEN_MAX + 1]; /* NULL-terminated */
};

/* The option's paths, filled in for the user. */
static void hidden_fill(struct hidden *h, struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	size_t n = 0;

	for (size_t i = 0; i < ctx->host->opt_count(ctx, "hidden") && n < HIDDEN_MAX; i++)
		if (user_path(h->text[n], PATH_MAX, ctx->host->opt_item(ctx, "hidden", i), user) == 0) {
			h->paths[n] = h->text[n];
			n++;
		}
	h->paths[n] = NULL;
}

static void facts_take(struct trial *t, struct t3ops_ctx *ctx)
{
	static const char *const keys[] = {"stage",  "version",    "start_ms", "endpoint", "status",
	                                   "cookie", "attributes", "keys",     "heartbeat"};

	t->facts = json_object();
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *value = ctx->host->rehearsed(ctx, keys[i]);

		if (value != NULL)
			json_object_set_new(t->facts, keys[i], json_string(value));
	}
}

void trial_run(struct trial *t, struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *const *binds,
               uint64_t until_us)
{
	struct hidden *hidden = calloc(1, sizeof *hidden);
	uint64_t now_us = due_now_us();
	struct t3ops_rehearsal what = {.struct_size = sizeof what,
	                               .name = "proof",
	                               .binds = binds,
	                               .timeout_us = until_us > now_us ? until_us - now_us : 1};
	const char *error;

	*t = (struct trial){.error = -ENOMEM};
	if (hidden == NULL) {
		snprintf(t->why, sizeof t->why, "%s", strerror(ENOMEM));
		return;
	}
	hidden_fill(hidden, ctx, user);
	what.hidden = hidden->paths;
	t->error = ctx->host->rehearse(ctx, &what);
	t->proven = t->error == 0;
	error = ctx->host->rehearsed(ctx, "error");
	snprintf(t->why, sizeof t->why, "%s", error != NULL ? error : strerror(-t->error));
	facts_take(t, ctx);
	free(hidden);
}

void trial_fini(struct trial *t)
{
	json_decref(t->facts);
	t->facts = NULL;
}

const char *trial_fact(const struct trial *t, const char *key)
{
	const char *value = json_string_value(json_object_get(t->facts, key));

	return value != NULL ? value : "";
}
