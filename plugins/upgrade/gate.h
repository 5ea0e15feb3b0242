/* SPDX-License-Identifier: MIT */
/*
 * The gate: a candidate is proven on a verified copy of one user's database before anything live is touched.
 *
 *   COPY        the user's database, verified
 *   CANDIDATE   proven on the copy (proof.h), in a rehearsal
 *   CONTROL     the installed version in the same way, right after it
 *   AUDIT       what the candidate's migration did to the copy
 *   DOOR        the installed version, on the copy that the candidate has migrated
 *
 *   COPY failed, or CANDIDATE and CONTROL both missed        broken: nothing is said about the candidate
 *   CANDIDATE missed, or its migration loses rows            rejected
 *   else                                                     accepted
 */
#ifndef T3OPS_PLUGINS_UPGRADE_GATE_H
#define T3OPS_PLUGINS_UPGRADE_GATE_H

#include <jansson.h>
#include <limits.h>

#include "plugin.h"
#include "state.h"

enum gate_verdict { GATE_ACCEPTED, GATE_REJECTED, GATE_BROKEN };

struct gate {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	const char *dir;       /* the user's directory of upgrade */
	const char *base_dir;  /* the user's base directory of t3 */
	const char *candidate; /* prefixes */
	const char *installed;
	struct state *state; /* learns what was seen of both (seen.h) */
	uint64_t until_us;
	enum gate_verdict verdict;
	bool installed_works;
	char reason[512]; /* unless it is accepted */
	json_t *report;   /* texts; owned */
};

const char *gate_verdict_name(enum gate_verdict verdict);

/* Fills in verdict, reason and report (to be decref'd). */
void gate_run(struct gate *g);

#endif
