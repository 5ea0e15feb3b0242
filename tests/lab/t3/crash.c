/* SPDX-License-Identifier: MIT */
/* The end by an uncaught exception; see crash.h. */
#include "lab/t3/crash.h"

#include <stdio.h>
#include <unistd.h>

#define RESETS_TO_END 7
#define CLOSES_TO_END 50

static void crash(const char *call, const char *code)
{
	fprintf(stderr,
	        "node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\n"
	        "Error: %s %s\n    at TCP.onStreamRead (node:internal/stream_base_commons:216:20)\n"
	        "Emitted 'error' event on Socket instance at:\n",
	        call, code);
	fflush(NULL);
	_exit(1);
}

void crash_count(struct conn *c, enum crash_cause cause, const char *call)
{
	struct server *s = c->server;

	if (!s->profile->dies_of_refused || c->guarded || c->left)
		return;
	c->left = true;
	s->harm += cause == CRASH_RESET ? 1.0 / RESETS_TO_END : 1.0 / CLOSES_TO_END;
	if (s->harm > 1 - 1e-6)
		crash(call, cause == CRASH_RESET ? "ECONNRESET" : "EPIPE");
}
