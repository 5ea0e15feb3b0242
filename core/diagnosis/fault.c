/* SPDX-License-Identifier: MIT */
/* The faults that stand or healed a moment ago; see fault.h. */
#include "diagnosis/fault.h"

#include <string.h>

#include "obs/event.h"

static void row_remove(struct faults *f, size_t i)
{
	memmove(&f->rows[i], &f->rows[i + 1], (f->n - i - 1) * sizeof f->rows[0]);
	f->n--;
}

struct fault *faults_add(struct faults *f, uint64_t id, const struct tomo_path *suspects)
{
	struct fault *row;

	if (f->n == FAULTS_MAX)
		row_remove(f, 0);
	row = &f->rows[f->n++];
	*row = (struct fault){.no = ++f->given, .id = id, .suspects = *suspects};
	return row;
}

void fault_add_user(struct fault *f, const char *user)
{
	for (size_t i = 0; i < f->n_users; i++)
		if (strcmp(f->users[i], user) == 0)
			return;
	if (f->n_users < FAULT_USERS)
		event_set(f->users[f->n_users++], user);
}

static void fault_user_back(struct fault *f, const char *user)
{
	for (size_t i = 0; i < f->n_users; i++) {
		if (strcmp(f->users[i], user) != 0)
			continue;
		f->n_users--;
		memcpy(f->users[i], f->users[f->n_users], sizeof f->users[i]);
		return;
	}
}

void faults_user_back(struct faults *f, const char *user)
{
	for (size_t i = 0; i < f->n; i++)
		fault_user_back(&f->rows[i], user);
}

static bool meet(const struct tomo_path *a, const struct tomo_path *b, struct tomo_path *shared)
{
	*shared = *a;
	tomo_path_intersect(shared, b);
	return shared->n > 0;
}

struct fault *faults_standing(struct faults *f, const struct tomo_path *suspects)
{
	struct tomo_path shared;

	for (size_t i = f->n; i-- > 0;)
		if (!f->rows[i].healed && meet(&f->rows[i].suspects, suspects, &shared))
			return &f->rows[i];
	return NULL;
}

const struct fault *faults_explain(struct faults *f, const struct tomo_path *path, uint64_t opened_us,
                                   uint64_t received_us, uint64_t now_us, struct tomo_path *shared)
{
	for (size_t i = f->n; i-- > 0;) {
		const struct fault *row = &f->rows[i];

		if (row->healed && now_us < row->until_us + GRACE_US && opened_us <= row->first_us &&
		    received_us <= row->until_us && meet(&row->suspects, path, shared))
			return row;
	}
	return NULL;
}

void faults_expire(struct faults *f, uint64_t now_us)
{
	for (size_t i = f->n; i-- > 0;) {
		const struct fault *row = &f->rows[i];
		uint64_t keep = row->healed ? GRACE_US : FAULT_FORGET_US;

		if ((row->healed || !row->by_legs) && now_us >= row->until_us + keep)
			row_remove(f, i);
	}
}

void path_text(const struct tomo_path *p, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->n; i++) {
		size_t len = strlen(p->segments[i]);

		if (used + len + 2 > size)
			return;
		if (used > 0)
			out[used++] = ' ';
		memcpy(out + used, p->segments[i], len + 1);
		used += len;
	}
}
