/* SPDX-License-Identifier: MIT */
/* The verdicts that stand; see verdict_board.h. */
#include "monitor/verdict_board.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/verdict_json.h"
#include "tbl/room.h"

void verdict_board_fini(struct verdict_board *b)
{
	for (size_t i = 0; i < b->n; i++)
		json_decref(b->rows[i].json);
	free(b->rows);
	*b = (struct verdict_board){.n = 0};
}

static struct verdict_board_row *row_get(struct verdict_board *b, uint64_t id)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].id == id)
			return &b->rows[i];
	return NULL;
}

static struct verdict_board_row *row_add(struct verdict_board *b, uint64_t id)
{
	struct verdict_board_row *rows = room_for_one(b->rows, b->n, &b->room, sizeof *rows);

	if (rows == NULL)
		return NULL;
	b->rows = rows;
	b->rows[b->n] = (struct verdict_board_row){.id = id};
	return &b->rows[b->n++];
}

int verdict_board_put(struct verdict_board *b, const struct verdict *v, json_t *json)
{
	struct verdict_board_row *row = row_get(b, v->id);

	if (row == NULL)
		row = row_add(b, v->id);
	if (row == NULL)
		return -ENOMEM;
	if (json_object_get(row->json, "browser") != NULL)
		json_object_set(json, "browser", json_object_get(row->json, "browser"));
	json_decref(row->json);
	row->json = json_incref(json);
	return 0;
}

int verdict_board_restore(struct verdict_board *b, const struct verdict *v, json_t *json)
{
	const char *ended = json_string_value(json_object_get(json, "ended_time"));
	int r = row_get(b, v->id) == NULL ? verdict_board_put(b, v, json) : 1;

	if (r == 0 && ended != NULL)
		snprintf(row_get(b, v->id)->ended_time, TIME_TEXT_SIZE, "%s", ended);
	return r < 0 ? r : 0;
}

json_t *verdict_board_end(struct verdict_board *b, const struct verdict *v, uint64_t wall_us)
{
	struct verdict_board_row *row = row_get(b, v->id);

	if (row == NULL)
		return NULL;
	time_text(wall_us, row->ended_time);
	verdict_json_update(row->json, v, row->ended_time);
	return row->json;
}

void verdict_board_expire(struct verdict_board *b, const struct verdict_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (verdict_table_get(t, b->rows[i].id) != NULL)
			b->rows[kept++] = b->rows[i];
		else
			json_decref(b->rows[i].json);
	}
	b->n = kept;
}

/* Of one that has ended, what was said then stays. */
static void row_update(struct verdict_board_row *row, const struct verdict *v)
{
	if (v->state == VERDICT_STANDING)
		verdict_json_update(row->json, v, row->ended_time);
}

json_t *verdict_board_json(struct verdict_board *b, const struct verdict_table *t)
{
	json_t *list = json_array();

	verdict_board_expire(b, t);
	for (size_t i = b->n; i-- > 0;) {
		row_update(&b->rows[i], verdict_table_get(t, b->rows[i].id));
		json_array_append(list, b->rows[i].json);
	}
	return list;
}
