/* SPDX-License-Identifier: MIT */
/* Counting who still needs a text; see shared_text.h. */
#include "monitor/shared_text.h"

#include <stdlib.h>

struct shared_text *shared_text_new(struct buf *bytes)
{
	struct shared_text *t = malloc(sizeof *t);

	if (t == NULL)
		buf_fini(bytes);
	else
		*t = (struct shared_text){.bytes = *bytes, .holders = 1};
	*bytes = (struct buf){0};
	return t;
}

struct shared_text *shared_text_hold(struct shared_text *t)
{
	t->holders++;
	return t;
}

void shared_text_release(struct shared_text *t)
{
	if (t == NULL || --t->holders > 0)
		return;
	buf_fini(&t->bytes);
	free(t);
}
