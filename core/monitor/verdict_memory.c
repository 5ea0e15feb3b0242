/* SPDX-License-Identifier: MIT */
/* Verdicts for the next monitor; see verdict_memory.h. */
#include "monitor/verdict_memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/journal_read.h"
#include "tbl/room.h"

/* ---- one as text ------------------------------------------------------------------------------------------- */

static json_t *names_json(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *conclusion_json(const struct verdict_conclusion *f)
{
	return json_pack("{s:i, s:o}", "kind", (int)f->kind, "suspects",
	                 names_json(f->suspects.segments, f->suspects.n));
}

static json_t *legs_json(const struct recall *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_legs; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", r->legs[i].name, "user",
		                                      r->legs[i].user, "part", (int)r->legs[i].part));
	return list;
}

char *verdict_memory_text(const struct recall *r)
{
	const struct verdict *v = &r->verdict;
	json_t *o = json_pack(
	    "{s:I, s:I, s:i, s:i, s:i, s:o, s:o, s:i, s:o, s:o, s:b, s:i, s:I, s:I, s:I, s:I, s:o}", "id",
	    (json_int_t)v->id, "incident", (json_int_t)v->incident, "revision", (int)v->revision, "state",
	    (int)v->state, "change", (int)v->change, "conclusion", conclusion_json(&v->conclusion), "was",
	    conclusion_json(&v->was), "times", (int)v->times, "users", names_json(v->users.names, v->users.n),
	    "absent", names_json(v->absent.names, v->absent.n), "by_legs", (int)v->by_legs, "failing",
	    (int)v->failing, "drop_us", (json_int_t)v->drop_wall_us, "given_us",
	    (json_int_t)verdict_wall_us(v, v->given_us), "works_us", (json_int_t)verdict_wall_us(v, v->works_us),
	    "ended_us", (json_int_t)verdict_wall_us(v, v->ended_us), "legs", legs_json(r));
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

/* ---- and back ------------------------------------------------------------------------------------------------ */

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* A number that is no value of that enum makes the whole text worthless. */
static int enum_read(const json_t *o, const char *key, int last, bool *ok)
{
	json_int_t value = number(o, key);

	*ok = *ok && value >= 0 && value <= last;
	return *ok ? (int)value : 0;
}

static void conclusion_read(const json_t *o, struct verdict_conclusion *f, bool *ok)
{
	const json_t *list = json_object_get(o, "suspects");

	f->kind = (enum verdict_kind)enum_read(o, "kind", VERDICT_INCONCLUSIVE, ok);
	for (size_t i = 0; i < json_array_size(list) && f->suspects.n < TOMO_PATH_MAX; i++)
		if (json_is_string(json_array_get(list, i)))
			f->suspects.segments[f->suspects.n++] = json_string_value(json_array_get(list, i));
}

/* Borrowed from the list. */
static bool users_read(const json_t *list, struct user_set *users)
{
	users->names = calloc(json_array_size(list) + 1, sizeof *users->names);
	for (size_t i = 0; users->names != NULL && i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			users->names[users->n++] = json_string_value(json_array_get(list, i));
	return users->names != NULL;
}

static bool legs_read(const json_t *list, struct recall *r, bool *ok)
{
	r->legs = calloc(json_array_size(list) + 1, sizeof *r->legs);
	for (size_t i = 0; r->legs != NULL && i < json_array_size(list); i++) {
		const json_t *leg = json_array_get(list, i);

		r->legs[r->n_legs++] = (struct recall_leg){
		    text_of(leg, "name"), text_of(leg, "user"),
		    (enum recall_part)enum_read(leg, "part", RECALL_PARTS - 1, ok)};
	}
	return r->legs != NULL;
}

struct now {
	uint64_t mono_us, wall_us;
};

/* The moment as this boot's clock has it; what was before the boot is its beginning. */
static uint64_t mono_of(const struct now *now, json_int_t wall)
{
	uint64_t ago = now->wall_us > (uint64_t)wall ? now->wall_us - (uint64_t)wall : 0;

	if (wall <= 0)
		return 0;
	return now->mono_us > ago ? now->mono_us - ago : 1;
}

static void verdict_read(const json_t *o, const struct now *now, struct verdict *v, bool *ok)
{
	*v = (struct verdict){.id = (uint64_t)number(o, "id"),
	                      .incident = (uint64_t)number(o, "incident"),
	                      .revision = (unsigned)number(o, "revision"),
	                      .state = (enum verdict_state)enum_read(o, "state", VERDICT_EXPIRED, ok),
	                      .change = (enum verdict_change)enum_read(o, "change", VERDICT_AGAIN, ok),
	                      .times = (unsigned)number(o, "times"),
	                      .by_legs = json_is_true(json_object_get(o, "by_legs")),
	                      .failing = (size_t)number(o, "failing"),
	                      .drop_wall_us = (uint64_t)number(o, "drop_us"),
	                      .first_us = mono_of(now, number(o, "drop_us")),
	                      .given_us = mono_of(now, number(o, "given_us")),
	                      .works_us = mono_of(now, number(o, "works_us")),
	                      .ended_us = mono_of(now, number(o, "ended_us"))};
	conclusion_read(json_object_get(o, "conclusion"), &v->conclusion, ok);
	conclusion_read(json_object_get(o, "was"), &v->was, ok);
	*ok = *ok && v->id > 0;
}

int verdict_memory_recall(struct diagnosis *d, const char *text, uint64_t mono_us, uint64_t wall)
{
	json_t *o = json_loads(text, 0, NULL);
	const struct now now = {mono_us, wall};
	struct recall r = {.n_legs = 0};
	bool ok = o != NULL, room;
	int result;

	verdict_read(o, &now, &r.verdict, &ok);
	room = users_read(json_object_get(o, "users"), &r.verdict.users);
	room = users_read(json_object_get(o, "absent"), &r.verdict.absent) && room;
	room = legs_read(json_object_get(o, "legs"), &r, &ok) && room;
	result = !ok ? -EINVAL : !room ? -ENOMEM : diagnosis_recall(d, &r, mono_us);
	user_set_fini(&r.verdict.users);
	user_set_fini(&r.verdict.absent);
	recall_fini(&r);
	json_decref(o);
	return result == -EEXIST ? 0 : result;
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

void verdict_memory_fini(struct verdict_memory *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->rows[i].text);
	free(m->rows);
	*m = (struct verdict_memory){.n = 0};
}

static struct verdict_memory_row *row_of(struct verdict_memory *m, uint64_t id)
{
	struct verdict_memory_row *rows;

	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].id == id)
			return &m->rows[i];
	rows = room_for_one(m->rows, m->n, &m->room, sizeof *rows);
	if (rows == NULL)
		return NULL;
	m->rows = rows;
	m->rows[m->n] = (struct verdict_memory_row){.id = id};
	return &m->rows[m->n++];
}

static int verdict_write(struct verdict_memory *m, struct journal *j, const struct diagnosis *d,
                         const struct verdict *v)
{
	struct verdict_memory_row *row = row_of(m, v->id);
	struct recall r;
	char *text = NULL;

	if (row == NULL)
		return -ENOMEM;
	if (recall_init(&r, v, diagnosis_legs(d)) == 0)
		text = verdict_memory_text(&r);
	recall_fini(&r);
	if (text == NULL)
		return -ENOMEM;
	if (row->text != NULL && strcmp(row->text, text) == 0) {
		free(text);
		return 0;
	}
	free(row->text);
	row->text = text;
	journal_memory(j, v->id, text);
	return 0;
}

static void forgotten_remove(struct verdict_memory *m, struct journal *j, const struct diagnosis *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (verdict_table_get(diagnosis_verdicts(d), m->rows[i].id) != NULL) {
			m->rows[kept++] = m->rows[i];
			continue;
		}
		journal_memory(j, m->rows[i].id, "");
		free(m->rows[i].text);
	}
	m->n = kept;
}

int verdict_memory_write(struct verdict_memory *m, struct journal *j, const struct diagnosis *d)
{
	const struct verdict_table *t = diagnosis_verdicts(d);
	int r = 0;

	for (size_t i = 0; i < t->n; i++)
		if (verdict_write(m, j, d, t->rows[i]) < 0)
			r = -ENOMEM;
	forgotten_remove(m, j, d);
	return r;
}

int verdict_memory_read(struct journal *j, struct diagnosis *d, uint64_t mono_us, uint64_t wall)
{
	json_t *list = journal_memories(j), *row;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, row)
		if (verdict_memory_recall(d, json_string_value(row), mono_us, wall) == -ENOMEM)
			r = -ENOMEM;
	json_decref(list);
	return r;
}
