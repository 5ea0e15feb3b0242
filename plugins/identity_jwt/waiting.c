/* SPDX-License-Identifier: MIT */
/* A list that grows; see waiting.h. */
#include "identity_jwt/waiting.h"

#include <stdlib.h>

bool waiting_add(struct waiting *w, t3ops_request_id r)
{
	if (w->n == w->room) {
		size_t room = w->room > 0 ? 2 * w->room : 16;
		t3ops_request_id *ids = reallocarray(w->ids, room, sizeof *ids);

		if (ids == NULL)
			return false;
		w->ids = ids;
		w->room = room;
	}
	w->ids[w->n++] = r;
	return true;
}

struct waiting waiting_take(struct waiting *w)
{
	struct waiting all = *w;

	*w = (struct waiting){0};
	return all;
}

void waiting_fini(struct waiting *w)
{
	free(w->ids);
	*w = (struct waiting){0};
}
