/* SPDX-License-Identifier: MIT */
/*
 * A rehearsal (t3ops_host.rehearse): this program once more, `t3ops --run-job`, where nothing is at stake.
 *
 *   outer process     in new user, mount, network, PID, IPC and UTS namespaces of its own: binds what shall be
 *                     written to, makes all else read-only, hides, brings the loopback device up
 *   inner process     init of the PID namespace: /proc of its own, then exec; whatever it starts ends with it
 *
 * Both end with whoever asked for them.
 */
#ifndef T3OPS_JOBS_REHEARSAL_H
#define T3OPS_JOBS_REHEARSAL_H

#include <ev.h>
#include <jansson.h>

#include "plugin.h"

struct rehearsal {
	const char *input; /* of the process: job_input_rehearsal */
	const char *host;  /* of the user: an address that the loopback device gets */
	const struct t3ops_rehearsal *what;
};

/* Turns the loop until it is over.  What the plugin's callback returned, with its facts in *facts, which the caller
 * frees; or -EPERM, -ETIMEDOUT, -EIO with the fact "error". */
int rehearsal_run(struct ev_loop *loop, const struct rehearsal *r, json_t **facts);

#endif
