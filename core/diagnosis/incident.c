/* SPDX-License-Identifier: MIT */
/* Lists of the open incident; see incident.h. */
#include "diagnosis/incident.h"

#include <errno.h>
#include <stdlib.h>

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

/* Room for one more row of `size`: the list, or NULL without memory. */
static void *room_make(void *rows, size_t n, size_t *room, size_t size)
{
	size_t more = *room > 0 ? 2 * *room : 16;
	void *grown;

	if (n < *room)
		return rows;
	grown = reallocarray(rows, more, size);
	if (grown != NULL)
		*room = more;
	return grown;
}

struct drop *incident_drop_add(struct incident *in, const struct drop *drop)
{
	struct drop *rows = room_make(in->drops, in->n_drops, &in->room_for_drops, sizeof *rows);

	if (rows == NULL)
		return NULL;
	in->drops = rows;
	rows[in->n_drops] = *drop;
	return &rows[in->n_drops++];
}

int incident_live_tunnel_add(struct incident *in, const struct live_tunnel *live)
{
	struct live_tunnel *rows = room_make(in->live_tunnels, in->n_live_tunnels, &in->room_for_live_tunnels,
	                                     sizeof *rows);

	if (rows == NULL)
		return -ENOMEM;
	in->live_tunnels = rows;
	rows[in->n_live_tunnels++] = *live;
	return 0;
}
