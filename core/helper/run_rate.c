/* SPDX-License-Identifier: MIT */
/* Counting runs; see run_rate.h. */
#include "helper/run_rate.h"

#include <stdlib.h>
#include <string.h>

#include "obs/event.h"
#include "tbl/room.h"

/* Forgets whose minute is over. */
static void rows_expire(struct run_rate *r, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (now_us - r->rows[i].began_us < RUN_RATE_WINDOW_US)
			r->rows[kept++] = r->rows[i];
	r->n = kept;
}

static struct run_rate_row *row_find(struct run_rate *r, enum process_id process, const char *user)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].process == process && strcmp(r->rows[i].user, user) == 0)
			return &r->rows[i];
	return NULL;
}

static struct run_rate_row *row_add(struct run_rate *r, enum process_id process, const char *user, uint64_t now_us)
{
	struct run_rate_row *rows = room_for_one(r->rows, r->n, &r->room, sizeof *rows);

	if (!rows)
		return NULL;
	r->rows = rows;
	rows[r->n] = (struct run_rate_row){.process = process, .began_us = now_us};
	event_set(rows[r->n].user, user);
	return &rows[r->n++];
}

bool run_rate_passes(struct run_rate *r, enum process_id process, const char *user, unsigned most, uint64_t now_us)
{
	struct run_rate_row *row;

	rows_expire(r, now_us);
	row = row_find(r, process, user);
	if (!row)
		row = row_add(r, process, user, now_us);
	if (!row || row->n >= most)
		return false;
	row->n++;
	return true;
}

void run_rate_fini(struct run_rate *r)
{
	free(r->rows);
}
