/* SPDX-License-Identifier: MIT */
/* What the supervisor is started with. */
#ifndef T3OPS_SUPERVISOR_SUPERVISOR_ARGS_H
#define T3OPS_SUPERVISOR_SUPERVISOR_ARGS_H

#include "conf/resolve.h"
#include "process/process.h"

struct supervisor_args {
	const char *conf_path;
	const char *exe;                          /* the binary to start at SIGUSR2 */
	const struct process_ops *ops[PROCESSES]; /* what each process does */
	const struct config_checks *checks;       /* what they say to a config before */
	int take_over_fd;                         /* socket to the earlier binary (supervisor/succession.h), or -1 */
};

/* What a binary that is asked with -t --take-over-from, or tried, prints last on stdout: that it is t3ops and takes
 * over, or that its messages are others. */
#define TAKE_OVER_READY    "take-over: ready"
#define TAKE_OVER_MESSAGES "take-over: other messages"

#endif
