/* SPDX-License-Identifier: MIT */
/* Edit distance (insert, delete, replace, swap of neighbours) between short names. */
#include "options/suggest.h"

#include <stdio.h>
#include <string.h>

#define LONGEST 48

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above[j - 2] + 1 < row[j])
				row[j] = above[j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

void suggest_init(struct suggest *n, const char *typed)
{
	n->typed = typed;
	n->name = NULL;
	n->distance = strlen(typed) / 3 + 2; /* farther away it is another word */
}

void suggest_consider(struct suggest *n, const char *name)
{
	size_t distance = edit_distance(n->typed, name);

	if (distance < n->distance) {
		n->distance = distance;
		n->name = name;
	}
}

void suggest_hint(const struct suggest *n, char *out, size_t size)
{
	if (n->name)
		snprintf(out, size, "; did you mean \"%s\"?", n->name);
	else
		*out = '\0';
}
