/* SPDX-License-Identifier: MIT */
/*
 * Inside a rehearsal: the t3 server of serve_command, on the copy, started as production starts it.
 *
 *   STARTING --an HTTP answer--> ANSWERING --no complaint in its log--> PAIRING --session cookie-->
 *   SESSION --authenticated--> HEARTBEAT --pong--> PROVEN          any --miss--> the end, with the stage
 *
 * Facts: stage (the last that was begun), error, version, start_ms, endpoint, status, cookie, attributes, keys,
 * heartbeat.  Never a credential: what the server prints stays in memory, and only its complaints are reported.
 */
#ifndef T3OPS_PLUGINS_COMMON_PROOF_H
#define T3OPS_PLUGINS_COMMON_PROOF_H

#include "plugin.h"

/* 0, or -EPROTO with the fact "error". */
int proof_run(struct t3ops_ctx *ctx, const struct t3ops_user *user);

#endif
