/* SPDX-License-Identifier: MIT */
/* The user table on a loop: what its reader hands over, the last good one kept; see users.h. */
#include "users/users.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs/log.h"
#include "users/user_snapshot.h"
#include "users/users_reader.h"

#define MORE_SIZE 48 /* of " (and 4095 more; t3ops -t names them)" */

struct users {
	struct users_reader *reader;
	const struct users_source *source;
	users_changed_cb on_changed;
	users_state_cb on_state;
	void *arg;
	struct user_list list;
	bool known; /* the list is a table that was good once */
	enum users_state state;
	char why[320]; /* as it was reported last */
};

static bool lists_equal(const struct user_list *a, const struct user_list *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->rows, b->rows, a->n * sizeof a->rows[0]) == 0);
}

void users_state_log(void *arg, enum users_state state, const char *why)
{
	(void)arg;
	if (state == USERS_GOOD)
		log_write(LOG_L_NOTICE, "users_recovered");
	else
		log_write(LOG_L_WARNING, state == USERS_BROKEN ? "users_broken" : "users_partial", kv_error(why));
}

static void state_set(struct users *u, enum users_state state, const char *why)
{
	char line[sizeof u->why] = "";

	if (state != USERS_GOOD)
		snprintf(line, sizeof line, "%.200s: %s", u->source->path, why);
	if (u->state == state && strcmp(u->why, line) == 0)
		return;
	u->state = state;
	strcpy(u->why, line);
	if (u->on_state)
		u->on_state(u->arg, state, state == USERS_GOOD ? NULL : u->why);
}

static void broken(struct users *u, const char *why)
{
	char line[256];

	snprintf(line, sizeof line, "%.200s; %s", why,
	         u->known ? "the last valid table stays active" : "there is no earlier table");
	state_set(u, USERS_BROKEN, line);
}

/* The process does not start then. */
static void refused(struct users *u, const char *why)
{
	state_set(u, USERS_BROKEN, why);
}

/* At the start there is no last good table but what a process before left. */
static void broken_at_first(struct users *u, const char *why)
{
	char line[256];

	u->known = snapshot_get(u->source->snapshot, &u->list);
	snprintf(line, sizeof line, "%.200s; %s", why,
	         u->known ? "the table of the previous process stays active" : "there is no earlier table");
	state_set(u, USERS_BROKEN, line);
}

static void list_replace(struct users *u, struct user_list *fresh)
{
	struct user_list before = u->list;
	bool same = u->known && lists_equal(fresh, &u->list);

	u->list = *fresh;
	u->known = true;
	if (!same && u->on_changed)
		u->on_changed(u->arg, &before, &u->list);
	user_list_fini(&before);
}

/* Users without a place keep the one that they had; those who had none are left out. */
static void ports_settle(struct user_list *fresh, const struct user_list *last)
{
	size_t kept = 0;

	for (size_t i = 0; i < fresh->n; i++) {
		struct user *row = &fresh->rows[i];
		bool lacks = row->port == 0 && row->socket[0] == '\0';
		const struct user *was = lacks ? user_list_find(last, row->name) : NULL;

		if (was && strcmp(was->os_user, row->os_user) == 0) {
			row->port = was->port;
			strcpy(row->socket, was->socket);
		}
		if (row->port == 0 && row->socket[0] == '\0')
			continue;
		if (kept < i) /* of a table of thousands, none is usually */
			fresh->rows[kept] = *row;
		kept++;
	}
	fresh->n = kept;
}

/* What the users without a port had before, in this process or in the one before it. */
static void portless_settle(const struct users *u, struct user_list *fresh)
{
	struct user_list left;

	if (u->known) {
		ports_settle(fresh, &u->list);
		return;
	}
	snapshot_get(u->source->snapshot, &left);
	ports_settle(fresh, &left);
	user_list_fini(&left);
}

/* Accounts that nobody could ask about keep who they were. */
static void accounts_settle(struct user_list *fresh, const struct user_list *last)
{
	for (size_t i = 0; i < fresh->n; i++) {
		struct user *row = &fresh->rows[i];
		const struct user *was = row->os_user[0] != '\0' && !row->is_asked ? user_list_find(last, row->name)
		                                                                   : NULL;

		if (!was || !was->has_uid || strcmp(was->os_user, row->os_user) != 0)
			continue;
		row->has_uid = true;
		row->uid = was->uid;
		row->gid = was->gid;
		strcpy(row->home, was->home);
	}
}

static void result_apply(struct users *u, struct users_result *result,
                         void (*on_fault)(struct users *u, const char *why))
{
	char why[sizeof result->why + MORE_SIZE];
	size_t len = (size_t)snprintf(why, sizeof why, "%s", result->why);

	if (result->faults < 0) {
		user_list_fini(&result->list);
		on_fault(u, why);
		return;
	}
	if (result->faults > 1)
		snprintf(why + len, sizeof why - len, " (and %d more; t3ops -t names them)", result->faults - 1);
	if (result->faults > 0)
		portless_settle(u, &result->list);
	accounts_settle(&result->list, &u->list);
	state_set(u, result->faults > 0 ? USERS_PARTIAL : USERS_GOOD, why);
	snapshot_put(u->source->snapshot, &result->list);
	list_replace(u, &result->list);
}

static void on_result(void *arg, bool gone)
{
	struct users *u = arg;
	struct users_result result;

	if (users_reader_take(u->reader, &result))
		result_apply(u, &result, u->known ? broken : broken_at_first);
	else if (gone)
		broken(u, "the process that reads it has ended: reload t3ops");
}

/* The first result, which is there, or the table of the process before as long as that takes. */
static void begin(struct users *u, bool must_read)
{
	struct users_result result;

	if (users_reader_take(u->reader, &result))
		result_apply(u, &result, must_read ? refused : broken_at_first);
	else if (must_read)
		refused(u, "it could not be read");
	else
		u->known = snapshot_get(u->source->snapshot, &u->list);
}

struct users *users_new(struct users_reader *reader, users_changed_cb on_changed, users_state_cb on_state, void *arg)
{
	struct users *u = calloc(1, sizeof *u);

	if (!u) {
		users_reader_free(reader);
		return NULL;
	}
	u->reader = reader;
	u->source = users_reader_source(reader);
	u->on_changed = on_changed;
	u->on_state = on_state;
	u->arg = arg;
	begin(u, u->source->must_read);
	users_reader_follow(reader, on_result, u);
	if (!u->source->must_read || u->state != USERS_BROKEN)
		return u;
	users_free(u);
	errno = EINVAL;
	return NULL;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	users_reader_free(u->reader);
	user_list_fini(&u->list);
	free(u);
}

bool users_are_known(const struct users *u)
{
	return u->known;
}

const struct user_list *users_list(const struct users *u)
{
	return &u->list;
}

const struct user *users_find(const struct users *u, const char *name)
{
	return user_list_find(&u->list, name);
}
