/* SPDX-License-Identifier: MIT */
/* Lists of the open incident; see incident.h. */
#include "diagnosis/incident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"
#include "tbl/room.h"

void incident_fini(struct incident *in)
{
	free(in->drops);
	free(in->live_tunnels);
	*in = (struct incident){.id = 0};
}

struct drop *incident_drop(const struct incident *in, const char *user)
{
	for (size_t i = 0; i < in->n_drops; i++)
		if (in->drops[i].user == user)
			return &in->drops[i];
	return NULL;
}

struct drop *incident_drop_add(struct incident *in, const struct drop *drop)
{
	struct drop *rows = room_for_one(in->drops, in->n_drops, &in->room_for_drops, sizeof *rows);

	if (rows == NULL)
		return NULL;
	in->drops = rows;
	rows[in->n_drops] = *drop;
	return &rows[in->n_drops++];
}

void incident_drops_remove(struct incident *in, uint64_t verdict)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->n_drops; i++)
		if (in->drops[i].verdict != verdict)
			in->drops[kept++] = in->drops[i];
	in->n_drops = kept;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Of several the one that was heard longest: never from when one was heard to when another was. */
static void steady_merge(struct live_tunnel *row, const struct live_tunnel *live)
{
	if (live->steady_since_us == 0 ||
	    (row->steady_since_us > 0 && live->steady_since_us > row->steady_since_us + STEADY_SAME_US))
		return;
	if (live->steady_since_us + STEADY_SAME_US < row->steady_since_us)
		row->steady_until_us = 0;
	row->steady_since_us = live->steady_since_us;
	row->steady_until_us = later(row->steady_until_us, live->steady_until_us);
}

int incident_live_tunnel(struct incident *in, const struct live_tunnel *live)
{
	struct live_tunnel *rows;

	for (size_t i = 0; i < in->n_live_tunnels; i++) {
		struct live_tunnel *row = &in->live_tunnels[i];

		if (row->user != live->user || strcmp(row->colo, live->colo) != 0)
			continue;
		row->client_us = later(row->client_us, live->client_us);
		row->serve_us = later(row->serve_us, live->serve_us);
		row->opened_us = later(row->opened_us, live->opened_us);
		steady_merge(row, live);
		return 0;
	}
	rows = room_for_one(in->live_tunnels, in->n_live_tunnels, &in->room_for_live_tunnels, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	in->live_tunnels = rows;
	rows[in->n_live_tunnels++] = *live;
	return 0;
}
