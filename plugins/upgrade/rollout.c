/* SPDX-License-Identifier: MIT */
/* See rollout.h. */
#include "rollout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/copy.h"
#include "common/due.h"
#include "common/scratch.h"
#include "text_json.h"

#define UNDO_SHARE 2 /* of the time that is left, this part is for undoing */

static int fail(struct rollout *r, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static int fail(struct rollout *r, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof r->why, fmt, ap);
	va_end(ap);
	return error;
}

static long long now_s(const struct rollout *r)
{
	return (long long)(r->ctx->host->wall_us(r->ctx) / 1000000);
}

static void path_of(const struct rollout *r, const char *name, char out[PATH_MAX])
{
	if (snprintf(out, PATH_MAX, "%s/%s", r->state->dir, name) >= PATH_MAX)
		out[0] = '\0'; /* nothing can be opened there */
}

/* ---- phases -------------------------------------------------------------------------------------------------- */

/* The only place that changes it. */
static int phase_set(struct rollout *r, const char *phase)
{
	json_object_set_new(r->state->all, "phase", json_string(phase));
	return state_save(r->state, r->why, sizeof r->why);
}

int rollout_begin(struct rollout *r, const char *from, const char *to)
{
	json_object_set_new(r->state->all, "from", json_string(from));
	json_object_set_new(r->state->all, "to", json_string(to));
	json_object_del(r->state->all, "failed");
	json_object_del(r->state->all, "previous");
	return phase_set(r, "STOPPING");
}

int rollout_undo_begin(struct rollout *r, const char *why)
{
	json_object_set_new(r->state->all, "failed", text_json(why));
	json_object_set_new(r->state->all, "stamp", json_integer(now_s(r)));
	return phase_set(r, "UNDOING");
}

static int server_start(struct rollout *r, uint64_t until_us)
{
	char why[320];

	if (user_server_running(&r->server, why, sizeof why) == NULL)
		return user_server_start(&r->server, until_us, r->why, sizeof r->why);
	r->ctx->host->commands_release(r->ctx);
	return user_server_wait_pairs(&r->server, until_us, r->why, sizeof r->why);
}

static int stopping(struct rollout *r, uint64_t until_us)
{
	int e = user_server_stop(&r->server, until_us, r->why, sizeof r->why);

	return e < 0 ? e : phase_set(r, "SAVING");
}

static int saving(struct rollout *r, uint64_t until_us)
{
	char fresh[PATH_MAX], path[PATH_MAX];
	struct copy_facts facts;
	int e;

	path_of(r, "before.sqlite.new", fresh);
	path_of(r, "before.sqlite", path);
	unlink(fresh);
	e = copy_database(r->server.database, fresh, until_us, &facts, r->why, sizeof r->why);
	json_object_set_new(r->state->all, "migration", json_integer(facts.migration));
	copy_facts_fini(&facts);
	if (e < 0)
		return e;
	e = file_sync(fresh);
	if (e == 0 && rename(fresh, path) < 0)
		e = -errno;
	if (e < 0)
		return fail(r, e, "%.200s: %s", path, strerror(-e));
	return phase_set(r, "SWITCHING");
}

static int switching(struct rollout *r)
{
	int e = link_set(r->state, state_text(r->state, "to"));

	return e < 0 ? fail(r, e, "the link cannot be set: %s", strerror(-e)) : phase_set(r, "STARTING");
}

static int starting(struct rollout *r, uint64_t until_us)
{
	uint64_t limit_us = due_now_us() + (uint64_t)r->ctx->host->opt_int(r->ctx, "start_timeout");
	int e = server_start(r, limit_us < until_us ? limit_us : until_us);

	if (e < 0)
		return e;
	json_object_set_new(r->state->all, "previous", json_string(state_text(r->state, "from")));
	return phase_set(r, "IDLE");
}

/* ---- undoing ------------------------------------------------------------------------------------------------- */

/* Whether the database is no longer as it was: then the old program may not even mint on it. */
static bool is_migrated(struct rollout *r)
{
	long long before = json_integer_value(json_object_get(r->state->all, "migration"));
	struct copy_facts now;
	char why[320];
	int e = copy_verify(r->server.database, r->until_us, &now, why, sizeof why);
	bool migrated = e < 0 || now.migration != before;

	copy_facts_fini(&now);
	return migrated;
}

/* What may lie beside a database and belongs to it. */
static const char *const sides[] = {"-wal", "-journal"};

static bool exists_with(const char *path, const char *side)
{
	char beside[PATH_MAX];

	snprintf(beside, sizeof beside, "%.4000s%s", path, side);
	return access(beside, F_OK) == 0;
}

/* Whether the database, or what belongs to it, is aside already. */
static bool is_put_aside(const char *kept)
{
	bool found = exists_with(kept, "");

	for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
		found = found || exists_with(kept, sides[i]);
	return found;
}

/* The database last: whoever goes on from between finds out by the others that it was begun. */
static int old_put_aside(struct rollout *r, const char *kept)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
		snprintf(from, sizeof from, "%.4000s%s", r->server.database, sides[i]);
		snprintf(to, sizeof to, "%.4000s%s", kept, sides[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	snprintf(from, sizeof from, "%.4000s-shm", r->server.database);
	unlink(from);
	return rename(r->server.database, kept) < 0 && errno != ENOENT ? -errno : 0;
}

/* "orchestration_events +3": rows that the old database had more of, at the time it was put aside. */
static void written_report(struct rollout *r, const char *kept, const char *before)
{
	struct copy_facts then, now;
	char why[320], text[400] = "";
	size_t used = 0;
	const char *table;
	json_t *rows;
	int e = copy_verify(before, r->until_us, &then, why, sizeof why);
	int e2 = copy_verify(kept, r->until_us, &now, why, sizeof why);

	json_object_foreach (e == 0 && e2 == 0 ? now.rows : NULL, table, rows) {
		long long more = json_integer_value(rows) - json_integer_value(json_object_get(then.rows, table));

		if (more > 0 && used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s +%lld", used > 0 ? ", " : "",
			                         table, more);
	}
	r->ctx->host->report(r->ctx, "kept", "%s", kept);
	r->ctx->host->report(r->ctx, "written_since", "%s", e < 0 || e2 < 0 ? why : used > 0 ? text : "nothing");
	copy_facts_fini(&then);
	copy_facts_fini(&now);
}

/* Done already if both are there: the old one is put aside before the new one comes. */
static int database_restore(struct rollout *r)
{
	char kept[PATH_MAX], before[PATH_MAX], fresh[PATH_MAX];
	int e = 0;

	snprintf(kept, sizeof kept, "%.4000s.rolled-back-%lld", r->server.database,
	         (long long)json_integer_value(json_object_get(r->state->all, "stamp")));
	snprintf(fresh, sizeof fresh, "%.4000s.restoring", r->server.database);
	path_of(r, "before.sqlite", before);
	if (access(kept, F_OK) == 0 && access(r->server.database, F_OK) == 0)
		return 0;
	if (!is_put_aside(kept) && !is_migrated(r))
		return 0;
	e = file_copy(before, fresh, 0);
	if (e == 0)
		e = old_put_aside(r, kept);
	if (e == 0 && rename(fresh, r->server.database) < 0)
		e = -errno;
	if (e == 0)
		e = dir_sync_of(r->server.database);
	if (e < 0)
		return fail(r, e, "the database of before, %.200s, cannot be put back: %s", before, strerror(-e));
	written_report(r, kept, before);
	return 0;
}

/* The database is touched only after the new program may have been started. */
static bool was_switched(struct rollout *r)
{
	char prefix[PATH_MAX];

	return json_is_true(json_object_get(r->state->all, "switched")) ||
	       (link_read(r->state, prefix) == 0 && strcmp(prefix, state_text(r->state, "to")) == 0);
}

/* Whether it says something about the version: it was started, or somebody did not want it. */
static bool is_verdict(const char *why)
{
	return strncmp(why, "STARTING: ", 10) == 0 || strncmp(why, "BAKING: ", 8) == 0 ||
	       strcmp(why, ROLLBACK_WHY) == 0;
}

/* What went wrong live is remembered, and nothing more is tried by itself; on disk with the phase. */
static void failure_remember(struct rollout *r)
{
	const char *why = state_text(r->state, "failed");

	if (is_verdict(why))
		state_reject(r->state, state_text(r->state, "to"), why, now_s(r));
	if (state_frozen(r->state, now_s(r)) == NULL)
		state_freeze(r->state, why, now_s(r), 0);
}

/* The link first: whatever is started when this is killed before its end is the old program, which leaves a database
 * alone that it does not know; the new one would migrate the old database. */
static int switch_undo(struct rollout *r)
{
	int e = user_server_stop(&r->server, r->until_us, r->why, sizeof r->why);

	if (e < 0)
		return e;
	json_object_set_new(r->state->all, "switched", json_true());
	e = state_save(r->state, r->why, sizeof r->why);
	if (e < 0)
		return e;
	e = link_set(r->state, state_text(r->state, "from"));
	return e < 0 ? fail(r, e, "the link cannot be set: %s", strerror(-e)) : database_restore(r);
}

static int undoing(struct rollout *r)
{
	int e = was_switched(r) ? switch_undo(r) : 0;

	if (e == 0)
		e = server_start(r, r->until_us);
	if (e < 0)
		return e;
	failure_remember(r);
	json_object_del(r->state->all, "previous");
	json_object_del(r->state->all, "switched");
	e = phase_set(r, "IDLE");
	return e < 0 ? e : fail(r, -ECANCELED, "%s", state_text(r->state, "failed"));
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

static int phase_run(struct rollout *r, uint64_t until_us)
{
	const char *phase = state_text(r->state, "phase");

	if (strcmp(phase, "STOPPING") == 0)
		return stopping(r, until_us);
	if (strcmp(phase, "SAVING") == 0)
		return saving(r, until_us);
	if (strcmp(phase, "SWITCHING") == 0)
		return switching(r);
	return starting(r, until_us);
}

static bool is_idle(const struct rollout *r)
{
	const char *phase = state_text(r->state, "phase");

	return *phase == '\0' || strcmp(phase, "IDLE") == 0;
}

static bool is_undoing(const struct rollout *r)
{
	return strcmp(state_text(r->state, "phase"), "UNDOING") == 0;
}

/* A run that was killed held the commands of others from its stop on, which is not done again. */
static int hold_resume(struct rollout *r)
{
	if (is_idle(r) || strcmp(state_text(r->state, "phase"), "STOPPING") == 0)
		return 0;
	return user_server_hold(&r->server, r->until_us, r->why, sizeof r->why);
}

int rollout_continue(struct rollout *r)
{
	uint64_t now_us = due_now_us(), left_us = r->until_us > now_us ? r->until_us - now_us : 0;
	char failed[sizeof r->why];
	int e = hold_resume(r);

	if (e < 0)
		return e;
	while (!is_idle(r) && !is_undoing(r)) {
		e = phase_run(r, now_us + left_us / UNDO_SHARE);
		if (e < 0) {
			snprintf(failed, sizeof failed, "%s: %.500s", state_text(r->state, "phase"), r->why);
			e = rollout_undo_begin(r, failed);
			if (e < 0)
				return e;
		}
	}
	return is_undoing(r) ? undoing(r) : 0;
}
