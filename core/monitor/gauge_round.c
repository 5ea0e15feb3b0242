/* SPDX-License-Identifier: MIT */
/* Gauges that are 1 while something is true; see gauge_round.h. */
#include "monitor/gauge_round.h"

#include <errno.h>
#include <stdlib.h>

#include "tbl/room.h"

void gauge_round_fini(struct gauge_round *g)
{
	free(g->shown);
	*g = (struct gauge_round){.family = g->family, .hides = g->hides};
}

void gauge_round_begin(struct gauge_round *g)
{
	for (size_t i = 0; i < g->n; i++) {
		series_set(g->shown[i], 0);
		if (g->hides)
			series_hide(g->shown[i]);
	}
	g->n = 0;
}

int gauge_round_add(struct gauge_round *g, struct metrics *m, const char *const *values)
{
	struct series **shown = room_for_one(g->shown, g->n, &g->room, sizeof *shown);

	if (shown == NULL)
		return -ENOMEM;
	g->shown = shown;
	g->shown[g->n] = metrics_series(m, g->family, NULL, NULL, values);
	series_set(g->shown[g->n++], 1);
	return 0;
}
