/* SPDX-License-Identifier: MIT */
/* See agents.h. */
#include "watchdog/agents.h"

#include "common/due.h"
#include "common/idle.h"

#define LOOK_US    UINT64_C(1000000)
#define WAIT_SHARE 4 /* at most this part of the time goes into it */

static uint64_t wait_us(const struct user_server *server, uint64_t until_us, uint64_t now_us)
{
	uint64_t patience_us = (uint64_t)server->ctx->host->opt_int(server->ctx, "agent_patience");
	uint64_t share_us = until_us > now_us ? (until_us - now_us) / WAIT_SHARE : 0;

	return patience_us < share_us ? patience_us : share_us;
}

bool agents_wait(struct user_server *server, uint64_t until_us)
{
	const struct t3ops_host *host = server->ctx->host;
	uint64_t began_us = due_now_us(), limit_us = began_us + wait_us(server, until_us, began_us),
	         now_us = began_us;
	struct idle idle = {.server = server, .ignored = "ignore_processes"};
	const bool never = false; /* the loop goes on meanwhile, and with it the clock of what is asked next */
	const char *busy = NULL;
	char why[320] = "";

	while (now_us < limit_us && (busy = idle_agents(&idle, why, sizeof why)) != NULL) {
		host->wait(server->ctx, &never, limit_us - now_us < LOOK_US ? limit_us - now_us : LOOK_US);
		now_us = due_now_us();
	}
	if (now_us > began_us)
		host->report(server->ctx, "agents_waited_s", "%.1f", (double)(now_us - began_us) / 1e6);
	if (busy != NULL)
		host->report(server->ctx, "agents", "%.200s", why);
	return now_us > began_us;
}
