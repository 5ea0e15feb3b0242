/* SPDX-License-Identifier: MIT */
/* The tables of verdicts; see checkpoint_verdicts.h. */
#include "diagnosis/checkpoint_verdicts.h"

#include <errno.h>

static const char *kind_name(unsigned kind)
{
	return kind == VERDICT_FAULT ? "fault" : verdict_kind_name((enum verdict_kind)kind);
}

static const char *state_name(unsigned state)
{
	return verdict_state_name((enum verdict_state)state);
}

static const char *change_name(unsigned change)
{
	return verdict_change_name((enum verdict_change)change);
}

static const struct field conclusion_fields[] = {
    ENUM(struct verdict_conclusion, kind, kind_name, VERDICT_INCONCLUSIVE + 1),
    PATH(struct verdict_conclusion, suspects),
    FIELDS_END,
};

/* All but its lists of users. */
static const struct field verdict_fields[] = {
    NUMBER(struct verdict, id),
    NUMBER(struct verdict, incident),
    NUMBER(struct verdict, open_in),
    NUMBER(struct verdict, revision),
    ENUM(struct verdict, state, state_name, VERDICT_EXPIRED + 1),
    ENUM(struct verdict, change, change_name, VERDICT_AGAIN + 1),
    PART(struct verdict, conclusion, conclusion_fields),
    PART(struct verdict, was, conclusion_fields),
    NUMBER(struct verdict, times),
    FLAG(struct verdict, grew),
    FLAG(struct verdict, named_users),
    FLAG(struct verdict, by_legs),
    NUMBER(struct verdict, failing),
    NUMBER(struct verdict, first_us),
    NUMBER(struct verdict, drop_wall_us),
    NUMBER(struct verdict, given_us),
    NUMBER(struct verdict, works_us),
    NUMBER(struct verdict, ended_us),
    NUMBER(struct verdict, cleared_us),
    NUMBER(struct verdict, classified_us),
    FIELDS_END,
};

static size_t verdicts_count(const struct diagnosis *d)
{
	return d->verdicts.n;
}

static void verdict_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(verdict_fields, d->verdicts.rows[row], out);
}

static int verdict_read(struct diagnosis *d, char *line)
{
	struct verdict row = {.id = 0}, *v;
	uint64_t given = d->verdicts.given;
	int r = fields_read(verdict_fields, &row, line, d->topology);

	if (r < 0 || row.id == 0)
		return r < 0 ? r : -EINVAL;
	v = verdict_table_add(&d->verdicts);
	if (v == NULL)
		return -ENOMEM;
	d->verdicts.given = given; /* it has its id already */
	*v = row;
	return 0;
}

/* ---- users --------------------------------------------------------------------------------------------- */

/* One name of one list of one verdict. */
struct member {
	uint64_t verdict;
	const char *user;
};

static const struct field member_fields[] = {
    NUMBER(struct member, verdict),
    NAME(struct member, user),
    FIELDS_END,
};

static const struct user_set *set_of(const struct verdict *v, bool absent)
{
	return absent ? &v->absent : &v->users;
}

static size_t members_count(const struct diagnosis *d, bool absent)
{
	size_t n = 0;

	for (size_t i = 0; i < d->verdicts.n; i++)
		n += set_of(d->verdicts.rows[i], absent)->n;
	return n;
}

static void member_write(const struct diagnosis *d, bool absent, size_t row, FILE *out)
{
	size_t i = 0;

	while (row >= set_of(d->verdicts.rows[i], absent)->n)
		row -= set_of(d->verdicts.rows[i++], absent)->n;
	fields_write(member_fields,
	             &(struct member){d->verdicts.rows[i]->id, set_of(d->verdicts.rows[i], absent)->names[row]}, out);
}

static int member_read(struct diagnosis *d, bool absent, char *line)
{
	struct member m = {.user = NULL};
	int r = fields_read(member_fields, &m, line, d->topology);
	struct verdict *v = r == 0 ? verdict_table_get(&d->verdicts, m.verdict) : NULL;

	if (r < 0 || v == NULL || m.user == NULL)
		return r < 0 ? r : -EINVAL;
	return user_set_add(absent ? &v->absent : &v->users, m.user);
}

static size_t affected_count(const struct diagnosis *d)
{
	return members_count(d, false);
}

static void affected_write(const struct diagnosis *d, size_t row, FILE *out)
{
	member_write(d, false, row, out);
}

static int affected_read(struct diagnosis *d, char *line)
{
	return member_read(d, false, line);
}

static size_t absent_count(const struct diagnosis *d)
{
	return members_count(d, true);
}

static void absent_write(const struct diagnosis *d, size_t row, FILE *out)
{
	member_write(d, true, row, out);
}

static int absent_read(struct diagnosis *d, char *line)
{
	return member_read(d, true, line);
}

const struct checkpoint_table checkpoint_of_verdicts[] = {
    {"earlier_verdict", verdicts_count, verdict_write, verdict_read},
    {"earlier_user", affected_count, affected_write, affected_read},
    {"earlier_absent", absent_count, absent_write, absent_read},
    {NULL, NULL, NULL, NULL},
};
