/* SPDX-License-Identifier: MIT */
/* See turn.h. */
#include "turn.h"

#include <unistd.h>

#include "common/due.h"
#include "common/idle.h"

#define LOOK_US    UINT64_C(1000000)
#define WAIT_SHARE 2 /* at most this part of the time goes into it */

static uint64_t wait_us(struct t3ops_ctx *ctx, uint64_t until_us, uint64_t now_us)
{
	uint64_t patience_us = (uint64_t)ctx->host->opt_int(ctx, "turn_patience");
	uint64_t share_us = until_us > now_us ? (until_us - now_us) / WAIT_SHARE : 0;

	return patience_us < share_us ? patience_us : share_us;
}

void turn_wait(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *database, uint64_t until_us)
{
	struct user_server server = {.ctx = ctx, .user = user, .database = database};
	uint64_t began_us = due_now_us(), limit_us = began_us + wait_us(ctx, until_us, began_us), now_us = began_us;
	const char *turn = NULL;
	char why[320] = "";

	while (now_us < limit_us && (turn = idle_turn(&server, why, sizeof why)) != NULL) {
		usleep((useconds_t)(limit_us - now_us < LOOK_US ? limit_us - now_us : LOOK_US));
		now_us = due_now_us();
	}
	if (now_us > began_us)
		ctx->host->report(ctx, "turn_waited_s", "%.1f", (double)(now_us - began_us) / 1e6);
	if (turn != NULL)
		ctx->host->report(ctx, "in_turn", "%.200s", why);
}
