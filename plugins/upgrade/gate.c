/* SPDX-License-Identifier: MIT */
/* See gate.h. */
#include "gate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "audit.h"
#include "common/copy.h"
#include "common/due.h"
#include "common/scratch.h"
#include "common/server_log.h"
#include "common/trial.h"
#include "contract.h"
#include "text_json.h"
#include "seen.h"

#define ROOM_MIN (4LL << 20) /* of any migration */

struct run {
	struct gate *gate;
	char scratch[PATH_MAX];
	char copy[PATH_MAX]; /* of the database, as it was */
	struct copy_facts before;
	struct scratch candidate_dir, control_dir;
	struct trial candidate, control, back;
};

const char *gate_verdict_name(enum gate_verdict verdict)
{
	static const char *const names[] = {"accepted", "rejected", "gate_broken"};

	return names[verdict];
}

static void decide(struct gate *g, enum gate_verdict verdict, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static void decide(struct gate *g, enum gate_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(g->reason, sizeof g->reason, fmt, ap);
	va_end(ap);
	g->verdict = verdict;
}

static void note(struct gate *g, const char *key, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static void note(struct gate *g, const char *key, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_object_set_new(g->report, key, text_json(text));
}

/* ---- arms ---------------------------------------------------------------------------------------------------- */

static void arm_run(struct run *r, struct trial *t, const struct scratch *s, const char *prefix)
{
	struct gate *g = r->gate;
	const char *binds[] = {s->base, g->base_dir, s->link, g->dir, NULL};
	int error = scratch_link(s, prefix);

	if (error < 0) {
		*t = (struct trial){.error = error};
		snprintf(t->why, sizeof t->why, "%.200s: %s", s->link, strerror(-error));
		return;
	}
	trial_run(t, g->ctx, g->user, binds, g->until_us);
}

/* ---- room ---------------------------------------------------------------------------------------------------- */

/* A migration may write all of the database anew.  Two versions fail differently where there is no room for that. */
static int room_check(struct run *r)
{
	struct gate *g = r->gate;
	struct statvfs fs;
	struct stat st;
	long long room, needed;

	if (stat(r->copy, &st) < 0 || statvfs(r->scratch, &fs) < 0)
		return -errno;
	room = (long long)fs.f_bavail * (long long)fs.f_frsize;
	needed = st.st_size > ROOM_MIN / 2 ? 2 * (long long)st.st_size : ROOM_MIN;
	if (room >= needed)
		return 0;
	decide(g, GATE_BROKEN, "no room to try a version: %lld bytes are free in %.200s and %lld are needed", room,
	       r->scratch, needed);
	return -ENOSPC;
}

/* ---- the copy ------------------------------------------------------------------------------------------------ */

static int copies_make(struct run *r)
{
	struct gate *g = r->gate;
	char database[PATH_MAX], why[300] = "";
	int e;

	if (snprintf(r->scratch, sizeof r->scratch, "%s/gate", g->dir) >= (int)sizeof r->scratch ||
	    snprintf(r->copy, sizeof r->copy, "%s/gate/copy.sqlite", g->dir) >= (int)sizeof r->copy ||
	    snprintf(database, sizeof database, "%s/userdata/state.sqlite", g->base_dir) >= (int)sizeof database)
		return -ENAMETOOLONG;
	scratch_remove(r->scratch); /* of a run that was killed */
	e = mkdir(r->scratch, 0700) < 0 ? -errno : 0;
	if (e == 0)
		e = copy_database(database, r->copy, g->until_us, &r->before, why, sizeof why);
	if (e == COPY_UNREAD)
		e = -ENOTSUP; /* rows could not be counted, so the migration could not be judged */
	if (e == 0)
		e = scratch_make(&r->candidate_dir, r->scratch, "candidate", g->base_dir, r->copy);
	if (e == 0)
		e = scratch_make(&r->control_dir, r->scratch, "control", g->base_dir, r->copy);
	if (e < 0)
		decide(g, GATE_BROKEN, "no copy of the database: %s", *why != '\0' ? why : strerror(-e));
	return e < 0 ? e : room_check(r);
}

/* ---- the audit ----------------------------------------------------------------------------------------------- */

static void columns_note(struct run *r, char *why, size_t size)
{
	json_t *before = audit_columns(r->copy, why, size),
	       *after = audit_columns(r->candidate_dir.database, why, size);
	char text[500];

	if (before != NULL && after != NULL) {
		audit_columns_compare(before, after, text, sizeof text);
		note(r->gate, "schema", "%s", *text != '\0' ? text : "the same");
	}
	json_decref(before);
	json_decref(after);
}

/* False: the candidate is rejected for it. */
static bool migration_audit(struct run *r)
{
	struct gate *g = r->gate;
	struct copy_facts after;
	char why[300] = "";
	struct stat st;
	int e = copy_verify(r->candidate_dir.database, g->until_us, &after, why, sizeof why);
	bool lost = e == 0 && audit_rows_lost(r->before.rows, after.rows, why, sizeof why);

	if (e == 0) {
		note(g, "migration", "%lld -> %lld", r->before.migration, after.migration);
		note(g, "sessions_lost", "%lld", audit_sessions_lost(r->before.rows, after.rows));
		columns_note(r, why, sizeof why);
	}
	if (stat(r->candidate_dir.database, &st) == 0)
		note(g, "bytes", "%lld", (long long)st.st_size);
	copy_facts_fini(&after);
	if (e < 0 || lost)
		decide(g, GATE_REJECTED, "%s%s", e < 0 ? "what it makes of the database: " : "", why);
	return e == 0 && !lost;
}

static void door_try(struct run *r)
{
	struct gate *g = r->gate;

	arm_run(r, &r->back, &r->candidate_dir, g->installed);
	if (r->back.proven)
		note(g, "rollback", "by the program alone: the installed version works on the migrated database");
	else
		note(g, "rollback",
		     "needs the database of before: the installed version fails on the migrated one: %.300s",
		     r->back.why);
}

/* ---- the verdict --------------------------------------------------------------------------------------------- */

static void arms_note(struct run *r)
{
	struct gate *g = r->gate;
	char text[500];

	note(g, "version", "%s", trial_fact(&r->candidate, "version"));
	note(g, "installed_version", "%s", trial_fact(&r->control, "version"));
	note(g, "start_ms", "%s", trial_fact(&r->candidate, "start_ms"));
	note(g, "control", "%s", r->control.proven ? "works" : r->control.why);
	if (r->candidate.proven && r->control.proven) {
		contract_compare(r->control.facts, r->candidate.facts, text, sizeof text);
		note(g, "contract", "%s", *text != '\0' ? text : "the same");
	}
}

/* How far the candidate's migration got; -1: not known. */
static long long migrated_to(const struct run *r)
{
	struct copy_facts after = {.migration = -1};
	char why[300];

	copy_verify(r->candidate_dir.database, r->gate->until_us, &after, why, sizeof why);
	copy_facts_fini(&after);
	return after.migration;
}

static void arms_remember(struct run *r)
{
	struct gate *g = r->gate;

	seen_take(g->state, r->control.facts, r->control.proven ? "works" : r->control.why, r->before.migration);
	seen_take(g->state, r->candidate.facts, r->candidate.proven ? "works" : r->candidate.why, migrated_to(r));
	g->installed_works = r->control.proven;
}

static void arms_judge(struct run *r)
{
	struct gate *g = r->gate;

	arms_note(r);
	arms_remember(r);
	if (!r->candidate.proven && !r->control.proven)
		decide(g, GATE_BROKEN, "the installed version fails there, too: %.200s; the candidate: %.200s",
		       r->control.why, r->candidate.why);
	else if (!r->candidate.proven && server_log_is_full(r->candidate.why))
		decide(g, GATE_BROKEN, "the disk was full: the candidate: %.300s", r->candidate.why);
	else if (r->candidate.error == -EPERM)
		decide(g, GATE_BROKEN, "the candidate was never started: %.300s", r->candidate.why);
	else if (!r->candidate.proven)
		decide(g, GATE_REJECTED, "%.300s", r->candidate.why);
	else if (migration_audit(r))
		door_try(r);
}

void gate_run(struct gate *g)
{
	struct run r = {.gate = g, .before = {.migration = -1}};
	uint64_t began_us = due_now_us();

	g->verdict = GATE_ACCEPTED;
	g->reason[0] = '\0';
	g->installed_works = false;
	g->report = json_object();
	if (copies_make(&r) == 0) {
		arm_run(&r, &r.candidate, &r.candidate_dir, g->candidate);
		arm_run(&r, &r.control, &r.control_dir, g->installed);
		arms_judge(&r);
	}
	note(g, "seconds", "%.1f", (double)(due_now_us() - began_us) / 1e6);
	scratch_remove(r.scratch);
	copy_facts_fini(&r.before);
	trial_fini(&r.candidate);
	trial_fini(&r.control);
	trial_fini(&r.back);
}
