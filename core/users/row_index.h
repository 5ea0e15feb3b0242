/* SPDX-License-Identifier: MIT */
/* Finds what two rows of a table of many users have in common: which row had a text first.  Pure. */
#ifndef T3OPS_USERS_ROW_INDEX_H
#define T3OPS_USERS_ROW_INDEX_H

#include <stddef.h>

struct row_index {
	void *tree; /* tsearch(3) */
};

/* The row that was put there with this text first: `row` itself if it is the first.  SIZE_MAX: no memory. */
size_t row_index_put(struct row_index *x, const char *text, size_t row);
void row_index_fini(struct row_index *x);

#endif
