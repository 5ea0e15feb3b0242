/* SPDX-License-Identifier: MIT */
/* What the helper did for whom, as events: every run, and every refusal, of which a flood is counted.  Helper only.
 */
#ifndef T3OPS_HELPER_AUDIT_H
#define T3OPS_HELPER_AUDIT_H

#include "helper/program.h"
#include "process/process.h"

struct audit {
	struct process *process;
	uint64_t window_us; /* CLOCK_MONOTONIC: when the refusals below began */
	unsigned n_refused;
	uint64_t suppressed; /* since the last one that was reported */
};

/* One request. */
struct audited {
	enum process_id requester;
	const char *job;     /* the job that is to run, or whose process asks; "": none */
	const char *command; /* "": it is the job */
	const char *user;
};

void audit_done(struct audit *a, const struct audited *what, const struct program_end *end);
void audit_refused(struct audit *a, const struct audited *what, const char *why);

#endif
