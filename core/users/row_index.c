/* SPDX-License-Identifier: MIT */
/* Rows by a text; see row_index.h. */
#include "users/row_index.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct row_text {
	size_t row;
	char text[];
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct row_text *)a)->text, ((const struct row_text *)b)->text);
}

size_t row_index_put(struct row_index *x, const char *text, size_t row)
{
	struct row_text *new = malloc(sizeof *new + strlen(text) + 1), **found;
	size_t first;

	if (!new)
		return SIZE_MAX;
	new->row = row;
	strcpy(new->text, text);
	found = tsearch(new, &x->tree, by_text);
	first = found ? (*found)->row : SIZE_MAX;
	if (!found || *found != new)
		free(new);
	return first;
}

void row_index_fini(struct row_index *x)
{
	tdestroy(x->tree, free);
	x->tree = NULL;
}
