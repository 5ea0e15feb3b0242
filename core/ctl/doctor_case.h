/* SPDX-License-Identifier: MIT */
/* What all checks of `t3opsctl doctor` share. */
#ifndef T3OPS_CTL_DOCTOR_CASE_H
#define T3OPS_CTL_DOCTOR_CASE_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/findings.h"

struct doctor {
	const char *conf, *daemon, *prometheus, *socket; /* prometheus: "" for none; socket: "" for the config's */
	unsigned timeout_ms;
	json_t *config; /* as `t3ops -t --json` prints it; NULL: it has errors */
	struct findings findings;
};

#endif
