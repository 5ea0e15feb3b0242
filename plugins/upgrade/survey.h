/* SPDX-License-Identifier: MIT */
/* What a rollout over all users wants to know of one of them: the version, and whether now is the time. */
#ifndef T3OPS_PLUGINS_UPGRADE_SURVEY_H
#define T3OPS_PLUGINS_UPGRADE_SURVEY_H

#include "state.h"

struct survey {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct state *state;
	const char *database, *installed;
	int64_t input_s; /* out of survey_busy: seconds since the last input */
};

/* Why the user may not be interrupted (idle.h), or nobody now (window.h); NULL: now is the time. */
const char *survey_busy(struct survey *s, char *why, size_t size);
/* One row: installed, busy, input_s, frozen, phase. */
void survey_row(struct survey *s, long long now_s);
/* The row key "next": what becomes of the user who is to be moved, if so. */
void survey_next_report(struct survey *s);

/* A rollout is going to move the user to that prefix; NULL: none is. */
void survey_want(struct state *s, const char *prefix);

#endif
