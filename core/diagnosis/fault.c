/* SPDX-License-Identifier: MIT */
/* The faults that stand or healed a moment ago; see fault.h. */
#include "diagnosis/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fault_free(struct fault *f)
{
	free(f->users);
	free(f);
}

void faults_fini(struct faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		fault_free(f->rows[i]);
	free(f->rows);
	*f = (struct faults){.n = 0};
}

static void row_remove(struct faults *f, size_t i)
{
	fault_free(f->rows[i]);
	memmove(&f->rows[i], &f->rows[i + 1], (f->n - i - 1) * sizeof(struct fault *));
	f->n--;
}

struct fault *faults_add(struct faults *f, uint64_t id, const struct tomo_path *suspects)
{
	struct fault *row;

	if (f->n == f->room) {
		size_t more = f->room > 0 ? 2 * f->room : 8;
		struct fault **rows = realloc(f->rows, more * sizeof(struct fault *));

		if (rows == NULL)
			return NULL;
		f->rows = rows;
		f->room = more;
	}
	row = calloc(1, sizeof *row);
	if (row == NULL)
		return NULL;
	*row = (struct fault){.no = ++f->given, .id = id, .suspects = *suspects};
	f->rows[f->n++] = row;
	return row;
}

int fault_add_user(struct fault *f, const char *user)
{
	for (size_t i = 0; i < f->n_users; i++)
		if (f->users[i] == user)
			return 0;
	if (f->n_users == f->room_for_users) {
		size_t more = f->room_for_users > 0 ? 2 * f->room_for_users : 4;
		const char **users = realloc(f->users, more * sizeof(char *));

		if (users == NULL)
			return -ENOMEM;
		f->users = users;
		f->room_for_users = more;
	}
	f->users[f->n_users++] = user;
	return 0;
}

static void fault_user_back(struct fault *f, const char *user)
{
	for (size_t i = 0; i < f->n_users; i++) {
		if (f->users[i] != user)
			continue;
		f->users[i] = f->users[--f->n_users];
		return;
	}
}

void faults_user_back(struct faults *f, const char *user)
{
	for (size_t i = 0; i < f->n; i++)
		fault_user_back(f->rows[i], user);
}

struct fault *faults_standing(struct faults *f, const struct tomo_path *suspects)
{
	for (size_t i = f->n; i-- > 0;)
		if (!f->rows[i]->healed && tomo_paths_meet(&f->rows[i]->suspects, suspects, NULL))
			return f->rows[i];
	return NULL;
}

const struct fault *faults_explain(struct faults *f, const struct tomo_path *path, uint64_t opened_us,
                                   uint64_t received_us, uint64_t now_us, struct tomo_path *shared)
{
	for (size_t i = f->n; i-- > 0;) {
		const struct fault *row = f->rows[i];

		if (row->healed && now_us < row->until_us + GRACE_US && opened_us <= row->first_us &&
		    received_us <= row->until_us && tomo_paths_meet(&row->suspects, path, shared))
			return row;
	}
	return NULL;
}

static bool evidence_is_left(const struct fault *fault, const struct probe_table *legs)
{
	if (!fault->by_legs)
		return fault->n_users > 0;
	for (size_t i = 0; i < legs->n; i++)
		if (legs->rows[i]->fault == fault->no || legs->rows[i]->resolver_fault == fault->no)
			return true;
	return false;
}

const struct fault *faults_heal_one(struct faults *f, const struct probe_table *legs, uint64_t now_us)
{
	for (size_t i = 0; i < f->n; i++) {
		struct fault *fault = f->rows[i];

		if (fault->healed || evidence_is_left(fault, legs))
			continue;
		fault->healed = true;
		fault->until_us = now_us;
		return fault;
	}
	return NULL;
}

void faults_expire(struct faults *f, uint64_t now_us)
{
	for (size_t i = f->n; i-- > 0;) {
		const struct fault *row = f->rows[i];
		uint64_t keep = row->healed ? GRACE_US : FAULT_FORGET_US;

		if ((row->healed || !row->by_legs) && now_us >= row->until_us + keep)
			row_remove(f, i);
	}
}
