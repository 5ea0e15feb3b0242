/* SPDX-License-Identifier: MIT */
/* The tables of legs, and what is slow; see checkpoint_legs.h. */
#include "diagnosis/checkpoint_legs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/reason.h"

#define STEPS 6

static const char *state_name(unsigned state)
{
	return leg_state_name(&(struct leg){.state = (enum leg_state)state});
}

static const char *testimony_name(unsigned testimony)
{
	static const char *const names[] = {"silent", "suspected", "cleared", "failed", "recovered", "stale"};

	return names[testimony];
}

static const char *resolver_name(unsigned state)
{
	static const char *const names[] = {"unknown", "works", "fails"};

	return names[state];
}

#define STATE(T, member)     ENUM(T, member, state_name, LEG_IS_ABSENT + 1)
#define TESTIMONY(T, member) ENUM(T, member, testimony_name, LEG_STALE + 1)

/* ---- one leg ------------------------------------------------------------------------------------------- */

static const struct field end_fields[] = {
    LABEL(struct leg_end, step, step_label, STEPS),
    LABEL(struct leg_end, reason, reason_label, REASONS),
    NUMBER(struct leg_end, code),
    FIELDS_END,
};

static const struct field slow_fields[] = {
    NUMBER(struct slow, beats),
    FLAG(struct slow, is),
    NUMBER(struct slow, usual_us),
    NUMBER(struct slow, latest_us),
    FIELDS_END,
};

static const struct field aspect_fields[] = {
    ENUM(struct leg_aspect, state, resolver_name, ASPECT_FAILS + 1),
    NUMBER(struct leg_aspect, proven_us),
    NUMBER(struct leg_aspect, reported_us),
    NUMBER(struct leg_aspect, tried_us),
    NUMBER(struct leg_aspect, failed_us),
    NUMBER(struct leg_aspect, verdict),
    PART(struct leg_aspect, end, end_fields),
    TEXT(struct leg_aspect, colo),
    TEXT(struct leg_aspect, broke_colo),
    TESTIMONY(struct leg_aspect, testimony),
    NUMBER(struct leg_aspect, began_us),
    FIELDS_END,
};

/* All but def and user, which find the row. */
static const struct field leg_fields[] = {
    STATE(struct leg, state),
    NUMBER(struct leg, since_us),
    PART(struct leg, last, end_fields),
    NUMBER(struct leg, rtt_us),
    NUMBER(struct leg, alive_us),
    NUMBER(struct leg, came_up_us),
    NUMBER(struct leg, attempt_us),
    NUMBER(struct leg, attempt_began_us),
    NUMBER(struct leg, target),
    NUMBER(struct leg, heir_us),
    NUMBER(struct leg, mute_us),
    NUMBER(struct leg, verdict),
    TEXT(struct leg, colo),
    TEXT(struct leg, alive_colo),
    TEXT(struct leg, broke_colo),
    PART(struct leg, slow, slow_fields),
    PART(struct leg, lookups, slow_fields),
    ENUM(struct leg, resolver, resolver_name, RESOLVER_FAILS + 1),
    NUMBER(struct leg, looked_up_us),
    NUMBER(struct leg, resolver_verdict),
    PART(struct leg, fresh, aspect_fields),
    PART(struct leg, large, aspect_fields),
    TESTIMONY(struct leg, testimony),
    NUMBER(struct leg, began_us),
    NUMBER(struct leg, broke_us),
    FLAG(struct leg, never_up),
    PART(struct leg, first, end_fields),
    PART(struct leg, latest, end_fields),
    FLAG(struct leg, attempted),
    LABEL(struct leg, next_hop, beat_trace_label, BEAT_TRACES),
    LABEL(struct leg, echo, beat_trace_label, BEAT_TRACES),
    NUMBER(struct leg, unanswered_us),
    TESTIMONY(struct leg, resolver_testimony),
    NUMBER(struct leg, resolver_began_us),
    NUMBER(struct leg, resolver_asked_us),
    FIELDS_END,
};

static size_t legs_count(const struct diagnosis *d)
{
	return d->legs.n;
}

static void leg_write(const struct diagnosis *d, size_t row, FILE *out)
{
	const struct leg *leg = d->legs.rows[row];

	field_write_text("name", leg->def->name, out);
	if (leg->user[0] != '\0')
		field_write_text("user", leg->user, out);
	fields_write(leg_fields, leg, out);
}

static int leg_put(struct diagnosis *d, struct leg *row, const char *name, const char *user)
{
	struct leg *leg;
	int r = probe_table_get(&d->legs, d->topology, name, user, &leg);

	if (r < 0)
		return r == -ENOENT ? -EINVAL : r;
	row->chain = leg->chain;
	row->def = leg->def;
	row->user = leg->user;
	*leg = *row;
	return 0;
}

static int leg_read(struct diagnosis *d, char *line)
{
	const char *name = "", *user = "";
	struct leg row = {.def = NULL};
	struct pair p;
	int r;

	while ((r = pair_next(&line, &p)) > 0) {
		if (strcmp(p.key, "name") == 0)
			name = p.value;
		else if (strcmp(p.key, "user") == 0)
			user = p.value;
		else if ((r = field_read(leg_fields, &row, &p, NULL)) <= 0)
			return -EINVAL;
	}
	return r < 0 ? r : leg_put(d, &row, name, user);
}

/* ---- locations ----------------------------------------------------------------------------------------- */

struct located {
	struct tomo_path segment;
};

static const struct field located_fields[] = {PATH(struct located, segment), FIELDS_END};

static size_t located_count(const struct diagnosis *d)
{
	return topology_is_located(d->topology);
}

static void located_write(const struct diagnosis *d, size_t row, FILE *out)
{
	(void)row;
	fields_write(located_fields, topology_located(d->topology), out);
}

static int located_read(struct diagnosis *d, char *line)
{
	struct located located = {.segment = {.n = 0}};
	int r = fields_read(located_fields, &located, line, d->topology);

	if (r == 0)
		topology_restore_located(d->topology, &located.segment);
	return r;
}

/* ---- what is slow -------------------------------------------------------------------------------------- */

static const struct field slow_paths_fields[] = {
    FLAG(struct slow_paths, is),
    PATH(struct slow_paths, where),
    NUMBER(struct slow_paths, reported_us),
    FIELDS_END,
};

static size_t one(const struct diagnosis *d)
{
	(void)d;
	return 1;
}

static void slow_paths_write(const struct diagnosis *d, size_t row, FILE *out)
{
	(void)row;
	fields_write(slow_paths_fields, &d->slow, out);
}

static int slow_paths_read(struct diagnosis *d, char *line)
{
	return fields_read(slow_paths_fields, &d->slow, line, d->topology);
}

static size_t slow_users_count(const struct diagnosis *d)
{
	return d->slow.users.n;
}

static void slow_user_write(const struct diagnosis *d, size_t row, FILE *out)
{
	field_write_text("user", d->slow.users.names[row], out);
}

static int slow_user_read(struct diagnosis *d, char *line)
{
	struct named {
		const char *user;
	} named = {NULL};
	static const struct field fields[] = {NAME(struct named, user), FIELDS_END};
	int r = fields_read(fields, &named, line, d->topology);

	if (r == 0 && named.user == NULL)
		return -EINVAL;
	return r < 0 ? r : user_set_add(&d->slow.users, named.user);
}

const struct checkpoint_table checkpoint_of_legs[] = {
    {"located", located_count, located_write, located_read},
    {"leg", legs_count, leg_write, leg_read},
    {"slow", one, slow_paths_write, slow_paths_read},
    {"slow_user", slow_users_count, slow_user_write, slow_user_read},
    {NULL, NULL, NULL, NULL},
};
