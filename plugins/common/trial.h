/* SPDX-License-Identifier: MIT */
/* One program on one copy: what proof.h proves, in a rehearsal.  Inside `run` and `act` of a job. */
#ifndef T3OPS_PLUGINS_COMMON_TRIAL_H
#define T3OPS_PLUGINS_COMMON_TRIAL_H

#include <jansson.h>
#include <stdbool.h>

#include "plugin.h"

/* Options of a section that makes trials; serve: the default of serve_command. */
#define TRIAL_OPTIONS(serve)                                                                                         \
	{"serve_command",                                                                                            \
	 T3OPS_OPT_COMMAND,                                                                                          \
	 serve,                                                                                                      \
	 0,                                                                                                          \
	 0,                                                                                                          \
	 "Command that starts a user's t3 server in the foreground, exactly as production does; only rehearsals on " \
	 "copies run it."},                                                                                          \
	    {"start_timeout", T3OPS_OPT_DURATION, "60s",                                                             \
	     1000000,         600000000,          "How long a server may take until it answers HTTP, or pairs."},    \
	{                                                                                                            \
		"hidden", T3OPS_OPT_LIST | T3OPS_OPT_STRING,                                                         \
		    "%h/.claude %h/.claude.json %h/.codex %h/.cursor %h/.grok %h/.config "                           \
		    "%h/.local/share/opencode %h/.ssh %h/.gnupg %h/.aws %h/.netrc %h/.git-credentials",              \
		    0, 0,                                                                                            \
		    "Files and directories that a server in a rehearsal finds empty: what agents and tools sign in " \
		    "with."                                                                                          \
	}

struct trial {
	bool proven;
	int error;     /* of the rehearsal; -EPROTO: the program missed a stage */
	json_t *facts; /* what proof.h reports */
	char why[300]; /* unless it is proven */
};

/* binds as in struct t3ops_rehearsal: the copy in the place of what is live.  To be given to trial_fini. */
void trial_run(struct trial *t, struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *const *binds,
               uint64_t until_us);
void trial_fini(struct trial *t);
/* "": it was not reported. */
const char *trial_fact(const struct trial *t, const char *key);

#endif
