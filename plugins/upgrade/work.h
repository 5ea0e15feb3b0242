/* SPDX-License-Identifier: MIT */
/* One action for one user, in the process of a job: what it works on, and what all actions share. */
#ifndef T3OPS_PLUGINS_UPGRADE_WORK_H
#define T3OPS_PLUGINS_UPGRADE_WORK_H

#include <jansson.h>
#include <limits.h>
#include <stdint.h>

#include "candidate.h"
#include "plugin.h"
#include "state.h"
#include "survey.h"

#define WORK_WHY_SIZE 600

struct work {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct state state;
	char base_dir[PATH_MAX];
	char database[PATH_MAX];
	char installed[PATH_MAX];
	uint64_t until_us;
	struct candidate next;
	char why[WORK_WHY_SIZE];
};

/* Says why; returns error. */
int work_fail(struct work *w, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
long long work_now_s(const struct work *w);
/* Its next version, begun anew (candidate.h). */
struct candidate *work_candidate(struct work *w);
struct survey work_survey(struct work *w);
/* Of a prefix; "" if there is none, or its program does not say.  After work_candidate. */
const char *work_version(struct work *w, const char *prefix);
/* What a gate found, as one row. */
void work_report_row(struct work *w, const json_t *report);

#endif
